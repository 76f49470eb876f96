"""What template.yaml must hold, read from its translation to plain CloudFormation; no AWS, no network."""

import json
import re
import ssl
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from rotation.core.classes import CLASSES, DEFAULT_CLASS
from rotation.fleet.report import reported
from rotation.fleet.run import Plan, Settings
from rotation.kinds import registry
from rotation.kinds.target import Target, parse_target
from rotation.protocol.request import Request
from rotation.protocol.secret_runs import PATIENCE_SECONDS
from rotation.runtime.wiring import ISSUES, WRITES
from rotation.steps.rotate_secret import LAG_SECONDS

from local.decided import decided
from local.translation import translate
from local.yaml_text import read_yaml
from tests.pages import section
from tests.worlds.families import FAMILIES, target_text

ROOT = Path(__file__).parents[2]
ROTATION_LAYERS, KUBERNETES_LAYERS = 1, 2
MARGIN_SECONDS = 15  # from a function's time-out to its Task's: its start is in the one and not in the other

G, GU, GPU = "Get Describe", "Get Describe Move", "Get Describe Put Move"
ACTIONS = {
    "Get": "secretsmanager:GetSecretValue",
    "Describe": "secretsmanager:DescribeSecret",
    "Put": "secretsmanager:PutSecretValue",
    "Move": "secretsmanager:UpdateSecretVersionStage",
}


class Step(NamedTuple):
    """Where its function is, and what its role may do to each secret, in a stack that has it."""

    vpc: bool = False
    sites: bool = False
    cluster: tuple[str, ...] = ()
    """The applications of which it reaches the cluster."""
    slot: str = ""
    admin: str = ""
    application: str = ""
    proxy: str = ""
    only: tuple[str, ...] = (*FAMILIES,)
    """The applications that need it."""


SITES = ("OpenEMR",)
PODS = ("pods of services",)
CLUSTER = (*SITES, *PODS)
PROXY = ("RDS Proxy",)
PUTS = ("RDS Proxy", "a secret without a proxy", "WordPress", "Docker Swarm", *PODS)
INSTANCES = ("WordPress",)
IN_SWARM = ("Docker Swarm",)
STEPS: dict[str, Step] = {
    "AnnounceIncident": Step(),
    "ReadSlots": Step(vpc=True, sites=True, cluster=CLUSTER, slot=G, admin=G, application=G, proxy=G),
    "ClaimRotation": Step(vpc=True, sites=True, cluster=CLUSTER, slot=GPU, admin=GPU, application=G),
    "SyncUsers": Step(vpc=True, slot=G, admin=G),
    "WriteSqlconf": Step(vpc=True, sites=True, slot=G, only=SITES),
    "FixPermissions": Step(vpc=True, sites=True, only=(*SITES, "WordPress")),
    "PatchSecret": Step(vpc=True, cluster=CLUSTER, slot=G, only=CLUSTER),
    "PutSecret": Step(vpc=True, slot=G, application=GPU, proxy=GPU, only=PUTS),
    "CheckLogin": Step(vpc=True, slot=G, only=PROXY),
    "WriteWpConfig": Step(vpc=True, slot=G, application="Get Describe Put", only=INSTANCES),
    "CreateSwarmSecret": Step(vpc=True, slot=G, application="Get Describe Put", only=IN_SWARM),
    "PrepareService": Step(vpc=True, slot=G, application="Get Describe Put", only=IN_SWARM),
    "RestartApp": Step(vpc=True, cluster=CLUSTER, slot=G, only=CLUSTER),
    "CheckRollout": Step(vpc=True, cluster=CLUSTER, only=CLUSTER),
    "ValidateApp": Step(vpc=True, sites=True, cluster=PODS, slot=G, application=G),
    "FlipSlot": Step(slot=GU),
    "CloseFlip": Step(slot=GPU),
    "CheckDrained": Step(vpc=True, sites=True, cluster=CLUSTER, slot=G, admin=G, application=G),
    "RotateOldSlot": Step(vpc=True, slot=GPU, admin=G),
    "DiscardOldPassword": Step(vpc=True, slot=GU, admin=G),
    "RotateAdmin": Step(vpc=True, slot=G, admin=GPU),
    "ReleaseRotation": Step(slot=GU, application="Describe Move"),
    "Verify": Step(slot=G),
    "SayWhy": Step(),
    "RotateSecret": Step(vpc=True, slot=G, application=GPU, proxy=G, only=PUTS),
}
# What is no state, though it is called as if it were a step: Secrets Manager invokes it, and it starts the machine.
ROTATOR = "RotateSecret"
# What is no step: it is told of ends, and the machine does not invoke it.
LISTENER = "TellOutcome"
FUNCTIONS = (*STEPS, LISTENER)
# Every "*" in a resource, and the rule that forces it.
WILDCARDS = {
    "ec2:CreateNetworkInterface": "Lambda checks for it on every resource when it attaches a function to a VPC",
    "ec2:*": "a Deny",
    "logs:CreateLogDelivery": "log deliveries belong to the account",
    "ec2:DescribeInstances": "knows no resources",
    "autoscaling:DescribeAutoScalingInstances": "knows no resources",
    "ssm:DescribeInstanceInformation": "knows no resources",
    "ssm:ListCommandInvocations": "knows no resources",
    "ssm:SendCommand": "whichever instance has the tag: a condition",
    "states:DescribeExecution": "the name of an execution of this machine",
    "ssm:GetParameter": "the name of a target of this stack",
}

