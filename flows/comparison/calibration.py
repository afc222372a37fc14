"""How long training takes on this machine, from one short try."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from flows.comparison.training_time import TrainingTime
from models.augmentation import Augmentation
from models.class_weights import ClassWeight, class_weights
from models.steps import make_evaluate_step, make_train_steps, score
from tasks.building.own_code import Sources
from tasks.building.own_objects import own_code_in
from tasks.data.blocks import open_split, open_training_epoch
from tasks.data.class_counts import class_counts
from tasks.data.prepared import PreparedDataset
from tasks.model import build_model, compile_model

TIMED_BLOCKS = 2  # of up to 32 steps: a fraction of a second of LeNet on a core


def measure_training_time(
    prepared: PreparedDataset,
    *,
    model: str,
    batch_size: int,
    class_weight: ClassWeight = "none",
    augment: Sequence[str] | None = None,
    device: str,
    recipe: Mapping[str, Any],
    sources: Sources,
) -> TrainingTime:
    """Train a few blocks; return what it took. ``recipe`` holds `compile_model`'s arguments, ``sources`` own code."""
    with tempfile.TemporaryDirectory() as name, tf.device(f"{device}:0"), own_code_in(Path(name), sources):
        directory, marks = Path(name), [time.perf_counter()]
        precision = recipe["precision"]
        initial = build_model.fn(model, prepared, directory, seed=0, device=device, precision=precision)
        compiled = keras.models.load_model(compile_model.fn(initial, directory, **recipe, device=device))
        augmentation = Augmentation(augment, 0, prepared.image_shape) if augment else None
        weights = class_weights(class_weight, class_counts(prepared, "train"))
        train_steps = make_train_steps(compiled, batch_size, augmentation, weights)
        evaluate_step = make_evaluate_step(compiled)
        blocks = open_training_epoch(
            *(prepared, 0, 1), batch_size=batch_size, shuffle=True, repeat=1, appearances=bool(augment)
        )
        first, *others = islice(blocks, 1 + TIMED_BLOCKS)
        held_back = next(open_split(prepared, "validation"))
        train_steps(*first).losses.numpy()  # traced, and so is the evaluation
        score(evaluate_step, [held_back])
        marks.append(time.perf_counter())
        steps = sum(len(train_steps(*block).losses.numpy()) for block in others or [first])
        marks.append(time.perf_counter())
        score(evaluate_step, [held_back])
        marks.append(time.perf_counter())
    start, trained, validated = (after - before for before, after in pairwise(marks))
    return TrainingTime(
        start_seconds=start,
        step_seconds=trained / steps,
        validation_seconds=validated * prepared.examples["validation"] / len(held_back[1]),
    )
