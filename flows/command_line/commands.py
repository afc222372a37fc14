"""The commands. Nothing heavy is imported before it is needed, so that help answers at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.compare_command import compare
from flows.command_line.export_command import export
from flows.command_line.inspect_command import inspect
from flows.command_line.mistakes_command import mistakes
from flows.command_line.options import command_of
from flows.command_line.predict_command import predict
from flows.command_line.promote_command import promote
from flows.command_line.serve_command import serve
from flows.command_line.session import DONE
from flows.command_line.train_command import train
from flows.parameters.compare import CompareParameters
from flows.parameters.inspect import InspectParameters
from flows.parameters.train import TrainParameters
from tasks.foundation.writable import require_writable_folder
from tasks.terminal.messages import quiet_start, say, take_over_logging


def report(study: str, /, *, output: Path | None = None) -> int:
    """Make the page and the tables of a comparison again, from the MLflow store alone.

    Args:
        study: The MLflow run of the comparison.
        output: The folder to write to; none: reports/STUDY.
    """
    if output:
        require_writable_folder("output", output)
    from flows.comparison.answer import report

    console = Console()
    take_over_logging(console)
    result, _, _ = report(study, output)
    say(console, f"{result.summary()}\n\nThe whole answer  {result.page}")
    return DONE


def reconcile(
    *,
    host: Annotated[str | None, Parameter(help="Close the runs of this host too, which is gone.")] = None,
    again: Annotated[bool, Parameter(negative="", help="Send what MLflow refused once more.")] = False,
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
            done = reconcile(host, again=again)
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
    "inspect": command_of(InspectParameters, inspect, first="dataset"),
    "predict": predict,
    "export": export,
    "report": report,
    "mistakes": mistakes,
    "promote": promote,
    "reconcile": reconcile,
    "serve": serve,
    "ui": ui,
    "deploy": deploy,
    "worker": worker,
}
