"""The sizes that images had before they were resized, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MOST_LISTED = 3


def sizes_in_words(sizes: Sequence[tuple[int, int]]) -> str:
    """Say what sizes there are; nothing where they are not known.

    Args:
        sizes: Width and height of each image, in pixels.
    """
    if not sizes:
        return ""
    counts = Counter(sizes)
    if len(counts) == 1:
        (width, height), _ = counts.popitem()
        return f"All images were {width}x{height} pixels."
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    smallest, middle, largest = (f"{by_area[at][0]}x{by_area[at][1]}" for at in (0, len(by_area) // 2, -1))
    common = ", ".join(
        f"{width}x{height} ({count / len(sizes):.0%})" for (width, height), count in counts.most_common(MOST_LISTED)
    )
    oblong = sum(width != height for width, height in sizes) / len(sizes)
    return (
        f"Images were of {len(counts):,} sizes, from {smallest} by way of {middle} in the middle to {largest} pixels; "
        f"most often {common}. {oblong:.0%} were not square."
    )
