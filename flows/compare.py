"""Compare optimizers, losses and settings: many trainings side by side, one answer."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.comparison.answer import CompareResult, conclude, report
from flows.comparison.forked_checks import require_sound
from flows.comparison.forked_preparation import prepare
from flows.comparison.growth import growth_tags, resumed_study
from flows.comparison.run_rounds import is_complete, run_rounds
from flows.comparison.scheduling import require_success
from flows.comparison.stored_study import require_weights_of_study, study_dataset, study_directory, study_tags
from flows.lifecycle.flow_run import claimed_run, run_claimed
from flows.lifecycle.resume import given_to_flow
from flows.lifecycle.retry import begun_before, retried_if_it_may_pass
from flows.lifecycle.run_names import name_from
from flows.lifecycle.tracked_flow_run import tracked_flow_run
from flows.parameters.compare import CompareParameters
from flows.parameters.signature import flat_signature
from tasks.building.own_code import own_sources
from tasks.building.weights_source import require_weights
from tasks.data.class_counts import tell_of_imbalance
from tasks.foundation.log import task_log
from tasks.inspect import record_dataset_page
from tasks.tracking import mlflow_client
from tasks.tracking.claim import held_claim
from tasks.training.gathered_batches import require_an_update

WORKERS_LOG = "workers.log"


def run_compare(parameters: CompareParameters) -> CompareResult:
    """Run the flow `compare` under a claim made beforehand, by which its flow run is found should it be killed."""
    with claimed_run(parameters.resume, study_directory) as claimed:
        claimed.given = parameters.model_dump(include=parameters.model_fields_set)
        result = CompareResult.model_validate(run_claimed(compare, parameters.model_dump(), claimed))
        return result.model_copy(update={"missing": claimed.missing})


@flow(name="compare", flow_run_name=name_from(CompareParameters), validate_parameters=False)
@retried_if_it_may_pass
@flat_signature(CompareParameters)
def compare(parameters: CompareParameters) -> CompareResult:
    """Tune each optimizer, confirm on fresh seeds which is best, and say what to take and how far that is known."""
    resume = parameters.resume or begun_before("compare", study_directory)
    p = resumed_study({**_given(parameters), "resume": resume}) if resume else parameters
    grown = growth_tags(p) if resume else {}
    if p.resume and not grown and is_complete(p):  # nothing of it is touched
        task_log().info("All trials are done.")
        with claimed_run(p.resume, study_directory) as claimed:
            claimed.result = answer = report(p.resume)[0]
        return answer
    experiment_id = mlflow_client.open_experiment(p.experiment)
    require_weights(p.weights)
    if p.resume:
        require_weights_of_study(p.resume, p.weights)
    sources = own_sources(p.named(), p.resume)
    require_sound(p, sources)
    prepared = prepare(p, study_dataset(p.resume) if p.resume else None)
    require_an_update(p.accumulate, batches=p.epochs * prepared.steps_per_epoch(max(p.batch_sizes), p.repeat))
    tell_of_imbalance(prepared, p.metric)
    tags = {**study_tags(p, prepared), **grown}
    how: Any = {"directory_of": study_directory, "sources": sources}
    with tracked_flow_run("compare", p, experiment_id, prepared, tags, **how) as (claimed, run):
        record_dataset_page(prepared, run.run_id)
        tally = run_rounds(p, run.run_id, prepared, log=run.directory / WORKERS_LOG)
        result = conclude(run.run_id)
        claimed.result = result
        require_success(tally, run.run_id, result.page)
    return result


def _given(parameters: CompareParameters) -> dict[str, Any]:
    """Return what was said: Prefect fills in defaults, but whoever holds the claim has noted it there."""
    held = held_claim()
    return held.given if held and held.given else given_to_flow(parameters)
