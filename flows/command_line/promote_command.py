"""The command `promote`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.session import DONE, print_json
from flows.parameters.promote import PromoteParameters
from flows.parameters.signature import validated
from tasks.terminal.messages import say, take_over_logging

NOT_PROMOTED = 1


def promote(
    run: str | None = None,
    /,
    *,
    name: Annotated[str, Parameter(metavar="NAME")],
    margin: Annotated[str, Parameter(metavar="NUMBER")] = "0",
    force: Annotated[bool, Parameter(negative="")] = False,
    back: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Register a model under a name, and let it become the champion of that name if the test images speak for it.

    Others use models:/NAME@champion. It moves to the new model if that has more test images right than the champion,
    and the interval of the difference does not begin below -margin; otherwise the exit status is 1, and nothing moves.

    Args:
        run: The run whose model it is, or a comparison, of which the recommended one is taken.
        name: The name of the registered model.
        margin: How much worse than the champion the interval may allow it to be, in accuracy: 0.01 is one point.
        force: Let it become champion whatever is judged; a tag of the version says so, and who did.
        back: Let the previous champion be champion again; goes without a run.
        json: Print one JSON object on standard output, and everything else on standard error.
    """
    given = {"run": run, "name": name, "margin": margin, "force": force, "back": back}
    parameters = validated(PromoteParameters, given)
    console = Console(stderr=json)
    from flows.promotion.promotion import promote

    take_over_logging(console)
    result = promote(parameters)
    if json:
        print_json(result)
    say(console, result.summary())
    return DONE if result.done else NOT_PROMOTED
