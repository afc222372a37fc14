"""The command `compare`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.session import DONE, INCOMPLETE, in_session, next_steps, print_json, record_status
from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from tasks.sources.dataset_names import require_known
from tasks.terminal.messages import quiet_start, say, take_over_logging

if TYPE_CHECKING:
    from flows.comparison.answer import CompareResult


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
        from flows.comparison.growth import resumed_study

        parameters = resumed_study(given)
    else:
        require_known(parameters.dataset, parameters.data_dir)
    say(console, parameters.banner())
    if dry_run:
        say(console, _estimate(console, parameters))
        return DONE
    if not parameters.dask_address and not parameters.resume:  # of that one nothing may be missing
        from flows.workers.fork_server import start_fork_server

        start_fork_server()  # it imports while this process does
    result = in_session(console, lambda: _load_compare(parameters))
    if json:
        print_json(result)
    after = f"\n\n{next_steps(result.study)}" if result.answer.take else ""
    say(
        console,
        f"\n{result.summary()}\n\nThe whole answer  {result.page}\nMLflow run        {result.run_url}\n"
        f"Prefect run       {result.flow_run_url}\nLook at them with: make ui{after}",
    )
    status = record_status(console, result.missing)
    return INCOMPLETE if result.incomplete else status


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
