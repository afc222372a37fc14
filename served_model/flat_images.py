"""Images of every mode that Pillow has, as those of three: grey, colour, or colour with what shines through."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

WHITE = 255
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
SIXTEEN_BITS = 2**16
# What Pillow leaves as it is in the file of the one colour that is transparent, and what makes a pixel's value of it.
STRETCHED = {"L;2": 85, "L;4": 17}


def is_grey(image: Image.Image) -> bool:
    """Return whether an image has no colours, by its mode: it need not be loaded."""
    return image.mode in GREY


def flat(image: Image.Image, channels: int) -> Image.Image:
    """Return an image of mode L (``channels`` 1) or RGB (3), or RGBa where something shines through.

    In RGBa each colour is multiplied with its opacity, so that it can be resized as it is.

    Raises:
        ValueError: it is of a mode that has no white.
    """
    raw_mode = _raw_mode(image)
    image.load()
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        image, key = _eight_bits(image, key), None
    elif isinstance(key, int | tuple) and image.mode in ("1", "L", "RGB"):
        image, key = _on_white(image, key, raw_mode), None
    if image.mode == "F":
        raise ValueError("its pixels are floats, of which it cannot be known what is white: save it with 8 or 16 bits")
    if image.mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        image = ImageChops.invert(image)  # Pillow takes every such file for one of Adobe's, which hold it inverted
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or (image.mode == "P" and image.has_transparency_data):
        return (image if image.mode in ("RGBA", "RGBa") else image.convert("RGBA")).convert("RGBa")
    wanted = "L" if channels == 1 else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _raw_mode(image: Image.Image) -> str:
    """Return how the pixels lie in the file, as Pillow calls it."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0].args if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _eight_bits(image: Image.Image, key: object) -> Image.Image:
    """Return the upper 8 of 16 bits of grey: Pillow's own conversion would clip them."""
    values = np.asarray(image)
    if values.size and not (values.min() >= 0 and values.max() < SIXTEEN_BITS):
        raise ValueError("its pixels have more than 16 bits: save it with 8 or 16")
    grey = (values.astype(np.uint16) >> 8).astype(np.uint8)
    if isinstance(key, int):
        grey[values == key] = WHITE
    return Image.fromarray(grey)


def _on_white(image: Image.Image, key: int | tuple[int, ...], raw_mode: str) -> Image.Image:
    """Return an image whose pixels of one colour, which are transparent, are white."""
    if isinstance(key, tuple):
        colour = tuple(value >> 8 for value in key) if raw_mode == "RGB;16B" else key
    else:
        colour = (key * STRETCHED.get(raw_mode, 1),)
    pixels = np.array(image.convert("L") if image.mode == "1" else image)
    pixels[(pixels.reshape(*pixels.shape[:2], -1) == colour).all(axis=2)] = WHITE
    return Image.fromarray(pixels)
