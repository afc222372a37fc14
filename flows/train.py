"""Train one model: prepare, build, compile, fit, evaluate, as a DAG, recorded in one MLflow run."""

from __future__ import annotations

from contextlib import AbstractContextManager

from prefect import flow
from prefect.runtime import flow_run

from flows.lifecycle.flow_run import claimed_run, name_from, run_claimed
from flows.lifecycle.prefect_artifacts import publish_link, publish_result
from flows.lifecycle.reconcile import FLOW_RUN_TAG
from flows.lifecycle.resume import given_to_flow, resumed
from flows.lifecycle.train_result import TrainResult
from flows.parameters.signature import flat_signature
from flows.parameters.train import TrainParameters
from tasks.dataset import prepare_dataset
from tasks.evaluate import evaluate_model
from tasks.fit import fit_model
from tasks.model import build_model, compile_model
from tasks.tracking import mlflow_client, record
from tasks.tracking.claim import Claim
from tasks.tracking.run import resumable, tracked_run
from tasks.tracking.stored_run import FLOW_TAG
from tasks.training.device import select_device


def run_train(parameters: TrainParameters) -> TrainResult:
    """Run the flow `train` under a claim made beforehand, by which its flow run is found should it be killed."""
    with _claimed(parameters.resume) as claimed:
        return TrainResult.model_validate(run_claimed(train, parameters.model_dump(), claimed))


def _claimed(resume: str | None) -> AbstractContextManager[Claim]:
    return claimed_run(resume, lambda run_id: resumable(run_id)[0])


# Parameters are validated by `flat_signature`, in this pipeline's own words; pydantic's would come first otherwise.
@flow(name="train", flow_run_name=name_from(TrainParameters), validate_parameters=False)
@flat_signature(TrainParameters)
def train(parameters: TrainParameters) -> TrainResult:
    """Train one model and record it in MLflow, epoch by epoch."""
    p = resumed(given_to_flow(parameters)) if parameters.resume else parameters
    device = select_device(p.device)
    experiment_id = mlflow_client.open_experiment(p.experiment)
    prepared = prepare_dataset(
        p.dataset, **p.only("image_size", "validation_fraction", "limit_examples", "data_dir", "download")
    )
    links = {"flow_run_id": flow_run.id or "", "flow_run_url": flow_run.ui_url or ""}
    steps = prepared.steps_per_epoch(p.batch_size, p.repeat)
    described = {
        FLOW_TAG: "train",
        "device": device,
        "steps_per_epoch": str(steps),
        FLOW_RUN_TAG: links["flow_run_id"],
        "prefect.flow_run_url": links["flow_run_url"],
        "mlflow.note.content": f"[Prefect flow run]({links['flow_run_url']})",  # MLflow shows tags without links
    }
    with (
        _claimed(p.resume) as claimed,
        tracked_run(claimed, experiment_id, p.display_name(), p.recorded(), described, resumed=p.resume) as run,
    ):
        publish_link(run.url)
        record.log_dataset(run.run_id, prepared)
        initial = build_model(p.model, prepared, run.directory, seed=p.seed, device=device)
        compiled = compile_model(
            initial,
            run.directory,
            **p.recipe(),
            steps_per_epoch=steps,
            device=device,
        )
        fitted = fit_model(
            compiled,
            prepared,
            run.run_id,
            run.directory,
            **p.only("epochs", "batch_size", "shuffle", "repeat", "seed", "print_every"),
            device=device,
        )
        test = {}
        if fitted.outcome == "completed" and p.test:
            test = evaluate_model(fitted.model, prepared, run.run_id, device=device)
        result = TrainResult(
            parameters=p.recorded(),
            run_id=run.run_id,
            experiment_id=experiment_id,
            run_url=run.url,
            **links,
            outcome=fitted.outcome,
            reason=fitted.reason,
            epochs=fitted.epochs,
            best=fitted.best,
            test=test,
            dataset_digest=prepared.digest,
            seconds=fitted.seconds,
        )
        publish_result(p.display_name(), result)
        claimed.result = result
    return result
