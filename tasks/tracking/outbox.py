"""What a run has recorded and MLflow does not have yet: kept in a file, sent in order, by a thread of its own.

A recording returns as soon as it is on the disk. So training neither waits for MLflow nor ends with it, and what a
killed process leaves behind can be sent by another. What MLflow refuses for good holds back nothing: a tag of the run
says so, and it is kept.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

from pydantic import ValidationError

from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import append_durably
from tasks.foundation.errors import RecordError, StorageError
from tasks.tracking import refused_entries
from tasks.tracking.outbox_entries import ENTRY, Entry, Tags
from tasks.tracking.refused_entries import Refusal, RefusedError
from tasks.tracking.stored_run import MISSING_TAG

JOURNAL = "outbox.jsonl"  # an entry a line
MARK = "outbox.sent"  # how many of them MLflow has, at least: sending one again changes nothing
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds between attempts, doubled from one to the next
log = logging.getLogger(__name__)


class OutageError(RuntimeError):
    """MLflow cannot take an entry now; it may later."""


@dataclass(frozen=True)
class _Waiting:
    """An entry to be sent, and its number in the journal; or, in its place, the tag that says what was refused."""

    number: int
    entry: Entry
    is_word: bool = False


class Outbox:
    """The entries of one run.

    Args:
        directory: Of the run. What an earlier process left there is sent first.
        send: Sends one entry. Raises OutageError if it cannot now, RefusedError if never.
        again: Send what was refused once more, before anything else.

    Attributes:
        kept: The entries that earlier processes kept, sent or not.
        any_waiting: Whether some of these are to be sent.
        refused: What MLflow refused, whichever process sent it.
    """

    def __init__(self, directory: Path, send: Callable[[Entry], None], *, again: bool = False) -> None:
        self._directory = directory
        self._send = send
        self.kept = _read(directory)
        still = {
            each: refused_entries.still_true(each.number, self.kept)
            for each in refused_entries.read_refusals(directory)
        }
        self.refused = {each.number: each for each, entry in still.items() if entry}
        self._kept = len(self.kept)
        self._sent = _mark(directory, self._kept)
        self._waiting = deque(_Waiting(each.number, entry) for each, entry in still.items() if again and entry)
        self._waiting.extend(starmap(_Waiting, enumerate(self.kept[self._sent :], self._sent)))
        self.any_waiting = bool(self._waiting)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._outage = ""
        threading.Thread(target=self._deliver, name=f"outbox of {directory.name}", daemon=True).start()

    def put(self, entry: Entry) -> None:
        """Keep ``entry`` until it is sent. Raises StorageError if it cannot be kept."""
        with self._changed:
            append_durably(self._directory / JOURNAL, entry.model_dump_json().encode() + b"\n")
            self._waiting.append(_Waiting(self._kept, entry))
            self._kept += 1
            self._changed.notify_all()
        crash_point("entry_kept")

    def close(self, seconds: float) -> None:
        """Send what is left, for at most so many seconds.

        Raises:
            OutageError: not all could be sent; it is kept.
            RecordError: something was refused; it is kept too.
        """
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
            all_sent = self._changed.wait_for(lambda: not self._waiting, seconds)
            self._waiting.clear()  # the thread ends; the file keeps them
        if not all_sent:
            raise OutageError(self._outage or f"it did not answer within {seconds:g} s")
        if self.refused:
            raise RecordError(refused_entries.in_full(self.refused.values(), self._directory))

    def _deliver(self) -> None:
        delay = FIRST_DELAY
        while (waiting := self._next()) is not None:
            try:
                self._send(waiting.entry)
            except OutageError as outage:
                if not self._outage:
                    log.warning("MLflow does not take what this run records (%s). It is kept until it does.", outage)
                self._outage = str(outage)
                # Once no more is to come, it is tried every second for as long as anybody waits.
                time.sleep(FIRST_DELAY) if self._closing.is_set() else self._closing.wait(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            except RefusedError as refusal:  # which holds back nothing behind it
                next_one = self._refuse(waiting, str(refusal))
            else:
                next_one = self._accept(waiting)
            if self._outage:
                log.info("MLflow takes it again.")
            delay, self._outage = FIRST_DELAY, ""
            crash_point("entry_sent")
            self._done(waiting, next_one)

    def _refuse(self, waiting: _Waiting, reason: str) -> _Waiting | None:
        """Note what was refused, and return what is to be sent in its place."""
        if waiting.is_word:
            log.warning("MLflow refuses the tag %r too (%s)", MISSING_TAG, reason)
            return None
        what = refused_entries.name_of(waiting.entry)
        refusal = self.refused[waiting.number] = Refusal(number=waiting.number, what=what, reason=reason)
        log.warning("%s", refused_entries.in_full([refusal], self._directory))
        return self._word_of_refusals(waiting.number)

    def _accept(self, waiting: _Waiting) -> _Waiting | None:
        """Note that something is refused no more, and return what is to be sent behind it."""
        if waiting.is_word or not self.refused.pop(waiting.number, None):
            return None
        return self._word_of_refusals(waiting.number)

    def _word_of_refusals(self, number: int) -> _Waiting:
        try:
            refused_entries.write_refusals(self._directory, list(self.refused.values()))
        except StorageError as error:  # on a full disk: what was refused is still told at the end
            log.warning("%s", error)
        tag = {MISSING_TAG: refused_entries.in_short(self.refused.values()) or "nothing"}
        return _Waiting(number, Tags(tags=tag), is_word=True)

    def _next(self) -> _Waiting | None:
        """Wait for the oldest entry that is not sent; none once the outbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return self._waiting[0] if self._waiting else None

    def _done(self, waiting: _Waiting, next_one: _Waiting | None) -> None:
        """Let an entry be followed by the one that takes its place, or else by the one behind it."""
        with self._changed:
            if not self._waiting or self._waiting[0] is not waiting:  # nobody waits for it any more
                return
            if next_one:
                self._waiting[0] = next_one
                return
            self._waiting.popleft()
            self._sent = max(self._sent, waiting.number + 1)
            with suppress(OSError):  # the disk is full; what is not marked is sent again
                (self._directory / MARK).write_text(f"{self._sent}\n")
            self._changed.notify_all()


def _read(directory: Path) -> list[Entry]:
    """Return all entries of a run, sent or not. A last line without an end was never kept, and is taken away."""
    journal = directory / JOURNAL
    if not journal.exists():
        return []
    content = journal.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(journal, len(whole))  # in one step: what is kept is never away
    entries = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            entries.append(ENTRY.validate_json(line))
        except ValidationError:
            raise RecordError(f"line {number} of {str(journal)!r} is damaged; take that line out") from None
    return entries


def _mark(directory: Path, kept: int) -> int:
    """Return how many of the ``kept`` entries were sent. A mark that cannot be counts as none: all are sent again."""
    with suppress(FileNotFoundError, ValueError):
        if 0 <= (sent := int((directory / MARK).read_text())) <= kept:
            return sent
    return 0
