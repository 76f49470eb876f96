"""`make iam` finds what is missing and what is too much; the shipped roles stay within bounds."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.iam import __main__ as command
from local.iam.audit import FORCED, Findings, audit
from local.iam.conditions import hold
from local.iam.evaluator import Decision, Request, decide
from local.iam.recording import Call, Recording
from local.iam.requests import ENGINE
from local.iam.template import Resolved
from local.translation import MACHINE, translate
from tests.worlds.families import APPLICATION_SECRET, FAMILIES, PROXY_SECRETS, RDS_PROXY, SWARM_CLIENT

ROOT = Path(__file__).parents[2]
HERE = "us-east-1:123456789012"
SLOTS, ADMIN = (f"arn:aws:secretsmanager:{HERE}:secret:openemr/{name}-a1b2c3" for name in ("slots", "admin"))
KEY = f"arn:aws:kms:{HERE}:key/00000000-0000-0000-0000-000000000000"
PARAMETERS = {
    "SlotSecretArn": SLOTS,
    "AdminSecretArn": ADMIN,
    "SecretsKmsKeyArn": KEY,
    "SitesFileSystemArn": f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-00000000",
    "SitesAccessPointArn": f"arn:aws:elasticfilesystem:{HERE}:access-point/fsap-00000000",
    "ClusterName": "openemr-eks",
}
PARAMETERS_OF_ALL = {name: PARAMETERS[name] for name in ("SlotSecretArn", "AdminSecretArn", "SecretsKmsKeyArn")}
BOUND = {
    "secretsmanager": {
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    },
    "kms": {"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"},
}

Template = dict[str, Any]


@cache
def shipped() -> Template:
    return translate(ROOT)


@pytest.fixture
def template() -> Template:
    return copy.deepcopy(shipped())


def names(template: Template) -> dict[str, str]:
    """Physical ids, as the local stack would have given them."""
    return {key: f"here-{key}-X1Y2" for key, one in template["Resources"].items() if one["Type"] != "AWS::SSM::Parameter"}


def recorded(template: Template, step: str, calls: list[tuple[str, str]]) -> Recording:
    """The machine invoked a function, which called that."""
    function = names(template)[f"{step}Function"]
    made = [Call(ENGINE, "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{function}")]
    return Recording(PARAMETERS, names(template), frozenset([*made, *(Call(function, *call) for call in calls)]))


FLIP = [
    ("ssm:GetParameter", "/credential-rotation/targets/openemr"),
    ("secretsmanager:DescribeSecret", SLOTS),
    ("secretsmanager:GetSecretValue", SLOTS),
    ("secretsmanager:UpdateSecretVersionStage", SLOTS),
]


def flip_slot(template: Template, calls: list[tuple[str, str]] = FLIP) -> Findings:
    (found,) = [one for one in audit(template, [recorded(template, "FlipSlot", calls)]) if one.role == "FlipSlotRole"]
    return found


def policy(template: Template, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
    return found


# ---- what make iam finds -------------------------------------------------------------------------------------------------


def test_a_role_that_grants_just_what_is_used(template: Template) -> None:
    found = flip_slot(template)
    assert (found.denied, found.unused, found.forced) == ([], [], [])
    assert found.requests == len(FLIP) + 3, "the secret's key once, the log twice"


def test_a_statement_that_was_taken_away_is_denied(template: Template) -> None:
    policy(template, "MoveSlotLabelsPolicy").clear()
    assert [one.action for one in flip_slot(template).denied] == ["secretsmanager:UpdateSecretVersionStage"]


def test_the_secrets_key_is_asked_for_though_no_function_calls_kms(template: Template) -> None:
    del policy(template, "ReadSlotSecretPolicy")[1]
    assert [one.action for one in flip_slot(template).denied] == ["kms:Decrypt"]


@pytest.mark.parametrize("key", ["kms:ViaService", "kms:EncryptionContext:SecretARN"])
def test_a_condition_that_does_not_hold_denies(key: str, template: Template) -> None:
    policy(template, "ReadSlotSecretPolicy")[1]["Condition"]["StringEquals"][key] = "something else"
    assert [one.action for one in flip_slot(template).denied] == ["kms:Decrypt"]


def test_a_resource_that_is_another_denies(template: Template) -> None:
    policy(template, "MoveSlotLabelsPolicy")[0]["Resource"] = {"Ref": "AdminSecretArn"}
    found = flip_slot(template)
    assert [one.action for one in found.denied] == ["secretsmanager:UpdateSecretVersionStage"]
    assert [(one.action, one.resource) for one in found.unused] == [("secretsmanager:UpdateSecretVersionStage", "AdminSecretArn")]


def test_an_explicit_deny_denies(template: Template) -> None:
    policy(template, "RunStepPolicy").append({"Effect": "Deny", "Action": "ssm:*", "Resource": "*"})
    assert [one.action for one in flip_slot(template).denied] == ["ssm:GetParameter"]


def test_an_action_that_nobody_uses_is_found(template: Template) -> None:
    policy(template, "MoveSlotLabelsPolicy")[0]["Action"] = [
        "secretsmanager:UpdateSecretVersionStage",
        "secretsmanager:DeleteSecret",
    ]
    assert [(one.policy, one.action) for one in flip_slot(template).unused] == [
        ("MoveSlotLabelsPolicy", "secretsmanager:DeleteSecret")
    ]


def test_a_call_that_was_not_made_is_a_grant_that_is_not_used(template: Template) -> None:
    found = flip_slot(template, FLIP[:-1])
    assert [one.action for one in found.unused] == ["secretsmanager:UpdateSecretVersionStage"]


def test_a_function_that_was_not_invoked_uses_nothing(template: Template) -> None:
    (found,) = [one for one in audit(template, [recorded(template, "FlipSlot", FLIP)]) if one.role == "CloseFlipRole"]
    assert (found.requests, found.denied) == (0, [])
    assert len(found.unused) > 5


def test_recordings_add_up(template: Template) -> None:
    parts = [recorded(template, "FlipSlot", [call]) for call in FLIP]
    (found,) = [one for one in audit(template, parts) if one.role == "FlipSlotRole"]
    assert (found.denied, found.unused) == ([], [])


def test_a_write_through_a_mount_that_only_reads_is_denied(template: Template) -> None:
    calls = [("elasticfilesystem:ClientMount", "/mnt/sites"), ("elasticfilesystem:ClientWrite", "/mnt/sites")]
    (found,) = [one for one in audit(template, [recorded(template, "ValidateApp", calls)]) if one.role == "ValidateAppRole"]
    assert [one.action for one in found.denied] == ["elasticfilesystem:ClientWrite"]


PUT = [
    *(call for call in FLIP[:3]),
    *(
        (f"secretsmanager:{action}", secret)
        for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        for secret in (APPLICATION_SECRET, *PROXY_SECRETS)
    ),
]


def behind_a_proxy(calls: list[tuple[str, str]], **given: str) -> Recording:
    return replace(recorded(shipped(), "PutSecret", calls), parameters=RDS_PROXY | PARAMETERS_OF_ALL | given)


def put_secret(*recordings: Recording) -> Findings:
    (found,) = [one for one in audit(shipped(), recordings) if one.role == "PutSecretRole"]
    return found


def test_who_puts_secrets_has_just_what_it_takes_for_the_application_s_and_the_proxy_s() -> None:
    found = put_secret(behind_a_proxy(PUT))
    assert (found.denied, found.unused) == ([], [])


@pytest.mark.parametrize("secrets", [[APPLICATION_SECRET], PROXY_SECRETS])
def test_a_grant_on_secrets_that_are_not_put_is_found(secrets: list[str]) -> None:
    put = [call for call in PUT if call[0] != "secretsmanager:PutSecretValue" or call[1] not in secrets]
    found = put_secret(behind_a_proxy(put))
    assert "secretsmanager:PutSecretValue" in [one.action for one in found.unused]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_grant_on_a_list_is_used_if_it_was_in_any_run_whatever_their_order_and_their_lists(turn: int) -> None:
    longer = ",".join([*PROXY_SECRETS, "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/proxy-c-AEQHEq"])
    elsewhere = behind_a_proxy(PUT[:3], ProxySecretArns=longer)
    assert put_secret(*[behind_a_proxy(PUT), elsewhere][::turn]).unused == []
    assert put_secret(*[behind_a_proxy(PUT[:3]), elsewhere][::turn]).unused != []


@pytest.mark.parametrize("secret", [SLOTS, ADMIN, f"{APPLICATION_SECRET}-other"])
def test_who_puts_secrets_puts_no_other(secret: str) -> None:
    found = put_secret(behind_a_proxy([*PUT, ("secretsmanager:PutSecretValue", secret)]))
    assert {one.resource for one in found.denied if one.action == "secretsmanager:PutSecretValue"} == {secret}


def test_a_grant_on_a_zone_is_used_if_it_was_in_any_run_whatever_the_zone() -> None:
    def with_zone(zone: str, *actions: str) -> Recording:
        calls = [(f"route53:{action}", f"arn:aws:route53:::hostedzone/{zone}") for action in actions]
        given = {"AcmeHosts": "acme.example", "AcmeZoneId": zone}
        return replace(recorded(shipped(), "ReadSlots", calls), parameters=PARAMETERS | given)

    def unused(*recordings: Recording) -> list[str]:
        (found,) = [one for one in audit(shipped(), recordings) if one.role == "ReadSlotsRole"]
        return [one.action for one in found.unused if one.action.startswith("route53")]

    reads, looks = with_zone("Z1A", "ListResourceRecordSets"), with_zone("Z2B", "GetHostedZone", "ListResourceRecordSets")
    assert unused(reads) == ["route53:GetHostedZone"]
    assert unused(reads, looks) == unused(looks, reads) == []


def test_who_counts_a_fleet_s_failures_reads_its_runs_and_nothing_else_in_its_bucket_or_another() -> None:
    bucket = f"arn:aws:s3:::{names(shipped())['FleetBucket']}"
    others = [("s3:GetObject", f"{bucket}/elsewhere"), ("s3:GetObject", "arn:aws:s3:::another/runs/a/plan.json")]
    calls = [("s3:ListBucket", bucket), ("s3:GetObject", f"{bucket}/runs/a/plan.json"), *others]
    recording = replace(recorded(shipped(), "DecideWave", calls), parameters=PARAMETERS | {"Fleet": "by-hand"})
    (found,) = [one for one in audit(shipped(), [recording]) if one.role == "DecideWaveRole"]
    assert sorted((one.action, one.resource) for one in found.denied) == sorted(others)
    assert [one.action for one in found.unused] == []


@pytest.mark.parametrize(("fleet", "denied"), [("by-hand", False), ("none", True)])
def test_who_tells_of_an_end_may_ask_how_a_fleet_s_run_ended_where_there_is_a_fleet(fleet: str, denied: bool) -> None:
    call = ("states:DescribeExecution", f"arn:aws:states:{HERE}:execution:credential-rotation-fleet:by-hand")
    recording = replace(recorded(shipped(), "TellOutcome", [call]), parameters=PARAMETERS | {"Fleet": fleet})
    found = [one for one in audit(shipped(), [recording]) if one.role == "TellOutcomeRole"]
    assert [(one.action, one.resource) for role in found for one in role.denied] == ([call] if denied else [])


def test_a_policy_that_names_a_role_is_one_of_the_role_s(template: Template) -> None:
    """As that of a kind's fragment does."""
    grant = {"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*"}
    more = {"Roles": [{"Ref": "FlipSlotRole"}], "PolicyDocument": {"Statement": [grant]}}
    template["Resources"]["OfAKind"] = {"Type": "AWS::IAM::Policy", "Properties": more}
    assert Resolved(template, PARAMETERS, {}).statements("FlipSlotRole")["OfAKind"] == [grant]
    assert "OfAKind" not in Resolved(template, PARAMETERS, {}).statements("CloseFlipRole")


