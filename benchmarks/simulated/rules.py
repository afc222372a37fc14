"""Three rules by which a study may judge its contenders, and what each says of a drawn study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.simulated.drawn_study import DrawnStudy
from benchmarks.simulated.worlds import CONFIRM_SEEDS, TUNING_SEEDS, Values, World
from study.answer import Judgement
from study.comparison import Trial
from study.confirmation import Confirmation, confirm
from study.ended_trials import EndedTrials
from study.plan import Plan
from study.rounds import chosen_of, next_round
from study.tuning import tuned

UNCORRECTED = 0.05  # at which a rule that is not ours judges each pair
FEWEST_SEEDS = 3  # after which people begin to test
QUANTILES = stats.t.isf(UNCORRECTED / 2, np.arange(CONFIRM_SEEDS).clip(1))  # by degrees of freedom

Where = NDArray[np.bool_]  # of each rival


@dataclass(frozen=True)
class Claims:
    """What one rule said of one study.

    Attributes:
        false: Whether anything that it claimed is not so.
        found: Whether it told the better contender, the first, from the leader, or, if it leads, from the second.
    """

    false: bool
    found: bool


@dataclass(frozen=True)
class Simulated:
    """One study, by all rules.

    Attributes:
        ours: By rounds, looks and the judgements of `study/`.
        old: By Student's 95 % interval of each pair, on the seeds that the rates were chosen by.
        every_seed: By a t-test after every confirm seed from the third, until something is found.
        covered: Whether all intervals of ours hold the true difference.
        called_as_good: Whether ours called any contender as good as the leader; ``falsely``, though it is not.
        seeds: Confirm seeds that ours gave the pair that ``found`` is about.
    """

    ours: Claims
    old: Claims
    every_seed: Claims
    covered: bool
    called_as_good: bool
    falsely: bool
    seeds: int


def simulate(world: World, plan: Plan, number: int) -> Simulated:
    """Return what becomes of a study: ``plan`` is the world's, made once for all its studies."""
    study = DrawnStudy(world, number)
    trials: list[Trial] = []
    while planned := next_round(plan, trials):
        trials += [study.trial(one) for one in planned]
    best = tuned(plan, ended := EndedTrials(trials))
    confirmation = confirm(plan, chosen_of(best), ended)
    order = [int(contender.optimizer) for contender in best]
    truth = (world.errors[order[0]] - world.errors[order[1:]]).round(12)  # of each rival, less the leader's accuracy
    tuning = np.array([results.scores for results in best.values()])
    confirmed = study.confirm_accuracies[order]
    watched = order[1:].index(1 if order[0] == 0 else 0)  # the rival that `found` is about
    judgements = [judged.judgement for judged in confirmation.judged]
    falsely = _any(judgements, "as good", np.abs(truth) > plan.margin)
    return Simulated(
        ours=_claims({"worse": truth < 0, "better": truth > 0}, judgements, watched, falsely=falsely),
        old=_old_rule(tuning[1:] - tuning[0], truth, watched),
        every_seed=_test_after_every_seed(confirmed[1:] - confirmed[0], truth, watched),
        covered=_covered(confirmation, truth),
        called_as_good="as good" in judgements,
        falsely=falsely,
        seeds=confirmation.judged[watched].seeds,
    )


def _claims(
    right: Mapping[Judgement, Where], judgements: Sequence[Judgement], watched: int, *, falsely: bool = False
) -> Claims:
    """Return what judgements of the rivals are worth, given where each of these words would be right."""
    false = any(_any(judgements, word, ~where) for word, where in right.items())
    word = judgements[watched]
    return Claims(false=false or falsely, found=word in right and bool(right[word][watched]))


def _any(judgements: Sequence[Judgement], word: Judgement, where: Where) -> bool:
    return any(one == word and bool(here) for one, here in zip(judgements, where, strict=True))


def _covered(confirmation: Confirmation, truth: Values) -> bool:
    intervals = [judged.interval for judged in confirmation.judged]
    return all(one is None or one[0] <= true <= one[1] for one, true in zip(intervals, truth, strict=True))


def _old_rule(differences: Values, truth: Values, watched: int) -> Claims:
    """Return what the rule before confirmation says: the best beats a rival whose interval leaves out 0."""
    reach = stats.t.isf(UNCORRECTED / 2, TUNING_SEEDS - 1) * differences.std(axis=1, ddof=1) / np.sqrt(TUNING_SEEDS)
    beaten = differences.mean(axis=1) + reach < -1e-12
    judgements: list[Judgement] = ["worse" if one else "undecided" for one in beaten]
    return _claims({"worse": truth < 0}, judgements, watched)


def _test_after_every_seed(differences: Values, truth: Values, watched: int) -> Claims:
    """Return what is said by who tests each rival after every seed, and stops at the first difference."""
    seeds = np.arange(1, CONFIRM_SEEDS + 1)
    mean = differences.cumsum(axis=1) / seeds
    variance = ((differences**2).cumsum(axis=1) / seeds - mean**2).clip(0) / (seeds - 1).clip(1)  # of the mean
    told = np.abs(mean) > QUANTILES * np.sqrt(variance) + 1e-9
    told[:, : FEWEST_SEEDS - 1] = False
    first = told.argmax(axis=1)
    signs = np.take_along_axis(mean, first[:, None], axis=1)[:, 0] * told.any(axis=1)
    judgements: list[Judgement] = ["worse" if sign < 0 else "better" if sign > 0 else "undecided" for sign in signs]
    return _claims({"worse": truth < 0, "better": truth > 0}, judgements, watched)
