"""Two contenders seed by seed, against numbers worked out by hand."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.statistics import compare_trials
from tests.support.trials import TARGET, exact, finals, reaching, trial


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


def test_one_contender_makes_no_pair() -> None:
    assert compare_trials(finals("adam", [0.5, 0.6]), TARGET).pairs == ()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
@settings(max_examples=40)
def test_what_one_wins_the_other_loses(scores: list[tuple[int, int]]) -> None:
    by_name = {"adam": [one / 9 for one, _ in scores], "sgd": [other / 9 for _, other in scores]}
    (pair,) = compare_trials([*finals("adam", by_name["adam"]), *finals("sgd", by_name["sgd"])], TARGET).pairs
    lost = zip(by_name[pair.first], by_name[pair.second], strict=True)
    shares = [1.0 if second > first else 0.5 if second == first else 0.0 for first, second in lost]
    assert pair.probability + statistics.fmean(shares) == pytest.approx(1)
