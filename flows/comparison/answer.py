"""What follows from a comparison: from the store to its page, its tables, and the records of both servers."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.comparison.stored_study import (
    CONCLUDED,
    EXAMPLES_TAG,
    find_trials,
    open_study,
    read_trials,
    stored_parameters,
)
from flows.comparison.study_metrics import study_metrics
from flows.lifecycle.prefect_artifacts import publish_comparison
from flows.parameters.compare import CompareParameters
from flows.parameters.shared import SharedParameters
from study.comparison import Comparison, Contender
from study.statistics import compare_trials
from study.verdict import incomplete
from tasks.report.page import FILES, ReportFacts, summary_markdown, table_rows, test_sentences, write_report
from tasks.tracking import mlflow_client, record
from tasks.tracking.store import comparison_url, run_url, trials_url
from tasks.tracking.stored_run import FLOW_TAG, StoredRun, resume_command

REPORTS = Path("reports")


class CompareResult(BaseModel):
    """What a comparison came to.

    Attributes:
        study: The MLflow run of the comparison; its page is ``run_url``.
        flow_run_url: The page of the Prefect flow run.
        trials: How many were planned, and how many of them completed, diverged and failed.
        incomplete: Which of them have no result yet, and what to do, in words; empty if all have one.
        verdict: What follows, a sentence each.
        cautions: What does not follow, a sentence each.
        contenders: The best first.
        test: ``test/accuracy`` of the chosen setting, the median over ``seeds`` of them; none if there is no such.
        page: The report, one HTML file.
        missing: What MLflow refused of the comparison's own record, and what to do about it; empty if it has all.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    run_url: str
    flow_run_url: str
    trials: dict[str, int]
    incomplete: str
    verdict: tuple[str, ...]
    cautions: tuple[str, ...]
    contenders: tuple[Contender, ...]
    test: dict[str, float] | None
    page: Path
    missing: str = ""

    def summary(self) -> str:
        """Say what came out."""
        cautions = (f"Caution: {caution}" for caution in self.cautions)
        incomplete = [self.incomplete] if self.incomplete else []
        return "\n".join([*incomplete, *self.verdict, *test_sentences(self.test), *cautions])


def chosen_runs(comparison: Comparison) -> list[str]:
    """Return the completed runs of the best contender's setting."""
    if not comparison.contenders:
        return []
    chosen = comparison.chosen_trials(comparison.contenders[0])
    return [trial.run_id for trial in chosen if trial.outcome == "completed"]


def report(study: str, directory: Path | None = None) -> tuple[CompareResult, Comparison, ReportFacts]:
    """Work out the answer from the store alone, and write its page and tables.

    Args:
        study: The MLflow run of the comparison.
        directory: Where to; none: below ``reports/``.

    Raises:
        InputError: there is no such comparison.
    """
    run = open_study(study)
    parameters, runs = stored_parameters(run), find_trials(study)
    comparison = compare_trials(read_trials(runs), parameters.target)
    facts = _facts(run, parameters, runs, comparison)
    directory = directory or REPORTS / study
    write_report(comparison, facts, directory)
    outcomes = [trial.outcome for trial in comparison.trials]
    result = CompareResult(
        study=study,
        run_url=facts.mlflow_url,
        flow_run_url=facts.flow_run_url,
        trials={
            "planned": facts.trials_planned,
            **{outcome: outcomes.count(outcome) for outcome in ("completed", "diverged", "failed")},
        },
        incomplete=facts.incomplete,
        **{name: getattr(comparison, name) for name in ("verdict", "cautions", "contenders")},
        test=facts.test,
        page=(directory / "report.html").absolute(),
    )
    return result, comparison, facts


def conclude(study: str) -> CompareResult:
    """Work out the answer, and record it in the comparison's run and in its flow run."""
    result, comparison, facts = report(study)
    markdown = summary_markdown(comparison, facts)
    for path in (result.page.with_name(name) for name in FILES):
        if path.exists():  # not so of a picture that could not be drawn
            record.log_file(study, path)
    # A comparison may be concluded again, with trials that it lacked: each time is a step.
    step = len(mlflow_client.metric_history(study, "study/trials_planned"))
    record.log_metrics(study, study_metrics(comparison, result.trials, result.test), step=step)
    outcome = {"outcome": "incomplete" if result.incomplete else CONCLUDED, "verdict": " ".join(result.verdict)}
    note = f"{_links(result, comparison)}\n\n{markdown}"  # MLflow folds away what does not fit into a few lines
    record.set_tags(study, {**outcome, "mlflow.note.content": note})
    publish_comparison(table_rows(comparison), f"{markdown}\n\n[MLflow]({result.run_url})")
    return result


def _links(result: CompareResult, comparison: Comparison) -> str:
    """Return the addresses to which a reader goes on from the study, as Markdown."""
    best = [comparison.chosen_trials(contender)[0].run_id for contender in comparison.contenders]
    experiment = mlflow_client.get_run(result.study).experiment_id
    links = [f"[Its trials]({trials_url(experiment, result.study)})"]
    if len(best) > 1:
        links += [f"[A trial of each contender, compared]({comparison_url(experiment, best)})"]
    return " · ".join([*links, f"[Prefect]({result.flow_run_url})"])


def _facts(run: StoredRun, parameters: CompareParameters, runs: list[StoredRun], comparison: Comparison) -> ReportFacts:
    by_id, planned = {each.run_id: each for each in runs}, len(parameters.trials())
    lacking, go_on = incomplete(comparison.trials, planned), resume_command(run.run_id, {FLOW_TAG: "compare"})
    tested = [by_id[run_id].test_accuracy for run_id in chosen_runs(comparison)]
    accuracies = [accuracy for accuracy in tested if accuracy is not None]
    fixed = {name: getattr(parameters, name) for name in SharedParameters.model_fields}
    return ReportFacts(
        study=run.run_id,
        name=run.name,
        dataset=parameters.dataset,
        dataset_examples=json.loads(run.tags[EXAMPLES_TAG]),
        epochs=parameters.epochs,
        seeds=parameters.seeds,
        made_with={name: str(value) for name, value in fixed.items() if value is not None},
        test={"test/accuracy": statistics.median(accuracies), "seeds": len(accuracies)} if accuracies else None,
        mlflow_url=run_url(run.experiment_id, run.run_id),
        flow_run_url=run.tags.get("prefect.flow_run_url", ""),
        run_urls={each.run_id: run_url(each.experiment_id, each.run_id) for each in runs},
        versions={name.removeprefix("version."): run.tags[name] for name in run.tags if name.startswith("version.")},
        trials_planned=planned,
        incomplete=f"{lacking} Run what is missing: {go_on}" if lacking else "",
    )
