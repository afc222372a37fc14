"""From what a request holds to the pixels of prepared images: picture files, as bytes or as base64, or pixel values.

Files are read, and arrays resized, with the lines that preparation does it with: same picture, same pixels.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from served_model.decoding import FORMATS, UnreadableImageError, decode, refuse_enormous_images
from served_model.description import ModelDescription
from served_model.picture_error import PictureError
from served_model.pixel_arrays import pixels_of_array, pixels_of_rows

SHOWN = 40  # characters of a text that is no picture, in the words that say so


def pixels_of(
    sent: Sequence[Any] | NDArray[Any], description: ModelDescription, most_pixels: int | None = None
) -> NDArray[np.uint8]:
    """Return pictures as the model takes them, of shape (pictures, height, width, channels).

    Args:
        sent: Picture files (bytes, or base64 as text), or pixel values from 0 to 255: an array of shape (pictures,
            height, width, channels) or (pictures, height, width), or one array a picture.
        description: What the model takes.
        most_pixels: That all picture files may have together, before they are resized, and all pictures at the size
            that the model takes; none: any number. A file of a few kilobytes can have millions, which take eight bytes
            each while they are read.

    Raises:
        PictureError: one of them cannot be meant; the first is told by its place, from 0.
    """
    if len(sent) == 0:
        return np.zeros((0, *description.image_shape), dtype=np.uint8)
    height, width, _ = description.image_shape
    if most_pixels is not None and len(sent) * height * width > most_pixels:
        raise PictureError(
            f"{len(sent)} pictures have more than {most_pixels:,} pixels together at {width}x{height}, as the model "
            "takes them; send fewer at a time"
        )
    if isinstance(sent, np.ndarray) and sent.dtype.kind not in "OSU":
        return pixels_of_array(sent, description)
    files = [isinstance(each, str | bytes) for each in sent]
    if all(files):
        return _of_files(sent, description, most_pixels)
    if any(files):
        raise PictureError("received picture files and pixel values in one request; send them in two")
    return pixels_of_rows(list(sent), description)


def _of_files(
    sent: Sequence[Any] | NDArray[Any], description: ModelDescription, most_pixels: int | None
) -> NDArray[np.uint8]:
    refuse_enormous_images()
    contents = [_decoded_base64(place, each) if isinstance(each, str) else each for place, each in enumerate(sent)]
    if most_pixels is not None and sum(map(_pixels_in, contents)) > most_pixels:
        raise PictureError(
            f"the pictures have more than {most_pixels:,} pixels together; send fewer at a time, or make them smaller"
        )
    return np.stack([_of_file(place, content, description) for place, content in enumerate(contents)])


def _pixels_in(content: bytes) -> int:
    """Return how many pixels a file says that it has; 0 for one that cannot be read, which is told later."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return image.width * image.height
    except Exception:  # noqa: BLE001 - Pillow's readers raise whatever a broken file makes them stumble on
        return 0


def _of_file(place: int, content: bytes, description: ModelDescription) -> NDArray[np.uint8]:
    height, _, channels = description.image_shape
    try:
        return decode(content, size=height, channels=channels, fit=description.fit).pixels
    except UnreadableImageError as error:
        raise PictureError(
            f"picture {place} cannot be read: {error}; send the content of a PNG, JPEG, BMP, GIF, TIFF or WebP file"
        ) from None


def _decoded_base64(place: int, text: str) -> bytes:
    """Return what a text stands for: base64, with line breaks or not, or a data URL of it, as browsers have it."""
    content = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except ValueError as error:
        kind = "URL-safe base64" if set("-_") & set(content) else f"no base64 ({error})"
        raise PictureError(
            f"picture {place} is {kind}: received {text[:SHOWN]!r}{'…' if len(text) > SHOWN else ''}; send the "
            "content of a picture file as base64, with + and / and with = at its end, or pixel values from 0 to 255"
        ) from None
