"""The names of networks: those that there are, and what is said of others before anything starts."""

from __future__ import annotations

import keras
import pytest
from pydantic import BaseModel

from flows.parameters.compare import CompareParameters
from flows.parameters.network_names import KERAS, OWN_NETWORKS, SMALLEST_SIDES
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from models import lenet, resnet8
from tasks.building.networks import KERAS as BUILT_AS_KERAS
from tasks.building.networks import NETWORKS
from tasks.foundation.errors import InputError


def refusal(parameters: type[BaseModel] = TrainParameters, **given: object) -> str:
    with pytest.raises(InputError) as error:
        validated(parameters, given)
    return str(error.value)


def test_the_names_are_those_of_the_networks_that_there_are() -> None:
    assert tuple(NETWORKS) == OWN_NETWORKS
    assert KERAS == BUILT_AS_KERAS
    published = {f"{KERAS}{name}" for name in dir(keras.applications) if name[0].isupper()}
    assert set(SMALLEST_SIDES) == {*NETWORKS, *published}


def test_the_smallest_sides_are_those_of_the_networks() -> None:
    assert SMALLEST_SIDES["lenet"] == lenet.SMALLEST_SIDE
    assert SMALLEST_SIDES["resnet8"] == resnet8.SMALLEST_SIDE


@pytest.mark.parametrize("name", ["InceptionV3", "InceptionResNetV2", "Xception", "MobileNetV2", "EfficientNetB0"])
def test_keras_refuses_what_is_smaller_and_so_do_we(name: str) -> None:
    side = SMALLEST_SIDES[f"{KERAS}{name}"] - 1
    with pytest.raises(ValueError, match=f"at least {side + 1}x{side + 1}"):
        getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(side, side, 3))
    told = (
        f"image_size: received {side} with model 'keras:{name}', which takes images of at least {side + 1} pixels a "
        "side; give a larger image_size, or choose another model"
    )
    assert refusal(model=f"keras:{name}", image_size=side) == told


@pytest.mark.parametrize("parameters", [TrainParameters, CompareParameters])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lennet", "lenet"),
        ("resnet-8", "resnet8"),
        ("keras:MobileNetV3Smal", "keras:MobileNetV3Small"),
        ("mobilenetv3small", "keras:MobileNetV3Small"),
        ("keras:efficientnetb0", "keras:EfficientNetB0"),
        ("nothing like it", None),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_meant(
    parameters: type[BaseModel], name: str, meant: str | None
) -> None:
    told = refusal(parameters, model=name)
    assert told.startswith(f"model: received {name!r}; allowed: ")
    assert told.endswith(f"(did you mean {meant!r}?)" if meant else "a function of your own")


@pytest.mark.parametrize("name", ["lenet", "resnet8", "keras:MobileNetV3Small", "nets:build", "../mine/net.py:build"])
def test_what_there_may_be_is_taken(name: str) -> None:
    assert validated(TrainParameters, {"model": name}).model == name


def test_a_run_and_a_comparison_say_their_network() -> None:
    p = TrainParameters(model="resnet8", dataset="digits")
    assert p.display_name() == "momentum 0.01 s0 model=resnet8 digits"
    assert p.banner().startswith("Training resnet8 on digits")
    assert ", model resnet8\n" in CompareParameters(model="resnet8").banner()
    assert "model" not in TrainParameters().display_name() + CompareParameters().banner()
