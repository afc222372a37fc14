"""HTTP for a server that anybody may connect to: who sends no request is not waited for."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a bound on the time in which the headers of a request have to come.

    uvicorn itself waits for ever for the first request of a connection, and for headers that come a byte at a time:
    a few hundred connections without a word keep all others out.
    """

    header_seconds = 10.0
    _headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest if that is not yet a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        if cycle and not cycle.response_complete:
            self._forget()
        elif self._headers_due is None:
            self._headers_due = self.loop.call_later(self.header_seconds, self.transport.close)

    def _forget(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
