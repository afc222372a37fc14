"""The whole command `train`, from start to exit, against a bare Keras script that does the same training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.process import environment, seconds_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of
from flows.servers.server_process import answers, free_port

TRAIN = ["-m", "flows", "train", "--dataset", "digits"]
BARE = ["-m", "benchmarks.programs.bare"]


def overhead(plan: Plan) -> Result:
    """Measure ten epochs on the digits; targets: 1.5 with nothing there yet, 1.25 with a Prefect API and a store."""
    measured: dict[str, list[float]] = {"bare script": [], "first run": [], "with API and store": []}
    with workplace() as kept:
        for number in range(plan.rounds):
            for name, command in (("bare script", BARE), ("first run", TRAIN)):
                with workplace() as empty:
                    measured[name].append(seconds_of(command, empty))
            with _prefect_server(kept) as api:
                seconds_of(TRAIN, kept, PREFECT_API_URL=api)  # makes the store, while the server is busy with its start
                measured["with API and store"].append(seconds_of(TRAIN, kept, PREFECT_API_URL=api))
            latest = ", ".join(f"{name} {values[-1]:.1f} s" for name, values in measured.items())
            plan.progress(number, latest)
    bare, first, again = (Figure(name=name, unit="s", values=values) for name, values in measured.items())
    ratios = [
        Ratio(name="first run / bare script", values=ratios_of(first, bare), at_most=1.5),
        Ratio(name="with API and store / bare script", values=ratios_of(again, bare), at_most=1.25),
    ]
    return make_result("overhead", [bare, first, again], ratios)


@contextmanager
def _prefect_server(home: Path) -> Iterator[str]:
    """Yield the address of a Prefect API of our own."""
    port = free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=home,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/api"
        while not answers(f"{url}/health", 1):
            if server.poll() is not None:
                raise RuntimeError(f"the Prefect server ended with status {server.returncode}")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
