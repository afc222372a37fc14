"""Which examples stay together, and that they do in whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.splits import (
    TEST_FRACTION,
    leaked,
    redrawn_splits,
    require_trained_classes,
    split_examples,
)
from tasks.data.units import Units, copies_of, units_of
from tasks.foundation.errors import InputError

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def test_a_unit_is_a_group_or_copies_or_all_that_they_link() -> None:
    assert units_of(3, (), NO_PAIRS) is None
    assert units_of(3, ("", "", ""), NO_PAIRS) is None
    copies = units_of(5, (), np.array([[1, 3], [3, 4]]))
    assert copies is not None
    assert not copies.grouped
    assert copies.numbers.tolist() == [0, 1, 2, 1, 1]
    both = units_of(7, ("p", "q", "", "p", "q", "r", ""), np.array([[3, 5], [2, 6]]))
    assert both is not None
    assert both.grouped
    assert both.numbers.tolist() == [0, 1, 2, 0, 1, 0, 2]  # r belongs to p, for one of its images is one of p's


@pytest.mark.parametrize(("keep_together", "pairs"), [("none", 0), ("exact", 1), ("near", 2)])
def test_what_is_kept_together_is_chosen(keep_together: str, pairs: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 1), dtype=np.uint8)
    images[4] = images[0]
    images[5] = images[0] ^ 1
    assert len(copies_of(images, keep_together)) == pairs


def test_too_many_images_are_not_compared_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.data.units.MOST_IMAGES", 5)
    images = np.zeros((6, 16, 16, 1), dtype=np.uint8)
    with pytest.raises(InputError, match=r"keep_together: received near, but all pairs of 6 images .* choose exact"):
        copies_of(images, "near")
    assert len(copies_of(images, "exact")) == 5


def whole(units: Units, splits: dict[str, np.ndarray]) -> bool:
    """Return whether every unit lies in one split."""
    found = [set(units.numbers[indices].tolist()) for indices in splits.values()]
    return all(not found[one] & found[other] for one in range(len(found)) for other in range(one))


@given(
    labels=st.lists(st.integers(0, 3), min_size=40, max_size=120).map(np.array),
    links=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), min_size=1, max_size=30),
    fraction=st.floats(0.05, 0.6),
    split_seed=st.integers(1, 2**32 - 1),
)
def test_copies_are_in_one_split_whatever_is_drawn(
    labels: np.ndarray, links: list[tuple[int, int]], fraction: float, split_seed: int
) -> None:
    labels = np.concatenate([labels, np.repeat(np.arange(4), 12)])
    units = units_of(len(labels), (), np.array(links))
    assert units is not None
    splits = split_examples(labels, {"train": len(labels)}, fraction, units)
    again = redrawn_splits(labels, splits["train"], splits["validation"], split_seed, units)
    for each in (splits, {**again, "test": splits["test"]}):
        assert whole(units, each)
        np.testing.assert_array_equal(np.sort(np.concatenate([*each.values()])), np.arange(len(labels)))
        # No more is held back of a class than was wanted, though a unit may hold images of another, by mistake.
        pure = [number for number in np.unique(units.numbers) if len({*labels[units.numbers == number]}) == 1]
        if len(pure) == len(np.unique(units.numbers)):
            sizes = np.bincount(labels)
            assert (np.bincount(labels[each["test"]], minlength=4) <= np.maximum(1, TEST_FRACTION * sizes + 0.5)).all()


def test_without_copies_the_choice_is_that_of_always() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 400)
    for kept in ({"train": 400}, {"train": 350, "test": 50}):
        alone = split_examples(labels, kept, 0.1)
        singles = split_examples(labels, kept, 0.1, Units(np.arange(400), grouped=False))
        for split, indices in alone.items():
            np.testing.assert_array_equal(indices, singles[split])


def test_two_copies_move_no_image_but_those_that_make_room_for_them() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 400)
    alone = split_examples(labels, {"train": 400}, 0.1)
    first, second = alone["test"][0], alone["train"][labels[alone["train"]] == labels[alone["test"][0]]][0]
    units = units_of(400, (), np.sort([[first, second]]))
    together = split_examples(labels, {"train": 400}, 0.1, units)
    assert len(together["test"]) == len(alone["test"])
    others = labels != labels[first]
    for split, indices in alone.items():
        if split == "test":
            np.testing.assert_array_equal(indices[others[indices]], together[split][others[together[split]]])


def test_units_that_are_all_larger_than_what_is_wanted_are_held_back_nevertheless() -> None:
    labels = np.repeat([0, 1], 50)
    # Every five are alike, and a tenth of the 40 of a class that the test leaves would be 4.
    units = units_of(100, (), np.array([(at - at % 5, at) for at in range(100) if at % 5]))
    assert units is not None
    splits = split_examples(labels, {"train": 100}, 0.1, units)
    assert {split: np.bincount(labels[at]).tolist() for split, at in splits.items()} == {
        "train": [35, 35],
        "validation": [5, 5],
        "test": [10, 10],
    }
    assert whole(units, splits)


def test_units_that_cannot_be_split_are_told() -> None:
    units = units_of(24, (), np.array([(at - at % 12, at) for at in range(24) if at % 12]))
    with pytest.raises(InputError, match=r"24 examples of 2 classes are too few .* which are not copies of each other"):
        split_examples(np.repeat([0, 1], 12), {"train": 24}, 0.1, units)
    with pytest.raises(InputError, match=r"give at least 3 of each class$"):
        split_examples(np.array([0]), {"train": 1}, 0.1)


def test_a_split_of_the_data_of_which_nothing_is_left_is_told() -> None:
    with pytest.raises(InputError, match=r"of the test split that the data came with no image is left: .* classes"):
        split_examples(np.repeat([0, 1], 12), {"train": 24, "test": 0}, 0.1)


def test_groups_are_whole_and_the_classes_about_even() -> None:
    random = np.random.default_rng(0)
    patients = random.integers(0, 60, 1200)
    labels = (patients + random.integers(0, 2, 1200)) % 3
    units = units_of(1200, [f"patient {number}" for number in patients], NO_PAIRS)
    assert units is not None
    splits = split_examples(labels, {"train": 1200}, 0.15, units)
    assert whole(units, splits)
    assert len(splits["test"]) == pytest.approx(240, abs=30)
    assert len(splits["validation"]) == pytest.approx(0.15 * (1200 - len(splits["test"])), abs=30)
    for indices in splits.values():
        assert np.bincount(labels[indices]) / len(indices) == pytest.approx([1 / 3] * 3, abs=0.08)
    drawn = [redrawn_splits(labels, splits["train"], splits["validation"], seed, units) for seed in (1, 1, 2)]
    assert whole(units, {**drawn[0], "test": splits["test"]})
    np.testing.assert_array_equal(drawn[0]["validation"], drawn[1]["validation"])
    assert not np.array_equal(drawn[0]["validation"], drawn[2]["validation"])
    assert len(drawn[2]["validation"]) == pytest.approx(len(splits["validation"]), abs=30)


@pytest.mark.filterwarnings("error")
def test_few_images_of_a_class_are_no_warning() -> None:
    labels = np.array([0] * 30 + [1] * 3)
    units = units_of(33, [f"{number // 3}" for number in range(33)], NO_PAIRS)
    assert units is not None
    assert whole(units, split_examples(labels, {"train": 33}, 0.1, units))


def test_one_group_cannot_be_split() -> None:
    units = units_of(8, ["all"] * 8, NO_PAIRS)
    with pytest.raises(InputError, match=r"8 examples that are to be split belong to 1 group; give at least 2"):
        split_examples(np.arange(8) % 2, {"train": 8}, 0.25, units)


def test_a_class_that_is_held_back_whole_is_named() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    splits = {"train": np.array([0, 1]), "validation": np.array([2, 3]), "test": np.array([4, 5])}
    with pytest.raises(InputError, match=r"no image of class 'dog', 'owl' is left to train on.* at least 3 groups"):
        require_trained_classes(labels, splits, ("cat", "dog", "owl"))
    require_trained_classes(labels, {**splits, "train": np.array([0, 2, 4])}, ("cat", "dog", "owl"))


def test_given_splits_are_used_as_they_are() -> None:
    labels = np.arange(20) % 2
    splits = split_examples(labels, {"train": 12, "validation": 5, "test": 3}, 0.5)
    assert {split: indices.tolist() for split, indices in splits.items()} == {
        "train": [*range(12)],
        "validation": [*range(12, 17)],
        "test": [17, 18, 19],
    }
    own = split_examples(labels, {"train": 15, "validation": 5}, 0)
    assert own["validation"].tolist() == [*range(15, 20)]
    assert len(own["test"]) == 2 + 1  # a fifth of each class, of 8 and 7 images that were given to train on
    assert max(own["test"]) < 15


def test_what_leaks_is_counted() -> None:
    splits = {"train": np.array([0, 1, 2]), "validation": np.array([3, 4]), "test": np.array([5, 6, 7])}
    assert leaked(NO_PAIRS, splits) == {"validation": 0, "test": 0}
    # 3 equals 0, 5 equals 4, 6 equals 1, and 7 equals nothing but what 6 does.
    pairs = np.array([[0, 3], [4, 5], [1, 6], [1, 7]])
    assert leaked(pairs, splits) == {"validation": 1, "test": 3}
    assert leaked(np.array([[5, 6]]), splits) == {"validation": 0, "test": 0}
