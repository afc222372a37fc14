"""The parameters of the flows: every bound, every refusal in our own words, and one source for the choices."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flows.parameters.compare import CompareParameters
from flows.parameters.hyperparameters import (
    HYPERPARAMETERS,
    TAKES_NO_SCHEDULE,
    USUAL_LEARNING_RATES,
    AverageName,
    ClassWeightName,
    LossName,
    OptimizerName,
    PrecisionName,
    ScheduleName,
    owners_of,
)
from flows.parameters.signature import allowed_values, element_of, kind_of, validated
from flows.parameters.train import TrainParameters
from models.class_weights import ClassWeight
from models.losses import HYPERPARAMETERS as LOSS_HYPERPARAMETERS
from models.losses import LOSSES, make_loss
from models.optimizers import OPTIMIZERS, hyperparameters, make_optimizer
from models.precision import Precision
from models.schedules import SCHEDULES
from models.updates import Average
from tasks.foundation.errors import InputError

OWN = "; or FILE.py:CLASS or MODULE:CLASS of your own"


def refusal(**given: Any) -> str:
    with pytest.raises(InputError) as error:
        validated(TrainParameters, given)
    return str(error.value)


def test_hyperparameters_are_those_of_the_optimizers() -> None:
    assert {name: hyperparameters(name) for name in OPTIMIZERS if hyperparameters(name)} == HYPERPARAMETERS


def test_choices_are_the_tables_of_the_models() -> None:
    assert set(get_args(OptimizerName)) == set(OPTIMIZERS)
    assert set(get_args(LossName)) == set(LOSSES)
    assert set(get_args(ScheduleName)) == set(SCHEDULES)
    assert get_args(ClassWeightName) == get_args(ClassWeight)
    assert get_args(AverageName) == get_args(Average)
    assert get_args(PrecisionName) == get_args(Precision)


def test_every_parameter_is_described() -> None:
    for name, field in TrainParameters.model_fields.items():
        assert field.description, name


def test_the_defaults_are_the_recipe_of_the_tutorial() -> None:
    p = TrainParameters()
    assert (p.dataset, p.image_size, p.batch_size, p.epochs) == ("mnist", 32, 32, 10)
    assert (p.optimizer, p.learning_rate, p.momentum, p.nesterov) == ("momentum", 0.01, 0.9, False)
    assert (p.loss, p.schedule, p.shuffle, p.repeat, p.seed) == ("softmax_cross_entropy", "constant", True, 1, 0)


@pytest.mark.parametrize(
    ("name", "allowed", "refused", "words"),
    [
        ("image_size", [16, 1024], [15, 1025, 20.5, "many"], "a whole number, at least 16, at most 1024"),
        ("validation_fraction", [0, 0.999], [-0.1, 1, float("nan")], "a number, at least 0, less than 1"),
        (
            "limit_examples",
            [20, 10**9, None],
            [19, 0, -1, 10**9 + 1],
            "a whole number, at least 20, at most 1000000000; or none",
        ),
        ("repeat", [1, 10_000], [0, -1, None, 10_001], "a whole number, at least 1, at most 10000"),
        ("label_smoothing", [0, 0.99], [-0.1, 1], "a number, at least 0, less than 1"),
        (
            "learning_rate",
            [1e-9, 1e30, None],
            [0, -1, 1e31, float("nan")],
            "a number, more than 0, at most 1e+30; or none",
        ),
        ("momentum", [0, 0.99], [-0.1, 1], "a number, at least 0, less than 1; or none"),
        ("beta_2", [None], [-0.1, 1], "a number, at least 0, less than 1; or none"),
        ("epsilon", [None], [0, -1e-8, 1e31], "a number, at least 1e-30, at most 1e+30; or none"),
        ("learning_rate_power", [None], [0.1, -1.1], "a number, at least -1, at most 0; or none"),
        ("l1_regularization_strength", [None], [-0.1, 1e31], "a number, at least 0, at most 1e+30; or none"),
        ("weight_decay", [0, 0.99], [-0.1, 1], "a number, at least 0, less than 1"),
        ("warmup_epochs", [0, 9.5], [-0.5, 1e6, float("inf")], "a number, at least 0, less than 1000000"),
        ("epochs", [1, 10**6], [0, -1, 1.5, 10**6 + 1, 10**20], "a whole number, at least 1, at most 1000000"),
        ("batch_size", [1, 65_536], [0, -32, 65_537], "a whole number, at least 1, at most 65536"),
        ("seed", [0, 2**32 - 1], [-1, 2**32], "a whole number, at least 0, at most 4294967295"),
        ("split_seed", [0, 2**32 - 1], [-1, 2**32, 0.5], "a whole number, at least 0, at most 4294967295"),
        ("threads", [1, 1024], [0, 1025, 1.5, None], "a whole number, at least 1, at most 1024"),
        ("print_every", [0, 10**9, None], [-1, 10**9 + 1], "a whole number, at least 0, at most 1000000000; or none"),
        ("shuffle", [True, "false"], ["perhaps", 2], "true or false"),
        ("download", [True, "no"], ["perhaps", None], "true or false"),
        ("experiment", ["x", "x" * 250], ["", "x" * 251], "text, of at least 1 character, of at most 250 characters"),
        ("run_name", ["x", None], ["", "x" * 251], "text, of at least 1 character, of at most 250 characters; or none"),
        ("optimizer", ["adam"], ["", None, 3], f"one of {', '.join(get_args(OptimizerName))}{OWN}"),
        ("loss", ["l1"], ["hinge"], f"one of softmax_cross_entropy, l1, mse, smooth_l1{OWN}"),
        ("schedule", ["cosine"], ["linear"], "one of constant, cosine, exponential, step"),
        ("device", ["cpu"], ["abacus"], "one of auto, cpu, gpu"),
        ("average", ["ema"], ["swa"], "one of none, ema"),
        ("clip_norm", [1e-9, 1e30, None], [0, -1, 1e31], "a number, more than 0, at most 1e+30; or none"),
        ("accumulate", [1, 65_536], [0, 1.5, None], "a whole number, at least 1, at most 65536"),
        ("keep", ["best"], ["first"], "one of last, best"),
        ("patience", [1, None], [0, 1.5], "a whole number, at least 1, at most 1000000; or none"),
        ("precision", ["mixed_float16"], ["half"], "one of float32, mixed_float16, mixed_bfloat16"),
    ],
)
def test_bounds_are_kept_and_told(name: str, allowed: list[Any], refused: list[Any], words: str) -> None:
    for value in allowed:
        validated(TrainParameters, {name: value})
    for value in refused:
        assert refusal(**{name: value}) == f"{name}: received {value!r}; allowed: {words}"


@pytest.mark.parametrize("model", [TrainParameters, CompareParameters])
def test_every_number_has_an_upper_bound_that_prefect_can_give_back(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        one = element_of(field) or field
        if kind_of(one) not in (int, float):
            continue
        words = allowed_values(one)
        bound = re.search(r"(?:at most|less than) (\S+?)[;,]?(?: |$)", words)
        assert bound, f"{name}: {words}"
        assert kind_of(one) is float or int(bound[1]) < 2**32, name
        with pytest.raises(InputError, match=f"{name}: received"):
            validated(model, {name: 10**400 if kind_of(one) is int else 1e39})


def test_the_beta_of_smooth_l1_is_positive() -> None:
    assert validated(TrainParameters, {"loss": "smooth_l1", "smooth_l1_beta": 0.5}).smooth_l1_beta == 0.5
    told = "smooth_l1_beta: received 0; allowed: a number, more than 0, at most 1e+30; or none"
    assert refusal(loss="smooth_l1", smooth_l1_beta=0) == told


@pytest.mark.parametrize(
    "name",
    ["digits", "mnist", "emnist/balanced", "mnist/3.0.1", "folder:/some where/pictures", "folder:~/x", "csv:a b.csv"],
)
def test_dataset_names(name: str) -> None:
    assert TrainParameters(dataset=name).dataset == name


@pytest.mark.parametrize(
    "name", ["", "MNIST", "../mnist", "folder:", "csv:", "mnist/", "mnist balanced", "a/b/c", "mnist\n"]
)
def test_what_is_no_name_of_a_dataset_is_refused(name: str) -> None:
    assert refusal(dataset=name).startswith(f"dataset: received {name!r}; allowed: digits; an image-classification set")


def test_a_close_choice_is_suggested() -> None:
    assert refusal(optimizer="adm").endswith(f", muon, schedule_free_adamw{OWN} (did you mean 'adam'?)")


def test_an_unknown_parameter_is_told_with_the_known_ones() -> None:
    told = refusal(learning_rat=0.1)
    assert told.startswith("unknown parameter 'learning_rat' (did you mean 'learning_rate'?); choose from: dataset, ")
    assert told.endswith(", test, keep_predictions, resume")


def test_every_fault_has_a_line() -> None:
    told = refusal(epochs=0, batch_size=0, optimizer="nonsense").splitlines()
    assert [line.split(":")[0] for line in told] == ["epochs", "optimizer", "batch_size"]


@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - set(owners_of("momentum"))))
def test_momentum_is_refused_where_there_is_none(optimizer: str) -> None:
    assert refusal(optimizer=optimizer, momentum=0.9) == (
        f"momentum: received 0.9, but optimizer {optimizer!r} has no momentum; "
        "leave it out, or choose an optimizer that has it: momentum, muon, rmsprop"
    )


def test_nesterov_belongs_to_momentum_and_muon() -> None:
    assert refusal(optimizer="rmsprop", nesterov=True).endswith("choose an optimizer that has it: momentum, muon")
    assert refusal(nesterov=True, momentum=0).startswith("nesterov: ")
    assert TrainParameters(nesterov=True).optimizer_hyperparameters() == {"momentum": 0.9, "nesterov": True}


def test_what_an_optimizer_lacks_is_refused_with_those_that_have_it() -> None:
    told = "rho: received 0.9, but optimizer 'adam' has no rho; leave it out, or choose an optimizer that has it: "
    assert refusal(optimizer="adam", rho=0.9) == f"{told}adadelta, rmsprop"
    assert refusal(optimizer="lion", amsgrad=False).endswith("choose an optimizer that has it: adam, adamw")
    assert "'sgd' has no epsilon" in refusal(optimizer="sgd", epsilon=1e-7)


@pytest.mark.parametrize("optimizer", ["lion", "schedule_free_adamw"])
def test_some_need_a_beta_1(optimizer: str) -> None:
    told = f"beta_1: received 0 with optimizer {optimizer!r}, whose rule needs one greater than 0"
    assert refusal(optimizer=optimizer, beta_1=0) == told
    assert TrainParameters(optimizer="adam", beta_1=0).beta_1 == 0


def test_what_averages_instead_of_a_schedule_takes_a_warm_up_alone() -> None:
    assert refusal(optimizer="schedule_free_adamw", schedule="cosine") == (
        "schedule: received 'cosine', but optimizer 'schedule_free_adamw' averages its weights instead of lowering the "
        "rate; leave it out (warmup_epochs may stay)"
    )
    told = refusal(optimizer="schedule_free_adamw", average="ema")
    assert told == (
        "average: received 'ema', but optimizer 'schedule_free_adamw' averages its weights itself; leave it out"
    )
    assert TrainParameters(optimizer="schedule_free_adamw", warmup_epochs=1).schedule == "constant"


def test_hyperparameters_of_other_losses_are_refused() -> None:
    assert "leave it out, or choose loss smooth_l1" in refusal(smooth_l1_beta=1)
    assert "leave it out, or choose loss softmax_cross_entropy" in refusal(loss="mse", label_smoothing=0.1)


@pytest.mark.parametrize("warmup", [2, 2.5])
def test_the_warm_up_is_shorter_than_the_training(warmup: float) -> None:
    told = f"warmup_epochs: received {warmup:g} with epochs 2; the warm-up must be shorter than the training"
    assert refusal(epochs=2, warmup_epochs=warmup) == told


def test_there_is_no_other_split_where_nothing_is_held_back() -> None:
    told = refusal(split_seed=3, validation_fraction=0)
    assert told.startswith(
        "split_seed: received 3 with validation_fraction 0, which leaves no validation images to draw"
    )
    assert told.endswith("leave split_seed out, or hold something back, for instance 0.1")


def test_predictions_are_kept_unless_said_otherwise_and_of_test_where_nothing_is_held_back() -> None:
    assert TrainParameters().keep_predictions
    assert TrainParameters(validation_fraction=0).keep_predictions
    assert not TrainParameters(keep_predictions=False).keep_predictions


def test_a_training_says_how_its_dataset_is_split() -> None:
    how = {"image_size": 32, "validation_fraction": 0.1, "limit_examples": None}
    how |= {"classes": None, "fit": "stretch", "skip_broken": False, "keep_together": "exact"}
    assert TrainParameters(split_seed=3).preparation() == {**how, "split_seed": 3}
    assert CompareParameters().preparation() == how


def test_classes_are_the_same_in_whatever_order_they_are_named() -> None:
    assert validated(TrainParameters, {"classes": "dog, cat,dog"}).classes == ("cat", "dog")
    assert validated(TrainParameters, {"classes": ("dog", "cat, black")}).classes == ("cat, black", "dog")
    assert refusal(classes="cat") == "classes: received cat; name at least 2 of them, or none, for all of them"


def test_the_momentum_of_an_average_belongs_to_one() -> None:
    assert TrainParameters().ema_momentum is None
    assert TrainParameters(average="ema").ema_momentum == 0.99
    assert CompareParameters(average="ema").ema_momentum == 0.99
    assert TrainParameters(average="ema", ema_momentum=0.5).recipe()["updates"]["ema_momentum"] == 0.5
    told = "ema_momentum: received 0.5, but average 'none' has no momentum; leave it out, or choose average ema"
    assert refusal(ema_momentum=0.5) == told


@pytest.mark.parametrize("model", [TrainParameters, CompareParameters])
def test_float16_is_refused_on_a_cpu_with_what_to_choose(model: type[BaseModel]) -> None:
    with pytest.raises(InputError, match=r"float16' with device cpu, .*; choose float32 or mixed_bfloat16, or device"):
        validated(model, {"precision": "mixed_float16", "device": "cpu"})
    validated(model, {"precision": "mixed_bfloat16", "device": "cpu"})


def test_what_applies_gets_its_default_and_what_does_not_is_none() -> None:
    assert TrainParameters(optimizer="rmsprop").momentum == 0.0
    assert TrainParameters(optimizer="rmsprop").nesterov is None
    assert TrainParameters(optimizer="adam").momentum is None
    assert TrainParameters(momentum=None).momentum == 0.9
    assert TrainParameters(momentum=0.0).momentum == 0.0
    assert TrainParameters(optimizer="adam").beta_2 == 0.999
    assert TrainParameters(optimizer="lion").beta_2 == 0.99
    assert TrainParameters(optimizer="adam", amsgrad=True, beta_1=0.8).optimizer_hyperparameters() == {
        "beta_1": 0.8,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": True,
    }
    assert TrainParameters(loss="smooth_l1").smooth_l1_beta == LOSS_HYPERPARAMETERS["smooth_l1_beta"]
    assert TrainParameters().smooth_l1_beta is None


@pytest.mark.parametrize(("optimizer", "rate"), USUAL_LEARNING_RATES.items())
def test_a_learning_rate_that_is_not_given_is_the_usual_one_of_the_optimizer(optimizer: str, rate: float) -> None:
    assert validated(TrainParameters, {"optimizer": optimizer}).recorded()["learning_rate"] == rate
    assert validated(TrainParameters, {"optimizer": optimizer, "learning_rate": None}).learning_rate == rate
    assert validated(TrainParameters, {"optimizer": optimizer, "learning_rate": 0.5}).learning_rate == 0.5


def test_text_from_a_command_line_is_converted() -> None:
    p = TrainParameters(epochs="3", learning_rate="1e-3", shuffle="false", seed="7")  # type: ignore[arg-type]
    assert (p.epochs, p.learning_rate, p.shuffle, p.seed) == (3, 0.001, False, 7)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw any valid set of parameters, each of them given or left out."""
    positive, share = st.floats(1e-9, 1e9), st.floats(0, 0.999)
    optimizer, loss = draw(st.sampled_from(sorted(OPTIMIZERS))), draw(st.sampled_from(sorted(LOSSES)))
    epochs = draw(st.integers(1, 1000))
    own: dict[str, st.SearchStrategy[Any]] = {}
    ranges: dict[str, st.SearchStrategy[Any]] = {
        "beta_2_decay": st.floats(-1, 0),
        "learning_rate_power": st.floats(-1, 0),
    }
    for name, usual in hyperparameters(optimizer).items():
        if isinstance(usual, int) and not isinstance(usual, bool):
            ranges[name] = st.integers(1, 100)
        kind = st.booleans() if isinstance(usual, bool) else ranges.get(name, st.floats(0.01, 0.999))
        own[name] = st.none() | kind
    if loss == "smooth_l1":
        own["smooth_l1_beta"] = st.none() | positive
    if loss == "softmax_cross_entropy":
        own["label_smoothing"] = share
    optional = {
        "dataset": st.sampled_from(["digits", "mnist", "emnist/balanced", "folder:/a b/c"]),
        "image_size": st.integers(16, 1024),
        "validation_fraction": share,
        "limit_examples": st.none() | st.integers(20, 10**9),
        "classes": st.none()
        | st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True).map(lambda names: tuple(sorted(names))),
        "fit": st.sampled_from(["stretch", "crop", "pad"]),
        "skip_broken": st.booleans(),
        "shuffle": st.booleans(),
        "repeat": st.integers(1, 10_000),
        "learning_rate": positive,
        "weight_decay": share,
        "schedule": st.sampled_from(sorted(SCHEDULES)),
        "warmup_epochs": st.floats(0, epochs, exclude_max=True),
        "batch_size": st.integers(1, 65_536),
        "seed": st.integers(0, 2**32 - 1),
        "device": st.sampled_from(["auto", "cpu", "gpu"]),
        "print_every": st.none() | st.integers(0, 10**9),
        "run_name": st.none() | st.text(min_size=1, max_size=250),
    }
    if optimizer in TAKES_NO_SCHEDULE:
        del optional["schedule"]
    fixed = {"optimizer": st.just(optimizer), "loss": st.just(loss), "epochs": st.just(epochs)}
    return draw(st.fixed_dictionaries(fixed, optional=optional | own))


