"""The registry of models: a real one in SQLite, and servers that have none."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_registry
from tasks.tracking.mlflow_registry import find_model, register_model, registered_run, registered_version, set_alias
from tasks.tracking.store import registry_name
from tasks.tracking.stored_run import MODEL_TAG
from tests.support.promotable_runs import finished_run
from tests.support.store import store

pytestmark = pytest.mark.usefixtures("workplace")


def test_a_version_is_found_by_its_number_and_by_its_alias() -> None:
    first, second = finished_run(None), finished_run(None)
    assert (register_model("pets", first), register_model("pets", second)) == ("1", "2")
    set_alias("pets", "champion", "2")
    assert registered_run("pets", "1") == first
    assert registered_run("pets", "2") == registered_run("pets", "champion") == second
    model = find_model("pets")
    assert model
    assert (model.latest, model.aliases) == ("2", {"champion": "2"})


def test_a_run_is_registered_once_under_a_name() -> None:
    run_id = finished_run(None)
    assert [register_model("pets", run_id) for _ in range(2)] == ["1", "1"]
    assert register_model("others", run_id) == "1"
    assert len(store().search_model_versions(f"run_id = '{run_id}'")) == 2


def test_what_is_registered_is_where_its_run_has_stored_it() -> None:
    run_id = finished_run(None)
    register_model("pets", run_id)
    model_id = store().get_run(run_id).outputs.model_outputs[0].model_id
    found = store().get_model_version_download_uri("pets", "1")
    assert found == store().get_logged_model(model_id).artifact_location


def test_a_model_that_lies_as_an_artifact_of_its_run_is_registered_too() -> None:
    run_id = finished_run(None, model=False, tags={MODEL_TAG: "artifact 'model' of this run"})
    assert register_model("pets", run_id) == "1"
    place = store().get_model_version_download_uri("pets", "1")
    assert place == f"{store().get_run(run_id).info.artifact_uri}/model"
    assert registered_run("pets", "1") == run_id


def test_a_run_without_a_model_is_told() -> None:
    run_id = finished_run(None, model=False)
    with pytest.raises(InputError, match=rf"run '{run_id}' has no model in the MLflow store 'sqlite:.*reconcile"):
        register_model("pets", run_id)
    assert find_model("pets") is None


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(InputError, match=r"the registry 'sqlite:.*' has no model 'pets'; it has none yet; register"):
        registered_run("pets", "champion")
    register_model("pets", finished_run(None))
    set_alias("pets", "champion", "1")
    with pytest.raises(InputError, match="has no model 'dogs'; it has: pets"):
        registered_run("dogs", "1")
    with pytest.raises(InputError, match=r"alias 'previous' .*; its aliases: champion; its newest version: 1"):
        registered_run("pets", "previous")
    with pytest.raises(InputError, match=r"'pets' has no version 7 in the registry .*; its newest version: 1"):
        registered_run("pets", "7")
    with pytest.raises(InputError, match=r"'pets' has no version .* alias '9{20}' .*; its newest version: 1"):
        registered_run("pets", "9" * 20)  # which no database counts to


def test_a_version_that_was_registered_without_its_run_is_told() -> None:
    store().create_registered_model("pets")
    store().create_model_version("pets", "file:///somewhere")
    with pytest.raises(InputError, match=r"version 1 of 'pets' .* does not say which run it is of; name the run"):
        registered_run("pets", "1")


def test_tags_replace_those_of_the_same_names() -> None:
    register_model("pets", finished_run(None))
    mlflow_registry.tag_version("pets", "1", {"a": "1", "b": "2"})
    mlflow_registry.tag_version("pets", "1", {"b": "3"})
    assert registered_version("pets", "1").tags == {"a": "1", "b": "3"}
    for value, tags in [("x", {"moving": "x"}), (None, {}), (None, {})]:
        mlflow_registry.tag_model("pets", "moving", value)
        model = find_model("pets")
        assert model
        assert model.tags == tags


@pytest.fixture
def _without_registry(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tracking server that knows experiments, and nothing of models."""
    assert workplace

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            known = "experiments" in self.path
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", "2" if known else "0")
            self.end_headers()
            self.wfile.write(b"{}" if known else b"")

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("_without_registry")
def test_a_server_without_a_registry_is_told() -> None:
    with pytest.raises(InputError, match=r"'http://127.0.0.1:\d+' has no registry of models.*name the run itself"):
        registered_run("pets", "champion")


def test_a_run_s_tags_are_left_alone() -> None:
    run_id = finished_run(None)
    before = store().get_run(run_id).data.tags
    register_model("pets", run_id)
    set_alias("pets", "champion", "1")
    assert store().get_run(run_id).data.tags == before


def test_the_registry_is_the_store_s_unless_mlflow_is_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:canary@one.example")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    assert registry_name() == "https://me:***@one.example"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "https://me:canary@two.example")
    assert registry_name() == "https://me:***@two.example"
