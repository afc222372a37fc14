"""Whether a cluster that runs already can run trials: its scheduler and each of its workers are asked beforehand."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Client

from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client
from tasks.tracking.store import tracking_uri

ROOT = Path(__file__).parents[2]
OUR_PACKAGES = ("flows", "tasks", "models", "study", "served_model")
PACKAGES = ("tensorflow", "keras", "numpy", "prefect", "mlflow")  # what trials need the same of
# A text, evaluated there: a function would have to be imported there to be called, which is what is to be found out.
QUESTION = "__import__('flows.workers.worker_check', fromlist=['described']).described({uri!r}, {study!r})"
START = "start it with this checkout on its PYTHONPATH, in an environment made from the same requirements.txt"


def require_fit_cluster(client: Client, study: str) -> None:
    """Raise InputError if the scheduler or a worker of a cluster cannot run trials of a comparison as this one does.

    Args:
        client: Of the cluster.
        study: The MLflow run of the comparison, which every worker has to find.
    """
    faults = faults_of(client, sorted(client.nthreads()), study)
    try:  # it takes each trial apart before it hands it on
        client.run_on_scheduler(eval, "__import__('flows.comparison.worker_tasks')")
    except Exception as error:  # noqa: BLE001 - whatever stops it is told
        faults.insert(0, f"the Dask scheduler cannot read a trial ({_in_words(error)}); {START}")
    if faults:
        raise InputError("\n".join(f"dask_address: {fault}" for fault in faults))


def faults_of(client: Client, workers: Sequence[str], study: str) -> list[str]:
    """Return what keeps the workers at these addresses from running trials, in words; nothing if they all can.

    Trials of one comparison are to differ in their parameters alone, so a worker has to have what this process has.
    """
    here, threads = described(), client.nthreads(list(workers))
    question = QUESTION.format(uri=tracking_uri(), study=study)
    answers: dict[str, Any] = client.run(eval, question, workers=list(workers), on_error="return")
    return [
        f"the Dask worker {address} {fault}"
        for address, answer in answers.items()
        for fault in _faults(answer, here, threads.get(address, 1))
    ]


def described(uri: str | None = None, study: str | None = None) -> dict[str, str]:
    """Return what a training's numbers depend on beside its parameters: Python, packages, and a digest of our code.

    Raises:
        InputError: the run ``study`` of the store at ``uri`` cannot be read from here.
    """
    if uri and study:
        os.environ["MLFLOW_TRACKING_URI"] = uri
        mlflow_client.get_run(study)
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, **{name: version(name) for name in PACKAGES}, "this pipeline": _digest_of_code()}


@cache
def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for package in OUR_PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _faults(answer: Mapping[str, str] | Exception, here: Mapping[str, str], threads: int) -> Iterator[str]:
    if isinstance(answer, Exception):
        yield f"cannot run a trial ({_in_words(answer)}); {START}"
        return
    for name, value in here.items():
        if answer.get(name) != value:
            yield f"has {name} {answer.get(name)}, and this comparison {value}; {START}"
    if threads > 1:
        yield (
            f"has {threads} threads, but TensorFlow's threads are set for a process, so a trial needs its own; "
            "start it with --nthreads 1, and more workers for more trials at a time (--nworkers)"
        )


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
