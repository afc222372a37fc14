"""What a run has MLflow record, as values that can be kept in a file: sent again, each changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from served_model.description import ModelDescription


class _Entry(BaseModel):
    # NaN and infinity are values that a metric can have, and JSON has no numbers for them; pydantic would write null.
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings", ser_json_bytes="base64", val_json_bytes="base64")


class Parameters(_Entry):
    """The parameters of the run."""

    kind: Literal["parameters"] = "parameters"
    parameters: dict[str, str]


class Tags(_Entry):
    """Tags, which replace those of the same names."""

    kind: Literal["tags"] = "tags"
    tags: dict[str, str]


class Metrics(_Entry):
    """Metrics of one step, measured at ``timestamp``: milliseconds since 1970, by which MLflow tells points apart."""

    kind: Literal["metrics"] = "metrics"
    metrics: dict[str, float]
    step: int
    timestamp: int


class DatasetUsed(_Entry):
    """The data that the run trains on; where it comes from, its features and its counts as JSON."""

    kind: Literal["dataset"] = "dataset"
    name: str
    digest: str
    source: str
    features: str
    profile: str


class Attachment(_Entry):
    """A file, by its name and content."""

    kind: Literal["attachment"] = "attachment"
    name: str
    content: bytes


class ModelFile(_Entry):
    """The trained model, a .keras file, and what is known of it; outboxes of older versions do not have the latter."""

    kind: Literal["model"] = "model"
    path: Path
    image_shape: tuple[int, int, int]
    num_classes: int
    description: ModelDescription | None = None


class End(_Entry):
    """How and when the run ended; ``timestamp`` in milliseconds since 1970."""

    kind: Literal["end"] = "end"
    status: Literal["FINISHED", "FAILED", "KILLED"]
    timestamp: int


Entry = Annotated[Parameters | Tags | Metrics | DatasetUsed | Attachment | ModelFile | End, Field(discriminator="kind")]
ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
