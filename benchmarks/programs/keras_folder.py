"""Go through a folder of photographs once with Keras: keras_folder.py WARM_UP FOLDER. Prints seconds, imports aside."""

from __future__ import annotations

import json
import sys
import time

import keras

IMAGE_SIZE = (64, 64)


def main() -> float:
    """Return the seconds from the first look at the folder until its last image is there."""
    seconds = 0.0
    for folder in sys.argv[1:]:
        started = time.perf_counter()
        dataset = keras.utils.image_dataset_from_directory(folder, image_size=IMAGE_SIZE, shuffle=False, verbose=False)
        for _ in dataset:
            pass
        seconds = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    print(json.dumps(main()))
