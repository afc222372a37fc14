"""A person's own code, loaded from a run's copy."""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path

import keras
import pytest

from tasks.building.own_code import own_sources, write_copy
from tasks.building.own_objects import load_own, own_objects
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import with_digest
from tests.support.own_code import write_own


def copied(path: Path, name: str, run: Path) -> str:
    own = with_digest(f"{path}:{name}")
    write_copy(own_sources([own]), run)
    return own


def test_what_is_loaded_is_the_copy(tmp_path: Path) -> None:
    path, run = tmp_path / "mine.py", tmp_path / "run"
    path.write_text("A = 1\n")
    own = copied(path, "A", run)
    path.unlink()
    assert load_own(own, run) == 1


def test_two_versions_of_a_file_and_of_what_it_imports_do_not_meet(tmp_path: Path) -> None:
    path, run, paths = tmp_path / "mine.py", tmp_path / "run", list(sys.path)
    path.write_text("from beside import A\n")
    names = []
    for number in (1, 2):
        (tmp_path / "beside.py").write_text(f"A = {number}\n")
        names.append(copied(path, "A", run))
    assert [load_own(name, run) for name in names] == [1, 2]
    assert [load_own(name, run) for name in names] == [1, 2]
    assert "beside" not in sys.modules
    assert not [name for name in sys.modules if name.startswith("own_mine")]
    assert sys.path == paths
    assert not list(run.rglob("__pycache__"))


def test_a_module_of_a_package_is_loaded_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours_of_a_test").mkdir()
    (tmp_path / "ours_of_a_test" / "__init__.py").write_text("")
    (tmp_path / "ours_of_a_test" / "rules.py").write_text("from .more import A\n")
    (tmp_path / "ours_of_a_test" / "more.py").write_text("A = 5\n")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        own = with_digest("ours_of_a_test.rules:A")
        write_copy(own_sources([own]), tmp_path / "run")
    assert load_own(own, tmp_path / "run") == 5
    assert "ours_of_a_test" not in sys.modules


def test_what_a_file_raises_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import beside\n")
    (tmp_path / "beside.py").write_text("\n\n1 / 0\n")
    with pytest.raises(InputError, match=rf"^{tmp_path}/beside\.py, line 3: ZeroDivisionError: division by zero$"):
        load_own(copied(path, "A", tmp_path / "run"), tmp_path / "run")
    path.write_text("raise SystemExit(3)\n")
    with pytest.raises(InputError, match=r"mine\.py, line 1: SystemExit: 3"):
        load_own(copied(path, "A", tmp_path / "run"), tmp_path / "run")
    path.write_text("import not_installed_anywhere\n")
    with pytest.raises(InputError, match=r"line 1: ModuleNotFoundError: No module named 'not_installed_anywhere'"):
        load_own(copied(path, "A", tmp_path / "run"), tmp_path / "run")


def test_a_file_that_changes_settings_of_keras_is_told_and_they_are_put_back(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import keras\nkeras.config.set_floatx('float64')\nkeras.config.set_epsilon(0.1)\nA = 1\n")
    with pytest.raises(InputError) as told:
        load_own(copied(path, "A", tmp_path / "run"), tmp_path / "run")
    assert f"{path} changes Keras' settings" in str(told.value)
    assert "the floatx from 'float32' to 'float64', the epsilon from 1e-07 to 0.1; leave that out" in str(told.value)
    assert (keras.config.floatx(), keras.config.epsilon()) == ("float32", 1e-7)


def test_a_file_that_would_not_be_imported_is_told(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("A = 1\n")
    (tmp_path / "mine.py").write_text("import numpy\n")
    with pytest.raises(InputError, match=r"what it imports as 'numpy' from beside it has the name of a module"):
        load_own(copied(tmp_path / "mine.py", "A", tmp_path / "run"), tmp_path / "run")
    # What is named itself may be called anything.
    (tmp_path / "keras.py").write_text("A = 1\n")
    assert load_own(copied(tmp_path / "keras.py", "A", tmp_path / "other"), tmp_path / "other") == 1


def test_functions_can_be_read_when_the_copy_is_gone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = load_own(copied(write_own(tmp_path / "mine.py"), "small", run), run)
    shutil.rmtree(run)
    assert "def small" in inspect.getsource(small)  # as TensorFlow does that rewrites it


def test_keras_knows_the_classes_while_the_block_runs(tmp_path: Path) -> None:
    own = copied(write_own(tmp_path / "mine.py"), "Signum", tmp_path)
    kind = load_own(own, tmp_path)
    config = keras.saving.serialize_keras_object(kind(learning_rate=0.1, name="x"))
    with pytest.raises(TypeError, match="Could not locate class 'Signum'"):
        keras.saving.deserialize_keras_object(config)
    with own_objects(tmp_path):
        assert type(keras.saving.deserialize_keras_object(config)) is kind
    with pytest.raises(TypeError, match="Could not locate class 'Signum'"):
        keras.saving.deserialize_keras_object(config)
    with own_objects(tmp_path / "nothing"):
        pass


def test_a_class_that_is_registered_is_that_of_the_copy(tmp_path: Path) -> None:
    registered = ("class Signum", "@keras.saving.register_keras_serializable(package='mine')\nclass Signum")
    kinds = []
    for number in (1, 2):
        run = tmp_path / str(number)
        own = copied(write_own(tmp_path / "mine.py", registered, ("beta=0.9", f"beta=0.{number}")), "Signum", run)
        kinds.append((run, load_own(own, run)))
    for run, kind in kinds:  # Keras' own register has the last of them
        config = keras.saving.serialize_keras_object(kind(name="x"))
        with own_objects(run):
            assert type(keras.saving.deserialize_keras_object(config)) is kind