each_family = pytest.mark.parametrize("family", FAMILIES)
each_step = pytest.mark.parametrize(
    ("family", "step"), [(family, step) for family in FAMILIES for step, has in STEPS.items() if family in has.only]
)


@cache
def template(family: str = "") -> dict[str, Any]:
    """As it is deployed for that application; without one, with its conditions."""
    return decided(template(), FAMILIES[family]) if family else translate(ROOT)


def steps_of(family: str) -> list[str]:
    return [step for step, has in STEPS.items() if family in has.only]


@cache
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = read_yaml((ROOT / "statemachine/rotation.asl.yaml").read_text())
    return definition


def properties(logical_id: str, family: str = "") -> dict[str, Any]:
    found: dict[str, Any] = template(family)["Resources"][logical_id]["Properties"]
    return found


def all_of(kind: str, family: str = "") -> dict[str, dict[str, Any]]:
    return {key: one["Properties"] for key, one in template(family)["Resources"].items() if one["Type"] == kind}


def statements(role: str, family: str) -> Iterator[dict[str, Any]]:
    """All that the role is granted, with the pieces that it is made of."""
    documents = [one["PolicyDocument"] for one in properties(role, family).get("Policies", [])]
    attached = properties(role, family).get("ManagedPolicyArns", [])
    documents += [properties(one["Ref"], family)["PolicyDocument"] for one in attached]
    for document in documents:
        yield from document["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(family: str, role: str, service: str, resource: Any = None) -> set[str]:
    return {
        action
        for one in statements(role, family)
        for action in listed(one["Action"])
        if one["Effect"] == "Allow" and action.startswith(f"{service}:") and resource in (None, one["Resource"])
    }


def named(words: str) -> set[str]:
    return {ACTIONS[word] for word in words.split()}


def tasks(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Task of the definition, those inside a Map too."""
    for name, state in node.get("States", {}).items():
        if state["Type"] == "Task":
            yield name, state
        yield from tasks(state.get("ItemProcessor", {}))


@each_family
def test_the_steps_that_the_application_needs_and_the_listener_are_the_functions(family: str) -> None:
    names = [*steps_of(family), LISTENER]
    assert set(all_of("AWS::Lambda::Function", family)) == {f"{name}Function" for name in names}
    others = {"StateMachineRole", "ScheduleRole"}
    assert set(all_of("AWS::IAM::Role", family)) == {f"{name}Role" for name in names} | others


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_function_has_the_folder_and_the_role_of_its_step(step: str) -> None:
    folder = re.sub(r"(?<!^)([A-Z])", r"_\1", step).lower()
    function = properties(f"{step}Function")
    assert function["Code"]["S3Key"] == f"functions/{folder}/"
    assert function["Role"] == {"Fn::GetAtt": [f"{step}Role", "Arn"]}


@each_step
def test_a_function_is_where_its_step_needs_it(family: str, step: str) -> None:
    has, function = STEPS[step], properties(f"{step}Function", family)
    sites, cluster = has.sites and family in SITES, family in has.cluster
    assert ("VpcConfig" in function, "FileSystemConfigs" in function) == (has.vpc, sites)
    assert len(function["Layers"]) == (KUBERNETES_LAYERS if cluster else ROTATION_LAYERS)
    assert bool(granted(family, f"{step}Role", "ec2")) == has.vpc
    assert granted(family, f"{step}Role", "eks") == ({"eks:DescribeCluster"} if cluster else set())


@each_step
def test_only_the_writer_may_write_the_sites(family: str, step: str) -> None:
    reads = {"elasticfilesystem:ClientMount"} if STEPS[step].sites and family in SITES else set()
    writes = {"elasticfilesystem:ClientWrite"} if reads and step in ("WriteSqlconf", "FixPermissions") else set()
    assert granted(family, f"{step}Role", "elasticfilesystem") == reads | writes
    mounts = [one for one in statements(f"{step}Role", family) if "elasticfilesystem:" in str(one["Action"])]
    through = {"StringEquals": {"elasticfilesystem:AccessPointArn": {"Ref": "SitesAccessPointArn"}}}
    assert all(one["Condition"] == through for one in mounts)


@each_step
def test_the_sites_are_looked_for_where_they_are_mounted(family: str, step: str) -> None:
    function = properties(f"{step}Function", family)
    mounts = [one["LocalMountPath"] for one in function.get("FileSystemConfigs", [])]
    assert function["Environment"]["Variables"].get("SITES_ROOT") == (mounts[0] if mounts else None)


SLOT, ADMIN, APPLICATION = ({"Ref": f"{name}SecretArn"} for name in ("Slot", "Admin", "Application"))
PROXIES = {"Fn::Split": [",", {"Ref": "ProxySecretArns"}]}


def on_secrets(family: str, step: str) -> list[tuple[dict[str, Any], str]]:
    """What the step does to which secret, of those that such a stack is given."""
    has, given = STEPS[step], FAMILIES[family]
    published = [(APPLICATION, has.application, "ApplicationSecretArn"), (PROXIES, has.proxy, "ProxySecretArns")]
    there = [(secret, words) for secret, words, parameter in published if parameter in given]
    return [(SLOT, has.slot), (ADMIN, has.admin), *there]


@each_step
def test_a_role_has_what_its_step_does_to_the_secrets_and_no_more(family: str, step: str) -> None:
    role, does = f"{step}Role", on_secrets(family, step)
    assert [granted(family, role, "secretsmanager", secret) for secret, _ in does] == [named(words) for _, words in does]
    assert granted(family, role, "secretsmanager") == named(" ".join(words for _, words in does))
    assert {str(one["Resource"]) for one in statements(role, family) if "secretsmanager:" in str(one["Action"])} == {
        str(secret) for secret, words in does if words
    }


@each_step
def test_the_secrets_key_is_used_through_secrets_manager_only(family: str, step: str) -> None:
    words = " ".join(words for _, words in on_secrets(family, step))
    expected = ({"kms:Decrypt"} if "Get" in words else set()) | ({"kms:GenerateDataKey"} if "Put" in words else set())
    key = {"Ref": "SecretsKmsKeyArn"}
    assert granted(family, f"{step}Role", "kms", key) == expected
    uses = [one for one in statements(f"{step}Role", family) if "kms:" in str(one["Action"]) and one["Resource"] == key]
    assert all(set(one["Condition"]["StringEquals"]) == {"kms:ViaService", "kms:EncryptionContext:SecretARN"} for one in uses)


NEVER_TOGETHER = {"ReadSitesPolicy", "ReadApplicationSecretPolicy"}
"""A rule of the template sees to it: one stack is for one application."""
MOST_ATTACHED, LONGEST_INLINE = 10, 10_240
"""IAM's: managed policies of a role, unless somebody has asked for more; characters of all its inline ones, blanks not counted."""


def test_whatever_a_stack_is_made_of_no_role_has_more_policies_than_iam_takes() -> None:
    """As if it had all kinds at once."""
    resources = template()["Resources"]
    for name, role in ((key, one["Properties"]) for key, one in resources.items() if one["Type"] == "AWS::IAM::Role"):
        managed = {str(one.get("Ref") or one["Fn::If"][1]["Ref"]) for one in role.get("ManagedPolicyArns", [])}
        assert len(managed) - (managed >= NEVER_TOGETHER) <= MOST_ATTACHED, name
        inline = [one["PolicyDocument"] for one in role.get("Policies", [])]
        inline += [one["PolicyDocument"] for one in all_of("AWS::IAM::Policy").values() if f"'{name}'" in str(one["Roles"])]
        assert len(json.dumps(inline, separators=(",", ":"))) < LONGEST_INLINE, name
    assert not [key for key, one in all_of("AWS::IAM::ManagedPolicy").items() if "Roles" in one], "these are not counted here"


@each_family
def test_only_who_tells_people_uses_the_topic_and_the_stacks_key(family: str) -> None:
    key = {"Fn::GetAtt": ["RotationKey", "Arn"]}
    telling, names = {"AnnounceIncident", LISTENER}, [*steps_of(family), LISTENER]
    assert {name for name in names if granted(family, f"{name}Role", "sns")} == telling
    assert {name for name in names if granted(family, f"{name}Role", "kms", key)} - {ROTATOR} == telling


@each_family
def test_only_who_gathers_the_findings_asks_iam_and_only_about_the_roles_that_write_its_secrets(family: str) -> None:
    assert {step for step in steps_of(family) if granted(family, f"{step}Role", "iam")} == {"Verify"}
    (asked,) = [one for one in statements("VerifyRole", family) if one["Action"] == "iam:SimulatePrincipalPolicy"]
    writers = {f"{step}Role" for step, has in STEPS.items() if "Move" in has.slot + has.admin}
    assert {one["Fn::GetAtt"][0] for one in asked["Resource"]} == writers
    told = properties("VerifyFunction")["Environment"]["Variables"]["ROLE_ARNS"]["Fn::Join"][1]
    besides = [one["Fn::If"][:2] for one in told if "Fn::If" in one]
    assert besides == [["RecordsKeys", {"Fn::Sub": f"{name}=${{{_role(name)}.Arn}}"}] for name in ISSUES]
    assert [one["Fn::Sub"] for one in told if "Fn::Sub" in one] == [f"{name}=${{{_role(name)}.Arn}}" for name in WRITES]
    assert {_role(name) for name in WRITES} == writers


def _role(function: str) -> str:
    return "".join(word.capitalize() for word in function.split("_")) + "Role"


@each_family
def test_only_those_that_look_for_an_owner_ask_for_executions(family: str) -> None:
    asking = {name for name in (*steps_of(family), LISTENER) if granted(family, f"{name}Role", "states")}
    assert asking - {ROTATOR} == {"ReadSlots", "ClaimRotation", LISTENER}
    assert (ROTATOR in asking) is (family in PUTS)


@each_family
def test_the_listener_reads_labels_and_no_secret(family: str) -> None:
    role = f"{LISTENER}Role"
    described = granted(family, role, "secretsmanager", SLOT)
    assert granted(family, role, "secretsmanager") == described == {ACTIONS["Describe"]}
    assert granted(family, role, "kms") == granted(family, role, "kms", {"Fn::GetAtt": ["RotationKey", "Arn"]})
    uses = [one for one in statements(role, family) if "kms:" in str(one["Action"])]
    conditions = sorted(key for one in uses for key in one["Condition"]["StringEquals"])
    assert conditions == ["kms:EncryptionContext:aws:states:stateMachineArn", "kms:ViaService"]


@each_family
def test_only_the_listener_and_the_schedule_start_executions(family: str) -> None:
    starters = {key for key in all_of("AWS::IAM::Role", family) if "states:StartExecution" in granted(family, key, "states")}
    assert starters - {f"{ROTATOR}Role"} == {f"{LISTENER}Role", "ScheduleRole"}
    assert (f"{ROTATOR}Role" in starters) is (family in PUTS)


@pytest.mark.parametrize("family", PUTS)
def test_secrets_manager_of_this_account_may_call_the_function_that_rotates_its_secret(family: str) -> None:
    permission = properties("RotateSecretPermission", family)
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "RotateSecretFunction"},
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


@pytest.mark.parametrize("family", PUTS)
def test_the_function_that_rotates_for_secrets_manager_waits_shorter_than_it_lives_and_knows_the_machine(family: str) -> None:
    function = properties("RotateSecretFunction", family)
    assert PATIENCE_SECONDS + LAG_SECONDS + MARGIN_SECONDS < function["Timeout"] <= 900
    (machine_arn,) = [one["Resource"] for one in statements("RotateSecretRole", family) if one["Action"] == "states:StartExecution"]
    assert function["Environment"]["Variables"]["MACHINE_ARN"] == machine_arn


def test_a_role_is_assumed_by_one_service() -> None:
    for key, role in all_of("AWS::IAM::Role").items():
        service = {"StateMachineRole": "states", "FleetStateMachineRole": "states", "ScheduleRole": "scheduler"}.get(key, "lambda")
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


@each_family
def test_a_wildcard_is_one_that_aws_forces(family: str) -> None:
    for role in all_of("AWS::IAM::Role", family):
        for one in statements(role, family):
            if "*" in str(one["Resource"]):
                assert listed(one["Action"])[0] in WILDCARDS, f"{role}: {one}"
            assert one["Effect"] == "Deny" or "*" not in str(one["Action"]), f"{role}: {one}"


@each_family
def test_the_machine_is_named_before_it_exists(family: str) -> None:
    assert properties("RotationStateMachine")["StateMachineName"] == {"Ref": "AWS::StackName"}
    (asked,) = [one for one in statements("ReadSlotsRole", family) if one["Action"] == "states:DescribeExecution"]
    assert asked["Resource"]["Fn::Sub"].endswith(":execution:${AWS::StackName}:*")


@each_family
def test_the_machine_invokes_the_steps_and_nothing_else(family: str) -> None:
    (invoke,) = [one for one in statements("StateMachineRole", family) if "lambda:" in str(one["Action"])]
    assert invoke["Action"] == "lambda:InvokeFunction"
    invoked = [step for step in steps_of(family) if step != ROTATOR]
    assert invoke["Resource"] == [{"Fn::GetAtt": [f"{step}Function", "Arn"]} for step in invoked]


@each_family
def test_where_a_function_is_not_deployed_the_machine_has_a_text_that_verify_passes_over(family: str) -> None:
    """A name, so that whatever calls it all the same says which parameter is missing."""
    asked = properties("RotationStateMachine", family)["DefinitionSubstitutions"]
    absent = {step: asked[f"{step}FunctionArn"] for step in STEPS if step not in (*steps_of(family), ROTATOR)}
    passed = machine()["States"]["ProbeFunctions"]["ItemProcessor"]["States"]["ChooseProbe"]["Choices"][0]["StringMatches"]
    assert all(fnmatchcase(text, passed) and re.fullmatch(r"[\w-]{1,64}", text) for text in absent.values())
    for text in absent.values():
        parameter = text.removeprefix("not-deployed-").removesuffix("-is-none")
        assert template()["Parameters"][parameter]["Default"] == "none"
        assert parameter not in FAMILIES[family]


@each_family
def test_read_slots_knows_which_consumers_states_there_are(family: str) -> None:
    """And refuses a target that needs another."""
    states = {registry.consumer(kind).state for kind in registry.CONSUMERS} & set(steps_of(family))
    separator, known = properties("ReadSlotsFunction", family)["Environment"]["Variables"]["CONSUMER_STATES"]["Fn::Join"]
    assert (separator, set(known)) == (",", states)


def test_the_machine_logs_every_state_and_no_data() -> None:
    built = properties("RotationStateMachine")
    assert built["StateMachineType"] == "STANDARD"
    assert (built["LoggingConfiguration"]["Level"], built["LoggingConfiguration"]["IncludeExecutionData"]) == ("ALL", True)
    assert built["TracingConfiguration"] == {"Enabled": False}


def test_history_and_logs_are_encrypted_with_our_key_and_kept_for_more_than_a_year() -> None:
    key = {"Fn::GetAtt": ["RotationKey", "Arn"]}
    encryption = properties("RotationStateMachine")["EncryptionConfiguration"]
    assert (encryption["Type"], encryption["KmsKeyId"]) == ("CUSTOMER_MANAGED_KMS_KEY", key)
    assert all(group["KmsKeyId"] == key for group in all_of("AWS::Logs::LogGroup").values())
    assert min(template()["Parameters"]["LogRetentionDays"]["AllowedValues"]) >= 400


def test_no_function_is_traced() -> None:
    assert all("TracingConfig" not in one for one in all_of("AWS::Lambda::Function").values())


def test_a_task_waits_longer_than_its_function_runs() -> None:
    for name, task in tasks(machine()):
        asked = task["Parameters"].get("FunctionName", "${ReadSlotsFunctionArn}")  # one asks any of them
        function = asked.removeprefix("${").removesuffix("Arn}")
        assert task["TimeoutSeconds"] == properties(function)["Timeout"] + MARGIN_SECONDS, name


def test_the_quiet_period_outlasts_a_function_that_nobody_waits_for() -> None:
    """But for the one that waits for the machine: what that does late, it does from exactly where it has seen a label, or not at
    all (test_button.py holds it up before each of its calls)."""
    functions = all_of("AWS::Lambda::Function")
    others = {f"{ROTATOR}Function", "FindDueFunction", "ReportFleetFunction"}  # the last two change no target
    longest = max(one["Timeout"] for name, one in functions.items() if name not in others)
    assert template()["Parameters"]["QuietSeconds"]["Default"] > longest + MARGIN_SECONDS


def test_what_the_definition_asks_for_is_substituted_and_nothing_more() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", json.dumps(machine())))
    assert asked == set(properties("RotationStateMachine")["DefinitionSubstitutions"])


def default_target(given: dict[str, str], family: str = "OpenEMR") -> Target:
    """What the functions would read of a stack with these parameters too."""
    return parse_target("app", target_text(template(), FAMILIES[family] | given))


def test_readers_come_into_the_target_as_they_were_given() -> None:
    assert default_target({}).source.settings["readers"] == []
    assert default_target({"ReaderHosts": "r1.example,r2.example"}).source.settings["readers"] == ["r1.example", "r2.example"]


def test_the_default_target_is_a_valid_document() -> None:
    target = default_target({})
    assert (target.quiet_seconds, target.rotation_class.name, target.overlap_seconds) == (120, DEFAULT_CLASS, 0)


@pytest.mark.parametrize("name", CLASSES)
def test_the_overlap_is_the_classs_unless_the_parameter_says_another(name: str) -> None:
    assert default_target({"RotationClass": name}).overlap_seconds == CLASSES[name].overlap_seconds
    assert default_target({"RotationClass": name, "OverlapSeconds": "7"}).overlap_seconds == 7
    assert default_target({"RotationClass": name, "OverlapSeconds": "0"}).overlap_seconds == 0


def test_the_cluster_knows_the_roles_that_reach_it_by_one_group() -> None:
    entries = all_of("AWS::EKS::AccessEntry", "OpenEMR")
    assert set(entries) == {f"{step}AccessEntry" for step, has in STEPS.items() if "OpenEMR" in has.cluster}
    _, binding = yaml.safe_load_all((ROOT / "k8s/rbac.yaml").read_text())
    for key, entry in entries.items():
        assert entry["PrincipalArn"] == {"Fn::GetAtt": [key.replace("AccessEntry", "Role"), "Arn"]}
        assert entry["KubernetesGroups"] == [subject["name"] for subject in binding["subjects"]]


def test_the_cluster_grants_what_is_used_on_the_objects_of_the_default_target() -> None:
    role, _ = yaml.safe_load_all((ROOT / "k8s/rbac.yaml").read_text())
    given = {name: template()["Parameters"][name]["Default"] for name in ("Namespace", "K8sSecretName", "DeploymentName")}
    assert role["metadata"]["namespace"] == given["Namespace"]
    assert [(*one["resources"], *one["resourceNames"], *one["verbs"]) for one in role["rules"]] == [
        ("secrets", given["K8sSecretName"], "get", "patch"),
        ("deployments", given["DeploymentName"], "get", "patch"),
    ]


def test_every_parameter_says_what_it_is() -> None:
    parameters, shown = template()["Parameters"], template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [name for name, one in parameters.items() if not one.get("Description")] == []
    assert {name for group in shown for name in group["Parameters"]} == set(parameters)


def test_the_classes_are_those_of_the_layer() -> None:
    parameter = template()["Parameters"]["RotationClass"]
    assert (parameter["AllowedValues"], parameter["Default"]) == (list(CLASSES), DEFAULT_CLASS)
    assert template()["Mappings"]["Classes"] == {
        name: {"Schedule": one.schedule, "OverdueDays": one.overdue_days} for name, one in CLASSES.items()
    }


def test_nothing_rotates_by_itself_until_it_is_switched_on_and_verify_runs_in_any_case() -> None:
    schedules = all_of("AWS::Scheduler::Schedule")
    assert {key: one["State"] for key, one in schedules.items()} == {
        "RotateSchedule": {"Fn::If": ["RunsBySchedule", "ENABLED", "DISABLED"]},
        "VerifySchedule": "ENABLED",
        "FleetSchedule": {"Fn::If": ["FleetRunsDaily", "ENABLED", "DISABLED"]},
    }
    assert template()["Parameters"]["Fleet"]["Default"] == "none"
    assert template()["Conditions"]["RunsBySchedule"] == {"Fn::Equals": [{"Ref": "ScheduleEnabled"}, "true"]}
    assert template()["Parameters"]["ScheduleEnabled"]["Default"] == "false"
    assert schedules["RotateSchedule"]["ScheduleExpression"]["Fn::FindInMap"] == ["Classes", {"Ref": "RotationClass"}, "Schedule"]


@pytest.mark.parametrize(("schedule", "mode"), [("RotateSchedule", "rotate"), ("VerifySchedule", "verify")])
def test_a_schedule_starts_this_machine_with_the_time_that_makes_the_rotations_id(schedule: str, mode: str) -> None:
    target = properties(schedule)["Target"]
    given = json.loads(target["Input"])
    assert target["Arn"] == {"Ref": "RotationStateMachine"}
    assert (given.get("mode", "rotate"), given["started_by"]) == (mode, "schedule")
    due = target["Input"].replace("<aws.scheduler.scheduled-time>", "2026-01-05T03:00:00Z")
    execution = {"id": "arn", "name": "made-up-by-the-scheduler", "started": "2026-01-05T03:04:11Z"}
    assert Request({**json.loads(due), "execution": execution}).rotation_id == "2026-01-05T03:00:00Z"
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["NotDeliveredQueue", "Arn"]}}


