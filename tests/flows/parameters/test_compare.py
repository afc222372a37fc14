"""The parameters of a comparison: what they stand for, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.parameters.compare import CompareParameters
from flows.parameters.hyperparameters import OWNED, USUAL_LEARNING_RATES, OptimizerName
from flows.parameters.shared import SharedParameters
from flows.parameters.signature import validated
from flows.parameters.study_plan import ALWAYS_SAID, UNSAID, digest_of, fewest_and_most_trials, rates_of
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError
from tests.support.tuning_trainings import trainings


def refusal(**given: Any) -> str:
    with pytest.raises(InputError) as error:
        validated(CompareParameters, given)
    return str(error.value)


def test_every_parameter_is_described() -> None:
    for name, field in CompareParameters.model_fields.items():
        assert field.description, name


def test_every_combination_is_a_trial_once() -> None:
    p = CompareParameters(
        optimizers=("sgd", "adam"), learning_rates=(0.1, 0.01), losses=("mse", "l1"), batch_sizes=(16, 32), seeds=2
    )
    trials = trainings(p)
    varied = Counter(
        (trial.optimizer, trial.learning_rate, trial.loss, trial.batch_size, trial.seed) for trial in trials
    )
    assert len(varied) == len(trials) == 2 * 2 * 2 * 2 * 2
    assert len({digest_of(trial, "data") for trial in trials}) == len(trials)
    assert [trial.seed for trial in trials] == sorted(trial.seed for trial in trials)  # a bit of everything early


def test_trials_are_counted_without_being_made() -> None:
    p = CompareParameters(
        optimizers=("sgd", "adam"), grid_size=2, losses=("mse", "l1"), batch_sizes=(16, 32, 64), seeds=5
    )
    tuning, contenders = 2 * 2 * 2 * 3 * 5, 2 * 2 * 3
    assert len(trainings(p)) == tuning
    assert fewest_and_most_trials(p) == (tuning + contenders * 5, tuning + contenders * (3 * 5 + 20))
    fixed = p.model_copy(update={"extend": False, "looks": None})
    assert fewest_and_most_trials(fixed) == (tuning, tuning)
    assert fewest_and_most_trials(CompareParameters(grid_size=1, seeds=1, looks=(7,))) == (4 + 28, 4 + 28)


def test_all_else_is_the_same_for_each_trial_and_the_test_split_is_left_alone() -> None:
    p = CompareParameters(dataset="digits", epochs=7, weight_decay=0.01, schedule="cosine", experiment="mine", seeds=1)
    for trial in trainings(p):
        assert (trial.dataset, trial.epochs, trial.weight_decay, trial.schedule) == ("digits", 7, 0.01, "cosine")
        assert (trial.experiment, trial.test, trial.run_name, trial.resume) == ("mine", False, None, None)


def test_each_optimizer_has_a_grid_of_its_own() -> None:
    assert set(USUAL_LEARNING_RATES) == set(get_args(OptimizerName))
    p = CompareParameters(optimizers=get_args(OptimizerName))
    for optimizer, usual in USUAL_LEARNING_RATES.items():
        low, middle, high = rates_of(p, optimizer)
        assert middle == usual
        assert middle / low == pytest.approx(3.2, abs=0.2)
        assert high / middle == pytest.approx(3.0, abs=0.01)
    assert rates_of(CompareParameters(learning_rates=(0.3, 0.1)), "adam") == (0.1, 0.3)
    assert rates_of(CompareParameters(grid_size=1), "adam") == (0.001,)
    assert rates_of(CompareParameters(grid_size=5), "adam") == (0.0001, 0.0003, 0.001, 0.003, 0.01)


def test_a_hyperparameter_goes_to_those_that_have_it() -> None:
    p = CompareParameters(
        optimizers=("sgd", "momentum", "rmsprop"),
        losses=("mse", "smooth_l1", "softmax_cross_entropy"),
        momentum=0.5,
        nesterov=True,
        rho=0.8,
        smooth_l1_beta=2.0,
        label_smoothing=0.1,
        seeds=1,
    )
    for trial in trainings(p):
        assert trial.momentum == (None if trial.optimizer == "sgd" else 0.5)
        assert trial.nesterov == (True if trial.optimizer == "momentum" else None)
        assert trial.smooth_l1_beta == (2.0 if trial.loss == "smooth_l1" else None)
        assert trial.rho == (0.8 if trial.optimizer == "rmsprop" else None)
        assert trial.label_smoothing == (0.1 if trial.loss == "softmax_cross_entropy" else 0)


def test_a_schedule_goes_to_those_that_take_one() -> None:
    p = CompareParameters(optimizers=("adamw", "schedule_free_adamw"), schedule="cosine", warmup_epochs=1, seeds=1)
    assert {(trial.optimizer, trial.schedule, trial.warmup_epochs) for trial in trainings(p)} == {
        ("adamw", "cosine", 1),
        ("schedule_free_adamw", "constant", 1),
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"optimizers": "adam,adm"}, "optimizers: received 'adm'; allowed: one of sgd, momentum"),
        ({"optimizers": "adam,adm"}, "separated by commas (did you mean 'adam'?)"),
        ({"optimizers": ""}, "optimizers: received ''; allowed"),
        ({"optimizers": []}, "optimizers: received []; allowed"),
        (
            {"learning_rates": "0.1,-1"},
            "learning_rates: received '-1'; allowed: a number, more than 0, at most 1e+30; several",
        ),
        ({"learning_rates": []}, "or none"),
        (
            {"batch_sizes": "32,0"},
            "batch_sizes: received '0'; allowed: a whole number, at least 1, at most 65536; several",
        ),
        ({"seeds": 0}, "seeds: received 0; allowed: a whole number, at least 1, at most 1000"),
        ({"seeds": 10**9}, "seeds: received 1000000000; allowed: a whole number, at least 1, at most 1000"),
        (
            {"seeds": 414},
            "seeds: received 414, which makes up to 10016 trials with all the optimizers, learning rates, losses, ",
        ),
        ({"batch_sizes": list(range(1, 3000)), "seeds": 1}, "makes up to 311896 trials with all the optimizers"),
        ({"target": 1}, "target: received 1; allowed: a number, more than 0, less than 1"),
        ({"validation_fraction": 0}, "validation_fraction: received 0, but a comparison ranks by validation images"),
        ({"workers": 2, "dask_address": "tcp://a:1"}, "workers: received 2 with dask_address 'tcp://a:1'"),
        ({"dask_address": "a:1"}, "dask_address: received 'a:1'; allowed: scheduler of a Dask cluster"),
        ({"optimizers": "adam", "momentum": 0.5}, "momentum: received 0.5, but none of the optimizers adam has it"),
        ({"optimizers": "adam,sgd", "rho": 0.9}, "rho: received 0.9, but none of the optimizers adam, sgd has it"),
        ({"optimizers": "adam,lion", "beta_1": 0}, "beta_1: received 0 with optimizer 'lion', whose rule needs"),
        (
            {"optimizers": "schedule_free_adamw", "schedule": "cosine"},
            "schedule: received 'cosine', but none of the optimizers schedule_free_adamw takes one; leave it out",
        ),
        (
            {"optimizers": "schedule_free_adamw", "average": "ema"},
            "average: received 'ema', but none of the optimizers",
        ),
        ({"losses": "mse", "label_smoothing": 0.1}, "label_smoothing: received 0.1, but it belongs to loss"),
        ({"smooth_l1_beta": 2}, "smooth_l1_beta: received 2.0, but it belongs to loss 'smooth_l1'"),
        ({"warmup_epochs": 10}, "the warm-up must be shorter than the training"),
        ({"optimizer": "adam"}, "unknown parameter 'optimizer' (did you mean 'optimizers'?)"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], told: str) -> None:
    assert told in refusal(**given)


def test_values_may_be_typed_with_commas_and_count_once() -> None:
    p = validated(CompareParameters, {"optimizers": "adam, sgd,adam", "learning_rates": "1e-2,0.01", "batch_sizes": 16})
    assert (p.optimizers, p.learning_rates, p.batch_sizes) == (("adam", "sgd"), (0.01,), (16,))


@given(
    st.builds(
        dict,
        optimizers=st.lists(st.sampled_from(get_args(OptimizerName)), min_size=1, max_size=3),
        learning_rates=st.none() | st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=3),
        seeds=st.integers(1, 3),
        target=st.floats(0.01, 0.99),
    )
)
def test_parameters_survive_being_handed_on(given: dict[str, Any]) -> None:
    p = CompareParameters(**given)
    assert validated(CompareParameters, p.model_dump()) == p
    assert trainings(CompareParameters(**p.recorded())) == trainings(p)


def test_a_trial_is_known_by_all_that_decides_its_numbers() -> None:
    known = digest_of(TrainParameters(seed=1), "data")
    assert digest_of(TrainParameters(seed=1, resume="a run"), "data") == known
    assert digest_of(TrainParameters(seed=2), "data") != known
    assert digest_of(TrainParameters(seed=1, weight_decay=0.1), "data") != known
    assert digest_of(TrainParameters(seed=1, threads=2), "data") != known
    assert digest_of(TrainParameters(seed=1, split_seed=1), "data") != known
    assert digest_of(TrainParameters(seed=1, keep_predictions=False), "data") != known
    assert digest_of(TrainParameters(seed=1, metric="macro_f1"), "data") != known
    assert digest_of(TrainParameters(seed=1, class_weight="balanced"), "data") != known
    assert digest_of(TrainParameters(seed=1, augment="flip"), "data") != known
    assert digest_of(TrainParameters(seed=1, augment=None), "data") == known
    assert digest_of(TrainParameters(seed=1), "other data") != known


@pytest.mark.parametrize(
    ("optimizer", "known_by"),
    [
        ("sgd", "8ce0f4077a468190"),
        ("momentum", "1ab3a1257cea3170"),
        ("rmsprop", "3da8395b8aefada3"),
        ("adam", "c6debeecd43af4c0"),
        ("adamw", "18172f769df63d18"),
        ("nadam", "47d627fb19198cec"),
        ("adagrad", "d295ebc995149fd3"),
        ("lion", "1912d00b8a783fa0"),
    ],
)
def test_a_trial_is_known_by_what_it_was_known_by_before_optimizers_told_all_their_hyperparameters(
    optimizer: str, known_by: str
) -> None:
    """The digests are those of the commit before."""
    trial = TrainParameters(optimizer=optimizer, seed=1)
    assert digest_of(trial, "data") == known_by
    for name, value in trial.optimizer_hyperparameters().items():
        assert digest_of(TrainParameters(optimizer=optimizer, seed=1, **{name: value}), "data") == known_by
        other = not value if isinstance(value, bool) else 0.5
        assert digest_of(TrainParameters(optimizer=optimizer, seed=1, **{name: other}), "data") != known_by


def test_hyperparameters_that_were_always_told_are_told_as_before() -> None:
    """The digests are those of the commit before."""
    assert digest_of(TrainParameters(optimizer="rmsprop", momentum=0.5), "data") == "b413902465a5a905"
    assert digest_of(TrainParameters(nesterov=True), "data") == "80269ad3ea5a01d1"


def test_trials_of_comparisons_before_that_are_known_by_their_parameters_alone() -> None:
    trial = TrainParameters(seed=1, keep_predictions=False)
    since = {*UNSAID, *OWNED} - {*ALWAYS_SAID}
    before = {name: value for name, value in trial.recorded().items() if name not in since}
    assert digest_of(trial, "") == hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()[:16]
    assert digest_of(TrainParameters(seed=1, learning_rate=0.01, keep_predictions=False), "") == "61e50210aace1b56"


def test_what_is_shared_has_one_meaning() -> None:
    for name, field in SharedParameters.model_fields.items():
        assert CompareParameters.model_fields[name].description == field.description
        assert TrainParameters.model_fields[name].default == field.default


def test_the_name_and_the_banner_say_what_is_compared() -> None:
    p = CompareParameters(dataset="digits", optimizers=("sgd", "adam"), losses=("mse", "l1"), seeds=2)
    assert p.display_name() == "compare digits"
    assert CompareParameters(run_name="mine").display_name() == "mine"
    assert "Comparing 2 optimizers on digits, 44 to 128 trials of 10 epochs" in p.banner()
    assert "sgd: learning rate 0.03, 0.1, 0.3" in p.banner()
