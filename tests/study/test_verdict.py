"""The words say what the numbers say, and no more."""

from __future__ import annotations

import math
from typing import Any

import pytest

from study.comparison import Contender, Pair, Setting, Trial
from study.statistics import compare_trials
from study.verdict import cautions, verdict


def contender(label: str = "adam", **changes: Any) -> Contender:
    """A contender of five seeds, without anything to be cautious about."""
    made = {
        "label": label,
        "optimizer": label,
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.001,
        "learning_rates": (0.0001, 0.001, 0.01),
        "at_edge": False,
        "seeds": 5,
        "accuracies": (0.98, 0.985, 0.9861, 0.987, 0.988),
        "median": 0.9861,
        "interquartile_mean": 0.98603,
        "interval": (0.9833, 0.98767),
        "best_accuracy": 0.99,
        "reached": 5,
        "epochs_to_target": 4.0,
        "epochs_interval": (3.0, 5.5),
        "steps_to_target": 40.0,
        "seconds_to_target": 8.0,
        "diverged": 0,
        "failed": 0,
    }
    return Contender(**{**made, **changes})


def pair(first: str = "adam", second: str = "sgd", **changes: Any) -> Pair:
    """A pair of five seeds that cannot be told apart."""
    made = {
        "first": first,
        "second": second,
        "seeds": 5,
        "probability": 0.6,
        "difference": 0.0004,
        "interval": (-0.001, 0.0021),
        "told_apart": False,
        "epochs_ratio": None,
        "epochs_ratio_interval": None,
    }
    return Pair(**{**made, **changes})


def setting(one: Contender, **changes: Any) -> Setting:
    names = ("optimizer", "loss", "batch_size", "learning_rate", "accuracies", "median", "diverged", "failed")
    return Setting(**{**{name: getattr(one, name) for name in names}, **changes})


