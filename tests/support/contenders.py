"""Contenders, rivals and answers with nothing to be cautious about, but for what a test changes."""

from __future__ import annotations

from typing import Any

from study.answer import Answer, Doubt, Rival
from study.cautions import cautions
from study.comparison import Contender, Setting
from study.plan import Plan
from tests.support.trials import contender_plan, plan_of

RATES = (0.0001, 0.001, 0.01)


def contender(label: str = "adam", **changes: Any) -> Contender:
    """A contender of five confirm seeds, without anything to be cautious about."""
    made = {
        "label": label,
        "optimizer": label,
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.001,
        "learning_rates": RATES,
        "at_edge": False,
        "confirmed": True,
        "seeds": 5,
        "scores": (0.98, 0.985, 0.9861, 0.987, 0.988),
        "median": 0.9861,
        "interquartile_mean": 0.98603,
        "interval": (0.9833, 0.98767),
        "best_score": 0.99,
        "reached": 5,
        "epochs_to_target": 4.0,
        "epochs_interval": (3.0, 5.5),
        "steps_to_target": 40.0,
        "seconds_to_target": 8.0,
        "diverged": 0,
        "failed": 0,
    }
    return Contender(**{**made, **changes})


def doubt(**changes: Any) -> Doubt:
    """A doubt that 40 seeds would settle."""
    made = {
        "half_width": 0.009,
        "with_more_seeds": 0.0035,
        "with_any_seeds": 0.001,
        "seeds_to_decide": 40,
        "images_to_decide": 3.0,
        "images_known": True,
    }
    return Doubt(**{**made, **changes})


def rival(label: str = "sgd", judgement: str = "worse", **changes: Any) -> Rival:
    """A rival of five seeds, with an interval that fits what it is judged to be."""
    difference, interval = {
        "worse": (-0.03, (-0.04, -0.02)),
        "better": (0.03, (0.02, 0.04)),
        "as good": (0.0005, (-0.001, 0.002)),
        "undecided": (-0.001, (-0.01, 0.008)),
    }[judgement]
    made = {
        "label": label,
        "judgement": judgement,
        "difference": difference,
        "interval": interval,
        "deviation": 0.01,
        "seeds": 5,
        "diverged": 0,
        "leader_diverged": 0,
        "doubt": doubt(),
    }
    return Rival(**{**made, **changes})


def answer(*rivals: Rival, **changes: Any) -> Answer:
    """An answer that takes adam, which tuning had put first too."""
    made = {
        "confirmed": True,
        "level": 0.05 / 3,
        "margin": 0.002,
        "leader": "adam",
        "rivals": rivals,
        "take": "adam",
        "cheaper_than": None,
        "costs_at_most": None,
    }
    return Answer(**{**made, **changes})


def plan_with(*labels: str, **changes: Any) -> Plan:
    """The plan of which such contenders are the result."""
    return plan_of(*(contender_plan(label, *RATES) for label in labels), **{"target": 0.98, **changes})


def setting(one: Contender, **changes: Any) -> Setting:
    made = {
        "optimizer": one.optimizer,
        "loss": one.loss,
        "batch_size": one.batch_size,
        "learning_rate": one.learning_rate,
        "added": False,
        "scores": (0.98, 0.99),
        "median": 0.985,
        "confirm_scores": one.scores,
        "diverged": one.diverged,
        "failed": one.failed,
    }
    return Setting(**{**made, **changes})


def warned(*contenders: Contender, left_out: tuple[str, ...] = (), said: Answer | None = None) -> tuple[str, ...]:
    """The cautions about these contenders, the first of which leads."""
    said = said or answer(*(rival(one.label) for one in contenders[1:]))
    plan = plan_with(*(one.label for one in contenders))
    return cautions(plan, contenders, [setting(one) for one in contenders], said, left_out)
