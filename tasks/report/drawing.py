"""How every picture is drawn: with matplotlib's own settings, with text as it stands, in fonts that have it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import matplotlib as mpl
from markupsafe import Markup
from matplotlib import font_manager
from matplotlib.figure import Figure

from tasks.foundation.log import task_log

P = ParamSpec("P")
FAMILY = "DejaVu Sans"  # comes with matplotlib
PREFERRED = "NotoSans"  # of the further fonts of a machine, those of one design for all scripts


@contextmanager
def plain_text() -> Iterator[None]:
    """Draw and save figures as the block says: no mathematics in text, no settings of this machine or person."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"text.parse_math": False, "font.family": [FAMILY]})
        yield


def png(draw: Callable[P, Figure], *given: P.args, **named: P.kwargs) -> bytes:
    """Return what ``draw`` draws as a PNG file."""
    content = io.BytesIO()
    with plain_text():
        draw(*given, **named).savefig(content, format="png")
    return content.getvalue()


def html_figure(path: Path, draw: Callable[P, Figure], *given: P.args, **named: P.kwargs) -> Markup:
    """Write what ``draw`` draws as a PNG file, and return it as SVG for a page.

    A page does without a picture that cannot be drawn: why is told, and stands in its place.
    """
    return _drawn(path.stem, path, lambda: draw(*given, **named))


def html_svg(name: str, draw: Callable[P, Figure], *given: P.args, **named: P.kwargs) -> Markup:
    """Return what ``draw`` draws as SVG for a page, in which no other figure has this name; otherwise likewise."""
    return _drawn(name, None, lambda: draw(*given, **named))


def _drawn(name: str, path: Path | None, draw: Callable[[], Figure]) -> Markup:
    try:
        with plain_text():
            figure = draw()
            if path:
                figure.savefig(path, dpi=150)
            return _svg(name, figure)
    except Exception as error:  # noqa: BLE001 - a picture ends no comparison, whatever is wrong with it
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        shown = path.name if path else name
        task_log().warning("%s could not be drawn (%s). The page goes without it.", shown, reason)
        if path:
            path.unlink(missing_ok=True)  # of an earlier page
        return Markup("<p>This picture could not be drawn: {}</p>").format(reason)


def _svg(name: str, figure: Figure) -> Markup:
    """Return a figure as SVG for the page, under names that no other figure of the page uses."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # the same picture, the same text
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    return Markup(svg)  # noqa: S704 - matplotlib escapes the text in its own drawing


def families_for(texts: Collection[str]) -> list[str] | None:
    """Return font families that have all characters of ``texts`` between them; none if this machine has no such.

    Only where matplotlib's own font lacks a character are the machine's fonts looked through, which takes seconds
    where there are many.
    """
    families, lacking = [FAMILY], set("".join(texts))
    lacking -= _characters(font_manager.findfont(FAMILY))
    paths = font_manager.findSystemFonts() if lacking else []
    for path in sorted(paths, key=lambda path: (not Path(path).name.startswith(PREFERRED), path)):
        try:
            found = lacking & _characters(path)
            if found:
                if path not in {entry.fname for entry in font_manager.fontManager.ttflist}:
                    font_manager.fontManager.addfont(path)  # installed since matplotlib last looked
                families.append(font_manager.get_font(path).family_name)
        except (OSError, RuntimeError, NotImplementedError):  # damaged, or of bitmaps, which cannot be drawn here
            continue
        lacking -= found
        if not lacking:
            break
    return None if lacking else families


def _characters(path: str) -> set[str]:
    return set(map(chr, font_manager.get_font(path).get_charmap()))
