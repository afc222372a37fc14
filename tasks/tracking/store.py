"""Where MLflow keeps its record: the address of the store, and of its pages."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from tasks.foundation.secrets_in_addresses import without_login, without_secrets
from tasks.tracking.stored_run import STUDY_TAG

MLFLOW_UI = "http://127.0.0.1:5000"  # where `python -m flows ui` shows the default store
# Without it a page of MLflow opens in its view for language models, whatever the experiment says.
MODEL_TRAINING_VIEW = "workflowType=machine_learning"
# What MLflow imports only when it comes to it, which takes seconds.
LATE_IMPORTS = ("mlflow.keras", "mlflow.store.tracking.sqlalchemy_store")


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, else the store ``mlflow.db`` in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


def store_name() -> str:
    """Return the address of the store without the secrets in it, for messages and files."""
    return without_secrets(tracking_uri())


def registry_name() -> str:
    """Return the address of the registry of models likewise: the store's, unless MLflow is told otherwise."""
    return without_secrets(os.environ.get("MLFLOW_REGISTRY_URI") or tracking_uri())


def ui_url() -> str:
    """Return where MLflow's pages are: on the tracking server, else where ``make ui`` shows them."""
    uri = tracking_uri()
    return without_login(uri).rstrip("/") if uri.startswith("http") else MLFLOW_UI


def run_url(experiment_id: str, run_id: str) -> str:
    """Return the address of the run's page: on the tracking server, else where ``make ui`` shows it."""
    return f"{ui_url()}/#/experiments/{experiment_id}/runs/{run_id}?{MODEL_TRAINING_VIEW}"


def trials_url(experiment_id: str, study: str) -> str:
    """Return the address of the table of a study's trials, and of their charts."""
    condition = quote(f"tags.{STUDY_TAG} = '{study}'")
    return f"{ui_url()}/#/experiments/{experiment_id}/runs?searchFilter={condition}&{MODEL_TRAINING_VIEW}"


def comparison_url(experiment_id: str, run_ids: Sequence[str]) -> str:
    """Return the address of the page on which runs are compared."""
    runs, experiments = quote(json.dumps(list(run_ids))), quote(json.dumps([experiment_id]))
    return f"{ui_url()}/#/compare-runs?runs={runs}&experiments={experiments}&{MODEL_TRAINING_VIEW}"
