"""The answer of a comparison on one page, and as tables: HTML without anything from elsewhere, PNG, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from study.comparison import Comparison
from study.metric import EPOCHS, NAMES
from tasks.report.comparison_figures import MOST_BANDS, learning_curves, learning_rates
from tasks.report.comparison_tables import table_rows, test_sentences, trial_rows
from tasks.report.contender_styles import style_of
from tasks.report.drawing import html_figure, html_svg
from tasks.report.facts import ReportFacts
from tasks.report.figure_widths import NARROW
from tasks.report.forest_plot import differences, has_differences
from tasks.report.target_times import time_to_target

FIGURES: dict[str, Callable[..., Figure]] = {
    "differences": differences,
    "learning_curves": learning_curves,
    "learning_rates": learning_rates,
    "time_to_target": time_to_target,
}

FILES = (
    *("report.html", "trials.csv", "contenders.csv", "comparison.json"),
    *(f"{name}.png" for name in FIGURES),
)


def write_report(comparison: Comparison, facts: ReportFacts, directory: Path) -> tuple[Path, ...]:
    """Write the page, its figures as PNG, trials and contenders as CSV, and all of it as JSON; return what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.html": _page(comparison, facts, _figures(comparison, directory)),
        "trials.csv": _csv(trial_rows(comparison)),
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


def _figures(comparison: Comparison, directory: Path) -> dict[str, Markup]:
    """Write each picture that there is something to draw in, and return it for both widths of the page."""
    figures = {}
    for name, draw in FIGURES.items():
        path = directory / f"{name}.png"
        if name == "differences" and not has_differences(comparison):
            path.unlink(missing_ok=True)  # of an earlier page
            continue
        broad = html_figure(path, draw, comparison)
        narrow = html_svg(f"{name}-narrow", draw, comparison, NARROW)
        figures[name] = Markup('<div class="broad">{}</div><div class="narrow">{}</div>').format(broad, narrow)
    return figures


def _page(comparison: Comparison, facts: ReportFacts, figures: Mapping[str, Markup]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        comparison=comparison,
        facts=facts,
        tested=test_sentences(facts.test, comparison.metric, confirmed=comparison.answer.confirmed),
        figures=figures,
        rows=table_rows(comparison),
        trials=list(zip(comparison.trials, trial_rows(comparison), strict=True)),
        colours={one.label: style_of(one, comparison.contenders)["color"] for one in comparison.contenders},
        made=_made(facts),
        most_bands=MOST_BANDS,
        metric=NAMES[comparison.metric],
        ended_early=any(trial.reason for trial in comparison.trials if trial.outcome == "completed"),
        scored=f"{EPOCHS[comparison.keep]} validation {NAMES[comparison.metric]}",
    )


def _made(facts: ReportFacts) -> dict[str, str]:
    """Return how the answer was made, as far as that is known, by what it is called on the page."""
    made = {
        "begun": facts.made_at,
        "command": facts.command,
        "commit": facts.commit,
        "data": facts.dataset_digest,
        "machine": facts.machine,
        "study": facts.study,
        **facts.made_with,
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items())),
    }
    return {name: value for name, value in made.items() if value}


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
