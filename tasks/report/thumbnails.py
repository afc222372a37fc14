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
    side = min(images.shape[1], MOST_PIXELS)
    sheet = Image.new("RGB", (len(positions) * (side + GAP) - GAP, side), "white")
    for column, position in enumerate(positions):
        pixels = images[position]
        one = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        if side < images.shape[1]:
            one = one.resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(one, (column * (side + GAP), 0))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    source = base64.b64encode(file.getvalue()).decode("ascii")
    return Markup('<img class="strip" style="--count: {}" alt="{}" src="data:image/png;base64,{}">').format(
        len(positions), escape(text), source
    )
