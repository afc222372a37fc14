"""Where a set of tensorflow-datasets lies: remembered until something beside it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.foundation.errors import InputError
from tasks.sources import tfds_location
from tasks.sources.tfds_location import found_location, location_lock, remember_location, tfds_identity


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of one version below ``sets``, which is where tensorflow-datasets looks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", "sets")
    directory = tmp_path / "sets" / "tiny" / "1.0.0"
    directory.mkdir(parents=True)
    (directory / "tiny-train.tfrecord").write_bytes(b"images")
    return directory


def test_it_is_known_once_it_was_found(directory: Path) -> None:
    assert found_location("tiny", None) is None
    remember_location("tiny", None, str(directory))
    assert found_location("tiny", None) == str(directory)
    assert found_location("tiny", "sets") == str(directory)  # the same folder by another name
    assert found_location("tiny/1.0.0", None) is None


def test_bytes_that_are_no_text_are_a_name_too_and_damage_is_no_place(directory: Path) -> None:
    odd = directory.with_name(os.fsdecode(b"\xff"))
    odd.mkdir()
    remember_location("tiny", None, str(odd))
    assert found_location("tiny", None) == str(odd)
    (remembered,) = Path("data").glob("*.location")
    remembered.write_bytes(b"\xf6\x00")
    assert found_location("tiny", None) is None


def test_another_folder_is_looked_into(directory: Path, tmp_path: Path) -> None:
    remember_location("tiny", None, str(directory))
    assert found_location("tiny", str(tmp_path / "others")) is None


@pytest.mark.parametrize("beside", ["1.0.1", "large/1.0.0"])
def test_a_version_or_configuration_more_is_looked_at(directory: Path, beside: str) -> None:
    remember_location("tiny", None, str(directory))
    (directory.parent / beside).mkdir(parents=True)
    assert found_location("tiny", None) is None


def test_a_download_under_way_changes_nothing_and_has_one_lock(directory: Path) -> None:
    remember_location("tiny", None, str(directory))
    lock = location_lock("tiny", None)
    (directory.parent / "1.0.1.incompleteA1B2").mkdir()
    assert found_location("tiny", None) == str(directory)
    assert location_lock("tiny", None) == lock


def test_another_release_of_tensorflow_datasets_is_asked_again(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_location("tiny", None, str(directory))
    monkeypatch.setattr(tfds_location, "version", lambda _: "9.9.9")
    assert found_location("tiny", None) is None


def test_one_that_is_gone_is_looked_for(directory: Path) -> None:
    remember_location("tiny", None, str(directory))
    (directory / "tiny-train.tfrecord").unlink()
    directory.rmdir()
    assert found_location("tiny", None) is None


def test_it_is_identified_by_where_it_lies_and_what_it_holds(directory: Path, tmp_path: Path) -> None:
    first = tfds_identity(str(directory))
    elsewhere = tmp_path / "elsewhere"
    directory.rename(elsewhere)
    assert tfds_identity(str(elsewhere)) != first
    elsewhere.rename(directory)
    assert tfds_identity(str(directory)) == first
    (directory / "tiny-train.tfrecord").write_bytes(b"IMAGES")
    assert tfds_identity(str(directory)) != first


def test_one_at_an_address_is_identified_by_that() -> None:
    assert tfds_identity("gs://sets/tiny/1.0.0").endswith(" gs://sets/tiny/1.0.0")


def test_a_file_that_cannot_be_read_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(root: Path, files: list[Path]) -> str:
        assert root == directory
        raise PermissionError(13, "Permission denied", str(files[0]))

    monkeypatch.setattr(tfds_location, "contents_digest", refused)
    with pytest.raises(InputError, match=r"cannot read '.*tiny-train\.tfrecord': Permission denied"):
        tfds_identity(str(directory))
