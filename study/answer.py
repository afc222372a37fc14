"""The answer of a comparison in numbers: what to take, how each rival differs, and how far that is known."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from study.interval import Interval

Judgement = Literal["worse", "as good", "better", "undecided"]
JUDGEMENTS: tuple[Judgement, ...] = ("worse", "as good", "better", "undecided")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Doubt(_Value):
    """Where the width of an interval comes from, and what would make it narrower. Half widths are in the metric.

    Attributes:
        half_width: Of the interval, at the level of the comparison.
        with_more_seeds: What it would be with ``MORE_SEEDS`` confirm seeds.
        with_any_seeds: What it would be with any number of seeds: what only more images can lessen.
        seeds_to_decide: About how many confirm seeds would decide it, should the mean and the spread stay; none: no
            number would, with these images.
        images_to_decide: About how many times as many images would, with the seeds that were asked for; none: no number
            would, for the difference lies on the very margin.
        images_known: Whether the images' part is from the trials' predictions, and not a rule of thumb.
    """

    half_width: float
    with_more_seeds: float
    with_any_seeds: float
    seeds_to_decide: int | None
    images_to_decide: float | None
    images_known: bool


class Rival(_Value):
    """A contender against the leader.

    Attributes:
        label: Its name.
        judgement: ``worse`` or ``better`` where the interval leaves out 0, ``as good`` where it lies within the margin.
        difference: Mean over confirm seeds of its score less the leader's; none without any seed.
        interval: Of that difference, at the level of the comparison; none for fewer than two seeds.
        deviation: Standard deviation of a seed's difference; none likewise.
        seeds: Confirm seeds on which it was judged.
        diverged: How many of these diverged; ``leader_diverged``, of the leader's on the same seeds.
        doubt: None for fewer than two seeds.
    """

    label: str
    judgement: Judgement
    difference: float | None
    interval: Interval | None
    deviation: float | None
    seeds: int
    diverged: int
    leader_diverged: int
    doubt: Doubt | None


class Answer(_Value):
    """What to take.

    Attributes:
        confirmed: Whether trials on fresh seeds judged at all.
        level: Of each interval: 0.05, divided by the number of looks and of rivals.
        margin: Scores that differ by less are as good.
        leader: The contender that tuning puts first; none if nothing was learned.
        rivals: The others, in the order of tuning.
        take: The contender to take; none likewise.
        cheaper_than: The contender that it is as good as and reaches the target sooner than; none if there is none.
        costs_at_most: How much better any other contender may be, at most; none where that is decided.
    """

    margin: float
    confirmed: bool = False
    level: float = 1.0
    leader: str | None = None
    rivals: tuple[Rival, ...] = ()
    take: str | None = None
    cheaper_than: str | None = None
    costs_at_most: float | None = None
