"""Names of a person's own code, and the files that they stand for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.foundation.own_source import (
    OwnCodeError,
    digest_of,
    is_own,
    main_file,
    read_source,
    taken_apart,
    usual_learning_rate,
    with_digest,
)


@pytest.mark.parametrize("name", ["mine.py:Sophia", "/a b/mine.py:Sophia@0123456789abcdef", "package.module:Sophia"])
def test_names_of_own_code(name: str) -> None:
    assert is_own(name)
    assert str(taken_apart(name)) == name


@pytest.mark.parametrize(
    "name", ["adam", "mine.py", "mine.py:", ":Sophia", "mine.py:1a", "mine.py:A@12", "keras:ResNet50"]
)
def test_what_is_none(name: str) -> None:
    assert not is_own(name)


def test_a_name_says_where_its_file_lies_and_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("class Sophia: ...\n")
    monkeypatch.chdir(tmp_path)
    said = hashlib.sha256(b"class Sophia: ...\n").hexdigest()
    named = with_digest("mine.py:Sophia")
    assert named == f"{tmp_path}/mine.py:Sophia@{said[:16]}"
    (tmp_path / "mine.py").write_text("class Sophia: pass\n")
    assert with_digest("mine.py:Sophia") != named
    assert with_digest(named) == named  # and is not read
    assert with_digest(f"mine.py:Sophia@{said[:16]}") == named


def test_what_a_file_imports_from_beside_it_is_a_part_of_it(tmp_path: Path) -> None:
    files = {
        "mine.py": "import random\nfrom parts import clip\nfrom models.losses import l1\ndef f():\n    import late\n",
        "parts/__init__.py": "from .more import x\n",
        "parts/clip.py": "",
        "parts/more.py": "x = 1\n",
        "late.py": "import mine\n",
        "random.py": "never imported: the standard library's is",
        "models/losses.py": "never imported: the pipeline's is",
        "unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    own = taken_apart(f"{tmp_path}/mine.py:A")
    found = read_source(own)
    assert set(found) == {"mine.py", "parts/__init__.py", "parts/clip.py", "parts/more.py", "late.py"}
    each = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in sorted(found)}
    said = "".join(f"{digest}  {name}\n" for name, digest in each.items())  # as sha256sum writes them
    assert digest_of(found) == hashlib.sha256(said.encode()).hexdigest()[:16]
    before = with_digest(str(own))
    (tmp_path / "parts" / "more.py").write_text("x = 2\n")
    assert with_digest(str(own)) != before
    assert main_file(own, tmp_path) == tmp_path / "mine.py"


def test_of_a_module_its_own_package_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours" / "deep").mkdir(parents=True)
    (tmp_path / "ours" / "__init__.py").write_text("")
    (tmp_path / "ours" / "deep" / "__init__.py").write_text("")
    (tmp_path / "ours" / "deep" / "rules.py").write_text("from .. import helpers\nimport beside\n")
    (tmp_path / "ours" / "helpers.py").write_text("")
    (tmp_path / "beside.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    own = taken_apart("ours.deep.rules:Mine")
    assert set(read_source(own)) == {
        "ours/__init__.py",
        "ours/deep/__init__.py",
        "ours/deep/rules.py",
        "ours/helpers.py",
    }
    assert main_file(own, tmp_path) == tmp_path / "ours" / "deep" / "rules.py"
    with pytest.raises(OwnCodeError, match=r"there is no module 'ours.missing' of Python source"):
        read_source(taken_apart("ours.missing:Mine"))


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(OwnCodeError, match=r"there is no file '.*gone\.py'"):
        with_digest(f"{tmp_path}/gone.py:A")
    (tmp_path / "wrong.py").write_text("import keras\nclass A(:\n")
    with pytest.raises(OwnCodeError, match=r"wrong\.py' is no Python, line 2: invalid syntax"):
        with_digest(f"{tmp_path}/wrong.py:A")
    for number in range(120):
        (tmp_path / f"part{number}.py").write_text("")
    (tmp_path / "many.py").write_text("".join(f"import part{number}\n" for number in range(120)))
    with pytest.raises(OwnCodeError, match="imports more than 100 files"):
        with_digest(f"{tmp_path}/many.py:A")


@pytest.mark.parametrize(
    ("taken", "rate"),
    [
        ("self, learning_rate=0.0003", 0.0003),
        ("self, beta, *, learning_rate=2", 2.0),
        ("self, learning_rate=RATE", None),
        ("self, learning_rate", None),
        ("self, learning_rate=None", None),
        ("self, learning_rate=True", None),
        ("self, **rest", None),
    ],
)
def test_the_usual_rate_is_what_the_constructor_says(tmp_path: Path, taken: str, rate: float | None) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "class Other:\n    def __init__(self, learning_rate=9): ...\n"
        f"class A:\n    def build(self, learning_rate=7): ...\n    def __init__({taken}): ...\n"
    )
    assert usual_learning_rate(taken_apart(f"{path}:A")) == rate