def test_every_alarm_is_of_this_stack_and_reaches_people() -> None:
    for key, alarm in all_of("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-"), key
        assert alarm["AlarmActions"] == [{"Ref": "NoticeTopic"}], key


def test_every_alarm_is_explained() -> None:
    told = re.findall(r"^\| `([\w-]+)` \|", section("Alarms", "docs/operating.md"), re.MULTILINE)
    names = [one["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for one in all_of("AWS::CloudWatch::Alarm").values()]
    assert told == names


def test_the_fleets_dashboard_shows_its_alarms_and_what_a_run_measures() -> None:
    text = properties("FleetDashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(text)["widgets"]
    assert re.findall(r"\$\{(\w+)\.Arn\}", json.dumps(widgets[0])) == [
        key for key in all_of("AWS::CloudWatch::Alarm") if key.startswith("Fleet")
    ]
    nothing = reported(Plan("run", 0, Settings(1, 1, 0, 60), {}), {}, {}, through=-1, stopped="")
    shown = {one[1] for widget in widgets[1:3] for one in widget["properties"]["metrics"]}
    assert shown == set(nothing.measured())


def test_the_dashboard_shows_every_alarm_that_is_always_there() -> None:
    body = json.loads(properties("Dashboard")["DashboardBody"]["Fn::Sub"])
    shown = re.findall(r"\$\{(\w+)\.Arn\}", json.dumps(body["widgets"][0]))
    conditional = {key for key, one in template()["Resources"].items() if "Condition" in one}
    assert shown == [key for key in all_of("AWS::CloudWatch::Alarm") if key not in conditional]


def test_the_rds_authorities_can_be_loaded() -> None:
    bundle = resources.files("rotation").joinpath("certificates/rds-global-bundle.pem")
    with resources.as_file(bundle) as file:
        assert len(ssl.create_default_context(cafile=file).get_ca_certs()) > 80


def test_what_stays_when_the_stack_is_deleted_is_what_the_page_says() -> None:
    page = (ROOT / "docs/deleting.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| (?:`([^`]+)`)?", page, re.MULTILINE)
    kept = {key: one for key, one in template()["Resources"].items() if str(one.get("DeletionPolicy", "")).startswith("Retain")}
    assert {name for name, _ in told} == set(kept)
    names = {key: one["Properties"].get("LogGroupName", {}).get("Fn::Sub", "") for key, one in kept.items()}
    assert {name: called.replace("STACK", "${AWS::StackName}") for name, called in told} == names
