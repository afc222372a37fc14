"""What a comparison could show, before it runs: the smallest difference that so many confirm seeds find."""

from __future__ import annotations

import math

from scipy import optimize, stats

from study.confirmation import ALPHA
from study.paired_difference import quantile
from study.plan import Plan

POWER = 0.8  # how often it is found


def smallest_difference(plan: Plan, seeds: int, seed_variance: float) -> float:
    """Return the difference in score that a look at so many seeds finds in 80 of 100 studies.

    It is the root of a noncentral Student's t. What the seeds have in common because they draw from the same images is
    left out: it is not known before they ran.

    Args:
        plan: What was asked: its looks and contenders divide the level.
        seeds: At least 2.
        seed_variance: Of a seed's difference between two contenders.
    """
    level = ALPHA / (max(1, len(plan.looks)) * max(1, len(plan.contenders) - 1))
    beyond = quantile(level, seeds - 1)

    def lacking(noncentrality: float) -> float:
        return float(stats.nct.sf(beyond, seeds - 1, noncentrality)) - POWER

    noncentrality = float(optimize.brentq(lacking, 0.0, 10 * beyond))
    return noncentrality * math.sqrt(seed_variance / seeds)


def binomial_variance(plan: Plan) -> float:
    """Return what a seed's difference varies by if images alone decide it: two networks that err independently.

    Both get as many right as the target asks for.
    """
    return 2 * plan.target * (1 - plan.target) / plan.validation_images
