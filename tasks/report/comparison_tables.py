"""A comparison as rows and as Markdown: what a person reads, and what a program reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from study.comparison import Comparison, Contender, Setting, Trial
from study.interval import Interval
from study.metric import NAMES, Metric
from study.number_formats import counted, points, points_interval
from study.plan import PlannedTrial, Round
from tasks.report.facts import ReportFacts

NOT_REACHED = "not reached"


def summary_markdown(comparison: Comparison, facts: ReportFacts) -> str:
    """Return verdict, doubt, cautions and the contenders as Markdown."""
    rows = table_rows(comparison)
    lines = [f"**{facts.incomplete}**", ""] if facts.incomplete else []
    tested = test_sentences(facts.test, comparison.metric, confirmed=comparison.answer.confirmed)
    lines += [*(f"- {sentence}" for sentence in (*comparison.verdict, *tested))]
    for heading, sentences in (("How far it is known", comparison.doubt), ("Cautions", comparison.cautions)):
        if sentences:
            lines += ["", f"**{heading}**", "", *(f"- {sentence}" for sentence in sentences)]
    if rows:
        lines += ["", f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
        lines += [f"| {' | '.join(str(value) for value in row.values())} |" for row in rows]
    return "\n".join(lines)


def table_rows(comparison: Comparison) -> list[dict[str, str | int]]:
    """Return the contenders in the order of tuning, as a person reads them."""
    return [
        {
            "rank": rank,
            "contender": one.label,
            "learning rate": f"{one.learning_rate:g}{' (edge)' if one.at_edge else ''}",
            "seeds": f"{one.seeds} {'confirm' if one.confirmed else 'tuning'}",
            "median": f"{one.median:.4f}",
            "interquartile mean": _with_interval(f"{one.interquartile_mean:.4f}", one.interval, ".4f"),
            "best": f"{one.best_score:.4f}",
            **(_against_leader(one, comparison) if comparison.answer.confirmed else {}),
            "epochs to target": _epochs(one),
            "steps": f"{one.steps_to_target:g}" if math.isfinite(one.steps_to_target) else "",
            "seconds": f"{one.seconds_to_target:.1f}" if math.isfinite(one.seconds_to_target) else "",
            "reached": f"{one.reached} of {one.seeds}",
            "diverged": one.diverged,
            "failed": one.failed,
        }
        for rank, one in enumerate(comparison.contenders, start=1)
    ]


def test_sentences(test: Mapping[str, float] | None, metric: Metric, *, confirmed: bool) -> list[str]:
    """Return what the test split says of the contender to take, in a sentence, if it was asked.

    Args:
        test: As in ``ReportFacts``.
        metric: What the comparison is about.
        confirmed: Whether confirm trials were asked; those of earlier studies were tuned with.
    """
    if not test:
        return []
    seen = "only the confirmed models of this contender have" if confirmed else "only this setting has"
    score, seeds = f"{NAMES[metric]} {test[f'test/{metric}']:.4f}", counted(test["seeds"], "seed")
    return [f"On the test split, which {seen} seen: {score}, the median of {seeds}."]


def trial_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the trials, each with its round, its split, and the value of the last epoch beside the list of epochs."""
    settings = {_setting_of(setting): setting for setting in comparison.settings}
    about_accuracy = comparison.metric == "accuracy"
    names = ("train_loss", "validation_accuracy", *(() if about_accuracy else ("validation_score",)))
    rows = []
    for trial in comparison.trials:
        values = trial.model_dump(exclude={"validation_score"} if about_accuracy else None)
        setting = settings.get(_setting_of(trial))
        finals = {f"final_{name}": values[name][-1] if values[name] else None for name in names}
        split_seed = split_seed_of(trial, setting) if comparison.redraws else 0
        what = {"round": round_of(trial, setting), "split_seed": split_seed}
        rows.append({**what, **finals, **values})
    return rows


def round_of(trial: Trial, setting: Setting | None) -> Round:
    """Return what a trial was for, given the setting that it is of."""
    if trial.confirms:
        return "confirm"
    return "extend" if setting and setting.added else "tune"


def split_seed_of(trial: Trial, setting: Setting | None) -> int:
    """Return which validation images a trial was judged by."""
    names = {"optimizer", "loss", "batch_size", "learning_rate", "seed"}
    return PlannedTrial(round=round_of(trial, setting), **trial.model_dump(include=names)).split_seed


def _setting_of(one: Trial | Setting) -> tuple[str, str, int, float]:
    return one.optimizer, one.loss, one.batch_size, one.learning_rate


def _against_leader(one: Contender, comparison: Comparison) -> dict[str, str]:
    names = "against the leader", "difference in points"
    rival = next((rival for rival in comparison.answer.rivals if rival.label == one.label), None)
    if rival is None:
        return dict(zip(names, ("the leader", ""), strict=True))
    known = rival.difference is not None
    difference = f"{points(rival.difference)}{points_interval(rival.interval)}" if rival.difference is not None else ""
    return dict(zip(names, (rival.judgement if known else "not compared", difference), strict=True))


def _epochs(one: Contender) -> str:
    if math.isinf(one.epochs_to_target):
        return NOT_REACHED
    return _with_interval(f"{one.epochs_to_target:g}", one.epochs_interval, "g")


def _with_interval(value: str, interval: Interval | None, form: str) -> str:
    if interval is None:
        return value
    ends = ", ".join(format(end, form) if math.isfinite(end) else NOT_REACHED for end in interval)
    return f"{value} [{ends}]"
