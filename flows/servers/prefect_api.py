"""One Prefect API for all processes of one command: the one that is configured, or runs already, or one of our own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from flows.servers.server_process import LOOPBACK, answers, free_port
from tasks.foundation.errors import InputError

PREFECT_UI = f"http://{LOOPBACK}:4200"  # where `python -m flows ui` shows what this machine's servers recorded
ANSWER_SECONDS = 10


@contextmanager
def prefect_api() -> Iterator[Callable[[], None]]:
    """Yield what waits until the Prefect API answers; start a server first where none is configured or running.

    The server comes up while the caller imports what it needs, and stays until this process has exited: Prefect
    sends its last logs and events on the way out.

    Raises:
        InputError: an API is configured and does not answer, or asks for another password.
        ServerError: ours does not come up.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, get_current_settings, temporary_settings

    if get_current_settings().api.url:
        lasting_api()
        yield lambda: None
        return
    if url := _running_api():
        wait, ui = lambda: None, url.removesuffix("/api")
    else:
        from flows.servers.access import Access
        from flows.servers.start_servers import start_prefect

        port = free_port()
        wait, ui = start_prefect(port, Access()).wait, PREFECT_UI
        url = f"http://{LOOPBACK}:{port}/api"
    os.environ["PREFECT_API_URL"] = url  # for the processes that we start
    try:
        with temporary_settings({PREFECT_API_URL: url, PREFECT_UI_URL: ui}):
            yield wait
    finally:
        del os.environ["PREFECT_API_URL"]


def lasting_api() -> str:
    """Return the address of the Prefect API that is configured, or that `python -m flows ui` runs.

    Raises:
        InputError: there is none, it does not answer, or it asks for another password.
    """
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url or _running_api()
    if not url:
        raise InputError(
            "no Prefect server runs on this machine and none is configured; start both servers with `make ui` and "
            "let them run, or set PREFECT_API_URL to the address of one that runs elsewhere"
        )
    if not answers(f"{url}/health", ANSWER_SECONDS):
        raise InputError(
            f"the Prefect API {url!r} does not answer; start that server, or unset PREFECT_API_URL "
            "to have one started for the length of the command"
        )
    _require_welcome(url)
    return url


def address_file() -> Path:
    """Return the file in which `python -m flows ui` leaves the address of the Prefect API while it runs."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "ui-server.url"


def _running_api() -> str | None:
    try:
        url = address_file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    if not answers(f"{url}/health", ANSWER_SECONDS):  # it was killed, and could not take its address away
        return None
    _require_welcome(url)
    return url


def _require_welcome(url: str) -> None:
    from prefect.settings import get_current_settings

    authentication = get_current_settings().api.auth_string
    user, _, password = (authentication.get_secret_value() if authentication else "").partition(":")
    response = httpx.get(f"{url}/admin/version", auth=(user, password) if user else None, timeout=ANSWER_SECONDS)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise InputError(
            f"the Prefect API {url!r} asks for {'another' if user else 'a'} password; "
            "set PREFECT_API_AUTH_STRING=USER:PASSWORD"
        )