def test_a_policy_of_aws_s_own_is_not_taken_for_empty(template: Template) -> None:
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    template["Resources"]["FlipSlotRole"]["Properties"]["ManagedPolicyArns"].append(managed)
    with pytest.raises(NotImplementedError, match="AdministratorAccess"):
        flip_slot(template)


def told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], template: Template, recordings: list[Recording]
) -> tuple[int, str]:
    monkeypatch.setattr(command, "kept", lambda: recordings)
    monkeypatch.setattr(command, "translate", lambda _: template)
    code = command.main([])
    return code, capsys.readouterr().out


def only(template: Template, step: str) -> Template:
    """The template with one function and its role, so that one recording can use all of it."""
    mine = {f"{step}Function", f"{step}Role"}
    others = (
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::EventInvokeConfig",
        MACHINE,
        "AWS::Scheduler::Schedule",
        "AWS::Events::Rule",
    )
    kept = {key: one for key, one in template["Resources"].items() if key in mine or not one["Type"].startswith(others)}
    return template | {"Resources": kept}


def test_what_says_why_a_secret_cannot_be_read_is_used_where_it_is_read(template: Template) -> None:
    describe, read = FLIP[1], FLIP[2]
    assert flip_slot(template, [one for one in FLIP if one != describe]).unused == []
    unused = flip_slot(template, [one for one in FLIP if one not in (describe, read)]).unused
    assert {grant.action for grant in unused} >= {describe[0], read[0]}


