"""What the trials of a comparison came to, as the store has it, and which of them are to run next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from flows.comparison.kept_predictions import validation_outcome
from flows.comparison.stored_study import find_trials
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import training_of
from flows.parameters.train import TrainParameters
from study.comparison import Trial
from study.metric import Metric
from study.number_formats import counted
from study.plan import FIRST_CONFIRM_SEED, Plan, Round
from study.rounds import next_round
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import TRIAL_TAG, StoredRun

HISTORIES = ("train/loss", "validation/accuracy", "epoch_seconds")


class Asked(NamedTuple):
    """A training that a comparison asks for, and the round that it belongs to."""

    round: Round
    parameters: TrainParameters


def next_trials(p: CompareParameters, study: str, plan: Plan, failed: Iterable[TrainParameters] = ()) -> list[Asked]:
    """Return the trainings that a comparison is to run now.

    Args:
        p: What is compared.
        study: Its MLflow run, from which it is known which trials have ended.
        plan: What was asked, with the number of images.
        failed: Those that failed since this process began: they count as ended, and all others that failed do not.
    """
    ended = [trial for trial in read_trials(find_trials(study)) if trial.outcome != "failed"]
    planned = next_round(plan, [*ended, *map(_without_result, failed)])
    return [Asked(trial.round, training_of(p, trial, redraws=plan.redraws)) for trial in planned]


def read_trials(runs: Iterable[StoredRun]) -> list[Trial]:
    """Return what the trials came to. Those that were interrupted, or go on, are left out: they came to nothing yet."""
    ended = _on_one_dataset([run for run in runs if run.status in ("FINISHED", "FAILED")])
    # Of a trial that was started anew after it failed, the run that finished counts.
    by_trial = {run.tags[TRIAL_TAG]: run for run in sorted(ended, key=lambda run: run.status == "FINISHED")}
    return [_read_trial(run) for run in by_trial.values()]


def _without_result(parameters: TrainParameters) -> Trial:
    given = parameters.only("optimizer", "loss", "batch_size", "learning_rate", "seed")
    nothing: dict[str, Any] = {"steps_per_epoch": 0, "train_loss": (), "validation_accuracy": (), "epoch_seconds": ()}
    return Trial(run_id="", outcome="failed", **given, **nothing)


def _on_one_dataset(runs: list[StoredRun]) -> list[StoredRun]:
    """Return the runs on the data that most of them have trained on, should older versions have let them differ."""
    digests = Counter(digest for run in runs if (digest := _digest_of_data(run)))
    if len(digests) <= 1:
        return runs
    (most, _), *others = digests.most_common()
    task_log().warning(
        "%s of this comparison trained on other data (digests %s) than most (%s): left out.",
        *(counted(sum(count for _, count in others), "trial"), ", ".join(digest for digest, _ in others), most),
    )
    return [run for run in runs if _digest_of_data(run) in (most, "")]


def _digest_of_data(run: StoredRun) -> str:
    return run.datasets[0].digest if run.datasets else ""


def _read_trial(run: StoredRun) -> Trial:
    given, seed = run.parameters, int(run.parameters["seed"])
    finished = run.status == "FINISHED"
    metric = metric_of(given)
    return Trial(
        run_id=run.run_id,
        optimizer=given["optimizer"],
        loss=given["loss"],
        batch_size=int(given["batch_size"]),
        learning_rate=float(given["learning_rate"]),
        seed=seed,
        outcome=run.tags["outcome"] if finished else "failed",  # type: ignore[arg-type]  # validated
        reason=run.tags.get("reason", ""),
        steps_per_epoch=int(run.tags["steps_per_epoch"]),
        keep=given.get("keep", "last"),  # type: ignore[arg-type]  # validated when it was begun
        validated=validation_outcome(run.run_id, metric) if finished and seed >= FIRST_CONFIRM_SEED else None,
        **(_finished_histories if finished else _histories)(run.run_id, metric),
    )


def metric_of(parameters: Mapping[str, str]) -> Metric:
    """Return the metric that a trial is about, given its parameters; those of older versions are about accuracy."""
    metric: Metric = parameters.get("metric", "accuracy")  # type: ignore[assignment]  # validated when it was begun
    return metric


def _histories(run_id: str, metric: Metric) -> dict[str, tuple[float, ...]]:
    own = {} if metric == "accuracy" else {"validation_score": f"validation/{metric}"}
    names = {**{name.replace("/", "_"): name for name in HISTORIES}, **own}
    return {field: mlflow_client.metric_history(run_id, name) for field, name in names.items()}


# Each round asks for all of them again, and what has finished does not change.
_finished_histories = cache(_histories)
