"""Predict what is in the test folders of folders: predict_folder.py RUN WARM_UP FOLDER. Prints seconds, imports aside.

All of it: the command, from fetching the model to the last line of the file that holds the predictions.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from flows.command_line.predict_command import predict


def main() -> tuple[float, float]:
    """Return the seconds until all are written, and those of processors, which other programs do not lengthen."""
    run_id, *folders = sys.argv[1:]
    seconds = computing = 0.0
    for folder in folders:
        started, before = time.perf_counter(), time.process_time()
        predict(run_id, f"{folder}/test", output=Path("predictions.csv"))
        seconds, computing = time.perf_counter() - started, time.process_time() - before
    return seconds, computing


if __name__ == "__main__":
    print(json.dumps(main()))
