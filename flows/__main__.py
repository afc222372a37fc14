"""The command line: ``python -m flows train | reconcile | ui``. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from flows.options import command_of, join_truth_values
from flows.parameters import TrainParameters
from flows.signature import validated
from flows.terminal import quiet_start, say, take_over_logging
from tasks.errors import InputError, PlainError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
SIGNALLED = 128  # and the number of the signal, as shells have it
ENVIRONMENT = {
    # No command reports to anybody.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # MLflow prints the address of a run that ends, even where standard output is to be one JSON object.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # TensorFlow: warnings and errors only.
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def train(*, json: Annotated[bool, Parameter(negative="")] = False, **given: Any) -> int:
    """Train one model and record it in MLflow.

    Args:
        json: Print one JSON object on standard output, and everything else on standard error.
        **given: The parameters, as typed.
    """
    parameters = validated(TrainParameters, given)
    console = Console(stderr=json)
    if parameters.resume:
        from flows.resume import resumed

        parameters = resumed(given)
    say(console, parameters.banner())

    from flows.api import prefect_api

    with prefect_api() as wait_until_it_answers:
        with quiet_start():
            from flows.train import run_train
            from tasks.device import select_device
            from tasks.progress import progress_console

            select_device(parameters.device)
        take_over_logging(console)
        progress_console.set(console)
        wait_until_it_answers()
        result = run_train(parameters)
    if json:
        print(result.model_dump_json())
    say(console, f"\n{result.summary()}\n")
    say(
        console,
        f"MLflow run   {result.run_url}\nPrefect run  {result.flow_run_url}\nLook at them with: make ui",
    )
    return DONE


def reconcile(
    *, host: Annotated[str | None, Parameter(help="Close the runs of this host, which is gone.")] = None
) -> int:
    """Close the runs whose process is gone, and send what they could not send.

    Each start of a training does that too. Runs that go on, and those of other hosts, are left alone.
    """
    console = Console()

    from flows.api import prefect_api

    with prefect_api() as wait_until_it_answers:
        from flows.reconcile import reconcile

        take_over_logging(console)
        wait_until_it_answers()
        with quiet_start():  # a model that is sent needs TensorFlow
            done = reconcile(host)
    say(console, "\n".join(done) or "Nothing to close: no process has left anything open.")
    return DONE


def ui(*, prefect_port: int = 4200, mlflow_port: int = 5000) -> int:
    """Start the Prefect and the MLflow server on this machine, and print where they are.

    Training prints addresses with the default ports.

    Args:
        prefect_port: The port of the Prefect server.
        mlflow_port: The port of the MLflow server.
    """
    from flows.ui import serve

    console = Console()
    take_over_logging(console)
    try:
        serve(console, prefect_port=prefect_port, mlflow_port=mlflow_port)
    except KeyboardInterrupt:  # the way to end it
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the servers are being stopped
    return DONE


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    app = App(
        name="python -m flows",
        help="Tracked training experiments: train a model, and look at what came out.",
        version_flags=[],
        result_action="return_value",
        suppress_keyboard_interrupt=False,  # it would end the process without a word
    )
    for name, command in COMMANDS.items():
        app.command(command, name=name)
    errors = Console(stderr=True)
    try:
        status: int | None = app(join_truth_values(TrainParameters, arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        known = [name for name in arguments[:1] if name in COMMANDS]
        say(errors, f"{error}\nSee: {' '.join(['python -m flows', *known, '--help'])}")
        return BAD_INPUT
    except InputError as error:
        say(errors, f"Bad input. {error}")
        return BAD_INPUT
    except PlainError as error:
        say(errors, f"The run failed. {error}")
        return FAILED
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server is being stopped
        say(errors, "Interrupted.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever ended the run is told, and the status says that it failed
        traceback.print_exc()
        say(errors, f"The run failed. {type(error).__name__}: {error}")
        return FAILED
    return DONE if status is None else status


def _leave(number: int, _frame: FrameType | None) -> None:
    """End this process so that what it began is ended too: the run is KILLED in MLflow, and servers stop."""
    raise SystemExit(SIGNALLED + number)


COMMANDS: dict[str, Callable[..., int]] = {
    "train": command_of(TrainParameters, train),
    "reconcile": reconcile,
    "ui": ui,
}


if __name__ == "__main__":
    atexit.register(gc.freeze)  # else Python looks through all of TensorFlow for garbage on its way out, for seconds
    sys.exit(main(sys.argv[1:]))
