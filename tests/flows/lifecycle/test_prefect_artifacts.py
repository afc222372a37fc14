"""What a run shows in Prefect is dispensable: training goes on when Prefect's API does not take it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from flows.lifecycle import prefect_artifacts
from flows.lifecycle.prefect_artifacts import publish_link, publish_result
from flows.lifecycle.train_result import TrainResult

RESULT = TrainResult(
    parameters={},
    run_id="a run",
    experiment_id="1",
    run_url="http://example.org/run",
    flow_run_id="a flow run",
    flow_run_url="http://example.org/flow-run",
    outcome="diverged",
    reason="the loss is nan at step 1 of epoch 1",
    epochs=(),
    best=None,
    test={},
    dataset_digest="0" * 64,
    seconds=0.0,
)
CREATE = ("create_link_artifact", "create_table_artifact", "create_markdown_artifact")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    for name in CREATE:
        monkeypatch.setattr(prefect_artifacts, name, fails)


def server_error() -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://example.org/api/artifacts")
    return httpx.HTTPStatusError("in trouble", request=request, response=httpx.Response(503, request=request))


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), server_error()], ids=repr)
@pytest.mark.parametrize(
    ("publish", "what"),
    [
        (lambda: publish_link("http://example.org/run"), "the link to the MLflow run"),
        (lambda: publish_result("a name", RESULT, {}), "the tables and the summary"),
    ],
    ids=["link", "result"],
)
def test_an_api_that_fails_is_a_warning(
    publish: Callable[[], None], what: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    fail_with(monkeypatch, error)
    publish()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"Prefect does not show {what}: its API fails ({type(error).__name__}: {error})."


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, TypeError("a bug"))
    with pytest.raises(TypeError, match="a bug"):
        publish_link("http://example.org/run")
    with pytest.raises(TypeError, match="a bug"):
        publish_result("a name", RESULT, {})


def test_a_run_without_epochs_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[tuple[str, Any]] = []
    for name in CREATE:
        monkeypatch.setattr(prefect_artifacts, name, lambda *given, _name=name, **_: created.append((_name, given)))
    publish_result("a name", RESULT, {"test": ()})
    ((name, (text,)),) = created
    assert name == "create_markdown_artifact"
    assert text.startswith("# a name\n\nDiverged: the loss is nan at step 1 of epoch 1.")
    assert RESULT.run_url in text
