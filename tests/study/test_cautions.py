"""The words warn of what the numbers do not show, and of nothing else."""

from __future__ import annotations

import pytest

from study.cautions import cautions
from tests.support.contenders import contender, pair, setting, warned


def test_no_caution_without_need() -> None:
    assert warned(contender(), contender("sgd"), pairs=(pair(),)) == ()


def test_one_contender() -> None:
    assert warned(contender()) == ("There is no contender but adam: it is compared with none.",)


def test_few_seeds() -> None:
    both = (contender(seeds=3), contender("sgd", seeds=4))
    assert warned(*both, pairs=(pair(),)) == (
        ("Intervals of medians and interquartile means from 3 or 4 seeds are rough, and too narrow on average."),
    )
    (_, rough) = warned(contender(seeds=4))
    assert rough == "Intervals of medians and interquartile means from 4 seeds are rough, and too narrow on average."


def test_a_single_seed() -> None:
    both = (contender(seeds=1), contender("sgd"))
    assert warned(*both, pairs=(pair(),)) == (
        "Only one seed of adam has a result: no interval, and nothing to tell apart by; run more seeds.",
    )


@pytest.mark.parametrize(
    ("rate", "where", "further"), [(0.03, "smallest", "below 0.03"), (0.3, "largest", "above 0.3")]
)
def test_the_edge_of_the_range_and_which_way_to_widen_it(rate: float, where: str, further: str) -> None:
    sgd = contender("sgd", learning_rates=(0.03, 0.1, 0.3), learning_rate=rate, at_edge=True)
    assert warned(contender(), sgd, pairs=(pair(),)) == (
        (
            f"sgd is best with the {where} of its learning rates, {rate} of 0.03 to 0.3: "
            f"the answer for sgd is not to be trusted until the range is wider; try {further}."
        ),
    )


def test_one_learning_rate() -> None:
    one = {"learning_rates": (0.001,), "at_edge": True}
    pairs = (pair(), pair(second="lion"), pair("sgd", "lion"))
    assert warned(contender(**one), contender("sgd", **one), contender("lion", **one), pairs=pairs) == (
        (
            "Only one learning rate was tried with adam, sgd and lion: "
            "the ranking is of these settings, not of optimizers."
        ),
    )


def test_diverged_trials_matter_at_the_best_learning_rate_only() -> None:
    ranked = [contender(diverged=3), contender("sgd", diverged=1)]
    settings = [
        setting(ranked[0], diverged=2),
        setting(ranked[0], diverged=1, learning_rate=0.01),
        setting(ranked[1], diverged=0),
        setting(ranked[1], diverged=1, learning_rate=0.01),
    ]
    assert cautions(ranked, [pair()], settings, [])[0] == (
        "Diverged at the best learning rate, and counted as accuracy 0: 2 of 5 trials of adam."
    )


def test_failed_trials() -> None:
    assert warned(contender(failed=2), contender("sgd"), contender("lion", failed=1), pairs=(pair(),))[0] == (
        "Failed trials, which count for nothing: 2 of adam, 1 of lion."
    )
    assert warned(contender(), contender("sgd"), pairs=(pair(),), left_out=("lion", "nadam")) == (
        "Nothing is known of lion and nadam: every trial failed.",
    )


def test_contenders_that_could_not_be_paired() -> None:
    ranked = (contender(), contender("sgd"), contender("lion"))
    assert warned(*ranked, pairs=(pair(), pair("sgd", "lion"))) == ("adam and lion have no seed in common.",)


def test_choosing_and_ranking_by_the_same_seeds_flatters() -> None:
    wide, narrow = contender(), contender("sgd", learning_rates=(0.001, 0.01), at_edge=False)
    flattered = "Each best learning rate was chosen on the seeds that it is ranked by, which flatters it"
    assert cautions([wide, wide], [pair("adam", "adam")], [setting(wide)], []) == (f"{flattered}.",)
    both = cautions([wide, narrow], [pair()], [setting(wide), setting(narrow)], [])
    assert both == (f"{flattered}, most of all where more learning rates were tried.",)
