"""A target document is refused by the name of the field that is wrong; what it leaves out has a default."""

import json
from typing import Any

import pytest
from rotation.core.classes import CLASSES, DEFAULT_CLASS
from rotation.core.errors import TargetInvalid, TargetNotFound, TrafficElsewhere
from rotation.kinds.documents import owners_beside, rotated_by
from rotation.kinds.target import Source, Target, parse_target

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SQLCONF = {"kind": "sqlconf", "path": "default/sqlconf.php", "owner": "1001:102", "mode": "0640"}
SECRET = {"kind": "secret", "cluster": "main", "namespace": "openemr", "name": "openemr-db-credentials"}
DEPLOYMENT = {"kind": "deployment", "cluster": "main", "namespace": "openemr", "name": "openemr"}

LEAST: dict[str, Any] = {
    "slot_secret": "arn:slots",
    "admin_secret": "arn:admin",
    "source": {"kind": "mysql"},
    "consumers": [SQLCONF],
    "health": {"url": "https://emr.example.org/", "marker": "OpenEMR Login"},
}
WHOLE: dict[str, Any] = {
    **LEAST,
    "source": {"kind": "mysql", "ca": PEM, "readers": ["reader-1", "reader-2"]},
    "consumers": [SQLCONF, SECRET, DEPLOYMENT],
    "health": {"url": "http://emr", "status": 204, "marker": "Hello", "timeout_seconds": 2.5, "ca": PEM},
    "class": "90-days",
    "overlap_seconds": 60,
    "drain": {"quiet_seconds": 10, "deadline_seconds": 20},
    "rollout": {"deadline_seconds": 30},
}


def parse(document: Any) -> Target:
    return parse_target("openemr", json.dumps(document))


def with_(path: str, value: Any) -> dict[str, Any]:
    """WHOLE with one field, by its dotted path, set to something."""
    document: dict[str, Any] = json.loads(json.dumps(WHOLE))
    place: Any = document
    *way, last = path.split(".")
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return document


def test_everything_in_a_document_arrives() -> None:
    target = parse(WHOLE)
    assert (target.name, target.slot_secret, target.admin_secret) == ("openemr", "arn:slots", "arn:admin")
    assert target.source == Source("mysql", {"ca": PEM, "readers": ["reader-1", "reader-2"], "pooled": False})
    assert [(c.kind, c.settings) for c in target.consumers] == [
        ("sqlconf", {"path": "default/sqlconf.php", "owner": "1001:102", "mode": "0640"}),
        ("secret", {"cluster": "main", "namespace": "openemr", "name": "openemr-db-credentials"}),
        ("deployment", {"cluster": "main", "namespace": "openemr", "name": "openemr", "workload": "Deployment"}),
    ]
    health = target.health
    assert (health.url, health.status, health.marker, health.timeout_seconds, health.ca) == ("http://emr", 204, "Hello", 2.5, PEM)
    assert (target.overlap_seconds, target.quiet_seconds, target.drain_deadline_seconds) == (60, 10, 20)
    assert (target.rollout_deadline_seconds, target.rotation_class) == (30, CLASSES["90-days"])


def test_what_is_left_out_has_its_default() -> None:
    target = parse(LEAST)
    assert (target.source.settings, target.health.ca) == ({"ca": "rds", "readers": [], "pooled": False}, "system")
    assert (target.health.status, target.health.timeout_seconds, target.overlap_seconds) == (200, 10, 0)
    assert (target.quiet_seconds, target.drain_deadline_seconds, target.rollout_deadline_seconds) == (120, 3600, 3600)
    assert target.rotates_admin is True
    assert target.rotation_class is CLASSES[DEFAULT_CLASS]


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_can_be_named_and_says_how_long_both_logins_stay_valid(name: str) -> None:
    target = parse(LEAST | {"class": name})
    assert (target.rotation_class, target.overlap_seconds) == (CLASSES[name], CLASSES[name].overlap_seconds)
    assert parse(LEAST | {"class": name, "overlap_seconds": 0}).overlap_seconds == 0


def test_openemrs_own_owner_and_mode_are_a_sqlconfs_defaults() -> None:
    target = parse(LEAST | {"consumers": [{"kind": "sqlconf", "path": "default/sqlconf.php"}]})
    assert target.consumers[0].settings == {"path": "default/sqlconf.php", "owner": "1000:101", "mode": "0644"}


