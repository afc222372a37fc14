"""What follows from trials: which contenders there are, in which order, and what holds for all of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.comparison import Trial
from study.statistics import compare_trials
from tests.support.trials import SEEDS, TARGET, finals, only, trial


def test_a_contender_without_any_result_is_left_out_and_named() -> None:
    failed = [trial(outcome="failed", optimizer="sgd", seed=seed) for seed in SEEDS]
    comparison = compare_trials([*failed, *finals("adam", [0.5, 0.6, 0.7])], TARGET)
    assert only(comparison).label == "adam"
    assert len(comparison.settings) == 2
    assert any("sgd" in caution for caution in comparison.cautions)


def test_contenders_are_ranked_as_learning_rates_are_and_by_name_at_last() -> None:
    trials = [
        *finals("sgd", [0.5, 0.6, 0.7]),
        *finals("nadam", [0.5, 0.6, 0.7], learning_rate=0.1),
        *finals("lion", [0.7, 0.6, 0.5]),
        *finals("adam", [0.1, 0.8, 0.8]),
        *finals("rmsprop", [0.5, 0.6, 0.9]),
    ]
    comparison = compare_trials(trials, TARGET)
    ranked = ["adam", "rmsprop", "lion", "sgd", "nadam"]
    assert [contender.label for contender in comparison.contenders] == ranked
    assert [(pair.first, pair.second) for pair in comparison.pairs] == list(itertools.combinations(ranked, 2))
    sizes = compare_trials([trial(0.5, batch_size=size) for size in (32, 64, 128)], TARGET).contenders
    assert [one.batch_size for one in sizes] == [128, 32, 64]  # by name


@pytest.mark.parametrize(
    ("medians", "at_edge"),
    [([0.5], True), ([0.5, 0.6], True), ([0.5, 0.7, 0.6], False), ([0.7, 0.6, 0.5], True), ([0.5, 0.6, 0.7], True)],
)
def test_the_edge_of_the_learning_rates(medians: list[float], *, at_edge: bool) -> None:
    trials = [trial(median, learning_rate=0.1 * (n + 1)) for n, median in enumerate(medians)]
    assert only(compare_trials(trials, TARGET)).at_edge == at_edge


def test_a_learning_rate_whose_trials_failed_is_still_the_edge() -> None:
    trials = [trial(0.5, learning_rate=0.1), trial(0.6, learning_rate=0.2)]
    failed = trial(outcome="failed", learning_rate=0.3)
    assert not only(compare_trials([*trials, failed], TARGET)).at_edge


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
    named = {(one.loss, one.batch_size): one.label for one in compare_trials(trials, TARGET).contenders}
    assert named["mse", 64] == label
    assert len({*named.values()}) == len(trials)


@pytest.mark.parametrize("trials", [[], [trial(outcome="failed"), trial(outcome="failed", optimizer="sgd")]])
def test_nothing_follows_from_nothing(trials: list[Trial]) -> None:
    comparison = compare_trials(iter(trials), TARGET)
    assert (comparison.contenders, comparison.pairs) == ((), ())
    assert len(comparison.trials) == len(comparison.settings) == len(trials)
    assert comparison.verdict == ("No trial has a result, so nothing follows.",)


def test_trials_and_settings_are_in_order() -> None:
    keys = [*itertools.product(["adam", "sgd"], ["mae", "mse"], [32, 64], [0.01, 0.1], SEEDS)]
    names = ("optimizer", "loss", "batch_size", "learning_rate", "seed")
    comparison = compare_trials([trial(0.5, **dict(zip(names, key, strict=True))) for key in reversed(keys)], TARGET)
    assert [tuple(getattr(one, name) for name in names) for one in comparison.trials] == keys
    settings_keys = [tuple(getattr(one, name) for name in names[:-1]) for one in comparison.settings]
    assert settings_keys == [key[:-1] for key in keys if key[-1] == 0]


ACCURACIES = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 0.92, 1.0]) | st.floats(0, 1), min_size=1, max_size=4)
KEYS = st.tuples(
    *(st.sampled_from(values) for values in (["adam", "sgd"], ["mse", "mae"], [32, 64])),
    st.sampled_from([0.01, 0.1, 0.3]),
    st.integers(0, 3),
)
OUTCOMES = st.sampled_from(["completed", "completed", "completed", "diverged", "failed"])


@st.composite
def some_trials(draw: st.DrawFn) -> list[Trial]:
    names = ("optimizer", "loss", "batch_size", "learning_rate", "seed")
    keys = draw(st.lists(KEYS, max_size=12, unique=True))
    return [trial(*draw(ACCURACIES), outcome=draw(OUTCOMES), **dict(zip(names, key, strict=True))) for key in keys]


@given(some_trials(), st.data())
@settings(max_examples=40)
def test_the_order_of_the_trials_changes_nothing(trials: list[Trial], data: st.DataObject) -> None:
    comparison = compare_trials(trials, TARGET)
    again = compare_trials(data.draw(st.permutations(trials)), TARGET)
    assert again == comparison
    assert again.model_dump_json() == comparison.model_dump_json()


@given(some_trials())
@settings(max_examples=40)
def test_what_holds_for_all_trials(trials: list[Trial]) -> None:
    comparison = compare_trials(trials, TARGET)
    scores = {contender.label: contender.median for contender in comparison.contenders}
    assert [*scores.values()] == sorted(scores.values(), reverse=True)
    for one in comparison.contenders:
        for middle in (one.median, one.interquartile_mean, *(one.interval or ())):
            assert type(middle) is float
            assert min(one.accuracies) <= middle <= max(one.accuracies)
        assert one.best_accuracy >= one.median
        assert 0 <= one.reached <= one.seeds == len(one.accuracies)
        assert one.epochs_to_target >= 1
        assert one.learning_rate in one.learning_rates
        low, high = one.epochs_interval or (one.epochs_to_target,) * 2
        assert 1 <= low <= one.epochs_to_target <= high
        key = (one.optimizer, one.loss, one.batch_size)
        rivals = [other for other in comparison.settings if (other.optimizer, other.loss, other.batch_size) == key]
        assert one.median == max(rival.median for rival in rivals if rival.median is not None)
    for pair in comparison.pairs:
        low, high = pair.interval or (pair.difference,) * 2
        assert low - 1e-9 <= pair.difference <= high + 1e-9
        assert scores[pair.first] >= scores[pair.second]
        assert not (pair.told_apart and low <= 0 <= high)
