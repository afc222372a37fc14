"""Predictions as a person reads them on a terminal: the first of them, and what all come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from tasks.prediction.predictions import Guess, Prediction
from tasks.prediction.tally import Tally
from tasks.sources.image_listing import displayed
from tasks.sources.listed import listed

SHOWN = 20  # pictures; of all others it is said how many there are
CAUTION = "Where the model has trained on some of these pictures, that is too good."
WIDEST = 60  # columns that are made wide enough for names; longer ones stand out


def table_lines(predictions: Sequence[Prediction]) -> list[str]:
    """Return a line for each picture: its name, its class and how probable that is, and the next two."""
    names = [displayed(str(each.picture.path)) for each in predictions]
    said = [displayed(each.best[0].name) if each.best else "" for each in predictions]
    wide, next_wide = _width(["file", *names]), _width(["class", *said])
    lines = [f"{_padded('file', wide)}  {_padded('class', next_wide)}  probability  next"]
    for each, name, predicted in zip(predictions, names, said, strict=True):
        if each.reason:
            lines.append(f"{_padded(name, wide)}  cannot be read: {displayed(each.reason)}")
            continue
        first, *others = each.best
        label = each.picture.label
        wrong = f"  (labelled {label})" if label and label != displayed(first.name) else ""
        lines.append(
            f"{_padded(name, wide)}  {_padded(predicted, next_wide)}  {_shown(first):>11}  "
            f"{', '.join(f'{displayed(guess.name)} {_shown(guess)}' for guess in others)}{wrong}"
        )
    return lines


def summary_lines(tally: Tally, left: int) -> list[str]:
    """Return what all predictions come to.

    Args:
        tally: All of them.
        left: How many of the pictures the table does not show.
    """
    lines = [f"... and {left:,} more"] if left else []
    if (total := int(tally.counts.sum())) > 1:
        counted = ((name, count) for name, count in zip(tally.classes, tally.counts.tolist(), strict=True) if count)
        lines += ["", f"Of {total:,} pictures: {_counted(counted)}."]
    if tally.unreadable:
        told = (f"{displayed(str(picture.path))} ({displayed(reason)})" for picture, reason in tally.unreadable)
        lines += ["", f"Cannot be read ({len(tally.unreadable):,}): {listed(told)}."]
    if tally.strange:
        strange = _counted(tally.strange.items())
        lines += ["", f"Labels that are no class of the model, so that such pictures are not judged: {strange}."]
    if measures := tally.measures():
        shown = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in measures.items())
        judged = len(tally.judged)
        lines += ["", f"Of {judged:,} labelled picture{'s' if judged > 1 else ''}: {shown}.", CAUTION]
    return lines


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    """Return how often each of some classes is there: the twenty that are there most often."""
    by_number = sorted(counts, key=lambda one: -one[1])
    return listed(f"{displayed(name)}: {count:,}" for name, count in by_number)


def _shown(guess: Guess) -> str:
    return f"{guess.probability:.4f}"


def _width(texts: Sequence[str]) -> int:
    return min(WIDEST, max(map(cell_len, texts)))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
