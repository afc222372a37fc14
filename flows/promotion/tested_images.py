"""What a model said of the test images: read from its run, or asked of the model, once, where that has not kept it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from flows.lifecycle.resume import BEFORE
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from flows.promotion.candidate import Champion, IncomparableError, classes_of
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.terminal.messages import quiet_start
from tasks.tracking import mlflow_files, record
from tasks.tracking.kept_predictions import TEST_PREDICTIONS_FILE, KeptPredictions, unpacked
from tasks.tracking.stored_run import StoredRun, require_not_deleted


def said_by(run: StoredRun) -> KeptPredictions:
    """Return what the model of a run says of its test images.

    A trial of a comparison may not have been asked, and an older run has not kept it. Then it is asked now, and the run
    keeps that, as `evaluate_model` does.

    Raises:
        InputError: it has kept nothing, and its test images are not on this machine, or it is deleted.
    """
    if kept := _kept(run):
        return kept
    require_not_deleted(run)
    prepared = _prepared(run)
    if prepared is None:
        raise InputError(
            f"run: run {run.run_id} has not kept what its model says of the test images ({TEST_PREDICTIONS_FILE}), and "
            f"these are not on this machine as they were prepared for it{_place(run)}; put them back, or promote where "
            "they are"
        )
    task_log().info("Run %s has kept no predictions of its test images: its model is asked, once.", run.run_id)
    _evaluate(run, prepared)
    kept = _kept(run)
    if kept is None:
        raise InputError(f"run: run {run.run_id} does not keep what its model says of the test images")
    return kept


def champion_said(champion: Champion, run: StoredRun, said: KeptPredictions, name: str) -> KeptPredictions:
    """Return what the model in use says of the test images of ``run``, of which the new one has ``said`` something.

    Raises:
        IncomparableError: the new run has other test images, and the model in use cannot be asked about them.
    """
    if champion.run is None:
        raise IncomparableError(f"the run of version {champion.version} of {name!r} is not known, or was deleted")
    if champion.run.short_digest == run.short_digest:
        try:
            kept = said_by(champion.run)
        except InputError as error:
            raise IncomparableError(str(error)) from None
    else:
        kept = _asked(champion.run, run)
    if not np.array_equal(kept.example, said.example) or not np.array_equal(kept.label, said.label):
        raise IncomparableError(f"runs {run.run_id} and {champion.run.run_id} kept predictions of other test images")
    return kept


def _kept(run: StoredRun) -> KeptPredictions | None:
    content = mlflow_files.read_file(run.run_id, TEST_PREDICTIONS_FILE)
    try:
        return unpacked(content) if content else None
    except ValueError as damage:
        task_log().warning("The file %s of run %s is not used: %s.", TEST_PREDICTIONS_FILE, run.run_id, damage)
        return None


def _asked(old: StoredRun, run: StoredRun) -> KeptPredictions:
    """Return what the model of one run, which was trained on other data, says of the test images of another."""
    why = (
        f"run {run.run_id} was tested on other data (digest {run.short_digest}) than run {old.run_id}, which is in use "
        f"(digest {old.short_digest})"
    )
    if old.image_shape != run.image_shape or classes_of(old) != classes_of(run):
        shapes = [" x ".join(map(str, each.image_shape)) or "unknown" for each in (run, old)]
        raise IncomparableError(f"{why}, and its model takes other images ({shapes[1]}, and not {shapes[0]})")
    if (prepared := _prepared(run)) is None:
        raise IncomparableError(f"{why}, and the test images of run {run.run_id} are not on this machine{_place(run)}")
    task_log().info(
        "The model in use was tested on other data: it is asked about the test images of the new one, "
        "some of which it may have trained on."
    )
    try:
        with _compiled(old, prepared) as (model, device):
            from tasks.evaluate import ask_test_images

            return ask_test_images(model, prepared, device=device)
    except InputError as error:
        raise IncomparableError(f"{why}, and its model cannot be asked: {error}") from None


def _evaluate(run: StoredRun, prepared: PreparedDataset) -> None:
    """Have a run's stored model asked, and the run keep what it says; and the metrics, unless it has them."""
    with _compiled(run, prepared) as (model, device):
        from tasks.evaluate import ask_test_images, evaluate_model

        if run.tested() is None:
            evaluate_model.fn(model, prepared, run.run_id, keep_predictions=True, device=device)
        else:  # of an older version, or the process was killed here
            said = ask_test_images(model, prepared, device=device)
            record.log_content(run.run_id, said.packed(), TEST_PREDICTIONS_FILE)


@contextmanager
def _compiled(run: StoredRun, prepared: PreparedDataset) -> Iterator[tuple[Path, Any]]:
    """Yield the model that a run has stored, with its loss, and the device to ask it on."""
    parameters = _parameters(run)
    with quiet_start():  # with TensorFlow
        from flows.comparison.trial import compiled_model
        from tasks.training.device import select_device
        from tasks.training.threads import use_threads

        use_threads(parameters.threads)
        device = select_device("auto")
    with TemporaryDirectory() as name:
        yield compiled_model(run.run_id, parameters, prepared, Path(name), device=device), device


def _parameters(run: StoredRun) -> TrainParameters:
    """Return the parameters of a run, of which MLflow has the texts."""
    given = {name: None if text == "None" else text for name, text in run.parameters.items()}
    known = {name: value for name, value in given.items() if name in TrainParameters.model_fields}
    try:
        return validated(TrainParameters, {**BEFORE, **known})
    except InputError as error:
        raise InputError(f"run: the model of run {run.run_id} cannot be asked again: {error}") from error


def _prepared(run: StoredRun) -> PreparedDataset | None:
    return run.datasets[0].prepared_copy() if run.datasets else None


def _place(run: StoredRun) -> str:
    return f" ({str(run.datasets[0].directory)!r})" if run.datasets else ""
