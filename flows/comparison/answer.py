"""What follows from a comparison: from the store to its page, its tables, and the records of both servers."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.comparison.report_facts import facts_of
from flows.comparison.stored_study import CONCLUDED, find_trials, open_study, stored_plan
from flows.comparison.stored_trials import read_trials
from flows.comparison.study_metrics import study_metrics
from flows.lifecycle.prefect_artifacts import publish_comparison
from study.answer import Answer
from study.comparison import Comparison, Contender
from study.metric import Metric
from study.rounds import next_round
from study.statistics import compare_trials
from tasks.report.comparison_tables import summary_markdown, table_rows, test_sentences
from tasks.report.facts import ReportFacts
from tasks.report.page import FILES, write_report
from tasks.tracking import mlflow_client, record
from tasks.tracking.store import comparison_url, trials_url
from tasks.tracking.stored_run import RECOMMENDED_TAG

REPORTS = Path("reports")


class CompareResult(BaseModel):
    """What a comparison came to.

    Attributes:
        study: The MLflow run of the comparison; its page is ``run_url``.
        flow_run_url: The page of the Prefect flow run.
        trials: How many ended, and how many of them completed, diverged and failed.
        incomplete: Which of this round have no result yet, and what to do, in words; empty if all have one.
        metric: What it is about.
        answer: What to take, and each rival's difference from the leader, in numbers.
        verdict: What follows, a sentence each.
        doubt: How far it is known, a sentence each.
        cautions: What does not follow, a sentence each.
        contenders: The leader of tuning first.
        test: ``test/accuracy``, or what else it is about, of what is recommended: the median over ``seeds`` of them;
            none if there is no such.
        page: The report, one HTML file.
        go_on: The command that makes the answer better known; empty if none does.
        missing: What MLflow refused of the comparison's own record, and what to do about it; empty if it has all.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    run_url: str
    flow_run_url: str
    trials: dict[str, int]
    incomplete: str
    metric: Metric = "accuracy"
    answer: Answer
    verdict: tuple[str, ...]
    doubt: tuple[str, ...]
    cautions: tuple[str, ...]
    contenders: tuple[Contender, ...]
    test: dict[str, float] | None
    page: Path
    go_on: str = ""
    missing: str = ""

    def summary(self) -> str:
        """Say what came out."""
        incomplete = [self.incomplete] if self.incomplete else []
        doubt = ["", "How far it is known:", *(f"  {sentence}" for sentence in self.doubt)] if self.doubt else []
        cautions = ["", *(f"Caution: {caution}" for caution in self.cautions)] if self.cautions else []
        tested = test_sentences(self.test, self.metric, confirmed=self.answer.confirmed)
        go_on = ["", f"To know it better: {self.go_on}"] if self.go_on else []
        return "\n".join([*incomplete, *self.verdict, *tested, *doubt, *cautions, *go_on])


def chosen_runs(comparison: Comparison) -> list[str]:
    """Return the completed runs of the contender to take, from which its numbers are."""
    taken = [contender for contender in comparison.contenders if contender.label == comparison.answer.take]
    trials = comparison.chosen_trials(taken[0]) if taken else []
    return [trial.run_id for trial in trials if trial.outcome == "completed"]


def report(study: str, directory: Path | None = None) -> tuple[CompareResult, Comparison, ReportFacts]:
    """Work out the answer from the store alone, and write its page and tables.

    Args:
        study: The MLflow run of the comparison.
        directory: Where to; none: below ``reports/``.

    Raises:
        InputError: there is no such comparison.
    """
    run = open_study(study)
    plan, runs = stored_plan(run), find_trials(study)
    trials = read_trials(runs)
    comparison = compare_trials(plan, trials)
    facts = facts_of(run, runs, comparison, missing=len(next_round(plan, trials)), tested=chosen_runs(comparison))
    directory = directory or REPORTS / study
    write_report(comparison, facts, directory)
    outcomes = [trial.outcome for trial in trials]
    result = CompareResult(
        study=study,
        run_url=facts.mlflow_url,
        flow_run_url=facts.flow_run_url,
        trials={
            "ended": len(trials),
            **{outcome: outcomes.count(outcome) for outcome in ("completed", "diverged", "failed")},
        },
        **{
            name: getattr(comparison, name)
            for name in ("metric", "answer", "verdict", "doubt", "cautions", "contenders")
        },
        **{name: getattr(facts, name) for name in ("incomplete", "test", "go_on")},
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
    step = len(mlflow_client.metric_history(study, "study/training_seconds"))
    record.log_metrics(study, study_metrics(comparison, result.trials, result.test), step=step)
    outcome = {"outcome": "incomplete" if result.incomplete else CONCLUDED, "verdict": " ".join(result.verdict)}
    if recommended := chosen_runs(comparison)[:1]:
        outcome[RECOMMENDED_TAG] = recommended[0]
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
