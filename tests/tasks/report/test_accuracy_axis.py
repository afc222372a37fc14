"""Accuracies are drawn where their labels say."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from tasks.report.accuracy_axis import AccuracyAxis


def labelled(scale: AccuracyAxis) -> dict[str, float]:
    """Where each label stands."""
    axes = Figure().subplots()
    scale.apply(axes)
    places = axes.yaxis.get_majorticklocs()
    return dict(zip(axes.yaxis.get_major_formatter().format_ticks(list(places)), places, strict=True))


def test_an_accuracy_lies_at_its_error() -> None:
    scale = AccuracyAxis([0.5, 0.95], 0.9)
    assert scale.errors([0.5, 0.95]) == pytest.approx([0.5, 0.05])
    assert labelled(scale) == pytest.approx({"50 %": 0.5, "80 %": 0.2, "90 %": 0.1, "95 %": 0.05})


@pytest.mark.parametrize("least", [0.0004, 0.002, 0.007, 0.01, 0.02, 0.3])
def test_an_accuracy_of_one_is_labelled_so_where_it_is_drawn(least: float) -> None:
    scale = AccuracyAxis([0.2, 1 - least, 1.0], 0.1)
    (perfect,) = scale.errors([1.0])
    labels = labelled(scale)
    assert labels["100 %"] == perfect < least
    others = [place for label, place in labels.items() if label != "100 %"]
    assert min(others) >= 1.5 * perfect  # no label runs into it, and none lies beyond it
    axes = Figure().subplots()
    scale.apply(axes)
    assert axes.get_ylim()[1] < perfect  # within the picture


def test_where_nothing_is_perfect_no_label_says_so() -> None:
    assert "100 %" not in labelled(AccuracyAxis([0.5, 0.99], 0.98))


def test_a_perfect_target_alone_has_its_place() -> None:
    scale = AccuracyAxis([], 1.0)
    assert labelled(scale)["100 %"] == scale.errors([1.0])[0]
