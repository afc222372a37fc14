"""Write images as PNG files, with a CSV of their labels of which a share is swapped, and say which these are.

Each swapped label is another one, any with the same probability. Writes labels.csv, which is a data set, and
swapped.json into the working directory. Usage: swapped_labels.py DATASET IMAGES SHARE SEED (IMAGES 0: all)
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.dataset import prepare_dataset

LABELS, SWAPPED, FOLDER = Path("labels.csv"), Path("swapped.json"), Path("images")


def main(dataset: str, images: int, share: float, seed: int) -> None:
    """Write them."""
    prepared = prepare_dataset.fn(dataset, image_size=32, validation_fraction=0.1, download=False)
    pixels, labels = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels"))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(labels))[: images or None])
    pixels, given = pixels[chosen], labels[chosen].astype(np.int64)
    swapped = np.sort(random.permutation(len(given))[: round(share * len(given))])
    classes = len(prepared.classes)
    given[swapped] = (given[swapped] + random.integers(1, classes, len(swapped))) % classes
    FOLDER.mkdir()
    names = [f"{FOLDER}/{number}.png" for number in range(len(given))]
    for name, one in zip(names, pixels, strict=True):
        Image.fromarray(one[..., 0]).save(name)
    with LABELS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("file", "label"), *zip(names, given.tolist(), strict=True)])
    SWAPPED.write_text(json.dumps([names[place] for place in swapped]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
