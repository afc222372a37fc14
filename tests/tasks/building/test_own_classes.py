"""Optimizers and losses that are made of a person's own classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.building.own_classes import make_own_loss, make_own_optimizer
from tasks.building.own_code import own_sources, write_copy
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import with_digest
from tests.support.own_code import write_own


def copied(path: Path, name: str) -> str:
    """Copy a file's code below its folder, as a run does, and return the name of what is defined there."""
    own = with_digest(f"{path}:{name}")
    write_copy(own_sources([own]), path.parent)
    return own


def made(path: Path, name: str = "Signum", **arguments: Any) -> Any:
    given = {"learning_rate": 0.01, "weight_decay": 0.0} | {
        key: arguments.pop(key) for key in ("learning_rate", "weight_decay") if key in arguments
    }
    return make_own_optimizer(copied(path, name), path.parent, **given, arguments=arguments)


def test_an_optimizer_is_made_with_its_arguments(tmp_path: Path) -> None:
    optimizer = made(write_own(tmp_path / "mine.py"), beta=0.5, weight_decay=0.01)
    config = optimizer.get_config()
    assert (config["beta"], config["weight_decay"], config["name"]) == (0.5, 0.01, "signum")
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    assert made(tmp_path / "mine.py").get_config()["weight_decay"] is None


def test_a_class_that_decays_of_its_own_accord_is_told_not_to(tmp_path: Path) -> None:
    changes = (
        ("beta=0.9, **base", "beta=0.9, weight_decay=0.1, **base"),
        ("=learning_rate, **", "=learning_rate, weight_decay=weight_decay, **"),
    )
    assert made(write_own(tmp_path / "mine.py", *changes)).get_config()["weight_decay"] == 0.0


def test_an_argument_that_the_constructor_does_not_take_is_told_with_those_that_it_takes(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py")
    with pytest.raises(InputError) as told:
        made(path, betta=0.5)
    assert "optimizer_args: received 'betta' (did you mean 'beta'?), but the constructor of" in str(told.value)
    assert "takes: beta, " in str(told.value)
    assert "in a comparison all classes of your own are given the same" in str(told.value)
    assert "clipnorm" in str(told.value)  # of the class above, to which the rest goes
    with pytest.raises(InputError, match="optimizer_args: received 'name', which is a parameter of the run"):
        make_own_optimizer(
            copied(path, "Signum"), tmp_path, learning_rate=0.1, weight_decay=0.0, arguments={"name": "x"}
        )


def test_what_is_asked_of_updates_is_no_argument(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py")
    with pytest.raises(
        InputError, match="received 'global_clipnorm', which is a parameter of the run, clip_norm; leave"
    ):
        made(path, global_clipnorm=1.0)


def test_weight_decay_is_refused_where_the_class_takes_none(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py", ("beta=0.9, **base", "beta=0.9"), (", **base)", ")"))
    with pytest.raises(InputError, match=r"weight_decay: received 0\.1, but .* takes none"):
        made(path, weight_decay=0.1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("small", "is of the type function; allowed: a subclass of keras.optimizers.Optimizer. One of Keras"),
        ("Focal", "is a class; allowed: a subclass of keras.optimizers.Optimizer"),
        ("Signumm", r"defines no 'Signumm' \(did you mean 'Signum'\?\); it has: Signum, Focal, small"),
    ],
)
def test_what_is_no_optimizer_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(write_own(tmp_path / "mine.py"), name)


FUNCTIONS = """

def focal_loss(labels, logits):
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


made = keras.losses.Poisson()
"""


def test_a_function_is_told_how_to_become_a_loss_and_does_so(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py", ("\n\ndef small", f"{FUNCTIONS}\n\ndef small"))
    with pytest.raises(InputError) as told:
        make_own_loss(copied(path, "focal_loss"), tmp_path, arguments={})
    first, second = re.findall("`(.*?)`", str(told.value))
    assert str(told.value).endswith("then name FocalLoss")
    path.write_text(f"{path.read_text()}\n\n{first}\n    {second}\n")
    loss = make_own_loss(copied(path, "FocalLoss"), tmp_path, arguments={})
    assert float(loss(np.array([1]), np.zeros((1, 2), np.float32))) == pytest.approx(np.log(2))
    with pytest.raises(InputError, match="is an object, made of the class Poisson; allowed: a class, from which"):
        make_own_loss(copied(path, "made"), tmp_path, arguments={})


def test_what_a_constructor_raises_is_told(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py", ("        self.beta = beta\n", "        self.beta = beta + 'x'\n"))
    with pytest.raises(
        InputError, match=r"cannot be made with learning_rate=0\.01, .*: TypeError: unsupported operand"
    ):
        made(path)


def test_a_loss_is_made_with_its_arguments(tmp_path: Path) -> None:
    path = write_own(tmp_path / "mine.py")
    own = copied(path, "Focal")
    assert make_own_loss(own, tmp_path, arguments={"gamma": 3.0}).get_config()["gamma"] == 3.0
    with pytest.raises(InputError, match=r"loss_args: received 'gama' \(did you mean 'gamma'\?\)"):
        make_own_loss(own, tmp_path, arguments={"gama": 3.0})
    with pytest.raises(InputError, match="reduces by 'sum'; allowed: 'sum_over_batch_size'"):
        make_own_loss(own, tmp_path, arguments={"reduction": "sum"})
    with pytest.raises(InputError, match=r"is a class; allowed: a subclass of keras\.losses\.Loss"):
        make_own_loss(copied(path, "Signum"), tmp_path, arguments={})
