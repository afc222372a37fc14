"""The names of networks: those that there are, and what is said of others before anything starts."""

from __future__ import annotations

import keras
import pytest
from pydantic import BaseModel

from flows.parameters.compare import CompareParameters
from flows.parameters.network_names import KERAS, OWN_NETWORKS, SMALLEST_SIDES
from flows.parameters.signature import validated
from flows.parameters.study_plan import one_of_each_setting, training_of
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


@pytest.mark.parametrize("name", ["lenet", "resnet8", "keras:MobileNetV3Small"])
def test_what_there_may_be_is_taken(name: str) -> None:
    assert validated(TrainParameters, {"model": name}).model == name


def test_a_run_and_a_comparison_say_their_network() -> None:
    p = TrainParameters(model="resnet8", dataset="digits")
    assert p.display_name() == "momentum 0.01 s0 model=resnet8 digits"
    assert p.banner().startswith("Training resnet8 on digits")
    assert ", model resnet8\n" in CompareParameters(model="resnet8").banner()
    assert "model" not in TrainParameters().display_name() + CompareParameters().banner()


@pytest.mark.parametrize("weights", ["imagenet", "run:1a2b", "study:3c4d", "some where/net.keras"])
def test_weights_may_come_from_these(weights: str) -> None:
    p = validated(TrainParameters, {"model": "keras:MobileNetV3Small", "weights": weights})
    assert p.weights == weights
    assert p.building().items() >= {"seed": 0, "weights": weights, "download": True}.items()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"weights": "imagenett"},
            "weights: received 'imagenett'; allowed: imagenet, run:RUN_ID, study:STUDY, the path",
        ),
        ({"weights": "run:"}, "weights: received 'run:'; allowed: imagenet"),
        ({"weights": "imagenet"}, "weights: received imagenet with model 'lenet', but only keras: networks have such"),
        ({"freeze": "backbone"}, "freeze: received backbone without weights, so that all but the head would stay as"),
        ({"freeze": "all"}, "freeze: received 'all'; allowed: one of none, backbone"),
        ({"weights": "run:1", "unfreeze_after": 2}, "unfreeze_after: received 2 with freeze none, where nothing is"),
        ({"unfreeze_after": 0}, "unfreeze_after: received 0; allowed: a whole number, at least 1, less than 1000000"),
        (
            {"weights": "run:1", "freeze": "backbone", "fine_tune_factor": 0.5},
            "fine_tune_factor: received 0.5 without unfreeze_after, so that nothing is ever fine-tuned; leave it out",
        ),
        ({"fine_tune_factor": 2}, "fine_tune_factor: received 2; allowed: a number, more than 0, at most 1; or none"),
        (
            {"weights": "run:1", "freeze": "backbone", "unfreeze_after": 3, "epochs": 3},
            "unfreeze_after: received 3 with epochs 3, which leaves no epoch for what was frozen; give more epochs",
        ),
    ],
)
@pytest.mark.parametrize("parameters", [TrainParameters, CompareParameters])
def test_weights_and_freezing_that_make_no_sense_are_refused(
    parameters: type[BaseModel], given: dict[str, object], told: str
) -> None:
    assert refusal(parameters, **given).startswith(told)


def test_the_rate_of_an_optimizer_that_takes_no_schedule_does_not_fall_when_the_backbone_is_opened() -> None:
    given = {"weights": "run:1", "freeze": "backbone", "unfreeze_after": 2, "optimizer": "schedule_free_adamw"}
    assert refusal(**given).startswith(
        "fine_tune_factor: 0.1 with optimizer 'schedule_free_adamw', whose learning rate"
    )
    assert TrainParameters(**given, fine_tune_factor=1).fine_tune_factor == 1


def test_the_backbone_of_a_function_that_may_bring_its_own_weights_can_be_frozen() -> None:
    assert TrainParameters(model="mine.py:net@0123456789abcdef", freeze="backbone").freeze == "backbone"


def test_the_factor_of_fine_tuning_is_filled_in_where_there_is_some() -> None:
    frozen = {"weights": "run:1", "freeze": "backbone"}
    assert TrainParameters(**frozen, unfreeze_after=2).fine_tune_factor == 0.1
    assert TrainParameters(**frozen, unfreeze_after=2, fine_tune_factor=1).fine_tune_factor == 1
    assert TrainParameters(**frozen).fine_tune_factor is None
    assert TrainParameters(**frozen, unfreeze_after=2).recipe()["fine_tuning"] == (2, 0.1)
    assert TrainParameters(**frozen, unfreeze_after=2).fitting()["frozen_epochs"] == 2
    assert TrainParameters(**frozen, epochs=7).fitting()["frozen_epochs"] == 7
    assert TrainParameters().recipe()["fine_tuning"] is None
    assert TrainParameters().fitting()["frozen_epochs"] == 0
    trial = training_of(p := CompareParameters(**frozen, unfreeze_after=2), one_of_each_setting(p)[0])
    assert (trial.weights, trial.freeze, trial.unfreeze_after, trial.fine_tune_factor) == ("run:1", "backbone", 2, 0.1)


def test_a_run_says_what_it_began_with() -> None:
    p = TrainParameters(weights="run:1", freeze="backbone", unfreeze_after=2, dataset="digits")
    assert p.display_name() == "momentum 0.01 s0 weights=run:1 freeze=backbone digits"
    assert p.banner().startswith("Training lenet, weights run:1, backbone frozen for 2 epochs, on digits, images 32x32")
    assert "backbone frozen, on" in TrainParameters(weights="run:1", freeze="backbone").banner()
