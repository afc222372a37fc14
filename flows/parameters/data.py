"""The parameters that say which data is used, and how it is prepared."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from flows.parameters.group import ParameterGroup
from flows.parameters.several import Several

DatasetName = Annotated[
    str,
    StringConstraints(pattern=r"^(folder:.+|csv:.+|[a-z][a-z0-9_]*(/[A-Za-z0-9._-]+)?)$"),
]


def _at_least_two(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) < 2:
        raise ValueError(
            f"classes: received {', '.join(names) or 'nothing'}; name at least 2 of them, or none, for all of them"
        )
    return tuple(sorted(names))  # in whatever order they are named, it is the same data


Classes = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], *Several, AfterValidator(_at_least_two)]


class DataParameters(ParameterGroup):
    """Which images are trained on, validated on and tested on."""

    dataset: Annotated[
        DatasetName,
        Field(
            description="digits; an image-classification set of tensorflow-datasets by its name (mnist, "
            "fashion_mnist, emnist/balanced, cifar10, ...); folder:PATH, one subfolder of images a class, or train, "
            "validation and test above these; or csv:FILE with the columns file and label, and, if wanted, split "
            "and group"
        ),
    ] = "mnist"
    data_dir: Annotated[
        str | None,
        Field(description="where prepared tensorflow-datasets lie; none: TFDS_DATA_DIR, else ~/tensorflow_datasets"),
    ] = None
    download: Annotated[bool, Field(description="false: never touch the network")] = True
    image_size: Annotated[
        int, Field(ge=16, le=1024, description="pixels a side; images are resized to it once, at preparation")
    ] = 32
    validation_fraction: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of the training split to validate on, the same images whatever the seed; 0: none. Data "
            "that comes with validation images is validated on these",
        ),
    ] = 0.1
    limit_examples: Annotated[
        int | None,
        Field(
            ge=20,
            le=1_000_000_000,
            description="use at most so many examples of each split, for a quick try; none: all",
        ),
    ] = None
    classes: Annotated[
        Classes | None, Field(description="use these classes alone, at least two, for a quick try; none: all")
    ] = None
    fit: Annotated[
        Literal["stretch", "crop", "pad"],
        Field(
            description="how an image that is not square becomes so: its proportions change, the largest square in "
            "its middle is taken, or it is laid on a black square"
        ),
    ] = "stretch"
    skip_broken: Annotated[
        bool, Field(description="leave out images of a folder or CSV that cannot be read, instead of refusing all")
    ] = False
    keep_together: Annotated[
        Literal["exact", "near", "none"],
        Field(
            description="images that never lie in two of the splits that are drawn: equal ones (exact), those that are "
            "nearly equal too (near), or none but the groups of a csv"
        ),
    ] = "exact"

    def preparation(self) -> dict[str, Any]:
        """Return what a prepared dataset is made from, beside its name."""
        names = (
            "image_size",
            "validation_fraction",
            "limit_examples",
            "classes",
            "fit",
            "skip_broken",
            "keep_together",
        )
        return self.only(*names)

    def dataset_label(self) -> str:
        """Return the dataset's name, short enough for the name of a run."""
        return PurePath(self.dataset).name if self.dataset.startswith(("folder:", "csv:")) else self.dataset
