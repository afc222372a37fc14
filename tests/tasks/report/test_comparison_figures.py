"""The pictures of what trials came to: what is drawn where, read from the figures themselves."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tasks.report.comparison_figures import MOST_BANDS, learning_curves, learning_rates
from tasks.report.drawing import plain_text
from tasks.report.figure_widths import BROAD, NARROW
from tests.support.made_up_studies import ALL, compared, eight, study, trial

TUNED = [
    *(trial("adam", rate, seed, 0.5 + rate, 0.92, 0.95 + seed / 100) for rate in (0.1, 0.2) for seed in (0, 1, 2)),
    *(trial("sgd", 0.3, seed, 0.3, 0.4, 0.5 + seed / 100) for seed in (0, 1, 2)),
    trial("sgd", 0.6, 0, 0.3, outcome="diverged", reason="the loss is nan at step 3 of epoch 2"),
    *(trial("sgd", 0.6, seed, outcome="failed", reason="no memory") for seed in (1, 2)),
]
CONFIRMED = [
    trial(name, rate, seed, 0.2, 0.3, 0.8 + (seed - 1000) / 100)
    for name, rate in (("adam", 0.1), ("sgd", 0.3))
    for seed in (1000, 1001, 1002)
]
LOOKED = compared([*TUNED, *CONFIRMED], looks=(3,))


def line(axes: Axes, label: str) -> np.ndarray:
    (found,) = [drawn for drawn in axes.lines if str(drawn.get_label()).startswith(label)]
    return np.array([found.get_xdata(), found.get_ydata()], dtype=float).T


def marked(axes: Axes, gid: str) -> list[Line2D]:
    return [drawn for drawn in axes.lines if str(drawn.get_gid()).startswith(gid)]


def test_without_confirmation_the_curves_are_those_of_tuning_at_the_best_rate() -> None:
    (axes,) = learning_curves(compared(TUNED)).axes
    # The rates of 0.1 and 0.2 end alike, and the smaller one is chosen.
    assert line(axes, "adam, rate 0.1") == pytest.approx(np.array([[1, 0.4], [2, 0.08], [3, 0.04]]))
    assert line(axes, "target")[:, 1] == pytest.approx([0.1, 0.1])
    bottom, top = axes.get_ylim()
    assert bottom > top  # less error is higher
    assert len(axes.collections) == 2  # a band each


def test_with_confirmation_the_curves_are_its_own() -> None:
    (axes,) = learning_curves(LOOKED).axes
    assert line(axes, "adam") == pytest.approx(np.array([[1, 0.8], [2, 0.7], [3, 0.19]]))


def test_a_curve_of_tuning_among_those_of_confirmation_is_named_so() -> None:
    lacking = [one for one in CONFIRMED if one.optimizer == "adam"]
    failed = [trial("sgd", 0.3, seed, outcome="failed") for seed in (1000, 1001, 1002)]
    (axes,) = learning_curves(compared([*TUNED, *lacking, *failed], looks=(3,))).axes
    labels = [drawn.get_label() for drawn in axes.lines]
    assert labels[:2] == ["adam, rate 0.1", "sgd, rate 0.3 (tuning seeds)"]


def test_many_contenders_have_no_bands_that_hide_each_other() -> None:
    for count in (MOST_BANDS, MOST_BANDS + 1):
        (axes,) = learning_curves(compared([trial(name, 0.1, 0, 0.5, 0.9) for name in ALL[:count]])).axes
        assert len(axes.collections) == (count if count <= MOST_BANDS else 0)


@pytest.mark.parametrize(("keep", "goes_on_with"), [("last", 0.6), ("best", 0.8)])
def test_a_trial_that_ended_early_goes_on_with_its_score(keep: str, goes_on_with: float) -> None:
    early = trial("adam", 0.1, 0, 0.8, 0.6, keep=keep)
    (axes,) = learning_curves(compared([early, trial("adam", 0.1, 1, 0.2, 0.4, 0.6, 0.9, keep=keep)])).axes
    medians = [0.5, 0.5, (0.6 + goes_on_with) / 2, (0.9 + goes_on_with) / 2]
    assert line(axes, "adam")[:, 0] == pytest.approx([1, 2, 3, 4])
    assert line(axes, "adam")[:, 1] == pytest.approx([1 - median for median in medians])


def test_the_axis_of_scores_says_which_epoch_they_are_of() -> None:
    trials = [trial("adam", 0.1, seed, 0.5, 0.8 + seed / 10) for seed in (0, 1)]
    for keep, said in (("last", "final validation accuracy"), ("best", "best-epoch validation accuracy")):
        assert learning_rates(compared(trials, keep=keep)).axes[0].get_ylabel() == said


def test_what_diverged_is_marked_where_it_did() -> None:
    (axes,) = learning_rates(compared(TUNED)).axes
    (cross,) = marked(axes, "diverged")
    assert (cross.get_gid(), cross.get_marker(), list(cross.get_xdata())) == ("diverged sgd 0.6", "x", [0.6])
    assert [text.get_text() for text in axes.texts] == ["1 of sgd"]
    assert line(axes, "sgd") == pytest.approx(np.array([[0.3, 0.49]]))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "0.2", "0.3", "0.6"]


def test_what_diverged_at_the_same_rate_is_named_one_above_the_other() -> None:
    trials = [trial(name, 0.1, seed, 0.3, outcome="diverged") for name in ("adam", "sgd") for seed in (0, 1)]
    (axes,) = learning_rates(compared(trials)).axes
    heights = {text.get_text(): text.xyann[1] for text in axes.texts}
    assert heights["2 of sgd"] - heights["2 of adam"] >= 8


def test_the_medians_are_those_of_tuning_and_every_seed_is_shown_as_what_it_is() -> None:
    (axes,) = learning_rates(LOOKED).axes
    assert line(axes, "adam") == pytest.approx(np.array([[0.1, 0.04], [0.2, 0.04]]))
    tuning = np.concatenate([drawn.get_xydata() for drawn in marked(axes, "tuning seeds")])
    confirm = np.concatenate([drawn.get_xydata() for drawn in marked(axes, "confirm seeds")])
    assert sorted(tuning[:, 1]) == pytest.approx(sorted([*([0.05, 0.04, 0.03] * 2), 0.5, 0.49, 0.48]))
    assert sorted(confirm[:, 1]) == pytest.approx(sorted([0.2, 0.19, 0.18] * 2))
    assert not set(confirm[:, 0]) & set(tuning[:, 0])  # beside them
    assert [drawn.get_marker() for drawn in marked(axes, "confirm seeds")] != [
        drawn.get_marker() for drawn in marked(axes, "tuning seeds")
    ]
    labels = {str(drawn.get_label()) for drawn in axes.lines}
    assert {"a tuning seed", "a confirm seed", "the best rate"} <= labels
    assert "a rate that was added" not in labels
    ((rate, _),) = marked(axes, "best adam")[0].get_xydata()
    assert rate == 0.1


def test_a_rate_that_was_added_is_hollow() -> None:
    comparison = study({"adam": 0.97, "sgd": 0.96}, best={"sgd": 1.0}, slope=0.2)
    (axes,) = learning_rates(comparison).axes
    added = marked(axes, "added")
    assert {(drawn.get_gid(), float(drawn.get_xdata()[0])) for drawn in added} == {
        (f"added {one.optimizer} {one.learning_rate:g}", one.learning_rate) for one in comparison.settings if one.added
    }
    assert added
    assert {drawn.get_markerfacecolor() for drawn in added} == {"white"}
    (curve,) = [drawn for drawn in axes.lines if drawn.get_label() == "sgd"]
    assert [curve.get_xdata()[index] for index in curve.get_markevery()] == [0.01, 0.03, 0.1]
    assert "a rate that was added" in {drawn.get_label() for drawn in axes.lines}


@pytest.mark.parametrize("width", [BROAD, NARROW], ids=["broad", "narrow"])
@pytest.mark.parametrize("draw", [learning_curves, learning_rates])
def test_eight_contenders_have_room(draw: object, width: float) -> None:
    assert callable(draw)
    with plain_text():
        figure = draw(eight(), width)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = figure.legends[0] if figure.legends else axes.get_legend()
    labels = [
        tick.label1.get_window_extent()
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]
    assert len(labels) >= 6
    for index, label in enumerate(labels):
        assert not any(label.overlaps(other) for other in labels[index + 1 :])
    for box in (*labels, legend.get_window_extent()):
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y0 >= -1
    assert not legend.get_window_extent().overlaps(axes.bbox)
    assert axes.bbox.height > 150 * figure.dpi / 100  # of the picture, most is for what it shows
