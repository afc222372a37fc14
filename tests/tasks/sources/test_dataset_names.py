"""A name that cannot be right is told at once; every other one is let through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.foundation.errors import InputError
from tasks.sources.dataset_names import require_known

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "name", ["digits", "mnist", "mnist/3.0.1", "emnist/balanced", "cifar10", "beans", "fashion_mnist", "kuka"]
)
def test_known_names_are_let_through(name: str, tmp_path: Path) -> None:
    require_known(name, str(tmp_path))


def test_every_set_of_tensorflow_datasets_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow_datasets as tfds

    from tasks.sources import dataset_names

    known = dataset_names._known(dataset_names._package())
    monkeypatch.setattr(dataset_names, "_known", lambda _: known)
    # Other tests make sets of their own, which tensorflow-datasets lists too from then on.
    made = tfds.core.registered._DATASET_REGISTRY.items()
    ours = {name for name, builder in made if not builder.__module__.startswith("tensorflow_datasets.")}
    names = set(tfds.list_builders(with_community_datasets=False)) - ours
    assert len(names) > 100
    for name in names:
        require_known(name, str(tmp_path))


@pytest.mark.parametrize(
    ("name", "close"),
    [("mnits", "mnist"), ("fashionmnist", "fashion_mnist"), ("digit", "digits"), ("cifar_10", "cifar10")],
)
def test_an_unknown_name_is_told_with_close_ones(name: str, close: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"received '{name}', which tensorflow-datasets does not know") as error:
        require_known(name, str(tmp_path))
    assert close in str(error.value).partition("did you mean")[2]
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind", "meant"), [("scans", "folder", "folder:scans"), ("scans.csv", "file", "csv:scans.csv")]
)
def test_a_folder_or_file_of_that_name_is_told(
    name: str, kind: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    Path("scans.csv").touch()
    with pytest.raises(InputError, match=f"there is a {kind} of that name here, which is {meant}$"):
        require_known(name, str(tmp_path / "elsewhere"))


def test_a_set_that_lies_prepared_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_our_own").mkdir()
    require_known("of_our_own/1.0.0", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    require_known("of_our_own", None)


def test_a_folder_is_there(tmp_path: Path) -> None:
    require_known(f"folder:{tmp_path}", None)
    with pytest.raises(InputError, match=r"there is no folder '.*nowhere'; give an existing one"):
        require_known(f"folder:{tmp_path}/nowhere", None)


@pytest.mark.parametrize("command", ["train", "compare"])
def test_a_command_tells_before_it_imports_anything_that_takes_seconds(command: str, tmp_path: Path) -> None:
    code = f"""
import sys
from flows.__main__ import main
assert main([{command!r}, "--dataset", "mnits"]) == 2
assert not {{"tensorflow", "prefect", "mlflow", "numpy"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("Bad input. dataset: received 'mnits'")


def test_a_folder_below_the_home_of_nobody_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder '~nobody-has-this-name/scans'"):
        require_known("folder:~nobody-has-this-name/scans", str(tmp_path))
