"""The file in which the directory of a run says what it was started with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.durable_files import write_durably
from tasks.foundation.secrets_in_addresses import without_secrets

RUN_FILE = "run.json"


class RunFile(BaseModel):
    """What the directory of a run says of it.

    Attributes:
        store: Where it is recorded.
        run_id: The run there; none as long as there is none.
        parameters: What it was started with.
        dataset: What it trains on; none if an older version began it.
    """

    model_config = ConfigDict(frozen=True)

    store: Annotated[str, AfterValidator(without_secrets)]  # older files may hold some of them
    run_id: str | None = None
    parameters: dict[str, Any]
    dataset: BoundDataset | None = None


def read_run_file(directory: Path) -> RunFile:
    """Return what a run's directory says of it. Raises OSError, or ValueError for what is no such file."""
    try:
        return RunFile.model_validate_json((directory / RUN_FILE).read_bytes())
    except ValidationError as error:
        raise ValueError(f"{RUN_FILE} is damaged: {error.errors()[0]['msg']}") from error


def write_run_file(directory: Path, file: RunFile) -> None:
    """Write it. Raises StorageError."""
    write_durably(directory / RUN_FILE, file.model_dump_json(indent=2).encode())
