"""The command that looks at a dataset, and its page among the artifacts of runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.running import Running

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of two kinds, with a copy in another format, and a file that is no image."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC)
            picture.save(tmp_path / "pets" / name / f"{number}.png")
    picture.save(tmp_path / "pets" / "cat" / "stolen.jpg", quality=90)
    (tmp_path / "pets" / "cat" / ".DS_Store").write_bytes(b"Bud1")
    return tmp_path / "pets"


@pytest.mark.usefixtures("folder")
def test_a_folder_is_looked_at(start: Callable[..., Running], tmp_path: Path) -> None:
    ended = start("-m", "flows", "inspect", "folder:pets", "--augment", "flip,crop").ended()
    assert ended.status == 0, ended
    assert "- 1 pair of images is nearly equal: it " in ended.out
    assert "has two labels." in ended.out
    assert ".DS_Store" in ended.out
    assert ended.err == ""
    page = Path(re.findall(r"The page  (\S+)", ended.out)[0])
    assert page.name == "dataset_flip_crop.html"
    text = page.read_text(encoding="utf-8")
    assert "cat/stolen.jpg" in text
    assert "What augmentation makes of it" in text
    assert "What augmentation makes of it" not in page.with_name("dataset.html").read_text(encoding="utf-8")
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "mlflow.db").exists()


def test_what_is_to_be_looked_at_must_be_named_and_be_there(start: Callable[..., Running]) -> None:
    for arguments, said in (((), "dataset: received nothing; say what"), (("folder:nowhere",), "there is no folder")):
        ended = start("-m", "flows", "inspect", *arguments).ended()
        assert ended.status == 2
        assert ended.err.startswith("Bad input. ")
        assert said in ended.err
        assert ended.err.count("\n") == 1


def test_a_training_stores_the_page_and_what_leaks(
    train: Callable[..., Running], runs: Callable[..., list[Any]], folder: Path
) -> None:
    """Into splits that a person made: one image is in two of them."""
    for split, numbers in (("train", range(20)), ("val", range(20, 25)), ("test", range(25, 30))):
        for name in ("cat", "dog"):
            (folder / split / name).mkdir(parents=True)
            for number in numbers:
                (folder / name / f"{number}.png").rename(folder / split / name / f"{number}.png")
    for name in ("cat", "dog"):
        for left in (folder / name).iterdir():
            left.unlink()
        (folder / name).rmdir()
    (folder / "test" / "cat" / "again.png").write_bytes((folder / "train" / "cat" / "3.png").read_bytes())
    ended = train("--dataset", f"folder:{folder}", "--image-size", 16, "--epochs", 1, "--json").ended()
    assert ended.status == 0, ended
    result = json.loads(ended.out)
    assert result["leaked"] == "1 of 11 test images"
    assert "1 of 11 test images equal an image that is trained on" in ended.err
    assert "Caution: 1 of 11 test images equal an image seen in training" in ended.err
    (run,) = runs(folder.parent)
    assert run.data.tags["dataset.leaked"] == "1 of 11 test images"
    page = (Path(run.info.artifact_uri.removeprefix("file:")) / "dataset.html").read_text(encoding="utf-8")
    assert "test/cat/again.png" in page
    assert "The data came with its train, validation, test splits." in page
