"""Networks by name: ours, those of Keras' applications, and people's own functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras

from models.applications import build_application
from models.choice import choose
from models.lenet import build_lenet
from models.resnet8 import build_resnet8
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError

# From (image shape, classes, pixel_mean=, pixel_deviation=, seed=) to a model from pixels (0 to 255) to logits.
BuildNetwork = Callable[..., keras.Model]
NETWORKS: dict[str, BuildNetwork] = {"lenet": build_lenet, "resnet8": build_resnet8}
KERAS = "keras:"


def open_network(name: str) -> BuildNetwork:
    """Return the function that builds a network. Raises InputError if there is none of this name."""
    try:
        if name.startswith(KERAS):
            return partial(build_application, name.removeprefix(KERAS))
        return choose("model", NETWORKS, name)
    except ValueError as error:
        raise InputError(str(error)) from error


def build_network(name: str, prepared: PreparedDataset, seed: int) -> keras.Model:
    """Return a network for prepared data, untrained: from pixel values (0 to 255) to one logit for each class.

    Raises:
        InputError: there is no such network, or it does not take such images or so many classes.
    """
    build = open_network(name)
    try:
        return build(
            prepared.image_shape,
            len(prepared.classes),
            pixel_mean=prepared.pixel_mean,
            pixel_deviation=prepared.pixel_deviation,
            seed=seed,
        )
    except ValueError as error:
        height, width, channels = prepared.image_shape
        raise InputError(
            f"model: {name!r} cannot be built for images of {height}x{width} pixels with {channels} channels and "
            f"{len(prepared.classes)} classes: {error}; give another image_size, or choose another model"
        ) from error
