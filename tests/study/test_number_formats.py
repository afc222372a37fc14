"""Numbers are written as a reader would write them."""

from __future__ import annotations

import pytest

from study.verdict import verdict
from tests.support.contenders import contender


@pytest.mark.parametrize(
    ("target", "percent"),
    [(0.98, "98 %"), (0.985, "98.5 %"), (0.29, "29 %"), (0.9, "90 %"), (0.9999999, "99.99999 %")],
)
def test_the_target_has_no_needless_digits(target: float, percent: str) -> None:
    assert verdict([contender()], [], target)[1] == f"adam reaches {percent} in a median of 4 epochs [3, 5.5]."
