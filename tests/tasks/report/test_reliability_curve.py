"""The reliability curve as a drawing: points and bars where the numbers say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from study.calibration import reliability
from tasks.report.reliability_curve import HEIGHT, LEFT, SIDE, TOP, reliability_curve


def test_points_lie_at_how_sure_and_how_right_and_bars_are_as_high_as_there_are_answers() -> None:
    found = reliability(np.array([0.25, 0.75, 0.75, 0.75, 0.75]), np.array([False, True, True, True, False]), bins=2)
    drawn = str(reliability_curve(found))
    points = re.findall(r'<circle class="point" cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', drawn)
    places = [((float(x) - LEFT) / SIDE, 1 - (float(y) - TOP) / SIDE) for x, y, _ in points]
    assert places == [pytest.approx((0.25, 0.0), abs=1e-3), pytest.approx((0.75, 0.75), abs=1e-3)]
    assert [float(radius) for _, _, radius in points] == [4.0, 6.0]  # four times the answers, twice what is added
    bars = re.findall(r'<rect class="bar-of-bin" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', drawn)
    assert [float(height) for _, _, height in bars] == [HEIGHT / 4, HEIGHT]
    assert [float(x) for x, _, _ in bars] == [LEFT + 0.5, LEFT + SIDE / 2 + 0.5]
    assert "4 answers: 0.750 sure, 0.750 right" in drawn
    assert f"expected calibration error {found.error:.4f}" in drawn
