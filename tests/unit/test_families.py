"""Each kind of application alone: the template asks only for what it uses, makes only that, and refuses half of it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rotation.core import errors
from rotation.kinds.target import parse_target

from local.decided import Refused, Template, decided, demand
from local.iam.conditions import listed
from local.iam.template import Resolved
from local.translation import translate
from local.yaml_text import read_yaml
from tests.pages import rows, section
from tests.statemachine.machine import shipped, states
from tests.worlds.families import (
    APPLICATION_SECRET,
    DIRECT,
    EVERYBODY,
    FAMILIES,
    OPENEMR,
    PROXY_SECRETS,
    RDS_PROXY,
    SECRETS,
    WORDPRESS,
    WORKLOADS,
    WORKLOADS_CONSUMERS,
    target_text,
)

ROOT = Path(__file__).parents[2]
BEFORE: dict[str, Any] = json.loads(Path(__file__).with_name("openemr_stack.json").read_text())
"""An OpenEMR stack as it was when the template knew no other application."""

each_family = pytest.mark.parametrize("family", FAMILIES)


@cache
def template() -> Template:
    return translate(ROOT)


def made(family: str) -> Template:
    """CloudFormation takes these parameters, and makes this of them. What names something that is left out is refused."""
    demand(template(), FAMILIES[family])
    return decided(template(), FAMILIES[family])


def named(stack: Template, part: str) -> list[str]:
    """Without the digest that SAM gives to a layer's name."""
    return [re.sub(r"(?<=Layer)[0-9a-f]{10}$", "", name) for name in stack[part]]


# ---- what is asked for -------------------------------------------------------------------------------------------------------


CHOICE = ("HealthMarker", "ProxySecretArns", "InstancesApp", "Namespace")
"""The first has a default; without the second the endpoint is one that needs not be told of passwords; without the third there are
no instances to be told; the fourth has a default."""
OF_PODS = ("ClusterName", "OtherConsumers")
"""Beside a secret: without the first no pods are restarted, without the second only those of further targets."""


@pytest.mark.parametrize(
    ("family", "name"),
    [
        (family, name)
        for family, given in FAMILIES.items()
        for name in given
        if name not in CHOICE and not (family == "pods of services" and name in OF_PODS)
    ],
)
def test_each_parameter_of_the_application_is_demanded_by_its_name(family: str, name: str) -> None:
    rest = {key: value for key, value in FAMILIES[family].items() if key != name}
    with pytest.raises(Refused, match=name):
        demand(template(), rest)


@each_family
def test_nothing_else_is_demanded(family: str) -> None:
    made(family)


