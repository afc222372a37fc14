"""A stored model as a file of another runtime, which is held to give the same answers before it gets its name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from served_model.description import ModelDescription
from tasks.foundation.durable_files import storing, write_durably
from tasks.foundation.errors import ExportError, InputError
from tasks.foundation.writable import require_writable_file
from tasks.prediction.fetched_model import FetchedModel

# How far an exported model's probability may lie from the stored one's. Sums are cut otherwise there, and kernels are
# others; what was measured lies a hundred times below.
TOLERANCE = 1e-4
CHECKED = 64  # images that both are asked before an export gets its name
CELLS = (2, 4, 8, 16)  # of these images, on a side
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Format(NamedTuple):
    """A format of models: how Keras calls it, what it needs beside what is installed anyway, and who answers for it."""

    name: str
    packages: tuple[str, ...]
    answer: Callable[[Path], Answer]


def require_writable(target: Path) -> None:
    """Raise InputError for a file of no known format, or whose folder, or the packages it needs, are not there."""
    if target.suffix.lower() not in FORMATS:
        raise InputError(f"file: received {str(target)!r}; allowed: a file that ends with {' or '.join(FORMATS)}")
    require_writable_file("file", target)
    needed = FORMATS[target.suffix.lower()].packages
    if missing := [name for name in needed if not find_spec(name)]:
        raise InputError(
            f"file: {target.suffix} needs {' and '.join(missing)}, which this environment lacks; install "
            f"it with `pip install {' '.join(needed)}`, or give a .tflite file, which needs nothing more"
        )


def about_file(target: Path) -> Path:
    """Return where what an exported model takes and gives lies: no name that anybody has by accident."""
    return target.with_name(f"{target.name}.json")


def export_model(fetched: FetchedModel, reference: Answer, target: Path) -> float:
    """Write a stored model as ``target``, and beside it, as JSON, what it takes and gives.

    Args:
        fetched: The model.
        reference: Its own probabilities, float32 of shape (images, classes), for uint8 images.
        target: A file of a known format, in a folder that is there.

    Returns:
        How far a probability differs at most, of `CHECKED` made-up images.

    Raises:
        ExportError: Keras cannot export it, or the export gives other answers; nothing is left of it then.
        StorageError: it cannot be written.
    """
    images = made_up_images(fetched.description.image_shape, CHECKED)
    format_ = FORMATS[target.suffix.lower()]
    with storing(target), TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as name:
        unfinished = Path(name) / f"model{target.suffix.lower()}"
        _write(fetched, format_, unfinished)
        difference = require_same(reference(images), format_.answer(unfinished)(images))
        about = {"format": format_.name, "run": fetched.run_id, **_described(fetched.description)}
        about |= {"largest_difference": difference, "tolerance": TOLERANCE}
        write_durably(about_file(target), f"{json.dumps(about, indent=1)}\n".encode())
        unfinished.replace(target)
    return difference


def _described(how: ModelDescription) -> dict[str, Any]:
    """Return what an exported model takes and gives, for who has nothing else."""
    given = "the probability of each class" if how.estimates == "softmax" else "about 1 for its class and 0 for others"
    return {
        "classes": how.classes,
        "input": {
            "shape": ["images", *how.image_shape],
            "dtype": "float32",
            "values": "pixels from 0 (black) to 255 (white), as they are: the model normalises them",
            "fit": how.fit,
            "resize": "bilinear, antialiased",
        },
        "output": {"shape": ["images", len(how.classes)], "dtype": "float32", "values": given},
        "dataset_digest": how.dataset_digest,
    }


def require_same(stored: NDArray[np.float32], exported: NDArray[np.float32]) -> float:
    """Return how far probabilities differ at most. Raises ExportError if by more than `TOLERANCE`, of 1 or of each.

    Args:
        stored: Of shape (images, classes); ``exported`` likewise.
        exported: As above.
    """
    scale = np.maximum(1, np.abs(stored))  # outputs that are no probabilities have any size
    difference = float(np.max(np.abs(stored - exported) / scale))
    if not difference <= TOLERANCE:  # which a NaN is not
        raise ExportError(
            f"The exported model gives other answers than the stored one: probabilities of {len(stored)} made-up "
            f"images differ by up to {difference:.2g}, and at most {TOLERANCE:g} is allowed. It was not kept"
        )
    return difference


def made_up_images(image_shape: tuple[int, int, int], count: int) -> NDArray[np.uint8]:
    """Return images of squares, coarse and fine, whose colours are drawn: uint8 of shape (count, *image_shape)."""
    height, width, channels = image_shape
    random = np.random.default_rng(0)
    images = np.empty((count, *image_shape), dtype=np.uint8)
    for number in range(count):
        cells = CELLS[number % len(CELLS)]
        colours = random.integers(0, 256, (cells, cells, channels), dtype=np.uint8)
        images[number] = colours[np.arange(height) * cells // height][:, np.arange(width) * cells // width]
    return images


def _write(fetched: FetchedModel, format_: Format, path: Path) -> None:
    """Write a model that takes pixel values, float32, and gives what its probabilities are."""
    import keras

    how = fetched.description
    model = keras.models.load_model(fetched.keras_path, compile=False)
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Normalization):
            # As tensors they would be inputs of an ONNX model, which a caller had to give with each image.
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    pixels = keras.Input(how.image_shape, name="pixels")
    outputs = model(pixels)
    if how.estimates == "softmax":
        outputs = keras.layers.Softmax(name="probabilities", dtype="float32")(outputs)
    exported = keras.Model(pixels, outputs)
    exported(np.zeros((1, *how.image_shape), np.float32))  # Keras writes no ONNX of what was never called
    try:
        with warnings.catch_warnings():  # of Keras' own look for a name that NumPy will have
            warnings.filterwarnings("ignore", message="In the future `np.object`", category=FutureWarning)
            exported.export(path, format=format_.name, verbose=False)
    except Exception as error:  # converters raise whatever they stumble on
        said = str(error).strip().partition("\n")[0][:300]
        raise ExportError(
            f"Keras cannot export this model as {format_.name}: {type(error).__name__}: {said}"
        ) from error


def _layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a network, and those of the networks among them."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _litert(path: Path) -> Answer:
    import tensorflow as tf

    with warnings.catch_warnings():  # of its own move into a package of its own, which is not installed
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(model_path=str(path))
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        interpreter.resize_tensor_input(taken["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(taken["index"], images.astype(np.float32))
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(given["index"]))

    return answer


def _onnx(path: Path) -> Answer:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return lambda images: np.asarray(session.run(None, {taken.name: images.astype(np.float32)})[0])


FORMATS = {
    ".tflite": Format("litert", (), _litert),
    ".onnx": Format("onnx", ("tf2onnx", "onnxruntime"), _onnx),
}
