"""The errors whose text is all that a person needs: no traceback would say more."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class InputError(ValueError):
    """Bad input: says what was received, what is allowed and what to do. Ends a command with status 2."""


class PlainError(RuntimeError):
    """What ended a command for a reason that is told in full. Status 1."""


class ServerError(PlainError):
    """A server that the pipeline started did not come up, or ended."""


class StorageError(PlainError):
    """A file could not be written: the disk is full, or the folder is not ours to write to."""


class DownloadError(PlainError):
    """A download broke off, which may pass."""


class TrialsError(PlainError):
    """A comparison was given up, because one trial after the other failed."""


class RecordError(PlainError):
    """MLflow answered, and refused what it was asked to record."""


class ExportError(PlainError):
    """A model could not be exported, or the export gives other answers than the model."""


class StoreAwayError(PlainError):
    """The MLflow store answered before, and does not now: an outage, for which nothing that was asked is to blame."""


class RemoteError(RuntimeError):
    """What happened in another process, in words."""


def is_fault(error: BaseException) -> bool:
    """Return whether an error is a fault of what was run; interruptions and outages are none."""
    return isinstance(error, Exception) and not isinstance(error, StoreAwayError)


def portable_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Let ``function`` raise errors that another process could not make again as a `RemoteError` with their words."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if _survives(error):
                raise
            portable = RemoteError(f"{type(error).__name__}: {error}")
            portable.add_note("".join(traceback.format_exception(error)))
        raise portable  # out here, where it has no context: that would travel with it, by tblib, which Dask uses

    return call


def _survives(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - the constructor of any class may refuse, in any way
        return False
    return True
