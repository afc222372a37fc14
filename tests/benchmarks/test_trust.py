"""A small version of `trust`: the rules hold their level, and what they are made of is needed for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import study.confirmation
import study.paired_difference
from benchmarks import trust as benchmark
from benchmarks.plan import Plan
from benchmarks.rate import Rate
from benchmarks.simulated.counts import count_worlds
from benchmarks.simulated.worlds import World
from benchmarks.trust import rates_of, trust

MANY_RIVALS = World("equal, with five rivals", contenders=6, rates=1, images=1_438, validation=143)
SAME_IMAGES = World(
    "equal, half of all images judge", rates=1, images=1_000, validation=500, error=0.06, seed_deviation=0
)
SELDOM = World(
    "0.3 points, seldom differ", rates=1, images=1_438, validation=143, error=0.01, better_by=0.003, nested=True,
    seed_deviation=0,
)  # fmt: skip
STUDIES = 60


def false_claims(world: World) -> Rate:
    (counts,) = count_worlds([world], STUDIES, 1)
    return next(rate for rate in rates_of("", world, counts, benchmark._margin(world)) if rate.what == "false claims")


def no_correction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.confirmation, "ALPHA", 0.05 * 3 * (MANY_RIVALS.contenders - 1))


def no_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.paired_difference, "covariance_on_an_image", lambda _: 0.0)


def images_without_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what a single image makes of the mean."""
    made = study.paired_difference.PairedDifference
    monkeypatch.setattr(
        study.paired_difference,
        "PairedDifference",
        lambda **values: made(**{**values, "validation_images": 10**9}),
    )


@pytest.mark.parametrize(
    ("world", "without"),
    [(MANY_RIVALS, no_correction), (SAME_IMAGES, no_covariance), (SELDOM, images_without_number)],
    ids=lambda one: one.name if isinstance(one, World) else one.__name__,
)
def test_false_claims_are_rare_and_would_not_be_without(
    monkeypatch: pytest.MonkeyPatch, world: World, without: Callable[[pytest.MonkeyPatch], None]
) -> None:
    assert false_claims(world).share <= 0.05
    without(monkeypatch)
    missed = false_claims(world)
    assert missed.interval[0] > 0.05
    assert not missed.met()


def test_every_world_is_reported_with_its_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    better = World("apart", rates=1, images=6_000, validation=600, seed_deviation=0.01, error=0.04, better_by=0.03)
    small = World("equal", rates=1, images=300, validation=30)
    monkeypatch.setattr(
        benchmark, "GROUPS", (("a", lambda: [small], benchmark._equal), ("b", lambda: [better], benchmark._better))
    )
    monkeypatch.setattr(benchmark, "PROCESSES", 1)
    monkeypatch.setattr(benchmark, "SMALL", 2)
    said: list[str] = []
    result = trust(Plan(1, said.append, small=True))
    assert [line.split(": false")[0] for line in said] == ["a: equal", "b: apart"]
    by_name = {(rate.group, rate.what): rate for rate in result.rates}
    assert {rate.of for rate in result.rates} == {2}
    assert (by_name["a", "false claims"].at_most, by_name["a", "false claims"].upper_below) == (0.05, 0.06)
    assert by_name["a", "all intervals hold"].at_least == 0.95
    assert by_name["a", "false, old rule"].at_most is None
    assert by_name["b", "found"].at_least == 0.85
    assert [figure.name for figure in result.figures] == ["all worlds", "apart"]


def test_what_is_out_of_reach_has_no_target() -> None:
    (false, covered, *_) = benchmark._equal(World("rare bad seeds", spread="skewed", steady=True))
    assert (false.at_most, false.upper_below, covered.at_least) == (None, None, None)
