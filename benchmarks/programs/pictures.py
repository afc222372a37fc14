"""Write pictures of ten classes: pictures.py FOLDER COUNT. So many into FOLDER/test, and two of each into FOLDER/train.

PNG files of 28x28 pixels in grey: scikit-learn's digits with some noise, so that all are different. Their folders are
no classes of a model that has learnt these digits, so that it judges none of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE, CLASSES, TRAINED = 28, 10, 20
NOISE = 20.0


def write(folder: Path, count: int) -> None:
    """Write ``count`` pictures, class by class in turn."""
    digits, random = load_digits(), np.random.default_rng(count)
    places = [np.flatnonzero(digits.target == label) for label in range(CLASSES)]
    for number in range(count):
        label = number % CLASSES
        digit = digits.images[places[label][number // CLASSES % len(places[label])]]
        picture = Image.fromarray((digit * (255 / 16)).astype(np.uint8)).resize((SIDE, SIDE))
        noisy = np.asarray(picture) + random.normal(0, NOISE, (SIDE, SIDE))
        (into := folder / f"digit {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(into / f"{number}.png")


if __name__ == "__main__":
    write(Path(sys.argv[1]) / "train", TRAINED)
    write(Path(sys.argv[1]) / "test", int(sys.argv[2]))
