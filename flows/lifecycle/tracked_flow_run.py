"""The MLflow run of a flow run: opened under a claim, with tags and a link by which each finds the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from prefect.runtime import flow_run

from flows.lifecycle.crashed_flow_runs import FLOW_RUN_TAG, TRY_TAG, untag
from flows.lifecycle.flow_run import claimed_run, flow_run_page
from flows.lifecycle.prefect_artifacts import publish_link
from flows.lifecycle.run_names import run_name
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters
from tasks.building.own_code import Sources, keep_sources, store_now
from tasks.data.bound_dataset import BoundDataset
from tasks.data.prepared import PreparedDataset
from tasks.tracking import record
from tasks.tracking.claim import Claim
from tasks.tracking.run import TrackedRun, tracked_run
from tasks.tracking.stored_run import DATASET_TAG, FLOW_TAG


@contextmanager
def tracked_flow_run(
    flow: Literal["train", "compare"],
    p: TrainParameters | CompareParameters,
    experiment_id: str,
    prepared: PreparedDataset,
    tags: Mapping[str, str],
    *,
    directory_of: Callable[[str], Path],
    sources: Sources,
) -> Iterator[tuple[Claim, TrackedRun]]:
    """Hold the directory of a flow's run, new or to be resumed, and yield it with the run in MLflow.

    Args:
        flow: Its name.
        p: Its parameters.
        experiment_id: Where a new run is made.
        prepared: What it works on, recorded as its input.
        tags: Beside those of every run.
        directory_of: From the MLflow run to be resumed to its directory.
        sources: Code of a person's own, of which the run gets a copy.
    """
    described = {**_tags(flow, prepared), **tags}
    with (
        claimed_run(p.resume, directory_of) as claimed,
        tracked_run(
            *(claimed, experiment_id, run_name(p), p.recorded(), described),
            dataset=BoundDataset.of(prepared),
            resumed=p.resume,
            trains=flow == "train",
        ) as run,
    ):
        untag(claimed.directory)
        publish_link(run.url)
        record.log_dataset(run.run_id, prepared)
        # That of a comparison is there for workers on other machines before there are any.
        keep_sources(sources, run.run_id, run.directory, put=record.log_content if flow == "train" else store_now)
        yield claimed, run


def _tags(flow: str, prepared: PreparedDataset) -> dict[str, str]:
    return {
        FLOW_TAG: flow,
        FLOW_RUN_TAG: flow_run.id or "",
        TRY_TAG: str(flow_run.run_count),
        "prefect.flow_run_url": flow_run_page(),
        DATASET_TAG: prepared.digest,
        "mlflow.source.name": f"flows/{flow}.py",
    }
