"""How long training takes on this machine, from one short try."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from models.steps import make_evaluate_step, make_train_steps, score
from tasks.model import build_model, compile_model
from tasks.prepared import PreparedDataset, open_split, open_training_epoch

BLOCKS = 4  # of up to 32 steps: a fraction of a second of LeNet on a core


class Pace(BaseModel):
    """What a training takes.

    Attributes:
        start_seconds: Once: building, compiling, tracing, saving.
        step_seconds: For each step.
        validation_seconds: For each epoch.
    """

    model_config = ConfigDict(frozen=True)

    start_seconds: float
    step_seconds: float
    validation_seconds: float

    def seconds(self, *, epochs: int, steps_per_epoch: int) -> float:
        """Return what a whole training takes."""
        return self.start_seconds + epochs * (steps_per_epoch * self.step_seconds + self.validation_seconds)


def measure_pace(
    prepared: PreparedDataset, *, model: str, batch_size: int, device: str, recipe: Mapping[str, Any]
) -> Pace:
    """Train a few blocks, and return what it took. ``recipe`` holds the other arguments of `compile_model`."""
    with tempfile.TemporaryDirectory() as name, tf.device(f"{device}:0"):
        directory, marks = Path(name), [time.perf_counter()]
        initial = build_model.fn(model, prepared, directory, seed=0, device=device)
        compiled = keras.models.load_model(compile_model.fn(initial, directory, **recipe, device=device))
        train_steps, evaluate_step = make_train_steps(compiled, batch_size), make_evaluate_step(compiled)
        blocks = [*islice(open_training_epoch(prepared, 0, 1, batch_size=batch_size, shuffle=True, repeat=1), BLOCKS)]
        train_steps(*blocks[0]).losses.numpy()
        score(evaluate_step, open_split(prepared, "validation"))  # traced too, and measured below
        compiled.save(directory / "fitted.keras")
        marks.append(time.perf_counter())
        steps = sum(len(train_steps(*block).losses.numpy()) for block in blocks)
        marks.append(time.perf_counter())
        score(evaluate_step, open_split(prepared, "validation"))
        marks.append(time.perf_counter())
    start, trained, validated = (after - before for before, after in pairwise(marks))
    return Pace(start_seconds=start, step_seconds=trained / steps, validation_seconds=validated)
