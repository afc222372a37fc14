"""Schedules against their formulas, step by step."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras.optimizers.schedules import LearningRateSchedule

from models.schedules import SCHEDULES, FineTuning, WarmUp, fine_tuned, make_schedule

RUN = {"learning_rate": 0.2, "steps_per_epoch": 10, "epochs": 4}


def rates(name: str, *, extra: int = 0, **changes: Any) -> np.ndarray:
    """The learning rate of every step of the run, and of `extra` steps after it."""
    arguments = {**RUN, **changes}
    schedule = make_schedule(name, **arguments)
    steps = arguments["steps_per_epoch"] * arguments["epochs"] + extra
    if isinstance(schedule, float):
        return np.full(steps, schedule)
    return np.array([float(schedule(np.int64(step))) for step in range(steps)])


def by_hand(name: str, step: int, steps: int) -> float:
    part = step / steps
    return (
        0.2
        * {
            "constant": 1.0,
            "cosine": (1 + math.cos(math.pi * part)) / 2,
            "exponential": 0.01**part,
            "step": 1.0 if part < 0.5 else 0.1 if part < 0.75 else 0.01,
        }[name]
    )


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_step_of_a_run(name: str) -> None:
    np.testing.assert_allclose(rates(name), [by_hand(name, step, 40) for step in range(40)], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("warmup_epochs", "warmup_steps"), [(1, 10), (0.5, 5), (0.01, 1), (3.9, 39)])
def test_every_step_of_a_run_with_warm_up(name: str, warmup_epochs: float, warmup_steps: int) -> None:
    warming = [0.2 * (step + 1) / warmup_steps for step in range(warmup_steps)]
    rest = 40 - warmup_steps
    expected = warming + [by_hand(name, step, rest) for step in range(rest)]
    np.testing.assert_allclose(rates(name, warmup_epochs=warmup_epochs), expected, rtol=1e-5, atol=1e-7)


def test_a_constant_without_warm_up_is_the_number() -> None:
    assert type(make_schedule("constant", **{**RUN, "learning_rate": 1})) is float
    assert all(isinstance(make_schedule(name, **RUN), LearningRateSchedule) for name in {*SCHEDULES} - {"constant"})
    assert isinstance(make_schedule("constant", **RUN, warmup_epochs=1), WarmUp)


@pytest.mark.parametrize(("name", "end"), [("cosine", 0.0), ("exponential", 0.002), ("step", 0.002)])
def test_the_end(name: str, end: float) -> None:
    assert rates(name, extra=1)[-1] == pytest.approx(end, abs=1e-8)


def test_the_step_schedule_drops_inside_an_epoch_where_half_of_them_is_no_whole_number() -> None:
    assert np.round(rates("step", epochs=1, steps_per_epoch=5), 6).tolist() == [0.2, 0.2, 0.2, 0.02, 0.002]


@given(
    st.sampled_from(sorted(SCHEDULES)),
    st.floats(1e-6, 10),
    st.tuples(st.integers(1, 30), st.integers(1, 5)),
    st.floats(0, 0.99),
    st.floats(0, 1),
)
@settings(deadline=None, max_examples=100)
def test_bounds(name: str, learning_rate: float, size: tuple[int, int], warm: float, where: float) -> None:
    per_epoch, epochs = size
    steps = per_epoch * epochs
    assume(warm == 0 or max(1, round(warm * epochs * per_epoch)) < steps)  # refused, see below
    schedule = make_schedule(
        name,
        learning_rate=learning_rate,
        steps_per_epoch=per_epoch,
        epochs=epochs,
        warmup_epochs=warm * epochs,
    )
    if isinstance(schedule, float):
        assert schedule == learning_rate
        return
    step = round(where * (steps - 1))
    now, later = float(schedule(step)), float(schedule(step + 1))
    assert 0 < now <= learning_rate * 1.00001
    assert 0 <= later <= learning_rate * 1.00001
    if isinstance(schedule, WarmUp) and step + 1 < schedule.warmup_steps:
        assert later > now
    else:
        assert later <= now * 1.00001


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup_epochs", [0, 1.5])
def test_a_schedule_comes_back_from_its_config(name: str, warmup_epochs: float) -> None:
    schedule = make_schedule(name, **RUN, warmup_epochs=warmup_epochs)
    if isinstance(schedule, float):
        return
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert [float(again(step)) for step in range(40)] == [float(schedule(step)) for step in range(40)]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("cosin", {}, "unknown schedule 'cosin'; choose one of: constant, cosine, .*did you mean 'cosine'"),
        ("cosine", {"learning_rate": 0}, "learning_rate must be positive and finite; received 0"),
        (
            "constant",
            {"learning_rate": float("nan")},
            "learning_rate must be positive and finite; received nan",
        ),
        ("cosine", {"epochs": 0}, "must be at least 1; received steps_per_epoch=10, epochs=0"),
        ("cosine", {"steps_per_epoch": 0}, "must be at least 1; received steps_per_epoch=0, epochs=4"),
        ("cosine", {"warmup_epochs": -1}, "at least 0 and less than epochs=4; received -1"),
        ("constant", {"warmup_epochs": 4}, "at least 0 and less than epochs=4; received 4"),
        ("cosine", {"warmup_epochs": float("nan")}, "less than epochs=4; received nan"),
        ("cosine", {"warmup_epochs": 3.99}, "a warm-up of 3.99 epochs leaves none of the 40 steps"),
    ],
)
def test_what_makes_no_schedule_is_refused_with_the_reason(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_schedule(name, **{**RUN, **changes})


@pytest.mark.parametrize("name", SCHEDULES)
def test_fine_tuning_multiplies_the_rate_from_an_epoch_on(name: str) -> None:
    rate = make_schedule(name, learning_rate=0.2, steps_per_epoch=5, epochs=4, warmup_epochs=0)
    tuned = fine_tuned(rate, 5, (2, 0.25))
    loaded = FineTuning.from_config(tuned.get_config())
    for step in range(20):
        expected = (rate(step) if callable(rate) else rate) * (0.25 if step >= 10 else 1)
        assert float(tuned(step)) == pytest.approx(float(expected), rel=1e-6)
        assert float(loaded(step)) == float(tuned(step))


def test_a_rate_that_is_not_fine_tuned_is_itself() -> None:
    assert fine_tuned(0.3, 5, None) == 0.3
