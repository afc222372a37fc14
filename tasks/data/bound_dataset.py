"""The dataset that a run or a comparison has begun with, and belongs to from then on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from study.number_formats import counted
from tasks.data.prepared import DamagedError, PreparedDataset, load_prepared
from tasks.foundation.errors import InputError

SHOWN_CHANGES = 5
SHOWN_DIGITS = 12  # of a digest, as MLflow has it


class BoundDataset(BaseModel):
    """What is kept of a prepared dataset, to know it again.

    Attributes:
        digest: That of the prepared set; of runs of older versions, its first 12 digits.
        name: As the user named it.
        location: Where the images came from.
        source: What identified that; empty where it is not known.
        directory: Where it was prepared.
        examples: Examples in each split.
        classes: Examples of each class, over all splits; empty where they are not known.
    """

    model_config = ConfigDict(frozen=True)

    digest: str
    name: str
    location: str
    source: str = ""
    directory: Path
    examples: dict[str, int]
    classes: dict[str, int] = {}

    @classmethod
    def of(cls, prepared: PreparedDataset) -> BoundDataset:
        """Return what is to be kept of a prepared dataset."""
        labels = np.load(prepared.directory / "labels.npy")
        counts = np.bincount(labels, minlength=len(prepared.classes)).tolist()
        return cls(
            **{name: getattr(prepared, name) for name in ("digest", "name", "location", "source", "directory")},
            examples={str(split): count for split, count in prepared.examples.items()},
            classes=dict(zip(prepared.classes, counts, strict=True)),
        )

    def is_same(self, prepared: PreparedDataset) -> bool:
        """Return whether a prepared dataset is this one, to the last pixel, label and split."""
        return prepared.digest.startswith(self.digest)

    def prepared_copy(self) -> PreparedDataset | None:
        """Return the copy that was prepared then, verified; none if it is gone, damaged or was made anew."""
        try:
            prepared = load_prepared(self.directory)
        except DamagedError:
            return None
        return prepared if self.is_same(prepared) else None

    def require_same(self, prepared: PreparedDataset) -> None:
        """Raise InputError, which says what has changed, if a prepared dataset is another."""
        if self.is_same(prepared):
            return
        raise InputError(
            f"dataset: {self.name!r} holds other data now than what is to be gone on with was begun with: "
            f"{'; '.join(self._changes(BoundDataset.of(prepared)))}. A run or comparison belongs to one dataset: "
            f"nothing of it was touched. The copy that was prepared then, {str(self.directory)!r}, is not there any "
            "more, or not whole: put it back, or give the dataset back what it held; or start anew, without resume"
        )

    def _changes(self, now: BoundDataset) -> list[str]:
        """Say what differs, the most telling first."""
        classes = _counts("class", self.classes, now.classes) if self.classes else []
        said = classes + _counts("split", self.examples, now.examples)
        if not said:
            said = ["as many images in each class and split, but other images, labels or splits"]
        if self.location != now.location:
            said.append(f"from {self.location!r}, now {now.location!r}")
        digests = [each.digest[:SHOWN_DIGITS] for each in (self, now)]
        return [*said, f"digest {digests[0]}, now {digests[1]}"]


def _counts(kind: str, then: dict[str, int], now: dict[str, int]) -> list[str]:
    changed = [name for name in {**then, **now} if then.get(name, 0) != now.get(name, 0)]
    said = [
        f"{kind} {name!r} {counted(then.get(name, 0), 'image')}, now {now.get(name, 0)}"
        for name in changed[:SHOWN_CHANGES]
    ]
    return [*said, f"and {len(changed) - SHOWN_CHANGES} more"] if len(changed) > SHOWN_CHANGES else said
