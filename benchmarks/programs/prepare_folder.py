"""Prepare a folder of photographs at 64 pixels: prepare_folder.py WARM_UP FOLDER. Prints the seconds, imports aside.

All of it: what the files hold is digested, they are decoded, resized, split, written down and verified.
"""

from __future__ import annotations

import json
import sys
import time

from tasks.dataset import prepare_dataset

IMAGE_SIZE = 64


def main() -> float:
    """Return the seconds from the start of the preparation until all of it is verified."""
    seconds = 0.0
    for folder in sys.argv[1:]:
        started = time.perf_counter()
        prepare_dataset.fn(f"folder:{folder}", image_size=IMAGE_SIZE, validation_fraction=0.1)
        seconds = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    print(json.dumps(main()))
