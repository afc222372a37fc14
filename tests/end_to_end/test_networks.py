"""Networks of Keras, through the command: from a folder of photographs to a model that is served."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.recorded import recorded
from tests.support.running import Running

pytestmark = pytest.mark.end_to_end

SMALL_DATA = ("--dataset", "digits", "--limit-examples", "100")
SMALL = ("--model", "keras:MobileNetV3Small", "--image-size", 96, "--batch-size", 8, "--device", "cpu")


def photographs(root: Path) -> None:
    """Write thirty images of each of two classes, one of them mostly red."""
    random = np.random.default_rng(0)
    for kind, tint in (("blue", (0.3, 0.5, 1.0)), ("red", (1.0, 0.5, 0.3))):
        (root / kind).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 256, (20, 24, 3)) * np.array(tint)
            Image.fromarray(pixels.astype(np.uint8)).resize((120, 100)).save(root / kind / f"{number}.png")


@pytest.mark.slow
def test_a_network_of_keras_is_trained_on_a_folder_of_photographs(
    train: Callable[..., Running], runs: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    photographs(tmp_path / "pictures")
    ended = train(*SMALL, "--dataset", "folder:pictures", "--epochs", 1, "--json").ended()
    assert ended.status == 0, ended
    result = json.loads(ended.out)
    assert (result["outcome"], result["parameters"]["model"]) == ("completed", "keras:MobileNetV3Small")
    (run,) = runs(tmp_path)
    assert run.data.params["model"] == "keras:MobileNetV3Small"
    recorded(f"sqlite:///{tmp_path / 'mlflow.db'}", run.info.run_id).assert_complete(1)
    (path,) = (tmp_path / "mlartifacts").glob("**/model.keras")
    import keras

    model = keras.models.load_model(path)
    assert model.input_shape == (None, 96, 96, 3)
    assert model.output_shape == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--model", "keras:MobileNetV3Smal"), "(did you mean 'keras:MobileNetV3Small'?)"),
        (
            ("--model", "keras:Xception"),
            "image_size: received 32 with model 'keras:Xception', which takes images of at",
        ),
        (("--model", "keras:VGG16", "--freeze", "backbone"), "freeze: received backbone without weights"),
        (
            (
                *SMALL_DATA,
                "--model",
                "keras:MobileNetV3Small",
                "--weights",
                "imagenet",
                "--download",
                "false",
            ),
            "is not there, and download is false; allow the download, or put the file from https://",
        ),
        ((*SMALL_DATA, "--weights", "mine.keras"), "weights: there is no file 'mine.keras'; give one"),
    ],
)
def test_what_cannot_be_built_ends_the_command_in_words(
    train: Callable[..., Running], arguments: tuple[str, ...], told: str
) -> None:
    ended = train(*arguments).ended()  # in a home without any weights
    assert ended.status == 2, ended
    assert told in ended.err
    assert "Traceback" not in ended.err