HALVES: dict[str, tuple[dict[str, str], str]] = {
    "nobody's login": (EVERYBODY, "Whose login is rotated"),
    "two applications": (OPENEMR | DIRECT, "One stack is for one application"),
    "files without a cluster": (OPENEMR | {"ClusterName": "none"}, "OpenEMR needs all of"),
    "a cluster alone": (EVERYBODY | {"ClusterName": "openemr-eks"}, "Whose login is rotated"),
    "a cluster and a page": (
        {name: one for name, one in OPENEMR.items() if not name.startswith("Sites")}, "Whose login is rotated",
    ),
    "files of no access point": (OPENEMR | {"SitesAccessPointArn": "none"}, "OpenEMR needs all of"),
    "instances without a secret": (
        OPENEMR | {"InstancesApp": "blog"}, "from which secret do the instances read their login",
    ),
    "a path that is a command": (WORDPRESS | {"WpConfigPath": "/a'; reboot"}, "WpConfigPath failed to satisfy constraint"),
    "an access point beside a secret": (
        DIRECT | {"SitesAccessPointArn": OPENEMR["SitesAccessPointArn"]}, "OpenEMR needs all of",
    ),
    "a cache of no secret": (OPENEMR | {"ApplicationCacheSeconds": "60"}, "go together"),
    "an endpoint without a port": (DIRECT | {"EndpointHost": "proxy.internal"}, "EndpointHost and EndpointPort go together"),
    "a port without a host": (DIRECT | {"EndpointPort": "3306"}, "EndpointHost and EndpointPort go together"),
    "a proxy that nobody logs in at": (
        DIRECT | {"ProxySecretArns": ",".join(PROXY_SECRETS)}, "a login through the proxy works",
    ),
    "nothing that shows a working application": (DIRECT | {"HealthUrl": "none"}, "Nothing would show"),
    "one proxy secret": (RDS_PROXY | {"ProxySecretArns": PROXY_SECRETS[0]}, "ProxySecretArns failed to satisfy constraint"),
    "a port that is text": (RDS_PROXY | {"EndpointPort": "mysql"}, "EndpointPort failed to satisfy constraint"),
    "a cache of minutes": (RDS_PROXY | {"ApplicationCacheSeconds": "5m"}, "ApplicationCacheSeconds failed to satisfy constraint"),
    "an ARN of something else": (
        RDS_PROXY | {"ApplicationSecretArn": EVERYBODY["SecretsKmsKeyArn"]}, "ApplicationSecretArn failed to satisfy constraint",
    ),
    "a source that is none": (RDS_PROXY | {"SourceKind": "oracle"}, "SourceKind failed to satisfy constraint"),
    "a quiet period of nothing": (RDS_PROXY | {"QuietSeconds": "0"}, "QuietSeconds failed to satisfy constraint"),
    "other consumers that are none": (
        OPENEMR | {"OtherConsumers": "parameter"}, "OtherConsumers failed to satisfy constraint",
    ),
    "a parameter that is not there": (OPENEMR | {"EfsArn": "none"}, "EfsArn"),
}  # fmt: skip


@pytest.mark.parametrize("what", HALVES)
def test_half_an_application_is_refused_with_the_way_out(what: str) -> None:
    given, sentence = HALVES[what]
    with pytest.raises(Refused, match=sentence):
        demand(template(), given)


def test_openemr_may_be_behind_a_proxy() -> None:
    behind = OPENEMR | {name: RDS_PROXY[name] for name in ("ProxySecretArns", "EndpointHost", "EndpointPort")}
    demand(template(), behind)
    functions = named(decided(template(), behind), "Resources")
    assert {"WriteSqlconfFunction", "PutSecretFunction", "CheckLoginFunction"} <= set(functions)
    target = parse_target("app", target_text(template(), behind))
    assert [one.kind for one in target.consumers] == ["proxy-secret", "sqlconf", "secret", "deployment"]
    assert target.holding[0].kind == "sqlconf"


def test_any_application_may_have_pods() -> None:
    """Its target gets what OtherConsumers says, and nothing of OpenEMR's."""
    demand(template(), WORKLOADS)
    consumers = json.loads(target_text(template(), WORKLOADS))["consumers"]
    assert [one["kind"] for one in consumers] == ["app-secret", "secret", "secret", "deployment", "deployment"]
    assert consumers[1:] == WORKLOADS_CONSUMERS
    target = parse_target("app", target_text(template(), WORKLOADS))
    assert target.moved_by.kind == "app-secret"


def test_of_the_cluster_it_has_what_openemr_has() -> None:
    """The functions, their layers, whom the cluster lets in; which states there are, ReadSlots is told."""
    theirs, ours = (decided(template(), given)["Resources"] for given in (OPENEMR, WORKLOADS))
    steps = ("PatchSecret", "RestartApp", "CheckRollout")
    own = {*(f"{step}Function" for step in steps), *(f"{step}Role" for step in steps), "ReachClusterPolicy"}
    own |= {name for name in theirs if name.endswith("AccessEntry") or name.startswith("KubernetesLayer")}
    assert own <= set(ours)
    assert not {"WriteSqlconfFunction", "ReadSitesPolicy"} & set(ours)
    reach = [
        {name for name, one in resources.items() if name.endswith("Role") and "ReachClusterPolicy" in json.dumps(one)}
        for resources in (theirs, ours)
    ]
    assert reach[1] - reach[0] == {"ValidateAppRole"}, "it reads back what pods start with; OpenEMR's read a file"
    assert reach[0] < reach[1]
    assert "KubernetesLayer" in json.dumps(ours["ValidateAppFunction"]["Properties"]["Layers"])
    assert "ValidateAppAccessEntry" in ours
    states = ours["ReadSlotsFunction"]["Properties"]["Environment"]["Variables"]["CONSUMER_STATES"]
    assert states == {"Fn::Join": [",", ["PatchSecret", "PutSecret", "RestartApp"]]}
    by_others = decided(template(), WORKLOADS | {"CreateAccessEntries": "false"})["Resources"]
    assert not [name for name in by_others if name.endswith("AccessEntry")]


