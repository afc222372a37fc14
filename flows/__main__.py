"""The command line: ``python -m flows COMMAND``: how a command starts, and how whatever ends it is told."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType

from cyclopts import App, CycloptsError
from rich.console import Console

from flows.command_line.commands import COMMANDS
from flows.command_line.options import LAST_GROUP, join_truth_values
from flows.command_line.session import DONE
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters
from flows.servers.settings_fault import settings_fault
from tasks.foundation.commands import command
from tasks.foundation.errors import InputError, PlainError
from tasks.terminal.messages import say
from tasks.terminal.streams import keep_streams, start_anew_with_utf8

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
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


def _app() -> App:
    """Return the command line, with all commands."""
    app = App(
        name="python -m flows",
        group_parameters=LAST_GROUP,
        help="Tracked training experiments: train models, compare them, and look at what came out.",
        version_flags=[],
        result_action="return_value",
        suppress_keyboard_interrupt=False,  # it would end the process without a word
    )
    for name, function in COMMANDS.items():
        app.command(function, name=name)
    return app


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    errors = Console(stderr=True)
    try:
        joined = join_truth_values((TrainParameters, CompareParameters), arguments)
        status: int | None = _app()(joined, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        known = [name for name in arguments[:1] if name in COMMANDS]
        say(errors, f"{error}\nSee: {command(*known, '--help')}")
        return BAD_INPUT
    except InputError as error:
        say(errors, f"Bad input. {error}")
        return BAD_INPUT
    except PlainError as error:
        say(errors, f"The run failed. {error}")
        return FAILED
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server is being stopped
        # A second interrupt breaks off Prefect's own ending, of which Python would complain here.
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        say(errors, "Interrupted.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever ended the run is told, and the status says that it failed
        fault = settings_fault(error)
        if not fault:
            traceback.print_exc()
        say(errors, f"Bad input. {fault}" if fault else f"The run failed. {type(error).__name__}: {error}")
        return BAD_INPUT if fault else FAILED
    return DONE if status is None else status


def _leave(number: int, _frame: FrameType | None) -> None:
    """End this process so that what it began is ended too: the run is KILLED in MLflow, and servers stop."""
    raise SystemExit(SIGNALLED + number)


if __name__ == "__main__":
    start_anew_with_utf8()
    keep_streams()
    # Imports make a million objects and no garbage; looking for it after every 700 takes a fifth of their time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)  # else Python looks through all of TensorFlow for garbage on its way out, for seconds
    # Prefect says so when it is imported, and we where that matters, in words of ours.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")
    sys.exit(main(sys.argv[1:]))
