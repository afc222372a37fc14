"""Where MLflow keeps its record: the address of the store, and of its pages."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

MLFLOW_UI = "http://127.0.0.1:5000"  # where `python -m flows ui` shows the default store
# Without it a page of MLflow opens in its view for language models, whatever the experiment says.
MODEL_TRAINING_VIEW = "workflowType=machine_learning"
# What MLflow imports only when it comes to it, which takes seconds.
LATE_IMPORTS = ("mlflow.keras", "mlflow.store.tracking.sqlalchemy_store")


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, else the store ``mlflow.db`` in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


def store_name() -> str:
    """Return the address of the store without the password in it, for messages and files."""
    uri = tracking_uri()
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@", 1) if password else uri


def run_url(experiment_id: str, run_id: str) -> str:
    """Return the address of the run's page: on the tracking server, else where ``make ui`` shows it."""
    uri = tracking_uri()
    server = uri.rstrip("/") if uri.startswith("http") else MLFLOW_UI
    return f"{server}/#/experiments/{experiment_id}/runs/{run_id}?{MODEL_TRAINING_VIEW}"