@given(valid())
def test_any_valid_set_survives_the_model_and_json(given: dict[str, Any]) -> None:
    p = validated(TrainParameters, given)
    # What the command line hands to the flow, and what a deployment and a form send.
    assert validated(TrainParameters, p.model_dump()) == p
    assert validated(TrainParameters, json.loads(json.dumps(p.model_dump()))) == p
    assert TrainParameters.model_validate_json(p.model_dump_json()) == p
    for name, value in given.items():
        assert value is None or getattr(p, name) == value
    assert p.display_name()
    assert p.optimizer in p.banner()


@given(valid())
def test_any_valid_set_makes_an_optimizer_and_a_loss(given: dict[str, Any]) -> None:
    p = validated(TrainParameters, given)
    optimizer = make_optimizer(p.optimizer, **p.only("learning_rate", "weight_decay"), **p.optimizer_hyperparameters())
    assert optimizer.get_config().items() >= p.optimizer_hyperparameters().items()
    beta = {} if p.smooth_l1_beta is None else p.only("smooth_l1_beta")
    loss = make_loss(p.loss, label_smoothing=p.label_smoothing, **beta)
    assert (optimizer.name, loss.name) == (p.optimizer, p.loss)


def test_the_name_of_a_run_tells_it_from_its_neighbours() -> None:
    words = set(TrainParameters().display_name().split())
    assert words == {"mnist", "momentum", "0.01", "s0"}
    other = TrainParameters(
        dataset="folder:/a/pictures", optimizer="adam", learning_rate=1e-4, loss="mse", batch_size=64, seed=3
    )
    assert set(other.display_name().split()) == {"pictures", "adam", "0.0001", "loss=mse", "batch_size=64", "s3"}
    assert TrainParameters(run_name="mine").display_name() == "mine"
    tuned = TrainParameters(optimizer="adam", beta_1=0.9, beta_2=0.99, amsgrad=True)
    assert tuned.display_name() == "adam 0.001 s0 beta_2=0.99 amsgrad=true mnist"


