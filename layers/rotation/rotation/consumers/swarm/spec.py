"""Which of a credential's versions a service reads, and what its spec says once it has come a phase further. Pure.

An application finds its file by a variable, `POSTGRES_PASSWORD_FILE`; beside it `POSTGRES_PASSWORD_FILE_NEW` leads to what comes
next. The phases, each one update of the service:

    before      the old file alone
    prepared    both files; the variable leads to the old one, …_NEW to the new one
    cut over    both files; the variable leads to the new one
    clean       the new file alone

Whatever else the spec says is somebody else's and is kept, also what they changed a moment ago."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotation.consumers.swarm.versions import is_of
from rotation.core.errors import ServiceUnfit
from rotation.core.phases import Phase

FOLDER = "/run/secrets/"
NEW = "_NEW"
Spec = Mapping[str, Any]
"""Of a service, as the engine has it."""


@dataclass(frozen=True)
class File:
    """A variable, the secret that it is to lead to by its name without a number, and which of its versions that is to be."""

    variable: str
    base: str
    id: str
    """Of the version, in the Swarm."""
    name: str
    in_use: str = ""
    """Of the version that is current, in the Swarm: what the variable goes on to lead to until the service is cut over. Empty where
    the Swarm has none of ours: then it is what the variable leads to."""


@dataclass(frozen=True)
class Mounted:
    """A secret that a service has as a file."""

    id: str
    name: str
    path: str


def goals(restarts: int) -> tuple[Phase, ...]:
    """Which phases are updates of their own. With 1 the application tries the newest file itself, and the old one stays beside it
    until the next rotation."""
    return {
        3: (Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN),
        2: (Phase.CUT_OVER, Phase.CLEAN),
        1: (Phase.PREPARED,),
    }[restarts]


def container(spec: Spec) -> Mapping[str, Any]:
    """What its tasks run."""
    found: Mapping[str, Any] = spec["TaskTemplate"].get("ContainerSpec") or {}
    return found


def mounted(of: Mapping[str, Any]) -> list[Mounted]:
    """By a service or a task."""
    return [_mounted(one) for one in of.get("Secrets") or [] if one.get("File")]


def environment(of: Mapping[str, Any]) -> dict[str, str]:
    """Of a service or a task. A variable without a value is taken from the engine's own, and none of ours."""
    return dict(one.split("=", 1) for one in of.get("Env") or [] if "=" in one)


def reads(spec: Spec, variable: str) -> Mounted | None:
    """The file that a variable leads to."""
    of = container(spec)
    path = environment(of).get(variable)
    return next((one for one in mounted(of) if one.path == path), None)


def phase(spec: Spec, files: Sequence[File]) -> Phase:
    """The least that one of its files has come to."""
    return min(_phase(spec, file) for file in files)


def _phase(spec: Spec, file: File) -> Phase:
    used, following = reads(spec, file.variable), reads(spec, file.variable + NEW)
    if used is not None and used.id == file.id:
        alone = file.variable + NEW not in environment(container(spec)) and not _others(spec, file)
        return Phase.CLEAN if alone else Phase.CUT_OVER
    return Phase.PREPARED if following is not None and following.id == file.id else Phase.BEFORE


def _others(spec: Spec, file: File) -> list[Mounted]:
    """Other versions that it still has as a file."""
    return [one for one in mounted(container(spec)) if one.id != file.id and is_of(file.base, one.name)]


def newest(spec: Spec, variable: str) -> Mounted | None:
    """What an application reads that tries the newest file first."""
    return reads(spec, variable + NEW) or reads(spec, variable)


def used_by(spec: Spec, variable: str, base: str) -> Mounted:
    """The file that a variable leads to. ServiceUnfit where it leads to none."""
    found = reads(spec, variable)
    if found is None:
        raise ServiceUnfit(f"{variable} does not point to a secret of the service: let it name the file of {base}")
    return found


