"""The memory that a preparation takes, in a process of its own: bounded in bytes, whatever the size of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
MEBIBYTE = 2**20
# The most memory that was resident at a time but for the pages of files, which the system takes back at need.
PROGRAM = f"""
import json, sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
most, done = [0], threading.Event()

def status(name):
    (line,) = (line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024

def watch():
    while not done.wait(0.01):
        most[0] = max(most[0], status("RssAnon"))

threading.Thread(target=watch, daemon=True).start()
from tasks.dataset import prepare_dataset
how = json.loads(sys.argv[1])
started = time.perf_counter()
prepared = prepare_dataset.fn(**how)
seconds = time.perf_counter() - started
done.set()
# Not getrusage's maximum, in which that of the process that started this one is too.
print(json.dumps([most[0], status("VmHWM"), seconds, prepared.examples]))
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells mapped files apart")


def prepare(workplace: Path, **how: object) -> tuple[int, int, float, dict[str, int]]:
    """Prepare in a process; return its private and its whole memory in bytes, the seconds, and the examples."""
    command = [sys.executable, "-c", PROGRAM, json.dumps({"validation_fraction": 0.1, **how})]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, check=True, env=os.environ)
    private, whole, seconds, examples = json.loads(done.stdout.splitlines()[-1])
    return private, whole, seconds, examples


def photographs(root: Path, count: int, size: tuple[int, int], suffix: str) -> None:
    for number in range(count):
        folder = root / f"class {number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        few = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(few).resize(size).save(folder / f"{number}.{suffix}", compress_level=1)


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize(
    ("count", "size", "suffix"),
    [(300, (640, 480), "jpg"), (6, (6000, 4000), "png")],
    ids=["many", "of 24 megapixels"],
)
def test_images_of_512_pixels_take_less_than_512_mebibytes(
    workplace: Path, count: int, size: tuple[int, int], suffix: str
) -> None:
    photographs(workplace / "photographs", count, size, suffix)
    private, whole, _, examples = prepare(workplace, dataset="folder:photographs", image_size=512)
    assert sum(examples.values()) == count
    mapped = count * 512 * 512 * 3
    shown = (f"{num_bytes / MEBIBYTE:.0f} MiB" for num_bytes in (private, whole, mapped))
    print("{} private, {} in all, {} of it mapped".format(*shown))  # noqa: T201 - for whoever asks with -s
    assert private < 512 * MEBIBYTE
    assert whole - mapped < 512 * MEBIBYTE


@on_linux
@pytest.mark.slow
def test_a_hundred_thousand_tiny_files(workplace: Path) -> None:
    count = 100_000
    for label in range(10):
        (workplace / "tiny" / str(label)).mkdir(parents=True)
    for number in range(count):
        pixels = np.full((8, 8), number % 251, np.uint8)
        Image.fromarray(pixels).save(workplace / "tiny" / str(number % 10) / f"{number}.png")
    private, whole, seconds, examples = prepare(workplace, dataset="folder:tiny", image_size=16)
    microseconds, mebibytes = 1e6 * seconds / count, (private / MEBIBYTE, whole / MEBIBYTE)
    print("{:.0f} us a file; {:.0f} MiB private, {:.0f} in all".format(microseconds, *mebibytes))  # noqa: T201 - as above
    assert sum(examples.values()) == count
    (images,), (labels,) = (list(workplace.glob(f"data/*/{name}.npy")) for name in ("images", "labels"))
    levels = np.load(images, mmap_mode="r")[:, 0, 0, 0]
    counts = np.bincount(np.load(labels) * 251 + levels, minlength=2510)
    expected = np.bincount([number % 10 * 251 + number % 251 for number in range(count)], minlength=2510)
    np.testing.assert_array_equal(counts, expected)
    assert private < 512 * MEBIBYTE
