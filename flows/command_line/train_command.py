"""The command `train`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.session import in_session, next_steps, print_json, record_status
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.sources.dataset_names import require_known
from tasks.terminal.messages import say

if TYPE_CHECKING:
    from flows.lifecycle.train_result import TrainResult


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
    else:
        require_known(parameters.dataset, parameters.data_dir)
    say(console, parameters.banner())
    result = in_session(console, lambda: _load_train(parameters))
    if json:
        print_json(result)
    say(
        console,
        f"\n{result.summary()}\n\nMLflow run   {result.run_url}\nPrefect run  {result.flow_run_url}\n"
        "Look at them with: make ui",
    )
    if result.outcome == "completed":
        say(console, f"\n{next_steps(result.run_id)}")
    return record_status(console, result.missing)


def _load_train(parameters: TrainParameters) -> Callable[[], TrainResult]:
    from flows.train import run_train
    from tasks.training.device import select_device
    from tasks.training.threads import use_threads

    for node in (
        "tasks.model",
        "tasks.fit",
        "tasks.predict",
        "tasks.evaluate",
    ):  # with TensorFlow, while the API comes up
        import_module(node)
    use_threads(parameters.threads)
    select_device(parameters.device)  # which starts TensorFlow
    return partial(run_train, parameters)
