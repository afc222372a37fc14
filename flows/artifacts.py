"""What a training run shows in the Prefect UI: a link to its MLflow run, a table of its epochs, a summary."""

from __future__ import annotations

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.result import TrainResult


def publish_link(run_url: str) -> None:
    """Link the flow run to its MLflow run."""
    create_link_artifact(link=run_url, link_text="MLflow run", key="mlflow-run", description="The MLflow run")


def publish_result(name: str, result: TrainResult) -> None:
    """Publish the epochs as a table, and what came out as text."""
    rows = [row.model_dump(exclude_none=True) for row in result.epochs]
    if rows:
        create_table_artifact(rows, key="epochs", description=f"Epochs of {name}")
    create_markdown_artifact(f"# {name}\n\n{result.summary()}\n\n[MLflow run]({result.run_url})\n", key="summary")
