"""The pipeline's own fit, with metrics, monitor, checkpoints and tracking."""

from __future__ import annotations

from typing import Any

from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.dataset import prepare_dataset
from tasks.fit import fit_model
from tasks.model import build_model, compile_model
from tasks.tracking import mlflow_client
from tasks.tracking.claim import claim
from tasks.tracking.outbox import JOURNAL
from tasks.tracking.outbox_entries import ENTRY, Metrics
from tasks.tracking.run import tracked_run
from tasks.training.device import select_device
from tasks.training.threads import use_threads


def fit(given: dict[str, Any]) -> tuple[float, int]:
    """Train with these parameters.

    Returns:
        Milliseconds a step from the end of the first epoch to that of the last, and steps an epoch.
    """
    p = validated(TrainParameters, given)
    use_threads(p.threads)
    device = select_device(p.device)
    experiment_id = mlflow_client.open_experiment("benchmark")
    prepared = prepare_dataset.fn(p.dataset, **p.only("image_size", "validation_fraction"), download=False)
    steps = prepared.steps_per_epoch(p.batch_size, p.repeat)
    with claim() as claimed, tracked_run(claimed, experiment_id, "benchmark", p.recorded(), {}) as run:
        initial = build_model.fn(p.model, prepared, run.directory, **p.only("seed", "precision"), device=device)
        compiled = compile_model.fn(initial, run.directory, **p.recipe(), steps_per_epoch=steps, device=device)
        fit_model.fn(compiled, prepared, run.run_id, run.directory, **p.fitting(), device=device)
        entries = [ENTRY.validate_json(line) for line in (run.directory / JOURNAL).read_text().splitlines()]
    ends = [entry.timestamp for entry in entries if isinstance(entry, Metrics) and "train/loss" in entry.metrics]
    return (ends[-1] - ends[0]) / (p.epochs - 1) / steps, steps
