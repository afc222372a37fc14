"""The words say what the numbers say, and no more."""

from __future__ import annotations

import math
from typing import Any

import pytest

from study.comparison import Pair, Trial
from study.statistics import compare_trials
from study.verdict import incomplete, verdict
from tests.support.contenders import contender, pair, warned
from tests.support.trials import finals


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


def test_what_has_no_result_is_told_first_and_what_failed_is_not_counted_so() -> None:
    trials = [
        *finals("adam", (0.9, 0.8)),
        *finals("sgd", (0.1,), outcome="failed"),
        *finals("lion", (0.1,), outcome="diverged"),
    ]
    assert incomplete(trials, 4) == ""
    told = "Planned 5, completed 2, diverged 1, failed 1: 1 trial has no result, and may change the answer."
    assert incomplete(trials, 5) == told
    assert "3 trials have no result" in incomplete(trials, 7)
