"""What is said of the sizes that images had."""

from __future__ import annotations

from tasks.inspection.sizes import sizes_in_words


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert sizes_in_words(()) == ""


def test_one_size() -> None:
    assert sizes_in_words([(640, 480)] * 3) == "All images were 640x480 pixels."


def test_several_sizes() -> None:
    sizes = [(10, 10), *[(640, 480)] * 5, (480, 640), (4000, 3000), (20, 20), (30, 30)]
    assert sizes_in_words(sizes) == (
        "Images were of 6 sizes, from 10x10 by way of 640x480 in the middle to 4000x3000 pixels; most often 640x480 "
        "(50%), 10x10 (10%), 480x640 (10%). 70% were not square."
    )
