"""Connections on which no request comes are closed; those on which one is answered are not."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from flows.servers.impatient_protocol import ImpatientProtocol


class Hasty(ImpatientProtocol):
    header_seconds = 0.5


async def slow(_scope: Any, _receive: Any, send: Any) -> None:
    """An answer that takes longer than headers may."""
    await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(slow, http=Hasty, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        running.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def test_who_says_nothing_is_not_waited_for(port: int) -> None:
    with connected(port) as silent:
        assert silent.recv(100) == b""


def test_who_sends_headers_a_byte_at_a_time_is_not_waited_for(port: int) -> None:
    with connected(port) as slow_one, pytest.raises(ConnectionError):
        dribble(slow_one, seconds=60)


def dribble(connection: socket.socket, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.sendall(b"G")
        time.sleep(0.05)


def test_an_answer_is_waited_for_and_so_is_the_next_request_of_its_connection(port: int) -> None:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(asking):
        for _ in range(2):
            asking.request("GET", "/slow")
            assert asking.getresponse().read() == b"ok"
        asking.sock.sendall(b"GET /slow")  # of a third one the beginning
        assert asking.sock.recv(100) == b""
