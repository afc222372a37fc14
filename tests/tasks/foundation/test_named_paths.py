"""Paths as people name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.foundation.named_paths import named_path


def test_a_home_is_put_in_its_place_and_one_that_nobody_has_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert named_path("~/scans") == Path("/home/somebody/scans")
    assert named_path("~nobody-has-this-name/scans") == Path("~nobody-has-this-name/scans")
    assert named_path("scans") == Path("scans")
