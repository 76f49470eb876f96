"""What a function may rely on, and what its caller sees when it breaks: as Lambda does it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from local.aws import REPOSITORY, LocalAws
from local.faults import Fault, SecretFault
from local.lambdas import runtime_python
from local.sandbox import Function
from tests.until import PATIENCE_SECONDS, until

MOST = re.compile(r"\tMax Memory Used: (\d+) MB")
CODE = """
import json, os, sys, time

class SourceRejected(Exception):
    pass

def lambda_handler(event, context):
    do = event.get("do")
    if do == "raise":
        raise SourceRejected("no such user")
    if do == "sleep":
        open(event["started"], "w").write(str(os.getpid()))
        time.sleep(event["seconds"])
    if do == "exit":
        os._exit(3)
    if do == "print":
        print("printed by the function")
        print("complained", file=sys.stderr)
    if do == "import":
        return __import__(event["module"]).__name__
    if do == "bad result":
        return object()
    if do == "touch":
        open(event["path"], "a").write("x")
    if do == "put":
        import boto3

        open(event["path"], "a").write("x")
        boto3.client("secretsmanager").put_secret_value(SecretId=event["secret"], SecretString="late")
    if do == "read":
        return open(event["path"]).read()
    if do == "remove":
        os.remove(event["path"])
    if do == "context":
        names = ("function_name", "aws_request_id", "invoked_function_arn", "memory_limit_in_mb", "function_version",
                 "log_group_name", "log_stream_name")
        return {name: getattr(context, name) for name in names} | {"left": context.get_remaining_time_in_millis()}
    if do == "environment":
        return dict(os.environ)
    return os.getpid()
