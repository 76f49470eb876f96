"""A description that is wrong is refused with its field and the way out; a target that does not say what it asks for likewise."""

import json
from copy import deepcopy
from typing import Any

import pytest
from rotation.core.errors import SourceRefused, TargetInvalid
from rotation.core.model import RotationStep, SecretText, Slot
from rotation.core.record import Record
from rotation.core.situation import Action, Decision
from rotation.kinds.kind import Lack
from rotation.kinds.plan import plan
from rotation.kinds.target import parse_target
from rotation.protocol.survey import check_written
from rotation.sources.http_api_key import answers, description
from rotation.sources.http_api_key.answers import Answer, Named, Page
from rotation.sources.http_api_key.kind import KIND, beyond, lacks

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
OURS: dict[str, Any] = {
    "provider": "Our CRM",
    "docs": "https://crm.example/docs",
    "host": "api.crm.example",
    "values": {"team": "The team's id"},
    "scopes": {"is": "list", "about": "Such as [\"read\"]"},
    "headers": {"Authorization": "Bearer {admin}"},
    "list": {"path": "/teams/{team}/keys", "keys": "/keys", "id": "/id", "name": "/label", "created": "/made", "used": "/used"},
    "issue": {
        "path": "/teams/{team}/keys",
        "body": {"label": "{name}", "scopes": "{scopes}"},
        "id": "/id",
        "secret": "/secret",
    },
    "delete": {"path": "/teams/{team}/keys/{id}"},
    "try": {
        "path": "/me",
        "headers": {"Authorization": "Bearer {secret}"},
        "accepted": {"200": {"at": "/id"}},
        "refused": {"401": {}},
    },
    "cannot": {"deactivate": "it only deletes"},
}  # fmt: skip
HERE = Named("Our CRM", "list")


def changed(**places: Any) -> dict[str, Any]:
    """`issue__body`: None takes it out."""
    said = deepcopy(OURS)
    for place, value in places.items():
        *path, last = place.split("__")
        inside = said
        for step in path:
            inside = inside[step]
        if value is None:
            del inside[last]
        else:
            inside[last] = value
    return said


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no provider": ({"provider": None}, "must contain .*provider"),
    "a key that is unknown": ({"lists": {}}, "must not contain .*lists"),
    "no list": ({"list": None}, r"list is missing: describe it, or say in cannot.list why"),
    "no end": ({"delete": None}, "delete is missing"),
    "both": ({"cannot__delete": "no"}, "cannot.delete: delete is there: take out one of the two"),
    "a list that tells no name": ({"list__name": None}, "list.name is missing"),
    "a list that tells no use": ({"list__used": None}, "list.used is missing"),
    "an address": ({"list__path": "https://crm.example/keys"}, "list.path is not that: A path that begins with /"),
    "a query in the path": ({"list__path": "/keys?all=1"}, "list.path is not that"),
    "a place that is none": ({"list__keys": "keys"}, "list.keys is not that: A JSON pointer"),
    "a method that changes nothing": ({"delete__method": "GET"}, "delete.method must be one of"),
    "a field that is unknown": ({"delete__path": "/keys/{key}"}, "delete.path: the field at character 7 is unknown. There are"),
    "a brace": ({"delete__path": "/keys/{id"}, "delete.path: the brace at character 7"),
    "the admin's key in an address": ({"list__query": {"key": "{admin}"}}, "list.query.key: .*a secret stands in headers"),
    "a key in an address": ({"try__query": {"key": "{secret}"}}, "try.query.key: .*a secret stands in headers"),
    "a key in a body": ({"try__body": {"key": "{secret}"}}, "try.body.key: .*a secret stands in headers"),
    "the admin's key where a key is tried": ({"try__headers": {"Authorization": "Bearer {admin}"}}, "try.headers.Authorization"),
    "a try that sends no key": ({"try__headers": {"Accept": "text/json"}}, r"no header has \{secret\}"),
    "a try that refuses nothing": ({"try__refused": {}}, "try.refused"),
    "a status that is none": ({"try__accepted": {"OK": {}}}, "try.accepted"),
    "scopes that nobody sends": ({"issue__body": {"label": "{name}"}}, r"issue: nothing sends \{scopes\}"),
    "scopes that nobody says": ({"scopes": None}, r"scopes is missing: issue sends \{scopes\}"),
    "a name that nobody sends": ({"issue__body": {"scopes": "{scopes}"}}, r"issue: nothing sends \{name\}"),
    "an end without an end": ({"issue__expires": {"days": 9, "as": "date"}}, "issue.expires"),
    "two bodies": ({"issue__form": {"label": "{name}"}}, "issue.form: there is a body too"),
    "two logins": ({"basic": {"user": "{admin_id}", "password": "{admin}"}}, "basic is the header Authorization"),
    "a value that there is already": ({"values": {"admin": "x"}}, "values.admin: there is a field of that name already"),
    "two ways to page": ({"list__paging": {"link": True, "page": "page"}}, "list.paging: there has to be one of"),
    "a cursor that nobody sends": ({"list__paging": {"cursor": "/next"}}, "cursor and parameter go together"),
    "a deactivation that nobody sees": (
        {"deactivate": {"path": "/teams/{team}/keys/{id}/off", "method": "POST"}, "cannot": {}},
        "list.active is missing",
    ),
}


