"""The body of an HTTP request as it comes, and what becomes of it where the request is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from flows.servers.callers import header_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

# What is read and thrown away of a request that is refused, so that who sends it sees why and not a broken connection.
DISCARDED_BYTES, DISCARDED_SECONDS = 256 * 2**20, 5.0


class ClientGoneError(Exception):
    """Who asked has hung up."""


class RequestBody:
    """What comes behind the headers of one request.

    Attributes:
        said_bytes: How long it will be, as its headers say; 0 where it comes in chunks, of which the last says so.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._whole = False
        # Whoever waits to be asked for the body sends none of one that is refused.
        self._waits = bool(header_of(scope, b"expect"))
        length = header_of(scope, b"content-length")
        self.said_bytes = int(length[:20]) if length.isdigit() else 0

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what is left of it, part by part. Raises ClientGoneError."""
        while not self._whole:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._waits = False
            self._whole = not message.get("more_body", False)
            yield message.get("body", b"")

    async def discard(self) -> None:
        """Read what is left of it, within limits."""
        if self._waits:  # to read is to ask for it
            return
        left = DISCARDED_BYTES
        try:
            async with asyncio.timeout(DISCARDED_SECONDS):
                async for part in self.parts():
                    left -= len(part)
                    if left <= 0:
                        return
        except (TimeoutError, ClientGoneError):
            return
