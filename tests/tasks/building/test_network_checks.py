"""What a network has to be: ours are, and what others lack is told in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import pytest

from flows.parameters.network_names import SMALLEST_SIDES
from tasks.building.network_checks import (
    require_contract,
    require_function_of_seed,
    require_keras_alone,
    require_loadable,
)
from tasks.building.networks import NETWORKS, open_network
from tasks.foundation.errors import InputError

layers = keras.layers
SHAPE, CLASSES = (32, 32, 3), 4
BUILT_IN = [*NETWORKS, "keras:MobileNetV3Small"]


def network(*middle: layers.Layer, units: int = CLASSES, shape: tuple[int | None, ...] = SHAPE) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(units), *middle])


def refusal(check: Callable[..., None], *given: Any) -> str:
    with pytest.raises(InputError) as error:
        check("mine.py:net", *given)
    told = str(error.value)
    assert told.startswith("model: 'mine.py:net' is no network for this: ")
    return told.removeprefix("model: 'mine.py:net' is no network for this: ")


@pytest.mark.parametrize("name", BUILT_IN)
def test_ours_are_held_to_the_same(name: str) -> None:
    pixels = {"pixel_mean": [120.0] * 3, "pixel_deviation": [60.0] * 3}
    build = partial(open_network(name), SHAPE, CLASSES, **pixels, seed=1)
    built = build()
    require_contract(name, built, SHAPE, CLASSES)
    require_keras_alone(name, built)
    require_loadable(name, built, SHAPE)
    require_function_of_seed(name, build, built)


class Unbuilt(keras.Model):
    """Its shapes are not known before it is called."""


def several() -> keras.Model:
    one, other = keras.Input(SHAPE), keras.Input(SHAPE)
    return keras.Model([one, other], layers.Dense(CLASSES)(layers.Flatten()(layers.Add()([one, other]))))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: "no model", "it returned 'no model'; return a keras.Model"),
        (lambda: network(shape=(16, 16, 3)), "it takes (batch, 16, 16, 3), but images are (batch, 32, 32, 3)"),
        (lambda: network(shape=(32, 32, 1)), "it takes (batch, 32, 32, 1), but images are (batch, 32, 32, 3)"),
        (lambda: keras.Sequential([keras.Input((3072,)), layers.Dense(4)]), "it takes (batch, 3072), but images are"),
        (several, "it takes several tensors"),
        (lambda: network(units=3), "it gives (batch, 3), but what is wanted is one logit for each class: (batch, 4)"),
        (
            lambda: keras.Sequential([keras.Input(SHAPE), layers.Dense(4)]),
            "it gives (batch, 32, 32, 4), but what is wanted is one logit",
        ),
        (Unbuilt, "its shapes are not known; make it of layers, beginning with keras.Input(image_shape)"),
    ],
)
def test_wrong_shapes_are_told(made: Callable[[], Any], told: str) -> None:
    assert refusal(require_contract, made(), SHAPE, CLASSES).startswith(told)


def in_a_dictionary() -> keras.Model:
    inner = network()
    return keras.Model(inner.inputs, {"logits": inner.outputs[0]})


def frozen() -> keras.Model:
    made = network()
    made.trainable = False
    return made


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (in_a_dictionary, "it gives a dictionary (logits); let it give the logits themselves"),
        (frozen, "nothing of it can be trained; give it layers with weights, and leave these trainable"),
        (
            lambda: network(layers.Dense(CLASSES, kernel_regularizer="l2", name="held")),
            "it adds to the loss by itself, as regularizers do (held), and would be trained without that; leave it out",
        ),
        (
            lambda: network(layers.ActivityRegularization(l2=0.1, name="quiet")),
            "it adds to the loss by itself, as regularizers do (quiet)",
        ),
    ],
)
def test_what_would_not_be_trained_as_it_is_meant_is_told(made: Callable[[], Any], told: str) -> None:
    assert refusal(require_contract, made(), SHAPE, CLASSES).startswith(told)


def test_a_network_of_images_of_any_size_is_fine() -> None:
    inputs = keras.Input((None, None, 3))
    require_contract("n", keras.Model(inputs, layers.Dense(4)(layers.GlobalMaxPooling2D()(inputs))), SHAPE, CLASSES)


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (layers.Softmax(name="end"), "(softmax at its end, in layer 'end')"),
        (layers.Activation("softmax", name="end"), "(softmax at its end, in layer 'end')"),
        (layers.Activation("sigmoid", name="end"), "(sigmoid at its end, in layer 'end')"),
        (layers.Dense(CLASSES, "softmax", name="end"), "(softmax at its end, in layer 'end')"),
        (
            layers.Rescaling(0.0, 1 / CLASSES, name="end"),
            "(outputs that are never negative and sum to 1 at its end, in layer 'end')",
        ),
    ],
)
def test_probabilities_are_told_from_logits(last: layers.Layer, told: str) -> None:
    refused = refusal(require_contract, network(last), SHAPE, CLASSES)
    assert refused == f"it gives probabilities {told}, but losses take logits; leave out the last activation"
    inner = keras.Sequential([keras.Input((CLASSES,)), layers.Dense(CLASSES, "softmax", name="within")])
    assert "in layer 'within'" in refusal(require_contract, network(inner), SHAPE, CLASSES)


def test_a_lambda_layer_is_told_wherever_it_is() -> None:
    inner = keras.Sequential([keras.Input((CLASSES,)), layers.Lambda(lambda x: x, name="doubtful")])
    told = refusal(require_contract, network(inner), SHAPE, CLASSES)
    assert told.startswith("it has Lambda layers (doubtful), which Keras' safe mode does not load; use other layers")


class Unregistered(layers.Layer):
    def call(self, x: Any) -> Any:
        return 2 * x


class Forgetful(layers.Layer):
    """Does not tell what it was made with."""

    def __init__(self, factor: float = 1.0, **named: Any) -> None:
        super().__init__(**named)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return self.factor * x

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="tests")
class Registered(Unregistered):
    """Known to Keras in this process, and in no other."""


@keras.saving.register_keras_serializable(package="tests")
def twice(x: Any) -> Any:
    return 2 * x


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (Unregistered(), "Unregistered"),
        (Registered(), "Registered"),
        (layers.Dense(CLASSES, activation=twice), "twice"),
        (keras.Sequential([keras.Input((CLASSES,)), Registered()]), "Registered"),
    ],
)
def test_what_another_process_would_not_load_is_told(layer: keras.layers.Layer, named: str) -> None:
    assert refusal(require_keras_alone, network(layer)) == (
        f"it is made of code of your own ({named}), without which the model that is stored does not load; use layers "
        "of Keras and operations of keras.ops alone"
    )
    require_keras_alone("net", network(layers.Dense(CLASSES, activation="relu", kernel_regularizer="l2")))


def test_what_safe_mode_does_not_load_is_told() -> None:
    told = refusal(require_loadable, network(Unregistered()), SHAPE)
    assert told.startswith("Keras does not load it again in safe mode (TypeError: ")
    assert told.endswith("make it of layers of Keras and operations of keras.ops alone")


def test_what_is_another_network_once_it_was_loaded_is_told() -> None:
    with keras.saving.custom_object_scope({"Forgetful": Forgetful}):
        told = refusal(require_loadable, network(Forgetful(3.0)), SHAPE)
    assert told.startswith("it gives other logits once it was saved and loaded; let the get_config()")


def test_weights_that_are_drawn_from_a_global_generator_are_told() -> None:
    told = refusal(require_function_of_seed, network, network())
    assert told.startswith("called twice with one seed it returns other weights (1 of 2 variables: ")
    assert told.endswith(
        "/kernel) from a global generator; give each initializer a seed of its own, made from the argument seed"
    )


def test_another_network_each_time_is_told() -> None:
    told = refusal(require_function_of_seed, partial(network, units=3), network())
    assert told == "called twice with one seed it returns networks with other shapes; let it draw none at random"


OF_EACH_FAMILY = (
    *("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3"),
    *("MobileNet", "MobileNetV2", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_EACH_FAMILY)
def test_networks_of_keras_are_held_to_the_same_at_their_smallest_images(name: str) -> None:
    keras.utils.clear_session()  # which frees the memory of the one before
    side = SMALLEST_SIDES[f"keras:{name}"]
    pixels = {"pixel_mean": [120.0] * 3, "pixel_deviation": [60.0] * 3}
    build = partial(open_network(f"keras:{name}"), (side, side, 3), CLASSES, **pixels, seed=1)
    built = build()
    require_contract(name, built, (side, side, 3), CLASSES)
    require_loadable(name, built, (side, side, 3))
    require_function_of_seed(name, build, built)