def test_the_banner_says_what_will_run() -> None:
    assert TrainParameters(nesterov=True, weight_decay=0.01).banner() == (
        "Training lenet on mnist, images 32x32, 10% held back for validation unless it has validation images\n"
        "  momentum, momentum 0.9, nesterov True, weight_decay 0.01, learning_rate 0.01 (constant), "
        "softmax_cross_entropy\n"
        "  10 epochs, batch_size 32, seed 0, device auto"
    )
    given = {"clip_norm": 1.5, "accumulate": 4, "average": "ema", "precision": "mixed_bfloat16", "keep": "best"}
    lines = TrainParameters(**given, patience=3).banner().splitlines()
    assert ", clip_norm 1.5, accumulate 4, average ema, ema_momentum 0.99, learning_rate 0.01 (constant)" in lines[1]
    assert lines[2].endswith("device auto, precision mixed_bfloat16, keep best, patience 3")
    assert "held back" not in TrainParameters(validation_fraction=0).banner()
    own = "rmsprop, momentum 0.0, rho 0.9, epsilon 1e-07, centered False, learning_rate 0.001 (constant), "
    assert own in TrainParameters(optimizer="rmsprop").banner()
    digits = TrainParameters(dataset="digits", split_seed=7)
    assert "10% held back for validation (split_seed 7)\n" in digits.banner()


def test_the_stored_model_is_told_of_the_fit_and_the_threads() -> None:
    given = TrainParameters(dataset="digits", fit="crop", threads=3)
    assert given.fitting()["described"] == {"fit": "crop", "threads": 3}


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrainParameters().epochs = 3  # type: ignore[misc]
