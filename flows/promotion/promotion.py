"""A promotion from end to end: the run, what is in use, the judgement, and the name that moves or stays."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.parameters.promote import PromoteParameters
from flows.promotion.aliases import champion_becomes, finish_move, go_back, one_at_a_time
from flows.promotion.candidate import Champion, IncomparableError, candidate, champion_of, require_same_classes
from flows.promotion.judged_record import record_judgement
from flows.promotion.result import Outcome, PromotionResult
from flows.promotion.tested_images import champion_said, said_by
from study.metric import NAMES, Metric
from study.promotion import Judgement, judge, worth
from tasks.foundation.crash_points import crash_point
from tasks.tracking.mlflow_registry import find_model, register_model, tag_version
from tasks.tracking.provenance import user
from tasks.tracking.registry_names import CHAMPION, PREVIOUS
from tasks.tracking.stored_run import StoredRun


@dataclass(frozen=True)
class Case:
    """A run that is registered and judged, before anything is moved.

    Attributes:
        name: The name that it is to be used under.
        run: The run; ``version``, which of the name it is.
        champion: What is in use; none if nothing is.
        judgement: None if there is nothing to judge against, or the two cannot be compared.
        judgements: How many the test set has made by now.
        why_not: Why it is not to become champion, in a clause; empty if it is.
        said: What was found, a sentence each.
    """

    name: str
    run: StoredRun
    version: str
    champion: Champion | None
    judgement: Judgement | None = None
    judgements: int | None = None
    why_not: str = ""
    said: tuple[str, ...] = ()

    @property
    def already(self) -> bool:
        """Whether it is champion as it is."""
        return bool(self.champion and self.champion.run and self.champion.run.run_id == self.run.run_id)

    @property
    def found(self) -> str:
        """What the judgement says, in a clause; empty if there is nothing to judge against."""
        if self.judgement:
            return f"{self.judgement.why()}: {self.judgement.numbers()}"
        return self.why_not


def promote(p: PromoteParameters) -> PromotionResult:
    """Register and judge a run, and let it become champion if it passes, or is forced to; or go back."""
    return back(str(p.name)) if p.back else concluded(judged(p), force=p.force)


def judged(p: PromoteParameters) -> Case:
    """Register the model of a run under a name, and judge it against what is in use there.

    Each step may be repeated: a promotion that was broken off is finished by the next.

    Raises:
        InputError: the run has no model, has kept nothing of its test images that can be had, or has other classes.
    """
    name, run = str(p.name), candidate(str(p.run))
    finish_move(name)
    champion = champion_of(name)
    if champion:
        require_same_classes(run, champion, name)
    said = said_by(run)
    case = Case(name, run, "", champion)
    if champion and not case.already:
        try:
            right = champion_said(champion, run, said, name).right
        except IncomparableError as error:
            case = replace(case, why_not=f"it cannot be compared with the champion: {error}")
        else:
            case = _judged(case, champion, judge(said.right, right, margin=p.margin))
    with one_at_a_time(name):  # else two at once make two versions of the run
        version = register_model(name, run.run_id)
    crash_point("version_registered")
    subject = f"Run {run.run_id} ({run.name}) is version {version} of {name!r}."
    return replace(case, version=version, said=(subject, *case.said))


def concluded(case: Case, *, force: bool = False, approved: str = "") -> PromotionResult:
    """Move the name, or leave it where it is, and say why.

    Args:
        case: What was judged.
        force: Move it whatever was judged.
        approved: What a person said who let it pass; empty if nobody was asked.
    """
    if case.already:
        return _result(case, "already", "It is champion already.")
    if case.why_not and not force:
        tag_version(case.name, case.version, {"promotion.refused": f"{_stamp()}, because {case.found}"})
        return _result(case, "refused", f"Not promoted, because {case.found}.")
    outcome: Outcome = "forced" if case.why_not else "promoted" if case.champion else "first"
    tags = {"promotion.promoted": _stamp()}
    if case.judgement:
        tags["promotion.judged"] = case.found
    if case.why_not:
        tags["promotion.forced"] = f"{_stamp()}, although {case.found}"
    if approved:
        tags["promotion.approved"] = approved
    tag_version(case.name, case.version, tags)
    champion_becomes(case.name, case.version, instead_of=case.champion.version if case.champion else None)
    return _result(case, outcome, _promoted(case))


def declined(case: Case, note: str) -> PromotionResult:
    """Leave the name where it is, because a person said no."""
    tag_version(case.name, case.version, {"promotion.declined": note})
    return _result(case, "declined", f"Not promoted: {note}.")


def back(name: str) -> PromotionResult:
    """Let the previous champion be champion again."""
    move = go_back(name)
    tag_version(name, move.champion, {"promotion.back": _stamp()})
    left = f"; version {move.previous} is the previous one now" if move.previous else ""
    return PromotionResult(
        outcome="back",
        name=name,
        version=move.champion,
        run_id=None,
        champion=move.champion,
        previous=move.previous,
        sentences=(f"Version {move.champion} of {name!r} is champion again{left}.",),
    )


def _judged(case: Case, champion: Champion, judgement: Judgement) -> Case:
    """Return a case with its judgement, which is counted before anybody is told of it."""
    if champion.run is None:
        return case
    case = replace(case, judgement=judgement, why_not="" if judgement.passes else judgement.why())
    judgements = record_judgement(case.run, champion.run, f"{case.name}: {case.found}")
    crash_point("judgement_counted")
    return replace(case, judgements=judgements, said=(*_other_metric(case.run, champion.run), worth(judgements)))


def _other_metric(run: StoredRun, champion: StoredRun) -> tuple[str, ...]:
    """Say that nothing is judged in the metric that a run was made for, where that is not accuracy."""
    metric: Metric = run.parameters.get("metric", "accuracy")  # type: ignore[assignment]  # validated when it was begun
    if metric == "accuracy":
        return ()
    values = [each.tested(metric) for each in (run, champion)]
    new, old = ("unknown" if value is None else f"{value:.4f}" for value in values)
    said = (
        f"What is judged is accuracy, which the test is about; in {NAMES[metric]}, for which the run was made, the new "
        f"model has {new} and the champion {old} on its test images, and nothing is concluded from that."
    )
    return (said,)


def _promoted(case: Case) -> str:
    if case.champion is None:
        return "It is the first champion of that name: there was nothing to judge it against."
    left = f"Version {case.champion.version} is the previous one now."
    if case.why_not:
        return f"Promoted because that was forced, although {case.found}. {left}"
    return f"Promoted, because {case.found}. {left}"


def _result(case: Case, outcome: Outcome, sentence: str) -> PromotionResult:
    subject, *others = case.said
    model = find_model(case.name)
    aliases = model.aliases if model else {}
    return PromotionResult(
        outcome=outcome,
        name=case.name,
        version=case.version,
        run_id=case.run.run_id,
        champion=aliases.get(CHAMPION),
        previous=aliases.get(PREVIOUS),
        judgement=case.judgement,
        judgements=case.judgements,
        sentences=(subject, sentence, *others),
    )


def _stamp() -> str:
    """Return when this is, and who does it where."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by {user()}@{socket.gethostname()}"
