"""docs/extending.md, done as it is written, in an empty folder: its Python goes into files, its commands are run."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.preloaded import Preloaded
from tests.support.running import ROOT

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

WALK = (ROOT / "docs" / "extending.md").read_text().split("\n## ")[1]


def blocks() -> list[tuple[str, str]]:
    """Return the kind and the text of each block of the walk, in their order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", WALK, re.MULTILINE | re.DOTALL)


def test_the_walk_leads_to_what_it_says(
    environment: dict[str, str], preloaded: Preloaded, runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    settings = {**environment, "PREFECT_API_URL": preloaded.environment["PREFECT_API_URL"]}
    (home := Path(environment["HOME"]) / "lenet-pipeline").symlink_to(ROOT)
    said: list[str] = []
    try:
        for kind, text in blocks():
            if kind == "python":
                name = re.fullmatch(r"# (\w+\.py)", text.splitlines()[0])
                assert name, "its first line says the file's name"
                with (tmp_path / name[1]).open("a") as file:
                    file.write(text)
            elif text.startswith("export "):
                for word in shlex.split(text)[1:]:
                    variable, _, value = word.partition("=")
                    settings[variable] = value.replace("~", str(home.parent)).replace("$PATH", settings["PATH"])
            else:
                ended = subprocess.run(
                    ["/bin/bash", "-c", text], check=False, cwd=tmp_path, env=settings, capture_output=True, text=True
                )
                assert ended.returncode == 0, ended.stdout + ended.stderr
                said.append(ended.stdout)
    finally:
        home.unlink()
    assert len(said) == 3
    assert "mine.py:Signum" in said[1]  # among the contenders
    made = [(run.info.status, run.data.tags["run.flow"]) for run in runs(tmp_path)]
    assert made.count(("FINISHED", "train")) == len(made) - 1
    assert made.count(("FINISHED", "compare")) == 1
    first, *_, last = runs(tmp_path)
    assert first.data.params["optimizer"].startswith(f"{tmp_path}/mine.py:Signum@")
    assert (first.data.params["optimizer_args"], first.data.params["learning_rate"]) == ("beta=0.95", "0.0003")
    kinds = {
        kind: last.data.params[kind].rpartition("/")[2].partition("@")[0] for kind in ("model", "optimizer", "loss")
    }
    assert kinds == {"model": "mine.py:small", "optimizer": "mine.py:Signum", "loss": "mine.py:Focal"}
    assert float(first.data.metrics["test_accuracy"]) > 0.5
    tried = {
        run.data.params["learning_rate"]
        for run in runs(tmp_path)[1:-1]
        if "Signum" in run.data.params.get("optimizer", "")
    }
    assert tried == {"0.0002", "0.0005"}  # a grid around 0.0003
