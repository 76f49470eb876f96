"""Breaks the pure modules in every small way that mutmut knows, one at a time, and counts how often their tests notice.

    make mutants                       all of them; ARGS="drain rollout" for less

mutmut wants sources and tests side by side, so a copy is made. Each mutant meets the tests that come by the changed function,
of the files named below and no others: a module is to be held by its own tests. What is outside of functions (tables, regular
expressions, enumerations) mutmut does not change.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PERCENT = 85
PURE = {
    path.rsplit("/", 1)[-1]: path
    for path in (
        "protocol/altering",
        "core/drain",
        "protocol/intents",
        "core/model",
        "told/notice",
        "told/outcome",
        "core/passwords",
        "kinds/plan",
        "core/record",
        "core/rollout",
        "core/situation",
        "consumers/sqlconf/text",
        "kinds/target",
    )
}
TESTED_BY = {"text": "test_sqlconf.py"}
"""Where it is not the file of the same name."""
ALSO_TESTED_BY = {"situation": ["test_reasons.py"], "model": ["test_shown.py"], "record": ["test_shown.py"]}
NEEDED = (
    "tests/unit",
    "tests/worlds",
    "local/__init__.py",
    "local/secret_labels.py",
    "local/pod/sqlconf.php.template",
    "statemachine",
)
SETTINGS = """\
[mutmut]
source_paths=rotation
process_isolation=fork
also_copy=
    local
    statemachine
    pytest.ini
only_mutate={only_mutate}
pytest_add_cli_args_test_selection={tests}
"""
PYTEST = """\
[pytest]
addopts = -q --import-mode=importlib -p no:cacheprovider
filterwarnings = error
"""
KILLED = {1, 3, -24, 24, 36, 152, 255}
"""pytest's exit codes for a failed test, and mutmut's for a mutant that does not come to an end."""


def main(modules: list[str]) -> int:
    """Whether the tests notice enough."""
    unknown = sorted(set(modules) - set(PURE))
    if unknown:
        print(f"mutants: no such pure module: {', '.join(unknown)}; there are {', '.join(PURE)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        _stage(Path(folder), modules or PURE)
        process = subprocess.run([sys.executable, "-m", "mutmut", "run"], cwd=folder, capture_output=True, text=True)
        outcomes = {module: _outcomes(Path(folder), module) for module in modules or PURE}
        print(_unnoticed(Path(folder), [name for found in outcomes.values() for name, noticed in found.items() if not noticed]))
        if process.returncode or not all(outcomes.values()):
            print(process.stdout[-3000:], process.stderr[-3000:])
            return 1
    return _report(outcomes)


def _stage(folder: Path, modules: Iterable[str]) -> None:
    shutil.copytree(ROOT / "layers" / "rotation" / "rotation", folder / "rotation")
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    tests = [
        f"tests/unit/{name}"
        for module in modules
        for name in (TESTED_BY.get(module, f"test_{module}.py"), *ALSO_TESTED_BY.get(module, []))
    ]
    settings = SETTINGS.format(only_mutate=_lines(f"rotation/{PURE[module]}.py" for module in modules), tests=_lines(tests))
    (folder / "setup.cfg").write_text(settings)
    (folder / "pytest.ini").write_text(PYTEST)


def _tests_of(module: str) -> list[str]:
    return [TESTED_BY.get(module, f"test_{module}.py"), *ALSO_TESTED_BY.get(module, [])]


def _lines(entries: Iterable[str]) -> str:
    return "".join(f"\n    {entry}" for entry in entries)


def _outcomes(folder: Path, module: str) -> dict[str, bool]:
    """Whether it was noticed, for each mutant by name."""
    found = folder / "mutants" / "rotation" / f"{PURE[module]}.py.meta"
    codes = json.loads(found.read_text())["exit_code_by_key"] if found.exists() else {}
    return {name: code in KILLED for name, code in codes.items()}


SHOW = """
import sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
for name in sys.argv[1:]:
    print(name, *(line for line in get_diff_for_mutant(name).splitlines()[2:] if line[0] in "+-"), sep="\\n    ")
"""


def _unnoticed(folder: Path, names: list[str]) -> str:
    """What each of them changes."""
    process = subprocess.run([sys.executable, "-c", SHOW, *names], cwd=folder, capture_output=True, text=True)
    return process.stdout + process.stderr


def _report(outcomes: dict[str, dict[str, bool]]) -> int:
    total: Counter[bool] = Counter()
    for module, noticed in outcomes.items():
        counted = Counter(noticed.values())
        total += counted
        print(_line(module, counted))
    print(_line("all", total))
    return 0 if _percent(total) >= PERCENT else 1


def _line(name: str, counted: Counter[bool]) -> str:
    return f"{name:12} {counted[True]:5} noticed {counted[False]:5} not {_percent(counted):6.1f} %"


def _percent(counted: Counter[bool]) -> float:
    return 100 * counted[True] / max(1, counted.total())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
