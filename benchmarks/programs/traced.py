"""A short fit of the pipeline on the digits under TensorFlow's profiler.

Usage: traced.py DIRECTORY
"""

from __future__ import annotations

import sys

import tensorflow as tf

from benchmarks.programs.ours import fit

EPOCHS = 3


def main(directory: str) -> None:
    """Write the trace below ``directory``, as TensorBoard's profiler and XProf read it."""
    tf.profiler.experimental.start(directory)
    fit({"dataset": "digits", "epochs": EPOCHS})
    tf.profiler.experimental.stop()


if __name__ == "__main__":
    main(sys.argv[1])
