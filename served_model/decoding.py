"""One image file as the pixels that a network sees: the same wherever a file is read, by Pillow alone.

The content says what a file is, not the end of its name. What a camera wrote of its orientation is applied,
transparency lies on white, 16 bits are cut to the upper 8, and colour profiles are not applied.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)
from PIL.ExifTags import Base
from PIL.Image import Transpose

from served_model.fit import Fit
from served_model.flat_images import WHITE, flat, is_grey
from served_model.png_chunks import has_profile, without_text_and_profile
from served_model.room import Room

PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
# By what EXIF's tag "Orientation" says of how the camera was held.
TURNED = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
ON_ITS_SIDE = (5, 6, 7, 8)
# A JPEG file is decoded at a half, a quarter or an eighth of its size, as long as that is so many times what is wanted;
# resizing does the rest. Photographs then differ from whole ones that are resized by half a grey level on average, and
# by 3 at most; with 2 in place of 1.5 by a third and by 2, and a photograph of 640x480 takes a quarter longer.
LEAST_REDUCTION = 1.5
PIXEL_BYTES = 8  # Pillow takes four bytes for a pixel, and has two images at a time while it converts one


class UnreadableImageError(Exception):
    """A file is no image that can be read; the text says why, in a few words."""


@dataclass(frozen=True)
class Decoded:
    """An image as it is prepared.

    Attributes:
        pixels: uint8 of shape (size, size, channels).
        width: In pixels, before it was resized, held as the camera was; ``height`` likewise.
        height: As above.
        has_profile: Whether it has a colour profile, which was not applied.
    """

    pixels: np.ndarray
    width: int
    height: int
    has_profile: bool


def decode(file: Path | bytes, *, size: int, channels: int, fit: Fit = "stretch", room: Room | None = None) -> Decoded:
    """Return the image in a file at ``size`` pixels a side, bilinear and antialiased.

    Args:
        file: Where it lies, or what it holds: PNG, JPEG, BMP, GIF (its first frame), TIFF or WebP.
        size: Pixels a side.
        channels: 1 (grey) or 3 (colour).
        fit: ``stretch`` changes its proportions, ``crop`` takes the largest square in its middle, ``pad`` lays all of
            it in the middle of a black square.
        room: Memory that several threads share.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    refuse_enormous_images()
    try:
        try:
            return _decode(io.BytesIO(file) if isinstance(file, bytes) else file, size, channels, fit, room or Room())
        except ValueError:  # of a PNG whose text or profile is larger than Pillow trusts; its pixels are fine
            content = file if isinstance(file, bytes) else file.read_bytes()
            if (bare := without_text_and_profile(content)) is None:
                raise
            decoded = _decode(io.BytesIO(bare), size, channels, fit, room or Room())
            return Decoded(decoded.pixels, decoded.width, decoded.height, has_profile(content))
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble on
        raise UnreadableImageError(_reason(file, error)) from error


def channels_of(file: Path) -> int:
    """Return 1 for a grey image, 3 for any other. Reads the header only. Raises UnreadableImageError."""
    refuse_enormous_images()
    try:
        with Image.open(file, formats=FORMATS) as image:
            return 1 if is_grey(image) else 3
    except Exception as error:  # as above
        raise UnreadableImageError(_reason(file, error)) from error


def refuse_enormous_images() -> None:
    """Let Pillow raise where it would warn of an image that could fill the memory."""
    wanted = ("error", None, Image.DecompressionBombWarning, None, 0)
    if wanted not in warnings.filters:
        warnings.simplefilter("error", Image.DecompressionBombWarning)


def _decode(file: io.BytesIO | Path, size: int, channels: int, fit: Fit, room: Room) -> Decoded:
    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if image.format in ("JPEG", "MPO"):
            least = int(LEAST_REDUCTION * size)
            image.draft(None, (least, least))
        with room.taking(image.width * image.height * PIXEL_BYTES):
            small, orientation = _small(image, size, channels, fit)
            image.close()  # which gives its memory back
    if orientation in ON_ITS_SIDE:
        width, height = height, width
    return Decoded(_as_pixels(small, size, channels), width, height, bool(image.info.get("icc_profile")))


def _small(image: Image.Image, size: int, channels: int, fit: Fit) -> tuple[Image.Image, int]:
    """Return a loaded image, held as the camera was, at its new size; and how the camera was held."""
    whole = flat(image, channels)
    orientation = _orientation(image)  # not before: that would load a PNG file, and hide how its pixels lie
    return _fitted(_turned(whole, orientation), size, fit), orientation


def _orientation(image: Image.Image) -> int:
    """Return what a camera wrote of how it was held; 1, upright, where that is not known, or done already."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    try:
        return int(image.getexif().get(Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - what cannot be read says nothing of how the camera was held: as other viewers do
        return 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(TURNED[orientation]) if orientation in TURNED else image


def _fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return an image at ``size`` pixels a side; with ``pad`` its longer side alone has these."""
    width, height = image.size
    bilinear = Image.Resampling.BILINEAR
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        # Cut before and not while it is resized: that would mix in what lies beside the square.
        return image.crop((left, top, left + side, top + side)).resize((size, size), bilinear)
    if fit == "pad":
        longer = max(width, height)
        return image.resize((max(1, round(width * size / longer)), max(1, round(height * size / longer))), bilinear)
    return image.resize((size, size), bilinear)


def _as_pixels(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """Return a resized image as uint8 of shape (size, size, channels), transparency on white, the rest black."""
    array = np.asarray(image)
    if image.mode == "RGBa":  # each colour times its opacity: what is missing is white
        array = array[..., :3] + (WHITE - array[..., 3:])
        if channels == 1:
            array = np.asarray(Image.fromarray(array).convert("L"))
    array = array.reshape(*array.shape[:2], channels)
    if array.shape[:2] == (size, size):
        return array
    square = np.zeros((size, size, channels), dtype=np.uint8)
    top, left = ((size - length) // 2 for length in array.shape[:2])
    square[top : top + array.shape[0], left : left + array.shape[1]] = array
    return square


def _reason(file: Path | bytes, error: Exception) -> str:
    """Say in a few words why a file cannot be read."""
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it is enormous, of more than {Image.MAX_IMAGE_PIXELS:,} pixels: make it smaller"
    if isinstance(error, UnidentifiedImageError):
        if not (file if isinstance(file, bytes) else file.stat().st_size):
            return "it is empty"
        return "its content is none of PNG, JPEG, BMP, GIF, TIFF and WebP"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
