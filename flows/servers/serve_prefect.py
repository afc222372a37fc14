"""Prefect's server, as ``prefect server start`` runs it, behind the check of own_pages.py.

Usage: python -m flows.servers.serve_prefect HOST PORT
"""

from __future__ import annotations

import sys

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings

from flows.servers.own_pages import OwnPagesOnly


def serve(host: str, port: int) -> None:
    """Serve the API and the pages, and run Prefect's services, until this process is told to end."""
    settings = get_current_settings().server
    uvicorn.run(
        OwnPagesOnly(create_app(final=True)),
        host=host,
        port=port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
