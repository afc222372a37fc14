"""One Prefect API for all processes of one command: the one that is configured, or runs already, or one of our own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.servers.api_probe import SilentError, require_api
from flows.servers.server_process import LOOPBACK, free_port
from tasks.foundation.environment import require_way_to
from tasks.foundation.errors import InputError
from tasks.foundation.secrets_in_addresses import without_secrets
from tasks.tracking.store import tracking_uri

if TYPE_CHECKING:
    from prefect.settings import Profile

PREFECT_UI = f"http://{LOOPBACK}:4200"  # where `python -m flows ui` shows what this machine's servers recorded


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

    if tracking_uri().startswith("http"):
        require_way_to(tracking_uri())
    if get_current_settings().api.url:
        with temporary_settings({PREFECT_API_URL: lasting_api()}):
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
        InputError: there is none, it does not answer, is no Prefect API, or asks for another password.
    """
    url = configured_api() or _running_api()
    if not url:
        raise InputError(
            "no Prefect server runs on this machine and none is configured; start both servers with `make ui` and "
            "let them run, or set PREFECT_API_URL to the address of one that runs elsewhere"
        )
    try:
        require_api(url)
    except SilentError as error:
        raise InputError(
            f"the Prefect API {without_secrets(url)!r}{_named_by()} does not answer ({error}); {_how_to_change()}"
        ) from error
    return url


def configured_api() -> str | None:
    """Return the address of the Prefect API that the environment or a profile names, as Prefect's client takes it."""
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    return url.rstrip("/") if url else None


def address_file() -> Path:
    """Return the file in which `python -m flows ui` leaves the address of the Prefect API while it runs."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "ui-server.url"


def _running_api() -> str | None:
    url = None
    with suppress(FileNotFoundError, NotADirectoryError):  # the home of Prefect is made when a server starts
        url = address_file().read_text(encoding="utf-8")
    try:
        if url:
            require_api(url)
    except SilentError:  # it was killed, and could not take its address away
        return None
    return url


def _profile() -> Profile | None:
    """Return the profile that names the API, if the environment does not."""
    from prefect.context import get_settings_context
    from prefect.settings import PREFECT_API_URL

    profile = get_settings_context().profile
    return profile if not os.environ.get("PREFECT_API_URL") and PREFECT_API_URL in profile.settings else None


def _named_by() -> str:
    return f", which the Prefect profile {profile.name!r} names," if (profile := _profile()) else ""


def _how_to_change() -> str:
    forget = [sys.executable, "-m", "prefect", "config", "unset", "PREFECT_API_URL", "-y"]
    change = f"have that profile forget it by `{shlex.join(forget)}`" if _profile() else "unset PREFECT_API_URL"
    return f"start that server, or {change} to have one started for the length of the command"
