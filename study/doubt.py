"""Where the doubt about a difference comes from, and what would remove it."""

from __future__ import annotations

from study.answer import Doubt
from study.confirmation import ALPHA
from study.paired_difference import PairedDifference
from study.plan import Plan

MORE_SEEDS = 20  # those of the last look, by default
MOST_SEEDS = 10_000  # that anybody is told to run


def doubt_of(difference: PairedDifference, plan: Plan, *, level: float, rivals: int) -> Doubt:
    """Return what the interval of a difference is made of.

    What more seeds or images would decide is worked out at the level of a study with one look more, and as if mean and
    spread stayed what they are.

    Args:
        difference: Of a rival from the leader.
        plan: What was asked.
        level: Of its interval.
        rivals: How many the leader has.
    """
    later = ALPHA / ((len(plan.looks) + 1) * rivals)
    wanted = _half_width_that_decides(difference.mean, plan.margin)
    return Doubt(
        half_width=difference.half_width(level),
        with_more_seeds=difference.half_width(level, MORE_SEEDS),
        with_any_seeds=difference.floor(level),
        seeds_to_decide=_seeds_to_decide(difference, later, wanted),
        # Both variances fall as images grow: a seed's difference is that of its validation images, above all.
        images_to_decide=(difference.half_width(later) / wanted) ** 2 if wanted else None,
        images_known=difference.images_known,
    )


def _half_width_that_decides(mean: float, margin: float) -> float:
    """Return the half width below which an interval around ``mean`` leaves out 0, or lies within the margin."""
    return max(abs(mean), margin - abs(mean))


def _seeds_to_decide(difference: PairedDifference, level: float, wanted: float) -> int | None:
    """Return the fewest seeds with which half the width is less than ``wanted``; none if no number will do."""
    if difference.half_width(level, MOST_SEEDS) >= wanted:
        return None
    few, many = difference.seeds, MOST_SEEDS  # it falls with the seeds
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if difference.half_width(level, middle) < wanted else (middle, many)
    return many
