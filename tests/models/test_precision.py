"""Layers that compute in 16 bits, around weights and logits in 32; nothing of it stays behind."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.precision import Precision, computing_in, scaling_the_loss, with_float32_logits
from models.steps import make_evaluate_step, make_train_steps, score

BATCH = 8
LABELS = np.random.default_rng(0).integers(0, 3, 2 * BATCH).astype(np.int32)
IMAGES = np.random.default_rng(1).integers(0, 256, (2 * BATCH, 16, 16, 1)).astype(np.uint8)
HALF: tuple[Precision, ...] = ("mixed_bfloat16", "mixed_float16")


def built(precision: Precision) -> keras.Model:
    with computing_in(precision):
        return with_float32_logits(build_lenet((16, 16, 1), 3, pixel_mean=[200.3], pixel_deviation=[60.0], seed=3))


def compiled(precision: Precision) -> keras.Model:
    model = built(precision)
    optimizer = scaling_the_loss(make_optimizer("momentum", learning_rate=0.01), precision)
    model.compile(optimizer=optimizer, loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def train(model: keras.Model) -> list[float]:
    return [float(loss) for loss in make_train_steps(model, BATCH)(IMAGES, LABELS).losses]


@pytest.mark.parametrize("precision", HALF)
def test_layers_compute_in_16_bits_and_all_that_is_kept_has_32(precision: Precision) -> None:
    model = compiled(precision)
    assert model.get_layer("conv1").compute_dtype == precision.removeprefix("mixed_")
    assert model.get_layer("normalization").compute_dtype == "float32"  # pixels around a mean of 200.3
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert model(IMAGES).dtype == "float32"
    assert score(make_evaluate_step(model), [(IMAGES, LABELS)]).loss > 0


@pytest.mark.parametrize("precision", HALF)
def test_steps_are_near_those_of_float32_and_not_the_same(precision: Precision) -> None:
    full, half = compiled("float32"), compiled(precision)
    exact, rounded = train(full), train(half)
    assert exact != rounded
    np.testing.assert_allclose(rounded, exact, rtol=0.02)
    for mine, its in zip(half.get_weights(), full.get_weights(), strict=True):
        assert np.isfinite(mine).all()
        np.testing.assert_allclose(mine, its, atol=0.01)
    assert any(not np.array_equal(mine, its) for mine, its in zip(half.get_weights(), full.get_weights(), strict=True))


@pytest.mark.parametrize("precision", HALF)
def test_what_is_stored_computes_the_same_where_nothing_is_set(precision: Precision, tmp_path: Path) -> None:
    model = compiled(precision)
    train(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    for mine, its in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(mine), np.array(its))
    assert train(loaded) == train(model)


def test_no_policy_is_left_behind_whatever_ends_the_block() -> None:
    before = keras.config.dtype_policy().name

    def breaks() -> None:
        with computing_in("mixed_bfloat16"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    assert keras.config.dtype_policy().name == before == "float32"
    assert keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_plain_stack_of_layers_gives_float32_too(precision: Precision) -> None:
    with computing_in(precision):
        stack = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
        model = with_float32_logits(keras.Sequential(stack))
    assert model(np.ones((2, 4, 4, 1), np.uint8)).dtype == "float32"


def test_a_network_in_float32_is_left_as_it_is() -> None:
    model = build_lenet((16, 16, 1), 3, pixel_mean=[110.0], pixel_deviation=[60.0], seed=3)
    assert with_float32_logits(model) is model
    optimizer = make_optimizer("adam", learning_rate=0.01)
    assert scaling_the_loss(optimizer, "float32") is optimizer
    assert scaling_the_loss(optimizer, "mixed_bfloat16") is optimizer


def test_an_update_that_float16_cannot_hold_is_left_out_and_the_scale_halved() -> None:
    model = compiled("mixed_float16")
    before, scale = model.get_weights(), float(model.optimizer.dynamic_scale)
    model.optimizer.dynamic_scale.assign(1e38)
    train(model)
    assert float(model.optimizer.dynamic_scale) == np.float32(1e38) / 4  # two steps
    assert scale == 2**15
    assert int(model.optimizer.iterations) == 0
    for mine, its in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, its)
