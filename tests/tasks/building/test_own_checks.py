"""What a person's own optimizer and loss are asked before training begins; each fault is one that people make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.building.own_checks import require_own_code
from tasks.building.own_code import own_sources
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import with_digest
from tests.support.own_code import write_own

SLOTS = '        self.momentums = self.add_optimizer_variables(variables, "momentum")\n'
UNSEEN = "        import tensorflow as tf\n        self.momentums = [tf.Variable(0 * one) for one in variables]\n"
PARTS = {"model": "small", "optimizer": "Signum", "loss": "Focal"}


def check(path: Path, **changes: Any) -> None:
    named = {kind: with_digest(f"{path}:{name}") for kind, name in PARTS.items()}
    given = {"learning_rate": 0.01, "weight_decay": 0.0, "hyperparameters": {}, "loss_args": {}, **named, **changes}
    require_own_code(own_sources(named.values()), **given)


def test_sound_code_passes(tmp_path: Path) -> None:
    check(write_own(tmp_path / "mine.py"), hyperparameters={"beta": 0.5}, loss_args={"gamma": 1.0}, weight_decay=0.1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            [('{**super().get_config(), "beta": self.beta}', "super().get_config()"), ("beta=0.9", "*, beta")],
            "cannot be loaded as it was stored; `get_config` has to return every argument of the constructor",
        ),
        (
            [('{**super().get_config(), "beta": self.beta}', "super().get_config()")],
            "makes other steps once it was stored and loaded; `get_config` has to return every argument",
        ),
        (
            [
                (SLOTS, UNSEEN),
                ("self.assign(momentum, ", "momentum.assign("),
            ],
            "makes other steps after an interruption; what it changes from step to step has to lie in variables",
        ),
        ([("        self.assign_sub(", "        ops.add(1, ")], "fails in a tiny training: TypeError"),
        ([("        self.assign_sub(variable, ", "        ops.cos(")], "leaves the weights as they are"),
        ([("ops.sign(momentum)", "ops.sine(momentum)")], "fails in a tiny training: AttributeError"),
        ([("** self.gamma * cross_entropy", "** self.gamma * ops.mean(cross_entropy)")], ""),
        (
            [("return (1 - ops.exp(-cross_entropy)) ** self.gamma * cross_entropy", "return ops.mean(cross_entropy)")],
            r"`call` returns values of shape \(\) for 4 examples; allowed: one for each",
        ),
        (
            [("** self.gamma * cross_entropy", "** self.gamma * cross_entropy / 0.0")],
            "gives inf with the gradient",
        ),
        ([("** self.gamma * cross_entropy", "** self.gama * cross_entropy")], "AttributeError: 'Focal' object has no"),
        (
            [('{**super().get_config(), "gamma": self.gamma}', "super().get_config()")],
            "made from its own `get_config` gives",
        ),
        ([("def small(", "small = 3\ndef other(")], "cannot be called; allowed: a function that returns a Keras model"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, changes: list[tuple[str, str]], words: str) -> None:
    path = write_own(tmp_path / "mine.py", *changes)
    given = {"hyperparameters": {"beta": 0.5}, "loss_args": {"gamma": 1.0}}
    if not words:
        check(path, **given)
        return
    with pytest.raises(InputError, match=words):
        check(path, **given)
