"""Instances on this machine: each with an agent, a metadata service and a web server, behind a balancer. They come and go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from local.aws import REPOSITORY, LocalAws, local_only
from local.instances.agent import Place
from local.instances.front import Front
from local.instances.metadata import Metadata
from local.instances.programs import NEEDED, Programs
from local.ports import free_port
from local.priority import serve

BOOT = REPOSITORY / "instances" / "wp-config"
WITHIN = 60.0


class Image(Protocol):
    """What an instance is made of."""

    config: str
    """Of the file that is rewritten, below the root."""

    def lay_out(self, root: Path) -> None:
        """All its files, that one with the login that was current when the image was made."""

    def serving(self, root: Path, port: int) -> tuple[list[str], Mapping[str, str]]:
        """The web server's command, and what it needs in its environment."""


@dataclass(frozen=True)
class Kind:
    """What all instances of a fleet have in common."""

    secret_arn: str
    tags: Mapping[str, str]
    role: str = "instance-role"
    programs: tuple[str, ...] = NEEDED
    cli: bool = False
    boots: bool = True
    """Whether it has the boot unit."""


class Instance:
    """One of them, by its id in EC2."""

    def __init__(self, name: str, root: Path, kind: Kind, image: Image, aws: LocalAws, environment: Mapping[str, str]) -> None:
        self.id, self.root, self.port = name, root, free_port()
        self.metadata = Metadata(kind.role, name, aws.region)
        self._kind, self._image, self._environment = kind, image, local_only(environment)
        for folder in ("root", "var/tmp"):
            (root / folder).mkdir(parents=True)
        self.programs = Programs(root / "bin", kind.programs)
        if kind.cli:
            self.programs.add_cli()
        image.lay_out(root)
        self.metadata.__enter__()
        path = str(self.programs.folder)
        self._place = Place(name, str(root), self.port, aws.endpoint, path, self.metadata.endpoint)
        self._agent: subprocess.Popen[bytes] | None = None
        self._web: subprocess.Popen[bytes] | None = None
        self.on = False

    @property
    def config(self) -> Path:
        return self.root / self._image.config

    @property
    def url(self) -> str:
        """Of its own page."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """As systemd does it: the boot unit, then the web server and the agent."""
        if self._kind.boots:
            self.boot()
        command, more = self._image.serving(self.root, self.port)
        self._web = self._process(command, {**more, "INSTANCE": self.id}, "web.log")
        serve(self._web.pid)
        self.start_agent()
        self.on = True

    def boot(self) -> int:
        """The exit code of the boot unit."""
        given = {"SecretArn": self._kind.secret_arn, "Path": str(self.config), **self._place.environment}
        with (self._log("boot.log")).open("ab") as log:
            return subprocess.run(
                [f"{self.programs.folder}/sh", str(BOOT)], env=given, stdout=log, stderr=log, check=False
            ).returncode

    def start_agent(self) -> None:
        self._agent = self._process(
            [sys.executable, "-m", "local.instances.agent", json.dumps(asdict(self._place))], {}, "agent.log"
        )

    def kill_agent(self) -> None:
        """And what it runs: as a power failure of the agent alone, if there were one."""
        _kill(self._agent)
        for left in self._scripts():
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)

    def power_off(self) -> None:
        """No notice, nothing in order. Its disk stays as it is."""
        self.kill_agent()
        _kill(self._web)
        self.on = False

    def page(self) -> str:
        """What its web server answers."""
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def _scripts(self) -> list[int]:
        """Processes that know this instance's programs as their whole PATH."""
        mark = f"PATH={self.programs.folder}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def _process(self, command: list[str], more: Mapping[str, str], log: str) -> subprocess.Popen[bytes]:
        with self._log(log).open("ab") as written:
            return subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**self._environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                process_group=0,
            )

    def _log(self, name: str) -> Path:
        folder = self.root / "var/log"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


class Fleet:
    """`with Fleet(…) as fleet:` none is running afterwards."""

    def __init__(self, aws: LocalAws, directory: Path, environment: Mapping[str, str], image: Image, kind: Kind) -> None:
        self.instances: dict[str, Instance] = {}
        """All that were not ended."""
        self.front = Front("/")
        self._aws, self._directory, self._environment = aws, directory, environment
        self._image, self._kind = image, kind

    def __enter__(self) -> Self:
        self.front.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for instance in self.instances.values():
            instance.power_off()
            instance.metadata.__exit__(None, None, None)
        self.front.__exit__(None, None, None)

    def launch(self, kind: Kind | None = None) -> Instance:
        """From the image: it boots, serves, and gets requests when the balancer finds it healthy."""
        kind = kind or self._kind
        tags = [{"Key": key, "Value": value} for key, value in kind.tags.items()]
        given = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}
        made = self._aws.client("ec2").run_instances(**given, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
        name = made["Instances"][0]["InstanceId"]
        instance = Instance(name, self._directory / name, kind, self._image, self._aws, self._environment)
        self.instances[name] = instance
        instance.start()
        self.front.register(name, instance.port)
        return instance

    def end(self, instance: Instance) -> None:
        """In order: out of the balancer, what is under way ends, then it is terminated, and its disk is deleted."""
        self.front.deregister(instance.id)
        self.lose(instance)
        shutil.rmtree(instance.root)

    def lose(self, instance: Instance) -> None:
        """Terminated, and nobody was told before. Its disk stays, to be looked at."""
        instance.power_off()
        self.front.deregister(instance.id)
        del self.instances[instance.id]
        instance.metadata.__exit__(None, None, None)
        self._aws.client("ec2").terminate_instances(InstanceIds=[instance.id])
        self._aws.forget_instance(instance.id)

    def stop(self, instance: Instance) -> None:
        """As into a warm pool."""
        self.front.deregister(instance.id)
        instance.power_off()
        self._aws.client("ec2").stop_instances(InstanceIds=[instance.id])

    def start(self, instance: Instance) -> None:
        """As out of a warm pool."""
        self._aws.client("ec2").start_instances(InstanceIds=[instance.id])
        instance.start()
        self.front.register(instance.id, instance.port)

    def wait_until_serving(self) -> None:
        """All that are on get requests, and their agents are heard of."""
        deadline = time.monotonic() + WITHIN
        wanted = {name for name, instance in self.instances.items() if instance.on}
        while not (wanted <= self.front.healthy() and wanted <= self._online()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not serving: {wanted - self.front.healthy()}; without an agent: {wanted - self._online()}")
            time.sleep(0.05)

    def _online(self) -> set[str]:
        pages = self._aws.client("ssm").get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 50})
        return {one["InstanceId"] for page in pages for one in page["InstanceInformationList"] if one["PingStatus"] == "Online"}


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
