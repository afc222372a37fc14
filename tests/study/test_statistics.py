"""What follows from trials, against numbers worked out by hand or over all resamples."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.comparison import Comparison, Contender, Interval, Trial
from study.statistics import compare_trials

TARGET = 0.9
SEEDS = range(3)


def trial(*accuracies: float, **changes: Any) -> Trial:
    """A trial with these validation accuracies by epoch, each of 10 steps and of 2 seconds more than the last."""
    made = {
        "optimizer": "adam",
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.01,
        "seed": 0,
        "outcome": "completed",
        "steps_per_epoch": 10,
        "train_loss": [1.0] * len(accuracies),
        "validation_accuracy": accuracies,
        "epoch_seconds": [2.0 * epoch + 1 for epoch in range(len(accuracies))],
        **changes,
    }
    name = "-".join(str(made[part]) for part in ("optimizer", "loss", "batch_size", "learning_rate", "seed"))
    return Trial(**{"run_id": name, **made})


def finals(optimizer: str, accuracies: Sequence[float], **changes: Any) -> list[Trial]:
    """A trial of one epoch for each final accuracy, with the seeds 0, 1, ..."""
    return [trial(value, **{"optimizer": optimizer, "seed": n, **changes}) for n, value in enumerate(accuracies)]


def reaching(optimizer: str, epochs: Sequence[int], final: float = 0.95, **changes: Any) -> list[Trial]:
    """A trial of six epochs for each epoch that is the first to reach the target; 0 for never."""
    histories = [[0.1] * (first - 1) + [0.95] * (6 - first) + [final] if first else [0.1] * 6 for first in epochs]
    return [trial(*history, **{"optimizer": optimizer, "seed": n, **changes}) for n, history in enumerate(histories)]


def only(comparison: Comparison) -> Contender:
    (contender,) = comparison.contenders
    return contender


def exact(statistic: Callable[[Sequence[Any]], float], values: Sequence[Any]) -> Interval:
    """The ends of the middle 95 % of the statistic over all equally likely resamples."""
    every = sorted(statistic(drawn) for drawn in itertools.product(values, repeat=len(values)))
    low, high = np.percentile(every, [2.5, 97.5], method="inverted_cdf")
    return float(low), float(high)


def test_a_trial_counts_with_its_last_epoch_and_its_best_one_is_told_too() -> None:
    contender = only(compare_trials([trial(0.2, 0.8, 0.7), trial(0.5, 0.4, seed=1)], TARGET))
    assert contender.accuracies == (0.7, 0.4)
    assert contender.median == pytest.approx(0.55)
    assert contender.best_accuracy == pytest.approx(0.65)


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end() -> None:
    contender = only(compare_trials(finals("adam", [0.9, 0.1, 0.5, 0.6]), TARGET))
    assert contender.interquartile_mean == pytest.approx(0.55)
    assert contender.median == pytest.approx(0.55)
    wide = only(compare_trials(finals("adam", [0.0, 0.1, 0.4, 0.5, 0.6, 0.9, 0.95, 1.0]), TARGET))
    assert wide.interquartile_mean == pytest.approx((0.4 + 0.5 + 0.6 + 0.9) / 4)


@pytest.mark.parametrize("accuracies", [[0.7, 0.8, 0.93], [0.5, 0.6, 0.8, 0.9, 0.95]])
def test_the_interval_is_that_of_all_resamples(accuracies: list[float]) -> None:
    def trimmed(drawn: Sequence[float]) -> float:
        cut = len(drawn) // 4
        return statistics.fmean(sorted(drawn)[cut : len(drawn) - cut])

    contender = only(compare_trials(finals("adam", accuracies), TARGET))
    assert contender.interval == pytest.approx(exact(trimmed, accuracies), abs=0.01)


def test_first_epoch_at_the_target_with_its_steps_and_seconds() -> None:
    contender = only(compare_trials([trial(0.1, 0.9, 0.2, 0.95)], TARGET))
    assert (contender.epochs_to_target, contender.steps_to_target, contender.seconds_to_target) == (2, 20, 1 + 3)
    assert (contender.reached, contender.epochs_interval) == (1, None)


@pytest.mark.parametrize(
    ("epochs", "median", "reached"),
    [
        ([2, 4, 0], 4, 2),
        ([2, 0, 0], math.inf, 1),
        ([2, 4], 3, 2),
        ([2, 0], math.inf, 1),
        ([0, 0], math.inf, 0),
        ([2, 4, 0, 0], math.inf, 2),
        ([2, 4, 6, 0], 5, 3),
    ],
)
def test_a_miss_stays_infinite_through_the_median(epochs: list[int], median: float, reached: int) -> None:
    contender = only(compare_trials(reaching("adam", epochs), TARGET))
    assert (contender.epochs_to_target, contender.reached) == (median, reached)
    assert contender.steps_to_target == 10 * median
    seconds = [first**2 if first else math.inf for first in epochs]  # 1 + 3 + 5 + ...
    assert contender.seconds_to_target == statistics.median(seconds)
    assert contender.epochs_interval is not None
    assert not any(math.isnan(end) for end in contender.epochs_interval)


@pytest.mark.parametrize(
    ("epochs", "interval"),
    [
        ([2, 4, 6], (2, 6)),  # 7 of the 27 resamples have the median 2
        ([2, 4, 0], (2, math.inf)),
        ([2, 0], (2, math.inf)),
        ([0, 0, 0], (math.inf, math.inf)),
        ([3, 3, 3], (3, 3)),
        ([1] * 9 + [6], (1, 1)),
    ],
)
def test_the_interval_of_the_epochs(epochs: list[int], interval: Interval) -> None:
    assert only(compare_trials(reaching("adam", epochs), TARGET)).epochs_interval == interval


def test_the_interval_of_the_epochs_is_that_of_all_resamples() -> None:
    epochs = [1, 2, 3, 5, 6]
    found = only(compare_trials(reaching("adam", epochs), TARGET)).epochs_interval
    assert found == exact(statistics.median, epochs)


@pytest.mark.parametrize("accuracies", [[0.1] * 3, [1 / 3] * 7, [0.0, 0.0], [0.9861] * 12])
def test_equal_values_have_an_interval_of_no_width(accuracies: list[float]) -> None:
    lower = [value / 2 for value in accuracies]
    comparison = compare_trials([*finals("adam", accuracies), *finals("sgd", lower)], TARGET)
    for contender, values in zip(comparison.contenders, (accuracies, lower), strict=True):
        assert contender.interquartile_mean == contender.median == values[0]
        assert contender.interval == (values[0], values[0])
    (pair,) = comparison.pairs
    assert pair.interval == (pair.difference, pair.difference) == pytest.approx((lower[0], lower[0]))
    assert pair.told_apart == (lower[0] > 0)


def test_a_diverged_trial_counts_as_nothing_right_and_as_a_miss() -> None:
    diverged = trial(0.95, seed=2, outcome="diverged", reason="loss is nan in epoch 2")
    comparison = compare_trials([*finals("adam", [0.92, 0.94]), diverged], TARGET)
    contender = only(comparison)
    assert contender.accuracies == comparison.settings[0].accuracies == (0.92, 0.94, 0.0)
    assert contender.median == comparison.settings[0].median == 0.92
    assert (contender.seeds, contender.diverged, contender.failed, contender.reached) == (3, 1, 0, 2)
    alone = only(compare_trials([diverged], TARGET))
    assert (alone.median, alone.best_accuracy, alone.epochs_to_target) == (0, 0, math.inf)


def test_a_failed_trial_says_nothing() -> None:
    failed = trial(0.1, seed=2, outcome="failed", reason="no space left")
    comparison = compare_trials([*finals("adam", [0.92, 0.94]), failed], TARGET)
    contender, without = only(comparison), only(compare_trials(finals("adam", [0.92, 0.94]), TARGET))
    assert contender == without.model_copy(update={"failed": 1})
    assert (comparison.settings[0].accuracies, comparison.settings[0].failed) == ((0.92, 0.94), 1)
    assert len(comparison.trials) == 3


def test_a_setting_whose_trials_all_failed_was_tried_but_cannot_be_the_best() -> None:
    failed = [trial(0.99, learning_rate=0.1, seed=seed, outcome="failed") for seed in SEEDS]
    comparison = compare_trials([*failed, *finals("adam", [0.5, 0.6, 0.7], learning_rate=0.01)], TARGET)
    assert [setting.median for setting in comparison.settings] == [0.6, None]
    assert comparison.settings[1].accuracies == ()
    contender = only(comparison)
    assert (contender.learning_rate, contender.learning_rates, contender.failed) == (0.01, (0.01, 0.1), 3)


def test_a_contender_without_any_result_is_left_out_and_named() -> None:
    failed = [trial(outcome="failed", optimizer="sgd", seed=seed) for seed in SEEDS]
    comparison = compare_trials([*failed, *finals("adam", [0.5, 0.6, 0.7])], TARGET)
    assert only(comparison).label == "adam"
    assert len(comparison.settings) == 2
    assert any("sgd" in caution for caution in comparison.cautions)


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (finals("adam", [0.1, 0.6, 0.6]), finals("adam", [0.5, 0.5, 0.9], learning_rate=0.001)),  # the median
        (finals("adam", [0.5, 0.6, 0.9]), finals("adam", [0.5, 0.6, 0.8], learning_rate=0.001)),  # then the mean
        (reaching("adam", [2, 3, 4]), reaching("adam", [4, 4, 4], learning_rate=0.001)),  # then the epochs
        (reaching("adam", [4, 4]), reaching("adam", [1, 0], learning_rate=0.001)),
        (
            finals("adam", [0.3, 0.8, 0.5, 0.1, 0.3, 0.7, 0.3]),  # in this order they add up to less than in the other
            finals("adam", [0.8, 0.3, 0.7, 0.3, 0.3, 0.5, 0.1], learning_rate=0.1),  # then the rate
        ),
    ],
)
def test_the_best_learning_rate(best: list[Trial], other: list[Trial]) -> None:
    assert only(compare_trials([*other, *best], TARGET)).learning_rate == 0.01


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


def test_a_pair_seed_by_seed() -> None:
    first, second = [0.9, 0.8, 0.7, 0.85, 0.95], [0.7, 0.8, 0.75, 0.6, 0.65]
    (pair,) = compare_trials([*finals("sgd", second), *finals("adam", first)], TARGET).pairs
    assert (pair.first, pair.second, pair.seeds) == ("adam", "sgd", 5)
    assert pair.probability == (3 + 0.5) / 5
    # Differences of 0.2, 0, -0.05, 0.25 and 0.3: squared deviations add up to 0.097; t(0.975, 4) = 2.776445.
    reach = 2.776445 * math.sqrt(0.097 / 4 / 5)
    assert pair.difference == pytest.approx(0.14)
    assert pair.interval == pytest.approx((0.14 - reach, 0.14 + reach), abs=1e-6)
    assert not pair.told_apart


@pytest.mark.parametrize(
    ("second", "told_apart"),
    [([0.7, 0.75, 0.8], True), ([0.7, 0.9, 0.8], False), ([0.9, 0.75, 0.8], False), ([0.9, 0.9, 0.9], False)],
)
def test_told_apart_if_the_interval_leaves_out_nothing(second: list[float], *, told_apart: bool) -> None:
    (pair,) = compare_trials([*finals("adam", [0.9] * 3), *finals("sgd", second)], TARGET).pairs
    assert pair.told_apart == told_apart


def test_the_better_median_may_be_told_apart_as_the_worse_on_average() -> None:
    trials = [*finals("adam", [0.9] * 5 + [0.0] * 4), *finals("sgd", [0.89] * 9)]
    comparison = compare_trials(trials, TARGET)
    (pair,) = comparison.pairs
    assert (pair.first, pair.probability, pair.told_apart) == ("adam", 5 / 9, True)
    assert pair.difference == pytest.approx((5 * 0.01 - 4 * 0.89) / 9, abs=1e-9)
    # Deviations of 0.4, five times, and of -0.5, four times; t(0.975, 8) = 2.306004.
    assert pair.interval is not None
    assert pair.interval[1] == pytest.approx(-0.39 + 2.306004 * math.sqrt(1.8 / 8 / 9), abs=1e-6)


def test_rounding_tells_nobody_apart() -> None:
    # Differences of 0.1, 0.2 and -0.3 add up to nothing, in floating point to 8e-17; resampled as well.
    (pair,) = compare_trials([*finals("adam", [0.9, 0.9, 0.5]), *finals("sgd", [0.8, 0.7, 0.8])], TARGET).pairs
    assert str(pair.difference) == "0.0"
    # One unit in the last place on every seed: not even an interval of no width leaves out 0.
    (pair,) = compare_trials([*finals("adam", [0.1 + 0.2] * 3), *finals("sgd", [0.3] * 3)], TARGET).pairs
    assert (pair.interval, pair.told_apart) == ((0.0, 0.0), False)


def test_a_pair_is_compared_on_the_seeds_that_both_have() -> None:
    first = [trial(value, seed=seed) for seed, value in ((1, 0.9), (2, 0.8), (5, 0.1), (6, 0.9))]
    second = [trial(value, seed=seed, optimizer="sgd") for seed, value in ((2, 0.5), (3, 0.1), (5, 0.4), (7, 0.1))]
    failed = trial(outcome="failed", seed=6, optimizer="sgd")
    (pair,) = compare_trials([*first, *second, failed], TARGET).pairs
    assert (pair.seeds, pair.probability) == (2, 0.5)
    assert pair.difference == pytest.approx((0.3 - 0.3) / 2)
    assert pair.interval == pytest.approx((-0.3 * 12.70620, 0.3 * 12.70620), abs=1e-5)


def test_contenders_without_a_common_seed_make_no_pair() -> None:
    trials = [trial(0.9), trial(0.8, optimizer="sgd", seed=1), trial(0.7, optimizer="lion", seed=1)]
    comparison = compare_trials(trials, TARGET)
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [("sgd", "lion")]
    assert {"adam and sgd have no seed in common.", "adam and lion have no seed in common."} < {*comparison.cautions}


def test_how_much_faster_where_all_reached_the_target() -> None:
    trials = [*reaching("adam", [1, 2, 3], final=0.99), *reaching("sgd", [2, 6, 3])]
    (pair,) = compare_trials(trials, TARGET).pairs
    assert pair.epochs_ratio == 2 / 3
    ratio = exact(
        lambda drawn: statistics.median(a for a, _ in drawn) / statistics.median(b for _, b in drawn),
        [(1, 2), (2, 6), (3, 3)],  # seed by seed; drawn apart, the interval would go from 1/6 to 3/2
    )
    assert pair.epochs_ratio_interval == pytest.approx(ratio) == (1 / 3, 1)


def test_no_ratio_where_a_seed_missed_the_target() -> None:
    for adam, sgd in (([1, 2, 3], [1, 2, 0]), ([1, 2, 3], [0, 0, 0]), ([1, 2, 0], [1, 2, 3])):
        (pair,) = compare_trials([*reaching("adam", adam, final=0.99), *reaching("sgd", sgd)], TARGET).pairs
        assert (pair.first, pair.epochs_ratio, pair.epochs_ratio_interval) == ("adam", None, None)


def test_a_miss_on_a_seed_that_is_not_shared_leaves_the_ratio() -> None:
    sgd = [one for one in reaching("sgd", [4, 4, 0]) if one.seed < 2]
    (pair,) = compare_trials([*reaching("adam", [1, 1, 0], 0.99), *sgd], TARGET).pairs
    assert (pair.seeds, pair.epochs_ratio, pair.epochs_ratio_interval) == (2, 0.25, (0.25, 0.25))


def test_a_single_seed_has_no_interval_and_tells_nobody_apart() -> None:
    comparison = compare_trials([trial(0.99), trial(0.91, optimizer="sgd")], TARGET)
    assert [(one.interval, one.epochs_interval) for one in comparison.contenders] == [(None, None)] * 2
    (pair,) = comparison.pairs
    assert (pair.seeds, pair.probability, pair.interval, pair.told_apart) == (1, 1.0, None, False)
    assert (pair.epochs_ratio, pair.epochs_ratio_interval) == (1.0, None)
    assert pair.difference == pytest.approx(0.08)


def test_one_contender_makes_no_pair() -> None:
    assert compare_trials(finals("adam", [0.5, 0.6]), TARGET).pairs == ()


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


def test_resampling_is_the_same_every_time() -> None:
    epochs = {"adam": [n * n % 199 for n in range(1, 31)], "sgd": [n * n % 211 for n in range(1, 31)]}
    trials = [
        trial(*[0.1] * first, 0.95 - first / 1e6, optimizer=name, seed=seed)
        for name, firsts in epochs.items()
        for seed, first in enumerate(firsts)
    ]
    comparison = compare_trials(trials, TARGET)
    assert comparison.pairs[0].epochs_ratio_interval is not None
    assert {compare_trials(trials, TARGET).model_dump_json() for _ in range(5)} == {comparison.model_dump_json()}


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


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
@settings(max_examples=40)
def test_what_one_wins_the_other_loses(scores: list[tuple[int, int]]) -> None:
    by_name = {"adam": [one / 9 for one, _ in scores], "sgd": [other / 9 for _, other in scores]}
    (pair,) = compare_trials([*finals("adam", by_name["adam"]), *finals("sgd", by_name["sgd"])], TARGET).pairs
    lost = zip(by_name[pair.first], by_name[pair.second], strict=True)
    shares = [1.0 if second > first else 0.5 if second == first else 0.0 for first, second in lost]
    assert pair.probability + statistics.fmean(shares) == pytest.approx(1)