def test_the_command_says_all_is_well_only_if_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], template: Template
) -> None:
    small = only(template, "FlipSlot")
    well = [recorded(small, "FlipSlot", FLIP)]
    assert told(monkeypatch, capsys, small, well)[0] == 0
    code, text = told(monkeypatch, capsys, small, [recorded(small, "FlipSlot", FLIP[1:])])
    assert (code, "UNUSED  FlipSlotRole: ssm:GetParameter" in text) == (1, True)
    policy(small, "MoveSlotLabelsPolicy").clear()
    code, text = told(monkeypatch, capsys, small, well)
    assert (code, "DENIED  FlipSlotRole: secretsmanager:UpdateSecretVersionStage" in text) == (1, True)
    assert told(monkeypatch, capsys, small, [])[0] == 1, "nothing was recorded"


# ---- the shipped roles ---------------------------------------------------------------------------------------------------


def test_what_aws_forces_is_at_most_five_rules_and_each_is_needed() -> None:
    found = audit(shipped(), [Recording(PARAMETERS, names(shipped()), frozenset())])
    forced = {(grant.action, grant.resource) for one in found for grant in one.forced}
    assert len(FORCED) <= 5
    assert forced == {(action, one.resource) for one in FORCED for action in one.actions}
    assert all(one.rule for one in FORCED)


