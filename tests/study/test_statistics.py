"""What follows from trials: which contenders there are, in which order, and what holds for all of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.comparison import Trial
from study.statistics import compare_trials
from tests.support.trials import SEEDS, compared, confirms, contender_plan, finals, only, plan_for, plan_of, trial


def test_a_contender_without_any_result_is_left_out_and_named() -> None:
    failed = [trial(outcome="failed", optimizer="sgd", seed=seed) for seed in SEEDS]
    comparison = compared([*failed, *finals("adam", [0.5, 0.6, 0.7])])
    assert only(comparison).label == "adam"
    assert len(comparison.settings) == 2
    assert any("sgd" in caution for caution in comparison.cautions)


def test_contenders_are_in_the_order_of_tuning_and_by_name_at_last() -> None:
    trials = [
        *finals("sgd", [0.5, 0.6, 0.7]),
        *finals("nadam", [0.5, 0.6, 0.7], learning_rate=0.1),
        *finals("lion", [0.7, 0.6, 0.5]),
        *finals("adam", [0.1, 0.8, 0.8]),
        *finals("rmsprop", [0.5, 0.6, 0.9]),
    ]
    comparison = compared(trials)
    ranked = ["adam", "rmsprop", "lion", "sgd", "nadam"]
    assert [contender.label for contender in comparison.contenders] == ranked
    assert [comparison.answer.leader, *(rival.label for rival in comparison.answer.rivals)] == ranked
    sizes = compared([trial(0.5, batch_size=size) for size in (32, 64, 128)]).contenders
    assert [one.batch_size for one in sizes] == [32, 64, 128]


def test_the_numbers_of_a_contender_are_from_confirm_trials_where_there_are_any() -> None:
    trials = [*finals("adam", [0.9, 0.8]), *confirms("adam", [0.5, 0.6, 0.7]), *finals("sgd", [0.4, 0.2])]
    adam, sgd = (comparison := compared(trials)).contenders
    assert (adam.confirmed, adam.seeds, adam.scores, adam.median) == (True, 3, (0.5, 0.6, 0.7), 0.6)
    assert (sgd.confirmed, sgd.seeds, sgd.scores) == (False, 2, (0.4, 0.2))
    assert [one.seed for one in comparison.chosen_trials(adam)] == [1000, 1001, 1002]
    assert [one.seed for one in comparison.chosen_trials(sgd)] == [0, 1]


def test_confirm_trials_choose_nothing() -> None:
    trials = [*finals("adam", [0.9]), *finals("sgd", [0.8]), *confirms("adam", [0.1] * 5), *confirms("sgd", [0.7] * 5)]
    comparison = compared(trials)
    assert [one.label for one in comparison.contenders] == ["adam", "sgd"]
    assert (comparison.answer.leader, comparison.answer.take) == ("adam", "sgd")
    assert comparison.answer.rivals[0].judgement == "better"


def test_rates_that_were_added_are_marked_and_confirm_seeds_stand_by_the_best() -> None:
    adam = contender_plan("adam", 0.01, 0.1, above=(1.0, 10.0))
    trials = [
        *(trial(accuracy, learning_rate=rate) for rate, accuracy in ((0.01, 0.3), (0.1, 0.4), (1.0, 0.6), (10.0, 0.5))),
        *confirms("adam", [0.7, 0.8], learning_rate=1.0),
        *confirms("adam", [0.1], learning_rate=0.1),  # from a study with fewer rates
    ]
    comparison = compare_trials(plan_of(adam, seeds=1), trials)
    told = [(one.learning_rate, one.added, one.scores, one.confirm_scores) for one in comparison.settings]
    assert told == [
        (0.01, False, (0.3,), ()),
        (0.1, False, (0.4,), ()),
        (1.0, True, (0.6,), (0.7, 0.8)),
        (10.0, True, (0.5,), ()),
    ]
    (contender,) = comparison.contenders
    assert (contender.learning_rate, contender.learning_rates) == (1.0, (0.01, 0.1, 1.0, 10.0))
    assert not contender.at_edge


@pytest.mark.parametrize(
    ("medians", "at_edge"),
    [([0.5], False), ([0.5, 0.6], True), ([0.5, 0.7, 0.6], False), ([0.7, 0.6, 0.5], True), ([0.5, 0.6, 0.7], True)],
)
def test_the_edge_of_the_learning_rates(medians: list[float], *, at_edge: bool) -> None:
    trials = [trial(median, learning_rate=0.1 * (n + 1)) for n, median in enumerate(medians)]
    assert only(compared(trials)).at_edge == at_edge


def test_a_learning_rate_whose_trials_failed_is_still_the_edge() -> None:
    trials = [trial(0.5, learning_rate=0.1), trial(0.6, learning_rate=0.2)]
    failed = trial(outcome="failed", learning_rate=0.3)
    assert not only(compared([*trials, failed])).at_edge


@pytest.mark.parametrize(
    ("losses", "batch_sizes", "label"),
    [
        (["mse"], [64], "adam"),
        (["mse", "mae"], [64], "adam mse"),
        (["mse"], [32, 64], "adam batch_size=64"),
        (["mae", "mse"], [32, 64], "adam mse batch_size=64"),
    ],
)
def test_a_label_says_what_was_varied(losses: list[str], batch_sizes: list[int], label: str) -> None:
    trials = [trial(0.5, loss=loss, batch_size=size) for loss, size in itertools.product(losses, batch_sizes)]
    named = {(one.loss, one.batch_size): one.label for one in compared(trials).contenders}
    assert named["mse", 64] == label
    assert len({*named.values()}) == len(trials)


@pytest.mark.parametrize("trials", [[], [trial(outcome="failed"), trial(outcome="failed", optimizer="sgd")]])
def test_nothing_follows_from_nothing(trials: list[Trial]) -> None:
    comparison = compared(iter(trials))
    assert (comparison.contenders, comparison.answer.rivals, comparison.answer.take) == ((), (), None)
    assert len(comparison.trials) == len(comparison.settings) == len(trials)
    assert comparison.verdict == ("No trial has a result, so nothing follows.",)


def test_trials_and_settings_are_in_order() -> None:
    keys = [*itertools.product(["adam", "sgd"], ["mae", "mse"], [32, 64], [0.01, 0.1], SEEDS)]
    names = ("optimizer", "loss", "batch_size", "learning_rate", "seed")
    comparison = compared([trial(0.5, **dict(zip(names, key, strict=True))) for key in reversed(keys)])
    assert [tuple(getattr(one, name) for name in names) for one in comparison.trials] == keys
    settings_keys = [tuple(getattr(one, name) for name in names[:-1]) for one in comparison.settings]
    assert settings_keys == [key[:-1] for key in keys if key[-1] == 0]


ACCURACIES = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 0.92, 1.0]) | st.floats(0, 1), min_size=1, max_size=4)
KEYS = st.tuples(
    *(st.sampled_from(values) for values in (["adam", "sgd"], ["mse", "mae"], [32, 64])),
    st.sampled_from([0.01, 0.1, 0.3]),
    st.sampled_from([0, 1, 1000, 1001, 1002]),
)
OUTCOMES = st.sampled_from(["completed", "completed", "completed", "diverged", "failed"])


@st.composite
def some_trials(draw: st.DrawFn) -> list[Trial]:
    names = ("optimizer", "loss", "batch_size", "learning_rate", "seed")
    keys = draw(st.lists(KEYS, max_size=16, unique=True))
    return [trial(*draw(ACCURACIES), outcome=draw(OUTCOMES), **dict(zip(names, key, strict=True))) for key in keys]


@given(some_trials(), st.data())
@settings(max_examples=40)
def test_the_order_of_the_trials_changes_nothing(trials: list[Trial], data: st.DataObject) -> None:
    plan = plan_for(trials, looks=(2, 3))
    comparison = compare_trials(plan, trials)
    again = compare_trials(plan, data.draw(st.permutations(trials)))
    assert again == comparison
    assert again.model_dump_json() == comparison.model_dump_json()


@given(some_trials())
@settings(max_examples=40)
def test_what_holds_for_all_trials(trials: list[Trial]) -> None:
    comparison = compared(trials, looks=(2, 3))
    for one in comparison.contenders:
        for middle in (one.median, one.interquartile_mean, *(one.interval or ())):
            assert type(middle) is float
            assert min(one.scores) <= middle <= max(one.scores)
        assert one.best_score >= one.median
        assert 0 <= one.reached <= one.seeds == len(one.scores)
        assert one.epochs_to_target >= 1
        assert one.learning_rate in one.learning_rates
        low, high = one.epochs_interval or (one.epochs_to_target,) * 2
        assert 1 <= low <= one.epochs_to_target <= high
    answer = comparison.answer
    assert answer.take in {None, *(one.label for one in comparison.contenders)}
    for rival in answer.rivals:
        low, high = rival.interval or (-1.0, 1.0)
        assert low <= (rival.difference or 0.0) <= high
        assert (rival.judgement == "worse") <= (high < 0)
        assert (rival.judgement == "better") <= (low > 0)
        assert (rival.judgement == "as good") <= (-answer.margin <= low <= high <= answer.margin)
    if answer.costs_at_most is not None:
        assert "undecided" in {rival.judgement for rival in answer.rivals}
        assert answer.costs_at_most >= 0
