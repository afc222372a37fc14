"""What a model said of each validation image, as the one small file that its run keeps."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

PREDICTIONS_FILE = "predictions.npz"
LARGEST = float(np.finfo(np.float16).max)  # 65504


@dataclass(frozen=True, eq=False)
class KeptPredictions:
    """What a model said of each validation image, with the weights that it had at the end of its training.

    Attributes:
        example: Position of each image in the prepared dataset's ``images.npy``, ascending, int32 of shape (examples,):
            the same image has the same number in every split.
        label: Its label; ``predicted`` the one that was predicted; both int32 of shape (examples,).
        probabilities: float16 of shape (examples, classes): with softmax_cross_entropy the softmax of the logits; with
            the regression losses the outputs themselves, which estimate the one-hot label, and are cut to the range
            of float16.
    """

    example: NDArray[np.int32]
    label: NDArray[np.int32]
    predicted: NDArray[np.int32]
    probabilities: NDArray[np.float16]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which images were classified rightly, of shape (examples,): their share is the validation accuracy."""
        return np.equal(self.label, self.predicted)

    def packed(self) -> bytes:
        """Return the content of the file: a compressed NumPy archive of these arrays, by their names."""
        archive = io.BytesIO()
        np.savez_compressed(archive, **{field.name: getattr(self, field.name) for field in fields(self)})
        return archive.getvalue()


def predictions_of(
    example: NDArray[Any], label: NDArray[Any], predicted: NDArray[Any], probabilities: NDArray[Any]
) -> KeptPredictions:
    """Return predictions in the types in which they are kept."""
    return KeptPredictions(
        example=example.astype(np.int32),
        label=label.astype(np.int32),
        predicted=predicted.astype(np.int32),
        probabilities=np.clip(probabilities, -LARGEST, LARGEST).astype(np.float16),
    )


def unpacked(content: bytes) -> KeptPredictions:
    """Return what the content of a file says. Raises ValueError if that is damaged, or was not made here."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            kept = KeptPredictions(**{name: archive[name] for name in archive.files})
    except Exception as error:  # of many kinds: zipfile, zlib and NumPy each have their own for what is none of theirs
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error})") from error
    types = [str(getattr(kept, field.name).dtype) for field in fields(kept)]
    if types != ["int32", "int32", "int32", "float16"]:
        raise ValueError(f"it holds arrays of the types {', '.join(types)}")
    shapes = [getattr(kept, field.name).shape for field in fields(kept)]
    count = len(kept.example) if kept.example.ndim == 1 else -1
    if shapes[:3] != [(count,)] * 3 or kept.probabilities.ndim != 2 or shapes[3][0] != count:
        raise ValueError(f"it holds arrays of the shapes {', '.join(map(str, shapes))}")
    if (np.diff(kept.example) <= 0).any():
        raise ValueError("its examples are not in ascending order, each once")
    return kept
