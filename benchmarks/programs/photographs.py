"""Write so many files like photographs into two class folders: photographs.py FOLDER COUNT. JPEG, 640x480, quality 90.

Broad smooth shapes in colour with some grain, which take as many bytes as photographs of that size do.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (640, 480)
BROAD, FINE = (8, 6), (160, 120)  # pixels that are smoothly blown up: shapes, and what is on them
FINE_SHARE = 0.3
GRAIN = 6.0
MARGIN = (
    256  # pixels that the grain is larger than a picture: each takes a piece of its own, as drawing it takes longest
)


@cache
def grain() -> np.ndarray:
    """Return what is added to pictures, a piece for each: int16, three channels."""
    shape = (SIZE[1] + MARGIN, SIZE[0] + MARGIN, 3)
    return np.random.default_rng(0).normal(0, GRAIN, shape).round().astype(np.int16)


def photograph(number: int) -> Image.Image:
    """Return picture ``number``."""
    random = np.random.default_rng(number)
    broad, fine = (
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in (BROAD, FINE)
    )
    smooth = Image.Resampling.BICUBIC
    shapes = Image.blend(broad.resize(FINE, smooth), fine, FINE_SHARE).resize(SIZE, smooth)
    top, left = random.integers(0, MARGIN, 2)
    pixels = np.asarray(shapes) + grain()[top : top + SIZE[1], left : left + SIZE[0]]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write(folder: Path, number: int) -> None:
    """Write picture ``number`` into the folder of its class."""
    photograph(number).save(folder / f"class {number % 2}" / f"{number}.jpg", quality=90)


def main() -> None:
    """Write them."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    for label in range(2):
        (folder / f"class {label}").mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: write(folder, number), range(count)))


if __name__ == "__main__":
    main()
