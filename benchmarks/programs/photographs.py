"""Write so many files like photographs into two class folders: photographs.py FOLDER COUNT. JPEG, 640x480, quality 90.

Broad smooth shapes in colour with some grain, which take as many bytes as photographs of that size do.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (640, 480)
BROAD, FINE = (8, 6), (160, 120)  # pixels that are smoothly blown up: shapes, and what is on them
GRAIN = 6.0


def photograph(number: int) -> Image.Image:
    """Return picture ``number``."""
    random = np.random.default_rng(number)
    pixels = np.zeros((SIZE[1], SIZE[0], 3))
    for (width, height), weight in ((BROAD, 0.7), (FINE, 0.3)):
        few = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        pixels += weight * np.asarray(few.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.float64)
    pixels += random.normal(0, GRAIN, pixels.shape)
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
