"""What is found in a prepared dataset: its classes, sizes, copies and images of one colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tasks.data.copies import MOST_IMAGES, exact_copies, near_copies
from tasks.data.descriptions import Findings, read_findings, read_names
from tasks.data.prepared import PreparedDataset, Split

FLAT = 2.0  # grey levels of standard deviation: of an image that shows less nobody can say what it is
READ_IMAGES = 1024  # at a time
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Example(_Value):
    """One image: its position in ``images.npy``, what a person knows it by, its class and its split."""

    position: int
    name: str
    label: str
    split: Split


class Copy(_Value):
    """Two images that are equal in every pixel (exact), or nearly so."""

    first: Example
    second: Example
    exact: bool

    @property
    def across_splits(self) -> bool:
        """Whether what one split has learnt is asked of another."""
        return self.first.split != self.second.split

    @property
    def across_labels(self) -> bool:
        """Whether one of both labels is wrong."""
        return self.first.label != self.second.label


class Inspection(_Value):
    """What is in a prepared dataset, with the splits that it was prepared with.

    Attributes:
        images: Of each class in each split, by their names.
        copies: Pairs of equal or nearly equal images, those across splits and labels first.
        near_compared: Whether it was looked for nearly equal ones.
        flat: Images of (nearly) one colour.
        findings: What was found while the images were read, but for their sizes, which may be millions.
        leaked: As the dataset says it.
    """

    images: dict[str, dict[Split, int]]
    copies: tuple[Copy, ...]
    near_compared: bool
    flat: tuple[Example, ...]
    findings: Findings
    leaked: dict[Split, int]


def inspect(
    prepared: PreparedDataset, *, near: bool = True, advance: Callable[[int], None] = lambda _: None
) -> Inspection:
    """Return what is in a dataset.

    Args:
        prepared: The dataset; its ``split_seed`` does not matter.
        near: Whether nearly equal images are looked for, which takes time with the square of their number; where there
            are more than `MOST_IMAGES` they never are.
        advance: Is told now and then of how many more images all pairs are compared.
    """
    near = near and sum(prepared.examples.values()) <= MOST_IMAGES
    images = np.load(prepared.directory / "images.npy", mmap_mode="r")
    described = _Described(prepared)
    exact = exact_copies(images)
    nearly = near_copies(images, advance) if near else np.empty((0, 2), dtype=np.int64)
    copies = [(pair, True) for pair in exact.tolist()]
    copies += [(pair, False) for pair in _without(nearly, images).tolist()]
    pairs = [Copy(first=described.example(a), second=described.example(b), exact=same) for (a, b), same in copies]
    return Inspection(
        images=described.counts(),
        copies=tuple(sorted(pairs, key=lambda pair: (not pair.across_splits, not pair.across_labels, not pair.exact))),
        near_compared=near,
        flat=tuple(described.example(position) for position in _flat(images)),
        findings=read_findings(prepared.directory).model_copy(update={"sizes": ()}),
        leaked=prepared.leaked,
    )


class _Described:
    """The examples of a dataset by their positions."""

    def __init__(self, prepared: PreparedDataset) -> None:
        self._classes = prepared.classes
        self._labels = np.load(prepared.directory / "labels.npy")
        self._splits = np.empty(len(self._labels), dtype="U10")
        for split in SPLITS:
            self._splits[np.load(prepared.directory / f"{split}.npy")] = split
        self._names = read_names(prepared.directory)

    def example(self, position: int) -> Example:
        split: Any = str(self._splits[position])
        name = self._names[position] if self._names else f"image {position}"
        return Example(position=position, name=name, label=self._classes[self._labels[position]], split=split)

    def counts(self) -> dict[str, dict[Split, int]]:
        by_split = {
            split: np.bincount(self._labels[self._splits == split], minlength=len(self._classes)).tolist()
            for split in SPLITS
        }
        return {name: {split: by_split[split][label] for split in SPLITS} for label, name in enumerate(self._classes)}


def _without(pairs: NDArray[np.int64], images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the pairs whose images are not equal."""
    differ = [not np.array_equal(images[one], images[other]) for one, other in pairs.tolist()]
    return pairs[np.array(differ, dtype=bool)] if differ else pairs


def _flat(images: NDArray[np.uint8]) -> list[int]:
    """Return the positions of images whose pixels, of all channels together, hardly differ."""
    found: list[int] = []
    for start in range(0, len(images), READ_IMAGES):
        block = images[start : start + READ_IMAGES]
        deviations = block.reshape(len(block), -1, block.shape[-1]).astype(np.float32).std(axis=1).max(axis=1)
        found += (start + np.flatnonzero(deviations <= FLAT)).tolist()
    return found