def test_half_of_the_drain_keeps_the_other_halfs_default() -> None:
    target = parse(LEAST | {"drain": {"quiet_seconds": 7}})
    assert (target.quiet_seconds, target.drain_deadline_seconds) == (7, 3600)


def test_one_documents_values_are_not_the_next_ones_defaults() -> None:
    parse(with_("drain.quiet_seconds", 1))
    assert parse(LEAST) == parse(LEAST)
    assert parse(LEAST).quiet_seconds == 120


@pytest.mark.parametrize("said", ["Deployment", "StatefulSet", "DaemonSet", None])
def test_a_workload_is_a_deployment_unless_the_document_says_otherwise(said: str | None) -> None:
    pods = parse(with_("consumers.2", {**DEPLOYMENT, **({"workload": said} if said else {})})).consumers[2]
    assert pods.settings["workload"] == (said or "Deployment")
    assert pods.known.change(pods.settings, "a", "b").startswith(f"{said or 'Deployment'} openemr/openemr: ")


@pytest.mark.parametrize(("kind", "holds"), [("sqlconf", True), ("secret", True), ("deployment", False)])
def test_a_deployment_is_the_consumer_that_holds_no_credential(kind: str, holds: bool) -> None:
    consumers = {consumer.kind: consumer for consumer in parse(WHOLE).consumers}
    assert consumers[kind].holds_credential is holds


def test_the_first_that_holds_a_credential_moves_the_traffic_unless_another_one_says_that_it_does() -> None:
    said = [SECRET, {**SQLCONF, "traffic": True}, DEPLOYMENT]
    assert [one.traffic for one in parse(WHOLE).consumers] == [True, False, False]
    assert [one.traffic for one in parse(WHOLE | {"consumers": said}).consumers] == [False, True, False]
    assert [one.kind for one in parse(WHOLE | {"consumers": said}).holding] == ["sqlconf", "secret"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    **{f"no {name}": ({k: v for k, v in LEAST.items() if k != name}, name) for name in LEAST},
    "an unknown key": (LEAST | {"quite_seconds": 1}, "quite_seconds"),
    "an unknown key of the drain": (with_("drain.quiet", 1), "quiet"),
    "an unknown source": (with_("source.kind", "oracle"), "source.kind"),
    "a certificate that is a path": (with_("source.ca", "/etc/ssl/ca.pem"), "source.ca"),
    "a reader without a name": (with_("source.readers.1", ""), "source.readers[1]"),
    "no consumers": (with_("consumers", []), "consumers"),
    "an unknown consumer": (with_("consumers.1.kind", "wp-config"), "consumers[1]"),
    "a sqlconf without a path": (with_("consumers.0", {"kind": "sqlconf"}), "consumers[0]"),
    "a sqlconf with a namespace": (with_("consumers.0.namespace", "x"), "consumers[0]"),
    "a path from the root": (with_("consumers.0.path", "/etc/sqlconf.php"), "consumers[0].path"),
    "a path upwards": (with_("consumers.0.path", "default/../../sqlconf.php"), "consumers[0].path"),
    "a path upwards at once": (with_("consumers.0.path", "../sqlconf.php"), "consumers[0].path"),
    "a path to a hidden file": (with_("consumers.0.path", "default/.sqlconf.php"), "consumers[0].path"),
    "a path that is served as text": (with_("consumers.0.path", "default/sqlconf.php.bak"), "consumers[0].path"),
    "a path with a line end": (with_("consumers.0.path", "default/sqlconf.php\n"), "consumers[0].path"),
    "an owner by name": (with_("consumers.0.owner", "apache:apache"), "consumers[0].owner"),
    "a mode that is a number": (with_("consumers.0.mode", 644), "consumers[0].mode"),
    "a mode that nobody can read by": (with_("consumers.0.mode", "0888"), "consumers[0].mode"),
    "a Secret without its cluster": (with_("consumers.1", {k: v for k, v in SECRET.items() if k != "cluster"}), "consumers[1]"),
    "a Deployment with a path": (with_("consumers.2.path", "x.php"), "consumers[2]"),
    "a namespace in capitals": (with_("consumers.2.namespace", "OpenEMR"), "consumers[2].namespace"),
    "a name with a slash": (with_("consumers.2.name", "a/b"), "consumers[2].name"),
    "a URL of another kind": (with_("health.url", "ftp://emr"), "health.url"),
    "a URL with a space": (with_("health.url", "http://emr/ x"), "health.url"),
    "an empty marker": (with_("health.marker", ""), "health.marker"),
    "a status that is none": (with_("health.status", 42), "health.status"),
    "a status that is a text": (with_("health.status", "200"), "health.status"),
    "no time at all": (with_("health.timeout_seconds", 0), "health.timeout_seconds"),
    "more time than the function has": (with_("health.timeout_seconds", 21), "health.timeout_seconds"),
    "an unknown class": (with_("class", "weekly"), "class"),
    "a negative overlap": (with_("overlap_seconds", -1), "overlap_seconds"),
    "an overlap longer than the machine waits": (with_("overlap_seconds", 172801), "overlap_seconds"),
    "no quiet period": (with_("drain.quiet_seconds", 0), "drain.quiet_seconds"),
    "a quiet period that is true": (with_("drain.quiet_seconds", True), "drain.quiet_seconds"),
    "half a second": (with_("drain.quiet_seconds", 0.5), "drain.quiet_seconds"),
    "a rollout longer than the budget": (with_("rollout.deadline_seconds", 14401), "rollout.deadline_seconds"),
    "two that move the traffic": (
        with_("consumers", [SQLCONF | {"traffic": True}, SQLCONF | {"traffic": True}]),
        "consumers[1].traffic",
    ),
    "traffic that ValidateApp cannot read back": (with_("consumers", [SECRET, DEPLOYMENT]), "consumers[0]"),
    "a deployment that moves the traffic": (with_("consumers.2.traffic", True), "consumers[2]"),
    "a sort of workload that is not restarted": (with_("consumers.2.workload", "CronJob"), "consumers[2].workload"),
    "only deployments": (with_("consumers", [DEPLOYMENT]), "consumers"),
}


