"""A stored model that answers to pictures: MLflow's ``python_function`` flavour, of code and not of pickles.

The flavour ``keras``, which MLflow writes, stays as it is and needs none of this code.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mlflow import pyfunc
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Map

import served_model
from served_model.description import DESCRIPTION_FILE, ModelDescription

CODE = "code"  # the folder of a stored model that MLflow has Python import from
LOADER = "served_model.mlflow_loader"
REQUIRED = ("keras", "tensorflow", "numpy", "pillow", "pandas")  # what the network and that package import
# None of what is taken: picture files as well as arrays are, and MLflow would refuse what a signature does not name.
ANSWERS = ModelSignature(
    outputs=Schema(
        [
            ColSpec(DataType.string, "class"),
            ColSpec(DataType.double, "probability"),
            ColSpec(Map(DataType.double), "probabilities"),
        ]
    )
)


def answer_to_pictures(folder: Path, model: Model, description: ModelDescription) -> None:
    """Let a model that was saved in a folder, with the flavour ``keras``, answer to pictures.

    Args:
        folder: Where it was saved.
        model: What MLflow's file there says of it.
        description: What is known of it.
    """
    (folder / DESCRIPTION_FILE).write_text(description.packed(), encoding="utf-8")
    package = Path(served_model.__file__).parent
    shutil.copytree(package, folder / CODE / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = model.flavors[pyfunc.FLAVOR_NAME][pyfunc.ENV]
    pyfunc.add_to_model(
        model,
        loader_module=LOADER,
        code=CODE,
        conda_env=environment[pyfunc.EnvType.CONDA],
        python_env=environment[pyfunc.EnvType.VIRTUALENV],
    )
    model.signature = ANSWERS
    model.save(str(folder / MLMODEL_FILE_NAME))
