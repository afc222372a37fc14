"""Losses against the tutorial's numbers and NumPy; shapes that would broadcast; Keras around them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.losses import LOSSES, l1, make_loss, mse, smooth_l1

NAMES = sorted(LOSSES)
DISTANCES = ["l1", "mse", "smooth_l1"]
random = np.random.default_rng(3)
LABELS = random.integers(0, 10, 32)
LOGITS = random.normal(0, 2, (32, 10)).astype("float32")
elements = st.lists(
    st.tuples(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32)), min_size=1, max_size=8
).map(np.array)


def softmax_cross_entropy(labels: np.ndarray, logits: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    logits = logits.astype(float)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = np.eye(logits.shape[1])[labels] * (1 - smoothing) + smoothing / logits.shape[1]
    return -(targets * log_softmax).sum(axis=1)


def distance(name: str, d: np.ndarray, beta: float = 1.0) -> np.ndarray:
    size = np.abs(d)
    return {
        "l1": size,
        "mse": size**2,
        "smooth_l1": np.where(size < beta, size**2 / (2 * beta), size - beta / 2),
    }[name]


def by_hand(name: str, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    if name == "softmax_cross_entropy":
        return softmax_cross_entropy(labels, logits)
    return distance(name, logits - np.eye(logits.shape[1])[labels]).mean(axis=1)


# The plain functions.


def test_l1_of_the_tutorial() -> None:
    assert float(l1([[1, 2, 3], [2, 3, 4]], [[0, 2, 5], [3, 1, 1]])) == 1.5


def test_mse_and_smooth_l1_of_the_same_numbers() -> None:
    targets, predictions = [[1, 2, 3], [2, 3, 4]], [[0, 2, 5], [3, 1, 1]]  # |d|: 1 0 2 1 2 3
    assert float(mse(targets, predictions)) == pytest.approx((1 + 0 + 4 + 1 + 4 + 9) / 6)
    assert float(smooth_l1(targets, predictions)) == pytest.approx((0.5 + 0 + 1.5 + 0.5 + 1.5 + 2.5) / 6)
    assert float(smooth_l1(targets, predictions, beta=2.0)) == pytest.approx((0.25 * 2 + 1 + 1 + 2) / 6)


@pytest.mark.parametrize("function", [l1, mse, smooth_l1])
@pytest.mark.parametrize(("a", "b"), [((4,), (4, 3)), ((4, 1), (4, 3)), ((3,), (4, 3)), ((), (4,)), ((1,), (4,))])
def test_plain_functions_broadcast_nothing(function: Any, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    for targets, predictions in ((a, b), (b, a)):
        with pytest.raises(ValueError, match="must have the same shape; received") as caught:
            function(np.zeros(targets), np.zeros(predictions))
        assert f"{targets} and {predictions}" in str(caught.value)


@given(elements, st.floats(0.01, 50))
@settings(deadline=None, max_examples=50)
def test_smooth_l1_is_its_definition_and_lies_between_its_limits(pairs: np.ndarray, beta: float) -> None:
    d = pairs[:, 1] - pairs[:, 0]
    value = float(smooth_l1(pairs[:, 0], pairs[:, 1], beta=beta))
    assert value == pytest.approx(distance("smooth_l1", d, beta).mean(), rel=1e-4, abs=1e-4)
    absolute = float(l1(pairs[:, 0], pairs[:, 1]))
    assert absolute - beta / 2 - 1e-3 <= value <= absolute + 1e-3
    assert value <= float(mse(pairs[:, 0], pairs[:, 1])) / (2 * beta) * 1.001 + 1e-3


@given(elements)
@settings(deadline=None, max_examples=25)
def test_smooth_l1_turns_into_l1_for_small_beta_and_into_squares_for_large(pairs: np.ndarray) -> None:
    targets, predictions = pairs[:, 0], pairs[:, 1]
    small, large = 1e-6, 1e3
    assert float(smooth_l1(targets, predictions, small)) == pytest.approx(
        float(l1(targets, predictions)), rel=1e-4, abs=1e-5
    )
    assert float(smooth_l1(targets, predictions, large)) * 2 * large == pytest.approx(
        float(mse(targets, predictions)), rel=1e-4, abs=1e-4
    )


@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan"), float("inf")])
def test_a_beta_that_is_not_positive_is_refused(beta: float) -> None:
    for make in (lambda: smooth_l1([0.0], [1.0], beta), lambda: make_loss("smooth_l1", smooth_l1_beta=beta)):
        with pytest.raises(ValueError, match=f"must be positive and finite; received {beta}"):
            make()


# Losses of labels and logits.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_losses_per_example_and_their_mean(name: str, dtype: str) -> None:
    loss, labels = make_loss(name), LABELS.astype(dtype)
    expected = by_hand(name, LABELS, LOGITS)
    np.testing.assert_allclose(loss.call(labels, LOGITS), expected, rtol=1e-5)
    assert loss(labels, LOGITS).shape == ()
    assert float(loss(labels, LOGITS)) == pytest.approx(expected.mean(), rel=1e-5)
    assert loss.name == name


def test_cross_entropy_of_known_values() -> None:
    loss = make_loss("softmax_cross_entropy")
    assert float(loss([3], np.zeros((1, 10)))) == pytest.approx(np.log(10))  # knows nothing
    assert float(loss([0], [[1000.0, 0.0]])) == 0  # certain and right, and no overflow
    assert float(loss([1], [[1000.0, 0.0]])) == 1000  # certain and wrong


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_label_smoothing(smoothing: float) -> None:
    loss = make_loss("softmax_cross_entropy", label_smoothing=smoothing)
    np.testing.assert_allclose(loss.call(LABELS, LOGITS), softmax_cross_entropy(LABELS, LOGITS, smoothing), rtol=1e-5)


@pytest.mark.parametrize("beta", [0.25, 3.0])
def test_smooth_l1_beta_reaches_the_loss(beta: float) -> None:
    d = LOGITS - np.eye(10)[LABELS]
    loss = make_loss("smooth_l1", smooth_l1_beta=beta)
    np.testing.assert_allclose(loss.call(LABELS, LOGITS), distance("smooth_l1", d, beta).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_differences(name: str) -> None:
    loss, labels = make_loss(name), LABELS[:2]
    logits = tf.constant(LOGITS[:2])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    gradient = tape.gradient(value, logits).numpy()
    for index in [(0, 0), (1, 5), (1, labels[1])]:
        step = np.zeros((2, 10))
        step[index] = 1e-4
        up, down = (by_hand(name, labels, LOGITS[:2] + sign * step).mean() for sign in (1, -1))
        assert gradient[index] == pytest.approx((up - down) / 2e-4, rel=1e-3, abs=1e-6)


@given(st.permutations(range(32)), st.sampled_from(NAMES))
@settings(deadline=None, max_examples=25)
def test_the_order_of_a_batch_does_not_matter(order: list[int], name: str) -> None:
    loss = make_loss(name)
    np.testing.assert_allclose(loss(LABELS[order], LOGITS[order]), loss(LABELS, LOGITS), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("labels", "logits"),
    [
        ((4, 1), (4, 10)),
        ((4, 10), (4, 10)),
        ((), (4, 10)),
        ((1,), (4, 10)),
        ((5,), (4, 10)),
        ((10,), (4, 10)),
        ((4,), (4,)),
        ((4,), (4, 1)),
        ((4,), (1, 10)),
        ((4,), (4, 10, 1)),
        ((4, 10), (4,)),
    ],
)
def test_no_other_shapes_are_taken(name: str, labels: tuple[int, ...], logits: tuple[int, ...]) -> None:
    loss = make_loss(name)
    for compute in (loss, loss.call):
        with pytest.raises(ValueError, match=r"expected integer labels of shape \(batch,\)") as caught:
            compute(np.zeros(labels, "int32"), np.zeros(logits, "float32"))
        assert f"received labels of shape {labels} and logits of shape {logits}" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [LABELS.astype("float32"), LABELS > 4, np.eye(10, dtype="float32")[LABELS]])
def test_labels_that_are_not_integers_are_refused(name: str, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels must be integers; received"):
        make_loss(name)(labels, LOGITS)


@pytest.mark.parametrize("label", [-1, 10, 255])
def test_a_label_that_names_no_class_is_never_learned_from(label: int) -> None:
    labels = np.array([1, label])
    losses = [make_loss(name) for name in DISTANCES]
    for loss in [*losses, make_loss("softmax_cross_entropy", label_smoothing=0.1)]:
        assert np.isnan(loss(labels, LOGITS[:2]))
    if not tf.config.list_physical_devices("GPU"):  # where it is NaN as well
        with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range"):
            make_loss("softmax_cross_entropy")(labels, LOGITS[:2])


# Inside compile and fit, where batch sizes, and even ranks, may be unknown when the graph is made.


def classifier(loss: keras.losses.Loss) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(10, kernel_initializer="ones")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    return model


IMAGES = random.normal(size=(6, 3)).astype("float32")


@pytest.mark.parametrize("name", NAMES)
def test_evaluate_gives_the_loss_by_hand_also_with_a_last_short_batch(name: str) -> None:
    model = classifier(make_loss(name))
    expected = by_hand(name, LABELS[:6], IMAGES @ np.ones((3, 10))).mean()
    assert model.evaluate(IMAGES, LABELS[:6], batch_size=4, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [LABELS[:6, None], np.eye(10, dtype="int32")[LABELS[:6]]])
def test_fit_refuses_labels_of_other_shapes(name: str, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"received labels of shape \((None|6), 10?\)"):
        classifier(make_loss(name)).fit(IMAGES, labels, verbose=0)


def test_fit_refuses_float_labels() -> None:
    with pytest.raises(ValueError, match="labels must be integers; received"):
        classifier(make_loss("mse")).fit(IMAGES, LABELS[:6].astype("float32"), verbose=0)


@pytest.mark.parametrize("loss", [*map(make_loss, NAMES), make_loss("softmax_cross_entropy", label_smoothing=0.1)])
def test_batches_that_turn_out_to_differ_fail_in_the_step(loss: keras.losses.Loss) -> None:
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, 10], tf.float32)],
        autograph=False,
    )
    def step(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return loss(labels, logits)

    assert float(step(LABELS.astype("int32"), LOGITS)) == pytest.approx(float(loss(LABELS, LOGITS)))
    for batches in (LABELS[:1], LABELS[:8]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            step(batches.astype("int32"), LOGITS)


def test_an_unknown_rank_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)], autograph=False)
    def step(labels: tf.Tensor) -> tf.Tensor:
        return make_loss("l1")(labels, LOGITS)

    with pytest.raises(ValueError, match="received labels of shape None and logits of shape"):
        step(LABELS)


# Names and hyperparameters.


def test_an_unknown_loss_is_told_the_choices() -> None:
    with pytest.raises(ValueError, match=r"unknown loss 'smooth_l2'; choose one of: l1, mse, .*did you mean"):
        make_loss("smooth_l2")


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_label_smoothing_out_of_bounds_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match=f"at least 0 and less than 1; received {smoothing}"):
        make_loss("softmax_cross_entropy", label_smoothing=smoothing)


@pytest.mark.parametrize("name", DISTANCES)
def test_label_smoothing_of_another_loss_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no hyperparameter 'label_smoothing'; .* one: softmax_cross_entropy$"):
        make_loss(name, label_smoothing=0.1)


@pytest.mark.parametrize("name", ["l1", "mse", "softmax_cross_entropy"])
def test_smooth_l1_beta_of_another_loss_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"loss '{name}' has no .* 'smooth_l1_beta'; those with one: smooth_l1$"):
        make_loss(name, smooth_l1_beta=0.5)


@pytest.mark.parametrize("given_", [{}, {"label_smoothing": 0.2}, {"smooth_l1_beta": 0.3}])
def test_a_loss_comes_back_from_its_config(given_: dict[str, float]) -> None:
    names = {"label_smoothing": ["softmax_cross_entropy"], "smooth_l1_beta": ["smooth_l1"]}
    for name in names.get(next(iter(given_), ""), NAMES):
        loss = make_loss(name, **given_)
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        np.testing.assert_array_equal(again.call(LABELS, LOGITS), loss.call(LABELS, LOGITS))


def test_logits_of_cross_entropy_stand_for_probabilities() -> None:
    logits = np.array([[0.0, np.log(3.0)], [50.0, 50.0]], dtype=np.float32)
    found = np.asarray(make_loss("softmax_cross_entropy", label_smoothing=0.1).probabilities(logits))
    np.testing.assert_allclose(found, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("name", ["l1", "mse", "smooth_l1"])
def test_logits_of_a_regression_stand_for_themselves(name: str) -> None:
    logits = np.array([[-0.1, 1.2]], dtype=np.float32)
    np.testing.assert_array_equal(make_loss(name).probabilities(logits), logits)
