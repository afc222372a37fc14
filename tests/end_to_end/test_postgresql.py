"""Both stores in a real PostgreSQL, as teams run them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.comparisons import learning_of
from tests.support.running import Ended, Running, free_port, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "a-password-of-the-database"  # noqa: S105 - of a database that lives as long as a test
TINY = ("--dataset", "digits", "--limit-examples", "200", "--epochs", "2")


class PostgreSQL:
    """A database server in a directory of its own, which ends with the test."""

    def __init__(self, programs: Path, directory: Path) -> None:
        # It refuses to run as root; Debian's package brings a user for it.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(directory, user)
        self._as = {"user": user, "cwd": directory, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._programs, self.port = programs, free_port()
        (directory / "password").write_text(PASSWORD)
        self._run(
            *("initdb", "--pgdata", "data", "--username", "team", "--pwfile", "password", "--auth", "scram-sha-256"),
            *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
        )
        options = ["-D", "data", "-p", str(self.port), "-h", "127.0.0.1", "-k", str(directory), "-F"]
        self._server = subprocess.Popen([programs / "postgres", *options], **self._as)
        wait_for(lambda: self._answers("postgres"), "PostgreSQL")
        for name in ("mlflow", "prefect"):
            self._run("createdb", *self._address, name)

    @property
    def _address(self) -> list[str]:
        return ["--host", "127.0.0.1", "--port", str(self.port), "--username", "team"]

    def settings(self) -> dict[str, str]:
        """Return the one setting of each store that docs/deploying.md names."""
        address = f"team:{PASSWORD}@127.0.0.1:{self.port}"
        return {
            "MLFLOW_TRACKING_URI": f"postgresql://{address}/mlflow",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{address}/prefect",
        }

    def stop(self) -> None:
        self._server.send_signal(signal.SIGINT)  # its fast shutdown
        self._server.wait(30)

    def _answers(self, database: str) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("psql", *self._address, "--command", "SELECT 1", database)
            return True
        return False

    def _run(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        subprocess.run([self._programs / program, *arguments], check=True, env=environment, **self._as)


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [shutil.which("postgres")]
    if not found[-1]:
        pytest.skip("there is no PostgreSQL here; on Debian: apt-get install postgresql")
    # Not below pytest's own directory, which is closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory() as name:
        server = PostgreSQL(Path(found[-1]).parent, Path(name))
        yield server
        server.stop()


def succeeded(ended: Ended) -> Ended:
    assert (ended.status, ended.left) == (0, []), ended
    assert PASSWORD not in ended.out + ended.err
    return ended


def test_four_first_runs_at_once_and_a_comparison_are_whole(
    start: Callable[..., Running], postgresql: PostgreSQL, runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    settings = postgresql.settings()
    # Four hosts, as it were: each has a home, a working directory and a Prefect server of its own.
    started = []
    for seed in range(4):
        (directory := tmp_path / f"host {seed}").mkdir()
        command = ("-m", "flows", "train", *TINY, "--seed", seed)
        started.append(start(*command, directory=directory, HOME=str(directory), **settings))
    for running in started:
        succeeded(running.ended())
    store = settings["MLFLOW_TRACKING_URI"]
    found = runs(store)
    assert sorted(run.data.params["seed"] for run in found) == ["0", "1", "2", "3"]
    for run in found:
        assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "completed")
        points = history(store, run.info.run_id, "train/loss")
        assert [step for step, _ in points] == [1, 2]

    compared = ("--optimizers", "sgd,adam", "--learning-rates", "0.01", "--seeds", "1", "--looks", "none")
    succeeded(start("-m", "flows", "compare", *TINY, *compared, directory=tmp_path / "host 0", **settings).ended())
    (study,) = [run for run in runs(store) if run.data.tags["run.flow"] == "compare"]
    assert study.info.status == "FINISHED"
    assert study.data.tags["verdict"]
    assert len(learning_of(store, study.info.run_id)) == 2

    flow_runs = asked(postgresql, "SELECT state_type, count(*) FROM flow_run GROUP BY 1")
    assert flow_runs == {"COMPLETED": 4 + 1 + 2}
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def history(store: str, run_id: str, metric: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    return [(point.step, point.value) for point in MlflowClient(store).get_metric_history(run_id, metric)]


def asked(postgresql: PostgreSQL, query: str) -> Counter[str]:
    import sqlalchemy

    url = postgresql.settings()["PREFECT_SERVER_DATABASE_CONNECTION_URL"].replace("+asyncpg", "")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return Counter({str(row[0]): int(row[1]) for row in connection.execute(sqlalchemy.text(query))})
