"""The picture of the answer: what is drawn where, and what stands beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from study.answer import Answer, Rival
from study.comparison import Comparison
from tasks.report.drawing import plain_text
from tasks.report.figure_widths import BROAD, NARROW
from tasks.report.forest_plot import differences, has_differences
from tests.support.made_up_studies import compared, eight, one, trial, tuned_only, two

WIDTHS = pytest.mark.parametrize("width", [BROAD, NARROW], ids=["broad", "narrow"])


def rival(label: str, judgement: str, difference: float | None, *interval: float, **changes: Any) -> Rival:
    made = {
        "seeds": 5,
        "deviation": 0.005,
        "diverged": 0,
        "leader_diverged": 0,
        "doubt": None,
        "interval": interval or None,
    }
    return Rival(**{"label": label, "judgement": judgement, "difference": difference, **made, **changes})


def answered(*rivals: Rival, margin: float = 0.002) -> Comparison:
    """A comparison with adam as its leader, and these rivals."""
    contenders = compared([trial(label, 0.1, 0, 0.95) for label in ("adam", *(each.label for each in rivals))])
    base = {"confirmed": True, "level": 0.01, "margin": margin, "leader": "adam", "take": "adam"}
    answer = Answer(**base, rivals=rivals, cheaper_than=None, costs_at_most=None)
    return contenders.model_copy(update={"answer": answer})


FOUR = (
    rival("sgd", "worse", -0.012, -0.02, -0.004),
    rival("nadam", "as good", 0.0005, -0.001, 0.002),
    rival("rmsprop", "better", 0.01, 0.004, 0.016, seeds=10),
    rival("lion", "undecided", -0.001, -0.007, 0.005, seeds=20),
)


def drawn(comparison: Comparison, width: float = BROAD) -> Axes:
    with plain_text():
        figure = differences(comparison, width)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    return axes


def marks(axes: Axes, gid: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_gid() == gid]


def ends(axes: Axes, label: str) -> list[float]:
    (line,) = marks(axes, f"interval {label}")
    return [float(end) for end in np.asarray(line.get_xdata())]


def said(axes: Axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


@WIDTHS
def test_each_difference_lies_in_points_with_its_interval(width: float) -> None:
    axes = drawn(answered(*FOUR), width)
    for row, each in enumerate(FOUR):
        assert each.interval is not None
        (mark,) = marks(axes, f"difference {each.label}")
        assert mark.get_xydata()[0] == pytest.approx([100 * (each.difference or 0), row])
        assert ends(axes, each.label) == pytest.approx([100 * end for end in each.interval])
        low, high = axes.get_xlim()
        assert low < ends(axes, each.label)[0]
        assert ends(axes, each.label)[1] < high
    (band,) = [patch for patch in axes.patches if patch.get_gid() == "margin"]
    assert band.get_extents().transformed(axes.transData.inverted()).intervalx == pytest.approx([-0.2, 0.2])
    assert "points of accuracy above adam" in axes.get_xlabel().replace("\n", " ")
    assert "within 0.2 points" in axes.get_xlabel()


def test_what_it_says_of_each_stands_beside_it() -> None:
    axes = drawn(answered(*FOUR))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sgd", "nadam", "rmsprop", "lion"]
    assert {"worse", "as good", "better", "undecided", "5", "10", "20", "-1.2 [-2, -0.4]", "1 [0.4, 1.6]"} <= said(axes)


def test_what_it_says_of_each_stands_above_it_where_it_is_narrow() -> None:
    axes = drawn(answered(*FOUR), NARROW)
    assert {"sgd", "worse, 5 seeds: -1.2 [-2, -0.4]", "lion", "undecided, 20 seeds: -0.1 [-0.7, 0.5]"} <= said(axes)


def test_what_is_undecided_is_hollow() -> None:
    axes = drawn(answered(*FOUR))
    styles = {each.label: marks(axes, f"difference {each.label}")[0].get_fillstyle() for each in FOUR}
    assert styles == {"sgd": "full", "nadam": "full", "rmsprop": "full", "lion": "none"}


def test_what_is_far_worse_is_an_arrow_and_leaves_the_others_their_room() -> None:
    axes = drawn(answered(*FOUR, rival("adagrad", "worse", -0.6, -0.65, -0.55)))
    (arrow,) = marks(axes, "beyond < adagrad")
    low, _ = axes.get_xlim()
    assert (arrow.get_marker(), arrow.get_xydata()[0].tolist()) == ("<", [low, 4])
    assert low > -3
    assert not marks(axes, "difference adagrad")
    assert "-60 [-65, -55]" in said(axes)


def test_what_is_far_worse_is_drawn_where_there_is_no_other() -> None:
    axes = drawn(answered(rival("sgd", "worse", -0.6, -0.65, -0.55)))
    assert ends(axes, "sgd") == pytest.approx([-65, -55])
    assert not [line for line in axes.lines if str(line.get_gid()).startswith("beyond")]


def test_an_undecided_interval_is_never_cut() -> None:
    axes = drawn(answered(*FOUR[:3], rival("lion", "undecided", -0.1, -0.6, 0.4)))
    assert ends(axes, "lion") == pytest.approx([-60, 40])


def test_without_an_interval_or_a_difference_there_is_none() -> None:
    axes = drawn(answered(rival("sgd", "undecided", -0.01, seeds=1), rival("lion", "undecided", None, seeds=0)))
    assert not marks(axes, "interval sgd")
    assert marks(axes, "difference sgd")
    assert not marks(axes, "difference lion")
    assert {"-1", "none yet"} <= said(axes)


def test_without_a_margin_there_is_still_a_picture() -> None:
    low, high = drawn(answered(rival("sgd", "as good", 0.0, 0.0, 0.0), margin=0.0)).get_xlim()
    assert low < 0 < high


def test_it_is_drawn_where_a_rival_was_judged() -> None:
    assert has_differences(two())
    assert not has_differences(one())
    assert not has_differences(tuned_only())
    assert not has_differences(answered(rival("sgd", "undecided", None, seeds=0)))


@WIDTHS
def test_nothing_runs_into_anything_or_out_of_the_picture(width: float) -> None:
    with plain_text():
        figure = differences(eight(), width)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in [*axes.texts, *axes.get_yticklabels()] if text.get_text()]
    assert len(boxes) >= 14
    for index, box in enumerate(boxes):
        assert box.x0 >= figure.bbox.x0
        assert box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])
