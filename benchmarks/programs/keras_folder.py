"""Go through a folder of photographs once with Keras: keras_folder.py WARM_UP FOLDER. Prints seconds, imports aside."""

from __future__ import annotations

import json
import sys
import time

import keras

IMAGE_SIZE = (64, 64)


def main() -> tuple[float, float]:
    """Return the seconds until its last image is there, and those of processors, which others do not lengthen."""
    seconds = computing = 0.0
    for folder in sys.argv[1:]:
        started, before = time.perf_counter(), time.process_time()
        dataset = keras.utils.image_dataset_from_directory(folder, image_size=IMAGE_SIZE, shuffle=False, verbose=False)
        for _ in dataset:
            pass
        seconds, computing = time.perf_counter() - started, time.process_time() - before
    return seconds, computing


if __name__ == "__main__":
    print(json.dumps(main()))