# ---- what is made ------------------------------------------------------------------------------------------------------------


def test_an_openemr_stack_is_made_of_what_it_was_made_of() -> None:
    """Under the same names, or an update would make them anew."""
    stack = made("OpenEMR")
    assert sorted(named(stack, "Resources")) == sorted(BEFORE["resources"])
    assert sorted(named(stack, "Outputs")) == sorted(BEFORE["outputs"])
    assert json.loads(target_text(template(), OPENEMR)) == BEFORE["target"]


def test_nothing_of_instances_is_made_for_an_application_without_them() -> None:
    for family in ("OpenEMR", "RDS Proxy", "a secret without a proxy"):
        text = json.dumps(made(family)["Resources"]).replace("not-deployed-InstancesApp-is-none", "")
        assert not re.findall(r"WriteWpConfig(Function\"|Role)|WpConfigDocument|SendCommand|InstancesPolicy", text), family


def test_instances_are_told_by_one_document_and_only_those_with_the_tag() -> None:
    resolved = Resolved(template(), WORDPRESS, {})
    for role in ("WriteWpConfigRole", "CheckDrainedRole"):
        granted = [one for many in resolved.statements(role).values() for one in many if "ssm:SendCommand" in listed(one["Action"])]
        document, instances = sorted(granted, key=lambda one: "Condition" in one)
        assert str(document["Resource"]).endswith("-wp-config")
        assert instances["Condition"] == {"StringEquals": {"ssm:resourceTag/app": "blog"}}
    senders = {name for name in resolved.roles() if "ssm:SendCommand" in str(resolved.statements(name))}
    assert senders == {"WriteWpConfigRole", "FixPermissionsRole", "CheckDrainedRole"}


def test_the_document_is_the_one_that_is_tested_on_real_php() -> None:
    content = made("WordPress")["Resources"]["WpConfigDocument"]["Properties"]["Content"]
    assert content == {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "instances/wp-config.document.yaml"}}}
    assert (ROOT / "instances/wp-config.document.yaml").exists()


def test_the_target_of_wordpress_on_instances() -> None:
    """The version is put before instances are told of it, and current once they have it."""
    target = parse_target("app", target_text(template(), WORDPRESS | {"SlowestBootSeconds": "90"}))
    assert [one.kind for one in target.consumers] == ["wp-config", "app-secret"]
    assert target.moved_by.kind == "app-secret"
    told = target.consumers[0].settings
    assert (told["app"], told["path"], told["marker"]) == ("blog", "/var/www/html/wp-config.php", "")
    assert told["document"].endswith("-wp-config")
    assert target.cache_seconds == 90


@pytest.mark.parametrize("family", ["RDS Proxy", "a secret without a proxy", "WordPress"])
def test_nothing_of_efs_or_eks_is_made_for_an_application_without_them(family: str) -> None:
    stack = made(family)
    text = json.dumps(stack["Resources"])
    assert not re.findall(r"elasticfilesystem|\beks\b|EKS|KubernetesLayer|/mnt/sites|SitesAccess|ClusterName\"", text)
    assert {"KubernetesRoleArns", "SitesWriterRoleArns"} & set(stack["Outputs"]) == set()
    gone = set(named(made("OpenEMR"), "Resources")) - set(named(stack, "Resources"))
    own = () if family == "WordPress" else ("FixPermissions",)
    steps = ("WriteSqlconf", "PatchSecret", "RestartApp", "CheckRollout", *own)
    assert gone == {
        *(f"{step}{what}" for step in steps for what in ("Function", "Role")),
        *(name for name in BEFORE["resources"] if name.endswith("AccessEntry")),
        *("KubernetesLayer", "ReadSitesPolicy", "WriteSitesPolicy", "ReachClusterPolicy"),
    }


