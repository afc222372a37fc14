"""How often a comparison is wrong: its rules, on made-up worlds of which the truth is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.plan import Plan
from benchmarks.rate import Rate
from benchmarks.result import Figure, Result, make_result
from benchmarks.simulated.counts import Counts, count_worlds
from benchmarks.simulated.world_table import better_worlds, equal_worlds, margin_worlds, odd_worlds
from benchmarks.simulated.worlds import World
from benchmarks.trust_real import real_trust

STUDIES, SMALL = 1_000, 20  # of each world
PROCESSES = 2  # which the counts do not depend on
NOTES = [
    "A false claim: a contender is called better or worse and is not, or as good and differs by more than the margin.",
    "The old rule: Student's 95 % interval of the best and each other, on the seeds that rates were chosen by.",
    "A t-test after every seed: from the third confirm seed to the twentieth, 5 % each, until something is found.",
    "Equal contenders: 18 of 108 combinations, in which every level of a factor meets every level of each other.",
    (
        "Rare bad seeds of one contender have no target: seeds that happen to miss the tail look steady, and no rule "
        "that sees these seeds alone can tell them from steady ones."
    ),
]


@dataclass(frozen=True)
class Column:
    """A share of the studies of a world, with its targets."""

    what: str
    times: Callable[[Counts], int]
    at_most: float | None = None
    at_least: float | None = None
    upper_below: float | None = None


def _false(world: World) -> Column:
    reachable = not (world.steady and world.spread == "skewed")
    targets = {"at_most": 0.05, "upper_below": 0.06} if reachable else {}
    return Column("false claims", lambda counts: counts.false, **targets)


def _covered(world: World) -> Column:
    reachable = not (world.steady and world.spread == "skewed")
    return Column("all intervals hold", lambda counts: counts.covered, at_least=0.95 if reachable else None)


def _equal(world: World) -> list[Column]:
    return [
        _false(world),
        _covered(world),
        Column("false, old rule", lambda counts: counts.old_false),
        Column("false, t-test after every seed", lambda counts: counts.every_seed_false),
    ]


def _better(world: World) -> list[Column]:
    surely = world.mostly_seeds() and world.better_by > 0.99 * world.paired_deviation()
    return [
        _false(world),
        _covered(world),
        Column("found", lambda counts: counts.found, at_least=0.85 if surely else None),
        Column("found, old rule", lambda counts: counts.old_found),
        Column("found, t-test after every seed", lambda counts: counts.every_seed_found),
    ]


def _margin(world: World) -> list[Column]:
    return [
        _false(world),
        _covered(world),
        Column("called as good", lambda counts: counts.called_as_good),
        Column("called as good and is not", lambda counts: counts.falsely, at_most=0.05),
    ]


GROUPS: tuple[tuple[str, Callable[[], list[World]], Callable[[World], list[Column]]], ...] = (
    ("Equal contenders", equal_worlds, _equal),
    ("Equal contenders, odd ones", odd_worlds, _equal),
    ("One is better", better_worlds, _better),
    ("Inside and outside the margin of 0.2 points", margin_worlds, _margin),
)


def trust(plan: Plan) -> Result:
    """Count false claims, what is found, and whether intervals hold, in every world; nothing is trained.

    With ``plan.real`` it does so in pools of real images instead, in which it trains.

    What chance decides is the same every time, so that studies are repeated and not the whole: rounds do not matter.
    """
    if plan.real:
        return real_trust(plan)
    groups = [(group, world, columns(world)) for group, worlds, columns in GROUPS for world in worlds()]
    rates: list[Rate] = []
    seeds: list[Figure] = []
    begun = time.perf_counter()
    counted = count_worlds([world for _, world, _ in groups], SMALL if plan.small else STUDIES, PROCESSES)
    for (group, world, columns), counts in zip(groups, counted, strict=True):
        rates += rates_of(group, world, counts, columns)
        plan.say(f"{group}: {world.name}: false claims in {counts.false} of {counts.studies} studies")
        if world.better_by:
            mean = counts.seeds / counts.studies
            seeds.append(Figure(name=world.name, unit="confirm seeds", values=[mean]))
    seconds = Figure(name="all worlds", unit="s", values=[time.perf_counter() - begun])
    return make_result("trust", [seconds, *seeds], [], NOTES, rates)


def rates_of(group: str, world: World, counts: Counts, columns: Sequence[Column]) -> list[Rate]:
    """Return what is reported of a world: a rate a column."""
    return [
        Rate(
            group=group,
            name=world.name,
            what=column.what,
            times=column.times(counts),
            of=counts.studies,
            at_most=column.at_most,
            at_least=column.at_least,
            upper_below=column.upper_below,
        )
        for column in columns
    ]
