"""The commands. Nothing heavy is imported before it is needed, so that help answers at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.options import command_of
from flows.command_line.session import in_session
from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.terminal.messages import quiet_start, say, take_over_logging

if TYPE_CHECKING:
    from flows.comparison.conclusion import CompareResult
    from flows.lifecycle.train_result import TrainResult

DONE = 0


def train(*, json: Annotated[bool, Parameter(negative="")] = False, **given: Any) -> int:
    """Train one model and record it in MLflow.

    Args:
        json: Print one JSON object on standard output, and everything else on standard error.
        **given: The parameters, as typed.
    """
    parameters = validated(TrainParameters, given)
    console = Console(stderr=json)
    if parameters.resume:
        from flows.lifecycle.resume import resumed

        parameters = resumed(given)
    say(console, parameters.banner())
    result = in_session(console, lambda: _load_train(parameters))
    if json:
        print(result.model_dump_json())
    say(
        console,
        f"\n{result.summary()}\n\nMLflow run   {result.run_url}\nPrefect run  {result.flow_run_url}\n"
        "Look at them with: make ui",
    )
    return DONE


def _load_train(parameters: TrainParameters) -> Callable[[], TrainResult]:
    from flows.train import run_train
    from tasks.training.device import select_device

    select_device(parameters.device)
    return partial(run_train, parameters)


def compare(
    *,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    **given: Any,
) -> int:
    """Find out which optimizer, loss and settings are best: train with each of them, side by side.

    Args:
        dry_run: Say what would run, and about how long it would take, and no more.
        json: Print one JSON object on standard output, and everything else on standard error.
        **given: The parameters, as typed; several values are separated by commas.
    """
    parameters = validated(CompareParameters, given)
    console = Console(stderr=json)
    if parameters.resume:
        from flows.comparison.stored_study import resumed_study

        parameters = resumed_study(given)
    say(console, parameters.banner())
    if dry_run:
        say(console, _estimate(console, parameters))
        return DONE
    if not parameters.dask_address:
        from flows.workers.fork_server import start_fork_server

        with quiet_start():
            start_fork_server()  # it imports while this process does
    result = in_session(console, lambda: _load_compare(parameters))
    if json:
        print(result.model_dump_json())
    say(
        console,
        f"\n{result.summary()}\n\nThe whole answer  {result.page}\nMLflow run        {result.run_url}\n"
        f"Prefect run       {result.flow_run_url}\nLook at them with: make ui",
    )
    return DONE


def _load_compare(parameters: CompareParameters) -> Callable[[], CompareResult]:
    from flows.compare import run_compare
    from tasks.training.device import usable_gpus

    usable_gpus(parameters.device)  # with TensorFlow, where there may be any
    return partial(run_compare, parameters)


def _estimate(console: Console, parameters: CompareParameters) -> str:
    with quiet_start():
        from flows.comparison.estimate import estimate

        take_over_logging(console)
        return estimate(parameters)


def report(study: str, /, *, output: Path | None = None) -> int:
    """Make the page and the tables of a comparison again, from the MLflow store alone.

    Args:
        study: The MLflow run of the comparison.
        output: The folder to write to; none: reports/STUDY.
    """
    from flows.comparison.conclusion import report

    console = Console()
    take_over_logging(console)
    result, _, _ = report(study, output)
    say(console, f"{result.summary()}\n\nThe whole answer  {result.page}")
    return DONE


def reconcile(
    *, host: Annotated[str | None, Parameter(help="Close the runs of this host, which is gone.")] = None
) -> int:
    """Close the runs whose process is gone, and send what they could not send.

    Each start of a training does that too. Runs that go on, and those of other hosts, are left alone.
    """
    console = Console()

    from flows.servers.prefect_api import prefect_api

    with prefect_api() as wait_until_it_answers:
        from flows.lifecycle.reconcile import reconcile

        take_over_logging(console)
        wait_until_it_answers()
        with quiet_start():  # a model that is sent needs TensorFlow
            done = reconcile(host)
    say(console, "\n".join(done) or "Nothing to close: no process has left anything open.")
    return DONE


def ui(*, host: str = "127.0.0.1", prefect_port: int = 4200, mlflow_port: int = 5000) -> int:
    """Start the Prefect and the MLflow server, and print where they are.

    Training prints addresses with the default ports.

    Args:
        host: Where they listen: this machine alone, or 0.0.0.0 for all that can reach it, who need a password then.
        prefect_port: The port of the Prefect server.
        mlflow_port: The port of the MLflow server.
    """
    from flows.servers.ui import serve

    console = Console()
    take_over_logging(console)
    try:
        serve(console, host=host, prefect_port=prefect_port, mlflow_port=mlflow_port)
    except KeyboardInterrupt:  # the way to end it
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the servers are being stopped
    return DONE


def deploy() -> int:
    """Make the work pool and the deployments of prefect.yaml, on the Prefect server that is configured or running."""
    from flows.servers.deploy import deploy

    deploy(Console())
    return DONE


def worker(*, limit: int = 1) -> int:
    """Run what is asked of the deployments, until it is interrupted.

    Args:
        limit: Flow runs at a time. More than one share the cores, and the GPU.
    """
    from flows.servers.deploy import work

    work(limit)
    return DONE


COMMANDS: dict[str, Callable[..., int]] = {
    "train": command_of(TrainParameters, train),
    "compare": command_of(CompareParameters, compare),
    "report": report,
    "reconcile": reconcile,
    "ui": ui,
    "deploy": deploy,
    "worker": worker,
}
