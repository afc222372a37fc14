"""Seeds that a network leaves open, drawn from one seed: its first weights and its dropout are then a function of it.

Keras draws them from Python's global generator, whose state depends on all that was drawn before, in any thread.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import keras
import numpy as np


def with_seeds(model: keras.Model, seed: int) -> keras.Model:
    """Return ``model`` anew, from its own configuration, with each seed that this leaves open drawn from ``seed``.

    Weights that are drawn are those of these seeds, layer by layer; none of ``model`` are taken over. The new seeds are
    part of the new model's configuration, so that a model that was saved and loaded has them too.

    Args:
        model: One that can be made from its configuration, as every model that can be saved.
        seed: Not negative.
    """
    seeds = (int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) for number in count())
    return type(model).from_config(_filled(model.get_config(), seeds))


def with_open_seeds(model: keras.Model, seed: int) -> keras.Model:
    """Return ``model`` with the weights that it has, and its open seeds, as of dropout, drawn from ``seed``."""
    seeded = with_seeds(model, seed)
    seeded.set_weights(model.get_weights())
    return seeded


@contextmanager
def global_draws_from(seed: int) -> Iterator[None]:
    """Let Python's and NumPy's global generators begin at ``seed`` within, and go on afterwards as if nothing was."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what others draw from
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _filled(config: Any, seeds: Iterator[int]) -> Any:
    """Return a configuration, or a part of one, with a seed wherever it says that there is none."""
    if isinstance(config, dict):
        return {
            key: next(seeds) if key == "seed" and value is None else _filled(value, seeds)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_filled(value, seeds) for value in config)
    return config
