"""The picture of the time to the target: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from tasks.report.contender_styles import STYLES
from tasks.report.figure_widths import BROAD, NARROW
from tasks.report.target_times import time_to_target
from tests.support.made_up_studies import compared, trial

ADAM = [trial("adam", 0.1, seed, 0.6, 0.92, 0.95 + seed / 100) for seed in (0, 1, 2)]
SGD = [trial("sgd", 0.3, seed, 0.3, 0.4, 0.5 + seed / 100) for seed in (0, 1, 2)]


def points(axes: Axes) -> np.ndarray:
    return np.concatenate([np.asarray(drawn.get_offsets()) for drawn in axes.collections])


@pytest.mark.parametrize("width", [BROAD, NARROW], ids=["broad", "narrow"])
def test_a_miss_lies_beyond_the_border_and_nowhere_else(width: float) -> None:
    figure = time_to_target(compared([*ADAM, *SGD]), width)
    for axes, time in zip(figure.axes, (2.0, 4.0), strict=True):
        colours = {to_hex(drawn.get_edgecolor()[0]) for drawn in axes.collections}
        assert colours == {STYLES["adam"][0].lower(), STYLES["sgd"][0].lower()}
        drawn = points(axes)
        reached, missed = drawn[drawn[:, 1] < 0.5], drawn[drawn[:, 1] > 0.5]
        assert reached[:, 0] == pytest.approx([time] * 3)
        assert len(missed) == 3
        assert (missed[:, 0] > 1.1 * time).all()
        assert [text.get_text() for text in axes.texts] == ["not reached"]
        assert max(axes.xaxis.get_majorticklocs()) < min(missed[:, 0])


def test_seeds_that_take_the_same_can_be_counted() -> None:
    for axes in time_to_target(compared(ADAM)).axes:
        heights = points(axes)[:, 1]
        assert len(set(heights.tolist())) == 3
        assert np.abs(heights).max() < 0.3  # within the row


def test_the_two_lie_side_by_side_or_below_each_other() -> None:
    for width, columns in ((BROAD, 2), (NARROW, 1)):
        figure = time_to_target(compared(ADAM), width)
        assert figure.axes[0].get_gridspec().ncols == columns


def test_where_all_reach_the_target_there_is_no_border() -> None:
    assert all(not axes.texts for axes in time_to_target(compared(ADAM)).axes)