@pytest.mark.parametrize(("document", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_document_is_refused_by_the_name_of_its_field(document: Any, field: str) -> None:
    with pytest.raises(TargetInvalid, match=r"^openemr: the target document is wrong: ") as caught:
        parse(document)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    ("consumers", "field"),
    [([SECRET, DEPLOYMENT], "consumers[0]"), ([DEPLOYMENT], "consumers"), ([DEPLOYMENT, SECRET, SQLCONF], "consumers[1]")],
    ids=["no sqlconf", "nothing to read at all", "sqlconf too late"],
)
def test_a_target_that_could_not_be_validated_is_told_the_field_and_the_way_out(consumers: Any, field: str) -> None:
    """Its first rotation would end RestoreFailed: ValidateApp reads no Secret, whichever way it publishes."""
    with pytest.raises(TargetInvalid) as caught:
        parse(with_("consumers", consumers))
    said = str(caught.value).removeprefix("openemr: the target document is wrong: ")
    kinds = "sqlconf or app-secret or vault-kv or lambda"
    assert said.startswith(f"{field}: what moves the traffic must be of kind {kinds}, since ValidateApp ")
    assert said.endswith("Put one of these first, or mark it with traffic: true")


def test_the_order_of_what_holds_no_credential_is_free() -> None:
    assert parse(with_("consumers", [DEPLOYMENT, SQLCONF, SECRET])).consumers[0].kind == "deployment"


@pytest.mark.parametrize("document", [[], None, "x", 1])
def test_a_document_that_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(TargetInvalid, match=r"^openemr: the target document is wrong: the document must be object$"):
        parse(document)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}"])
def test_a_document_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(TargetInvalid, match=r"^openemr: the target document is not JSON: "):
        parse_target("openemr", text)


