"""What does not follow from a comparison, or not yet, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from study.answer import Answer
from study.comparison import Contender, Setting
from study.metric import NAMES
from study.number_formats import counted, listed
from study.plan import Plan

LOPSIDED = 1.4  # skewness that normal seeds, five to twenty of them, exceed in two of a hundred cases at most
FEWEST_TO_SEE = 5  # seeds, of which one may be seen to lie apart
ROUNDING = 1e-12  # of scores


def cautions(
    plan: Plan,
    contenders: Sequence[Contender],
    settings: Sequence[Setting],
    answer: Answer,
    left_out: Sequence[str],
) -> tuple[str, ...]:
    """Return what does not follow, or not yet, a sentence each. ``left_out`` are contenders without any result."""
    sentences = (
        _nothing_to_compare(contenders),
        _leaked(plan),
        _best_of_epochs(plan),
        *(_edge(contender, plan) for contender in contenders),
        _one_learning_rate(contenders),
        _diverged(contenders, settings, plan),
        _failed(contenders),
        f"Nothing is known of {listed(left_out)}: every trial failed." if left_out else "",
        _predictions_missing(answer),
        _single_look(plan, answer),
        _lopsided(contenders),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _nothing_to_compare(contenders: Sequence[Contender]) -> str:
    if not contenders:
        return "There is no contender: nothing is compared."
    return f"There is no contender but {contenders[0].label}: it is compared with none." if len(contenders) == 1 else ""


def _leaked(plan: Plan) -> str:
    if not plan.leaked:
        return ""
    return (
        f"{plan.leaked} equal an image that is trained on: who remembers it is right there, so scores are too "
        "good, and contenders that remember best are ahead of their worth. Take these copies out of the data."
    )


def _best_of_epochs(plan: Plan) -> str:
    if plan.keep == "last":
        return ""
    return (
        "Each trial's score is that of the best of its epochs, chosen by the images that it is judged by: scores are "
        "too good, most where validation goes up and down from epoch to epoch. The test split says what is left."
    )


def _edge(contender: Contender, plan: Plan) -> str:
    """Say that a best rate is an outermost one, which is no caution where nothing more may be tried."""
    label, rate, rates = contender.label, contender.learning_rate, contender.learning_rates
    if not contender.at_edge:
        return ""
    which, where = ("smallest", "below") if rate == rates[0] else ("largest", "above")
    asked = next(
        one.learning_rates
        for one in plan.contenders
        if (one.optimizer, one.loss, one.batch_size) == (contender.optimizer, contender.loss, contender.batch_size)
    )
    added = len(rates) - len(asked)
    extended = f", of which {counted(added, 'rate')} {'was' if added == 1 else 'were'} added" if added else ""
    return (
        f"{label} is best with the {which} of its learning rates, {rate:g} of {rates[0]:g} to {rates[-1]:g}{extended}: "
        f"it may do better yet; try {where} {rate:g}."
    )


def _one_learning_rate(contenders: Sequence[Contender]) -> str:
    one = [contender.label for contender in contenders if len(contender.learning_rates) == 1]
    if not one:
        return ""
    return f"Only one learning rate was tried with {listed(one)}: the answer is of these settings, not of optimizers."


def _diverged(contenders: Sequence[Contender], settings: Iterable[Setting], plan: Plan) -> str:
    """Say which trials diverged at a chosen learning rate; at another they cost nothing."""
    chosen = {_described(setting): setting for setting in settings}
    counts = [(chosen[_described(one)], one.label) for one in contenders]
    results = {label: len(setting.scores) + len(setting.confirm_scores) for setting, label in counts}
    shares = [
        f"{setting.diverged} of {counted(results[label], 'trial')} of {label}"
        for setting, label in counts
        if setting.diverged
    ]
    counted_as = f"{NAMES[plan.metric]} 0"
    return f"Diverged at the best learning rate, and counted as {counted_as}: {', '.join(shares)}." if shares else ""


def _failed(contenders: Sequence[Contender]) -> str:
    counts = [f"{contender.failed} of {contender.label}" for contender in contenders if contender.failed]
    return f"Failed trials, which count for nothing: {', '.join(counts)}." if counts else ""


def _predictions_missing(answer: Answer) -> str:
    unknown = [rival.label for rival in answer.rivals if rival.doubt and not rival.doubt.images_known]
    if not unknown:
        return ""
    return (
        f"Not every confirm trial has kept its predictions, so that the images' part of the doubt about "
        f"{listed(unknown)} is a rule of thumb, and too large rather than too small."
    )


def _single_look(plan: Plan, answer: Answer) -> str:
    few = [rival.label for rival in answer.rivals if answer.confirmed and rival.interval is None]
    if not few or max(plan.looks, default=0) > 1:
        return ""
    return (
        f"With a single confirm seed nothing is known of the spread: {listed(few)} cannot be judged; give more looks."
    )


def _lopsided(contenders: Sequence[Contender]) -> str:
    """Say whose seeds are now and then much worse, or better; a diverged one has a caution of its own."""
    found = [one.label for one in contenders if one.confirmed and abs(_skewness(one.scores)) > LOPSIDED]
    if not found:
        return ""
    return (
        f"Most confirm seeds of {listed(found)} lie together, and few far away: with such seeds a claim is false more "
        "often than in 5 % of comparisons, because a few may have missed what is rare."
    )


def _skewness(scores: Sequence[float]) -> float:
    """Return the third standardised moment of the seeds that did not diverge; 0 for fewer than five, or equal ones."""
    values = np.array([score for score in scores if score])
    deviations = values - values.mean() if len(values) >= FEWEST_TO_SEE else np.zeros(1)
    spread = deviations.std()
    return float((deviations**3).mean() / spread**3) if spread > ROUNDING else 0.0


def _described(one: Setting | Contender) -> tuple[str, str, int, float]:
    return one.optimizer, one.loss, one.batch_size, one.learning_rate
