"""A contender looks the same wherever it is drawn."""

from __future__ import annotations

from typing import get_args

from flows.parameters.hyperparameters import OptimizerName
from tasks.report.contender_styles import OTHERS, STYLES, style_of
from tests.support.made_up_studies import compared, trial


def test_every_optimizer_has_a_style_of_its_own() -> None:
    assert set(STYLES) == set(get_args(OptimizerName))
    assert len({colour for colour, _ in STYLES.values()}) == len(STYLES)
    assert len({marker for _, marker in STYLES.values()}) == len(STYLES)


def test_an_optimizer_looks_the_same_whatever_it_is_compared_with() -> None:
    sgd, adam = trial("sgd", 0.1, 0, 0.5), trial("adam", 0.1, 0, 0.9)
    both, alone = compared([sgd, adam]).contenders, compared([sgd]).contenders
    expected = {"color": "#0072B2", "marker": "o", "linestyle": "-"}
    assert style_of(alone[0], alone) == style_of(both[1], both) == expected


def test_variants_of_an_optimizer_differ_by_their_line() -> None:
    contenders = compared([trial("adam", 0.1, 0, 0.5), trial("adam", 0.1, 0, 0.6, loss="l1")]).contenders
    styles = [style_of(one, contenders) for one in contenders]
    assert {style["color"] for style in styles} == {STYLES["adam"][0]}
    assert len({style["linestyle"] for style in styles}) == 2


def test_optimizers_of_people_have_styles_that_no_other_has() -> None:
    names = [f"/x/mine.py:{letter}@0123456789abcdef" for letter in "AB"]
    contenders = compared([trial(name, 0.1, 0, 0.5) for name in ("adam", *names)]).contenders
    styles = [style_of(one, contenders) for one in contenders]
    assert len({style["color"] for style in styles}) == len({style["marker"] for style in styles}) == 3
    taken = [value for style in STYLES.values() for value in style]
    assert not {value for style in OTHERS for value in style} & set(taken)
    assert [one.label for one in contenders if one.optimizer != "adam"] == ["mine.py:A", "mine.py:B"]
