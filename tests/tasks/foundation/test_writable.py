"""What cannot be written is told before any work is done for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.foundation.errors import InputError
from tasks.foundation.writable import require_writable_file, require_writable_folder


def test_a_file_needs_a_folder_that_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_writable_file("output", tmp_path / "said.csv")
    (tmp_path / "there.csv").touch()
    require_writable_file("output", tmp_path / "there.csv")
    with pytest.raises(InputError, match=r"output: '.*' is a folder; give a file"):
        require_writable_file("output", tmp_path)
    with pytest.raises(InputError, match=r"output: there is no folder '.*no' for 'said.csv'; make it, or give another"):
        require_writable_file("output", tmp_path / "no" / "said.csv")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"output: the folder '.*' cannot be written to; make it writable"):
        require_writable_file("output", tmp_path / "said.csv")


def test_a_folder_is_made_unless_a_file_is_in_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".", "new", "new/deeper", tmp_path / "new"):
        require_writable_folder("output", Path(folder))
    Path("said.csv").touch()
    for folder in ("said.csv", "said.csv/below"):
        with pytest.raises(InputError, match=r"output: '.*said.csv' is a file; give a folder"):
            require_writable_folder("output", Path(folder))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"output: the folder '.*' cannot be written to; make it writable"):
        require_writable_folder("output", Path("new"))
