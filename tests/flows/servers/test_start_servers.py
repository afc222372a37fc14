"""What is refused before a server of ours starts, because it could not serve us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_HOME,
    PREFECT_SERVER_API_AUTH_STRING,
    temporary_settings,
)

from flows.servers import start_servers
from flows.servers.access import Access
from flows.servers.start_servers import start_mlflow, start_prefect
from tasks.foundation.errors import InputError


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """The commands and the settings of what would have been started."""
    servers: list[tuple[list[str], dict[str, str]]] = []

    def start(_name: str, command: list[str], _url: str, settings: dict[str, str], **_: object) -> None:
        servers.append((command, settings))

    monkeypatch.setattr(start_servers, "Server", start)
    monkeypatch.chdir(tmp_path)
    return servers


@pytest.mark.parametrize("client", [None, "me:another"])
def test_a_password_that_only_the_server_knows(client: str | None, started: list[object]) -> None:
    passwords = {PREFECT_SERVER_API_AUTH_STRING: "me:secret", PREFECT_API_AUTH_STRING: client}
    with (
        temporary_settings(passwords),
        pytest.raises(InputError, match=r"^PREFECT_SERVER_API_AUTH_STRING is set, and PREFECT_API_AUTH_STRING is not"),
    ):
        start_prefect(4200, Access())
    assert not started


def test_a_password_that_both_know(tmp_path: Path, started: list[object]) -> None:
    passwords = {PREFECT_SERVER_API_AUTH_STRING: "me:secret", PREFECT_API_AUTH_STRING: "me:secret"}
    with temporary_settings({**passwords, PREFECT_HOME: tmp_path}):
        start_prefect(4200, Access())
    assert len(started) == 1


def test_a_home_that_cannot_be_made(started: list[object]) -> None:
    home = Path(os.devnull) / ".prefect"
    with (
        temporary_settings({PREFECT_HOME: home}),
        pytest.raises(InputError, match=rf"home '{home}' cannot be used \(Not a directory\); set PREFECT_HOME"),
    ):
        start_prefect(4200, Access())
    assert not started


def test_the_origins_of_a_proxy_are_answered_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", "https://prefect.example, https://other.example")
    monkeypatch.setenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "*")  # everybody: not with us
    with temporary_settings({PREFECT_HOME: tmp_path}):
        start_prefect(4200, Access())
    start_mlflow(5000, "sqlite:///mlflow.db", Access())
    own = "http://127.0.0.1:{0},http://localhost:{0}"
    assert [settings["PIPELINE_OWN_ORIGINS"] for _, settings in started] == [
        f"{own.format(4200)},https://prefect.example,https://other.example",
        own.format(5000),
    ]
