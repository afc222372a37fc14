"""A person's function that makes a network, called with what it takes, and its network with what it lacks."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import keras

from models.image_network import pixel_normalization
from models.open_seeds import global_draws_from, with_open_seeds
from tasks.building.keras_settings import kept_settings
from tasks.building.network_checks import (
    require_contract,
    require_function_of_seed,
    require_keras_alone,
    require_loadable,
)
from tasks.building.own_code import IN_A_COPY
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import taken_apart


def call_network(
    name: str,
    function: Callable[..., Any],
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
    seed: int,
) -> keras.Model:
    """Return the network that a person's ``function`` makes, from pixel values to logits, and hold it to the contract.

    It is called with the image shape and the number of classes, and with ``pixel_mean``, ``pixel_deviation`` and
    ``seed`` as far as it has arguments of these names. One that does not take the pixel statistics has the
    normalisation put before it. One that takes no ``seed`` draws from Python's and NumPy's global generators what it
    draws: these begin at ``seed`` for it alone. Seeds of dropout that it leaves open are drawn from ``seed``.

    Raises:
        InputError: it fails, or its network is not what it has to be.
    """
    offered = {"pixel_mean": pixel_mean, "pixel_deviation": pixel_deviation, "seed": seed}
    given = {name: value for name, value in offered.items() if _takes(function, name)}

    def build() -> keras.Model:
        with nullcontext() if "seed" in given else global_draws_from(seed):
            network = _called(name, function, image_shape, num_classes, given)
        require_contract(name, network, image_shape, num_classes)
        _forget_compilation(network)
        if not {"pixel_mean", "pixel_deviation"} & given.keys():
            network = _normalised(network, image_shape, pixel_mean, pixel_deviation)
        return network

    network = build()
    require_keras_alone(name, network)
    require_loadable(name, network, image_shape)
    network = with_open_seeds(network, seed)
    require_function_of_seed(name, lambda: with_open_seeds(build(), seed), network)
    return network


def _takes(function: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())


def _called(
    name: str, function: Callable[..., Any], image_shape: tuple[int, int, int], num_classes: int, given: dict[str, Any]
) -> Any:
    try:
        inspect.signature(function).bind(image_shape, num_classes, **given)
    except TypeError as error:
        raise InputError(
            f"model: {name!r} cannot be called with an image shape and a number of classes ({error}); let it begin "
            f"with `def {taken_apart(name).name}(image_shape, num_classes):`, and give any other argument a default"
        ) from error
    try:
        with kept_settings(name):
            return function(image_shape, num_classes, **given)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever a person's code raises
        height, width, channels = image_shape
        raise InputError(
            f"model: {name!r} failed for images of {height}x{width} pixels with {channels} channels and {num_classes} "
            f"classes: {type(error).__name__}: {error} ({_place(error)}); give another image_size, or mend the function"
        ) from error


def _place(error: BaseException) -> str:
    """Return the file and the line that an error came up in, of a person's own code if it went through that."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [(found[1], frame.lineno) for frame in frames if (found := re.search(IN_A_COPY, frame.filename))]
    file, line = own[-1] if own else (frames[-1].filename, frames[-1].lineno)
    return f"{file}, line {line}"


def _forget_compilation(network: keras.Model) -> None:
    """Let a network that was compiled, or one within it, know nothing of that: its optimizer would be stored, too."""
    network.compiled, network.optimizer = False, None
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            _forget_compilation(layer)


def _normalised(
    network: keras.Model,
    image_shape: tuple[int, int, int],
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
) -> keras.Model:
    pixels = keras.Input(image_shape, dtype="float32", name="pixels")
    logits = network(pixel_normalization(pixel_mean, pixel_deviation)(pixels))
    return keras.Model(pixels, logits, name=network.name)
