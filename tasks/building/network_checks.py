"""What a network has to be, held in words: before anything is trained, and for our own networks as for a person's.

It is a Keras model from pixel values (0 to 255) to one logit for each class, that can be saved and loaded in Keras'
safe mode, and whose first weights are a function of the seed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.network_layers import layers_of
from tasks.foundation.errors import InputError

PROBABILITIES = ("softmax", "sigmoid")
IMAGES, TOLERANCE = 4, 1e-3  # how many images a network is asked about, and how far sums of probabilities are from 1


def require_contract(name: str, network: Any, image_shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise InputError if ``network``, which the function ``name`` returned, is not what a network has to be."""
    if not isinstance(network, keras.Model):
        raise _error(name, f"it returned {network!r}; return a keras.Model")
    _require_shapes(name, network, image_shape, num_classes)
    if not network.trainable_variables:
        raise _error(name, "nothing of it can be trained; give it layers with weights, and leave these trainable")
    if lambdas := [layer.name for layer in layers_of(network) if isinstance(layer, keras.layers.Lambda)]:
        raise _error(
            name,
            f"it has Lambda layers ({', '.join(lambdas)}), which Keras' safe mode does not load; use other layers of "
            "Keras, and operations of keras.ops",
        )
    _require_logits(name, network, image_shape)
    if losing := [layer.name for layer in layers_of(network) if layer.losses]:
        raise _error(
            name,
            f"it adds to the loss by itself, as regularizers do ({', '.join(losing)}), and would be trained without "
            "that; leave it out, and give weight_decay instead",
        )


def require_keras_alone(name: str, network: keras.Model) -> None:
    """Raise InputError for a network that is made of more than Keras itself has: a stored model needs no other code."""
    own = dict.fromkeys(_own_objects(keras.saving.serialize_keras_object(network)))
    if own:
        raise _error(
            name,
            f"it is made of code of your own ({', '.join(own)}), without which the model that is stored does not load; "
            "use layers of Keras and operations of keras.ops alone",
        )


def _own_objects(config: Any) -> Iterator[str]:
    """Yield the names of what a serialised object is made of, as far as that is not of Keras."""
    if isinstance(config, list | tuple):
        for one in config:
            yield from _own_objects(one)
    elif isinstance(config, dict):
        kind, package = str(config.get("class_name", "")), str(config.get("module")).partition(".")[0]
        if kind == "function" and ">" in str(config["config"]):  # one that is registered; others are not loaded at all
            yield str(config["config"]).rpartition(">")[2]
        elif kind and "module" in config and package not in ("keras", "builtins"):
            yield kind
        for one in config.values():
            yield from _own_objects(one)


def require_loadable(name: str, network: keras.Model, image_shape: tuple[int, int, int]) -> None:
    """Raise InputError for a network that is not the same after it was saved, and loaded in Keras' safe mode."""
    images = _images(image_shape)
    try:
        with tempfile.TemporaryDirectory() as directory:
            network.save(Path(directory) / "network.keras")
            loaded = keras.models.load_model(Path(directory) / "network.keras", safe_mode=True)
        before, after = (np.asarray(model(images, training=False)) for model in (network, loaded))
    except Exception as error:  # whatever a person's layers raise, or Keras of them
        raise _error(
            name,
            f"Keras does not load it again in safe mode ({type(error).__name__}: {error}); make it of layers of "
            "Keras and operations of keras.ops alone",
        ) from error
    if not np.allclose(before, after, rtol=1e-4, atol=1e-5, equal_nan=True):
        raise _error(
            name,
            "it gives other logits once it was saved and loaded; let the get_config() of layers of your own tell all "
            "that they are made from, and make what they train with add_weight()",
        )


def require_function_of_seed(name: str, build: Callable[[], keras.Model], network: keras.Model) -> None:
    """Raise InputError if ``build``, called once more with the same seed, returns other weights than ``network``."""
    again = build()
    mine, its = network.variables, again.variables
    if [variable.shape for variable in mine] != [variable.shape for variable in its]:
        raise _error(
            name, "called twice with one seed it returns networks with other shapes; let it draw none at random"
        )
    differing = [one.path for one, other in zip(mine, its, strict=True) if not np.array_equal(one, other)]
    if differing:
        shown = ", ".join(differing[:3]) + (", ..." if len(differing) > 3 else "")
        raise _error(
            name,
            f"called twice with one seed it returns other weights ({len(differing)} of {len(mine)} variables: {shown}) "
            "from a global generator; give each initializer a seed of its own, made from the argument seed",
        )


def _require_shapes(name: str, network: keras.Model, image_shape: tuple[int, int, int], num_classes: int) -> None:
    try:
        received, given = network.input_shape, network.output_shape
    except (AttributeError, ValueError):  # a subclass of Model that was not called yet
        raise _error(
            name, "its shapes are not known; make it of layers, beginning with keras.Input(image_shape)"
        ) from None
    if not _is_shape(received) or len(received) != 4 or not _fits(received[1:], image_shape):
        raise _error(name, f"it takes {_shown(received)}, but images are {_shown((None, *image_shape))}")
    if not _is_shape(given) or tuple(given) != (None, num_classes):
        raise _error(
            name,
            f"it gives {_shown(given)}, but what is wanted is one logit for each class: {_shown((None, num_classes))}",
        )


def _is_shape(shape: Any) -> bool:
    """Return whether this is one shape: a model of several inputs or outputs has a list or a dictionary of them."""
    return isinstance(shape, tuple) and all(side is None or isinstance(side, int) for side in shape)


def _fits(received: tuple[int | None, ...], wanted: tuple[int, ...]) -> bool:
    return all(side is None or side == its for side, its in zip(received, wanted, strict=True))


def _shown(shape: Any) -> str:
    return str(shape).replace("None", "batch", 1) if _is_shape(shape) else f"several tensors {shape}"


def _require_logits(name: str, network: keras.Model, image_shape: tuple[int, int, int]) -> None:
    """Raise InputError for a network whose last layer makes probabilities: the loss does that, more exactly."""
    given = network(_images(image_shape), training=False)
    if isinstance(given, dict):
        raise _error(name, f"it gives a dictionary ({', '.join(given)}); let it give the logits themselves")
    last = list(layers_of(network))[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    what = activation if activation in PROBABILITIES else "softmax" if isinstance(last, keras.layers.Softmax) else ""
    if not what:
        answers = np.asarray(given, dtype=np.float64)
        sums_to_one = np.abs(answers.sum(axis=1) - 1).max() < TOLERANCE and answers.min() >= 0
        what = "outputs that are never negative and sum to 1" if sums_to_one else ""
    if what:
        raise _error(
            name,
            f"it gives probabilities ({what} at its end, in layer {last.name!r}), but losses take logits; leave out "
            "the last activation",
        )


def _images(image_shape: tuple[int, int, int]) -> Any:
    # A tensor: of an array Keras warns where a network has its one input in a list.
    return keras.ops.convert_to_tensor(np.random.default_rng(0).integers(0, 256, (IMAGES, *image_shape)), "float32")


def _error(name: str, what: str) -> InputError:
    return InputError(f"model: {name!r} is no network for this: {what}")
