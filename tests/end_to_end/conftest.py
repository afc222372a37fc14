"""Real processes, each in an environment without any setting of the person who runs the tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.preloaded import Preloaded
from tests.support.running import ROOT, Running, free_port

WIDTH, HEIGHT = 1400, 900  # pixels of a browser's window
MILLISECONDS = 60_000  # a page may take so long on a busy machine


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start ``python ARGUMENT...`` in ``tmp_path``; it is ended with the test."""
    started = []

    def start_one(
        *arguments: object,
        directory: Path = tmp_path,
        begin: Callable[..., Any] = subprocess.Popen,
        streams: Any = None,
        **changes: str,
    ) -> Running:
        words = [str(argument) for argument in arguments]
        running = Running(words, directory, environment | changes, begin, **streams or {})
        started.append(running)
        return running

    yield start_one
    for running in started:
        running.end()


@pytest.fixture
def train(
    start: Callable[..., Running], environment: dict[str, str], preloaded: Preloaded, tmp_path: Path
) -> Callable[..., Running]:
    """Start ``python -m flows train`` with the shared Prefect server, and preloaded unless a setting forbids it."""

    def train_with(*arguments: object, directory: Path = tmp_path, **changes: str) -> Running:
        changed = {"PREFECT_API_URL": preloaded.environment["PREFECT_API_URL"], **changes}
        begin = preloaded.start if preloaded.serves(environment | changed) else subprocess.Popen
        return start("-m", "flows", "train", *arguments, directory=directory, begin=begin, **changed)

    return train_with


@pytest.fixture(scope="session")
def preloaded(
    environment: dict[str, str], prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Preloaded]:
    """What commands that use the shared Prefect server are forked off."""
    started = Preloaded(tmp_path_factory.mktemp("preloaded"), {**environment, "PREFECT_API_URL": prefect_api})
    yield started
    started.end()


@pytest.fixture
def runs() -> Callable[[Path | str], list[Any]]:
    """Read all MLflow runs, oldest first, of the store in a directory, or of an address."""

    def read(store: Path | str) -> list[Any]:
        from mlflow import MlflowClient

        if isinstance(store, Path):
            if not (store / "mlflow.db").exists():
                return []
            store = f"sqlite:///{store / 'mlflow.db'}"
        client = MlflowClient(store)
        ids = [experiment.experiment_id for experiment in client.search_experiments()]
        return client.search_runs(ids, order_by=["attributes.start_time"]) if ids else []

    return read


@pytest.fixture
def compare(
    start: Callable[..., Running], preloaded: Preloaded, empty_store: Path, tmp_path: Path
) -> Callable[..., Running]:
    """Start ``python -m flows compare`` as `train` does, with a store that can be read while it runs."""

    def compare_with(*arguments: object, directory: Path = tmp_path, **changes: str) -> Running:
        if not (directory / "mlflow.db").exists():
            shutil.copy(empty_store, directory / "mlflow.db")
        changed = {"PREFECT_API_URL": preloaded.environment["PREFECT_API_URL"], **changes}
        return start("-m", "flows", "compare", *arguments, directory=directory, begin=preloaded.start, **changed)

    return compare_with


@pytest.fixture
def dask_address(start: Callable[..., Running], tmp_path: Path) -> str:
    """A Dask scheduler and two workers, each a process of its own, that know nothing of the comparison."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    dask = ("-m", "dask")
    start(*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", directory=elsewhere)
    for _ in range(2):
        start(*dask, "worker", address, "--nthreads", 1, "--no-dashboard", directory=elsewhere)
    return address


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is deployed, for a run leaves its files in the working directory."""
    directory = tmp_path / "a checkout"
    for package in ("flows", "tasks", "study", "models", "served_model"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", directory)
    return directory


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no Chromium here; on Debian: apt-get install chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(MILLISECONDS)
        expect.set_options(timeout=MILLISECONDS)
        yield page
        browser.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path, page: Page) -> Callable[[str], None]:
    """Take a picture, higher than the window so that it shows more, where ``--pictures`` says or aside."""
    directory = Path(request.config.getoption("--pictures") or tmp_path)

    def take(name: str) -> None:
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT + 300})
        page.wait_for_timeout(1000)  # what is drawn moves into its place
        path = directory / f"{name}.png"
        page.screenshot(path=path)
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        assert path.stat().st_size > 20_000  # a blank page has a tenth of that

    return take
