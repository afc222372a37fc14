"""What a training run shows in the Prefect UI: a link to its MLflow run, tables of its epochs and classes, a summary.

All of it is in MLflow too: if the Prefect API has gone away, training goes on without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.lifecycle.train_result import TrainResult
from tasks.foundation.log import task_log
from tasks.report.class_table import ClassRow


def publish_link(run_url: str) -> None:
    """Link the flow run to its MLflow run."""
    with _dispensable("the link to the MLflow run"):
        create_link_artifact(link=run_url, link_text="MLflow run", key="mlflow-run", description="The MLflow run")


def publish_result(name: str, result: TrainResult, classes: Mapping[str, Sequence[ClassRow]]) -> None:
    """Publish the epochs and, by split, how well each class is known as tables, and what came out as text."""
    # By way of pydantic's text, which has strings for what is no number in JSON; digests would widen the table.
    rows = [json.loads(row.model_dump_json(exclude_none=True, exclude={"weights_sha256"})) for row in result.epochs]
    text = f"# {name}\n\n{result.summary()}\n\n[MLflow run]({result.run_url})\n"
    with _dispensable("the tables and the summary"):
        if rows:
            create_table_artifact(rows, key="epochs", description=f"Epochs of {name}")
        for split, of_class in classes.items():
            if of_class:
                said = f"How well each class is known: {split} split"
                create_table_artifact([row.model_dump() for row in of_class], key=f"classes-{split}", description=said)
        create_markdown_artifact(text, key="summary", description=f"What came of {name}")


def publish_comparison(rows: list[dict[str, Any]], text: str) -> None:
    """Publish the contenders of a comparison as a table, and the verdict as text."""
    with _dispensable("the table of contenders and the verdict"):
        if rows:
            create_table_artifact(rows, key="contenders", description="The contenders, the best first")
        create_markdown_artifact(text, key="verdict", description="Which is best, and what does not follow")


@contextmanager
def _dispensable(what: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        task_log().warning("Prefect does not show %s: its API fails (%s: %s).", what, type(error).__name__, error)