def test_the_figures_of_the_page_on_security_are_those_of_the_template() -> None:
    found = audit(shipped(), [Recording(PARAMETERS, names(shipped()), frozenset())])
    forced = sum(len(one.forced) for one in found)
    line = f"> {len(found)} roles: 0 denied, 0 granted and never used, {forced} forced by AWS\n"
    assert line in (ROOT / "docs/security.md").read_text()


GIVEN = {
    **dict.fromkeys(FAMILIES, ()),
    "RDS Proxy": (APPLICATION_SECRET, *PROXY_SECRETS),
    "a secret without a proxy": (APPLICATION_SECRET,),
    "WordPress": (APPLICATION_SECRET,),
    "Docker Swarm": (APPLICATION_SECRET, SWARM_CLIENT),
    "pods of services": (APPLICATION_SECRET,),
}
"""The secrets of each kind of application, beside the two of every one."""


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("service", BOUND)
def test_no_role_may_do_more_to_the_secrets_and_their_key_than_the_tool_that_it_replaces(service: str, family: str) -> None:
    """That one's documentation lists them: "scoped to the two rotation secrets and the RDS KMS key only"."""
    resolved = Resolved(shipped(), FAMILIES[family] | PARAMETERS_OF_ALL, names(shipped()))
    places = {"secretsmanager": {SLOTS, ADMIN, *GIVEN[family]}, "kms": {KEY}}[service]
    ours = resolved.arn("RotationKey")
    for role in resolved.roles():
        for statement in (one for many in resolved.statements(role).values() for one in many if one["Effect"] == "Allow"):
            for grant in audit_grants(statement, service):
                assert grant[1] == ours or (grant[0] in BOUND[service] and grant[1] in places), f"{role}: {grant}"


