"""How often a comparison is wrong on real images: small studies in disjoint pools of MNIST, against all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
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


def real_trust(plan: Plan) -> Result:
    """Run a study in each pool, and hold its claims against the mean differences of all pools on the test images."""
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


def real_rates(outcomes: Sequence[dict[str, Any]]) -> tuple[list[Rate], list[Figure]]:
    """Return how often a pool's study was wrong, and the test accuracies that say so, pool by pool."""
    by_pool = {
        name: [fmean(outcome["test_accuracies"][name]) for outcome in outcomes]
        for name in outcomes[0]["test_accuracies"]
    }
    truth = {name: fmean(values) for name, values in by_pool.items()}
    false = [any(_false(rival, _difference(truth, name, one)) for name, rival in _rivals(one)) for one in outcomes]
    falsely = [any(_falsely(rival, _difference(truth, name, one)) for name, rival in _rivals(one)) for one in outcomes]
    covered = [all(_covers(rival, _difference(truth, name, one)) for name, rival in _rivals(one)) for one in outcomes]
    shares = [("false claims", false, {"at_most": 0.05}), ("all intervals hold", covered, {"at_least": 0.95})]
    shares += [("called as good and is not", falsely, {"at_most": 0.05})]
    rates = [
        Rate(group=GROUP, name="studies", what=what, times=sum(happened), of=len(outcomes), **targets)
        for what, happened, targets in shares
    ]
    return rates, [Figure(name=name, unit="test accuracy", values=values) for name, values in by_pool.items()]


def _rivals(outcome: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(outcome["rivals"].items())


def _difference(truth: dict[str, float], rival: str, outcome: dict[str, Any]) -> float:
    return truth[rival] - truth[outcome["leader"]]


def _false(rival: dict[str, Any], difference: float) -> bool:
    wrong_sign = {"worse": difference >= 0, "better": difference <= 0}
    return wrong_sign.get(rival["judgement"], False) or _falsely(rival, difference)


def _falsely(rival: dict[str, Any], difference: float) -> bool:
    return rival["judgement"] == "as good" and abs(difference) > MARGIN


def _covers(rival: dict[str, Any], difference: float) -> bool:
    least, most = rival["interval"] or (-1.0, 1.0)
    return bool(least <= difference <= most)
