"""Whatever form pictures are sent in, the pixels are those of preparation; what cannot be meant is told in words."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from served_model.decoding import decode
from served_model.description import ModelDescription
from served_model.picture_error import PictureError
from served_model.pictures import pixels_of
from served_model.resizing import resize

GREY = ModelDescription(("a", "b"), (16, 16, 1))
COLOUR = ModelDescription(("a", "b"), (16, 16, 3), "pad")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 16, 16, 1), dtype=np.uint8)


def png(image: np.ndarray) -> bytes:
    Image.fromarray(image.squeeze()).save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "sent",
    [
        [png(image) for image in IMAGES],
        [text(png(image)) for image in IMAGES],
        [f"data:image/png;base64,{text(png(image))}" for image in IMAGES],
        [base64.encodebytes(png(image)).decode() for image in IMAGES],  # with line breaks, as MLflow writes bytes
        np.array([text(png(image)) for image in IMAGES]),
        np.array([png(image) for image in IMAGES], dtype=object),
        IMAGES,
        IMAGES[..., 0],
        IMAGES.astype(np.int64),
        IMAGES.astype(np.float32),
        IMAGES.tolist(),
        IMAGES[..., 0].tolist(),
        list(IMAGES - np.where(IMAGES, 0.25, 0)),  # between two grey levels: the next one
    ],
    ids=lambda sent: f"{type(sent).__name__} of {type(sent[0]).__name__}",
)
def test_every_form_gives_the_pixels_that_were_sent(sent: Any) -> None:
    pixels = pixels_of(sent, GREY)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, IMAGES)


def test_no_pictures_are_no_pixels() -> None:
    assert pixels_of([], COLOUR).shape == (0, 16, 16, 3)


def test_files_of_any_size_are_read_as_preparation_reads_them() -> None:
    contents = [png(RANDOM.integers(0, 256, shape, dtype=np.uint8)) for shape in ((40, 20, 3), (9, 90), (16, 16, 4))]
    expected = [decode(content, size=16, channels=3, fit="pad").pixels for content in contents]
    np.testing.assert_array_equal(pixels_of(contents, COLOUR), expected)


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_arrays_of_any_size_are_resized_as_preparation_resizes_them(fit: Any) -> None:
    description = ModelDescription(("a", "b"), (16, 16, 1), fit)
    arrays = RANDOM.integers(0, 256, (5, 8, 30, 1), dtype=np.uint8)
    expected = resize(arrays, 16, fit)
    np.testing.assert_array_equal(pixels_of(arrays, description), expected)
    np.testing.assert_array_equal(pixels_of(arrays.tolist(), description), expected)


def test_a_batch_that_is_resized_in_parts_is_resized_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = RANDOM.integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    monkeypatch.setattr("served_model.pixel_arrays.RESIZED_AT_ONCE", 2 * 64)
    np.testing.assert_array_equal(pixels_of(arrays, GREY), resize(arrays, 16))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (["no base64!"], "picture 0 is no base64 (Only base64 data is allowed): received 'no base64!'"),
        (["iVBORw0KGgo"], "picture 0 is no base64 (Incorrect padding): received 'iVBORw0KGgo'"),
        (["-_8="], "picture 0 is URL-safe base64: received '-_8='; send .* with + and /"),
        (["päng"], "picture 0 is no base64"),
        ([text(png(IMAGES[0])), text(b"hello")], "picture 1 cannot be read: its content is none of PNG, JPEG"),
        ([""], "picture 0 cannot be read: it is empty"),
        ([png(IMAGES[0])[:60]], "picture 0 cannot be read"),
        ([text(png(IMAGES[0])), IMAGES[0].tolist()], "picture files and pixel values in one request"),
        ([None], "picture 0 is neither a text nor rows of pixel values: received None"),
        ([IMAGES[0].tolist(), 3], "picture 1 is neither"),
        ([[["a"] * 16] * 16], "picture 0 is neither"),
        ([[[True] * 16] * 16], "picture 0 is neither"),
        ([[[1, 2], [3]]], "picture 0 is neither"),
        ([[[10**30] * 16] * 16], "picture 0 is neither"),
        ([{"a": 1}], "picture 0 is neither"),
        (IMAGES[0], "received an array of shape (16, 16, 1); allowed: (pictures, height, width, 1)"),
        (IMAGES[0, :, :, 0], "received an array of shape (16, 16)"),
        (np.zeros((2, 16, 16, 3), np.uint8), "picture 0 is of shape (16, 16, 3); allowed: .* with 1 channel (grey)"),
        (np.zeros((2, 0, 16, 1), np.uint8), "picture 0 is of shape (0, 16, 1)"),
        ([[[]]], "picture 0 is of shape (1, 0)"),
        (np.zeros((1, 1, 5000, 1), np.uint8), "at most 4096 pixels a side"),
        (IMAGES[:1].astype(int) + 1000, "received pixel values from 1000 to 12"),
        (np.array([[[0, 0]], [[300, 300]]]), "picture 1 has pixel values from 300 to 300"),
        ([(IMAGES[0] * 0).tolist(), (IMAGES[0] - 1.0 - 300).tolist()], "picture 1 has pixel values from -"),
        (np.full((1, 16, 16, 1), np.nan), "received pixel values from nan to nan"),
        (np.full((1, 16, 16, 1), np.inf), "received pixel values from inf to inf"),
        (IMAGES > 7, "received values of type bool"),
        (IMAGES / 255, "received pixel values from 0 to 1, which look divided by 255; send them from 0 (black) to 255"),
        ((IMAGES / 255).tolist(), "which look divided by 255"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_told_in_words(sent: Any, said: str) -> None:
    with pytest.raises(PictureError, match=re.escape(said).replace(r"\.\*", ".*")):
        pixels_of(sent, GREY)


def test_texts_in_place_of_pixels_take_no_memory() -> None:
    as_wide_as_the_longest = [[["a" * 10**6, *["b"] * 10**6]]]  # 4 TB, were NumPy to make an array of it
    with pytest.raises(PictureError, match="picture 0 is neither a text nor rows of pixel values"):
        pixels_of(as_wide_as_the_longest, GREY)


def test_dark_pictures_are_none_that_were_divided() -> None:
    black = np.zeros((1, 16, 16, 1), dtype=np.float32)
    np.testing.assert_array_equal(pixels_of(black, GREY), black)
    np.testing.assert_array_equal(pixels_of((black + 1).astype(np.uint8), GREY), black + 1)


def test_a_file_of_few_bytes_and_many_pixels_counts_by_its_pixels() -> None:
    large = png(np.zeros((300, 300), dtype=np.uint8))
    assert len(large) < 1000
    assert pixels_of([large, large], GREY, most_pixels=180_000).shape == (2, 16, 16, 1)
    with pytest.raises(PictureError, match="more than 179,999 pixels together; send fewer at a time"):
        pixels_of([large, large], GREY, most_pixels=179_999)


@pytest.mark.parametrize("tiny", [png(np.zeros((2, 2), np.uint8)), [[0]]], ids=["file", "pixels"])
def test_many_tiny_pictures_count_by_the_size_that_the_model_takes(tiny: Any) -> None:
    assert pixels_of([tiny] * 4, GREY, most_pixels=1024).shape == (4, 16, 16, 1)
    with pytest.raises(PictureError, match="5 pictures have more than 1,024 pixels together at 16x16, as the model"):
        pixels_of([tiny] * 5, GREY, most_pixels=1024)


def test_a_file_that_would_fill_the_memory_is_refused() -> None:
    whole = png(np.zeros((16, 16), dtype=np.uint8))
    lying = whole[:16] + (60_000).to_bytes(4, "big") * 2 + whole[24:]
    with pytest.raises(PictureError, match="picture 0 cannot be read"):
        pixels_of([lying], GREY)
