"""Checkpoints: training goes on from them bit for bit, and what is damaged or foreign is refused in words."""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.losses import make_loss
from models.optimizers import OPTIMIZERS, make_optimizer
from models.schedules import make_schedule
from models.steps import make_train_steps
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError, StorageError
from tasks.training.checkpoint import HEADER, Checkpoints, _digest
from tasks.training.fit_state import EpochRow, EpochSoFar, FitState
from tests.support.log import own_messages
from tests.support.unusual_hyperparameters import unusual

random = np.random.default_rng(11)
IMAGES = random.integers(0, 256, (96, 4), dtype=np.uint8)
LABELS = random.integers(0, 3, 96, dtype=np.int32)
BATCH_SIZE = 8  # 12 steps
ROW = EpochRow(
    epoch=1,
    train_loss=0.1 + 0.2,
    train_accuracy=1 / 3,
    validation_loss=None,
    validation_accuracy=None,
    learning_rate=0.01,
    step_milliseconds=1.5,
    epoch_seconds=2.5,
)
FIRST = FitState(rows=(ROW,))
SECOND = FitState(rows=(ROW, ROW.model_copy(update={"epoch": 2})))
THIRD = SECOND.model_copy(update={"epoch": EpochSoFar(steps=3, examples=24, loss_sum=1.1, right=5, seconds=0.5)})

Log = pytest.LogCaptureFixture


def compiled(name: str = "adam", *, units: int = 5, weight_decay: float = 0.1) -> keras.Model:
    """A small network, the same every time, with a schedule, weight decay, and a layer that draws at random."""
    first, second = keras.initializers.GlorotUniform(1), keras.initializers.GlorotUniform(2)
    layers = [
        keras.Input((4,)),
        keras.layers.Rescaling(1 / 255, name="scaled"),
        keras.layers.Dense(units, activation="tanh", kernel_initializer=first, name="hidden"),
        keras.layers.BatchNormalization(name="normal"),
        keras.layers.Dropout(0.2, seed=3, name="dropout"),
        keras.layers.Dense(3, kernel_initializer=second, name="logits"),
    ]
    model = keras.Sequential(layers, name="network")
    rate = make_schedule("cosine", learning_rate=0.05, steps_per_epoch=4, epochs=3, warmup_epochs=1)
    optimizer = make_optimizer(name, learning_rate=rate, weight_decay=weight_decay, **unusual(name))
    model.compile(optimizer=optimizer, loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def examples(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the steps from ``first`` to the one before ``last``."""
    chosen = slice(first * BATCH_SIZE, last * BATCH_SIZE)
    return IMAGES[chosen], LABELS[chosen]


def train(model: keras.Model, first: int, last: int) -> None:
    """Make these steps."""
    make_train_steps(model, BATCH_SIZE)(*examples(first, last))


def variables(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]


def assert_equal(model: keras.Model, other: keras.Model) -> None:
    for mine, its in zip(variables(model), variables(other), strict=True):
        assert mine.dtype == its.dtype
        np.testing.assert_array_equal(mine, its)


def warnings(caplog: Log) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", "a run", "a digest")


@pytest.fixture
def saved(tmp_path: Path, checkpoints: Checkpoints) -> list[Path]:
    """Two checkpoints of one model, from the first: after none and after 4 steps."""
    model = compiled()
    checkpoints.save(model, FIRST)
    train(model, 0, 4)
    checkpoints.save(model, SECOND)
    return sorted((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_training_goes_on_as_if_it_had_not_been_interrupted(
    name: str, tmp_path: Path, checkpoints: Checkpoints
) -> None:
    model = compiled(name)
    model.save(tmp_path / "compiled.keras")
    whole, after = (keras.models.load_model(tmp_path / "compiled.keras") for _ in range(2))
    go_on = make_train_steps(whole, BATCH_SIZE)
    go_on(*examples(0, 7))  # in mid-epoch, and in the middle of the schedule
    checkpoints.save(whole, THIRD)
    assert checkpoints.restore(after) == THIRD
    assert_equal(after, whole)
    go_on(*examples(7, 12))

    train(after, 7, 12)
    assert_equal(after, whole)
    assert int(after.optimizer.iterations) == 12
    assert any(not np.array_equal(mine, its) for mine, its in zip(variables(whole), variables(model), strict=True))


def test_the_latest_is_used(saved: list[Path], checkpoints: Checkpoints, caplog: Log) -> None:
    assert len(saved) == 2
    model = compiled()
    with caplog.at_level(logging.INFO):
        assert checkpoints.restore(model) == SECOND
    assert own_messages(caplog) == ["Going on after epoch 2."]
    assert int(model.optimizer.iterations) == 4


def test_an_epoch_that_has_begun_is_told_with_its_step(checkpoints: Checkpoints, caplog: Log) -> None:
    checkpoints.save(compiled(), THIRD)
    with caplog.at_level(logging.INFO):
        checkpoints.restore(compiled())
    assert own_messages(caplog) == ["Going on after step 3 of epoch 3."]


def test_without_any_a_fit_starts_at_its_beginning(checkpoints: Checkpoints, caplog: Log) -> None:
    model, untouched = compiled(), compiled()
    with caplog.at_level(logging.INFO):
        assert checkpoints.restore(model) == FitState() == FitState(rows=(), epoch=EpochSoFar(steps=0))
    assert_equal(model, untouched)
    assert own_messages(caplog) == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    """As a checkpoint of another program would be: whole, but no archive of ours."""
    content = path.with_name("other")
    with content.open("wb") as file:
        np.savez(file, something=np.zeros(3))
    replace(path, content.read_bytes())
    content.unlink()


def replace(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of a checkpoint, with the digest in its name that it has."""
    path.unlink()
    path.with_name(f"{path.stem.rpartition('-')[0]}-{_digest(content)}.npz").write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (flip, "it is damaged"),
        (cut, "it is damaged"),
        (empty, "it is damaged"),
        (foreign, "it was not made by this version of the pipeline"),
    ],
)
def test_a_damaged_one_is_refused_in_words_and_the_one_before_is_used(
    saved: list[Path], checkpoints: Checkpoints, caplog: Log, harm: Callable[[Path], None], told: str
) -> None:
    harm(saved[1])
    model = compiled()
    assert checkpoints.restore(model) == FIRST
    assert_equal(model, compiled())
    (message,) = warnings(caplog)
    assert f"{saved[1].stem.rpartition('-')[0]}" in message
    assert f" is not used: {told}" in message


