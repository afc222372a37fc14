"""What many simulated studies of a world came to, counted; on several processes, with the same counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from multiprocessing import get_context

from benchmarks.simulated.rules import Simulated, simulate
from benchmarks.simulated.worlds import World

AT_ONCE = 50  # studies that a process is given


@dataclass(frozen=True)
class Counts:
    """How many of a world's studies did what; `Simulated` says what each means.

    Attributes:
        studies: All of them.
        false: With a false claim by our rule; ``old_false`` and ``every_seed_false`` by the others.
        seeds: Confirm seeds of the pair that ``found`` is about, over all studies.
    """

    studies: int = 0
    false: int = 0
    old_false: int = 0
    every_seed_false: int = 0
    covered: int = 0
    found: int = 0
    old_found: int = 0
    every_seed_found: int = 0
    called_as_good: int = 0
    falsely: int = 0
    seeds: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))


def count_of(study: Simulated) -> Counts:
    """Return the counts of one study."""
    return Counts(
        studies=1,
        false=study.ours.false,
        old_false=study.old.false,
        every_seed_false=study.every_seed.false,
        covered=study.covered,
        found=study.ours.found,
        old_found=study.old.found,
        every_seed_found=study.every_seed.found,
        called_as_good=study.called_as_good,
        falsely=study.falsely,
        seeds=study.seeds,
    )


def count_worlds(worlds: Sequence[World], studies: int, processes: int) -> Iterator[Counts]:
    """Yield the counts of each world's studies, in order; they do not depend on the number of processes."""
    if processes == 1:
        yield from (_count(world, 0, studies) for world in worlds)
        return
    starts = range(0, studies, AT_ONCE)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        pending = [
            [pool.submit(_count, world, start, min(start + AT_ONCE, studies)) for start in starts] for world in worlds
        ]
        yield from (sum((part.result() for part in parts), Counts()) for parts in pending)


def _count(world: World, first: int, end: int) -> Counts:
    plan = world.plan
    return sum((count_of(simulate(world, plan, number)) for number in range(first, end)), Counts())
