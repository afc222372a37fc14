"""Images of a prepared dataset as small pictures in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray
from PIL import Image

MOST_PIXELS = 96  # a side: a page of a thousand pictures stays a page
GAP = 2  # pixels between two


def strip(images: NDArray[np.uint8], positions: Sequence[int], text: str) -> Markup:
    """Return some images beside each other, as an element of HTML.

    Args:
        images: Of shape (examples, side, side, channels).
        positions: Which of them.
        text: What those hear who do not see it.
    """
    return strip_of([images[position] for position in positions], text)


def strip_of(pictures: Sequence[NDArray[np.uint8]], text: str) -> Markup:
    """Return pictures of one size, at least one, beside each other; each of shape (height, width, channels)."""
    height, width, _ = pictures[0].shape
    scale = min(1.0, MOST_PIXELS / max(height, width))
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    sheet = Image.new("RGB", (len(pictures) * (shown[0] + GAP) - GAP, shown[1]), "white")
    for column, pixels in enumerate(pictures):
        one = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        if scale < 1:
            one = one.resize(shown, Image.Resampling.LANCZOS)
        sheet.paste(one, (column * (shown[0] + GAP), 0))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    source = base64.b64encode(file.getvalue()).decode("ascii")
    return Markup('<img class="strip" style="--count: {}" alt="{}" src="data:image/png;base64,{}">').format(
        len(pictures), escape(text), source
    )
