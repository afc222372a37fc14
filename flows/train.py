"""Train one model: prepare, build, compile, fit, evaluate, as a DAG, recorded in one MLflow run."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.artifacts import publish_link, publish_result
from flows.parameters import TrainParameters
from flows.result import TrainResult
from flows.signature import flat, validated
from tasks import tracking
from tasks.dataset import prepare_dataset
from tasks.device import select_device
from tasks.errors import InputError
from tasks.evaluate import evaluate_model
from tasks.fit import fit_model
from tasks.model import build_model, compile_model


def _flow_run_name() -> str:
    try:
        return validated(TrainParameters, flow_run.parameters).display_name()
    except InputError:  # the flow itself says what is wrong
        return "train with bad input"


# Parameters are validated by `flat`, in this pipeline's own words; pydantic's would come first otherwise.
@flow(name="train", flow_run_name=_flow_run_name, validate_parameters=False)
@flat(TrainParameters)
def train(parameters: TrainParameters) -> TrainResult:
    """Train one model and record it in MLflow, epoch by epoch."""
    p = parameters
    device = select_device(p.device)
    experiment_id = tracking.open_store(p.experiment)
    prepared = prepare_dataset(
        p.dataset, **p.only("image_size", "validation_fraction", "limit_examples", "data_dir", "download")
    )
    links = {"flow_run_id": flow_run.id or "", "flow_run_url": flow_run.ui_url or ""}
    tags = {"device": device} | {f"prefect.{name}": value for name, value in links.items()}
    tags["mlflow.note.content"] = f"[Prefect flow run]({links['flow_run_url']})"  # MLflow shows tags without links
    with tracking.tracked_run(experiment_id, p.display_name(), p.model_dump(), tags) as run:
        publish_link(run.url)
        tracking.log_dataset(run.run_id, prepared)
        initial = build_model(p.model, prepared, run.directory, seed=p.seed, device=device)
        compiled = compile_model(
            initial,
            run.directory,
            **p.only("loss", "label_smoothing", "smooth_l1_beta", "optimizer", "learning_rate", "weight_decay"),
            **p.only("schedule", "warmup_epochs", "epochs"),
            hyperparameters=p.optimizer_hyperparameters(),
            steps_per_epoch=prepared.steps_per_epoch(p.batch_size, p.repeat),
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
        if fitted.outcome == "completed":
            test = evaluate_model(fitted.model, prepared, run.run_id, device=device)
        result = TrainResult(
            parameters=p.model_dump(),
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
    return result
