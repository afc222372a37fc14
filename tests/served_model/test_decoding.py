"""Every kind of image file, made on the spot; what is to come out of it is worked out with NumPy."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from served_model.decoding import TURNED, UnreadableImageError, channels_of, decode
from tests.support.bilinear import bilinear

SIDE = 16
RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
GREYS = COLOURS[..., :1]
ALPHA = RANDOM.integers(0, 256, (SIDE, SIDE, 1), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (SIDE, SIDE), dtype=np.uint16)
# A picture that JPEG keeps almost as it is: brightness in broad slopes.
SLOPES = np.stack(np.broadcast_arrays(*np.ogrid[0:255:16j, 0:255:16j], 128), axis=2).astype(np.uint8)


def saved(image: Image.Image, suffix: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **how)
    return buffer.getvalue()


def pixels(content: bytes, channels: int = 3, **how: Any) -> np.ndarray:
    decoded = decode(content, **{"size": SIDE, "channels": channels, **how})
    assert decoded.pixels.dtype == np.uint8
    return decoded.pixels.astype(int)


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha / 255
    return colours * share + 255 * (1 - share)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(bits: int, kind: int, rows: bytes, *more: bytes) -> bytes:
    """Write a PNG of 16x16 pixels by hand: Pillow does not write each kind that there is."""
    head = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
    line = len(rows) // SIDE
    lines = b"".join(b"\0" + rows[start : start + line] for start in range(0, len(rows), line))
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_of_bits(bits: int) -> tuple[bytes, np.ndarray]:
    values = RANDOM.integers(0, 2**bits, (SIDE, SIDE), dtype=np.uint8)
    places = np.arange(8 // bits)[::-1] * bits
    packed = (values.reshape(SIDE, -1, 8 // bits) << places).sum(axis=2).astype(np.uint8)
    return packed.tobytes(), values


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("image", [COLOURS, GREYS[..., 0]], ids=["colour", "grey"])
def test_what_is_kept_without_loss_is_read_without_loss(kind: str, image: np.ndarray) -> None:
    content = saved(Image.fromarray(image), kind, **({"lossless": True} if kind == "WEBP" else {}))
    expected = np.broadcast_to(image.reshape(SIDE, SIDE, -1), (SIDE, SIDE, 3))
    np.testing.assert_array_equal(pixels(content), expected)


def test_a_gif_is_its_first_frame() -> None:
    frames = [Image.fromarray(GREYS[..., 0]), Image.fromarray(255 - GREYS[..., 0])]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(pixels(content), np.repeat(GREYS, 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_moves_or_has_pages_is_its_first_picture(kind: str) -> None:
    frames = [Image.fromarray(COLOURS), Image.fromarray(255 - COLOURS)]
    how = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(
        pixels(saved(frames[0], kind, save_all=True, append_images=frames[1:], **how)), COLOURS
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_jpeg(channels: int) -> None:
    content = saved(Image.fromarray(SLOPES[..., 0]), "JPEG", quality=100)
    assert np.abs(pixels(content, channels) - SLOPES[..., :1].astype(int)).max() <= 2


def test_a_colour_jpeg() -> None:
    content = saved(Image.fromarray(SLOPES), "JPEG", quality=100, subsampling=0)
    assert np.abs(pixels(content) - SLOPES.astype(int)).max() <= 4


def cmyk() -> tuple[np.ndarray, np.ndarray]:
    """Ink of four colours, in slopes, and the light that is left of it."""
    ink = np.concatenate([SLOPES, SLOPES[..., :1] // 2], axis=2)
    return ink, (255 - ink[..., :3].astype(int)) * (255 - ink[..., 3:].astype(int)) / 255


def test_a_jpeg_for_print_that_adobe_inverted() -> None:
    ink, light = cmyk()
    content = saved(Image.fromarray(ink, "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in content
    assert np.abs(pixels(content) - light).max() <= 4


def test_a_jpeg_for_print_that_nobody_inverted() -> None:
    ink, light = cmyk()
    content = saved(Image.fromarray(255 - ink, "CMYK"), "JPEG", quality=100)  # Pillow inverts what it writes
    marker = content.index(b"\xff\xeeAdobe"[:2] + content[content.index(b"Adobe") - 2 : content.index(b"Adobe") + 5])
    (length,) = struct.unpack(">H", content[marker + 2 : marker + 4])
    content = content[:marker] + content[marker + 2 + length :]
    assert b"Adobe" not in content
    assert np.abs(pixels(content) - light).max() <= 4


def test_a_tiff_for_print() -> None:
    ink, light = cmyk()
    assert np.abs(pixels(saved(Image.fromarray(ink, "CMYK"), "TIFF")) - light).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_png_of_few_bits(bits: int) -> None:
    rows, values = png_of_bits(bits)
    np.testing.assert_array_equal(pixels(png(bits, 0, rows), 1)[..., 0], values.astype(int) * 255 // (2**bits - 1))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_png_of_few_bits_one_level_of_which_is_transparent(bits: int) -> None:
    rows, values = png_of_bits(bits)
    found = pixels(png(bits, 0, rows, chunk(b"tRNS", b"\0\0")), 1)[..., 0]
    levels = values.astype(int) * 255 // (2**bits - 1)
    np.testing.assert_array_equal(found, np.where(values == 0, 255, levels))
    found = pixels(png(bits, 0, rows, chunk(b"tRNS", b"\0\1")), 1)[..., 0]
    np.testing.assert_array_equal(found, np.where(values == 1, 255, levels))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_cut_to_the_upper_eight(kind: str) -> None:
    np.testing.assert_array_equal(pixels(saved(Image.fromarray(DEEP), kind), 1)[..., 0], DEEP >> 8)


def test_sixteen_bits_of_colour_are_cut_likewise() -> None:
    deep = RANDOM.integers(0, 65536, (SIDE, SIDE, 3), dtype=np.uint16)
    content = png(16, 2, deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(pixels(content), deep >> 8)
    key = deep[3, 5]
    found = pixels(png(16, 2, deep.astype(">u2").tobytes(), chunk(b"tRNS", key.astype(">u2").tobytes())))
    assert found[3, 5].tolist() == [255] * 3
    assert (found != deep >> 8).any(axis=2).sum() <= 1


def test_sixteen_bits_of_grey_one_level_of_which_is_transparent() -> None:
    found = pixels(png(16, 0, DEEP.astype(">u2").tobytes(), chunk(b"tRNS", DEEP[2:3, 2].astype(">u2").tobytes())), 1)
    np.testing.assert_array_equal(found[..., 0], np.where(DEEP[2, 2] == DEEP, 255, DEEP >> 8))


@pytest.mark.parametrize("kind", [4, 6])
def test_sixteen_bits_with_transparency(kind: int) -> None:
    deep = RANDOM.integers(0, 65536, (SIDE, SIDE, 2 if kind == 4 else 4), dtype=np.uint16)
    upper = (deep >> 8).astype(int)
    found = pixels(png(16, kind, deep.astype(">u2").tobytes()))
    assert np.abs(found - on_white(upper[..., :-1], upper[..., -1:])).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_on_white(kind: str) -> None:
    image = Image.fromarray(np.concatenate([COLOURS, ALPHA], axis=2))
    content = saved(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    assert np.abs(pixels(content) - on_white(COLOURS, ALPHA)).max() <= 1


def test_grey_with_transparency_stays_grey(tmp_path: Path) -> None:
    content = saved(Image.fromarray(np.concatenate([GREYS, ALPHA], axis=2)))
    (tmp_path / "image").write_bytes(content)
    assert channels_of(tmp_path / "image") == 1
    assert np.abs(pixels(content, 1) - on_white(GREYS, ALPHA)).max() <= 1


def test_transparency_is_laid_on_white_before_pixels_are_mixed() -> None:
    """Black bars, one pixel wide, on nothing that is black too: half of what is seen is white."""
    bars = np.zeros((64, 64, 4), np.uint8)
    bars[:, ::2, 3] = 255
    assert np.abs(pixels(saved(Image.fromarray(bars)))[:, 1:-1] - 127.5).max() <= 2


def test_one_transparent_colour() -> None:
    image = COLOURS.copy()
    image[:4] = (1, 2, 3)
    found = pixels(saved(Image.fromarray(image), transparency=(1, 2, 3)))
    assert (found[:4] == 255).all()
    np.testing.assert_array_equal(found[4:], image[4:])


@pytest.mark.parametrize(
    ("transparency", "opacity"), [(None, (255, 255, 255)), (1, (255, 0, 255)), (bytes([0, 100, 255]), (0, 100, 255))]
)
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_the_colours_of_a_palette(kind: str, transparency: int | bytes | None, opacity: tuple[int, ...]) -> None:
    if kind == "GIF" and isinstance(transparency, bytes):
        transparency, opacity = 0, (0, 255, 255)
    palette = np.array([(10, 20, 30), (200, 100, 0), (0, 0, 255)])
    places = RANDOM.integers(0, 3, (SIDE, SIDE), dtype=np.uint8)
    image = Image.fromarray(places, "P")
    image.putpalette(palette.astype(np.uint8).tobytes())
    content = saved(image, kind, **({} if transparency is None else {"transparency": transparency}))
    expected = on_white(palette[places], np.array(opacity)[places][..., None])
    assert np.abs(pixels(content) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_a_camera_wrote_of_its_orientation_is_applied(kind: str, orientation: int) -> None:
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16] = 255  # a white corner, at the top on the left
    held = {  # how the pixels of an upright picture lie in a file with each orientation, by EXIF's own definition
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(saved(Image.fromarray(np.ascontiguousarray(held)), kind, exif=exif), size=48, channels=3)
    assert (decoded.width, decoded.height) == (48, 32)
    assert (decoded.pixels[2:20, 2:14] > 240).all()
    assert (decoded.pixels[28:, 20:] < 16).all()
    assert orientation in {1, *TURNED}


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (40, 90), (33, 31), (7, 50)])
def test_resizing_is_bilinear_and_antialiased(shape: tuple[int, int]) -> None:
    image = RANDOM.integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.abs(pixels(saved(Image.fromarray(image))) - bilinear(image, SIDE)).max() <= 1.01


def test_a_photograph_that_is_decoded_at_a_fraction_of_its_size_is_as_good() -> None:
    slopes = np.array(Image.fromarray(SLOPES).resize((640, 480), Image.Resampling.BICUBIC))
    content = saved(Image.fromarray(slopes), "JPEG", quality=95)
    assert np.abs(pixels(content) - bilinear(slopes, SIDE)).max() < 4


def test_crop_takes_the_largest_square_in_the_middle() -> None:
    image = RANDOM.integers(0, 256, (40, 90, 3), dtype=np.uint8)
    across = pixels(saved(Image.fromarray(image)), fit="crop")
    assert np.abs(across - bilinear(image[:, 25:65], SIDE)).max() <= 1.01
    down = pixels(saved(Image.fromarray(np.ascontiguousarray(image.transpose(1, 0, 2)))), fit="crop")
    assert np.abs(down.transpose(1, 0, 2) - bilinear(image[:, 25:65], SIDE)).max() <= 1.01


def test_pad_lays_all_of_it_in_the_middle_of_a_black_square() -> None:
    image = RANDOM.integers(0, 256, (32, 64, 3), dtype=np.uint8)
    found = pixels(saved(Image.fromarray(image)), fit="pad")
    assert (found[:4] == 0).all()
    assert (found[12:] == 0).all()
    halved = image.reshape(8, 4, 16, 4, 3)
    assert np.abs(found[4:12].mean(axis=(0, 1)) - halved.mean(axis=(0, 1, 2, 3))).max() < 4
    assert pixels(saved(Image.fromarray(RANDOM.integers(0, 256, (1, 500, 3), dtype=np.uint8))), fit="pad").any()


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_a_square_image_is_the_same_however_it_fits(fit: str) -> None:
    np.testing.assert_array_equal(pixels(saved(Image.fromarray(COLOURS)), fit=fit), COLOURS)


@pytest.mark.parametrize(
    "chunked",
    [
        (b"iCCP", b"big\0\0" + zlib.compress(bytes(3_000_000))),
        (b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 3_000_000)),
        (b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
    ],
    ids=lambda chunked: chunked[0].decode(),
)
def test_a_png_whose_text_or_profile_is_too_large_is_read_all_the_same(chunked: tuple[bytes, bytes]) -> None:
    whole = saved(Image.fromarray(COLOURS))
    content = whole[:33] + chunk(*chunked) + whole[33:]
    np.testing.assert_array_equal(pixels(content), COLOURS)
    assert decode(content, size=SIDE, channels=3).has_profile == (chunked[0] == b"iCCP")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_profile_is_told_and_not_applied(kind: str) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.fromarray(SLOPES)
    with_it, without = (
        decode(saved(image, kind, **how), size=SIDE, channels=3) for how in ({"icc_profile": profile}, {})
    )
    assert (with_it.has_profile, without.has_profile) == (True, False)
    np.testing.assert_array_equal(with_it.pixels, without.pixels)


def damaged(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "it is empty"),
        (lambda: b"<html>404</html>", "none of PNG, JPEG, BMP, GIF, TIFF and WebP"),
        (lambda: damaged(saved(Image.fromarray(COLOURS))), "truncated|broken"),
        (lambda: damaged(saved(Image.fromarray(COLOURS), "JPEG")), "(?i)truncated"),
        (lambda: damaged(saved(Image.fromarray(COLOURS), "BMP")), "(?i)truncated"),
        (lambda: damaged(saved(Image.fromarray(COLOURS), "WEBP")), "."),
        (lambda: damaged(saved(Image.fromarray(COLOURS), "GIF")), "."),
        (lambda: saved(Image.fromarray(np.ones((SIDE, SIDE), np.float32)), "TIFF"), "floats"),
        (lambda: saved(Image.fromarray(np.full((SIDE, SIDE), 70_000, np.int32)), "TIFF"), "more than 16 bits"),
    ],
)
def test_what_cannot_be_read_says_why(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        pixels(make())


@pytest.mark.parametrize("factor", [1.5, 4])
def test_an_enormous_image_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, factor: float) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(SIDE * SIDE / factor))
    (tmp_path / "image").write_bytes(saved(Image.fromarray(COLOURS)))
    for read in (lambda: pixels((tmp_path / "image").read_bytes()), lambda: channels_of(tmp_path / "image")):
        with pytest.raises(UnreadableImageError, match=r"it is enormous, of more than .* make it smaller"):
            read()


def test_a_file_and_its_content_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "without a suffix"
    path.write_bytes(saved(Image.fromarray(COLOURS), "BMP"))
    np.testing.assert_array_equal(decode(path, size=SIDE, channels=3).pixels, COLOURS)
    with pytest.raises(UnreadableImageError, match="No such file"):
        decode(tmp_path / "gone", size=SIDE, channels=3)
