"""The pictures carry the data that they were given."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.report.run_figures import MOST_LABELLED_CLASSES, confusion_matrix, training_curves


def drawn(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}


def is_picture(figure: Figure) -> bool:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue().startswith(b"\x89PNG")


def test_curves_show_loss_and_accuracy_of_both_splits() -> None:
    train = ([2.0, 1.0, 0.5], [0.3, 0.6, 0.8])
    validation = ([2.1, 1.2, 0.7], [0.2, 0.5, 0.7])
    figure = training_curves([1, 2, 3], {"train": train, "validation": validation})
    for index, (axes, name) in enumerate(zip(figure.axes, ("loss", "accuracy"), strict=True)):
        assert drawn(axes) == {"train": ([1, 2, 3], train[index]), "validation": ([1, 2, 3], validation[index])}
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", name)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "validation"]
    assert figure.axes[0].get_ylim()[0] == 0
    assert is_picture(figure)


def test_a_split_without_values_is_left_out() -> None:
    figure = training_curves([1], {"train": ([2.0], [0.3]), "validation": ([None], [None])})
    assert [set(drawn(axes)) for axes in figure.axes] == [{"train"}, {"train"}]
    assert is_picture(figure)


def test_the_confusion_matrix_counts_true_against_predicted() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 0, 2, 1, 0, 2])
    figure = confusion_matrix(labels, predicted, ("cat", "dog", "hen"))
    (axes,) = figure.axes
    shown = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "3", (0, 2): "1", (1, 0): "1", (1, 1): "1", (2, 2): "1"}
    np.testing.assert_allclose(axes.get_images()[0].get_array(), [[0.75, 0, 0.25], [0.5, 0.5, 0], [0, 0, 1]])
    assert axes.get_title() == "Test split: 71.43% of 7 right"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog", "hen"]
    assert is_picture(figure)


def test_a_class_that_does_not_occur_has_an_empty_row() -> None:
    figure = confusion_matrix(np.array([0, 1]), np.array([1, 1]), ("0", "1", "2"))
    np.testing.assert_array_equal(figure.axes[0].get_images()[0].get_array()[2], [0, 0, 0])


@pytest.mark.parametrize(("classes", "labelled"), [(MOST_LABELLED_CLASSES, True), (MOST_LABELLED_CLASSES + 1, False)])
def test_many_classes_are_shown_by_colour_alone(classes: int, *, labelled: bool) -> None:
    everything = np.arange(classes)
    figure = confusion_matrix(everything, everything, [str(label) for label in everything])
    assert bool(figure.axes[0].texts) is labelled
    assert is_picture(figure)
