"""The MLflow store of a test, asked as anybody asks it."""

from __future__ import annotations

import mlflow

from tasks.tracking.store import tracking_uri


def store() -> mlflow.MlflowClient:
    """Return a client of the store that the pipeline uses just now."""
    return mlflow.MlflowClient(tracking_uri())
