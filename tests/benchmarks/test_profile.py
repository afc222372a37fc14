"""What `make profile` refuses before it starts; that it works, making it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import profile
from benchmarks.profile import write_profiles
from tasks.foundation.errors import InputError


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("something")
    with pytest.raises(InputError, match=r"--output: received '.*taken', which is a file; give a folder"):
        write_profiles(output=tmp_path / "taken")


def test_without_its_recorder_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile.shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="py-spy is not installed"):
        write_profiles(output=tmp_path / "made")
    assert not (tmp_path / "made").exists()