def test_the_driver_of_postgresql_is_made_for_postgresql_alone() -> None:
    """And every function has it then: which of them reaches the database is the machine's to say."""
    for family, given in FAMILIES.items():
        assert "PostgresqlLayer" not in json.dumps(decided(template(), EVERYBODY | given)["Resources"]), family
    resources = decided(template(), RDS_PROXY | {"SourceKind": "postgresql"})["Resources"]
    functions = [one for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    assert functions
    assert all("PostgresqlLayer" in json.dumps(one["Properties"]["Layers"]) for one in functions)


@pytest.mark.parametrize(
    "more",
    [
        {"ApiHosts": "api.example"},
        {"AccessKeysOfUsers": "apps/*"},
        {"PkiHosts": "vault.example"},
        {"AcmeHosts": "acme.example", "AcmeZoneId": "Z0123456789"},
    ],
)
def test_who_has_keys_issued_for_a_further_target_may_record_them(more: dict[str, str]) -> None:
    alone, both = (decided(template(), RDS_PROXY | given)["Resources"]["SyncUsersRole"]["Properties"] for given in ({}, more))
    added = [one for one in both["ManagedPolicyArns"] if one not in alone["ManagedPolicyArns"]]
    assert added == [{"Ref": "PutSlotVersionPolicy"}, {"Ref": "MoveSlotLabelsPolicy"}]


def test_a_further_kind_of_database_brings_its_driver_and_changes_nothing_of_the_stack_s_own_target() -> None:
    alone, both = (
        decided(template(), RDS_PROXY | {"SourceKind": "postgresql", **more})["Resources"]
        for more in ({}, {"FurtherSourceKind": "redis"})
    )
    assert both["DefaultTargetParameter"] == alone["DefaultTargetParameter"]
    functions = [one for one in both.values() if one["Type"] == "AWS::Lambda::Function"]
    for layer in ("PostgresqlLayer", "RedisLayer"):
        assert all(layer in json.dumps(one["Properties"]["Layers"]) for one in functions)


REDIS = read_yaml((ROOT / "examples/redis/parameters.yaml").read_text())


def test_the_driver_of_redis_is_made_for_redis_alone_and_the_example_is_a_target() -> None:
    demand(template(), REDIS)
    resources = decided(template(), REDIS)["Resources"]
    functions = [json.dumps(one["Properties"]["Layers"]) for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    assert all("RedisLayer" in layers and "PostgresqlLayer" not in layers for layers in functions)
    assert "RedisLayer" not in json.dumps(decided(template(), DIRECT)["Resources"])
    source = parse_target("shop", target_text(template(), REDIS)).source
    assert (source.kind, source.settings["nodes"], source.settings["pooled"]) == ("redis", REDIS["ReaderHosts"].split(","), False)


def test_redis_needs_an_authority_that_vouches_for_it() -> None:
    with pytest.raises(Refused, match="Who signed the certificates of Redis"):
        demand(template(), {name: one for name, one in REDIS.items() if name != "DatabaseCa"})


SIGNING = read_yaml((ROOT / "examples/signing-keys/parameters.yaml").read_text())


def test_the_library_that_signs_is_made_for_signing_keys_alone_and_the_example_is_a_target() -> None:
    demand(template(), SIGNING)
    resources = decided(template(), SIGNING)["Resources"]
    functions = [json.dumps(one["Properties"]["Layers"]) for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    assert all("SigningLayer" in layers and "RedisLayer" not in layers for layers in functions)
    others = json.dumps(decided(template(), DIRECT)["Resources"])
    assert not [word for word in ("SigningLayer", "JwksPolicy") if word in others]
    target = parse_target("shop", target_text(template(), SIGNING))
    assert (target.source.kind, target.admin_secret) == ("signing-key", "")
    assert target.source.settings == {
        "jwks": "s3://shop-public/.well-known/jwks.json",
        "algorithm": "EdDSA",
        "jwks_cache_seconds": 300,
        "token_life_seconds": 3600,
    }


@pytest.mark.parametrize("reader", ["none", f"{SECRETS}jwks-reader-a1b2c3"])
def test_a_set_of_keys_in_a_vault_is_read_with_a_login_and_nothing_in_s3_is(reader: str) -> None:
    source = json.loads(SIGNING["OtherSource"]) | {"algorithm": "HS256"}
    del source["jwks"]
    login = f"{SECRETS}jwks-login-a1b2c3"
    vault = {"address": "https://vault.example", "ca": "-----BEGIN CERTIFICATE-----", "mount": "secret", "path": "shop/jwks"}
    source["vault"] = {**vault, "login": {"method": "approle", "role": "writer", "secret": login}}
    given = {name: one for name, one in SIGNING.items() if not name.startswith("Jwks")}
    given |= {"OtherSource": json.dumps(source), "JwksHosts": "vault.example", "JwksLoginSecretArn": login}
    given |= {"JwksReaderSecretArn": reader}
    demand(template(), given)
    resources = decided(template(), given)["Resources"]
    policies = {name for name in resources if "Jwks" in name}
    others = {"ReadSharedJwksLoginPolicy"} if reader == "none" else {"ReadJwksReaderPolicy"}
    assert policies == {"ReadJwksLoginPolicy", *others}
    assert "VaultTokenExpiringSoonAlarm" in resources
    functions = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    assert all("SigningLayer" in json.dumps(one["Layers"]) for one in functions)
    assert all(one["Environment"]["Variables"]["JWKS_HOSTS"] == {"Ref": "JwksHosts"} for one in functions)
    assert parse_target("shop", target_text(template(), given)).source.settings["vault"]["field"] == "jwks"


def test_nothing_that_puts_secrets_is_made_for_openemr() -> None:
    text = json.dumps(made("OpenEMR")["Resources"])
    assert not re.findall(
        r"PutSecretFunction\"|CheckLoginFunction\"|ApplicationSecret|ProxySecret(?!Arns-is)",
        text.replace("not-deployed-ApplicationSecretArn-is-none", ""),
    )


def test_that_secrets_manager_could_not_rotate_raises_an_alarm_where_it_may_rotate() -> None:
    """The same as that of the other function that is no state: only the name differs."""
    alarm, other = (made("RDS Proxy")["Resources"][f"{name}FailedAlarm"]["Properties"] for name in ("RotateSecret", "TellOutcome"))
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "RotateSecretFunction"}}]
    own = ("AlarmName", "AlarmDescription", "Dimensions")
    assert {key: alarm[key] for key in alarm if key not in own} == {key: other[key] for key in other if key not in own}
    assert "RotateSecretFailedAlarm" not in made("OpenEMR")["Resources"]


