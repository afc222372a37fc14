"""Where a served model listens, and what a person is told of it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from flows.servers.access import Access
from flows.servers.serve_model import Place
from tasks.foundation.errors import InputError
from tests.support.running import free_port


def test_a_port_is_taken_before_anything_is_loaded() -> None:
    place = Place(Access(), port := free_port())
    with place.listening:
        with pytest.raises(
            InputError, match=rf"port {port} of 127\.0\.0\.1 cannot be listened on \(Address already in use\)"
        ):
            Place(Access(), port)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_one_that_is_taken_is_told_before_anything_heavy_is_imported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = (
            "import sys\nfrom flows.command_line.serve_command import serve\n"
            f"try: serve('a', port={port})\n"
            "except Exception as error: print(error, sorted({'prefect', 'mlflow', 'tensorflow'} & {*sys.modules}))"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith(f"port {port} of 127.0.0.1 cannot be listened on (Address already in use)")
    assert ended.stdout.endswith(" []\n")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(InputError, match=f"--port: received {port}; allowed: 1 to 65535"):
        Place(Access(), port)
