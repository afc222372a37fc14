"""A stored model is asked about pictures as commands do it: the answers of the evaluation, to the last bit."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import mlflow.pyfunc
import numpy as np
import pytest
from PIL import Image

from models.losses import make_loss
from models.steps import make_evaluate_step, score
from served_model.classifier import Classifier
from served_model.probabilities import as_probabilities
from tasks.data.blocks import open_split
from tasks.data.prepared import PreparedDataset, load_prepared
from tasks.prediction.exported_model import FORMATS
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.kept_predictions import TEST_PREDICTIONS_FILE, unpacked
from tasks.tracking.stored_model import StoredModel, description_of, stored_model
from tests.support.preloaded import Preloaded
from tests.support.running import Ended, Running
from tests.support.trainings import Trainings

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

EXPORTED = 1e-5  # of probabilities; a tenth of what the command allows
TOLERANCE = 1e-5  # between blocks of different sizes, in which Keras itself cuts sums differently


@dataclass
class Trained:
    """A model of the digits: its run, what it was tested on, and pictures of all of that, in its order."""

    trainings: Trainings
    run_id: str
    prepared: PreparedDataset
    stored: StoredModel
    pictures: Path

    def command(self, *arguments: object) -> Ended:
        return self.trainings.start(*arguments).ended()


@pytest.fixture(scope="module")
def trained(preloaded: Preloaded, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("trained")
    trainings = Trainings(preloaded, directory, empty_store)
    trainings.run("train", "--dataset", "digits", "--epochs", 1)
    (run,) = trainings.runs()
    (manifest,) = directory.glob("data/digits-*/manifest.json")
    prepared = load_prepared(manifest.parent)
    (pictures := directory / "pictures").mkdir()
    images, labels = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels"))
    lines = ["file,label"]
    for place in prepared.indices("test"):
        Image.fromarray(images[place, ..., 0]).save(pictures / f"{place}.png")
        lines.append(f"{place}.png,{prepared.classes[labels[place]]}")
    (pictures / "labels.csv").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{directory / 'mlflow.db'}")
        stored = stored_model(run.info.run_id, tmp_path_factory.mktemp("stored"))
        yield Trained(trainings, run.info.run_id, prepared, stored, pictures)


def evaluated(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """What the step of an evaluation says of the test images: the labels and the probabilities."""
    model = keras.models.load_model(trained.stored.keras_path, compile=False)
    model.compile(loss=make_loss("softmax_cross_entropy"))
    keep = lambda logits: as_probabilities(logits, "softmax")  # noqa: E731
    said = score(make_evaluate_step(model), open_split(trained.prepared, "test"), keep)
    return said.predicted, said.kept


def test_a_model_that_an_older_version_stored_is_described_alike_by_its_run(trained: Trained) -> None:
    assert description_of(mlflow_client.get_run(trained.run_id)) == trained.stored.description


def test_evaluation_prediction_and_what_is_served_are_equal_to_the_last_bit(trained: Trained) -> None:
    predicted, probabilities = evaluated(trained)
    assert len(predicted) == 359
    assert len(set(predicted.tolist())) > 5

    content = mlflow_files.read_file(trained.run_id, TEST_PREDICTIONS_FILE)
    kept = unpacked(content or b"")
    np.testing.assert_array_equal(kept.predicted, predicted)
    np.testing.assert_array_equal(kept.probabilities, probabilities.astype(np.float16))

    test = trained.prepared.indices("test")
    images = np.load(trained.prepared.directory / "images.npy")[test]
    said = Classifier(*trained.stored).predict(images)
    np.testing.assert_array_equal(said.predicted, predicted)
    np.testing.assert_array_equal(said.probabilities, probabilities)

    ended = trained.command("predict", trained.run_id, trained.pictures / "labels.csv", "--json")
    answer = json.loads(ended.out)
    rows = answer["predictions"]
    assert [Path(row["file"]).stem for row in rows] == [str(place) for place in test]
    assert [int(row["class"]) for row in rows] == predicted.tolist()
    most = np.array([[row["probability"], *(guess["probability"] for guess in row["next"])] for row in rows])
    np.testing.assert_array_equal(most.astype(np.float32), -np.sort(-probabilities, axis=1)[:, :3])
    assert answer["accuracy"] == pytest.approx(np.mean(kept.label == predicted))


def test_the_served_model_answers_to_the_same_pictures_alike_in_blocks_of_any_size(trained: Trained) -> None:
    predicted, probabilities = evaluated(trained)
    contents = [(trained.pictures / f"{place}.png").read_bytes() for place in trained.prepared.indices("test")]
    served = mlflow.pyfunc.load_model(str(trained.stored.keras_path.parents[1]))
    names = list(trained.prepared.classes)

    def ask(some: list[bytes]) -> tuple[list[str], np.ndarray]:
        said = served.predict(some)
        return list(said["class"]), np.array([[each[name] for name in names] for each in said["probabilities"]])

    classes, same = ask(contents)
    assert classes == [names[label] for label in predicted]
    np.testing.assert_array_equal(same.astype(np.float32), probabilities)
    for start in range(0, 40, 8):
        classes, others = ask(contents[start : start + 8])
        assert classes == [names[label] for label in predicted[start : start + 8]]
        np.testing.assert_allclose(others, probabilities[start : start + 8], rtol=0, atol=TOLERANCE)


def test_pictures_of_all_kinds_are_answered_and_what_cannot_be_read_is_told(
    trained: Trained, start: Callable[..., Running], tmp_path: Path
) -> None:
    """In a process of its own, which starts neither a server nor a run."""
    folder = tmp_path / "mine"
    places = trained.prepared.indices("test")[:30]
    labels = np.load(trained.prepared.directory / "labels.npy")
    for number, place in enumerate(places):
        label = trained.prepared.classes[labels[place]] if number else "eleven"
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{place}.png").write_bytes((trained.pictures / f"{place}.png").read_bytes())
    (folder / "3" / "broken.png").touch()
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{trained.trainings.directory / 'mlflow.db'}"}
    before = len(trained.trainings.runs())
    how = ("--output", "said.csv")
    ended = start("-m", "flows", "predict", trained.run_id, "mine", *how, directory=tmp_path, **store).ended()
    assert (ended.status, ended.err, ended.left) == (1, "", []), ended
    assert re.search(
        r"^The model of run \w{32}: 10 classes, images of 32x32 pixels in grey \(stretch\)$", ended.out, re.MULTILINE
    )
    assert "The images in mine are labelled by the folders that they lie in." in ended.out
    assert "\n... and 11 more\n" in ended.out
    assert "Cannot be read (1): mine/3/broken.png (it is empty)." in ended.out
    assert "Labels that are no class of the model, so that such pictures are not judged: eleven: 1." in ended.out
    assert re.search(r"Of 29 labelled pictures: accuracy \d\.\d{4}, balanced accuracy \d\.\d{4}\.", ended.out)
    with (tmp_path / "said.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 31
    assert [row["error"] for row in rows if row["error"]] == ["it is empty"]
    assert {row["label"] for row in rows} >= {"eleven", "3"}
    page = Path(re.findall(r"^Its mistakes     (.*)$", ended.out, re.MULTILINE)[0])
    assert page == tmp_path / "said.csv.html"
    assert "The model judges 29 pictures by the labels that they came with." in page.read_text(encoding="utf-8")
    assert len(trained.trainings.runs()) == before
    assert not (tmp_path / "runs").exists()


def test_all_predictions_are_kept_where_the_page_cannot_be_written(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "said.csv.html").mkdir()
    ended = trained.command(
        "predict", trained.run_id, trained.pictures / "labels.csv", "--output", tmp_path / "said.csv"
    )
    assert (ended.status, "said.csv.html': Is a directory" in ended.err) == (1, True), ended
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 360


def test_what_cannot_be_meant_is_told_before_anything_is_read(trained: Trained) -> None:
    for arguments, told in (
        ((trained.run_id,), "Bad input. images: received nothing; give image files, folders"),
        ((trained.run_id, "nowhere.png"), "Bad input. images: there is no file or folder 'nowhere.png'"),
        (("nothing", trained.pictures), "Bad input. model: received 'nothing'; allowed: the id of a run, or of a comp"),
        (
            (trained.run_id, trained.pictures, "--output", "said.txt"),
            "Bad input. output: received 'said.txt'; allowed:",
        ),
    ):
        ended = trained.command("predict", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith(told)


def test_an_exported_model_gives_the_same_answers_for_all_test_images(trained: Trained, tmp_path: Path) -> None:
    ended = trained.command("export", trained.run_id, tmp_path / "digits.tflite")
    assert (ended.status, ended.left) == (0, []), ended
    assert f"The model of run {trained.run_id} as {tmp_path / 'digits.tflite'}" in ended.out
    assert json.loads((tmp_path / "digits.tflite.json").read_text())["run"] == trained.run_id
    predicted, probabilities = evaluated(trained)
    images = np.load(trained.prepared.directory / "images.npy")[trained.prepared.indices("test")]
    exported = FORMATS[".tflite"].answer(tmp_path / "digits.tflite")(images)
    np.testing.assert_array_equal(exported.argmax(axis=1), predicted)
    np.testing.assert_allclose(exported, probabilities, rtol=0, atol=EXPORTED)
