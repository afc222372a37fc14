"""Whatever names, fonts and settings people have, a picture is drawn or done without."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from tasks.report.drawing import FAMILY, families_for, html_figure, html_svg, png

CAT = "猫"


def titled(title: str, families: list[str] | None = None) -> Figure:
    figure = Figure()
    figure.subplots().set_title(title, fontfamily=families)
    return figure


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


@pytest.mark.parametrize("title", ["$1_$5", "a^b$x^", "c$y_$z", "$100", "{x}", "\\frac$_$"])
def test_text_is_no_mathematics(title: str) -> None:
    assert size(png(titled, title)) == size(png(titled, "plain"))


def test_settings_of_a_person_do_not_reach_a_picture() -> None:
    with mpl.rc_context({"text.usetex": True, "savefig.dpi": 10, "font.family": "no such family"}):
        with_settings = png(titled, "plain")
        assert mpl.rcParams["text.usetex"]  # they are as they were
    assert with_settings == png(titled, "plain")


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of fonts, which are all that this machine has beside matplotlib's own."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    paths = folder.glob
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in paths("*.ttf")])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    return folder


def make_font(path: Path, family: str, characters: str) -> None:
    """Write a font in which each of the characters is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 500), (500, 500), (500, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = [f"one{index}" for index in range(len(characters))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap(dict(zip(map(ord, characters), names, strict=True)))
    builder.setupGlyf(dict.fromkeys([".notdef", *names], pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_only_matplotlibs_own_font_is_needed_for_what_it_has(fonts: Path) -> None:
    make_font(fonts / "other.ttf", "Other", "ab")
    assert families_for(["été", "ß", "Ж"]) == [FAMILY]


def test_a_font_of_this_machine_that_has_the_characters_is_used(fonts: Path) -> None:
    (fonts / "NotoSansBroken.ttf").write_bytes(b"no font")
    make_font(fonts / "useless.ttf", "Useless", "ab")
    make_font(fonts / "cats.ttf", "Cats", CAT)
    families = families_for([CAT, "dog"])
    assert families == [FAMILY, "Cats"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as of a character that is missing
        assert png(titled, CAT, families) != png(titled, "", families)


def test_without_a_font_there_is_none(fonts: Path) -> None:
    make_font(fonts / "useless.ttf", "Useless", "ab")
    assert families_for([CAT]) is None


def test_a_page_does_without_a_picture_that_cannot_be_drawn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> Figure:
        raise ValueError("no <b>room</b>")

    path = tmp_path / "curves.png"
    path.write_bytes(b"of an earlier page")
    with caplog.at_level(logging.WARNING):
        assert "no &lt;b&gt;room" in html_figure(path, fails)
    assert "curves.png could not be drawn (ValueError: no <b>room</b>)" in caplog.text
    assert not path.exists()
    assert html_figure(path, titled, "$1_$5").startswith("<svg")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_second_width_of_a_picture_writes_no_file_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> Figure:
        raise ValueError("no room")

    svg = html_svg("curves-narrow", titled, "plain")
    assert svg.startswith("<svg")
    assert 'id="curves-narrow-figure_1"' in svg
    with caplog.at_level(logging.WARNING):
        assert "no room" in html_svg("curves-narrow", fails)
    assert "curves-narrow could not be drawn (ValueError: no room)" in caplog.text
