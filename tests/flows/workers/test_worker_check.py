"""Workers of somebody else's cluster are looked at before they are given trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.workers import worker_check
from flows.workers.worker_check import described, faults_of, require_fit_cluster
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client


class Cluster:
    """A cluster of one worker, which answers as it is told."""

    def __init__(self, answer: Any, threads: int = 1, scheduler: Exception | None = None) -> None:
        self._answer, self._threads, self._scheduler = answer, threads, scheduler

    def nthreads(self, workers: Any = None) -> dict[str, int]:
        assert workers in (None, ["tcp://a:1"])
        return {"tcp://a:1": self._threads}

    def run(self, function: Any, question: str, *, workers: list[str], on_error: str) -> dict[str, Any]:
        assert (function, workers, on_error) == (eval, ["tcp://a:1"], "return")
        compile(question, "the question", "eval")
        return {"tcp://a:1": self._answer}

    def run_on_scheduler(self, function: Any, question: str) -> Any:
        if self._scheduler:
            raise self._scheduler
        return function(question)


def faults(*arguments: Any, **named: Any) -> list[str]:
    return faults_of(Cluster(*arguments, **named), ["tcp://a:1"], "study")  # type: ignore[arg-type]


def test_a_worker_that_has_what_the_comparison_has_is_fit() -> None:
    assert faults(described()) == []
    require_fit_cluster(Cluster(described()), "study")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "threads", "told"),
    [
        (ModuleNotFoundError("No module named 'flows'"), 1, "cannot run a trial .ModuleNotFoundError: No module named"),
        ({**described(), "Python": "3.9"}, 1, r"has Python 3\.9, and this comparison 3\.1"),
        ({**described(), "tensorflow": "2.3"}, 1, r"has tensorflow 2\.3, and this comparison .* requirements\.txt"),
        ({**described(), "this pipeline": "0123"}, 1, "has this pipeline 0123, and this comparison .* this checkout"),
        (described(), 4, "has 4 threads, but .*start it with --nthreads 1"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_its_address_and_what_to_do(answer: Any, threads: int, told: str) -> None:
    (fault,) = faults(answer, threads)
    assert fault.startswith("the Dask worker tcp://a:1 ")
    with pytest.raises(InputError, match=f"dask_address: the Dask worker tcp://a:1 {told}"):
        require_fit_cluster(Cluster(answer, threads), "study")  # type: ignore[arg-type]


def test_a_scheduler_without_the_pipeline_is_told_too() -> None:
    cluster: Any = Cluster(described(), scheduler=ModuleNotFoundError("No module named 'flows'"))
    with pytest.raises(InputError, match=r"the Dask scheduler cannot read a trial .*No module named 'flows'.*checkout"):
        require_fit_cluster(cluster, "study")


def test_a_worker_that_cannot_reach_the_store_says_so(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{workplace / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/mlflow.db")
    run_id = "0" * 32
    with pytest.raises(InputError, match="has no run"):
        described(uri, run_id)
    monkeypatch.setattr(mlflow_client, "get_run", lambda _: None)
    assert described(uri, run_id) == described()


def test_the_digest_follows_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = worker_check._digest_of_code.__wrapped__
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "one.py").write_text("a = 1\n")
    monkeypatch.setattr(worker_check, "ROOT", tmp_path)
    before = digest()
    assert digest() == before
    (tmp_path / "tasks" / "one.py").write_text("a = 2\n")
    assert digest() != before
