"""What MLflow refused of a run for good: kept beside the outbox, and sent again when somebody asks for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tasks.foundation.commands import command
from tasks.foundation.durable_files import storing, write_durably
from tasks.foundation.errors import RecordError
from tasks.tracking.claim import RUNS
from tasks.tracking.outbox_entries import Attachment, End, Entry, Metrics, Tags

REFUSED = "refused.json"


class RefusedError(RuntimeError):
    """MLflow does not take an entry, and will not as long as neither the store nor this environment changes."""


class Refusal(BaseModel):
    """An entry that MLflow refused: its number in the outbox, from 0, what it is in words, and why."""

    model_config = ConfigDict(frozen=True)

    number: int
    what: str
    reason: str


_REFUSALS = TypeAdapter(tuple[Refusal, ...])


def read_refusals(directory: Path) -> tuple[Refusal, ...]:
    """Return what was refused of the run in a directory. Raises RecordError if its file is damaged."""
    path = directory / REFUSED
    try:
        return _REFUSALS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError:
        raise RecordError(f"{str(path)!r} is damaged; delete it, and what MLflow refused is given up") from None


def write_refusals(directory: Path, refusals: Sequence[Refusal]) -> None:
    """Keep what was refused of the run in a directory. Raises StorageError if it cannot be kept."""
    path = directory / REFUSED
    if refusals:
        write_durably(path, _REFUSALS.dump_json(tuple(refusals), indent=2))
    else:
        with storing(path):
            path.unlink(missing_ok=True)


def refused_directories() -> list[Path]:
    """Return the directories below ``runs/`` of whose runs MLflow refused something."""
    return [path.absolute().parent for path in sorted(RUNS.glob(f"*/{REFUSED}"))]


def in_short(refusals: Iterable[Refusal]) -> str:
    """Return what was refused, each thing once."""
    return ", ".join(dict.fromkeys(refusal.what for refusal in refusals))


def in_full(refusals: Iterable[Refusal], directory: Path) -> str:
    """Return what was refused of the run in a directory and why, and what to do."""
    by_reason: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        by_reason.setdefault(refusal.reason, []).append(refusal)
    told = "; ".join(f"{in_short(refused)} ({reason})" for reason, refused in by_reason.items())
    return (
        f"MLflow refused to record {told}. It is kept in {directory}. Once MLflow takes it, send it by: "
        f"{command('reconcile', '--again')}"
    )


def name_of(entry: Entry) -> str:
    """Return what an entry is, for a person."""
    if isinstance(entry, Attachment):
        return entry.name
    return f"metrics of step {entry.step}" if isinstance(entry, Metrics) else entry.kind


def still_true(number: int, entries: Sequence[Entry]) -> Entry | None:
    """Return what may still be said of an entry that was refused when those behind it were sent; none if nothing.

    All but tags and ends can be sent late. Of these a later attempt at the same run may have said something else since.
    """
    entry, later = entries[number], entries[number + 1 :]
    if isinstance(entry, End):
        return None if any(isinstance(other, End) for other in later) else entry
    if isinstance(entry, Tags):
        replaced = {name for other in later if isinstance(other, Tags) for name in other.tags}
        if "outcome" in replaced:
            replaced.add("reason")  # of the other outcome
        tags = {name: value for name, value in entry.tags.items() if name not in replaced}
        return entry.model_copy(update={"tags": tags}) if tags else None
    return entry
