"""What a training run came to."""

from __future__ import annotations

from typing import Any, Literal

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict

from flows.lifecycle.flow_run import flow_run_page
from flows.parameters.train import TrainParameters
from study.metric import NAMES, Metric
from study.number_formats import counted
from tasks.data.leaks import leaks_in_words
from tasks.data.prepared import PreparedDataset
from tasks.tracking.run import TrackedRun
from tasks.training.fit_state import EpochRow, FitResult


class TrainResult(BaseModel):
    """What one training run came to.

    Attributes:
        parameters: What was asked for.
        run_id: The MLflow run; its experiment is ``experiment_id``, and its page ``run_url``.
        flow_run_id: The Prefect flow run; its page is ``flow_run_url``.
        outcome: ``diverged``: a loss or a weight turned NaN or infinite, for ``reason``; then there is no score. A
            ``completed`` one has a ``reason`` if it ended before all of its epochs.
        epochs: A row for each finished epoch.
        best: The epoch of the highest value of the metric in validation; none without validation.
        test: ``test/loss``, ``test/accuracy`` and so on; empty if the run diverged, or was not to be tested.
        dataset_digest: What it was trained on.
        leaked: How many images that judge equal one that was seen before, in words; empty: none, or it is not known.
        seconds: Spent in the fit.
        missing: What MLflow refused of the record, and what to do about it; empty if it has all.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")  # of a loss; JSON has no number for it

    parameters: dict[str, Any]
    run_id: str
    experiment_id: str
    run_url: str
    flow_run_id: str
    flow_run_url: str
    outcome: Literal["completed", "diverged"]
    reason: str
    epochs: tuple[EpochRow, ...]
    best: EpochRow | None
    test: dict[str, float]
    dataset_digest: str
    leaked: str = ""
    seconds: float
    missing: str = ""

    def summary(self) -> str:
        """Say in a sentence or two what came out."""
        if self.outcome == "diverged":
            return f"Diverged: {self.reason}. The run has no score; try a smaller learning rate."
        metric: Metric = self.parameters.get("metric", "accuracy")
        kept = f" with the weights of epoch {self.best.epoch}," if self.best and self._keeps_best else ""
        said = f"{counted(len(self.epochs), 'epoch')} in {self.seconds:.1f} s."
        if self.test:
            own = "" if metric == "accuracy" else f", {NAMES[metric]} {self.test[f'test/{metric}']:.4f}"
            loss = f"test loss {self.test['test/loss']:.4f}"
            said = f"Test accuracy {self.test['test/accuracy']:.4f}{own}, {loss},{kept} after {said}"
        if self.best:
            best = self.best.validation(metric)
            said += f" Best validation {NAMES[metric]} {best:.4f}, in epoch {self.best.epoch}."
        said += f" It {self.reason}." if self.reason else ""
        return said + (f" Caution: {self.leaked} equal an image seen in training: too good." if self.leaked else "")

    @property
    def _keeps_best(self) -> bool:
        return bool(self.parameters.get("keep") == "best")


def train_result(
    p: TrainParameters, prepared: PreparedDataset, run: TrackedRun, fitted: FitResult, test: dict[str, float]
) -> TrainResult:
    """Return what the flow run that asks came to, given its fit and the metrics of the test split."""
    return TrainResult(
        parameters=p.recorded(),
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        run_url=run.url,
        flow_run_id=flow_run.id or "",
        flow_run_url=flow_run_page(),
        outcome=fitted.outcome,
        reason=fitted.reason,
        epochs=fitted.epochs,
        best=fitted.best,
        test=test,
        dataset_digest=prepared.digest,
        leaked=leaks_in_words(prepared),
        seconds=fitted.seconds,
    )
