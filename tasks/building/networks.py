"""Networks by name, ours, those of Keras' applications and people's own functions, with the weights they begin with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras

from models.applications import build_application
from models.choice import choose
from models.lenet import build_lenet
from models.resnet8 import build_resnet8
from tasks.building.called_network import call_network
from tasks.building.first_weights import FirstWeights, PixelStatistics, with_first_weights
from tasks.building.own_objects import load_own
from tasks.building.weights_source import IMAGENET
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import is_own

# From (image shape, classes, pixel_mean=, pixel_deviation=, seed=) to a model from pixels (0 to 255) to logits.
BuildNetwork = Callable[..., keras.Model]
NETWORKS: dict[str, BuildNetwork] = {"lenet": build_lenet, "resnet8": build_resnet8}
KERAS = "keras:"
NOWHERE = Path()  # for those that lie in no file


def open_network(name: str, directory: Path = NOWHERE) -> BuildNetwork:
    """Return the function that builds a network; that of a person from the copy of its file in a run's ``directory``.

    Raises:
        InputError: there is none of this name.
    """
    if is_own(name):
        return partial(call_network, name, load_own(name, directory))
    try:
        if name.startswith(KERAS):
            return partial(build_application, name.removeprefix(KERAS))
        return choose("model", NETWORKS, name)
    except ValueError as error:
        raise InputError(str(error)) from error


def build_network(
    name: str,
    prepared: PreparedDataset,
    seed: int,
    *,
    pixels: PixelStatistics | None = None,
    pretrained: bool = False,
    directory: Path = NOWHERE,
) -> keras.Model:
    """Return a network for prepared data: from pixel values (0 to 255) to one logit for each class.

    Args:
        name: As `open_network` takes it.
        prepared: The data.
        seed: All that is drawn is a function of it.
        pixels: Mean and deviation of each channel to normalise by; none: those of the training split.
        pretrained: Whether a network of Keras' applications has the weights of ImageNet in place of drawn ones.
        directory: The run's, where the code of a person's own is.

    Raises:
        InputError: there is no such network, or it does not take such images or so many classes.
    """
    build = open_network(name, directory)
    build = partial(build, pretrained=True) if pretrained else build
    fits = pixels is not None and len(pixels[0]) == prepared.image_shape[2]
    mean, deviation = pixels if pixels and fits else (prepared.pixel_mean, prepared.pixel_deviation)
    try:
        return build(prepared.image_shape, len(prepared.classes), pixel_mean=mean, pixel_deviation=deviation, seed=seed)
    except InputError:
        raise
    except ValueError as error:
        height, width, channels = prepared.image_shape
        raise InputError(
            f"model: {name!r} cannot be built for images of {height}x{width} pixels with {channels} channels and "
            f"{len(prepared.classes)} classes: {error}; give another image_size, or choose another model"
        ) from error


def build_with_weights(
    name: str, prepared: PreparedDataset, seed: int, weights: str, directory: Path, *, download: bool
) -> FirstWeights:
    """Return a network that begins with ``weights``: as `with_first_weights`, which says what is raised."""
    if weights == IMAGENET and not name.startswith(KERAS):
        raise InputError(
            f"weights: received imagenet with model {name!r}; there are such weights for keras: networks alone"
        )
    build = partial(build_network, name, prepared, seed, directory=directory)
    return with_first_weights(weights, build, directory, download=download)
