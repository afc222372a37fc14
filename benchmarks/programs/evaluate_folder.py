"""Prepare folders and evaluate their test splits: evaluate_folder.py RUN WARM_UP FOLDER. Prints seconds, imports aside.

As a training does it: what the files hold is digested, decoded, resized, written down and verified, and read again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import keras

from models.losses import make_loss
from models.steps import make_evaluate_step, score
from tasks.data.blocks import open_split
from tasks.dataset import prepare_dataset
from tasks.tracking.kept_predictions import small_probabilities
from tasks.tracking.stored_model import stored_model
from tasks.training.threads import use_threads


def main() -> tuple[float, float]:
    """Return the seconds until the last image is evaluated, and those of processors, which others do not lengthen."""
    run_id, *folders = sys.argv[1:]
    use_threads(1)
    stored = stored_model(run_id, Path())
    seconds = computing = 0.0
    for folder in folders:
        started, before = time.perf_counter(), time.process_time()
        size = stored.description.image_shape[0]
        prepared = prepare_dataset.fn(f"folder:{folder}", image_size=size, validation_fraction=0)
        model = keras.models.load_model(stored.keras_path, compile=False)
        model.compile(loss=make_loss("softmax_cross_entropy"))
        score(make_evaluate_step(model), open_split(prepared, "test"), small_probabilities(model.loss))
        seconds, computing = time.perf_counter() - started, time.process_time() - before
    return seconds, computing


if __name__ == "__main__":
    print(json.dumps(main()))
