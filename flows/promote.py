"""Promote a model where it runs as a deployment: judged as by the command, and, if wanted, with a person's word."""

from __future__ import annotations

from prefect import flow, pause_flow_run
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.states import Completed, Failed
from pydantic import Field

from flows.lifecycle.retry import retried_if_it_may_pass
from flows.parameters.promote import AskedPromoteParameters
from flows.parameters.signature import flat_signature
from flows.promotion.promotion import Case, back, concluded, declined, judged
from flows.promotion.result import PromotionResult
from tasks.foundation.errors import PlainError
from tasks.foundation.log import task_log

POLL_SECONDS = 5


class Word(RunInput):
    """What a person says to a promotion."""

    approve: bool = Field(default=False, description="let it become champion")
    note: str = Field(default="", description="why, or why not; kept with the version")


@flow(name="promote", validate_parameters=False)
@retried_if_it_may_pass
@flat_signature(AskedPromoteParameters)
def promote(parameters: AskedPromoteParameters) -> object:
    """Register and judge the model of a run, and let it become the champion of a name if the test images speak for it.

    Where ``ask`` is true, a person decides about one that passes, or is forced to: the run is paused until then.
    """
    if parameters.back:
        return _ended(back(str(parameters.name)))
    case = judged(parameters)
    if not parameters.ask or case.already or (case.why_not and not parameters.force):
        return _ended(concluded(case, force=parameters.force))
    word = _asked(case, parameters.wait_hours)
    note = f": {word.note}" if word.note else ""
    if not word.approve:
        return _ended(declined(case, f"a person said no{note}"))
    return _ended(concluded(case, force=parameters.force, approved=f"a person said yes{note}"))


def _asked(case: Case, hours: float) -> Word:
    """Return what a person says, who is shown what was found. Raises PlainError if nobody says anything."""
    subject, *others = case.said
    found = f"Found: {case.found}." if case.found else "There is no champion yet to judge it against."
    said = [subject, found, *others]
    for sentence in said:
        task_log().info("%s", sentence)
    asked = Word.with_initial_data(description="\n\n".join([*said, _question(case)]))
    try:
        return pause_flow_run(wait_for_input=asked, timeout=round(hours * 3600), poll_interval=POLL_SECONDS)
    except FlowPauseTimeout:
        raise PlainError(
            f"Within {hours:g} hours nobody said whether version {case.version} of {case.name!r} is to become the "
            "champion: nothing was moved; promote it again"
        ) from None


def _question(case: Case) -> str:
    instead = f" instead of version {case.champion.version}" if case.champion else ""
    return f"Shall version {case.version} become the champion of {case.name!r}{instead}?"


def _ended(result: PromotionResult) -> object:
    """Return how the flow run ends: failed if it was refused, as the command's exit status has it."""
    for sentence in result.sentences:
        task_log().info("%s", sentence)
    if result.outcome == "refused":
        return Failed(message=result.sentences[1])
    return Completed(name="Declined" if result.outcome == "declined" else None, message=result.sentences[-1])
