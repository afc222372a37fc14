"""What may pass is told from what will not, for errors of every kind of storage."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from tasks.tracking.store_errors import http_status, in_words, is_not_there, may_pass


class ClientError(Exception):
    """As botocore raises it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"An error occurred ({status})")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


def arisen(error: Exception, *, because: Exception) -> Exception:
    error.__cause__ = because
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody there"),
        OSError("no space left"),
        MlflowException("a server that hangs"),
        OperationalError("SELECT", {}, Exception("locked")),
        ClientError(503),
        ClientError(429),
        arisen(Exception("EndpointConnectionError"), because=ConnectionResetError("reset")),
        arisen(RuntimeError("upload failed"), because=ClientError(500)),
    ],
)
def test_what_may_pass(error: Exception) -> None:
    assert may_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'boto3'"),
        Exception("NoCredentialsError: Unable to locate credentials"),
        ClientError(403),
        arisen(RuntimeError("upload failed"), because=ClientError(404)),
        MlflowException.invalid_parameter_value("no such name"),
    ],
)
def test_what_will_not_pass(error: Exception) -> None:
    assert not may_pass(error)


def test_an_answer_is_found_in_what_an_error_arose_from() -> None:
    assert http_status(arisen(RuntimeError("upload failed"), because=ClientError(403))) == 403
    assert http_status(OSError("no answer")) is None
    assert is_not_there(ClientError(404))
    assert not is_not_there(ClientError(403))


def test_an_error_is_told_by_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:a/canary@host")
    assert in_words(OSError("no answer of http://me:a/canary@host/api\nmore")) == (
        "OSError: no answer of http://me:***@host/api"
    )
    assert in_words(KeyboardInterrupt()) == "KeyboardInterrupt"