ADMIN_ROLES = ("ClaimRotationRole", "RotateAdminRole")


@pytest.mark.parametrize("role", ADMIN_ROLES)
@pytest.mark.parametrize(("rotates", "writes"), [("true", True), ("false", False)])
def test_who_does_not_rotate_the_admin_may_not_write_its_secret(role: str, rotates: str, writes: bool) -> None:
    given = RDS_PROXY | {"RotatesAdmin": rotates, "BreakGlassRoleArn": "arn:aws:iam::123456789012:role/people"}
    granted = [
        one for many in Resolved(template(), given, {}).statements(role).values() for one in many if one["Effect"] == "Allow"
    ]
    actions = {action for one in granted if RDS_PROXY["AdminSecretArn"] in one["Resource"] for action in listed(one["Action"])}
    assert ("secretsmanager:PutSecretValue" in actions) is writes
    assert "secretsmanager:GetSecretValue" in actions
    assert ("AdminSecretGuard" in decided(template(), given)["Resources"]) is writes, "a guard would shut out the owner"
    assert parse_target("app", target_text(template(), given)).rotates_admin is writes


def test_nobody_waits_for_a_proxy_that_is_not_there() -> None:
    stack = named(made("a secret without a proxy"), "Resources")
    assert "PutSecretFunction" in stack
    assert not {"CheckLoginFunction", "CheckLoginRole", "ProxySecretsPolicy"} & set(stack)


# ---- the target --------------------------------------------------------------------------------------------------------------


