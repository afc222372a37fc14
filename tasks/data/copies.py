"""Images that are the same, and images that are nearly so: found in a prepared array, whatever their files are called.

Two files of one picture, in other sizes or formats, are no longer equal in every pixel once they are prepared. All
pairs are compared by 64-bit difference hashes and by rough correlations, the pairs that are alike in both by the
correlation of their grey levels. By hashes alone hundreds of thousands of pairs of MNIST would be called copies; so
none is. Missed are copies that were cut, turned or mirrored, and some that were saved in 256 colours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASH_ROWS, HASH_COLUMNS = 8, 9  # eight differences of neighbours in each of eight rows: 64 bits
MOST_BITS = 6  # in which the hashes of near copies differ
# Above it no two images of MNIST are, and one pair of scikit-learn's digits; a picture saved again as JPEG, or in half
# or twice its size, is.
LEAST_CORRELATION = 0.995
LEAST_OF_CELLS = 0.99  # of the means that the hash is made of: what is below it is not looked at pixel by pixel
MOST_IMAGES = 300_000  # all pairs of these are compared in minutes
COMPARED = 256  # images with all others at a time
READ_BYTES = 16 * 2**20  # of images at a time

Pairs = NDArray[np.int64]  # of shape (pairs, 2): positions of two images, the smaller first


def exact_copies(images: NDArray[np.uint8]) -> Pairs:
    """Return each image that equals an earlier one in every pixel, with the first such.

    Args:
        images: Of shape (images, height, width, channels), which may be mapped from a file.
    """
    first: dict[bytes, int] = {}
    pairs = []
    for start, block in _blocks(images):
        for position, image in enumerate(block, start):
            earlier = first.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), position)
            if earlier != position:
                pairs.append((earlier, position))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def near_copies(images: NDArray[np.uint8], advance: Callable[[int], None] = lambda _: None) -> Pairs:
    """Return all pairs of distinct images that are nearly the same, and each copy with the first image that it equals.

    Images of one colour are like none but what equals them: they have no differences to compare.

    Args:
        images: As for `exact_copies`, at most `MOST_IMAGES`.
        advance: Is told now and then of how many more images all pairs are compared.
    """
    # A picture that is there a thousand times would else be half a million pairs, each compared pixel by pixel.
    exact = exact_copies(images)
    distinct = np.setdiff1d(np.arange(len(images)), exact[:, 1])
    advance(len(exact))
    cells = _cells_of(images)[distinct]
    hashes, rough = _hashes_of(cells), _standardised(cells.reshape(len(cells), -1)).astype(np.float32)
    found: list[Pairs] = [exact]
    for start in range(0, len(hashes), COMPARED):
        end = min(start + COMPARED, len(hashes))
        bits = np.bitwise_count(hashes[start:end, np.newaxis] ^ hashes[start:])
        alike = (bits <= MOST_BITS) & (rough[start:end] @ rough[start:].T >= LEAST_OF_CELLS)
        ones, others = np.nonzero(np.triu(alike, 1))
        pairs = distinct[np.stack([ones, others], axis=1) + start]
        found.append(pairs[_correlations(images, pairs) >= LEAST_CORRELATION])
        advance(end - start)
    return np.concatenate(found)


def difference_hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each image: whether each of 8 x 8 cells is brighter than the one to its left.

    The difference hash of N. Krawetz, "Kind of like that" (hackerfactor.com, 2013), with cells that are means over
    areas, so that an image of any size has as many.
    """
    return _hashes_of(_cells_of(images))


def _cells_of(images: NDArray[np.uint8]) -> NDArray[Any]:
    """Return the mean grey level of each cell, of shape (images, rows, columns)."""
    found = [np.empty((0, HASH_ROWS, HASH_COLUMNS))]
    for _, block in _blocks(images):
        found.append(_area_means(_area_means(_grey(block), HASH_ROWS, axis=1), HASH_COLUMNS, axis=2))
    return np.concatenate(found)


def _hashes_of(cells: NDArray[Any]) -> NDArray[np.uint64]:
    brighter = cells[:, :, 1:] > cells[:, :, :-1] + 1e-6  # a millionth of a grey level is a rounding, no difference
    hashes: NDArray[np.uint64] = np.packbits(brighter.reshape(len(cells), -1), axis=1).view(np.uint64)[:, 0]
    return hashes


def _area_means(values: NDArray[Any], cells: int, *, axis: int) -> NDArray[Any]:
    """Return means over as many equal parts of an axis; a pixel on a border counts for both by its share."""
    length = values.shape[axis]
    edges = np.linspace(0, length, cells + 1)
    sums = np.insert(np.cumsum(values, axis=axis, dtype=np.float64), 0, 0, axis=axis)
    below = np.floor(edges).astype(int)
    shape = [-1 if one == axis else 1 for one in range(values.ndim)]
    share = (edges - below).reshape(shape)
    at_edges = sums.take(below, axis) * (1 - share) + sums.take(np.minimum(below + 1, length), axis) * share
    means: NDArray[Any] = np.diff(at_edges, axis=axis) * cells / length
    return means


def _correlations(images: NDArray[np.uint8], pairs: Pairs) -> NDArray[Any]:
    """Return Pearson's correlation of the grey levels of each pair; 0 where one is of one grey."""
    correlations = np.empty(len(pairs))
    at_once = max(1, READ_BYTES // (8 * int(np.prod(images.shape[1:]))))
    for start in range(0, len(pairs), at_once):
        block = pairs[start : start + at_once]
        ones, others = (_standardised(_grey(images[block[:, side]]).reshape(len(block), -1)) for side in (0, 1))
        correlations[start : start + at_once] = (ones * others).sum(axis=1)
    return correlations


def _standardised(values: NDArray[Any]) -> NDArray[Any]:
    """Return each row less its mean, at length 1; all 0 for one of equal values."""
    centred = values - values.mean(axis=1, keepdims=True)
    standardised: NDArray[Any] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return standardised


def _grey(images: NDArray[np.uint8]) -> NDArray[Any]:
    """Return grey levels as cameras and Pillow make them of colours: ITU-R recommendation BT.601."""
    weights = np.array([0.299, 0.587, 0.114]) if images.shape[-1] == 3 else np.ones(1)
    grey: NDArray[Any] = images @ weights
    return grey


def _blocks(images: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the position of the first image of each block, and the block."""
    size = max(1, READ_BYTES // (8 * int(np.prod(images.shape[1:]))))
    for start in range(0, len(images), size):
        yield start, images[start : start + size]
