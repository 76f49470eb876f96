"""The kubernetes package's connection without its models.

`import kubernetes` runs 800 modules of models and APIs: 1.3 s of processor time at each cold start, five in a small function.
We send plain JSON and need none of them, so for the moment of this import empty modules stand where they would be loaded.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

_PACKAGE, _CLIENT, _MODELS = "kubernetes", "kubernetes.client", "kubernetes.client.models"


@contextmanager
def _empty() -> Iterator[None]:
    """Whoever imports the package later, or has before, gets all of it."""
    before = _ours()
    spec = find_spec(_PACKAGE)
    [folder] = spec.submodule_search_locations or [] if spec else [""]
    package, client, models = (ModuleType(name) for name in (_PACKAGE, _CLIENT, _MODELS))
    package.__path__, client.__path__ = [folder], [f"{folder}/client"]
    package.client, client.models = client, models  # type: ignore[attr-defined]
    _replace({_PACKAGE: package, _CLIENT: client, _MODELS: models})
    try:
        yield
    finally:
        _replace(before)


def _ours() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == _PACKAGE}


def _replace(modules: dict[str, ModuleType]) -> None:
    for name in _ours():
        del sys.modules[name]
    sys.modules.update(modules)


with _empty():
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.exceptions import ApiException

__all__ = ["ApiClient", "ApiException", "Configuration"]
