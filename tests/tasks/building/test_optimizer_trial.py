"""A person's own optimizer is held to what the training asks of updates; each fault is one that people make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.building.own_checks import require_own_code
from tasks.building.own_code import own_sources
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import with_digest
from tests.support.own_code import write_own

UPDATE_STEP = "    def update_step(self, gradient, variable, learning_rate):\n"
STEPS_ITSELF = (  # past all that Keras does with gradients before it calls `update_step`
    "    def apply(self, grads, trainable_variables=None):\n"
    "        for gradient, variable in zip(grads, trainable_variables):\n"
    "            self.update_step(gradient, variable, self.learning_rate)\n"
)
COUNTS = "        self._iterations.assign_add(1)\n"
OVERRIDES, COUNTING = (UPDATE_STEP, STEPS_ITSELF + UPDATE_STEP), (UPDATE_STEP, STEPS_ITSELF + COUNTS + UPDATE_STEP)
# Without `**base`, and with a configuration of its own, as a class of a few lines is written.
BARE = (
    (", beta=0.9, **base)", ", beta=0.9)"),
    ("learning_rate=learning_rate, **base)", 'learning_rate=learning_rate, name="signum")'),
    ("{**super().get_config(), ", '{"learning_rate": super().get_config()["learning_rate"], '),
)
AVERAGE = {"average": "ema", "ema_momentum": 0.99}
COSINE = {"schedule": "cosine"}
FIXED_RATE = (
    ("        self.beta = beta\n", "        self.beta, self.rate = beta, learning_rate\n"),
    ("ops.cast(learning_rate, ", "ops.cast(self.rate, "),
)


def check(path: Path, **asked: Any) -> None:
    named = {"model": "lenet", "loss": "mse", "optimizer": with_digest(f"{path}:Signum")}
    given = {"learning_rate": 0.01, "weight_decay": 0.0, "hyperparameters": {}, "loss_args": {}, **named, **asked}
    require_own_code(own_sources(named.values()), **given)


def test_all_that_can_be_asked_of_updates_is_fine_with_what_leaves_them_to_keras(tmp_path: Path) -> None:
    of_all = (
        UPDATE_STEP,
        "    def apply_gradients(self, pairs):\n        super().apply_gradients(pairs)\n" + UPDATE_STEP,
    )
    updates = {"clip_norm": 0.5, "accumulate": 64, **AVERAGE}
    rate = {"schedule": "step", "warmup_epochs": 0.5, "fine_tuning": (3, 0.1)}
    check(write_own(tmp_path / "mine.py", of_all), weight_decay=1e-6, updates=updates, **rate)


@pytest.mark.parametrize("changes", [(OVERRIDES,), (COUNTING,), BARE], ids=["overrides", "counting", "bare"])
def test_what_nobody_asks_for_may_be_lacking(tmp_path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    check(write_own(tmp_path / "mine.py", *changes), updates={"clip_norm": None, "accumulate": 1, "average": "none"})


@pytest.mark.parametrize(
    ("changes", "asked", "words"),
    [
        ((COUNTING,), {"updates": {"clip_norm": 0.5}}, "clip_norm: .*Signum@.* takes no notice of it. Keras does that"),
        ((COUNTING,), {"updates": {"accumulate": 2}}, "accumulate: .*Signum@.* takes no notice of it"),
        ((COUNTING,), {"updates": AVERAGE}, "average: .*Signum@.* takes no notice of it"),
        ((COUNTING,), {"weight_decay": 1e-6}, "weight_decay: received 1e-06, but .* makes the same steps with it as"),
        ((OVERRIDES,), COSINE, "does not count its steps, by which schedules, warm-up, averages"),
        ((OVERRIDES,), {"updates": AVERAGE}, "does not count its steps"),
        (BARE, {"updates": {"clip_norm": 0.5}}, "forgets global_clipnorm once it is stored; `get_config` has to"),
        (BARE, {"updates": {"accumulate": 2}}, "forgets gradient_accumulation_steps once it is stored"),
        (BARE, {"updates": AVERAGE}, "forgets use_ema once it is stored"),
        (FIXED_RATE, COSINE, r"fails in a tiny training: TypeError: .*CosineDecay.* \(mine.py, line 20\)"),
        (FIXED_RATE, {"warmup_epochs": 0.1}, "fails in a tiny training: TypeError: .*WarmUp"),
        (FIXED_RATE, {"fine_tuning": (1, 0.1)}, "fails in a tiny training: TypeError: .*FineTuning"),
        (
            [("self.beta * momentum", "self.beta * self.iterations.value * momentum"), ("value", "read_value()")],
            {"updates": {"accumulate": 2}},
            "fails in a tiny training with accumulate: AttributeError",
        ),
        (
            [
                (
                    UPDATE_STEP,
                    "    def apply_gradients(self, pairs):\n"
                    "        super().apply_gradients([(0.0 * gradient, each) for gradient, each in pairs])\n"
                    + UPDATE_STEP,
                )
            ],
            {},
            "leaves the weights as they are",
        ),
        (
            [("* ops.sign(momentum)", "* keras.random.normal(momentum.shape)")],
            {},
            "makes other steps once it was stored and loaded; what it draws at random has to come from a seed",
        ),
    ],
)
def test_what_would_be_passed_over_is_told(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], asked: dict[str, Any], words: str
) -> None:
    path = write_own(tmp_path / "mine.py", *changes)
    with pytest.raises(InputError, match=words):
        check(path, **asked)


def test_an_optimizer_that_clips_by_itself_does_so_and_is_not_told_to_clip_otherwise(tmp_path: Path) -> None:
    path = write_own(
        tmp_path / "mine.py",
        ("learning_rate=learning_rate, **", "learning_rate=learning_rate, clipnorm=1.0, **"),
        (
            "{**super().get_config(), ",
            "{**{name: value for name, value in super().get_config().items() if name != 'clipnorm'}, ",
        ),
    )
    check(path)
    with pytest.raises(InputError, match=r"clip_norm: received 0\.5, but optimizer 'signum' clips in a way of its own"):
        check(path, updates={"clip_norm": 0.5})
