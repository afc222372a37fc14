"""The check before a server of ours that what a browser asks for comes from one of the server's own pages.

A browser names the origin of the page with whatever could change something, and with each websocket. Prefect's
websockets take any, and MLflow takes those of this machine, whatever the port. Clients that are no browsers name none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OWN_ORIGINS = "PIPELINE_OWN_ORIGINS"  # the environment variable that names them, with commas between
POLICY_VIOLATION = 1008  # the code of a websocket that is closed for what was asked


class OwnPagesOnly:
    """An ASGI application that refuses pages of other origins with 403, and else is the one that it stands before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._origins = {origin.encode() for origin in os.environ[OWN_ORIGINS].split(",")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one websocket."""
        named = {value for name, value in scope.get("headers", ()) if name == b"origin"}
        if named <= self._origins:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # not accepted yet: the answer is 403
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This server answers to its own pages only."})
