"""Which worlds are simulated.

Of all 108 combinations of what the equal worlds differ in, 18 are taken: so that every level of each factor meets every
level of every other.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.simulated.worlds import Spread, World, apart

CONTENDERS = (2, 4, 8)
IMAGES = ((1_438, 143), (10_000, 1_000), (60_000, 6_000))  # all, and those that judge
SPREADS: tuple[Spread, ...] = ("normal", "skewed", "heavy-tailed")
COMMON = ", common noise"
ODD_SPREADS: dict[str, Spread] = {"rare bad seeds": "skewed", "a heavy tail": "heavy-tailed"}


def equal_worlds() -> list[World]:
    """Return worlds in which every claim that one contender is better than another is false."""
    return [
        World(
            f"{contenders} contenders, {rates} rates, {validation:,} images, {spread}{COMMON if common else ''}",
            contenders=contenders,
            rates=rates,
            images=images,
            validation=validation,
            spread=spread,
            common=common,
        )
        for first, contenders in enumerate(CONTENDERS)
        for second, (images, validation) in enumerate(IMAGES)
        for common in (False, True)
        for spread in [SPREADS[(first + second) % 3]]
        for rates in [9 if (first + second + common) % 2 else 3]
    ]


def odd_worlds() -> list[World]:
    """Return worlds, equal too, of which something is odd: what a small number of seeds or images makes hard."""
    few, many = World("", contenders=4, images=1_438, validation=143), World("", images=60_000, validation=6_000)
    return [
        replace(few, name="few errors, 0.5 %, 143 images, 4 contenders", error=0.005, seed_deviation=0.001),
        replace(few, name="rates are added, 143 images, 4 contenders", extend=True),
        *(
            replace(
                many,
                name=f"one has {said}, the others do not, {contenders} contenders",
                contenders=contenders,
                error=0.02,
                spread=spread,
                seed_deviation=0.006,
                steady=True,
            )
            for said, spread in ODD_SPREADS.items()
            for contenders in (2, 4)
        ),
    ]


def better_worlds() -> list[World]:
    """Return worlds in which the first contender is better: by 0.5, 1 and 2 deviations of a seed's difference."""
    kinds = [
        World("seeds decide, 2 contenders", images=60_000, validation=6_000, seed_deviation=0.006),
        World("seeds decide, 4 contenders", contenders=4, images=60_000, validation=6_000, seed_deviation=0.006),
        World("143 images decide, 2 contenders", images=1_438, validation=143, error=0.06, seed_deviation=0.002),
        World("1,000 images decide, 4 contenders", contenders=4, error=0.06, seed_deviation=0.002),
    ]
    return [apart(kind, deviations) for kind in kinds for deviations in (0.5, 1.0, 2.0)]


def margin_worlds() -> list[World]:
    """Return worlds with differences inside and outside the margin, which is 0.2 points."""
    many = World("", images=60_000, validation=6_000, seed_deviation=0.0005, error=0.01)
    nested = World("", better_by=0.003, error=0.01, nested=True, seed_deviation=0.0)
    return [
        *(
            replace(many, name=f"{points:g} points, 6,000 images", better_by=points / 100)
            for points in (0.0, 0.1, 0.21, 0.3)
        ),
        replace(many, name="0.21 points, 6,000 images, 4 contenders", contenders=4, better_by=0.0021),
        *(
            replace(
                nested,
                name=f"0.3 points, {validation:,} images, {contenders} contenders that seldom differ",
                contenders=contenders,
                images=images,
                validation=validation,
            )
            for contenders, images, validation in ((2, 1_438, 143), (4, 1_438, 143), (4, 10_000, 1_000))
        ),
    ]
