"""What all optimizers have in common: how gradients are clipped and gathered, and whether the weights are averaged."""

from __future__ import annotations

from typing import Literal

import keras

Average = Literal["none", "ema"]


def settle_updates(
    optimizer: keras.optimizers.Optimizer,
    *,
    clip_norm: float | None = None,
    accumulate: int = 1,
    average: Average = "none",
    ema_momentum: float | None = None,
) -> None:
    """Tell an optimizer of Keras that is not yet built how it is to make its updates.

    It is told by the attributes that Keras' base class has for this, so that any optimizer takes it whose constructor
    hands its remaining keyword arguments on to that class, as those of Keras do. What is not asked for stays as the
    optimizer has it: a class of a person's own may clip or gather by itself.

    Args:
        optimizer: Not yet built.
        clip_norm: The largest norm of the gradients of an update, over all variables together; none: any.
        accumulate: Batches whose gradients are averaged, with equal weights, into one update. Learning-rate schedules
            and moving averages go on with every batch, corrections of an optimizer's first steps with every update.
        average: ``ema``: a moving average of the weights, to evaluate with. After the first step it is the weights,
            then ema_momentum * average + (1 - ema_momentum) * weights after each, that is: after each batch.
        ema_momentum: At least 0 and less than 1; none without such an average.

    Raises:
        ValueError: the optimizer has an average of its own, or clips in another way.
    """
    if average == "ema":
        if hasattr(optimizer, "weights_to_evaluate"):
            raise ValueError(
                f"average: received ema, but optimizer {optimizer.name!r} is evaluated at an average of its own; "
                "leave average out"
            )
        optimizer.use_ema, optimizer.ema_momentum = True, ema_momentum
    if clip_norm is not None:
        _clip_by_norm(optimizer, clip_norm)
    if accumulate > 1:  # with 1 Keras would keep a sum of gradients
        optimizer.gradient_accumulation_steps = accumulate


def _clip_by_norm(optimizer: keras.optimizers.Optimizer, bound: float) -> None:
    if optimizer.clipnorm is not None or optimizer.clipvalue is not None:
        raise ValueError(
            f"clip_norm: received {bound:g}, but optimizer {optimizer.name!r} clips in a way of its own "
            f"(clipnorm {optimizer.clipnorm}, clipvalue {optimizer.clipvalue}); leave one of the two out"
        )
    optimizer.global_clipnorm = bound