def brought(spec: Spec, files: Sequence[File], goal: Phase) -> Spec:
    """The spec at that phase; where it has come so far already, as it is."""
    changed = _copied(spec)
    for file in files:
        if _phase(changed, file) < goal:
            _bring(changed, file, goal)
    return changed


def _bring(spec: dict[str, Any], file: File, goal: Phase) -> None:
    of = spec["TaskTemplate"]["ContainerSpec"]
    used = used_by(spec, file.variable, file.base)
    stays = next((one for one in mounted(of) if one.id == file.in_use), used)
    path = _mount(of, file, used)
    prepared = goal is Phase.PREPARED
    _set(of, file.variable, stays.path if prepared else path)
    _set(of, file.variable + NEW, path if prepared else None)
    kept = {file.id} if goal is Phase.CLEAN else {file.id, stays.id}
    of["Secrets"] = [one for one in of["Secrets"] if one["SecretID"] in kept or not is_of(file.base, one["SecretName"])]


def _mount(of: dict[str, Any], file: File, used: Mounted) -> str:
    """Its path, owned and permitted as the file that is used."""
    for one in mounted(of):
        if one.id == file.id:
            return one.path
    pattern = next(one for one in of["Secrets"] if one["SecretID"] == used.id and _mounted(one).path == used.path)
    added = {**pattern, "SecretID": file.id, "SecretName": file.name, "File": {**pattern["File"], "Name": file.name}}
    of["Secrets"] = [*of["Secrets"], added]
    return FOLDER + file.name


def _set(of: dict[str, Any], variable: str, value: str | None) -> None:
    """In its place where it is there, else at the end; with None it goes."""
    kept: list[str] = []
    written = value is None
    for one in of.get("Env") or []:
        if one.partition("=")[0] != variable:
            kept.append(one)
        elif not written:
            kept.append(f"{variable}={value}")
            written = True
    of["Env"] = kept if written else [*kept, f"{variable}={value}"]


def _mounted(one: Mapping[str, Any]) -> Mounted:
    name = str(one["File"]["Name"])
    return Mounted(str(one["SecretID"]), str(one["SecretName"]), name if name.startswith("/") else FOLDER + name)


def is_ours(spec: Spec, previous: Spec | None, files: Mapping[str, str]) -> bool:
    """Whether the last update was a rotation's: it changed nothing but where the variables lead to. `files`: by variable."""
    return previous is not None and _without_ours(spec, files) == _without_ours(previous, files)


def _copied(spec: Spec) -> dict[str, Any]:
    """As deep as we change it: there lists are replaced, never written into."""
    template = spec["TaskTemplate"]
    return {**spec, "TaskTemplate": {**template, "ContainerSpec": {**(template.get("ContainerSpec") or {})}}}


def _without_ours(spec: Spec, files: Mapping[str, str]) -> Spec:
    left = _copied(spec)
    of = left["TaskTemplate"]["ContainerSpec"]
    ours = {*files, *(variable + NEW for variable in files)}
    of["Env"] = [one for one in of.get("Env") or [] if one.partition("=")[0] not in ours]
    secrets = of.get("Secrets") or []
    of["Secrets"] = [one for one in secrets if not any(is_of(base, one["SecretName"]) for base in files.values())]
    return left


def replicas(spec: Spec) -> int:
    """How many tasks it wants. ServiceUnfit where it is no replicated service, or wants none."""
    mode = spec.get("Mode") or {}
    if "Replicated" not in mode:
        kind = next(iter(mode), "unknown")
        raise ServiceUnfit(
            f"it runs in mode {re.sub('[^a-zA-Z]', '', kind).lower()}: a replicated service can be replaced task by task"
        )
    wanted = int((mode["Replicated"] or {}).get("Replicas") or 0)
    if not wanted:
        raise ServiceUnfit(
            "it is scaled to 0: nothing would show that the new credential works. Scale it up, or take it out of the target"
        )
    return wanted
