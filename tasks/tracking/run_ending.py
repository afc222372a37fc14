"""How a run ends in MLflow: all of its record is sent, or what is missing is kept and told."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Literal

from tasks.foundation.commands import command
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import RecordError, StorageError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.claim import Claim
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import End, Entry, ModelFile, Tags
from tasks.tracking.record import Recorder, now
from tasks.tracking.refused_entries import RefusedError

SEND_SECONDS = 30  # how long the end of a run waits for MLflow
INTERRUPTED_SEND_SECONDS = 2  # the same if somebody wants the process to end
log = logging.getLogger(__name__)


def end_finished(claimed: Claim, recorder: Recorder) -> None:
    """End a run that did all that it was to do."""
    recorder.put(End(status="FINISHED", timestamp=now()))
    _settle(claimed, recorder, "finished", SEND_SECONDS)


def end_early(
    claimed: Claim, recorder: Recorder, status: Literal["FAILED", "KILLED"], reason: str, resume_command: str
) -> None:
    """End a run that did not finish; what fails here too is left to `reconcile`, and must not hide the reason."""
    seconds = SEND_SECONDS if status == "FAILED" else INTERRUPTED_SEND_SECONDS
    last: list[Entry] = [Tags(tags={"outcome": status.lower(), "reason": reason}), End(status=status, timestamp=now())]
    try:
        for entry in last:
            recorder.put(entry)
        _settle(claimed, recorder, "settled", seconds)
    except StorageError:  # the disk that is full has no room for the outbox either
        try:
            for entry in last:
                mlflow_client.send(recorder.run_id, entry)
        except OutageError as error:
            _tell_kept(claimed, error)
        except RefusedError as error:
            log.warning("MLflow refuses to record how this run ended (%s)", error)
    task_log().warning(
        "Run %s %s. Go on with it: %s",
        recorder.run_id,
        "was interrupted" if status == "KILLED" else "failed",
        resume_command,
    )


def _settle(claimed: Claim, recorder: Recorder, state: Literal["settled", "finished"], seconds: float) -> None:
    """Send all that is kept; if that works, nothing is left for `reconcile`.

    What MLflow refused stays in the run's directory, and is told in ``claimed.missing``.
    """
    try:
        recorder.outbox.close(seconds)
    except OutageError as error:
        _tell_kept(claimed, error)
    except RecordError as error:
        claimed.state, claimed.missing = "settled", str(error)
    else:
        claimed.state = state
        crash_point("run_ended")


def _tell_kept(claimed: Claim, error: OutageError) -> None:
    log.warning(
        "MLflow does not have all of this run yet (%s). The rest is kept in %s, and sent when the next training "
        "starts, or by: %s",
        *(error, claimed.directory, command("reconcile")),
    )


def send_what_is_left(directory: Path, run_id: str, *, again: bool = False) -> bool:
    """Send what a process that is gone has left; return whether there was any.

    Args:
        directory: Of the run.
        run_id: The run.
        again: Send what MLflow refused, too.

    Raises:
        OutageError: not all could be sent.
        RecordError: something is refused.
    """
    outbox = Recorder(run_id, directory, again=again).outbox
    any_left = outbox.any_waiting
    if any_left and any(isinstance(entry, ModelFile) for entry in outbox.kept):
        import_module("keras")  # with TensorFlow: that this takes its time is no outage
    outbox.close(SEND_SECONDS)
    return any_left
