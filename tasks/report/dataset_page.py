"""What is in a dataset, on one page: HTML without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.data.descriptions import read_findings
from tasks.data.prepared import PreparedDataset
from tasks.inspection.inspection import SPLITS, Copy, Inspection
from tasks.inspection.sizes import sizes_in_words
from tasks.inspection.worries import worries
from tasks.report.thumbnails import strip

EXAMPLES = 10  # of each class
MOST_CLASSES = 60  # of which examples are shown
MOST_COPIES, MOST_FLAT = 24, 40  # that are shown


def dataset_page(prepared: PreparedDataset, found: Inspection, augmented: Markup | None = None) -> str:
    """Return the page.

    Args:
        prepared: The dataset.
        found: What is in it.
        augmented: Some of its training images as training with augmentation sees them.
    """
    images = np.load(prepared.directory / "images.npy", mmap_mode="r")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    height, width, channels = prepared.image_shape
    classes = [*found.images][:MOST_CLASSES]
    return environment.get_template("dataset_page.html.j2").render(
        name=shown(prepared.name),
        location=shown(prepared.location),
        prepared=prepared,
        form=f"{width}x{height} pixels, {'grey' if channels == 1 else 'colour'}",
        sizes=sizes_in_words(read_findings(prepared.directory).sizes),
        worries=worries(found),
        found=found,
        splits=SPLITS,
        rows=_rows(found),
        totals={split: sum(one[split] for one in found.images.values()) for split in SPLITS},
        sheets=[(shown(name), _examples(prepared, images, name)) for name in classes],
        more_classes=len(found.images) - len(classes),
        copies=[_copy(copy, images) for copy in found.copies[:MOST_COPIES]],
        flat=strip(images, [one.position for one in found.flat[:MOST_FLAT]], "images of one colour")
        if found.flat
        else "",
        augmented=augmented,
    )


def shown(name: str) -> str:
    """Return a name as a page can hold it: bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _rows(found: Inspection) -> list[dict[str, Any]]:
    """Return a row for each class: its images by split, all of them, their share, and that against the largest's."""
    sizes = [sum(counts.values()) for counts in found.images.values()]
    largest, total = max(sizes), sum(sizes)
    return [
        {"name": shown(name), "counts": counts, "all": size, "share": size / total, "bar": size / max(1, largest)}
        for (name, counts), size in zip(found.images.items(), sizes, strict=True)
    ]


def _examples(prepared: PreparedDataset, images: np.ndarray, name: str) -> Markup | str:
    """Return some training images of a class, from its first to its last; nothing if it has none."""
    train = np.load(prepared.directory / "train.npy")
    labels = np.load(prepared.directory / "labels.npy")[train]
    members = train[labels == prepared.classes.index(name)]
    return strip(images, _spread(members.tolist()), f"training images of class {shown(name)}") if len(members) else ""


def _spread(positions: Sequence[int]) -> list[int]:
    places: Iterable[int] = np.linspace(0, len(positions) - 1, min(EXAMPLES, len(positions))).round().astype(int)
    return [positions[place] for place in places]


def _copy(copy: Copy, images: np.ndarray) -> dict[str, Any]:
    both = (copy.first, copy.second)
    return {
        "picture": strip(images, [one.position for one in both], f"{shown(both[0].name)} and {shown(both[1].name)}"),
        "lines": [(shown(one.name), f"{shown(one.label)}, {one.split}") for one in both],
        "how": "equal" if copy.exact else "nearly equal",
        "worse": copy.across_splits or copy.across_labels,
    }
