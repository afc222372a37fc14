"""The check of own_pages.py for a server whose application is not ours to choose: for uvicorn's option ``--http``."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from flows.servers.own_pages import OwnPagesOnly


class OwnPagesProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # which class it is, uvicorn decides
    """How uvicorn speaks HTTP, with the check before the application."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app: Any = OwnPagesOnly(self.app)
