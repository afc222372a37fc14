"""Prefect's default retries, as a team sets them for all of its flows: in real processes, by the setting itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.prefect_api import ask
from tests.support.running import Running

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]
# A command whose flow fails once, at NAME, and what it prints each time that it comes there.
FAILS_ONCE = """
import sys
import MODULE
works, tries = MODULE.NAME, []

def fails_once(*given, **how):
    tries.append(1)
    if len(tries) == 1:
        raise RuntimeError("broken off")
    return works(*given, **how)

MODULE.NAME = fails_once
from flows.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
SMALL = ("--dataset", "digits", "--limit-examples", "200", "--image-size", "16", "--epochs", "1", "--device", "cpu")
COMPARED = ("--optimizers", "sgd", "--learning-rates", "0.01", "--seeds", "2", "--looks", "none", "--workers", "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "module", "name", "flows"),
    [
        (("train", *SMALL), "tasks.evaluate", "evaluate_model", ["train"]),
        (("compare", *SMALL, *COMPARED), "flows.compare", "conclude", ["compare", "train", "train"]),
    ],
    ids=["train", "compare"],
)
def test_a_flow_that_is_tried_again_goes_on_with_what_it_began(
    *,
    command: tuple[str, ...],
    module: str,
    name: str,
    flows: list[str],
    start: Callable[..., Running],
    runs: Callable[..., list[Any]],
    prefect_api: str,
    tmp_path: Path,
) -> None:
    code = FAILS_ONCE.replace("MODULE", module).replace("NAME", name)
    ended = start("-c", code, *command, PREFECT_API_URL=prefect_api, PREFECT_FLOWS_DEFAULT_RETRIES="1").ended()
    assert (ended.status, ended.left) == (0, []), ended
    assert sorted((run.data.tags["run.flow"], run.info.status) for run in runs(tmp_path)) == [
        (flow, "FINISHED") for flow in flows
    ]
    (first,) = [run for run in runs(tmp_path) if run.data.tags["run.flow"] == flows[0]]
    flow_run = ask("GET", f"{prefect_api}/flow_runs/{first.data.tags['prefect.flow_run_id']}")
    assert (flow_run["state_type"], flow_run["run_count"]) == ("COMPLETED", 2)
    assert first.data.tags["prefect.flow_run_try"] == "2"
    assert list((tmp_path / "runs").iterdir()) == []
