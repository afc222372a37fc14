"""A stored model, fetched for as long as it is used, and opened with what it was evaluated with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from served_model.description import ModelDescription
from tasks.foundation.errors import InputError
from tasks.tracking.model_names import run_of_model
from tasks.tracking.stored_model import stored_model
from tasks.training.device import select_device
from tasks.training.threads import use_threads

if TYPE_CHECKING:
    from served_model.classifier import Classifier


@dataclass(frozen=True)
class FetchedModel:
    """A model that lies in a folder for the moment.

    Attributes:
        run_id: The run that has stored it.
        keras_path: Its ``.keras`` file.
        description: What it takes and gives.
    """

    run_id: str
    keras_path: Path
    description: ModelDescription

    def opened(self) -> Classifier:
        """Return it loaded, with as many threads as it was trained and evaluated with: others give other last bits.

        Raises:
            InputError: Keras does not open it in its safe mode, or TensorFlow has started with other threads in this
                process.
        """
        from served_model.classifier import Classifier  # with TensorFlow, which takes seconds

        use_threads(self.description.threads)
        select_device("auto")
        try:
            return Classifier(self.keras_path, self.description)
        except (OSError, TypeError, ValueError) as error:  # of what is damaged, or brings code of its own
            said = str(error).strip().partition("\n")[0]
            raise InputError(f"the model of run {self.run_id!r} cannot be opened by Keras: {said}") from error


@contextmanager
def fetched_model(text: str) -> Iterator[FetchedModel]:
    """Yield the model that a person means, as `run_of_model` takes its name; its files are gone afterwards.

    Raises:
        InputError: there is no such model, or it is not known what it takes.
    """
    run_id = run_of_model(text)
    with TemporaryDirectory() as name:
        yield FetchedModel(run_id, *stored_model(run_id, Path(name)))
