"""The difference of two contenders over confirm seeds, and how far it is known: seeds, images, and both together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import stats

from study.comparison import Trial
from study.interval import Interval
from study.intervals import DIGITS, Values, rounded_mean
from study.plan import Plan
from study.validation_outcome import ValidationOutcome


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two contenders over seeds that each drew validation images of its own.

    Its variance is s²/J + c + 1/(nJ)². s² is the variance of a seed's difference, in which its draw of images counts
    too, J the number of seeds. c is what any two seeds have in common, because both draw from the same images: σ²/N,
    where N is the number of images and σ² the covariance of two seeds' differences on the same image. Without c an
    interval would shrink to nothing with more and more seeds, though the images stay the same few. 1/(nJ) is what one
    image more or fewer makes of the mean, n being the number of validation images: where no seed saw any difference s²
    and c are 0, and yet the next image may show one. Where images do not count alike, it is the heaviest image.

    Attributes:
        mean: In the metric.
        seeds: J.
        seed_variance: s²; 0 for a single seed, which tells nothing of it.
        common_variance: c.
        validation_images: n.
        heaviest: How many times as much as in accuracy a single image can count.
        images_known: Whether c is from the trials' predictions. Else it is s² times the number of validation images
            over that of training images, which is too much rather than too little: Nadeau, Bengio, "Inference for the
            generalization error" (2003), section 4.
    """

    mean: float
    seeds: int
    seed_variance: float
    common_variance: float
    validation_images: int
    images_known: bool
    heaviest: float = 1.0

    def half_width(self, level: float, seeds: int | None = None) -> float:
        """Return half the width of the interval that is wrong with probability ``level``, by Student's t.

        Args:
            level: Of either end, together.
            seeds: What it would be with so many seeds; none: with those that there are. Infinite for one.
        """
        seeds = seeds or self.seeds
        if seeds < 2:
            return math.inf
        an_image = self.heaviest / (self.validation_images * seeds)
        return quantile(level, seeds - 1) * math.sqrt(self.seed_variance / seeds + self.common_variance + an_image**2)

    def interval(self, level: float) -> Interval:
        """Return that interval around the mean."""
        reach = self.half_width(level)
        return round(self.mean - reach, DIGITS) + 0.0, round(self.mean + reach, DIGITS) + 0.0

    def floor(self, level: float) -> float:
        """Return what half the width would be with any number of seeds: what only more images can lessen."""
        return float(stats.norm.isf(level / 2)) * math.sqrt(self.common_variance)


def paired_difference(ones: Sequence[Trial], others: Sequence[Trial], plan: Plan) -> PairedDifference | None:
    """Return by how much ``ones`` score more than ``others``, on the seeds that both have; none without any."""
    by_seed = {trial.seed: trial for trial in others}
    pairs = [(trial, by_seed[trial.seed]) for trial in ones if trial.seed in by_seed]
    if not pairs:
        return None
    differences = np.array([one.score - other.score for one, other in pairs])
    variance = float(np.var(differences.round(DIGITS), ddof=1)) if len(pairs) > 1 else 0.0
    covariance = covariance_on_an_image(pairs)
    if covariance is None:
        common = variance * plan.validation_images / plan.training_images
    else:
        common = covariance / plan.images
    return PairedDifference(
        mean=float(rounded_mean(differences)),
        seeds=len(pairs),
        seed_variance=variance,
        common_variance=common,
        validation_images=plan.validation_images,
        images_known=covariance is not None,
        heaviest=max((trial.validated.heaviest for pair in pairs for trial in pair if trial.validated), default=1.0),
    )


def covariance_on_an_image(pairs: Sequence[tuple[Trial, Trial]]) -> float | None:
    """Return the covariance, at least 0, of two seeds' differences on the same image, over all images of any two seeds.

    A difference on an image is what it adds to the score of the first of a pair less what it adds to that of the
    second, less the mean of its seed: in accuracy, 1 if only the first got it right, -1 if only the second did, else 0.

    Returns:
        None if predictions are missing, or no image was drawn by two seeds.
    """
    examples, deviations = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for one, other in pairs:
        if one.outcome == other.outcome == "diverged":
            continue  # nothing differs on any image
        first, second = _outcome(one, other), _outcome(other, one)
        if first is None or second is None:
            return None
        shared, mine, theirs = _shared_images(first, second)
        difference = mine.astype(np.float64) - theirs
        examples.append(shared)
        deviations.append(difference - difference.mean())
    return _covariance(np.concatenate(examples), np.concatenate(deviations))


def _outcome(trial: Trial, partner: Trial) -> ValidationOutcome | None:
    """Return what a trial came to on each image; one that diverged got none of its partner's right."""
    if trial.outcome == "diverged" and partner.validated:
        return replace(partner.validated, credit=np.zeros_like(partner.validated.credit))
    return trial.validated


def _shared_images(one: ValidationOutcome, other: ValidationOutcome) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the images that both were judged by, and what these add to either score."""
    if np.array_equal(one.examples, other.examples):  # so it is, but for trials of another split
        return one.examples, one.credit, other.credit
    shared, mine, theirs = np.intersect1d(one.examples, other.examples, assume_unique=True, return_indices=True)
    return shared, one.credit[mine], other.credit[theirs]


def _covariance(examples: np.ndarray, deviations: Values) -> float | None:
    """Return the mean product of two deviations on the same image: of all pairs, squared sums less sums of squares."""
    times = np.bincount(examples)
    count = int((times * (times - 1)).sum())
    products = float((np.bincount(examples, deviations) ** 2).sum() - (deviations**2).sum())
    return max(0.0, products / count) if count else None


@cache  # SciPy takes a tenth of a millisecond, and there are few of them
def quantile(level: float, degrees: int) -> float:
    """Return what Student's t lies beyond, on either side, with probability ``level`` in all."""
    return float(stats.t.isf(level / 2, degrees))