@pytest.mark.parametrize(("places", "said"), WRONG.values(), ids=WRONG)
def test_a_description_that_is_wrong_names_the_field_and_the_way_out(places: dict[str, Any], said: str) -> None:
    with pytest.raises(TargetInvalid, match=f"^description.*{said}"):
        description.parse(changed(**places))


def target(**source: Any) -> str:
    settings = {"kind": "http-api-key", "description": OURS, "values": {"team": "t1"}, "scopes": ["read"], **source}
    return json.dumps(
        {
            "slot_secret": ARN + "record",
            "admin_secret": ARN + "admin",
            "source": {name: value for name, value in settings.items() if value is not None},
            "consumers": [{"kind": "app-secret", "secret": ARN + "app", "application_cache_seconds": 60}],
        }
    )


def test_a_target_with_a_description_of_its_own() -> None:
    found = parse_target("crm", target())
    assert found.source.settings["ca"] == "system"
    assert list(beyond(found.source.settings, {"ApiHosts": "api.crm.example,another.example"})) == []
    (said,) = beyond(found.source.settings, {"ApiHosts": "another.example"})
    assert said == "source host api.crm.example: the functions may ask another.example (parameter ApiHosts)"
    said = "Our CRM deactivates no key: it only deletes; the old key is deleted at once, without a look in between"
    assert list(lacks(found.source.settings)) == [Lack("RotateOldSlot", said, idle=True)]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is none": ({"description": "crm"}, "source.description: crm is none that is shipped .*sendgrid.*write it out"),
    "no scopes": ({"scopes": None}, "source.scopes is missing: Our CRM would give a key more than it needs, or none. Such as"),
    "empty scopes": ({"scopes": []}, "source.scopes is missing"),
    "scopes of another sort": ({"scopes": "read"}, "source.scopes: Our CRM takes a list"),
    "no value": ({"values": {}}, "source.values.team is missing: The team's id"),
    "one value too many": ({"values": {"team": "t", "unit": "u"}}, "source.values.unit: .* asks for team: leave it out"),
    "who issues none": ({"description": "stripe", "scopes": None, "values": None}, "Stripe cannot list: .* by hand"),
    "a host with a path": ({"description": changed(host="crm.example/api")}, "source.description.host is no host name"),
    "a host of another scheme": ({"description": changed(host="http://crm.example")}, "source.description.host is no host name"),
    "dedicated, where keys have names": ({"dedicated": True}, "source.dedicated: .* carry a name"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), BAD.values(), ids=BAD)
def test_a_target_that_is_wrong_names_the_field_and_the_way_out(source: dict[str, Any], said: str) -> None:
    with pytest.raises(TargetInvalid, match=said):
        parse_target("crm", target(**source))


def test_the_kind_says_that_it_issues_keys() -> None:
    assert KIND.issues_keys
    assert KIND.needs_admin


# Answers

DOCUMENT = {"a": [{"b/c": 1, "~": None}]}


@pytest.mark.parametrize(
    ("place", "found"),
    {
        "": DOCUMENT,
        "/a/0/b~1c": 1,
        "/a/0/~0": answers.NOTHING,
        "/a/1": answers.NOTHING,
        "/a/b": answers.NOTHING,
    }.items(),
)
def test_a_place_is_a_json_pointer(place: str, found: Any) -> None:
    assert answers.at(DOCUMENT, place) == found