def test_the_target_of_an_application_behind_a_proxy() -> None:
    document = json.loads(target_text(template(), RDS_PROXY | {"ReaderHosts": "r1.example"}))
    assert document["source"] == {"kind": "mysql", "ca": "rds", "readers": ["r1.example"]}
    assert document["consumers"] == [
        {"kind": "proxy-secret", "secrets": PROXY_SECRETS},
        {"kind": "app-secret", "secret": APPLICATION_SECRET, "application_cache_seconds": 300},
    ]
    assert document["endpoint"] == {"host": RDS_PROXY["EndpointHost"], "port": 3306, "ca": "amazon"}
    assert "health" not in document
    target = parse_target("app", json.dumps(document))
    assert (target.holding[0].kind, target.overlap_seconds) == ("app-secret", 300)


def test_the_target_of_an_application_without_a_proxy() -> None:
    document = json.loads(target_text(template(), DIRECT))
    assert document["consumers"] == [{"kind": "app-secret", "secret": APPLICATION_SECRET, "application_cache_seconds": 0}]
    assert (document["health"]["url"], document["health"]["marker"]) == (DIRECT["HealthUrl"], DIRECT["HealthMarker"])
    assert "endpoint" not in document
    assert parse_target("app", json.dumps(document)).endpoint is None


def test_a_pool_and_the_kind_of_database_come_into_the_target_as_they_were_given() -> None:
    given = RDS_PROXY | {"SourceKind": "postgresql", "Pooled": "true"}
    source = json.loads(target_text(template(), given))["source"]
    assert source == {"kind": "postgresql", "ca": "rds", "readers": [], "pooled": True}


def test_a_kind_that_the_template_does_not_know_comes_into_the_target_as_it_was_given() -> None:
    """Two here that it does: what is not known cannot be parsed."""
    keys = {"URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"}
    others = [
        {"kind": "app-secret", "secret": APPLICATION_SECRET, "application_cache_seconds": 5, "keys": keys},
        {"kind": "secret", "cluster": "main", "namespace": "shop", "name": "login", "keys": keys},
    ]
    endpoint = {name: RDS_PROXY[name] for name in ("EndpointHost", "EndpointPort")}
    given = EVERYBODY | endpoint | {"OtherConsumers": ", ".join(map(json.dumps, others))}
    demand(template(), given)
    document = target_text(template(), given)
    assert json.loads(document)["consumers"] == others
    assert parse_target("app", document).moved_by.settings["keys"] == keys
    resources = named(decided(template(), given), "Resources")
    assert {"PutSecretFunction", "PutSecretRole"} <= set(resources)
    assert not {"WriteSqlconfFunction", "PatchSecretFunction", "CheckLoginFunction", "RotateSecretFunction"} & set(resources)


# ---- the example and its page ------------------------------------------------------------------------------------------------

EXAMPLES = {
    "openemr": ["sqlconf", "secret", "deployment"],
    "rds-proxy": ["proxy-secret", "app-secret"],
    "redis": ["app-secret"],
    "iam-access-key": ["app-secret"],
    "http-api-key": ["app-secret"],
    "signing-keys": ["app-secret"],
    "certificate": ["app-secret"],
    "acme-certificate": ["app-secret"],
    "wordpress": ["wp-config", "app-secret"],
    "vault": ["vault-kv"],
    "lambda-consumer": ["lambda"],
    "swarm": ["swarm-secret", "swarm-service", "app-secret"],
    "workloads": ["app-secret", "secret", "secret", "deployment", "deployment"],
}
PAGE = (ROOT / "docs/rds-proxy.md").read_text()


@pytest.mark.parametrize("application", EXAMPLES)
def test_the_examples_make_stacks_whose_targets_can_be_read(application: str) -> None:
    given = read_yaml((ROOT / "examples" / application / "parameters.yaml").read_text())
    assert all(isinstance(value, str) for value in given.values()), "SAM takes text"
    demand(template(), given)
    target = parse_target("shop", target_text(template(), given))
    assert [one.kind for one in target.consumers] == EXAMPLES[application]


