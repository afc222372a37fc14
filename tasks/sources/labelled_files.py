"""Image files whose class is known as a `Source`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from served_model.decoding import UnreadableImageError, channels_of
from study.number_formats import counted
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.sources.images import Block, Blocks, Reading, Source, SourceFacts, block_examples
from tasks.sources.listed import listed
from tasks.sources.natural_order import natural_key
from tasks.sources.parallel_decoding import decoded_in_order

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file.

    Attributes:
        path: Where it lies.
        name: What a person knows it by.
        label: Its class, as a position in the list of classes.
        group: Which group it belongs to; empty: to none.
    """

    path: Path
    name: str
    label: int
    group: str = ""


@dataclass
class _Found:
    """What was found in one split, example by example, and what could not be read, with the reason."""

    read: list[LabelledFile] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    profiles: int = 0
    broken: list[tuple[LabelledFile, str]] = field(default_factory=list)


class LabelledFiles:
    """The files of each split, and what is found out about them while they are read.

    Args:
        where: The folder or the CSV, for a person.
        splits: The files of each split; ``train`` has some.
        classes: The name of each label.
        reading: How they are read.
        passed_over: The names of files that are not used.

    Raises:
        InputError: a class has too few files.
    """

    def __init__(
        self,
        where: str,
        splits: Mapping[str, Sequence[LabelledFile]],
        classes: Sequence[str],
        reading: Reading,
        passed_over: Sequence[str] = (),
    ) -> None:
        self._where, self._classes, self._reading, self._passed_over = where, classes, reading, passed_over
        self._splits = {split: splits[split] for split in SPLITS if split in splits}
        self._require_enough({split: Counter(each.label for each in files) for split, files in self._splits.items()})
        self._found: dict[str, _Found] = {}
        every = [each.path for files in self._splits.values() for each in files]
        self.channels = 3 if any(_is_colourful(path) for path in every) else 1
        self.counts = {split: len(files) for split, files in self._splits.items()}

    def source(self, location: Path, identity: Callable[[], str]) -> Source:
        """Return the files as a source, which lies at ``location`` and is told from others by its ``identity``."""
        return Source(
            location=str(location.resolve()),
            classes=tuple(self._classes),
            channels=self.channels,
            counts=self.counts,
            blocks=self.blocks(),
            identity=identity,
            facts=self.facts,
        )

    def blocks(self) -> dict[str, Blocks]:
        """Return the images of each split, decoded when they are asked for."""
        return {split: partial(self._blocks, split) for split in self._splits}

    def facts(self) -> SourceFacts:
        """Return what was found while the blocks were read.

        Raises:
            InputError: some could not be read and are not to be left out, or too few are left of a class.
        """
        broken = [each for found in self._found.values() for each in found.broken]
        if broken and not self._reading.skip_broken:
            raise InputError(
                f"dataset: {len(broken):,} of {sum(self.counts.values()):,} images in {self._where!r} cannot be read: "
                f"{_with_reasons(broken)}. Repair them or take them away, or have them left out with --skip-broken"
            )
        if broken:
            task_log().warning(
                "Left out %s that cannot be read: %s.", counted(len(broken), "image"), _with_reasons(broken)
            )
            left = {split: Counter(each.label for each in files) for split, files in self._splits.items()}
            for split, found in self._found.items():
                left[split].subtract(each.label for each, _ in found.broken)
            self._require_enough(left)
        read = {split: found.read for split, found in self._found.items()}
        sizes = [size for found in self._found.values() for size in found.sizes]
        grouped = any(each.group for files in self._splits.values() for each in files)
        return SourceFacts(
            names={split: tuple(each.name for each in files) for split, files in read.items()},
            groups={split: tuple(each.group for each in files) for split, files in read.items()} if grouped else {},
            sizes=np.array(sizes, dtype=np.int32).reshape(-1, 2),
            icc_profiles=sum(found.profiles for found in self._found.values()),
            passed_over=tuple(self._passed_over),
            broken=tuple(sorted((each.name for each, _ in broken), key=natural_key)),
        )

    def _blocks(self, split: str, size: int) -> Iterator[Block]:
        # Files lie class by class; a fixed shuffle lets a limit on the examples reach every class.
        files = [self._splits[split][place] for place in np.random.default_rng(0).permutation(self.counts[split])]
        found = self._found[split] = _Found()
        together = block_examples(size * size * self.channels)
        images: list[np.ndarray] = []
        paths = [each.path for each in files]
        with closing(decoded_in_order(paths, size=size, channels=self.channels, fit=self._reading.fit)) as decoded:
            for each, image in zip(files, decoded, strict=True):
                if isinstance(image, str):
                    found.broken.append((each, image))
                    continue
                found.read.append(each)
                found.sizes.append((image.width, image.height))
                found.profiles += image.has_profile
                images.append(image.pixels)
                if len(images) == together:
                    yield np.stack(images), _labels(found.read[-together:])
                    images = []
        if images:
            yield np.stack(images), _labels(found.read[-len(images) :])

    def _require_enough(self, counts: Mapping[str, Counter[int]]) -> None:
        """Raise InputError for classes with no image to train on, or with one that would have to be tested on too."""
        empty = [name for label, name in enumerate(self._classes) if not counts["train"][label]]
        if empty:
            raise InputError(
                f"dataset: {self._where!r} has no image to train on of {_classes(empty)}; add some, or leave such "
                "classes out: take them away, or name the others with --classes"
            )
        alone = [name for label, name in enumerate(self._classes) if counts["train"][label] == 1]
        if alone and "test" not in counts:
            raise InputError(
                f"dataset: {self._where!r} has one image of {_classes(alone)}, which cannot be both trained and tested "
                "on; add more (3 are enough to train, validate and test), or leave such classes out: take them away, "
                "or name the others with --classes"
            )


def _is_colourful(path: Path) -> bool:
    try:
        return channels_of(path) > 1
    except UnreadableImageError:
        return False  # which is told when all are decoded


def _labels(files: Sequence[LabelledFile]) -> np.ndarray:
    return np.array([each.label for each in files], dtype=np.int64)


def _with_reasons(broken: Sequence[tuple[LabelledFile, str]]) -> str:
    named = sorted(broken, key=lambda one: natural_key(one[0].name))
    return listed(f"{each.name} ({reason})" for each, reason in named)


def _classes(names: Sequence[str]) -> str:
    return f"class{'es' if len(names) > 1 else ''} {listed(map(repr, names))}"
