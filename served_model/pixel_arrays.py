"""Pixel values that somebody has sent, as the pixels of prepared images."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from served_model.description import ModelDescription
from served_model.picture_error import PictureError
from served_model.resizing import resize

WHITE = 255
LONGEST_SIDE = 4096  # of what is resized: laid in a square it takes 200 MB
RESIZED_AT_ONCE = 2**24  # pixel values, in squares


def pixels_of_array(sent: NDArray[Any], description: ModelDescription) -> NDArray[np.uint8]:
    """Return the pixels of pictures of one shape, as the model takes them.

    Args:
        sent: Of shape (pictures, height, width, channels), or (pictures, height, width) for one channel.
        description: What the model takes.

    Raises:
        PictureError: it cannot be meant.
    """
    channels = description.image_shape[2]
    batched = sent[..., None] if sent.ndim == 3 and channels == 1 and sent.shape[-1] != 1 else sent
    if batched.ndim != 4:
        raise PictureError(
            f"received an array of shape {sent.shape}; allowed: (pictures, height, width, {channels})"
            f"{' or (pictures, height, width)' if channels == 1 else ''}, also for a single picture"
        )
    _require_brightness(list(batched))
    return _at_size(0, batched, description)


def pixels_of_rows(sent: Sequence[Any], description: ModelDescription) -> NDArray[np.uint8]:
    """Return the pixels of pictures that each came as nested lists, or as an array, as the model takes them.

    Args:
        sent: Each of shape (height, width, channels), or (height, width) for one channel.
        description: What the model takes.

    Raises:
        PictureError: one of them cannot be meant.
    """
    arrays = [_as_array(place, each) for place, each in enumerate(sent)]
    _require_brightness(arrays)
    return np.concatenate([_at_size(place, array[None], description) for place, array in enumerate(arrays)])


def _as_array(place: int, sent: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.empty(0)
    if isinstance(sent, np.ndarray):
        array = sent
    elif isinstance(sent, list | tuple) and _holds_numbers(sent, 3):
        try:
            array = np.asarray(sent)
        except ValueError:  # rows of different lengths
            array = np.empty(0)
    if array.dtype.kind not in "uif" or array.ndim not in (2, 3):
        raise PictureError(
            f"picture {place} is neither a text nor rows of pixel values: received {reprlib.repr(sent)}; send the "
            "content of a picture file as base64, or pixel values from 0 to 255 of shape (height, width, channels)"
        )
    return array


def _holds_numbers(sent: Sequence[Any], depth: int) -> bool:
    """Return whether nested lists hold numbers alone: of texts NumPy would make an array as wide as the longest."""
    kinds = set(map(type, sent))
    if kinds <= {int, float}:
        return True
    return depth > 1 and kinds <= {list, tuple} and all(_holds_numbers(each, depth - 1) for each in sent)


def _at_size(place: int, batched: NDArray[Any], description: ModelDescription) -> NDArray[np.uint8]:
    """Return pictures of one shape, (pictures, height, width) or with channels, at the size that the model takes."""
    height, width, channels = description.image_shape
    images = batched[..., None] if batched.ndim == 3 else batched
    if images.shape[-1] != channels or 0 in images.shape or max(images.shape[1:3]) > LONGEST_SIDE:
        kind = "1 channel (grey)" if channels == 1 else "3 channels (colour)"
        raise PictureError(
            f"picture {place} is of shape {batched.shape[1:]}; allowed: (height, width, channels) with {kind}, as the "
            f"model was trained on, and at most {LONGEST_SIDE} pixels a side (a picture file may have more of both)"
        )
    if images.dtype.kind == "f":
        images = np.rint(images)
    if images.shape[1:3] == (height, width):
        return images.astype(np.uint8)
    at_once = max(1, RESIZED_AT_ONCE // (max(images.shape[1:3]) ** 2 * channels))
    starts = range(0, len(images), at_once)
    return np.concatenate([resize(images[start : start + at_once], height, description.fit) for start in starts])


def _require_brightness(arrays: Sequence[NDArray[Any]]) -> None:
    """Raise PictureError for values that are no pixel values from 0 to 255, or that were made smaller."""
    for place, array in enumerate(arrays):
        if array.dtype.kind not in "uif":
            raise PictureError(f"received values of type {array.dtype.name}; allowed: integers or floats from 0 to 255")
        if array.size and not (array.min() >= 0 and array.max() <= WHITE):  # a value that is no number is neither
            where = f"picture {place} has" if len(arrays) > 1 else "received"
            raise PictureError(
                f"{where} pixel values from {array.min():g} to {array.max():g}; allowed: 0 (black) to 255 (white), as "
                "the model normalises them itself"
            )
    brightest = [float(array.max()) for array in arrays if array.size]
    if all(array.dtype.kind == "f" for array in arrays) and brightest and 0 < max(brightest) <= 1:
        raise PictureError(
            "received pixel values from 0 to 1, which look divided by 255; send them from 0 (black) to 255 (white), as "
            "the model normalises them itself"
        )