def test_a_sign_is_of_its_own_type() -> None:
    assert answers.shows({"ok": True}, {"at": "/ok", "is": True})
    assert not answers.shows({"ok": 1}, {"at": "/ok", "is": True})
    assert answers.shows({"ok": 0}, {"at": "/ok"})
    assert not answers.shows({"ok": None}, {"at": "/ok"})


MOMENT = 1_700_000_000


@pytest.mark.parametrize(
    ("how", "written"),
    [
        ("iso", "2023-11-14T22:13:20Z"),
        ("iso", "2023-11-14T22:13:20"),
        ("iso", "2023-11-14T23:13:20.000000000+01:00"),
        ("rfc2822", "Tue, 14 Nov 2023 22:13:20 +0000"),
        ("seconds", MOMENT),
        ("seconds", str(MOMENT)),
        ("milliseconds", MOMENT * 1000),
    ],
)
def test_a_moment_is_read_as_it_is_written(how: str, written: Any) -> None:
    assert answers.moment(HERE, {"at": written}, "/at", how) == MOMENT


@pytest.mark.parametrize("written", [None, "", 0])
def test_what_never_was_is_no_moment(written: Any) -> None:
    assert answers.moment(HERE, {"at": written}, "/at", "iso") is None


def test_a_date_of_another_sort_is_said_to_be_one() -> None:
    with pytest.raises(SourceRefused, match=r"Our CRM, list: what stands at /at is no date as dates \(iso\) says"):
        answers.moment(HERE, {"at": "last week"}, "/at", "iso")


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/keys?page=2",
        "http://api.crm.example/keys?page=2",
        "//elsewhere.example/keys",
        "https://api.crm.example@elsewhere.example/",
        "https://api.crm.example:8443/keys",
        "keys?page=2",
        "/keys\r\nHost: elsewhere.example",
        "/keys page",
    ],
)
def test_a_next_page_is_asked_for_on_the_same_host_alone(address: str) -> None:
    page = Page(Answer(200, {"next": address}), 3, 1)
    with pytest.raises(SourceRefused, match=r"another host|is none"):
        answers.following(HERE, "api.crm.example", {"next": "/next"}, page)


def test_the_address_of_the_next_page() -> None:
    page = Page(Answer(200, {"next": "https://API.crm.example/keys?page=2"}, '<https://api.crm.example/k?p=3>; rel="next"'), 3, 1)
    by_place = answers.following(HERE, "api.crm.example", {"next": "/next"}, page)
    by_header = answers.following(HERE, "api.crm.example", {"link": True}, page)
    assert (by_place and by_place.target, by_header and by_header.target) == ("/keys?page=2", "/k?p=3")
    last = Page(Answer(200, {"next": None}, '<https://api.crm.example/k?p=1>; rel="first"'), 3, 1)
    assert answers.following(HERE, "api.crm.example", {"next": "/next"}, last) is None
    assert answers.following(HERE, "api.crm.example", {"link": True}, last) is None


def test_a_dry_run_says_what_the_provider_cannot() -> None:
    """Where it shows."""
    text = json.dumps({"active_slot": "A", "turns": "keys", "A": {"username": "k1", "password": "canary"}, "B": {}})
    current = Record.parse(SecretText(text), "arn")
    decision = Decision(Action.PUBLISH, Slot.B, current.with_active(Slot.B), RotationStep.FLIP, "id", "because", Slot.A)
    steps = {one["state"]: one["change"] for one in plan(decision, parse_target("crm", target()), "k1")}
    assert steps["RotateOldSlot"].startswith("nothing. Our CRM deactivates no key: it only deletes")
    assert "issued" in steps["SyncUsers"]
    assert "canary" not in json.dumps(steps)


def test_a_key_needs_no_place_in_the_record() -> None:
    """Although there is an admin, as of a database."""
    text = json.dumps({"active_slot": "A", "turns": "keys", "A": {"username": "k1", "password": "canary"}, "B": {}})
    check_written(parse_target("crm", target()), Record.parse(SecretText(text), "arn"))
