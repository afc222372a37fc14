"""A script for a browser: what of a page lies beyond its edges."""

from __future__ import annotations

CUT_OFF = """
() => [...document.querySelectorAll("body *")].filter(one => {
    const box = one.getBoundingClientRect(), scrolls = one.closest(".wide"), inPicture = one.closest("svg") !== one;
    if (!box.width || (one.closest("svg") && inPicture)) return false;
    const edge = scrolls && scrolls !== one && getComputedStyle(scrolls).overflowX === "auto"
        ? scrolls.scrollWidth + scrolls.getBoundingClientRect().left : document.documentElement.clientWidth;
    return box.right > edge + 1 || box.left < -1;
}).map(one => one.outerHTML.slice(0, 80))
"""
