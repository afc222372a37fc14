"""What a training run shows in the Prefect UI: a link to its MLflow run, a table of its epochs, a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

if TYPE_CHECKING:
    from flows.train import TrainResult


def flow_run_url() -> str:
    """Return the address of the running flow run's page; empty outside of a flow run."""
    return flow_run.ui_url or ""


def publish_link(run_url: str) -> None:
    """Link the flow run to its MLflow run."""
    create_link_artifact(link=run_url, link_text="MLflow run", key="mlflow-run", description="The MLflow run")


def publish_result(name: str, result: TrainResult) -> None:
    """Publish the epochs as a table, and what came out as text."""
    rows = [row.model_dump(exclude_none=True) for row in result.epochs]
    if rows:
        create_table_artifact(rows, key="epochs", description=f"Epochs of {name}")
    create_markdown_artifact(f"# {name}\n\n{summary(result)}\n\n[MLflow run]({result.run_url})\n", key="summary")


def summary(result: TrainResult) -> str:
    """Say in a sentence or two what came out."""
    if result.outcome == "diverged":
        return f"Diverged: {result.reason}. The run has no score; try a smaller learning rate."
    said = (
        f"Test accuracy {result.test['test/accuracy']:.4f}, test loss {result.test['test/loss']:.4f}, after "
        f"{len(result.epochs)} epochs in {result.seconds:.1f} s."
    )
    if result.best:
        said += f" Best validation accuracy {result.best.validation_accuracy:.4f}, in epoch {result.best.epoch}."
    return said
