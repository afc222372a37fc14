"""A prepared dataset on disk: loaded as it was written, or found to be damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tasks.data.prepared import DamagedError, PreparedDataset, load_prepared

Blocks = list[tuple[np.ndarray, np.ndarray]]


def test_a_set_on_disk_is_loaded_as_it_was_prepared(prepared: PreparedDataset) -> None:
    assert load_prepared(prepared.directory) == prepared


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("validation.npy", b""),
        ("manifest.json", b""),
        ("manifest.json", b"{"),
        ("manifest.json", b"[]"),
        ("manifest.json", b"{}"),
        ("manifest.json", b"\xff"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_damaged(
    prepared: PreparedDataset, tmp_path: Path, name: str, content: bytes
) -> None:
    directory = shutil.copytree(prepared.directory, tmp_path / "copy")
    (directory / name).write_bytes(content)
    with pytest.raises(DamagedError) as error:
        load_prepared(directory)
    assert error.value.path == directory / name


def test_a_prepared_dataset_survives_json(prepared: PreparedDataset) -> None:
    assert PreparedDataset.model_validate_json(prepared.model_dump_json()) == prepared
