"""The pictures of a comparison: what is drawn where, read from the figures themselves."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from flows.parameters.hyperparameters import OptimizerName
from study.statistics import compare_trials
from tasks.report.comparison_figures import STYLES, learning_curves, learning_rates, style_of, time_to_target
from tests.tasks.report.test_page import TRIALS, trial

TARGET = 0.9


def line(axes: Axes, label: str) -> np.ndarray:
    (found,) = [drawn for drawn in axes.lines if str(drawn.get_label()).startswith(label)]
    return np.array([found.get_xdata(), found.get_ydata()], dtype=float).T


def test_every_optimizer_has_a_style_of_its_own() -> None:
    assert set(STYLES) == set(get_args(OptimizerName))
    assert len({colour for colour, _ in STYLES.values()}) == len({marker for _, marker in STYLES.values()}) == 8


def test_an_optimizer_looks_the_same_whatever_it_is_compared_with() -> None:
    both = compare_trials(TRIALS, TARGET).contenders
    alone = compare_trials([one for one in TRIALS if one.optimizer == "sgd"], TARGET).contenders
    assert (
        style_of(alone[0], alone)
        == style_of(both[1], both)
        == {
            "color": "#0072B2",
            "marker": "o",
            "linestyle": "-",
        }
    )


def test_variants_of_an_optimizer_differ_by_their_line() -> None:
    contenders = compare_trials([trial("adam", 0.1, 0, 0.5), trial("adam", 0.1, 0, 0.6, loss="l1")], TARGET).contenders
    styles = [style_of(one, contenders) for one in contenders]
    assert {style["color"] for style in styles} == {STYLES["adam"][0]}
    assert len({style["linestyle"] for style in styles}) == 2


def test_the_curves_are_medians_of_the_error_at_the_best_rate() -> None:
    (axes,) = learning_curves(compare_trials(TRIALS, TARGET)).axes
    # The rates of 0.1 and 0.2 end alike, and the smaller one is chosen.
    assert line(axes, "adam") == pytest.approx(np.array([[1, 0.4], [2, 0.08], [3, 0.04]]))
    assert line(axes, "target")[:, 1] == pytest.approx([0.1, 0.1])
    bottom, top = axes.get_ylim()
    assert bottom > top  # less error is higher
    assert len(axes.collections) == 2  # a band each


def test_what_diverged_is_marked_where_it_did() -> None:
    (axes,) = learning_rates(compare_trials(TRIALS, TARGET)).axes
    (cross,) = [drawn for drawn in axes.lines if str(drawn.get_gid()).startswith("diverged")]
    assert (cross.get_gid(), cross.get_marker(), list(cross.get_xdata())) == ("diverged sgd 0.6", "x", [0.6])
    assert [text.get_text() for text in axes.texts] == ["1 of sgd"]
    assert line(axes, "sgd") == pytest.approx(np.array([[0.3, 0.49]]))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "0.2", "0.3", "0.6"]


def test_a_miss_lies_beyond_the_border_and_nowhere_else() -> None:
    figure = time_to_target(compare_trials(TRIALS, TARGET))
    for axes, time in zip(figure.axes, (2.0, 4.0), strict=True):
        points = np.concatenate([np.asarray(drawn.get_offsets()) for drawn in axes.collections])
        colours = {to_hex(drawn.get_edgecolor()[0]) for drawn in axes.collections}
        assert colours == {STYLES["adam"][0].lower(), STYLES["sgd"][0].lower()}
        reached, missed = points[points[:, 1] == 0], points[points[:, 1] == 1]
        assert reached[:, 0] == pytest.approx([time] * 3)
        assert (missed[:, 0] > 1.1 * time).all()
        assert [text.get_text() for text in axes.texts] == ["not reached"]
        assert max(axes.xaxis.get_majorticklocs()) < min(missed[:, 0])


def test_where_all_reach_the_target_there_is_no_border() -> None:
    comparison = compare_trials([one for one in TRIALS if one.optimizer == "adam"], TARGET)
    assert all(not axes.texts for axes in time_to_target(comparison).axes)
