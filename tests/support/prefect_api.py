"""Questions and orders to a Prefect API, asked again while its database is busy."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from tests.support.running import NO_AUTHORITIES, wait_for


def ask(method: str, url: str, json: Any = None) -> Any:
    """Return what the API answers, read from its JSON; none where it answers with no content.

    A server on SQLite says 503 while others write, and has then done nothing: Prefect's own client asks again too.
    """

    def answered() -> httpx.Response | None:
        response = httpx.request(method, url, json=json, verify=NO_AUTHORITIES)
        return None if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE else response

    response = wait_for(answered, f"an answer to {method} {url}").raise_for_status()
    return response.json() if response.content else None
