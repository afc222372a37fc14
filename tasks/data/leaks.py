"""What leaks from the images that are trained on to those that judge, in words."""

from __future__ import annotations

from tasks.data.descriptions import left_out_tags
from tasks.data.prepared import PreparedDataset

LEAKED_TAG = "dataset.leaked"


def leaks_in_words(prepared: PreparedDataset) -> str:
    """Say how many images that judge equal one that was seen before; nothing where there are none, or it is unknown."""
    return " and ".join(
        f"{number} of {prepared.examples[split]} {split} images" for split, number in prepared.leaked.items() if number
    )


def leak_tags(prepared: PreparedDataset) -> dict[str, str]:
    """Return what a run says of it, as a tag; nothing where there is nothing to say."""
    leaked = leaks_in_words(prepared)
    return {LEAKED_TAG: leaked} if leaked else {}


def caution_tags(prepared: PreparedDataset) -> dict[str, str]:
    """Return what a run says of its data as tags: what leaks, and how many images were left out, if any."""
    return {**leak_tags(prepared), **left_out_tags(prepared.directory)}
