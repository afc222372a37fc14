"""A made-up world is what it says: its trials err as often as they should, and differ as much."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.simulated.drawn_study import DrawnStudy
from benchmarks.simulated.world_table import better_worlds, equal_worlds, margin_worlds, odd_worlds
from benchmarks.simulated.worlds import SPREADS, Spread, World, apart
from study.plan import PlannedTrial


@pytest.mark.parametrize("spread", SPREADS)
def test_what_a_seed_does_has_mean_0_and_deviation_1(spread: Spread) -> None:
    drawn = SPREADS[spread](np.random.default_rng(0), (200_000,))
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    # The fourth moment of Student's t with 3 degrees is infinite, so that its deviation settles slowly.
    assert drawn.std() == pytest.approx(1, abs=0.1 if spread == "heavy-tailed" else 0.01)


def test_seeds_differ_as_much_as_the_world_says() -> None:
    world = World("a test", images=4_000, validation=400, rates=1, error=0.05, better_by=0.01)
    studies = [DrawnStudy(world, number) for number in range(400)]
    accuracies = np.array([study.confirm_accuracies for study in studies])  # study, contender, seed
    assert accuracies.mean(axis=(0, 2)) == pytest.approx(1 - world.errors, abs=0.001)
    # A seed of each study: seeds of one study have its images in common, and differ less.
    differences = accuracies[:, 0, 0] - accuracies[:, 1, 0]
    assert differences.std() == pytest.approx(world.paired_deviation(), rel=0.1)


def test_apart_by_so_many_deviations() -> None:
    world = apart(World("a test"), 2)
    assert world.better_by == pytest.approx(2 * world.paired_deviation())
    assert world.name == "a test, apart by 2 deviations"
    assert apart(World("a test"), 1).name == "a test, apart by 1 deviation"


def test_nested_contenders_err_together_and_one_a_few_times_more() -> None:
    world = World("a test", rates=1, error=0.02, better_by=0.005, nested=True, seed_deviation=0.0)
    study = DrawnStudy(world, 0)
    trials = [[study.trial(confirmed) for confirmed in _confirm(world, contender)] for contender in (0, 1)]
    for first, second in zip(*trials, strict=True):
        assert first.validated is not None
        assert second.validated is not None
        assert (first.validated.credit >= second.validated.credit).all()
    assert (study.confirm_accuracies[0] > study.confirm_accuracies[1]).any()


def test_a_study_draws_the_same_every_time_and_another_one_something_else() -> None:
    world = World("a test", rates=2, common=True)
    drawn = [DrawnStudy(world, number).confirm_accuracies for number in (0, 0, 1)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


def test_seeds_have_noise_in_common_where_the_world_says_so() -> None:
    def correlation(world: World) -> float:
        first, second = np.concatenate([DrawnStudy(world, n).confirm_accuracies for n in range(20)], axis=1)
        return float(np.corrcoef(first, second)[0, 1])

    many = {"images": 20_000, "validation": 2_000, "rates": 1, "seed_deviation": 0.01}
    assert correlation(World("a test", **many, common=True)) > 0.3 > abs(correlation(World("a test", **many)))


def test_the_table_has_every_level_of_every_factor_and_no_name_twice() -> None:
    equal = equal_worlds()
    assert len(equal) == 18
    factors = ("contenders", "rates", "validation", "spread", "common")
    levels = {factor: {getattr(one, factor) for one in equal} for factor in factors}
    assert levels == dict(
        zip(factors, ({2, 4, 8}, {3, 9}, {143, 1_000, 6_000}, set(SPREADS), {False, True}), strict=True)
    )
    for one, other in itertools.combinations(factors, 2):
        met = {(getattr(world, one), getattr(world, other)) for world in equal}
        assert met == set(itertools.product(levels[one], levels[other]))
    assert {one.better_by for one in (*equal, *odd_worlds())} == {0.0}
    every = [*equal, *odd_worlds(), *better_worlds(), *margin_worlds()]
    assert len({one.name for one in every}) == len(every)
    assert all((one.errors >= 0).all() for one in every)


def _confirm(world: World, contender: int) -> list[PlannedTrial]:
    plan = world.plan.contenders[contender]
    named = plan.model_dump(include={"optimizer", "loss", "batch_size"})
    rate = plan.learning_rates[0]
    return [PlannedTrial(round="confirm", **named, learning_rate=rate, seed=1000 + number) for number in range(20)]
