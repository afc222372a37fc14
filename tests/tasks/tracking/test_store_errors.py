"""What may pass is told from what will not, for errors of every kind of storage."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from flows.servers.server_process import free_port
from tasks.tracking import mlflow_client
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Metrics, Tags
from tasks.tracking.refused_entries import RefusedError
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


def test_what_mlflow_refuses_is_told_from_what_may_pass(
    run_id: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Tags(tags={"a": "b"})
    with pytest.raises(RefusedError, match="not found"):
        mlflow_client.send("0" * 32, tag)
    with pytest.raises(RefusedError, match="Invalid value"):
        mlflow_client.send(run_id, Metrics(metrics={"no?name": 1.0}, step=1, timestamp=1))
    lock = sqlite3.connect(workplace / "mlflow.db")
    lock.execute("DROP TABLE tags")
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, tag)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, tag)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A tracking server that answers everything, or all but searches, with the status and the text that it is given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        answer = (200, "")
        answers_else = False

        def do_POST(self) -> None:
            status, text = (200, "{}") if self.answers_else and "search" in self.path else self.answer
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    def answer(status: int, text: str, *, answers_else: bool = False) -> None:
        Handler.answer, Handler.answers_else = (status, text), answers_else

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield answer
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "who are you"),
        (403, '{"message": "Forbidden"}'),
        (404, "<html>of another server, or of a proxy</html>"),
        (413, ""),
        (500, "Internal Server Error"),
        (500, '{"error_code": "INTERNAL_ERROR", "message": "a database that is away"}'),
        (503, "starting"),
        (503, '{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "busy"}'),
    ],
)
def test_a_server_that_answers_errors_is_an_outage(status: int, text: str, answering: Callable[..., None]) -> None:
    answering(status, text)
    with pytest.raises(OutageError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413])
@pytest.mark.parametrize("text", ["", "<html>of a gateway</html>", '{"message": "Forbidden"}'])
def test_a_gateway_that_takes_the_rest_can_refuse(status: int, text: str, answering: Callable[..., None]) -> None:
    answering(status, text, answers_else=True)
    with pytest.raises(RefusedError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize("status", [401, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("text", ["", '{"message": "later"}'])
def test_what_may_pass_is_an_outage_also_where_the_rest_is_taken(
    status: int, text: str, answering: Callable[..., None]
) -> None:
    answering(status, text, answers_else=True)
    with pytest.raises(OutageError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize(("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")])
def test_a_server_can_refuse(status: int, code: str, answering: Callable[..., None]) -> None:
    answering(status, json.dumps({"error_code": code, "message": "never"}))
    with pytest.raises(RefusedError, match=f"{code}: never"):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))
