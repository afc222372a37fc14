"""The check of the origin that a browser names, before an application."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.servers.own_pages import OWN_ORIGINS, OwnPagesOnly

OWN = "http://127.0.0.1:4200"


def answered(monkeypatch: pytest.MonkeyPatch, kind: str, *origins: str) -> list[Any]:
    """What is sent for a request: ``"the application"`` if that was asked."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        sent.append("the application")

    monkeypatch.setenv(OWN_ORIGINS, f"{OWN},http://localhost:4200")
    headers = [(b"host", b"127.0.0.1:4200"), *((b"origin", origin.encode()) for origin in origins)]
    asyncio.run(OwnPagesOnly(application)({"type": kind, "headers": headers}, receive, send))
    return sent


@pytest.mark.parametrize("origins", [(), (OWN,), ("http://localhost:4200",)])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_clients_and_own_pages_go_through(monkeypatch: pytest.MonkeyPatch, kind: str, origins: tuple[str, ...]) -> None:
    assert answered(monkeypatch, kind, *origins) == ["the application"]


@pytest.mark.parametrize(
    "origins",
    [("http://evil.example",), ("null",), ("",), ("http://127.0.0.1:3000",), (f"{OWN}.evil.example",), (OWN, "null")],
)
def test_other_pages_are_refused(monkeypatch: pytest.MonkeyPatch, origins: tuple[str, ...]) -> None:
    assert answered(monkeypatch, "http", *origins)[0]["status"] == 403
    assert answered(monkeypatch, "websocket", *origins) == [{"type": "websocket.close", "code": 1008}]


def test_what_is_no_request_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        begun.append(True)

    begun: list[bool] = []
    monkeypatch.setenv(OWN_ORIGINS, OWN)
    asyncio.run(OwnPagesOnly(application)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert begun
