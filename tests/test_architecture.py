"""The shape of the code: its rooms and what may import what, what a start may cost, and how long files may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
# The rooms, from the lowest: what lies in one imports from its own room and from those above it in this list, which
# docs/architecture.md shows too. A room is a folder, or one file of a folder; those on one line know nothing of each
# other.
ORDER = (
    ("served_model",),
    ("models", "study"),
    ("tasks.foundation",),
    ("tasks.terminal",),
    ("tasks.sources",),
    ("tasks.data",),
    ("tasks.inspection",),
    ("tasks.tracking",),
    ("tasks.report",),
    ("tasks.training",),
    ("tasks.building",),
    ("tasks.prediction",),
    ("tasks",),  # the nodes of the DAG
    ("flows.parameters",),
    ("flows.servers", "flows.workers"),
    ("flows.lifecycle",),
    ("flows.train",),
    ("flows.comparison",),
    ("flows.compare", "flows.mistakes"),
    ("flows.promotion",),
    ("flows.promote",),
    ("flows.command_line",),
    ("flows",),  # the way in
    ("benchmarks.simulated",),
    ("benchmarks",),
)
LEVELS = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
FOLDERS = ("served_model", "models", "study", "tasks", "flows", "benchmarks")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
NODES = {"tasks.model", "tasks.fit", "tasks.predict", "tasks.evaluate", "tasks.dataset", "tasks.inspect"}
STANDARD = {name for name in sys.stdlib_module_names if name not in {"os", "pathlib", "subprocess", "time", "datetime"}}
# What a stored model has beside it, wherever it is loaded: its requirements name these.
LOADER = "served_model.mlflow_loader"
BESIDE_A_STORED_MODEL = {"served_model", "PIL", "numpy", "keras", "tensorflow", *sys.stdlib_module_names}
PURE = {"models": {"keras", "numpy", "tensorflow"}, "study": {"numpy", "scipy", "pydantic"}}
LONGEST_FILE, LONGEST_FUNCTION = 200, 40


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """Return the room in which a module lies, or that it is: of the names in the table, the longest that begins it."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in LEVELS), parts[0])


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it; ``from models import steps`` is ``models.steps`` too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward(path: Path) -> list[str]:
    """Say of each import of a file from a room that is not below its own what is wrong with it, and what to do."""
    here = room_of(module_of(path))
    return [
        f"{module_of(path)} imports {name}, but {room_of(name)} is not below {here}. Move what is needed into a room "
        "below both, hand it on as an argument, or change ORDER in tests/test_architecture.py and docs/architecture.md"
        for name in imports(path)
        if name.split(".")[0] in (*FOLDERS, "tests")
        and room_of(name) != here
        and not LEVELS.get(room_of(name), len(ORDER)) < LEVELS[here]
    ]


def test_there_is_something_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(FOLDERS)
    assert "prefect" in set(imports(ROOT / "tasks" / "fit.py"))
    assert "tasks.tracking.record" in set(imports(ROOT / "tasks" / "fit.py"))
    assert room_of("tasks.tracking.record.log_metrics") == "tasks.tracking"
    assert room_of("flows.train.run_train") == "flows.train"
    assert room_of("tasks.fit") == "tasks"


def test_every_folder_is_a_room_that_says_what_it_is_for() -> None:
    folders = {module_of(path.parent) for path in FILES if "programs" not in path.parts}
    unknown = sorted(folders - LEVELS.keys())
    assert not unknown, f"give {unknown} a place in ORDER, and in the picture of docs/architecture.md"
    for folder in folders:
        docstring = ast.get_docstring(ast.parse((ROOT / folder.replace(".", "/") / "__init__.py").read_text()))
        assert docstring, f"{folder}: its __init__.py says in two lines what the room is for and what it may import"


