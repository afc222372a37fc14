"""Datasets of made-up images, prepared as any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tasks.data.preparation import Preparation, write_prepared
from tasks.data.prepared import PreparedDataset, load_prepared
from tasks.sources.images import Source, SourceFacts

SIDE = 24


@dataclass
class Made:
    """Images by split, each with its label; every image is another, unless a test makes it the same."""

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    facts: SourceFacts = field(default_factory=SourceFacts)

    @classmethod
    def of(cls, **counts: int) -> Made:
        random = np.random.default_rng(0)
        images = {split: random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8) for split, count in counts.items()}
        return cls(images, {split: np.arange(count) % 2 for split, count in counts.items()})

    def prepared(self, directory: Path, **how: Any) -> PreparedDataset:
        source = Source(
            location="here",
            classes=("cat", "dog"),
            channels=3,
            counts={split: len(each) for split, each in self.images.items()},
            blocks={
                split: lambda _, split=split: iter([(self.images[split], self.labels[split])])  # type: ignore[misc]
                for split in self.images
            },
            identity=lambda: "made up",
            facts=lambda: self.facts,
        )
        write_prepared(directory, Preparation("folder:pets", "made up", SIDE, 0.25, **how), source)
        return load_prepared(directory)