"""


def function(name: str, folder: Path, layers: tuple[Path, ...] = (), **more: Any) -> Function:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "app.py").write_text(CODE)
    settings: dict[str, Any] = {
        "handler": "app.lambda_handler",
        "timeout": 20,
        "memory": 256,
        "environment": {"MINE": "yes"},
    } | more
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    return Function(name=name, arn=arn, code=str(folder / name), layers=[str(one) for one in layers], **settings)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("lambdas")
    layer = folder / "layer/python"
    layer.mkdir(parents=True)
    (layer / "from_a_layer.py").touch()
    python = runtime_python()
    with LocalAws(python, folder / "logs", record=folder / "calls.jsonl") as aws:
        aws.deploy_function(function("plain", folder))
        aws.deploy_function(function("layered", folder, (layer,)))
        aws.deploy_function(function("hasty", folder, timeout=1))
        aws.deploy_function(function("broken", folder, handler="absent.lambda_handler"))
        yield aws


def invoke(aws: LocalAws, name: str, **event: Any) -> tuple[Any, str | None]:
    answer = aws.client("lambda", config=Config(retries={"max_attempts": 0})).invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def wait_for(path: Path) -> int:
    until(lambda: path.exists() and path.read_text())
    return int(path.read_text())


def gone(pid: int, seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        try:
            if status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_function_has_its_own_layers_and_no_others(aws: LocalAws) -> None:
    assert invoke(aws, "layered", do="import", module="from_a_layer") == ("from_a_layer", None)
    assert invoke(aws, "plain", do="import", module="from_a_layer")[0]["errorType"] == "ModuleNotFoundError"


def test_the_runtime_has_boto3_and_nothing_of_this_project(aws: LocalAws) -> None:
    assert invoke(aws, "plain", do="import", module="boto3") == ("boto3", None)
    for name in ("moto", "yaml", "local", "pytest"):
        assert invoke(aws, "plain", do="import", module=name)[0]["errorType"] == "ModuleNotFoundError"


def test_the_environment_is_lambdas_and_the_functions_own(aws: LocalAws) -> None:
    environment, _ = invoke(aws, "plain", do="environment")
    assert environment["MINE"] == "yes"
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_LAMBDA_FUNCTION_NAME"] == "plain"
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "SHELL", "PWD"} & set(environment)


def test_the_context_says_what_lambdas_says(aws: LocalAws) -> None:
    context, _ = invoke(aws, "plain", do="context")
    assert context["function_name"] == "plain"
    assert context["invoked_function_arn"].endswith(":function:plain")
    assert context["memory_limit_in_mb"] == "256"
    assert 15_000 < context["left"] <= 20_000


def test_what_is_printed_goes_to_the_functions_log(aws: LocalAws) -> None:
    invoke(aws, "plain", do="print")
    log = (aws.logs / "plain.log").read_text()
    for line in ("START RequestId: ", "printed by the function\n", "complained\n", "END RequestId: ", "\tDuration: "):
        assert line in log


def test_the_log_says_how_much_memory_it_had_at_most(aws: LocalAws, tmp_path: Path) -> None:
    for name, module in (("small", "json"), ("large", "boto3")):
        aws.deploy_function(function(name, tmp_path))
        invoke(aws, name, do="import", module=module)
    small, large = (int(MOST.findall((aws.logs / f"{name}.log").read_text())[-1]) for name in ("small", "large"))
    assert 5 < small < large < 256


def test_an_exception_is_answered_as_lambdas_runtime_answers_it(aws: LocalAws) -> None:
    error, kind = invoke(aws, "plain", do="raise")
    assert kind == "Unhandled"
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorType"], error["errorMessage"]) == ("SourceRejected", "no such user")
    assert len(error["stackTrace"]) == 1
    assert 'app.py", line 10, in lambda_handler\n    raise SourceRejected("no such user")' in error["stackTrace"][0]


def test_a_missing_module_and_a_result_that_is_no_json_have_lambdas_names(aws: LocalAws) -> None:
    assert invoke(aws, "broken")[0]["errorType"] == "Runtime.ImportModuleError"
    assert invoke(aws, "plain", do="bad result")[0]["errorType"] == "Runtime.MarshalError"


def test_a_function_is_killed_at_its_timeout(aws: LocalAws, tmp_path: Path) -> None:
    began = time.monotonic()
    error, kind = invoke(aws, "hasty", do="sleep", seconds=30, started=str(tmp_path / "pid"))
    assert time.monotonic() - began < 5
    assert (error["errorType"], kind) == ("Sandbox.Timedout", "Unhandled")
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert gone(wait_for(tmp_path / "pid"))


def test_an_idle_process_is_used_again_and_a_busy_one_is_not_waited_for(aws: LocalAws, tmp_path: Path) -> None:
    first, _ = invoke(aws, "plain")
    assert invoke(aws, "plain")[0] == first
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(invoke, aws, "plain", do="sleep", seconds=1, started=str(tmp_path / "pid"))
        pid = wait_for(tmp_path / "pid")
        assert pid == first
        assert invoke(aws, "plain")[0] != pid
        assert busy.result()[0] == pid


def test_a_process_that_ends_by_itself_fails_its_invocation_and_no_other(aws: LocalAws) -> None:
    error, kind = invoke(aws, "plain", do="exit")
    assert (error["errorType"], kind) == ("Runtime.ExitError", "Unhandled")
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert isinstance(invoke(aws, "plain")[0], int)


def test_killing_a_function_fails_what_it_is_doing(aws: LocalAws, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(invoke, aws, "plain", do="sleep", seconds=30, started=str(tmp_path / "pid"))
        wait_for(tmp_path / "pid")
        assert aws.kill("plain") >= 1
        error, _ = busy.result()
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")


@pytest.mark.parametrize(("at", "effects"), [("start", ""), ("end", "x")])
def test_an_ordered_fault_kills_before_or_after_the_effect(aws: LocalAws, tmp_path: Path, at: str, effects: str) -> None:
    (tmp_path / "effect").touch()
    event = {"do": "touch", "path": str(tmp_path / "effect"), "deep": {"a": 1, "b": 2}}
    aws.fail(Fault("plain", match={"deep": {"b": 2}}, at=at))
    assert invoke(aws, "plain")[1] is None  # another event: not this one
    assert invoke(aws, "plain", **event)[0]["errorType"] == "Runtime.ExitError"
    assert (tmp_path / "effect").read_text() == effects
    assert invoke(aws, "plain", **event)[1] is None  # once is once


def test_a_fault_can_come_midway_or_be_an_error_of_choice(aws: LocalAws, tmp_path: Path) -> None:
    aws.fail(Fault("plain", at=0.5))
    sleeper = {"do": "sleep", "seconds": 30, "started": str(tmp_path / "pid")}
    assert invoke(aws, "plain", **sleeper)[0]["errorType"] == "Runtime.ExitError"
    aws.fail(Fault("plain", error={"errorType": "SourceUnavailable", "errorMessage": "made up"}))
    assert invoke(aws, "plain") == ({"errorType": "SourceUnavailable", "errorMessage": "made up"}, "Unhandled")
    aws.fail(Fault("plain", times=9))
    aws.clear_faults()
    assert invoke(aws, "plain")[1] is None


def test_midway_is_counted_from_when_the_handler_was_called(aws: LocalAws, tmp_path: Path) -> None:
    """Not from when its process was started: that may take longer than the work."""
    slow = function("slow", tmp_path)
    (tmp_path / "slow/app.py").write_text("import time\ntime.sleep(1)\n" + CODE)
    aws.deploy_function(slow)
    aws.fail(Fault("slow", at=0.5))
    assert invoke(aws, "slow", do="sleep", seconds=30, started=str(tmp_path / "pid"))[0]["errorType"] == "Runtime.ExitError"
    assert gone(wait_for(tmp_path / "pid"))


def test_a_function_can_die_of_what_it_asks_for_after_what_it_did_before(aws: LocalAws, tmp_path: Path) -> None:
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="record", SecretString="first")
    event = {"do": "put", "path": str(tmp_path / "effect"), "secret": "record"}
    aws.refuse(SecretFault("PutSecretValue", "killed", caller="plain", kills=True))
    assert invoke(aws, "plain", **event)[0]["errorType"] == "Runtime.ExitError"
    assert (tmp_path / "effect").read_text() == "x"
    assert secrets.get_secret_value(SecretId="record")["SecretString"] == "first"
    assert invoke(aws, "plain", **event)[1] is None
    assert secrets.get_secret_value(SecretId="record")["SecretString"] == "late"


def test_an_unknown_function_is_not_found(aws: LocalAws) -> None:
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")


def test_a_cluster_of_this_machine_is_described_with_its_endpoint_and_ca(aws: LocalAws) -> None:
    aws.register_cluster("here", "https://127.0.0.1:6443", "Y2E=")
    cluster = aws.client("eks").describe_cluster(name="here")["cluster"]
    assert (cluster["endpoint"], cluster["certificateAuthority"]["data"]) == ("https://127.0.0.1:6443", "Y2E=")


def test_the_record_names_caller_action_and_resource_and_no_value(aws: LocalAws) -> None:
    aws.client("secretsmanager", caller="somebody").create_secret(Name="recorded", SecretString="hunter2")
    aws.client("secretsmanager", caller="plain").get_secret_value(SecretId="recorded")
    text = (aws.logs.parent / "calls.jsonl").read_text()
    seen = [(call["caller"], call["action"], call["resource"]) for call in map(json.loads, text.splitlines())]
    assert ("somebody", "secretsmanager:CreateSecret", "recorded") in seen
    assert ("plain", "secretsmanager:GetSecretValue", "recorded") in seen
    assert "hunter2" not in text


def record_of(aws: LocalAws) -> list[tuple[str, str, str]]:
    calls = map(json.loads, (aws.logs.parent / "calls.jsonl").read_text().splitlines())
    return [(call["caller"], call["action"], call["resource"]) for call in calls]


def test_the_record_names_what_any_of_aws_s_protocols_asks_for(aws: LocalAws) -> None:
    """JSON, forms, REST; as a policy would name them."""
    topic = aws.client("sns").create_topic(Name="told")["TopicArn"]
    aws.client("sns", caller="teller").publish(TopicArn=topic, Message="m")
    aws.register_cluster("recorded", "https://127.0.0.1:6443", "Y2E=")
    aws.client("eks", caller="finder").describe_cluster(name="recorded")
    aws.client("lambda", caller="machine").invoke(FunctionName="plain", Payload=b"{}")
    efs = aws.client("efs", caller="looker")
    with pytest.raises(efs.exceptions.AccessPointNotFound):
        efs.describe_access_points(AccessPointId="fsap-1")
    wanted = {
        ("teller", "sns:Publish", topic),
        ("finder", "eks:DescribeCluster", "recorded"),
        ("machine", "lambda:InvokeFunction", "plain"),
        ("looker", "elasticfilesystem:DescribeAccessPoints", "fsap-1"),
    }
    assert wanted <= set(record_of(aws))


def test_the_record_says_what_a_function_does_to_what_it_mounts(aws: LocalAws, tmp_path: Path) -> None:
    folder = aws.logs.parent
    sites = folder / "sites"
    sites.mkdir()
    (sites / "file").write_text("x")
    aws.deploy_function(function("mounting", folder, mounts={"/mnt/sites": str(sites)}))

    def seen(**event: Any) -> list[str]:
        before = len(record_of(aws))
        assert invoke(aws, "mounting", **event)[1] is None
        return [action for caller, action, resource in record_of(aws)[before:] if (caller, resource) == ("mounting", "/mnt/sites")]

    assert seen(do="touch", path=str(tmp_path / "elsewhere")) == []
    assert seen(do="read", path=str(sites / "file")) == ["elasticfilesystem:ClientMount"]
    both = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    assert seen(do="touch", path=str(sites / "file")) == both
    assert seen(do="remove", path=str(sites / "file")) == both


STARTER = """
import sys, threading
from pathlib import Path
from local.aws import LocalAws
from local.sandbox import Function
import json
aws = LocalAws(Path(sys.argv[1]), Path(sys.argv[2])).start()
aws.deploy_function(Function(**json.loads(sys.argv[3])))
event = json.dumps({"do": "sleep", "seconds": 60, "started": sys.argv[4]})
aws.client("lambda").invoke(FunctionName="plain", Payload=event)
"""


def test_nothing_is_left_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    python = str(runtime_python())
    sleeper = json.dumps(vars(function("plain", tmp_path)))
    arguments = [python, str(tmp_path / "logs"), sleeper, str(tmp_path / "pid")]
    with subprocess.Popen([sys.executable, "-c", STARTER, *arguments], cwd=REPOSITORY) as starter:
        sandbox = wait_for(tmp_path / "pid")
        server = int(Path(f"/proc/{sandbox}/stat").read_text().rsplit(")", 1)[1].split()[1])
        starter.send_signal(signal.SIGKILL)
    assert gone(server)
    assert gone(sandbox)


def test_nothing_is_left_when_the_server_itself_is_killed(tmp_path: Path) -> None:
    python = runtime_python()
    with LocalAws(python, tmp_path / "logs") as aws, ThreadPoolExecutor(1) as threads:
        aws.deploy_function(function("plain", tmp_path))
        busy = threads.submit(invoke, aws, "plain", do="sleep", seconds=60, started=str(tmp_path / "pid"))
        sandbox = wait_for(tmp_path / "pid")
        server = int(Path(f"/proc/{sandbox}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(server, signal.SIGKILL)
        assert gone(sandbox)
        with pytest.raises(Exception, match="onnect"):
            busy.result()