def audit_grants(statement: Mapping[str, Any], service: str) -> list[tuple[str, str]]:
    as_list = {key: value if isinstance(value, list) else [value] for key, value in statement.items()}
    reached = [action for action in as_list["Action"] if action.split(":")[0] in (service, "*")]
    return [(action, resource) for action in reached for resource in as_list["Resource"]]


# ---- the policies on the secrets -------------------------------------------------------------------------------------------

BREAK_GLASS = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_BreakGlass_0123456789abcdef"
GUARDS = {"SlotSecretGuard": ("SlotSecretArn", SLOTS), "AdminSecretGuard": ("AdminSecretArn", ADMIN)}
WRITES = ("PutSecretValue", "UpdateSecretVersionStage", "UpdateSecret", "RotateSecret", "DeleteSecret")
ALL_SECRETS = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}

each_guard = pytest.mark.parametrize("guard", GUARDS)


def guarded(break_glass: str = BREAK_GLASS) -> Resolved:
    return Resolved(shipped(), PARAMETERS | {"BreakGlassRoleArn": break_glass}, names(shipped()))


def may(guard: str, action: str, who: str, granted: list[dict[str, Any]]) -> bool:
    """With what is granted elsewhere, and the secret's own policy."""
    properties = dict(guarded().of_type("AWS::SecretsManager::ResourcePolicy"))[guard]
    request = Request(f"secretsmanager:{action}", GUARDS[guard][1], {"aws:PrincipalArn": who})
    return decide([*granted, *properties["ResourcePolicy"]["Statement"]], request) is Decision.ALLOWED


@each_guard
@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize(
    "who", ["role/Administrator", "role/here-ReadSlotsRole-X1Y2", "role/AWSReservedSSO_BreakGlass", "user/somebody", "root"]
)
def test_a_stranger_who_may_do_everything_to_secrets_does_not_write_these(guard: str, action: str, who: str) -> None:
    assert not may(guard, action, f"arn:aws:iam::123456789012:{who}", [ALL_SECRETS])


@each_guard
@pytest.mark.parametrize("action", WRITES)
def test_break_glass_writes(guard: str, action: str) -> None:
    assert may(guard, action, BREAK_GLASS, [ALL_SECRETS])


@each_guard
@pytest.mark.parametrize("action", ["GetSecretValue", "DescribeSecret", "PutResourcePolicy", "DeleteResourcePolicy", "TagResource"])
def test_reading_and_the_policy_itself_are_untouched(guard: str, action: str) -> None:
    assert may(guard, action, "arn:aws:iam::123456789012:role/Administrator", [ALL_SECRETS])


@each_guard
def test_the_roles_that_write_are_let_through_and_no_others_are_named(guard: str) -> None:
    resolved, (parameter, arn) = guarded(), GUARDS[guard]
    writers = set()
    for role in resolved.roles():
        granted = [one for many in resolved.statements(role).values() for one in many]
        asked = [Request(f"secretsmanager:{action}", arn) for action in WRITES]
        wanted = [one for one in asked if decide(granted, one) is Decision.ALLOWED]
        if wanted:
            writers.add(resolved.arn(role))
            assert all(may(guard, one.action.split(":")[1], resolved.arn(role), granted) for one in wanted), role
    properties = dict(resolved.of_type("AWS::SecretsManager::ResourcePolicy"))[guard]
    (statement,) = properties["ResourcePolicy"]["Statement"]
    assert set(statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]) == writers | {BREAK_GLASS}
    assert shipped()["Resources"][guard]["Properties"]["SecretId"] == {"Ref": parameter}


def test_without_a_break_glass_role_no_policy_is_attached() -> None:
    """Nobody but the rotation could mend a secret."""
    assert list(guarded("none").of_type("AWS::SecretsManager::ResourcePolicy")) == []
    assert shipped()["Parameters"]["BreakGlassRoleArn"]["Default"] == "none"


@each_guard
def test_a_policy_that_lets_everybody_in_would_be_refused(guard: str) -> None:
    assert shipped()["Resources"][guard]["Properties"]["BlockPublicPolicy"] is True


