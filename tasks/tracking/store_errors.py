"""What a store's error means: that it may take the same later, or that it never will."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from tasks.foundation.secrets_in_addresses import without_secrets_of
from tasks.tracking.store import tracking_uri

# What MLflow says when it has understood and will never do it, whatever the status of its answer.
REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS")
NOT_THERE = (404, 405, 501)  # the answers of a server to what it does not have
# Of the statuses that blame the request, those that may pass: a login that runs out, a timeout, a conflict, too many.
MAY_PASS = (401, 407, 408, 409, 423, 425, 429)


def in_words(error: BaseException) -> str:
    """Return the kind and the first line of an error, without the secrets of the addresses that it quotes."""
    first = without_secrets_of(tracking_uri(), str(error)).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:300]}".removesuffix(": ")


def is_understood(error: BaseException) -> bool:
    """Return whether the store itself has understood what it was asked, and refuses it."""
    return getattr(error, "error_code", None) in REFUSALS


def may_pass(error: BaseException) -> bool:
    """Return whether the same may succeed later: if the network, a disk or a server failed.

    What is not known to pass does not: a package that is not installed, credentials that nobody has set.
    """
    if is_understood(error):
        return False
    status = http_status(error)
    if status is not None and status >= 400:  # a page that is no answer of MLflow's may come with 200
        return (status >= 500 and status not in NOT_THERE) or status in MAY_PASS
    # MLflow and SQLAlchemy raise errors of their own for a database or a server that does not answer.
    return any(isinstance(each, OSError) or hasattr(each, "error_code") or _is_sql(each) for each in _chain(error))


def is_not_there(error: BaseException) -> bool:
    """Return whether a server has no such endpoint: an older one, or one that is managed."""
    return not is_understood(error) and http_status(error) in NOT_THERE


def http_status(error: BaseException) -> int | None:
    """Return the status of the answer that an error is about; none if there was no answer.

    MLflow's errors keep it neither for answers that are not its own nor for those without its error code. So it is read
    from the answer itself, which the function that raised the error has at hand.
    """
    status = None
    for each in _chain(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            found = getattr(frame.f_locals.get("response"), "status_code", None)
            status = found if isinstance(found, int) else status
        answer = getattr(each, "response", None)  # of requests, or of botocore
        if isinstance(answer, dict):
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", status)
        elif answer is not None:
            status = getattr(answer, "status_code", status)
    return status


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield what an error arose from, the oldest first, and the error itself."""
    if error is not None:
        yield from _chain(error.__cause__ or error.__context__)
        yield error


def _is_sql(error: BaseException) -> bool:
    return any(base.__module__.startswith("sqlalchemy.") for base in type(error).__mro__)
