"""Many steps in one call are the steps of a plain loop: same losses, same learning rates, same weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from models.augmentation import AUGMENTATIONS, Augmentation, Batch
from models.class_weights import weighted
from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.schedules import make_schedule
from models.steps import Evaluated, make_evaluate_step, make_train_steps, score

BATCH = 8
LABELS = np.random.default_rng(0).integers(0, 3, 44).astype(np.int32)
IMAGES = (np.random.default_rng(1).integers(0, 100, (44, 16, 16, 1)) + 60 * LABELS[:, None, None, None]).astype(
    np.uint8
)
STEPS = 6  # 44 examples in batches of 8: the last has 4


class Trained(NamedTuple):
    losses: list[float]
    learning_rates: list[float]
    right: int
    weights: list[np.ndarray]


APPEARANCES = np.stack([np.arange(44)[::-1], np.full(44, 2)], axis=1).astype(np.int64)
AUGMENTED = ("flip", "crop", "mixup")


def compiled(optimizer: str = "momentum", schedule: str = "cosine") -> keras.Model:
    model = build_lenet((16, 16, 1), 3, pixel_mean=[110.0], pixel_deviation=[60.0], seed=3)
    rate = make_schedule(schedule, learning_rate=0.01, steps_per_epoch=STEPS, epochs=1)
    model.compile(optimizer=make_optimizer(optimizer, learning_rate=rate), loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def plain_loop(model: keras.Model) -> Trained:
    """One step after the other, in eager mode."""
    losses, rates, right = [], [], 0
    for start in range(0, len(LABELS), BATCH):
        images, labels = IMAGES[start : start + BATCH], LABELS[start : start + BATCH]
        rates.append(float(model.optimizer.learning_rate))
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
        right += int(np.sum(np.argmax(logits, axis=-1) == labels))
    return Trained(losses, rates, right, model.get_weights())


def in_blocks(model: keras.Model, examples: int, augment: tuple[str, ...] = ()) -> Trained:
    (trained,) = in_blocks_of(model, [examples], augment)
    return trained


def in_blocks_of(model: keras.Model, sizes: Sequence[int], augment: tuple[str, ...] = ()) -> Iterator[Trained]:
    """What comes of the same start in blocks of each of these sizes, with one graph."""
    variables = [*model.variables, *model.optimizer.variables]
    begun = [variable.numpy() for variable in variables]
    augmentation = Augmentation(augment, 6, (16, 16, 1)) if augment else None
    train_steps, given = make_train_steps(model, BATCH, augmentation), (IMAGES, LABELS, APPEARANCES)
    for examples in sizes:
        for variable, value in zip(variables, begun, strict=True):
            variable.assign(value)
        parts = [
            train_steps(*(each[start : start + examples] for each in given[: 3 if augment else 2]))
            for start in range(0, len(LABELS), examples)
        ]
        yield Trained(
            [float(loss) for part in parts for loss in part.losses],
            [float(rate) for part in parts for rate in part.learning_rates],
            sum(int(part.right) for part in parts),
            model.get_weights(),
        )


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_steps_are_those_of_a_plain_loop(optimizer: str) -> None:
    plain, ours = plain_loop(compiled(optimizer)), in_blocks(compiled(optimizer), len(LABELS))
    assert len(ours.losses) == STEPS
    np.testing.assert_allclose(ours.losses, plain.losses, rtol=1e-4)
    np.testing.assert_allclose(ours.learning_rates, plain.learning_rates, rtol=1e-6)
    assert ours.right == plain.right
    for mine, its in zip(ours.weights, plain.weights, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("augment", [(), AUGMENTED, tuple(AUGMENTATIONS)], ids=["not augmented", "some", "all"])
def test_cutting_into_blocks_changes_no_bit(augment: tuple[str, ...]) -> None:
    whole, *in_parts = in_blocks_of(compiled(), [len(LABELS), *(batches * BATCH for batches in (1, 2, 4))], augment)
    assert len(in_parts) == 3
    for cut in in_parts:
        assert cut[:3] == whole[:3]
        for mine, its in zip(cut.weights, whole.weights, strict=True):
            np.testing.assert_array_equal(mine, its)


def test_augmented_steps_are_those_of_a_plain_loop_over_what_was_augmented() -> None:
    augmentation = Augmentation(AUGMENTED, 6, (16, 16, 1))
    batches = []
    for start in range(0, len(LABELS), BATCH):
        images, labels, appearances = (each[start : start + BATCH] for each in (IMAGES, LABELS, APPEARANCES))
        batches.append(augmentation.batch(Batch(tf.constant(images), labels), augmentation.numbers(appearances)))
    model, losses, right = compiled(), [], 0
    for batch in batches:
        with tf.GradientTape() as tape:
            logits = model(batch.images, training=True)
            each = [
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits) * shares
                for labels, shares in ((batch.labels, batch.shares), (batch.others, 1 - batch.shares))
            ]
            loss = tf.reduce_mean(each[0] + each[1])
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
        right += int(np.sum(np.argmax(logits, axis=-1) == batch.labels))
    ours = in_blocks(compiled(), len(LABELS), AUGMENTED)
    np.testing.assert_allclose(ours.losses, losses, rtol=1e-4)
    assert ours.right == right
    for mine, its in zip(ours.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)
    assert not np.allclose(ours.losses, in_blocks(compiled(), len(LABELS)).losses, rtol=1e-2)


def test_without_augmentation_the_graph_is_what_it_is_without_the_word() -> None:
    graph = make_train_steps(compiled(), BATCH).get_concrete_function().graph  # type: ignore[attr-defined]
    operations = {operation.type for operation in graph.get_operations()}
    operations |= {node.op for function in graph.as_graph_def().library.function for node in function.node_def}
    assert len(graph.inputs) == 2 + len(graph.captures)
    assert not operations & {"BitwiseXor", "RightShift", "GatherV2", "ImageProjectiveTransformV3"}


def test_the_last_batch_takes_what_is_left() -> None:
    model = compiled()
    before = model.get_weights()
    trained = make_train_steps(model, BATCH)(IMAGES[:11], LABELS[:11])
    assert trained.losses.shape == (2,)
    # Its loss is the mean over its own three examples, with the weights after the first step.
    model.set_weights(before)
    again = compiled()
    make_train_steps(again, BATCH)(IMAGES[:BATCH], LABELS[:BATCH])
    expected = again.loss(LABELS[BATCH:11], again(IMAGES[BATCH:11]))
    assert float(trained.losses[1]) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "smooth_l1"])
def test_a_weighted_step_is_that_of_keras_with_weights_of_classes(loss: str) -> None:
    weights = np.float32([0.5, 2.0, 1.25])
    ours, keras_own = compiled(), compiled()
    for model in (ours, keras_own):
        model.compile(optimizer=make_optimizer("momentum", learning_rate=0.01), loss=make_loss(loss))
    losses = make_train_steps(ours, BATCH, class_weights=weights)(IMAGES, LABELS).losses
    for step, start in enumerate(range(0, len(LABELS), BATCH)):
        images, labels = IMAGES[start : start + BATCH], LABELS[start : start + BATCH]
        loss_of_step = keras_own.train_on_batch(images, labels, class_weight=dict(enumerate(weights)), return_dict=True)
        keras_own.reset_metrics()
        assert float(losses[step]) == pytest.approx(float(loss_of_step["loss"]), rel=1e-4)
    for mine, its in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)


def test_mixed_images_count_by_the_weights_of_both_labels() -> None:
    weights, shares = np.float32([0.5, 2.0, 1.25]), np.float32([0.75, 1.0, 0.5])
    labels, others, logits = np.int32([0, 1, 2]), np.int32([1, 1, 0]), np.float32(np.eye(3) * 2)
    batch = Batch(None, tf.constant(labels), tf.constant(others), tf.constant(shares))
    loss = make_loss("softmax_cross_entropy")
    own, mixed = (
        np.array([float(loss(each[at : at + 1], logits[at : at + 1])) for at in range(3)]) for each in (labels, others)
    )
    expected = np.mean(shares * weights[labels] * own + (1 - shares) * weights[others] * mixed)
    assert float(batch.loss(weighted(loss, weights), tf.constant(logits))) == pytest.approx(expected, rel=1e-5)


def test_weights_of_1_change_nothing_to_speak_of_and_none_nothing_at_all() -> None:
    plain, ones = compiled(), compiled()
    unweighted = make_train_steps(plain, BATCH)(IMAGES, LABELS).losses
    weighted = make_train_steps(ones, BATCH, class_weights=np.ones(3, np.float32))(IMAGES, LABELS).losses
    np.testing.assert_allclose(weighted, unweighted, rtol=1e-5)
    again = make_train_steps(compiled(), BATCH, class_weights=None)(IMAGES, LABELS).losses
    np.testing.assert_array_equal(again, unweighted)


def test_learning_rates_are_those_that_each_step_used() -> None:
    rates = in_blocks(compiled(schedule="step"), 2 * BATCH).learning_rates
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.01, 0.001, 0.001, 0.0001], rtol=1e-6)


def test_the_loss_falls() -> None:
    model = compiled(schedule="constant")
    first, last = in_blocks(model, len(LABELS)).losses, in_blocks(model, len(LABELS)).losses
    assert np.mean(last) < np.mean(first)


@pytest.mark.parametrize("block", [5, 44])
def test_a_score_is_that_of_all_examples_however_they_are_cut(block: int) -> None:
    model = compiled()
    blocks = [(IMAGES[start : start + block], LABELS[start : start + block]) for start in range(0, 44, block)]
    scored = score(make_evaluate_step(model), blocks)
    logits = np.asarray(model(IMAGES), dtype=np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    assert scored.loss == pytest.approx(-log_softmax[np.arange(44), LABELS].mean(), rel=1e-5)
    assert scored.accuracy == np.mean(logits.argmax(axis=1) == LABELS)
    np.testing.assert_array_equal(scored.labels, LABELS)
    np.testing.assert_array_equal(scored.predicted, logits.argmax(axis=1))


def test_a_prediction_is_that_of_the_evaluation_with_the_logits_behind_it() -> None:
    model = compiled()
    evaluated = make_evaluate_step(model)(IMAGES, LABELS)
    np.testing.assert_array_equal(evaluated.predicted, np.argmax(evaluated.logits, axis=-1))
    np.testing.assert_allclose(evaluated.logits, model(IMAGES), rtol=1e-5, atol=1e-5)


def test_a_score_keeps_of_the_logits_what_is_asked_for() -> None:
    model = compiled()
    evaluate_step, blocks = make_evaluate_step(model), [(IMAGES[:30], LABELS[:30]), (IMAGES[30:], LABELS[30:])]
    scored = score(evaluate_step, blocks, np.negative)
    np.testing.assert_array_equal(scored.kept, -np.concatenate([evaluate_step(*block).logits for block in blocks]))
    assert score(evaluate_step, blocks).kept.size == 0


def evaluated_as(logits: np.ndarray) -> Evaluated:
    return Evaluated(0.5, logits.argmax(axis=1), logits)


def test_the_measures_of_a_score_are_those_of_scikit_learn_over_all_blocks() -> None:
    random = np.random.default_rng(5)
    logits = random.normal(size=(60, 12)).astype(np.float32)
    labels = random.choice([0, 1, 1, 1, 5, 11], 60).astype(np.int32)
    blocks = iter([evaluated_as(logits[:25]), evaluated_as(logits[25:])])
    scored = score(lambda *_: next(blocks), [(None, labels[:25]), (None, labels[25:])])
    predicted = logits.argmax(axis=1)
    with warnings.catch_warnings():  # of what is predicted and has no example
        warnings.simplefilter("ignore", UserWarning)
        balanced = metrics.balanced_accuracy_score(labels, predicted)
    assert scored.measures() == {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": pytest.approx(balanced),
        "macro_f1": pytest.approx(metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
        "top_5_accuracy": metrics.top_k_accuracy_score(labels, logits, k=5, labels=range(12)),
    }


def test_of_ten_classes_it_is_not_asked_which_five_are_likely() -> None:
    logits, labels = np.eye(10, dtype=np.float32), np.arange(10, dtype=np.int32)
    scored = score(lambda *_: evaluated_as(logits), [(None, labels)])
    assert scored.measures() == {"accuracy": 1.0, "balanced_accuracy": 1.0, "macro_f1": 1.0}