def test_every_example_of_parameters_is_tried() -> None:
    assert {path.parent.name for path in (ROOT / "examples").glob("*/parameters.yaml")} == set(EXAMPLES)


def test_the_page_names_states_parameters_and_files_that_there_are() -> None:
    known = set(template()["Parameters"]) | {"AWSCURRENT", "AWSPENDING", "IdleClientTimeout", "MaxIdleConnectionsPercent"}
    known |= set(template()["Outputs"]) | {"RotateSecret"}
    known |= set(states(shipped())) | {name for name, one in vars(errors).items() if isinstance(one, type)}
    named = {name.split("=")[0] for name in re.findall(r"`([A-Z]\w+(?:=\w+)?)`", PAGE)}
    assert named <= known
    assert all((ROOT / "docs" / path).exists() for path in re.findall(r"\]\(([\w./-]+)\)", PAGE))


def test_the_page_says_what_the_roles_may() -> None:
    words = {"GetSecretValue": "read", "PutSecretValue": "put", "UpdateSecretVersionStage": "move labels"}
    secrets = ("SlotSecretArn", "AdminSecretArn", "ApplicationSecretArn", "ProxySecretArns")
    rows = re.findall(r"^\| (`.*)\|$", PAGE.split("## Permissions")[1].split("\n## ")[0], re.MULTILINE)
    roles = Resolved(template(), RDS_PROXY, {})
    for first, *said in (row.split("|") for row in rows):
        for step in re.findall(r"\w+", first):
            granted = [one for many in roles.statements(f"{step}Role").values() for one in many if one["Effect"] == "Allow"]
            for secret, cell in zip(secrets, said, strict=True):
                arn = RDS_PROXY[secret].split(",")[0]
                actions = {action for one in granted if arn in one["Resource"] for action in listed(one["Action"])}
                may = [word for action, word in words.items() if f"secretsmanager:{action}" in actions]
                assert cell.strip() == ", ".join(may), (step, secret)


# ---- the page on security ----------------------------------------------------------------------------------------------------

WORDS = {"GetSecretValue": "read", "PutSecretValue": "put", "UpdateSecretVersionStage": "move labels"}


def grants(roles: Resolved, role: str, arn: str) -> set[str]:
    """What it is allowed of a resource, the service's name left out."""
    many = [one for group in roles.statements(role).values() for one in group if one["Effect"] == "Allow"]
    return {action.split(":")[1] for one in many if arn in listed(one["Resource"]) for action in listed(one["Action"])}


def test_the_page_on_security_says_what_each_of_openemrs_roles_can_do() -> None:
    roles, said = Resolved(template(), OPENEMR, {}), rows(section("What a stolen role can do", "docs/security.md"))
    resources = decided(template(), OPENEMR)["Resources"]
    secrets = [OPENEMR["SlotSecretArn"], OPENEMR["AdminSecretArn"]]
    cluster = f"arn:aws:eks:us-east-1:123456789012:cluster/{OPENEMR['ClusterName']}"
    found = {}
    for name in (name.removesuffix("Role") for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"):
        of_secrets = [grants(roles, f"{name}Role", arn) for arn in secrets]
        cells = [", ".join(word for action, word in WORDS.items() if action in may) for may in of_secrets]
        mounts = grants(roles, f"{name}Role", OPENEMR["SitesFileSystemArn"])
        cells.append("write" if "ClientWrite" in mounts else "read" if "ClientMount" in mounts else "")
        cells.append("its RBAC" if "DescribeCluster" in grants(roles, f"{name}Role", cluster) else "")
        if any(cells):
            found[name] = cells
    assert said == found


def test_the_page_of_costs_counts_what_the_template_makes() -> None:
    page, made_of = section("A month", "docs/costs.md"), [one["Type"] for one in made("OpenEMR")["Resources"].values()]
    alarms = made_of.count("AWS::CloudWatch::Alarm")
    assert f"| alarms, at $0.10 | {alarms} | {alarms * 0.10:.2f} |" in page
    assert f"| the stack's KMS key | {made_of.count('AWS::KMS::Key')} | 1.00 |" in page
    assert made_of.count("AWS::CloudWatch::Dashboard") == 1
