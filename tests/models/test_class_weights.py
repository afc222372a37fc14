from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from models.class_weights import class_weights


@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [2, 0, 2, 2, 1, 0], list(range(7))])
def test_balanced_weights_are_those_of_scikit_learn(labels: list[int]) -> None:
    weights = class_weights("balanced", np.bincount(labels))
    np.testing.assert_allclose(
        weights, compute_class_weight("balanced", classes=np.unique(labels), y=labels), rtol=1e-6
    )
    assert np.mean(weights[labels]) == pytest.approx(1)


def test_a_class_without_examples_takes_nothing_from_the_others() -> None:
    np.testing.assert_array_equal(class_weights("balanced", np.array([3, 0, 1])), np.float32([4 / 6, 0, 4 / 2]))


def test_without_weights_there_are_none() -> None:
    assert class_weights("none", np.array([3, 1])) is None
