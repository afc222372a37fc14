"""What is asked of a served model, in the forms that MLflow's scoring server takes as JSON, within limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

FORMS = ("instances", "inputs", "dataframe_records", "dataframe_split")
ONE_COLUMN = "allowed: one column, of pictures, whatever its name"
# What is said, by MLflow's names for it.
NAMES = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "ENDPOINT_NOT_FOUND",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
}


@dataclass(frozen=True)
class Limits:
    """How much a served model takes.

    Attributes:
        request_bytes: Of one request.
        pictures: Of one request.
        pixels: Of all picture files of one request, before they are resized: each takes eight bytes meanwhile.
        held_bytes: Of all requests that wait.
        waiting: Requests that wait, or are read.
        seconds: In which a request must have come.
    """

    request_bytes: int = 16 * 2**20
    pictures: int = 1024
    pixels: int = 100_000_000
    held_bytes: int = 64 * 2**20
    waiting: int = 128
    seconds: float = 30


class RefusedRequestError(Exception):
    """A request that is not answered as was asked: the status, why in words, and headers that go with it."""

    def __init__(self, status: HTTPStatus, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.headers = dict(headers or {})

    def content(self) -> bytes:
        """Return what is answered, as MLflow's servers put it."""
        name = NAMES.get(self.status, self.status.name)
        return json.dumps({"error_code": name, "message": str(self)}).encode()


def pictures_of(content: bytes | bytearray, limits: Limits) -> list[Any]:
    """Return the pictures of a request, each as it was sent: a text, or nested lists of pixel values.

    Raises:
        RefusedRequestError: the request is none, or has too many.
    """
    form, sent = _form_of(_parsed(content))
    if form == "dataframe_split":
        sent = _rows_of(sent) if isinstance(sent, dict) else None
    elif form == "inputs" and isinstance(sent, dict):
        sent = _only_one(sent)
    if not isinstance(sent, list):
        raise bad_request(f"{form}: received no list of pictures; {_allowed()}")
    if len(sent) > limits.pictures:
        raise RefusedRequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"received {len(sent)} pictures; allowed: {limits.pictures} in one request",
        )
    if form == "dataframe_split":
        return [_only_one(row) for row in sent]
    _require_one_column(sent)
    return [_only_one(row) if isinstance(row, dict) else row for row in sent]


def bad_request(words: str) -> RefusedRequestError:
    """Return what is raised for a request that cannot be meant."""
    return RefusedRequestError(HTTPStatus.BAD_REQUEST, words)


def _parsed(content: bytes | bytearray) -> Any:
    try:
        return json.loads(content)
    except RecursionError:
        raise bad_request("the request is nested too deeply; send pictures as base64, or as rows of pixels") from None
    except ValueError as error:  # no JSON, no UTF-8, or a number of thousands of digits
        raise bad_request(f"the request is no JSON ({str(error)[:200]}); {_allowed()}") from None


def _form_of(parsed: Any) -> tuple[str, Any]:
    entries = list(parsed) if isinstance(parsed, dict) else []
    if len(entries) != 1 or entries[0] not in FORMS:
        received = f"the entries {', '.join(map(repr, entries[:5]))[:200]}" if entries else "no object with one entry"
        raise bad_request(f"received {received}; {_allowed()}")
    return entries[0], parsed[entries[0]]


def _rows_of(split: Mapping[str, Any]) -> Any:
    """Return the rows of a split data frame; if it names columns, that has to be one, as they have one value each."""
    columns = split.get("columns", [""])
    if not isinstance(columns, list) or len(columns) != 1:
        raise bad_request(f"received the columns {str(columns)[:200]}; {ONE_COLUMN}")
    return split.get("data")


def _only_one(row: Any) -> Any:
    """Return what is in a row of one column, or in a record of one entry."""
    values = list(row.values()) if isinstance(row, dict) else row
    if not isinstance(values, list) or len(values) != 1:
        raise bad_request(f"received a row that has not one column; {ONE_COLUMN}")
    return values[0]


def _require_one_column(rows: list[Any]) -> None:
    """Raise RefusedRequestError where records have columns of several names: which has the pictures is not known."""
    names = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
    if len(names) > 1:
        received = ", ".join(map(repr, list(names)[:5]))[:200]
        raise bad_request(f"received the columns {received}; {ONE_COLUMN}")


def _allowed() -> str:
    return f'send {{"instances": ["BASE64", ...]}}, or one of {", ".join(FORMS[1:])} in its place'
