"""The command line: ``python -m flows train | ui``. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from pydantic.fields import FieldInfo
from rich.console import Console

from flows.parameters import TrainParameters
from flows.signature import choices_of, kind_of, validated
from flows.terminal import quiet_start, say, take_over_logging
from tasks.errors import InputError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
TRUTH_VALUES = ("true", "false", "yes", "no", "1", "0")
ENVIRONMENT = {
    # No command reports to anybody.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # TensorFlow: warnings and errors only.
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def train(*, json: bool = False, **given: Any) -> int:
    """Train one model and record it in MLflow.

    Args:
        json: Print one JSON object on standard output, and everything else on standard error.
        **given: The parameters, as typed.
    """
    given = {name: None if value == "none" else value for name, value in given.items()}
    parameters = validated(TrainParameters, given)
    console = Console(stderr=json)
    say(console, parameters.banner())

    from flows.api import prefect_api

    with prefect_api() as wait_until_it_answers:
        with quiet_start():
            from flows.artifacts import summary
            from flows.train import train
            from tasks.device import select_device
            from tasks.progress import progress_console

            select_device(parameters.device)
        take_over_logging(console)
        progress_console.set(console)
        wait_until_it_answers()
        result = train(**parameters.model_dump())
    if json:
        print(result.model_dump_json())
    say(console, f"\n{summary(result)}\n")
    say(
        console,
        f"MLflow run   {result.run_url}\nPrefect run  {result.flow_run_url}\nLook at them with: make ui",
    )
    return DONE


def ui() -> int:
    """Start the Prefect and the MLflow server on this machine, and print where they are."""
    from flows.ui import serve

    serve(Console())
    return DONE


def command_of(model: type[TrainParameters], function: Any) -> Any:
    """Give ``function``, which takes ``**given``, an option for each field of ``model``.

    Values are handed on as they were typed: the model converts and judges them, for the command line as for
    everybody else. Options that were not given are not handed on.
    """
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_option(field))
        for name, field in model.model_fields.items()
    ]

    def command(**received: Any) -> Any:
        return function(**{name: value for name, value in received.items() if value is not None})

    command.__doc__ = function.__doc__
    setattr(command, "__signature__", inspect.Signature([*options, *own]))  # noqa: B010 - as in flows.signature
    return command


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    app = App(
        name="python -m flows",
        help="Tracked training experiments: train a model, and look at what came out.",
        version_flags=[],
        result_action="return_value",
    )
    app.command(command_of(TrainParameters, train), name="train")
    app.command(ui)
    errors = Console(stderr=True)
    try:
        status: int | None = app(_join_truth_values(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        say(errors, f"{error}\nSee: python -m flows {' '.join(arguments[:1])} --help")
        return BAD_INPUT
    except InputError as error:
        say(errors, f"Bad input. {error}")
        return BAD_INPUT
    except KeyboardInterrupt:
        say(errors, "Interrupted.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever ended the run is told, and the status says that it failed
        traceback.print_exc()
        say(errors, f"The run failed. {type(error).__name__}: {error}")
        return FAILED
    return DONE if status is None else status


def _option(field: FieldInfo) -> Any:
    choices = f" [choices: {', '.join(choices_of(field))}]" if choices_of(field) else ""
    default = (
        "none"
        if field.default is None
        else str(field.default).lower()
        if field.default in (True, False)
        else field.default
    )
    help_text = f"{field.description}{choices} [default: {default}]"
    kind = kind_of(field)
    if kind is bool:
        return Annotated[bool | None, Parameter(help=help_text)]
    metavar = "CHOICE" if choices else {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    return Annotated[str | None, Parameter(help=help_text, metavar=metavar)]


def _join_truth_values(arguments: Sequence[str]) -> list[str]:
    """Join ``--download false`` to ``--download=false``: a flag of cyclopts takes a value only so."""
    flags = {
        f"--{name.replace('_', '-')}" for name, field in TrainParameters.model_fields.items() if kind_of(field) is bool
    }
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].replace("_", "-") in flags and argument.lower() in TRUTH_VALUES:
            joined[-1] += f"={argument.lower()}"
        else:
            joined.append(argument)
    return joined


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
