"""The answer of a comparison on one page, and as tables: HTML without anything from elsewhere, PNG, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from study.comparison import Comparison, Contender
from tasks.report.comparison_figures import learning_curves, learning_rates, style_of, time_to_target
from tasks.report.drawing import html_figure

NOT_REACHED = "not reached"
FIGURES: dict[str, Callable[[Comparison], Figure]] = {
    "learning_curves": learning_curves,
    "learning_rates": learning_rates,
    "time_to_target": time_to_target,
}

FILES = (
    *("report.html", "trials.csv", "contenders.csv", "comparison.json"),
    *(f"{name}.png" for name in FIGURES),
)


class ReportFacts(BaseModel):
    """What a report says beside the comparison itself.

    Attributes:
        study: The MLflow run of the comparison; its page is ``mlflow_url``.
        dataset_examples: Examples in each split.
        seeds: Trials of each setting that were planned; ``trials_planned`` of all settings.
        incomplete: Which of these have no result yet, and what to do, in words; empty if all have one.
        made_with: The parameters that all trials share.
        test: ``test/accuracy`` of the chosen setting, the median over ``seeds`` of them; none if there is no such.
        run_urls: The page of each trial, by its run.
        versions: Of the packages that it was made with.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    name: str
    dataset: str
    dataset_examples: dict[str, int]
    epochs: int
    seeds: int
    trials_planned: int
    incomplete: str = ""
    made_with: dict[str, str]
    test: dict[str, float] | None
    mlflow_url: str
    flow_run_url: str
    run_urls: dict[str, str]
    versions: dict[str, str]


def write_report(comparison: Comparison, facts: ReportFacts, directory: Path) -> tuple[Path, ...]:
    """Write the page, its figures as PNG, trials and contenders as CSV, and all of it as JSON; return what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    figures = {name: html_figure(directory / f"{name}.png", draw, comparison) for name, draw in FIGURES.items()}
    texts = {
        "report.html": _page(comparison, facts, figures),
        "trials.csv": _csv([_final(trial.model_dump()) for trial in comparison.trials]),
        "contenders.csv": _csv([contender.model_dump() for contender in comparison.contenders]),
        "comparison.json": json.dumps(
            # By way of pydantic's text, in which infinity is null: JSON has no word for it.
            {"facts": json.loads(facts.model_dump_json()), **json.loads(comparison.model_dump_json())},
            indent=2,
            allow_nan=False,
        ),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return tuple(path for name in FILES if (path := directory / name).exists())


def summary_markdown(comparison: Comparison, facts: ReportFacts) -> str:
    """Return verdict, cautions and the ranked contenders as Markdown."""
    rows = table_rows(comparison)
    lines = [f"**{facts.incomplete}**", ""] if facts.incomplete else []
    lines += [*(f"- {sentence}" for sentence in (*comparison.verdict, *test_sentences(facts.test)))]
    if comparison.cautions:
        lines += ["", "**Cautions**", "", *(f"- {caution}" for caution in comparison.cautions)]
    if rows:
        lines += ["", f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
        lines += [f"| {' | '.join(str(value) for value in row.values())} |" for row in rows]
    return "\n".join(lines)


def table_rows(comparison: Comparison) -> list[dict[str, str | int]]:
    """Return the contenders, the best first, as a person reads them."""
    return [
        {
            "rank": rank,
            "contender": one.label,
            "learning rate": f"{one.learning_rate:g}{' (edge)' if one.at_edge else ''}",
            "median": f"{one.median:.4f}",
            "interquartile mean": _with_interval(f"{one.interquartile_mean:.4f}", one.interval, ".4f"),
            "best": f"{one.best_accuracy:.4f}",
            "epochs to target": _epochs(one),
            "steps": f"{one.steps_to_target:g}" if math.isfinite(one.steps_to_target) else "",
            "seconds": f"{one.seconds_to_target:.1f}" if math.isfinite(one.seconds_to_target) else "",
            "reached": f"{one.reached} of {one.seeds}",
            "diverged": one.diverged,
            "failed": one.failed,
        }
        for rank, one in enumerate(comparison.contenders, start=1)
    ]


def test_sentences(test: Mapping[str, float] | None) -> list[str]:
    """Return what the test split says of the chosen setting, in a sentence, if it was asked."""
    if not test:
        return []
    seeds = f"{test['seeds']:g} seed{'' if test['seeds'] == 1 else 's'}"
    accuracy = f"{test['test/accuracy']:.4f}"
    return [f"On the test split, which only this setting has seen: accuracy {accuracy}, the median of {seeds}."]


def _page(comparison: Comparison, facts: ReportFacts, figures: Mapping[str, Markup]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        comparison=comparison,
        facts=facts,
        tested=test_sentences(facts.test),
        figures=figures,
        rows=table_rows(comparison),
        colours=[_colour(contender, comparison.contenders) for contender in comparison.contenders],
        versions=", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items())),
    )


def _colour(contender: Contender, contenders: Sequence[Contender]) -> str:
    return str(style_of(contender, contenders)["color"])


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _final(trial: dict[str, Any]) -> dict[str, Any]:
    """Add the value of the last epoch to each list of epochs."""
    names = ("train_loss", "validation_accuracy")
    return {**{f"final_{name}": trial[name][-1] if trial[name] else None for name in names}, **trial}


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _epochs(one: Contender) -> str:
    if math.isinf(one.epochs_to_target):
        return NOT_REACHED
    return _with_interval(f"{one.epochs_to_target:g}", one.epochs_interval, "g")


def _with_interval(value: str, interval: tuple[float, float] | None, form: str) -> str:
    if interval is None:
        return value
    ends = ", ".join(format(end, form) if math.isfinite(end) else NOT_REACHED for end in interval)
    return f"{value} [{ends}]"
