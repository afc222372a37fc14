"""The shape of the code: what may import what, what a start may cost, and how long a file may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("models", "tasks", "flows", "benchmarks")  # from the lowest
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
NODES = {"tasks.model", "tasks.fit", "tasks.evaluate", "tasks.dataset"}
LONGEST = 260


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it; ``from models import steps`` is ``models.steps`` too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_is_something_to_look_at() -> None:
    assert {layer_of(path) for path in FILES} >= {"models", "tasks", "flows"}
    assert "keras" in set(imports(ROOT / "tasks" / "fit.py"))
    assert "tasks.tracking.record" in set(imports(ROOT / "tasks" / "fit.py"))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_go_down_only(path: Path) -> None:
    above = LAYERS[LAYERS.index(layer_of(path)) + 1 :]
    assert [name for name in imports(path) if name.split(".")[0] in (*above, "tests")] == []


def test_benchmarks_use_what_a_user_uses() -> None:
    # The programs that are measured may look inside, as the floor has to start from the same data.
    benchmarks = [path for path in FILES if layer_of(path) == "benchmarks" and path.parent.name != "programs"]
    used = {name for path in benchmarks for name in imports(path) if name.split(".")[0] in ("models", "tasks")}
    assert {name for name in used if not name.startswith("tasks.foundation.errors")} == set()


def test_one_file_alone_knows_mlflow() -> None:
    knowing = {module_of(path) for path in FILES if any(name.split(".")[0] == "mlflow" for name in imports(path))}
    assert knowing == {"tasks.tracking.mlflow_client"}


@pytest.mark.parametrize("path", [path for path in FILES if layer_of(path) == "models"], ids=module_of)
def test_models_are_keras_numpy_and_tensorflow_alone(path: Path) -> None:
    pure = {"__future__", "collections", "dataclasses", "difflib", "functools", "itertools", "math", "typing"}
    assert {name.split(".")[0] for name in imports(path)} <= {"keras", "numpy", "tensorflow", "models"} | pure


@pytest.mark.parametrize("module", sorted(NODES))
def test_the_nodes_do_not_know_each_other(module: str) -> None:
    assert not (NODES - {module}) & set(imports(ROOT / f"{module.replace('.', '/')}.py"))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("flows.__main__", {"tensorflow", "keras", "prefect", "mlflow", "sklearn", "matplotlib"}),
        ("flows.parameters.train", {"tensorflow", "keras", "prefect", "mlflow", "numpy"}),
        ("tasks.tracking.mlflow_client", {"tensorflow", "keras"}),
        ("flows.compare", {"tensorflow", "keras"}),  # its workers compute
    ],
)
def test_a_start_does_not_wait_for_what_it_does_not_need(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert module.partition(".")[0] in output.split()
    assert not heavy & set(output.split())


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    modules = [module_of(path) for path in FILES if not path.name.startswith("__") and layer_of(path) != "benchmarks"]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + "\n".join(f"import {module}" for module in modules)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []


def test_no_imports_run_in_a_circle() -> None:
    modules = {module_of(path): path for path in FILES}
    needs = {name: {other for other in imports(path) if other in modules} for name, path in modules.items()}
    while standing := [name for name, others in needs.items() if not others & needs.keys()]:
        needs = {name: others for name, others in needs.items() if name not in standing}
    assert needs == {}
