"""What would make an answer from this data wrong, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.data.class_counts import imbalance_in_words
from tasks.inspection.inspection import Copy, Inspection

FEW = 20  # training images of a class, below which nothing is learnt of it that can be relied on
COARSE = 0.005  # of accuracy: what one validation image stands for, above which small differences cannot be seen
SHOWN = 5  # names in a sentence
LIE, HAVE = "in two splits", "under two labels"


def worries(found: Inspection) -> tuple[str, ...]:
    """Return what should worry, a sentence each, the worst first; nothing where nothing does."""
    exact = [copy for copy in found.copies if copy.exact]
    near = [copy for copy in found.copies if not copy.exact]
    sentences = (
        _leaked(found),
        _copies("equal in every pixel", exact),
        _copies("nearly equal", near),
        _flat(found),
        _few(found),
        imbalance_in_words({name: sum(counts.values()) for name, counts in found.images.items()}),
        _coarse(found),
        _files("{} could not be read, and left out as was asked for: {}.", "image", found.findings.broken),
        _files(
            "{} passed over, because no image is in it or it belongs to no class: {}.",
            "file was|files were",
            found.findings.passed_over,
        ),
        _profiles(found),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _leaked(found: Inspection) -> str:
    told = [
        f"{count:,} of {sum(one[split] for one in found.images.values()):,} {split} images"
        for split, count in found.leaked.items()
        if count
    ]
    if not told:
        return ""
    return (
        f"{' and '.join(told)} equal an image that is trained on, or validated on before the test: accuracies on them "
        "are too good. Take the copies out of the data."
    )


def _copies(how: str, copies: Sequence[Copy]) -> str:
    if not copies:
        return ""
    across = sum(copy.across_splits for copy in copies)
    labels = sum(copy.across_labels for copy in copies)
    if len(copies) == 1:
        parts = ["lies in two splits" if across else "", "has two labels" if labels else ""]
        said = " and ".join(part for part in parts if part)
        return f"1 pair of images is {how}{f': it {said}' if said else ''}."
    parts = [f"{number:,} of them {what}" for number, what in ((across, LIE), (labels, HAVE)) if number]
    said = " and ".join(parts)
    return f"{len(copies):,} pairs of images are {how}{f': {said}' if said else ''}."


def _flat(found: Inspection) -> str:
    return _files("{} of a single colour, or nearly so: {}.", "image is|images are", [one.name for one in found.flat])


def _few(found: Inspection) -> str:
    few = [f"{name} ({counts['train']})" for name, counts in found.images.items() if counts["train"] < FEW]
    return _files(f"{{}} fewer than {FEW} images to learn from: {{}}.", "class has|classes have", few)


def _coarse(found: Inspection) -> str:
    count = sum(counts["validation"] for counts in found.images.values())
    if not count or 1 / count <= COARSE:
        return ""
    return (
        f"It is validated on {count:,} images, of which one is {100 / count:.2g} points of accuracy: smaller "
        "differences cannot be seen."
    )


def _profiles(found: Inspection) -> str:
    count = found.findings.icc_profiles
    if not count:
        return ""
    have = (
        "1 image has a colour profile, which is" if count == 1 else f"{count:,} images have colour profiles, which are"
    )
    return f"{have} not applied: its colours are taken as they are stored."


def _files(sentence: str, what: str, names: Sequence[str]) -> str:
    """Fill in how many there are of what ``names`` names, and the first of them."""
    if not names:
        return ""
    one, _, several = what.partition("|")
    said = one if len(names) == 1 else several or f"{one}s"
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    shown = ", ".join(name.encode("utf-8", "backslashreplace").decode() for name in names[:SHOWN])
    return sentence.format(f"{len(names):,} {said}", f"{shown}{more}")
