"""Prepare a folder of photographs at 64 pixels: prepare_folder.py WARM_UP FOLDER. Prints the seconds, imports aside.

All of it: what the files hold is digested, they are decoded, resized, split, written down and verified.
"""

from __future__ import annotations

import json
import sys
import time

from tasks.dataset import prepare_dataset

IMAGE_SIZE = 64


def main() -> tuple[float, float]:
    """Return the seconds until all of it is verified, and those of processors, which other programs do not lengthen."""
    seconds = computing = 0.0
    for folder in sys.argv[1:]:
        started, before = time.perf_counter(), time.process_time()
        prepare_dataset.fn(f"folder:{folder}", image_size=IMAGE_SIZE, validation_fraction=0.1)
        seconds, computing = time.perf_counter() - started, time.process_time() - before
    return seconds, computing


if __name__ == "__main__":
    print(json.dumps(main()))
