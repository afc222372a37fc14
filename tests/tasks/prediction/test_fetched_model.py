"""A model that is fetched is opened as it was evaluated, and without running any code of strangers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from served_model.description import ModelDescription
from tasks.foundation.errors import InputError
from tasks.prediction import fetched_model
from tasks.prediction.fetched_model import FetchedModel
from tasks.tracking.stored_model import StoredModel

SHAPE = (4, 4, 1)
HOW = ModelDescription(("cat", "dog"), SHAPE)


def stored(path: Path, layer: keras.layers.Layer) -> Path:
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), layer, keras.layers.Dense(2)])
    model(np.zeros((1, *SHAPE)))
    model.save(path)
    return path


def test_a_model_is_there_for_as_long_as_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Path] = []

    def fetch(run_id: str, directory: Path) -> StoredModel:
        assert run_id == "the run of a name"
        places.append(stored(directory / "model.keras", keras.layers.Dense(3)))
        return StoredModel(places[0], HOW)

    monkeypatch.setattr(fetched_model, "run_of_model", lambda text: f"the run of {text}")
    monkeypatch.setattr(fetched_model, "stored_model", fetch)
    with fetched_model.fetched_model("a name") as fetched:
        assert fetched == FetchedModel("the run of a name", places[0], HOW)
        assert fetched.opened().predict(np.zeros((3, *SHAPE), np.uint8)).probabilities.shape == (3, 2)
    assert not places[0].exists()
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1


def test_a_model_with_code_of_its_own_is_refused_in_words(tmp_path: Path) -> None:
    path = stored(tmp_path / "foreign.keras", keras.layers.Lambda(lambda values: values + 1))
    with pytest.raises(InputError, match=r"^the model of run 'a run' cannot be opened by Keras: .*[Ll]ambda.*$"):
        FetchedModel("a run", path, HOW).opened()


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    (path := tmp_path / "model.keras").write_text("no model")
    with pytest.raises(InputError, match=r"^the model of run 'a run' cannot be opened by Keras: .*$"):
        FetchedModel("a run", path, HOW).opened()
    with pytest.raises(InputError, match=r"^the model of run 'a run' cannot be opened by Keras: .*$"):
        FetchedModel("a run", tmp_path / "nowhere.keras", HOW).opened()