def test_with_none_that_is_good_a_fit_starts_at_its_beginning(
    saved: list[Path], checkpoints: Checkpoints, caplog: Log
) -> None:
    for path in saved:
        flip(path)
    model, untouched = compiled(), compiled()
    assert checkpoints.restore(model) == FitState()
    assert_equal(model, untouched)
    assert [message.count("is not used: it is damaged") for message in warnings(caplog)] == [1, 1]


def test_new_ones_are_kept_where_later_ones_were_refused(saved: list[Path], checkpoints: Checkpoints) -> None:
    for path in saved:
        flip(path)
    assert checkpoints.restore(compiled()) == FitState()
    model = compiled()
    train(model, 0, 3)
    state = FitState(epoch=EpochSoFar(steps=3, examples=24))  # before both that are damaged
    checkpoints.save(model, state)
    after = compiled()
    assert checkpoints.restore(after) == state
    assert_equal(after, model)


@pytest.mark.usefixtures("saved")
def test_that_of_another_run_is_refused(tmp_path: Path, caplog: Log) -> None:
    model, untouched = compiled(), compiled()
    assert Checkpoints(tmp_path / "checkpoints", "other", "a digest").restore(model) == FitState()
    assert_equal(model, untouched)
    assert len(warnings(caplog)) == 2
    assert all("it belongs to run a run" in message for message in warnings(caplog))


def test_that_of_other_data_ends_the_fit_and_is_left_as_it_is(
    tmp_path: Path, saved: list[Path], checkpoints: Checkpoints, caplog: Log
) -> None:
    model, untouched = compiled(), compiled()
    with pytest.raises(InputError) as refused:
        Checkpoints(tmp_path / "checkpoints", "a run", "other data").restore(model)
    assert str(refused.value) == (
        f"dataset: the checkpoint {str(saved[-1])!r} was trained on other data (digest a digest) than are given now "
        "(other data); give the dataset back what it held, or start anew, without resume"
    )
    assert_equal(model, untouched)
    assert sorted((tmp_path / "checkpoints").iterdir()) == saved
    assert warnings(caplog) == []
    assert checkpoints.restore(model) == SECOND  # with its own data it goes on


def test_that_of_another_split_of_the_same_data_ends_the_fit(tmp_path: Path, prepared: PreparedDataset) -> None:
    def of(split_seed: int) -> Checkpoints:
        data = prepared.model_copy(update={"split_seed": split_seed})
        return Checkpoints(tmp_path / "checkpoints", "a run", data.identity)

    of(5).save(compiled(), FIRST)
    assert of(5).restore(compiled()) == FIRST
    known = prepared.digest[:12]
    with pytest.raises(InputError, match=rf"\(digest {known} with split_seed 5\) than are given now \({known}\)"):
        of(0).restore(compiled())
    with pytest.raises(InputError, match=rf"given now \({known} with split_seed 6\)"):
        of(6).restore(compiled())


