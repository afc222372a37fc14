"""Checkpoints of an unfinished fit: every variable of the model and its optimizer, and where the fit stands.

Each is one NumPy archive, whole or not there, whose name holds its own digest. The last two are kept, so that there
is one to fall back on.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict

from tasks.data.bound_dataset import SHOWN_DIGITS
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing, write_durably
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.training.best_weights import PREFIX, BestWeights, fit_together
from tasks.training.fit_state import FitState

KEPT = 2
DIGEST_LENGTH = 16
HEADER = "header"


class Header(BaseModel):
    """What a checkpoint belongs to, and the state of its fit."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    run_id: str
    dataset_digest: str
    state: FitState


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: Where they lie; made with the first.
        run_id: The run that they belong to.
        dataset_digest: The data that it trains on, and how they are split: `PreparedDataset.identity`.
    """

    def __init__(self, directory: Path, run_id: str, dataset_digest: str) -> None:
        self._directory = directory
        self._run_id = run_id
        self._dataset_digest = dataset_digest

    def save(self, model: keras.Model, state: FitState, best: BestWeights | None = None) -> None:
        """Save ``model``, which is compiled, the state of its fit and its best weights so far. Raises StorageError."""
        with storing(self._directory):
            self._directory.mkdir(exist_ok=True)
        header = Header(run_id=self._run_id, dataset_digest=self._dataset_digest, state=state)
        arrays = {name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(model).items()}
        arrays |= best.arrays() if best else {}
        arrays[HEADER] = np.frombuffer(header.model_dump_json().encode(), dtype=np.uint8)
        archive = io.BytesIO()
        np.savez(archive, **arrays)
        content = archive.getvalue()
        name = f"{len(state.rows):06d}-{state.epoch.steps:09d}-{_digest(content)}.npz"  # in the order of their making
        write_durably(self._directory / name, content)
        crash_point("checkpoint_saved")
        half_written = self._directory.glob("*.unfinished")  # by a process that was killed
        for outdated in [*sorted(self._directory.glob("*.npz"))[:-KEPT], *half_written]:
            outdated.unlink()

    def restore(self, model: keras.Model, best: BestWeights | None = None, *, told: bool = True) -> FitState:
        """Give ``model`` the variables of the latest good checkpoint, and return the state of the fit there.

        ``best`` takes the best weights until then, if there are any.

        One that is damaged, or belongs to another run or another model, is refused in words, and the one before it is
        used; without any, the model is as it was, and the fit stands at its beginning. The log says so, if ``told``.

        Raises:
            InputError: the latest was trained on other data; it is left as it is.
        """
        for path in sorted(self._directory.glob("*.npz"), reverse=True):
            try:
                state = self._read(path, model, best or BestWeights())
            except RefusedError as refused:
                task_log().warning("The checkpoint %s is not used: %s.", path, refused)
                with storing(path):  # put aside: it must not count among those that are kept
                    path.replace(path.with_name(f"{path.name}.refused"))
            else:
                if told:
                    task_log().info("Going on after %s.", _describe(state))
                return state
        return FitState()

    def _read(self, path: Path, model: keras.Model, best: BestWeights) -> FitState:
        content = path.read_bytes()
        if _digest(content) != path.stem.rpartition("-")[2]:
            raise RefusedError("it is damaged")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            header = Header.model_validate_json(arrays.pop(HEADER).tobytes())
        except (KeyError, ValueError, zipfile.BadZipFile):
            raise RefusedError("it was not made by this version of the pipeline") from None
        if header.run_id != self._run_id:
            raise RefusedError(f"it belongs to run {header.run_id}")
        if header.dataset_digest != self._dataset_digest:  # a good one: with its own data it can be gone on with
            raise InputError(
                f"dataset: the checkpoint {str(path)!r} was trained on other data (digest "
                f"{_shown(header.dataset_digest)}) than are given now ({_shown(self._dataset_digest)}); "
                "give the dataset back what it held, or start anew, without resume"
            )
        best_arrays = {name: arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}
        variables = _variables(model)
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        same = {name: array.shape for name, array in arrays.items()} == shapes
        if not (same and fit_together(best_arrays, model)):
            raise RefusedError("it belongs to another model or optimizer")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        best.restore(best_arrays)
        return header.state


class RefusedError(ValueError):
    """A checkpoint that cannot be used; says why."""


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return all that training changes, under names that tell one from another."""
    variables = [*model.variables, *model.optimizer.variables]
    # Keras counts what nobody named, over all that a process has made: dense_7, even when it loads a model.
    paths = [re.sub(r"_\d+(?![0-9A-Za-z])", "", variable.path) for variable in variables]
    return {
        f"{number:04d} {path}": variable for number, (path, variable) in enumerate(zip(paths, variables, strict=True))
    }


def _shown(identity: str) -> str:
    """Return what identifies data as people are shown it: the first digits of a digest, and the split if it is said."""
    digest, space, split = identity.partition(" ")
    return f"{digest[:SHOWN_DIGITS]}{space}{split}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]


def _describe(state: FitState) -> str:
    if state.epoch.steps:
        return f"step {state.epoch.steps} of epoch {len(state.rows) + 1}"
    return f"epoch {len(state.rows)}"
