"""The commands of the front page, word by word, from the example's parameters to a first rotation, for each application.

What a person has at hand is stood in for: `sam deploy` reads the files that the real one would, and makes the stack on the local
AWS; `sam build` has been done; `kubectl` finds the file applied, with which the local cluster begins; `pip` has installed the
command (tests/contract/test_command_installed.py does it).
"""

from __future__ import annotations

import json
import re
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from samcli.cli.types import CfnParameterOverridesType

from local.acme.stack import AcmeServed
from local.appliance.stack import ApplianceShop
from local.aws import REPOSITORY
from local.certified.stack import Certified
from local.keys.stack import KeysInVault
from local.load import Load
from local.provider.stack import Mailer
from local.running import Running
from local.shop.one_user import OnRedis
from local.shop.proxied import Shop
from local.shop.signer import Signer
from local.shop.stack import SHOWN
from local.stack import LocalStack, Pace
from local.swarm.programs import why_not
from local.swarm.stack import WEB, Services
from local.vault.stack import VaultShop
from local.wordpress.stack import WordPress
from local.workloads.stack import Workloads
from local.yaml_text import read_yaml
from tests.e2e.terminal import Terminal
from tests.pages import first_column, section
from tests.whole import more, whole

CONFIG = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())


class OneService(Services):
    """What has a double quote inside no parameter can say: SAM loses the backslash before it (docs/swarm.md)."""

    services, keys = (WEB,), {"shop_user": "{username}", "shop_password": "{password}"}


STACKS: dict[str, Callable[[], Running]] = {
    "openemr": lambda: LocalStack(pods=1, pace=Pace(quiet_seconds=1, pod_seconds=0.2)),
    "rds-proxy": Shop,
    "redis": OnRedis,
    "iam-access-key": KeysInVault,
    "http-api-key": Mailer,
    "signing-keys": Signer,
    "certificate": Certified,
    "acme-certificate": AcmeServed,
    "wordpress": lambda: WordPress(2),
    "vault": VaultShop,
    "workloads": Workloads,
    "lambda-consumer": ApplianceShop,
    "swarm": lambda: OneService(2),
}
ELSEWHERE = "iam-access-key"
"""Its IAM user has the tag of one stack and of no other: test_keys.py deploys that one, and rotates."""
KEEP_CONNECTIONS = ("vault", "lambda-consumer", "swarm")
"""One on which nobody asks anything is open for as long as the application lives: a drain would wait for that. So somebody asks."""
PAGES = 2
"""A second."""
OPENEMR, IN_CI = "openemr", "redis"
STAND_IN = f"""#!{sys.executable}
import json, pathlib, sys
there = pathlib.Path(__file__).parent / "typed.jsonl"
with there.open("a") as typed:
    typed.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]) + "\\n")
"""
SAM = (
    STAND_IN
    + """
import time
waiting = there.with_name("deploying")
if sys.argv[1] == "deploy":
    waiting.touch()
while waiting.exists():
    time.sleep(0.05)
"""
)


def block() -> list[str]:
    """The lines of the front page."""
    (found,) = re.findall(r"```bash\n(.*?)```", section("Deploy it", "README.md"), re.DOTALL)
    return str(found).splitlines()


def test_each_application_with_an_example_is_in_the_table() -> None:
    assert set(STACKS) == {path.parent.name for path in (REPOSITORY / "examples").glob("*/parameters.yaml")}
    assert first_column(section("For another application", "docs/deploying.md")) == list(STACKS)


@pytest.mark.parametrize(
    "application", [more(name, id=name) if name == IN_CI else whole(name, id=name) for name in STACKS if name != ELSEWHERE]
)
def test_the_commands_of_the_front_page_lead_to_a_first_rotation(application: str, tmp_path: Path) -> None:
    if application == "swarm" and why_not() is not None:
        pytest.skip(str(why_not()))
    for name in ("examples", "k8s", "samconfig.toml"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    stack = STACKS[application]()
    stack.by_hand = True
    with stack:
        terminal = Terminal(stack, tmp_path)
        del terminal.environment["ROTATION_STACK"]
        for name, text in (("sam", SAM), ("kubectl", STAND_IN), ("pip", STAND_IN)):
            terminal.command(name, text)
        before = stack.secret(stack.slot_secret)
        in_use = Load(stack.page, PAGES, marker=SHOWN) if application in KEEP_CONNECTIONS else nullcontext()
        copy, *rest = (line.replace("examples/openemr/", f"examples/{application}/") for line in block())
        assert done(terminal, copy) == ""
        put_values_in(tmp_path / "parameters.dev.yaml", stack.parameters)
        with in_use:
            printed = done(terminal, "\n".join(line for line in rest if application == OPENEMR or "kubectl" not in line), stack)
        for end in ("Verified", "PlanReported", "RotationSucceeded"):
            assert f"\n{end}, after " in printed, printed
        after = stack.secret(stack.slot_secret)
        assert after["active_slot"] != before["active_slot"]
        assert set(stack.held().values()) == {
            login for login in stack.held().values() if stack.accepts(login.username, login.password)
        }
        old = before[before["active_slot"]]
        assert not stack.accepts(old["username"], old["password"])
    typed = [json.loads(line) for line in (tmp_path / "typed.jsonl").read_text().splitlines()]
    assert ["sam", "build", "--config-env", "dev"] in typed
    if application == OPENEMR:
        (applied,) = [one for one in typed if one[0] == "kubectl"]
        assert (REPOSITORY / applied[-1]).exists()


def put_values_in(path: Path, values: dict[str, str]) -> None:
    """What the example names is replaced; what only this machine needs is added."""
    example = read_yaml(path.read_text())
    unknown = set(example) - set(values) - {"Environment"}
    assert unknown == set(), "the example names what no stack here is given"
    path.write_text(yaml.safe_dump(values))


def done(terminal: Terminal, typed: str, stack: Running | None = None) -> str:
    """What was printed; `sam deploy` makes the stack."""
    process = terminal.type(typed)
    while process.poll() is None:
        if stack and (terminal.folder / "deploying").exists():
            deploy(terminal.folder, stack)
            (terminal.folder / "deploying").unlink()
        time.sleep(0.05)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return printed


def deploy(folder: Path, stack: Running) -> None:
    """As samconfig.toml and the parameters' file say."""
    config = CONFIG["dev"]
    words = [word.replace("file://", f"file://{folder}/") for word in config["deploy"]["parameters"]["parameter_overrides"]]
    given = CfnParameterOverridesType().convert(words, None, None)
    stack.deploy(config["global"]["parameters"]["stack_name"], given)
