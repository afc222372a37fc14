"""Computing in half precision with weights in single: Micikevicius et al., "Mixed precision training" (2018).

Keras' policies: layers compute in 16 bits, their variables, and so gradients and updates, have 32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]


@contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Let the layers that the block makes compute in a precision, unless they have one of their own.

    Keras has one policy for all layers that a thread makes. After the block it is what it was.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def with_float32_logits(model: keras.Model) -> keras.Model:
    """Return a network whose logits are float32, whatever its layers compute in: losses and users rely on it."""
    if model.outputs[0].dtype == "float32":
        return model
    logits = keras.layers.Activation("linear", dtype="float32", name="float32_logits")(model.outputs[0])
    return keras.Model(model.inputs[0], logits, name=model.name)


def scaling_the_loss(optimizer: keras.optimizers.Optimizer, precision: Precision) -> keras.optimizers.Optimizer:
    """Return an optimizer that keeps gradients of float16 from becoming 0; in other precisions, the optimizer itself.

    It multiplies the loss by as much as float16 bears (`scale_loss`), divides the gradients by it, and leaves out an
    update where one of these is not finite: then it goes on with half of that. bfloat16 has the range of float32.
    """
    if precision != "mixed_float16":
        return optimizer
    # A name, because Keras would count those made so far.
    return keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale")
