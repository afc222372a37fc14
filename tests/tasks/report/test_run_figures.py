"""The pictures carry the data that they were given."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.report import run_figures
from tasks.report.drawing import png
from tasks.report.run_figures import (
    KEY,
    LONGEST_LABEL,
    MATRIX,
    MOST_LABELLED_CLASSES,
    confusion_matrix,
    confusion_matrix_files,
    training_curves,
)
from tests.support.log import own_messages


def drawn(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}


def is_picture(figure: Figure) -> bool:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue().startswith(b"\x89PNG")


def test_curves_show_loss_and_accuracy_of_both_splits() -> None:
    measures = {
        "loss": {"train": [2.0, 1.0, 0.5], "validation": [2.1, 1.2, 0.7]},
        "accuracy": {"train": [0.3, 0.6, 0.8], "validation": [0.2, 0.5, 0.7]},
    }
    figure = training_curves([1, 2, 3], measures)
    for axes, (name, splits) in zip(figure.axes, measures.items(), strict=True):
        assert drawn(axes) == {split: ([1, 2, 3], values) for split, values in splits.items()}
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", name)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "validation"]
    assert figure.axes[0].get_ylim()[0] == 0
    assert is_picture(figure)


def test_a_split_without_values_is_left_out() -> None:
    none: list[float | None] = [None]
    measures = {
        "loss": {"train": [2.0], "validation": none},
        "accuracy": {"train": [0.3], "validation": none},
    }
    figure = training_curves([1], measures)
    assert [set(drawn(axes)) for axes in figure.axes] == [{"train"}, {"train"}]
    assert is_picture(figure)


def test_a_measure_that_the_run_is_about_has_a_picture_of_its_own() -> None:
    both = {"train": [0.3, 0.6], "validation": [0.2, 0.5]}
    figure = training_curves([1, 2], {"loss": both, "accuracy": both, "macro F1": {"validation": [0.1, 0.4]}})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy", "macro F1"]
    assert drawn(figure.axes[2]) == {"validation": ([1, 2], [0.1, 0.4])}
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


LABELS = np.array([0, 0, 1])


@pytest.mark.parametrize(
    "classes",
    [("$1_$5", "$5_$10"), ("a^b$x^", "c$y_$z"), ("x" * 255, "y" * 255), ("a\tb\nc", "\udcff"), ("", "  ")],
)
def test_any_names_of_classes_are_drawn_without_a_word(
    classes: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = confusion_matrix_files(LABELS, LABELS, classes)
    assert [*files] == [MATRIX]
    assert files[MATRIX].startswith(b"\x89PNG")
    assert not caplog.records


def test_names_are_shortened_and_what_cannot_be_seen_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_names: list[str] = []

    def look(_draw: object, _labels: object, _predicted: object, names: list[str], _families: object) -> bytes:
        drawn_names.extend(names)
        return b""

    monkeypatch.setattr(run_figures, "png", look)
    confusion_matrix_files(LABELS, LABELS, ("a" * 100, "a\tb"))
    assert drawn_names == ["a" * (LONGEST_LABEL - 1) + "…", r"a\tb"]


def test_classes_that_no_font_can_name_are_numbered_with_a_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_figures, "families_for", lambda _: None)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        files = confusion_matrix_files(LABELS, LABELS, ("犬", "猫"))
    assert files[KEY].decode() == "0  犬\n1  猫\n"
    assert files[MATRIX] == png(confusion_matrix, LABELS, LABELS, ("0", "1"))
    (told,) = own_messages(caplog)
    assert "no font" in told
    assert "犬, 猫" in told
    assert KEY in told
