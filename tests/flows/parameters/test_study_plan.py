"""From what was asked to what is planned, and from what is planned to trainings."""

from __future__ import annotations

from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import digest_of, plan_of, training_of
from study.plan import PlannedTrial
from study.rounds import next_round

EXAMPLES = {"train": 1294, "validation": 143, "test": 360}


def test_a_grid_goes_on_beyond_its_ends_as_it_was_made() -> None:
    (sgd, adam) = plan_of(CompareParameters(optimizers=("sgd", "adam")), EXAMPLES).contenders
    assert (sgd.below, sgd.learning_rates, sgd.above) == ((0.01, 0.003, 0.001), (0.03, 0.1, 0.3), (1.0, 3.0, 10.0))
    assert (adam.below, adam.above) == ((0.0001, 3e-05, 1e-05), (0.01, 0.03, 0.1))


def test_rates_that_were_given_go_on_by_the_factor_between_the_outermost_two() -> None:
    (given,) = plan_of(CompareParameters(optimizers=("sgd",), learning_rates=(0.2, 0.1, 0.01)), EXAMPLES).contenders
    assert (given.below, given.learning_rates, given.above) == (
        (0.001, 0.0001, 1e-05),
        (0.01, 0.1, 0.2),
        (0.4, 0.8, 1.6),
    )


def test_what_is_not_to_be_extended_is_not() -> None:
    for fixed in (
        CompareParameters(extend=False),
        CompareParameters(grid_size=1),
        CompareParameters(learning_rates=0.1),
    ):
        assert {(one.below, one.above) for one in plan_of(fixed, EXAMPLES).contenders} == {((), ())}


def test_a_rate_that_float32_cannot_hold_is_not_added() -> None:
    (given,) = plan_of(CompareParameters(optimizers=("sgd",), learning_rates=(1.0, 1e20)), EXAMPLES).contenders
    assert given.above == ()
    assert given.below == (1e-20, 1e-40, 1e-60)


def test_the_plan_knows_the_images_and_what_decides() -> None:
    plan = plan_of(CompareParameters(seeds=4, looks="20,5", margin=0.01, target=0.9), EXAMPLES)
    assert (plan.seeds, plan.looks, plan.margin, plan.target) == (4, (5, 20), 0.01, 0.9)
    assert (plan.training_images, plan.validation_images, plan.images) == (1294, 143, 1437)
    assert plan_of(CompareParameters(looks=None), EXAMPLES).looks == ()


def test_data_that_came_with_validation_images_is_judged_by_these_alone() -> None:
    p = CompareParameters(dataset="digits")
    plan = plan_of(p, EXAMPLES, redraws=False, leaked="3 of 143 validation images")
    assert (plan.images, plan.validation_images, plan.leaked) == (143, 143, "3 of 143 validation images")
    planned = PlannedTrial(round="confirm", optimizer="adam", loss="mse", batch_size=8, learning_rate=0.25, seed=1003)
    confirm = training_of(p, planned, redraws=False)
    assert (confirm.seed, confirm.split_seed, confirm.keep_predictions) == (1003, 0, True)


def test_a_choice_that_was_not_there_before_makes_no_other_trial_unless_it_is_made() -> None:
    """The digest is that of the commit before there was keep_together."""
    trial = training_of(CompareParameters(dataset="digits"), next_round(plan_of(CompareParameters(), EXAMPLES), ())[0])
    assert digest_of(trial, "data") == "d6ba8ffcd89a6c68"
    assert digest_of(trial.model_copy(update={"keep_together": "near"}), "data") != "d6ba8ffcd89a6c68"


def test_what_confirms_has_validation_images_of_its_own_and_keeps_what_it_said_of_them() -> None:
    p = CompareParameters(dataset="digits")
    tuning = training_of(p, next_round(plan_of(p, EXAMPLES), ())[0])
    assert (tuning.split_seed, tuning.keep_predictions, tuning.test) == (0, False, False)
    planned = PlannedTrial(round="confirm", optimizer="adam", loss="mse", batch_size=8, learning_rate=0.25, seed=1003)
    confirm = training_of(p, planned)
    assert (confirm.seed, confirm.split_seed, confirm.keep_predictions, confirm.test) == (1003, 1003, True, False)
    assert (confirm.optimizer, confirm.loss, confirm.batch_size, confirm.learning_rate) == ("adam", "mse", 8, 0.25)


def test_an_optimizer_with_an_average_of_its_own_takes_no_other_in_a_comparison() -> None:
    p = CompareParameters(optimizers=("schedule_free_adamw", "adam"), average="ema", schedule="cosine")
    own, adam = (
        training_of(
            p,
            PlannedTrial(round="tune", optimizer=name, loss="mse", batch_size=8, learning_rate=0.25, seed=0),
        )
        for name in p.optimizers
    )
    assert (own.average, own.ema_momentum, own.schedule) == ("none", None, "constant")
    assert (adam.average, adam.ema_momentum, adam.schedule) == ("ema", 0.99, "cosine")