# ---- the evaluator -------------------------------------------------------------------------------------------------------

ALLOW = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::one/*"}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ALLOW], Decision.ALLOWED),
        ([], Decision.NOT_ALLOWED),
        ([ALLOW | {"Action": "s3:Put*"}], Decision.NOT_ALLOWED),
        ([ALLOW | {"Resource": "arn:aws:s3:::other/*"}], Decision.NOT_ALLOWED),
        ([ALLOW, ALLOW | {"Effect": "Deny"}], Decision.DENIED),
        ([ALLOW | {"Effect": "Deny"}, ALLOW], Decision.DENIED),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Condition": {"Null": {"aws:SourceVpc": "false"}}}], Decision.ALLOWED),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Condition": {"Null": {"aws:SourceVpc": "true"}}}], Decision.DENIED),
        ([ALLOW | {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}], Decision.NOT_ALLOWED),
    ],
)
def test_a_deny_beats_every_allow_and_the_rest_is_not_allowed(statements: list[dict[str, Any]], expected: Decision) -> None:
    assert decide(statements, Request("s3:GetObject", "arn:aws:s3:::one/thing")) is expected


@pytest.mark.parametrize("odd", [{"NotResource": "*"}, {"Resource": "arn:?"}, {"Principal": {"AWS": "arn:aws:iam::1:root"}}])
def test_what_it_does_not_understand_is_an_error(odd: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        decide([ALLOW | odd], Request("s3:GetObject", "arn:aws:s3:::one/thing"))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"k": "v"}}, True),
        ({"StringEquals": {"K": "v"}}, True),
        ({"StringEquals": {"k": ["x", "v"]}}, True),
        ({"StringEquals": {"k": "V"}}, False),
        ({"StringEquals": {"absent": "v"}}, False),
        ({"StringEquals": {"k": "v", "arn": "x"}}, False),
        ({"StringEquals": {"k": "v"}, "StringLike": {"arn": "x*"}}, False),
        ({"StringEqualsIfExists": {"absent": "v"}}, True),
        ({"StringEqualsIfExists": {"k": "x"}}, False),
        ({"StringNotEquals": {"k": "x"}}, True),
        ({"StringNotEquals": {"k": ["x", "v"]}}, False),
        ({"StringNotEquals": {"absent": "v"}}, True),
        ({"StringLike": {"arn": "arn:aws:iam::1:role/*"}}, True),
        ({"StringLike": {"arn": "arn:aws:iam::?:role/r"}}, True),
        ({"StringLike": {"arn": "arn.aws*"}}, False),
        ({"ArnEquals": {"arn": "arn:aws:iam::1:role/*"}}, True),
        ({"ArnNotLike": {"arn": ["arn:aws:iam::1:role/x", "arn:aws:iam::1:role/*"]}}, False),
        ({"ArnNotEquals": {"arn": "arn:aws:iam::2:role/r"}}, True),
        ({"Null": {"absent": "true"}}, True),
        ({"Null": {"k": True}}, False),
        ({"Bool": {"yes": "true"}}, True),
        ({"Bool": {"yes": False}}, False),
        ({"ForAllValues:StringEquals": {"acts": ["CREATE", "DELETE", "UPSERT"]}}, True),
        ({"ForAllValues:StringEquals": {"acts": ["CREATE"]}}, False),
        ({"ForAllValues:StringLike": {"acts": "*E*"}}, True),
        ({"ForAllValues:StringEquals": {"not there": ["CREATE"]}}, True),
    ],
)
def test_conditions(block: dict[str, dict[str, Any]], expected: bool) -> None:
    assert hold(block, {"k": "v", "arn": "arn:aws:iam::1:role/r", "yes": "true", "acts": "CREATE,DELETE"}) is expected


@pytest.mark.parametrize(
    "block", [{"ForAnyValue:StringEquals": {"k": "v"}}, {"IpAddress": {"k": "v"}}, {"StringLike": {"k": "${aws:username}"}}]
)
def test_a_condition_that_is_not_known_is_an_error(block: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(NotImplementedError):
        hold(block, {"k": "v"})
