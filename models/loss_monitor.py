"""The loss monitor: how training goes, as in MindSpore's tutorial. It knows no clock and no tracker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


class LossMonitor:
    """Emits a line every so many steps, and one or two after each epoch.

    A step's line holds its own loss before the slash and the mean over the epoch's examples so far behind it. Epochs
    are counted from 1, as they are wherever else a run is told of; MindSpore's lines count from 0::

        Epoch:[  1/ 10], step:[ 1875/ 1875], loss:[0.189/1.176], time:2.254 ms, lr:0.01000
        Epoch time: 4286.163 ms, per step time: 2.286 ms, avg loss: 1.176
        Epoch:[  1/ 10], validation accuracy: 0.9751666666666666, validation loss: 0.08236107781529427

    Args:
        emit: Called with each line.
        epochs: Epochs in the whole training.
        steps_per_epoch: Steps in each of them.
        print_every: Steps between lines; none: the last step of each epoch; 0: no lines at all.
    """

    def __init__(
        self, emit: Callable[[str], None], *, epochs: int, steps_per_epoch: int, print_every: int | None
    ) -> None:
        self._emit = emit
        self._epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self._print_every = steps_per_epoch if print_every is None else print_every
        self._epoch = self.step = self.examples = 0
        self.loss_sum = 0.0

    def begin_epoch(self, epoch: int, *, step: int = 0, examples: int = 0, loss_sum: float = 0.0) -> None:
        """Start counting anew for ``epoch``.

        Args:
            epoch: The epoch, from 1.
            step: Its steps that were made before, if it goes on where it was interrupted.
            examples: The examples in them.
            loss_sum: The sum of the losses of these examples.
        """
        self._epoch = epoch
        self.step, self.examples, self.loss_sum = step, examples, loss_sum

    def steps(
        self,
        losses: Sequence[float],
        sizes: Sequence[int],
        learning_rates: Sequence[float],
        *,
        step_milliseconds: float,
    ) -> None:
        """Take in the steps that were just made.

        Args:
            losses: The loss of each step.
            sizes: The examples in each step.
            learning_rates: The learning rate of each step.
            step_milliseconds: The time that each of them took, on average.
        """
        for loss, size, learning_rate in zip(losses, sizes, learning_rates, strict=True):
            self.step += 1
            self.examples += size
            self.loss_sum += loss * size
            if self._print_every and self.step % self._print_every == 0:
                self._emit(
                    f"Epoch:[{self._epoch:3d}/{self._epochs:3d}], "
                    f"step:[{self.step:5d}/{self.steps_per_epoch:5d}], "
                    f"loss:[{loss:.3f}/{self.average_loss:.3f}], "
                    f"time:{step_milliseconds:.3f} ms, lr:{learning_rate:.5f}"
                )

    def end_epoch(self, milliseconds: float) -> None:
        """Tell of the epoch that ended, which trained for ``milliseconds``."""
        if self._print_every:
            self._emit(
                f"Epoch time: {milliseconds:.3f} ms, per step time: {milliseconds / self.step:.3f} ms, "
                f"avg loss: {self.average_loss:.3f}"
            )

    def validated(self, loss: float, measures: Mapping[str, float]) -> None:
        """Tell how well the model then did on what is held back, with all digits: they are those that are recorded.

        Args:
            loss: Of the validation.
            measures: Those to tell of, by their names in words.
        """
        if self._print_every:
            said = "".join(f"validation {name}: {value!r}, " for name, value in measures.items())
            self._emit(f"Epoch:[{self._epoch:3d}/{self._epochs:3d}], {said}validation loss: {loss!r}")

    @property
    def average_loss(self) -> float:
        """The mean loss over the examples of the epoch so far."""
        return self.loss_sum / self.examples
