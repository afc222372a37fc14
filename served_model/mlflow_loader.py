"""The stored model as MLflow's ``python_function``: `mlflow.pyfunc.load_model` calls `_load_pyfunc` of this module.

The only one here that imports mlflow and pandas, which are there wherever MLflow loads a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from numpy.typing import NDArray

from served_model.answers import Answer, answers
from served_model.classifier import Classifier
from served_model.description import DESCRIPTION_FILE, read_description
from served_model.picture_error import PictureError

KERAS_FILE = "data/model.keras"  # where MLflow's flavour keras has it


class PictureModel:
    """A model that takes pictures, in each form in which MLflow hands them on, and names their classes."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def predict(self, data: Any) -> pd.DataFrame:
        """Return a row for each picture, in their order.

        Args:
            data: A table (or a dict) with one column of picture files, as bytes or as base64, or of nested lists of
                pixel values; or a list or an array of these; or an array of pixel values from 0 to 255, of shape
                (pictures, height, width, channels) or (pictures, height, width).

        Returns:
            The columns ``class``, ``probability`` and ``probabilities``, a dict with that of each class by its name.

        Raises:
            MlflowException: something is no picture that the model takes: a bad request, with words that say which.
        """
        try:
            said = answers(self._classifier, _pictures_in(data))
        except PictureError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from None
        return pd.DataFrame(said, columns=list(Answer.__annotations__))


def _load_pyfunc(path: str) -> PictureModel:
    """Return the model that lies in a folder as MLflow keeps models.

    Raises:
        RuntimeError: Keras computes with something else than TensorFlow.
        ValueError: the model, or what describes it, is damaged.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"Keras computes with {keras.backend.backend()} in this process, and this model needs TensorFlow; set "
            "KERAS_BACKEND=tensorflow before Keras is imported"
        )
    folder = Path(path)
    return PictureModel(Classifier(folder / KERAS_FILE, read_description(folder / DESCRIPTION_FILE)))


def _pictures_in(data: Any) -> Sequence[Any] | NDArray[Any]:
    """Return the pictures of a table's only column, of a dict's only entry, of a list or of an array."""
    if isinstance(data, pd.Series):
        return list(data)
    if isinstance(data, pd.DataFrame | dict):
        if len(data.keys()) != 1:
            raise PictureError(
                f"received {len(data.keys())} columns ({', '.join(map(str, list(data.keys())[:5]))}); allowed: one "
                "column, of pictures, whatever its name"
            )
        return _pictures_in(data[next(iter(data.keys()))])
    if isinstance(data, np.ndarray):
        return data.reshape(-1) if data.dtype.kind in "OSU" else np.atleast_1d(data)
    if isinstance(data, list | tuple):
        return [_only_value(each) if isinstance(each, dict) else each for each in data]
    if isinstance(data, str | bytes):
        return [data]
    allowed = "a table with one column of pictures, a list of them, or an array"
    raise PictureError(f"received {type(data).__name__}; allowed: {allowed}")


def _only_value(record: dict[Any, Any]) -> Any:
    if len(record) != 1:
        raise PictureError(f"received a record of {len(record)} entries; allowed: one, a picture, whatever its name")
    return next(iter(record.values()))
