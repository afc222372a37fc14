"""The file of kept predictions: what goes in comes out, and whatever else is refused in words."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from models.losses import make_loss
from tasks.tracking.kept_predictions import (
    KeptPredictions,
    estimates_of,
    predictions_of,
    small_probabilities,
    unpacked,
)

KEPT = predictions_of(
    np.array([2, 3, 7]),
    np.array([0, 1, 1]),
    np.array([0, 1, 0]),
    np.array([[0.75, 0.25], [0.0, 1.0], [1e9, -1e9]]),
)


NAMED = predictions_of(KEPT.example, KEPT.label, KEPT.predicted, KEPT.probabilities, ["cats/1.png", "é 猫.png", "c"])


def arrays(kept: KeptPredictions) -> dict[str, np.ndarray]:
    found = {field.name: getattr(kept, field.name) for field in fields(kept)}
    return {name: array for name, array in found.items() if array is not None}


def archived(**changes: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays(KEPT) | changes)
    return file.getvalue()


def test_what_is_kept_has_small_types() -> None:
    assert {name: str(array.dtype) for name, array in arrays(KEPT).items()} == {
        "example": "int32",
        "label": "int32",
        "predicted": "int32",
        "probabilities": "float16",
    }
    assert KEPT.probabilities.tolist() == [[0.75, 0.25], [0.0, 1.0], [65504.0, -65504.0]]
    assert KEPT.right.tolist() == [True, True, False]


def test_what_goes_in_comes_out_and_the_same_is_the_same_to_the_byte() -> None:
    again = unpacked(KEPT.packed())
    for name, array in arrays(KEPT).items():
        np.testing.assert_array_equal(getattr(again, name), array)
        assert getattr(again, name).dtype == array.dtype
    assert again.packed() == KEPT.packed()


def test_names_are_kept_where_there_are_any_without_a_pickle() -> None:
    with np.load(io.BytesIO(NAMED.packed()), allow_pickle=False) as archive:
        assert archive["name"].tolist() == ["cats/1.png", "é 猫.png", "c"]
    again = unpacked(NAMED.packed())
    assert again.name is not None
    assert again.name.tolist() == ["cats/1.png", "é 猫.png", "c"]
    assert again.packed() == NAMED.packed()
    assert unpacked(KEPT.packed()).name is None


def test_damage_at_any_byte_is_told_or_changes_nothing() -> None:
    content, told = KEPT.packed(), 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        try:
            found = unpacked(bytes(damaged))
        except ValueError:
            told += 1
        else:
            assert found.packed() == content
    assert told > len(content) / 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it cannot be read"),
        (KEPT.packed()[:-30], "it cannot be read"),
        (archived(more=np.zeros(3)), "it cannot be read"),
        (archived(label=np.array([0, 1, 1])), "it holds arrays of the types int32, int64, int32, float16"),
        (archived(name=np.array([1, 2, 3])), "it holds arrays of the types int32, int32, int32, float16, int64"),
        (archived(name=np.array(["a", "b"])), r"it holds arrays of the shapes .*, \(2,\)$"),
        (archived(label=KEPT.label[:2]), r"it holds arrays of the shapes \(3,\), \(2,\), \(3,\), \(3, 2\)"),
        (archived(probabilities=KEPT.probabilities[:2]), r"it holds arrays of the shapes .*, \(2, 2\)"),
        (archived(probabilities=KEPT.probabilities[:, 0]), r"it holds arrays of the shapes .*, \(3,\)"),
        (archived(example=KEPT.example[0]), r"it holds arrays of the shapes \(\), "),
        (replace(KEPT, example=KEPT.example[::-1]).packed(), "not in ascending order, each once"),
        (replace(KEPT, example=KEPT.example * 0).packed(), "not in ascending order, each once"),
    ],
)
def test_what_is_not_such_a_file_is_told(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        unpacked(content)


def test_nothing_is_ever_unpickled() -> None:
    with pytest.raises(ValueError, match="it cannot be read"):
        unpacked(archived(label=np.array([print, print, print], dtype=object)))


def test_of_a_loss_that_does_not_say_what_it_estimates_the_softmax_is_kept() -> None:
    class Own:
        """A loss of a person's own."""

    class Telling(Own):
        def probabilities(self, logits: Any) -> Any:
            return 2 * logits

    logits = np.array([[0.0, np.log(3.0)], [1e30, -1e30]], np.float32)
    kept = small_probabilities(Own())(logits)
    np.testing.assert_array_equal(kept, np.array([[0.25, 0.75], [1.0, 0.0]], np.float16))
    np.testing.assert_array_equal(small_probabilities(Telling())(logits[:1]), (2 * logits[:1]).astype(np.float16))


@pytest.mark.parametrize(
    ("loss", "estimates"),
    [("softmax_cross_entropy", "softmax"), ("l1", "outputs"), ("mse", "outputs"), ("smooth_l1", "outputs")],
)
def test_what_a_loss_estimates_is_told_by_what_it_makes_of_outputs(loss: str, estimates: str) -> None:
    class Doubling:
        def probabilities(self, logits: Any) -> Any:
            return 2 * logits

    assert estimates_of(make_loss(loss), 3) == estimates
    assert estimates_of(object(), 3) == "softmax"
    assert estimates_of(Doubling(), 3) is None