def test_that_of_an_older_version_is_of_the_split_of_now(tmp_path: Path, prepared: PreparedDataset) -> None:
    assert prepared.identity == prepared.digest
    Checkpoints(tmp_path / "checkpoints", "a run", prepared.digest).save(compiled(), FIRST)
    assert Checkpoints(tmp_path / "checkpoints", "a run", prepared.identity).restore(compiled()) == FIRST


@pytest.mark.parametrize(
    "other",
    [lambda: compiled("momentum"), lambda: compiled("sgd"), lambda: compiled("nadam"), lambda: compiled(units=6)],
)
@pytest.mark.usefixtures("saved")
def test_that_of_another_model_or_optimizer_is_refused(
    checkpoints: Checkpoints, caplog: Log, other: Callable[[], keras.Model]
) -> None:
    model, untouched = other(), other()
    assert checkpoints.restore(model) == FitState()
    assert_equal(model, untouched)
    assert all("it belongs to another model or optimizer" in message for message in warnings(caplog))
    assert len(warnings(caplog)) == 2


def test_two_are_kept(checkpoints: Checkpoints, tmp_path: Path) -> None:
    model, names = compiled(), []
    rows = [ROW.model_copy(update={"epoch": epoch}) for epoch in range(1, 12)]
    states = [
        state
        for done in range(12)
        for state in (FitState(rows=rows[:done]), FitState(rows=rows[:done], epoch=EpochSoFar(steps=10 * done + 9)))
    ]
    for state in states:
        checkpoints.save(model, state)
        (new,) = {path.name for path in (tmp_path / "checkpoints").iterdir()} - set(names)
        names.append(new)
        assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == names[-2:]
        assert checkpoints.restore(model) == state


def test_what_a_killed_process_left_half_written_is_ignored(
    saved: list[Path], checkpoints: Checkpoints, caplog: Log
) -> None:
    saved[1].with_name(f"000009-000000000-{'0' * 16}.npz.unfinished").write_bytes(b"half")
    assert checkpoints.restore(compiled()) == SECOND
    assert warnings(caplog) == []
    checkpoints.save(compiled(), THIRD)
    assert checkpoints.restore(compiled()) == THIRD
    assert {path.suffix for path in saved[1].parent.iterdir()} == {".npz"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_survive(checkpoints: Checkpoints, value: float) -> None:
    state = FitState(rows=(ROW.model_copy(update={"validation_loss": value, "train_accuracy": 1e-300}),))
    checkpoints.save(compiled(), state)
    row = checkpoints.restore(compiled()).rows[0]
    np.testing.assert_equal(row.validation_loss, value)
    assert row.model_dump(exclude={"validation_loss"}) == state.rows[0].model_dump(exclude={"validation_loss"})


class Harmful:
    """Does something when it is unpickled."""

    done: list[str] = []  # noqa: RUF012 - what a test looks at

    def __reduce__(self) -> tuple[Any, ...]:
        return self.done.append, ("harm",)


def test_nothing_is_ever_unpickled(saved: list[Path], checkpoints: Checkpoints, tmp_path: Path) -> None:
    with np.load(saved[1]) as archive:
        arrays = {name: archive[name] for name in archive.files}
    assert HEADER in arrays
    assert all(array.dtype != object for array in arrays.values())
    harmful = np.array([Harmful()], dtype=object)
    with (tmp_path / "harmful").open("wb") as file:
        np.savez(file, **arrays | {HEADER: harmful})
    with (tmp_path / "other").open("wb") as file:
        pickle.dump(harmful, file)
    replace(saved[0], (tmp_path / "other").read_bytes())
    replace(saved[1], (tmp_path / "harmful").read_bytes())
    assert checkpoints.restore(compiled()) == FitState()
    assert Harmful.done == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, checkpoints: Checkpoints) -> None:
    (tmp_path / "checkpoints").write_text("no folder")
    with pytest.raises(StorageError, match=r"cannot write '.*checkpoints"):
        checkpoints.save(compiled(), FIRST)


def test_layers_that_nobody_named_are_the_same_in_another_process(checkpoints: Checkpoints) -> None:
    def unnamed() -> keras.Model:
        dense = [keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(seed)) for seed in (1, 2)]
        model = keras.Sequential([keras.Input((4,)), keras.layers.Rescaling(1 / 255), *dense])
        model.compile(optimizer=make_optimizer("adam", learning_rate=0.01), loss=make_loss("mse"))
        model.optimizer.build(model.trainable_variables)
        return model

    before, after = unnamed(), unnamed()
    assert before.layers[1].name != after.layers[1].name  # dense_2: Keras counts over all that a process has made
    train(before, 0, 4)
    checkpoints.save(before, FIRST)
    assert checkpoints.restore(after) == FIRST
    assert_equal(after, before)