def warned(*contenders: Contender, pairs: tuple[Pair, ...] = (), left_out: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The cautions, less the one that is always there where several learning rates were tried."""
    said = cautions(contenders, pairs, [setting(one) for one in contenders], left_out)
    return tuple(sentence for sentence in said if not sentence.startswith("Each best learning rate"))


def test_the_best_and_how_sure_that_is() -> None:
    assert verdict([contender(epochs_to_target=math.inf)], [], 0.98) == (
        (
            "Best: adam with learning rate 0.001: median final validation accuracy 0.9861 over 5 seeds, "
            "interquartile mean 0.9860 [0.9833, 0.9877]."
        ),
    )


def test_the_best_of_one_seed() -> None:
    single = contender(seeds=1, accuracies=(0.9861,), interval=None, epochs_interval=None, reached=1)
    assert verdict([single], [], 0.98) == (
        "Best: adam with learning rate 0.001: final validation accuracy 0.9861 with 1 seed.",
        "adam reaches 98 % in 4 epochs.",
    )


APART = {"told_apart": True, "difference": 0.03123, "interval": (0.0281, 0.035)}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {**APART, "probability": 1.0},
            "adam beats sgd on every one of 5 seeds, by 0.0312 [0.0281, 0.0350] in final validation accuracy.",
        ),
        (
            {**APART, "probability": 0.9},
            (
                "adam beats sgd on average over 5 seeds, by 0.0312 [0.0281, 0.0350] in final validation accuracy "
                "(on 90 % of them, ties as half)."
            ),
        ),
        (
            {"told_apart": True, "difference": -0.39, "interval": (-0.6, -0.1)},
            (
                "adam has a higher median than sgd, but is worse by 0.3900 on average over these 5 seeds: "
                "neither is clearly better."
            ),
        ),
        ({}, "adam and sgd cannot be told apart with 5 seeds: the difference is 0.0004 [-0.0010, 0.0021]."),
        (
            {"difference": -0.00001, "interval": (-0.00002, 0.0)},
            "adam and sgd cannot be told apart with 5 seeds: the difference is 0.0000 [0.0000, 0.0000].",
        ),
        (
            {"seeds": 1, "difference": 0.02, "interval": None, "probability": 1.0},
            "adam and sgd cannot be told apart with 1 seed: the difference is 0.0200.",
        ),
    ],
)
def test_the_best_against_another(changes: dict[str, Any], sentence: str) -> None:
    assert verdict([contender(), contender("sgd")], [pair(**changes)], 0.98)[1] == sentence


def others(*pairs: Pair) -> list[str]:
    ranked = [contender(), *(contender(name) for name in ("sgd", "lion", "nadam", "adamw", "adagrad"))]
    said = verdict(ranked, [pair(), *pairs], 0.98)
    return [sentence for sentence in said if "told apart" in sentence and not sentence.startswith("adam and")]


def test_which_others_cannot_be_told_apart() -> None:
    assert others() == []
    assert others(pair("sgd", "lion", told_apart=True)) == []
    assert others(pair("sgd", "lion")) == ["sgd and lion cannot be told apart with 5 seeds."]
    assert others(pair("sgd", "lion"), pair("sgd", "nadam", seeds=3), pair("lion", "nadam", told_apart=True)) == [
        "Among the others, these cannot be told apart with 3 to 5 seeds: sgd and lion; sgd and nadam."
    ]
    assert others(*[pair("sgd", "lion")] * 7) == ["Among the others, 7 pairs cannot be told apart with 5 seeds."]


@pytest.mark.parametrize(
    ("target", "percent"),
    [(0.98, "98 %"), (0.985, "98.5 %"), (0.29, "29 %"), (0.9, "90 %"), (0.9999999, "99.99999 %")],
)
def test_the_target_has_no_needless_digits(target: float, percent: str) -> None:
    assert verdict([contender()], [], target)[1] == f"adam reaches {percent} in a median of 4 epochs [3, 5.5]."


def test_how_much_faster_than_whom() -> None:
    pairs = [
        pair(epochs_ratio=0.6, epochs_ratio_interval=(0.5, 2 / 3)),
        pair(second="lion", epochs_ratio=12.0, epochs_ratio_interval=None),
        pair(second="nadam"),
        pair("sgd", "lion", epochs_ratio=7.0, told_apart=True),
    ]
    ranked = [contender(epochs_interval=(1.0, math.inf), epochs_to_target=1.0), *map(contender, ("sgd", "lion"))]
    assert verdict(ranked, pairs, 0.98)[-1] == (
        "adam reaches 98 % in a median of 1 epoch [1, never]: "
        "0.6 times the epochs of sgd [0.5, 0.67], 12 times the epochs of lion."
    )


def test_who_misses_the_target() -> None:
    ranked = [contender(), contender("sgd", reached=1), contender("lion", reached=0, seeds=4)]
    assert verdict(ranked, [], 0.98)[-1] == "Not every seed reaches 98 %: sgd 1 of 5, lion 0 of 4."
    missed = {"reached": 0, "epochs_to_target": math.inf}
    said = verdict([contender(**missed), contender("sgd", **missed)], [], 0.985)
    assert said[1:] == ("No contender reaches 98.5 %.",)
    assert not any("reaches" in sentence for sentence in verdict([contender("sgd")], [], 0.98)[2:])


def test_nothing_to_say() -> None:
    assert verdict([], [], 0.98) == ("No trial has a result, so nothing follows.",)
    assert warned() == ("There is no contender: nothing is compared.",)
    useless = contender(median=0.0, reached=0)
    assert verdict([useless, contender("sgd", median=0.0)], [pair()], 0.98) == (
        "Nothing is best: no setting has a median final validation accuracy above 0.",
    )


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


def test_a_comparison_is_told_in_these_words() -> None:
    trials = [
        Trial(
            run_id=f"{optimizer}-{rate}-{seed}",
            optimizer=optimizer,
            loss="mse",
            batch_size=32,
            learning_rate=rate,
            seed=seed,
            outcome="failed" if (optimizer, rate, seed) == ("sgd", 0.1, 4) else "completed",
            steps_per_epoch=10,
            train_loss=(1.0, 0.5),
            validation_accuracy=(0.5, final),
            epoch_seconds=(2.0, 1.0),
        )
        for optimizer, rate, final in (("sgd", 0.1, 0.75), ("sgd", 0.01, 0.5), ("adam", 0.1, 0.25), ("adam", 0.2, 1.0))
        for seed in range(5)
    ]
    comparison = compare_trials(trials, 0.98)
    assert comparison.verdict == (
        (
            "Best: adam with learning rate 0.2: median final validation accuracy 1.0000 over 5 seeds, "
            "interquartile mean 1.0000 [1.0000, 1.0000]."
        ),
        "adam beats sgd on every one of 4 seeds, by 0.2500 [0.2500, 0.2500] in final validation accuracy.",
        "adam reaches 98 % in a median of 2 epochs [2, 2].",
        "Not every seed reaches 98 %: sgd 0 of 4.",
    )
    assert comparison.cautions == (
        ("Intervals of medians and interquartile means from 4 seeds are rough, and too narrow on average."),
        (
            "adam is best with the largest of its learning rates, 0.2 of 0.1 to 0.2: "
            "the answer for adam is not to be trusted until the range is wider; try above 0.2."
        ),
        (
            "sgd is best with the largest of its learning rates, 0.1 of 0.01 to 0.1: "
            "the answer for sgd is not to be trusted until the range is wider; try above 0.1."
        ),
        "Failed trials, which count for nothing: 1 of sgd.",
        "Each best learning rate was chosen on the seeds that it is ranked by, which flatters it.",
    )