LOGIN, ELSEWHERE = (f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf" for name in ("login", "elsewhere"))
PROXY_ARN, RECORD_ARN = (f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf" for name in ("proxy", "record"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secrets": [PROXY_ARN, "LOGIN"]}, r"consumers\[1\].secret: LOGIN is the consumers\[0\].secrets already"),
        ({"secrets": [PROXY_ARN, RECORD_ARN]}, r"consumers\[0\].secrets: \S+ is the slot_secret already"),
        ({"admin_secret": RECORD_ARN}, "admin_secret: \\S+ is the slot_secret already"),
    ],
    ids=["the application's own as a proxy's", "the record as a proxy's", "the record as the admin's"],
)
def test_a_secret_with_two_meanings_is_refused_by_its_field(changes: dict[str, Any], said: str) -> None:
    """What is written for one reader would be wrong for the other."""
    secrets = [LOGIN if one == "LOGIN" else one for one in changes.get("secrets", [PROXY_ARN, ELSEWHERE])]
    document = json.loads(shop({"kind": "proxy-secret", "secrets": secrets}, app_secret(LOGIN)))
    document |= {"slot_secret": RECORD_ARN} | {key: value for key, value in changes.items() if key != "secrets"}
    with pytest.raises(TargetInvalid, match=said.replace("LOGIN", LOGIN) + ": name a secret of its own"):
        parse_target("a", json.dumps(document))


def test_who_rotates_the_same_admin_is_named() -> None:
    shared, left = LEAST | {"rotates_admin": True}, LEAST | {"rotates_admin": False}
    others = {"first": shared, "second": left, "third": LEAST | {"admin_secret": "arn:else"}, "openemr": LEAST}
    documents = {name: json.dumps(one) for name, one in others.items()} | {"broken": '{"admin_secret": "arn:admin"}'}
    assert owners_beside(parse(LEAST), documents) == ["first"]
    assert owners_beside(parse(left), documents) == []


# ---- which target a secret is of ------------------------------------------------------------------------------------------------


def shop(*consumers: dict[str, Any]) -> str:
    """An application that reads a secret."""
    common = {"slot_secret": "arn:record", "admin_secret": "arn:admin", "source": {"kind": "mysql"}}
    health = {"url": "https://shop.example/health", "marker": "database: up"}
    return json.dumps({**common, "consumers": list(consumers), "health": health})


def app_secret(arn: str, **more: Any) -> dict[str, Any]:
    return {"kind": "app-secret", "secret": arn, "application_cache_seconds": 60, **more}


FILE = {"kind": "sqlconf", "path": "default/sqlconf.php"}


def test_a_target_is_found_by_the_secret_that_moves_its_traffic() -> None:
    documents = {"a": shop(app_secret(ELSEWHERE)), "b": shop(app_secret(LOGIN)), "broken": "{", "c": shop(FILE)}
    assert rotated_by(LOGIN, documents).name == "b"


def test_a_secret_that_no_target_names_is_refused() -> None:
    with pytest.raises(TargetNotFound, match=f"no target document names {LOGIN}: say it as a consumer of kind app-secret"):
        rotated_by(LOGIN, {"a": shop(app_secret(ELSEWHERE))})


@pytest.mark.parametrize(
    ("document", "mover"),
    [
        (shop(FILE, app_secret(LOGIN)), "sqlconf"),
        (shop(app_secret(LOGIN), {**FILE, "traffic": True}), "sqlconf"),
        (shop(app_secret(LOGIN), app_secret(ELSEWHERE, traffic=True)), "app-secret"),
        (shop(FILE).replace("arn:record", LOGIN), "sqlconf"),
    ],
)
def test_a_secret_that_moves_no_traffic_is_refused_with_what_does(document: str, mover: str) -> None:
    with pytest.raises(
        TrafficElsewhere, match=rf"a: Secrets Manager cannot rotate {LOGIN}, .*\({mover} does\): start the state machine"
    ):
        rotated_by(LOGIN, {"a": document})


def test_two_targets_of_one_secret_are_refused() -> None:
    with pytest.raises(TargetInvalid, match=f"b: {LOGIN} moves the traffic of a already"):
        rotated_by(LOGIN, {"a": shop(app_secret(LOGIN)), "b": shop(app_secret(LOGIN))})


def test_what_keeps_every_users_password_stands_before_what_moves_the_traffic() -> None:
    proxies = {"kind": "proxy-secret", "secrets": [ELSEWHERE, f"{ELSEWHERE}2"]}
    assert parse_target("a", shop(proxies, app_secret(LOGIN))).rotated_secret == LOGIN
    with pytest.raises(TargetInvalid, match=r"consumers\[1\]: it keeps every user's password: put it before consumers\[0\]"):
        parse_target("a", shop(app_secret(LOGIN), proxies))
