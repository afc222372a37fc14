"""How often a comparison is wrong on real images: small studies in disjoint pools of MNIST, against all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from statistics import fmean
from typing import Any

from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.rate import Rate
from benchmarks.result import Figure, Result, make_result

POOLS, SMALL = 40, 4
PROCESSES = 2
MARGIN = 0.002  # of each study
GROUP = "MNIST in disjoint pools"
IMAGES = {"test": "the test images", "other pools": "images of other pools"}

Outcome = dict[str, Any]  # as benchmarks/programs/pools.py prints it
Judge = Callable[[dict[str, Any], float], bool]  # of a rival, and its true difference from the leader


def real_trust(plan: Plan) -> Result:
    """Run a study in each pool, and hold its claims against the mean differences of all pools."""
    pools = SMALL if plan.small else POOLS
    begun = time.perf_counter()
    with mnist(plan) as (data, note), workplace() as home, ThreadPoolExecutor(PROCESSES) as threads:
        program = ["-m", "benchmarks.programs.pools", str(pools)]
        # One after the other: the first prepares the images for all.
        plan.say(f"preparing, then a study in each of {pools} pools")
        answer_of(["-m", "benchmarks.programs.prepare"], home, TFDS_DATA_DIR=data)
        halves = [
            threads.submit(answer_of, [*program, str(first), str(PROCESSES)], home, TFDS_DATA_DIR=data)
            for first in range(PROCESSES)
        ]
        outcomes = [*chain.from_iterable(half.result() for half in halves)]
    rates, figures = real_rates(outcomes)
    seconds = Figure(name="all pools", unit="s", values=[time.perf_counter() - begun])
    return make_result("trust-real", [seconds, *figures], [], [note], rates)


def real_rates(outcomes: Sequence[Outcome]) -> tuple[list[Rate], list[Figure]]:
    """Return how often a pool's study was wrong, and the figures that say so.

    What is true is the mean over all pools, on the images that MNIST tests with, and again on images of the other
    pools: these were written by the same people as the pool's own, the test images by others.
    """
    rates = [rate for images in IMAGES for rate in _rates(outcomes, images)]
    return rates, [*_accuracies(outcomes), *_intervals(outcomes)]


def true_accuracies(outcomes: Sequence[Outcome], images: str) -> dict[str, float]:
    """Return the mean accuracy of each contender over all pools and their seeds."""
    contenders = outcomes[0]["accuracies"][images]
    return {name: fmean(fmean(one["accuracies"][images][name]) for one in outcomes) for name in contenders}


def _rates(outcomes: Sequence[Outcome], images: str) -> list[Rate]:
    truth = true_accuracies(outcomes, images)

    def every(happened: Callable[[Iterable[bool]], bool], what: Judge) -> list[bool]:
        return [
            happened(what(rival, _difference(truth, name, one)) for name, rival in _rivals(one)) for one in outcomes
        ]

    false, falsely, covered = every(any, _false), every(any, _falsely), every(all, _covers)
    shares = [("false claims", false, {"at_most": 0.05}), ("all intervals hold", covered, {"at_least": 0.95})]
    shares += [("called as good and is not", falsely, {"at_most": 0.05})]
    return [
        Rate(group=GROUP, name=f"on {IMAGES[images]}", what=what, times=sum(happened), of=len(outcomes), **targets)
        for what, happened, targets in shares
    ]


def _accuracies(outcomes: Sequence[Outcome]) -> list[Figure]:
    """Return the mean accuracy of each contender in each pool."""
    return [
        Figure(
            name=f"{contender} on {words}",
            unit="accuracy",
            values=[fmean(one["accuracies"][images][contender]) for one in outcomes],
        )
        for images, words in IMAGES.items()
        for contender in outcomes[0]["accuracies"][images]
    ]


def _intervals(outcomes: Sequence[Outcome]) -> list[Figure]:
    """Return either end of each interval: a rival's, with its leader, pool by pool."""
    ends: dict[str, list[float]] = {}
    for one in outcomes:
        for name, rival in _rivals(one):
            for end, value in zip(("from", "to"), rival["interval"] or (), strict=False):
                ends.setdefault(f"{name} less {one['leader']}, {end}", []).append(value)
    return [Figure(name=name, unit="accuracy", values=values) for name, values in ends.items()]


def _rivals(outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
    return list(outcome["rivals"].items())


def _difference(truth: dict[str, float], rival: str, outcome: Outcome) -> float:
    return truth[rival] - truth[outcome["leader"]]


def _false(rival: dict[str, Any], difference: float) -> bool:
    wrong_sign = {"worse": difference >= 0, "better": difference <= 0}
    return wrong_sign.get(rival["judgement"], False) or _falsely(rival, difference)


def _falsely(rival: dict[str, Any], difference: float) -> bool:
    return rival["judgement"] == "as good" and abs(difference) > MARGIN


def _covers(rival: dict[str, Any], difference: float) -> bool:
    least, most = rival["interval"] or (-1.0, 1.0)
    return bool(least <= difference <= most)