def test_the_top_of_a_folder_holds_only_what_a_reader_looks_for_there() -> None:
    tops = {folder: {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"} for folder in FOLDERS}
    said = "a new concern goes into a sub-package, not onto the floor of this folder"
    # The flows, which a reader looks for there, and the way in.
    assert tops["flows"] == {"train", "compare", "promote", "__main__"}, said
    assert tops["tasks"] == {name.removeprefix("tasks.") for name in NODES}, said


def test_the_picture_of_the_rooms_shows_the_order() -> None:
    picture = ARCHITECTURE.split("```")[1]
    shown = re.findall(r"^([a-z_.]+)  ", picture, re.MULTILINE)
    assert shown == [room for rooms in reversed(ORDER) for room in rooms], (
        "docs/architecture.md begins with the rooms in the order of ORDER, from the highest, one a line"
    )


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_go_down_only(path: Path) -> None:
    assert upward(path) == []


def test_an_import_that_runs_up_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    wrong = tmp_path / "tasks" / "data" / "wrong.py"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("import models.steps\nfrom tasks.foundation import log\nfrom tasks.tracking.record import now\n")
    told = upward(wrong)
    assert told[0].startswith("tasks.data.wrong imports tasks.tracking.record, but tasks.tracking is not below")
    assert "Move what is needed into a room below both" in told[0]
    wrong.write_text("import nothing, flows.unheard_of\n")
    assert len(upward(wrong)) == 1


def test_benchmarks_use_what_a_user_uses() -> None:
    # The programs that are measured may look inside, as the floor has to start from the same data.
    benchmarks = [path for path in FILES if path.parent == ROOT / "benchmarks"]
    used = {name for path in benchmarks for name in imports(path) if name.split(".")[0] in ("models", "tasks", "study")}
    assert {name for name in used if not name.startswith("tasks.foundation.errors")} == set()


def test_the_files_that_are_called_so_alone_know_mlflow() -> None:
    knowing = {module_of(path) for path in FILES if any(name.split(".")[0] == "mlflow" for name in imports(path))}
    of_tracking = {module_of(path) for path in (ROOT / "tasks" / "tracking").glob("mlflow_*.py")}
    assert knowing == of_tracking | {LOADER}  # which MLflow loads, and nobody else


@pytest.mark.parametrize("path", [path for path in FILES if path.relative_to(ROOT).parts[0] in PURE], ids=module_of)
def test_models_and_study_know_nothing_of_the_world(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    known = {name.split(".")[0] for name in imports(path)}
    assert known <= {folder} | PURE[folder] | STANDARD, f"{folder}/ knows no files, clock, Prefect or MLflow"


@pytest.mark.parametrize("path", sorted((ROOT / "served_model").rglob("*.py")), ids=module_of)
def test_what_lies_in_a_stored_model_imports_nothing_that_is_missing_there(path: Path) -> None:
    beside = BESIDE_A_STORED_MODEL | ({"mlflow", "pandas"} if module_of(path) == LOADER else set())
    assert {name.split(".")[0] for name in imports(path)} <= beside


@pytest.mark.parametrize("module", sorted(NODES))
def test_the_nodes_do_not_know_each_other(module: str) -> None:
    assert not (NODES - {module}) & set(imports(ROOT / f"{module.replace('.', '/')}.py"))


def test_what_is_long_says_why() -> None:
    long = [
        f"`{path.relative_to(ROOT)}`"
        for path in FILES
        if path.relative_to(ROOT).parts[0] != "benchmarks" and len(path.read_text().splitlines()) > LONGEST_FILE
    ]
    long += [
        f"`{path.relative_to(ROOT)}:{node.name}`"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and "programs" not in path.parts
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    explained = set(re.findall(r"`[^`\n]+`", ARCHITECTURE[ARCHITECTURE.index("## What is long, and why") :]))
    assert set(long) <= explained, "split it by what it does, or say in docs/architecture.md why it is long"


def test_a_test_file_is_found_from_the_file_that_it_tests() -> None:
    tests = [path.relative_to(ROOT / "tests") for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    of_rooms = [path for path in tests if path.parts[0] in FOLDERS]
    assert of_rooms
    named = {path: path.with_name(path.name.removeprefix("test_")) for path in of_rooms}
    named[Path("flows/test_main.py")] = Path("flows/__main__.py")
    named[Path("models/test_saving.py")] = Path("models/__init__.py")  # what all models and optimizers have in common
    lost = [str(test) for test, source in named.items() if not (ROOT / source).exists()]
    assert lost == [], "tests/ mirrors the rooms: tests/tasks/data/test_images.py tests tasks/sources/images.py"


# What must not be imported with a module and with all those before it, each of which needs at least as little.
LIGHT_STARTS = {
    "flows.__main__": {"tensorflow", "keras", "prefect", "mlflow", "sklearn", "matplotlib", "scipy", "numpy"},
    "flows.parameters.compare": {"tensorflow", "keras", "prefect", "mlflow", "sklearn", "matplotlib", "numpy"},
    "study.statistics": {"tensorflow", "keras", "prefect", "mlflow"},
    "tasks.prediction.fetched_model": {"tensorflow", "keras", "prefect"},  # before it is known what is asked
    "tasks.tracking.mlflow_client": {"tensorflow", "keras"},
    "flows.mistakes.mistakes_report": {"tensorflow", "keras", "cleanlab"},
    "flows.promote": {"tensorflow", "keras"},  # what runs have kept is read
    "flows.compare": {"tensorflow", "keras"},  # its workers compute
    "flows.train": {"tensorflow", "keras"},  # a Prefect worker loads it for its hooks when a run is cancelled
}


def test_a_start_does_not_wait_for_what_it_does_not_need() -> None:
    code = (
        "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name); print(name, *sys.modules)"
    )
    command = [sys.executable, "-c", code, *LIGHT_STARTS]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    imported = {name: set(others) for name, *others in map(str.split, output.splitlines())}
    needless = {name: heavy & imported[name] for name, heavy in LIGHT_STARTS.items() if heavy & imported[name]}
    assert needless == {}
    assert "prefect" in imported["flows.train"]


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    modules = [module_of(path) for path in FILES if path.stem != "__main__" and "benchmarks" not in path.parts]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + "\n".join(f"import {module}" for module in modules)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []


def test_no_imports_run_in_a_circle() -> None:
    modules = {module_of(path): path for path in FILES}
    needs = {name: {other for other in imports(path) if other in modules} for name, path in modules.items()}
    while standing := [name for name, others in needs.items() if not others & needs.keys()]:
        needs = {name: others for name, others in needs.items() if name not in standing}
    assert needs == {}
