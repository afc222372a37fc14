"""The update rules, each a class of Keras with what it lacks here: biases do not decay, and a loaded one goes on so.

Their numbers are Keras', bit for bit, but for `Ftrl`, which Keras has for weights that begin at 0 and never decay.
Rules that have to be other than Keras' throughout have files of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import ops

serializable = keras.saving.register_keras_serializable(package="lenet_pipeline")


KEPT = ("bias", "beta", "gamma")  # in a layer of Keras; the last two are of a normalisation


class BiasesKept(keras.optimizers.Optimizer):
    """Keeps biases from decaying, and what a normalisation scales and shifts by.

    In `build`, and not by a call after construction: Keras does not save the exclusion, so an optimizer that
    is loaded with its model has to make it again.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`."""
        if not self.built:
            # Not var_names=["bias"]: under TensorFlow Keras looks for that in "model/layer/kernel:0", and so
            # would also find a layer called "unbiased".
            kept = [variable for variable in variables if variable.name in KEPT]
            self.exclude_from_weight_decay(var_list=kept)
        super().build(variables)


class DecayWithinTheRule(BiasesKept):
    """Decays weights in `update_step`, for a rule in which they cannot be changed between two steps."""

    def _apply_weight_decay(self, _variables: list[Any]) -> None:
        """Leave it to `update_step`."""

    def decay_of(self, variable: Any) -> float:
        """Return the share of a variable, times the learning rate, that a step takes away: 0 for a bias."""
        return self.weight_decay if self.weight_decay and self._use_weight_decay(variable) else 0.0


@serializable
class SGD(BiasesKept, keras.optimizers.SGD):
    """Momentum: Sutskever et al., "On the importance of initialization and momentum" (2013)."""


@serializable
class RMSprop(BiasesKept, keras.optimizers.RMSprop):
    """Tieleman, Hinton, "Neural networks for machine learning", lecture 6.5 (2012); epsilon in the root."""


class _StepSizeOnce(BiasesKept, keras.optimizers.Adam):
    """Works the step size out once a step, and not for each variable again: the same numbers with fewer operations."""

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any) -> None:
        cast = partial(ops.cast, dtype=trainable_variables[0].dtype)
        step = cast(self.iterations + 1)
        bias_1, bias_2 = (1 - ops.power(cast(beta), step) for beta in (self.beta_1, self.beta_2))
        step_size = cast(learning_rate) * ops.sqrt(bias_2) / bias_1
        super()._backend_update_step(grads, trainable_variables, step_size)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable; ``learning_rate`` is the step size, in which both biases are corrected."""
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        if self.amsgrad:
            largest = self._velocity_hats[index]
            self.assign(largest, ops.maximum(largest, square))
            square = largest
        self.assign_sub(variable, mean * learning_rate / (ops.sqrt(square) + self.epsilon))


@serializable
class Adam(_StepSizeOnce):
    """Kingma, Ba, "Adam: a method for stochastic optimization" (2015), with the epsilon of section 2.

    With ``amsgrad`` as in Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (2018), biases corrected.
    """


@serializable
class AdamW(_StepSizeOnce):
    """Adam with decoupled weight decay. Not from Keras' AdamW, the same code, which refuses to have none."""


@serializable
class Nadam(BiasesKept, keras.optimizers.Nadam):
    """Dozat, "Incorporating Nesterov momentum into Adam" (2016); 0.96^t where he has 0.96^(t / 250)."""


@serializable
class Adamax(BiasesKept, keras.optimizers.Adamax):
    """Kingma, Ba (2015), algorithm 2; epsilon is added to the largest gradient, so that nothing is divided by 0."""


@serializable
class Adagrad(BiasesKept, keras.optimizers.Adagrad):
    """Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011); the sum of squares starts above 0."""


@serializable
class Adadelta(BiasesKept, keras.optimizers.Adadelta):
    """Zeiler, "ADADELTA: an adaptive learning rate method" (2012), times a learning rate, which is 1 in the paper."""


@serializable
class Lamb(BiasesKept, keras.optimizers.Lamb):
    """You et al., "Large batch optimization for deep learning" (2020), algorithm 2.

    Weight decay is that of all others here, before the step; in the paper it is a part of what the norm is taken of.
    """


@serializable
class Lion(BiasesKept, keras.optimizers.Lion):
    """Chen et al., "Symbolic discovery of optimization algorithms" (2023)."""


@serializable
class Ftrl(DecayWithinTheRule, keras.optimizers.Ftrl):
    """FTRL-proximal: McMahan et al., "Ad click prediction: a view from the trenches" (2013), section 3.1.

    Each step minimises the sum of all gradients and of all proximal terms, ``sigma_s / 2 |w - w_s|^2``, whose weights
    ``sigma_1 + ... + sigma_t`` are 1 over the rate of step t. Keras leaves the first of these terms out, which makes
    no difference to weights that begin at 0 and makes others forget where they began; and it takes for granted that
    the learning rate stays and that nothing else, as decay, moves the weights. Without its regularisations this is
    Adagrad.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`, which begin at the values that these have now."""
        if self.built:
            return
        with tf.init_scope():  # once, even where the first step is being traced
            super().build(variables)
            self._rate_before = self.add_variable(shape=(), name="rate_before")
            self.assign(self._rate_before, self.learning_rate)
            for variable, squares, linear in zip(variables, self._accumulators, self._linears, strict=True):
                self.assign(linear, -variable * self._proximal(squares, self._rate_before))

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any) -> None:
        super()._backend_update_step(grads, trainable_variables, learning_rate)
        self.assign(self._rate_before, learning_rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        cast = partial(ops.cast, dtype=variable.dtype)
        index = self._get_variable_index(variable)
        squares, linear = self._accumulators[index], self._linears[index]
        decayed = variable * (1 - self.decay_of(variable) * cast(learning_rate))
        gradient = cast(gradient)
        before = self._proximal(squares, cast(self._rate_before))
        self.assign_add(squares, ops.square(gradient))
        now = self._proximal(squares, cast(learning_rate))
        shrinkage = 2 * self.l2_shrinkage_regularization_strength * decayed
        self.assign_add(linear, gradient + shrinkage + before * variable - now * decayed)
        kept = ops.clip(linear, -self.l1_regularization_strength, self.l1_regularization_strength)
        self.assign(variable, (kept - linear) / (now + 2 * self.l2_regularization_strength))

    def _proximal(self, squares: Any, rate: Any) -> Any:
        """Return the weights of all proximal terms together: 1 over the rate of each weight."""
        return (self.beta + ops.power(squares, -self.learning_rate_power)) / rate
