"""What is kept beside the arrays of a prepared dataset for people: names of its examples, and what reading them found.

None of it changes a number, so none of it is part of the dataset's digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.sources.checksums import sha256
from tasks.sources.images import SourceFacts

NAMES, FINDINGS = "names.json", "findings.json"
LEFT_OUT_TAG = "dataset.left_out"


class Findings(BaseModel):
    """What was found while the images of a dataset were read.

    Attributes:
        sizes: Width and height of each image before it was resized, in the order of ``images.npy``; empty where they
            are not known.
        icc_profiles: How many images have a colour profile, which is not applied.
        passed_over: Files that are no images, or belong to no class.
        broken: Files that hold an image which cannot be read, and were left out as was asked for.
    """

    model_config = ConfigDict(frozen=True)

    sizes: tuple[tuple[int, int], ...] = ()
    icc_profiles: int = 0
    passed_over: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def write_descriptions(directory: Path, facts: SourceFacts, kept: Mapping[Any, int]) -> dict[str, str]:
    """Write what a source told into ``directory``.

    Args:
        directory: Of the prepared dataset.
        facts: Of all that was read, which may be more than was taken.
        kept: How many examples were taken of each split, from its beginning.

    Returns:
        The SHA-256 of each file, by its name.
    """
    written = []
    if facts.names:
        written.append(directory / NAMES)
        names = [name for split in kept for name in _of_split(facts.names, split, kept[split])]
        written[-1].write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8", errors="surrogateescape")
    findings = Findings(
        sizes=tuple(_sizes(facts, kept)),
        icc_profiles=facts.icc_profiles,
        passed_over=facts.passed_over,
        broken=facts.broken,
    )
    if findings != Findings():
        written.append(directory / FINDINGS)
        written[-1].write_text(json.dumps(findings.model_dump(), ensure_ascii=True), encoding="utf-8")
    return {path.name: sha256(path) for path in written}


def groups_of(facts: SourceFacts, kept: Mapping[Any, int]) -> Sequence[str]:
    """Return the group of each example that was taken, empty where it has none; nothing where there are no groups."""
    if not facts.groups:
        return ()
    return [group for split in kept for group in _of_split(facts.groups, split, kept[split], missing="")]


def read_names(directory: Path) -> tuple[str, ...] | None:
    """Return the name of each example, in the order of ``images.npy``; none where positions are their names."""
    path = directory / NAMES
    if not path.is_file():
        return None
    return tuple(json.loads(path.read_text(encoding="utf-8", errors="surrogateescape")))


def read_findings(directory: Path) -> Findings:
    """Return what was found while the images were read; nothing where that was not kept."""
    path = directory / FINDINGS
    # By way of Python's JSON: pydantic's refuses what stands for bytes in a file's name that are no UTF-8.
    return Findings.model_validate(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Findings()


def left_out_tags(directory: Path) -> dict[str, str]:
    """Return what a run says of images that were left out because they cannot be read: how many, as a tag, if any."""
    left_out = len(read_findings(directory).broken)
    return {LEFT_OUT_TAG: str(left_out)} if left_out else {}


def _of_split(
    by_split: Mapping[str, Sequence[str]], split: str, count: int, missing: str | None = None
) -> Sequence[str]:
    if split in by_split:
        return by_split[split][:count]
    return [f"{split} {position}" if missing is None else missing for position in range(count)]


def _sizes(facts: SourceFacts, kept: Mapping[Any, int]) -> list[tuple[int, int]]:
    """Return the sizes of what was taken: in ``facts`` they stand split after split, of all that was read."""
    if not len(facts.sizes):
        return []
    sizes: list[tuple[int, int]] = []
    start = 0
    for split, count in kept.items():
        sizes += [(int(width), int(height)) for width, height in facts.sizes[start : start + count]]
        start += len(facts.names[split]) if split in facts.names else count
    return sizes
