"""Train one model: prepare, build, compile, fit, evaluate, as a DAG, recorded in one MLflow run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows.lifecycle.flow_run import claimed_run, flow_run_page, run_claimed
from flows.lifecycle.prefect_artifacts import publish_result
from flows.lifecycle.resume import bound_dataset, given_to_flow, resumed, tell_of_unknown_threads
from flows.lifecycle.retry import begun_before, retried_if_it_may_pass
from flows.lifecycle.run_names import name_from
from flows.lifecycle.tracked_flow_run import tracked_flow_run
from flows.lifecycle.train_result import TrainResult, train_result
from flows.parameters.signature import flat_signature
from flows.parameters.train import TrainParameters
from tasks.building.weights_source import require_weights
from tasks.data.class_counts import tell_of_imbalance
from tasks.data.leaks import caution_tags
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.inspect import record_dataset_page
from tasks.tracking import mlflow_client
from tasks.tracking.run import resumable
from tasks.tracking.stored_run import STUDY_TAG
from tasks.training.device import select_device
from tasks.training.ending import require_validation_images
from tasks.training.gathered_batches import require_an_update
from tasks.training.threads import use_threads


def run_train(parameters: TrainParameters) -> TrainResult:
    """Run the flow `train` under a claim made beforehand, by which its flow run is found should it be killed."""
    with claimed_run(parameters.resume, _directory_of) as claimed:
        result = TrainResult.model_validate(run_claimed(train, parameters.model_dump(), claimed))
        return result.model_copy(update={"missing": claimed.missing})


# Parameters are validated by `flat_signature`, in this pipeline's own words; pydantic's would come first otherwise.
@flow(name="train", flow_run_name=name_from(TrainParameters), validate_parameters=False)
@retried_if_it_may_pass
@flat_signature(TrainParameters)
def train(parameters: TrainParameters) -> TrainResult:
    """Train one model and record it in MLflow, epoch by epoch."""
    # Here, with TensorFlow: a worker that cancels a run loads the flow for its hooks, and the page waits for that.
    from tasks.building.own_checks import sound_sources
    from tasks.evaluate import Evaluation, evaluate_model
    from tasks.fit import fit_model
    from tasks.model import build_model, compile_model
    from tasks.predict import predict_validation

    resume = parameters.resume or begun_before("train", _directory_of)
    p = resumed({**given_to_flow(parameters), "resume": resume}) if resume else parameters
    use_threads(p.threads)
    device = select_device(p.device, p.precision)
    experiment_id = mlflow_client.open_experiment(p.experiment)
    require_weights(p.weights)
    bound = bound_dataset(p.resume)
    sources = sound_sources(p.named(), p.resume, p.recipe())
    prepared = prepare_dataset(p.dataset, **p.preparation(), **p.only("data_dir", "download"), bound=bound)
    require_validation_images(prepared, **p.only("keep", "patience"))
    tell_of_imbalance(prepared, p.metric)
    steps = prepared.steps_per_epoch(p.batch_size, p.repeat)
    require_an_update(p.accumulate, batches=p.epochs * steps)
    tags = {"device": device, "steps_per_epoch": str(steps), **_tags(p, prepared)}
    how: Any = {"directory_of": _directory_of, "sources": sources}
    with tracked_flow_run("train", p, experiment_id, prepared, tags, **how) as (claimed, run):
        if STUDY_TAG not in claimed.tags:  # else the comparison has it
            record_dataset_page(prepared, run.run_id)
        initial = build_model(p.model, prepared, run.directory, **p.building(), device=device, run_id=run.run_id)
        compiled = compile_model(initial, run.directory, **p.recipe(), steps_per_epoch=steps, device=device)
        fitted = fit_model(compiled, prepared, run.run_id, run.directory, **p.fitting(), device=device)
        completed, ran = fitted.outcome == "completed", (fitted.model, prepared, run.run_id)
        asked = completed and p.keep_predictions and prepared.examples["validation"] > 0
        validated = predict_validation(*ran, device=device) if asked else ()
        tests = completed and p.test
        tested = evaluate_model(*ran, **p.only("keep_predictions"), device=device) if tests else Evaluation()
        result = train_result(p, prepared, run, fitted, tested.metrics)
        publish_result(p.display_name(), result, {"validation": validated, "test": tested.classes})
        claimed.result = result
    return result


def _tags(p: TrainParameters, prepared: PreparedDataset) -> dict[str, str]:
    return {
        "mlflow.note.content": f"[Prefect flow run]({flow_run_page()})",  # MLflow shows tags without links
        **caution_tags(prepared),
        **(tell_of_unknown_threads(p.resume, p.threads) if p.resume else {}),
    }


def _directory_of(run_id: str) -> Path:
    return resumable(run_id)[0]
