"""What tests share: a workplace of their own, a prepared dataset, a Prefect server for those that ask for one."""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tasks.foundation.environment import settle_environment

if TYPE_CHECKING:
    from tests.support.running import Running

# Before TensorFlow, MLflow and Prefect are imported: they read these once. Nothing here reports to anybody.
os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3",
    CUDA_VISIBLE_DEVICES=os.environ.get("CUDA_VISIBLE_DEVICES", "-1"),
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    MLFLOW_DISABLE_TELEMETRY="true",
)
settle_environment(os.environ)  # as flows/__init__.py, which tests of tasks do not import

# A thread of Prefect posts its logs whenever it likes: a test that reads what was logged does not mean its requests.
logging.getLogger("httpx").setLevel(logging.WARNING)

# As in flows/__main__.py: looking through all of TensorFlow and Prefect for garbage takes a second each time.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

ROOT = Path(__file__).parent.parent

SETTINGS = re.compile(r"^(PREFECT|MLFLOW|TFDS|TF|KERAS|DO_NOT_TRACK|PYTHON|COLUMNS|LINES|NO_COLOR|FORCE_COLOR)")

# A busy machine is not a failure; and the same examples everywhere, so that what fails, a change made fail.
settings.register_profile("pipeline", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pipeline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", help="the folder that takes the pictures of the browser tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, let files that take long begin first: short ones then fill the time until the last ends."""
    if hasattr(config, "workerinput"):  # in a process of pytest-xdist
        items.sort(key=_comes_late)


def _comes_late(item: pytest.Item) -> int:
    if any(map(item.get_closest_marker, ("slow", "end_to_end"))):
        return 0
    return 1 if {"prefect_server", "fit"}.intersection(getattr(item, "fixturenames", ())) else 2


def pytest_collection_finish() -> None:
    """Compute with as many threads as a training does by default, where a test file imports TensorFlow at all.

    What has been imported until then stays: nobody needs to look there for garbage.
    """
    gc.freeze()
    if "tensorflow" in sys.modules:
        from tasks.training.threads import use_threads

        use_threads(1)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An MLflow store without experiments: a copy of it saves the seconds in which MLflow makes its tables."""
    from mlflow import MlflowClient
    from mlflow.store.db import utils

    from tasks.tracking.databases import migration_lock

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        # Whenever a store is opened, MLflow runs all of its migrations' files to learn which of them is the last.
        name = "_get_latest_schema_revision"
        patch.setattr(utils, name, cache(getattr(utils, name)))
        with migration_lock(uri := f"sqlite:///{path}", "mlflow"):
            MlflowClient(uri).search_experiments()
        yield path


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Path:
    """An empty working directory, with an MLflow store where the pipeline looks for it."""
    monkeypatch.chdir(tmp_path)
    # Set, then deleted: so it is also restored where it was not set, for mlflow.set_tracking_uri sets it.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


# The directories of datasets that many tests share, and what lay in each when it was made.
SHARED: dict[Path, dict[str, tuple[int, int]]] = {}


def _contents(directory: Path) -> dict[str, tuple[int, int]]:
    """The names, bytes and times of the last change of what lies in a directory."""
    with os.scandir(directory) as entries:
        return {entry.name: (entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first 300 of the digits at 16x16 pixels: 190 for training, 50 for validation, 60 for testing."""
    from tasks.dataset import prepare_dataset

    with contextlib.chdir(tmp_path_factory.mktemp("prepared")):
        made = prepare_dataset.fn("digits", image_size=16, validation_fraction=0.2, limit_examples=300)
    SHARED[made.directory] = _contents(made.directory)
    return made


@pytest.fixture
def own_prepared(prepared: Any, tmp_path: Path) -> Any:
    """The dataset of ``prepared`` in a place of the test's own, where other splits of it may be made, and harmed."""
    from tasks.data.prepared import load_prepared

    return load_prepared(Path(shutil.copytree(prepared.directory, tmp_path / "own_prepared")))


@pytest.fixture(autouse=True)
def _shared_datasets_stay_as_they_were() -> Iterator[None]:
    """Fail the test that leaves something in a shared dataset, and not, by the order of the day, the next one."""
    yield
    for directory, before in SHARED.items():
        SHARED[directory] = _contents(directory)  # so that the next test is not blamed for it
        changed = sorted({name for name, _ in before.items() ^ SHARED[directory].items()})
        assert not changed, f"the test changed what others share: {changed} in {directory}; it wants own_prepared"


@pytest.fixture
def make_compiled(prepared: Any, tmp_path: Path) -> Callable[..., Path]:
    """Build and compile a network for ``prepared``, LeNet; keyword arguments replace those of compile_model."""
    from tasks.model import build_model, compile_model

    def make(*, seed: int = 1, model: str = "lenet", **changes: Any) -> Path:
        precision = changes.get("precision", "float32")
        initial = build_model.fn(model, prepared, tmp_path, seed=seed, device="cpu", precision=precision)
        recipe = {
            "loss": "softmax_cross_entropy",
            "label_smoothing": 0.0,
            "smooth_l1_beta": None,
            "optimizer": "momentum",
            "learning_rate": 0.01,
            "hyperparameters": {"momentum": 0.9, "nesterov": False},
            "weight_decay": 0.0,
            "schedule": "constant",
            "warmup_epochs": 0.0,
            "epochs": 2,
            "steps_per_epoch": 6,
            "device": "cpu",
        }
        return compile_model.fn(initial, tmp_path, **recipe | changes)

    return make


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a stranger: no setting of ours, an empty home."""
    # A shell that runs the tests in the background ignores interrupts, and so would all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not SETTINGS.match(name)}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(scope="session")
def serve(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[list[str], int, str], str]]:
    """Start a server of this environment on a port, wait until its health page answers, and return its address."""
    from tests.support.running import Running, answers, wait_for
    from tests.support.servers import NO_JOBS

    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **NO_JOBS,
        "PREFECT_SERVER_UI_API_URL": "/api",  # else its pages look for the API at port 4200
    }
    started: list[Running] = []

    def serve_one(arguments: list[str], port: int, health: str) -> str:
        running = Running(arguments, tmp_path_factory.mktemp("server"), environment | quiet)
        started.append(running)
        url = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert running.process.poll() is None, f"it ended: {running.out.read_text()}{running.err.read_text()}"
            return answers(f"{url}{health}")

        wait_for(up, f"the server at {url}")
        return url

    yield serve_one
    for running in started:
        running.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(5)
        running.end()


@pytest.fixture(scope="session")
def prefect_api(serve: Callable[..., str], environment: dict[str, str]) -> str:
    """A Prefect server that tests share, where how it starts is not what they are about."""
    from tests.support.running import free_port
    from tests.support.servers import made

    made(Path(environment["HOME"]) / ".prefect" / "prefect.db", "prefect")
    port = free_port()
    command = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    return serve(command, port, "/api/health") + "/api"


@pytest.fixture(scope="session")
def prefect_server(prefect_api: str) -> Iterator[None]:
    """That server, for flows in this process: what Prefect's own harness does, without a second server."""
    from prefect.context import _temporary_global_settings_context, get_settings_context
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api}), _temporary_global_settings_context(get_settings_context()):
        yield
        for worker in (APILogWorker, EventsWorker):  # they send in the background, and the server ends now
            worker.drain_all(timeout=60, at_exit=False)


@pytest.fixture
def no_heartbeat() -> Iterator[None]:
    """Let no flow run that is called as a worker calls it wait for Prefect's heartbeat, up to a second at its end."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing in a training, where the test looks at none of its pictures: they take a quarter of a short one."""
    for module in ("tasks.fit", "tasks.report.run_figures"):
        monkeypatch.setattr(f"{module}.png", lambda *_, **__: b"")


@pytest.fixture(scope="session")
def mnist_directory() -> str:
    """Where tensorflow-datasets has the real MNIST prepared."""
    directory = Path(os.environ.get("TFDS_DATA_DIR") or ROOT.parent / "shared" / "tfds").absolute()
    if not (directory / "mnist").is_dir():
        pytest.skip(f"MNIST is not prepared in {directory}: set TFDS_DATA_DIR to where it is")
    return str(directory)
