"""The file of all images of a prepared dataset: made with its whole room, and cut to what was needed of it."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0


def reserved(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """Return an array of uint8 in a file that has its whole room on the disk."""
    images: np.memmap = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # else a disk that fills up under a memory map kills the process
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
    return images


def shortened(path: Path, count: int) -> np.memmap:
    """Return the array of a file that has room for more, cut to its first ``count`` images."""
    longer: np.memmap = np.load(path, mmap_mode="r+")
    shape = (count, *longer.shape[1:])
    with path.open("r+b") as file:
        # The header takes as many bytes as before: NumPy leaves room in it for any number of images.
        write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + math.prod(shape))
    shorter: np.memmap = np.load(path, mmap_mode="r+")
    return shorter
