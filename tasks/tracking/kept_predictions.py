"""What a model said of each image of a split, as the one small file that its run keeps."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from served_model.description import Estimates
from served_model.probabilities import as_probabilities

PREDICTIONS_FILE, TEST_PREDICTIONS_FILE = "predictions.npz", "test_predictions.npz"  # of validation, and of test
LARGEST = float(np.finfo(np.float16).max)  # 65504


@dataclass(frozen=True, eq=False)
class KeptPredictions:
    """What a model said of each image of a split, with the weights that it had at the end of its training.

    Attributes:
        example: Position of each image in the prepared dataset's ``images.npy``, ascending, int32 of shape (examples,):
            the same image has the same number in every split.
        label: Its label; ``predicted`` the one that was predicted; both int32 of shape (examples,).
        probabilities: float16 of shape (examples, classes): with softmax_cross_entropy the softmax of the logits; with
            the regression losses the outputs themselves, which estimate the one-hot label, and are cut to the range
            of float16.
        name: What the source calls each image, as a file's path within a folder, of shape (examples,); none where it
            has no names.
    """

    example: NDArray[np.int32]
    label: NDArray[np.int32]
    predicted: NDArray[np.int32]
    probabilities: NDArray[np.float16]
    name: NDArray[np.str_] | None = None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which images were classified rightly, of shape (examples,): their share is the validation accuracy."""
        return np.equal(self.label, self.predicted)

    def packed(self) -> bytes:
        """Return the content of the file: a compressed NumPy archive of these arrays, by their names."""
        archive = io.BytesIO()
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez_compressed(archive, **{name: array for name, array in arrays.items() if array is not None})
        return archive.getvalue()


def predictions_of(
    example: NDArray[Any],
    label: NDArray[Any],
    predicted: NDArray[Any],
    probabilities: NDArray[Any],
    names: Sequence[str] | None = None,
) -> KeptPredictions:
    """Return predictions in the types in which they are kept."""
    return KeptPredictions(
        example=example.astype(np.int32),
        label=label.astype(np.int32),
        predicted=predicted.astype(np.int32),
        probabilities=_small(probabilities),
        name=None if names is None else np.array(names, dtype=np.str_),
    )


def small_probabilities(loss: Any) -> Callable[[Any], NDArray[np.float16]]:
    """Return a function from logits to what is kept of them: what a model that is trained with ``loss`` estimates.

    A loss of a person's own that has no `probabilities` is taken for one of the softmax of the logits.
    """

    def small(logits: Any) -> NDArray[np.float16]:
        estimates = estimates_of(loss, logits.shape[-1])
        return _small(as_probabilities(logits, estimates) if estimates else np.asarray(loss.probabilities(logits)))

    return small


def estimates_of(loss: Any, classes: int) -> Estimates | None:
    """Return how the outputs of a model that is trained with ``loss`` become probabilities.

    Returns:
        None for a loss of a person's own that makes them of the outputs in another way: its code has to be asked.
    """
    if not hasattr(loss, "probabilities"):
        return "softmax"
    logits = np.linspace(-2, 3, 2 * classes, dtype=np.float32).reshape(2, classes)
    said, known = np.asarray(loss.probabilities(logits)), get_args(Estimates)
    return next((each for each in known if np.allclose(said, as_probabilities(logits, each), atol=1e-5)), None)


def _small(probabilities: NDArray[Any]) -> NDArray[np.float16]:
    return np.asarray(np.clip(probabilities, -LARGEST, LARGEST), dtype=np.float16)


def unpacked(content: bytes) -> KeptPredictions:
    """Return what the content of a file says. Raises ValueError if that is damaged, or was not made here."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            kept = KeptPredictions(**{name: archive[name] for name in archive.files})
    except Exception as error:  # of many kinds: zipfile, zlib and NumPy each have their own for what is none of theirs
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error})") from error
    arrays = [array for field in fields(kept) if (array := getattr(kept, field.name)) is not None]
    types = [str(array.dtype) for array in arrays]
    kinds = [array.dtype.kind for array in arrays[4:]]  # a text's type has its length
    if types[:4] != ["int32", "int32", "int32", "float16"] or kinds not in ([], ["U"]):
        raise ValueError(f"it holds arrays of the types {', '.join(types)}")
    shapes = [array.shape for array in arrays]
    count = len(kept.example) if kept.example.ndim == 1 else -1
    one_each = [*shapes[:3], *shapes[4:]]
    if set(one_each) != {(count,)} or kept.probabilities.ndim != 2 or shapes[3][0] != count:
        raise ValueError(f"it holds arrays of the shapes {', '.join(map(str, shapes))}")
    if (np.diff(kept.example) <= 0).any():
        raise ValueError("its examples are not in ascending order, each once")
    return kept
