"""Whether a new model takes the place of the one in use, judged on the same test images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from study.interval import Interval
from study.mcnemar import paired_counts
from study.number_formats import counted

CAUTION = "the more often it judges, the less its word is worth: of many models that are no better, the luckiest passes"


class Judgement(BaseModel):
    """How a new model compares with the champion, the model that is in use.

    Attributes:
        images: On how many test images both were asked.
        right: How many of them the new one has right; ``champion_right``, the champion.
        only_new: How many the new one alone has right; ``only_champion``, the champion alone.
        difference: In accuracy, of the new one from the champion, between -1 and 1.
        interval: Of it, at 95 %.
        p_value: Of McNemar's exact test, two-sided.
        margin: How much worse the interval may allow the new one to be.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    right: int
    champion_right: int
    only_new: int
    only_champion: int
    difference: float
    interval: Interval
    p_value: float
    margin: float

    @property
    def passes(self) -> bool:
        """Whether the new one is better by the estimate, and worse by no more than the margin by the interval."""
        return self.difference > 0 and self.interval[0] >= -self.margin

    def why(self) -> str:
        """Return why it passes or does not, in a clause."""
        if self.difference <= 0:
            return "it is not better than the champion in accuracy"
        begins = f"the interval of the difference begins at {_points(self.interval[0])} points"
        allowed = f"the margin of {_points(-self.margin)} points"
        if self.passes:
            return f"it is better than the champion, and {begins}, not below {allowed}"
        return f"it may be worse than the champion: {begins}, below {allowed}"

    def numbers(self) -> str:
        """Return what was measured, in a clause."""
        low, high = map(_points, self.interval)
        return (
            f"on the same {counted(self.images, 'test image')} the new model has {self.right} right and the champion "
            f"{self.champion_right}, with {counted(self.only_new + self.only_champion, 'discordant pair')} "
            f"({self.only_new} to {self.only_champion}), so a difference in accuracy of {_points(self.difference)} "
            f"points [{low}, {high}], p = {self.p_value:.2g} in McNemar's exact test"
        )


def judge(new: NDArray[np.bool_], champion: NDArray[np.bool_], *, margin: float) -> Judgement:
    """Return how a new model compares, given which images of one test set each has right: of shape (images,)."""
    counts = paired_counts(new, champion)
    return Judgement(
        images=counts.images,
        right=int(new.sum()),
        champion_right=int(champion.sum()),
        only_new=counts.only_one,
        only_champion=counts.only_other,
        difference=counts.difference,
        interval=counts.interval(),
        p_value=counts.p_value(),
        margin=margin,
    )


def worth(judgements: int) -> str:
    """Say how often a test set has judged, and what that means."""
    return f"This test set has judged {counted(judgements, 'promotion')}; {CAUTION}."


def _points(difference: float) -> str:
    """Return a difference of accuracies in percentage points, with three digits, however small it is."""
    return f"{100 * difference + 0.0:.3g}"  # and no negative zero
