"""What a run has recorded and MLflow does not have yet: kept in a file, sent in order, by a thread of its own.

A recording returns as soon as it is on the disk. So training neither waits for MLflow nor ends with it, and what a
killed process leaves behind can be sent by another.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import append_durably
from tasks.foundation.errors import RecordError
from tasks.tracking.outbox_entries import ENTRY, Entry

JOURNAL = "outbox.jsonl"  # an entry a line
MARK = "outbox.sent"  # how many of them MLflow has, at least: sending one again changes nothing
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds between attempts, doubled from one to the next
log = logging.getLogger(__name__)


class OutageError(RuntimeError):
    """MLflow cannot take an entry now; it may later."""


class Outbox:
    """The entries of one run.

    Args:
        directory: Of the run. What an earlier process left there is sent first.
        send: Sends one entry. Raises OutageError if it cannot now; any other error is a refusal, for good.

    Attributes:
        kept: The entries that earlier processes kept, sent or not.
        any_waiting: Whether some of these were not sent.
    """

    def __init__(self, directory: Path, send: Callable[[Entry], None]) -> None:
        self._directory = directory
        self._send = send
        self.kept = _read(directory)
        self._sent = _mark(directory)
        self._waiting = deque(self.kept[self._sent :])
        self.any_waiting = bool(self._waiting)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._outage = ""
        self._refusals: list[str] = []
        threading.Thread(target=self._deliver, name=f"outbox of {directory.name}", daemon=True).start()

    def put(self, entry: Entry) -> None:
        """Keep ``entry`` until it is sent. Raises StorageError if it cannot be kept."""
        with self._changed:
            append_durably(self._directory / JOURNAL, entry.model_dump_json().encode() + b"\n")
            self._waiting.append(entry)
            self._changed.notify_all()
        crash_point("entry_kept")

    def close(self, seconds: float) -> None:
        """Send what is left, for at most so many seconds.

        Raises:
            OutageError: not all could be sent; it is kept.
            RecordError: something was refused.
        """
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
            all_sent = self._changed.wait_for(lambda: not self._waiting, seconds)
            self._waiting.clear()  # the thread ends; the file keeps them
        if not all_sent:
            raise OutageError(self._outage or f"it did not answer within {seconds:g} s")
        if self._refusals:
            raise RecordError(f"MLflow refused to record {'; '.join(self._refusals)}")

    def _deliver(self) -> None:
        delay = FIRST_DELAY
        while (entry := self._next()) is not None:
            try:
                self._send(entry)
            except OutageError as outage:
                if not self._outage:
                    log.warning(
                        "MLflow does not take what this run records (%s). It is kept until MLflow does.", outage
                    )
                self._outage = str(outage)
                # Once no more is to come, it is tried every second for as long as anybody waits.
                time.sleep(FIRST_DELAY) if self._closing.is_set() else self._closing.wait(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            except Exception as refusal:
                log.exception("MLflow refused to record %s", entry.kind)
                self._refusals.append(f"{entry.kind} ({type(refusal).__name__}: {refusal})")
            if self._outage:
                log.info("MLflow takes it again.")
            delay, self._outage = FIRST_DELAY, ""
            crash_point("entry_sent")
            self._done(entry)

    def _next(self) -> Entry | None:
        """Wait for the oldest entry that is not sent; none once the outbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return self._waiting[0] if self._waiting else None

    def _done(self, entry: Entry) -> None:
        with self._changed:
            if self._waiting and self._waiting[0] is entry:  # not so if nobody waited for it any more
                self._waiting.popleft()
                self._sent += 1
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


def _mark(directory: Path) -> int:
    """Return how many entries were sent. A mark that was half written counts as none: all are sent again."""
    try:
        return int((directory / MARK).read_text())
    except (FileNotFoundError, ValueError):
        return 0
