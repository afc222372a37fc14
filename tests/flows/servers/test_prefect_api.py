"""Which Prefect API a command talks to: the one that is configured, else the one that `make ui` runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.context import use_profile
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, Profile, get_current_settings, temporary_settings

from flows.servers.deploy import work
from flows.servers.prefect_api import address_file, lasting_api, prefect_api
from flows.servers.server_process import free_port
from tasks.foundation.errors import InputError

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def running() -> str:
    """The address of a Prefect API that answers."""
    url = get_current_settings().api.url
    assert url
    return url


@pytest.fixture
def _unconfigured(running: str, tmp_path: Path) -> Iterator[None]:  # noqa: ARG001 - read before it is hidden
    with temporary_settings({PREFECT_HOME: tmp_path}, restore_defaults={PREFECT_API_URL}):
        assert not get_current_settings().api.url
        yield


@pytest.mark.usefixtures("_unconfigured")
def test_a_server_that_runs_already_is_used_and_none_is_started(running: str) -> None:
    address_file().write_text(running)
    assert lasting_api() == running
    with prefect_api() as wait:
        wait()
        assert (os.environ["PREFECT_API_URL"], get_current_settings().api.url) == (running, running)
    assert "PREFECT_API_URL" not in os.environ


@pytest.mark.usefixtures("_unconfigured")
def test_an_address_that_nobody_answers_at_any_more_is_none() -> None:
    address_file().write_text(f"http://127.0.0.1:{free_port()}/api")
    with pytest.raises(InputError, match=r"no Prefect server runs .*; start both servers with `make ui`"):
        lasting_api()


@pytest.mark.usefixtures("_unconfigured")
def test_without_any_address_there_is_none() -> None:
    with pytest.raises(InputError, match="no Prefect server runs on this machine and none is configured"):
        lasting_api()


def test_a_configured_server_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(InputError, match=f"{url}' does not answer"):
        lasting_api()


def test_a_profile_whose_server_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with (
        use_profile(Profile(name="cloudy", settings={PREFECT_API_URL: url}), include_current_context=False),
        pytest.raises(InputError, match=rf"{url}', which the Prefect profile 'cloudy' names, does not answer .*unset"),
    ):
        lasting_api()


def test_a_worker_takes_at_least_one_flow_run() -> None:
    with pytest.raises(InputError, match="--limit: received 0; allowed: at least 1"):
        work(0)
