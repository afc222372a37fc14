"""The lines of the loss monitor, to the letter, and the numbers in them."""

from __future__ import annotations

import pytest

from models.loss_monitor import LossMonitor


def monitor_of(steps: int, print_every: int | None, epochs: int = 10) -> tuple[LossMonitor, list[str]]:
    lines: list[str] = []
    return LossMonitor(lines.append, epochs=epochs, steps_per_epoch=steps, print_every=print_every), lines


def test_lines_are_those_of_the_tutorial_counted_from_1_and_one_of_the_validation() -> None:
    monitor, lines = monitor_of(1875, None)
    monitor.begin_epoch(1)
    # The mean of all steps is to be 1.176, and the last is 0.189.
    before = (1.176 * 1875 - 0.189) / 1874
    monitor.steps([before] * 1874, [32] * 1874, [0.01] * 1874, step_milliseconds=2.254)
    monitor.steps([0.189], [32], [0.01], step_milliseconds=2.254)
    monitor.end_epoch(4286.163)
    monitor.validated(0.08236107781529427, {"accuracy": 0.9751666666666666})
    assert lines == [
        "Epoch:[  1/ 10], step:[ 1875/ 1875], loss:[0.189/1.176], time:2.254 ms, lr:0.01000",
        "Epoch time: 4286.163 ms, per step time: 2.286 ms, avg loss: 1.176",
        "Epoch:[  1/ 10], validation accuracy: 0.9751666666666666, validation loss: 0.08236107781529427",
    ]


def test_what_else_a_run_is_about_is_told_too() -> None:
    monitor, lines = monitor_of(3, 1)
    monitor.begin_epoch(2)
    monitor.validated(1.5, {"accuracy": 0.5, "macro F1": 0.25})
    assert lines == ["Epoch:[  2/ 10], validation accuracy: 0.5, validation macro F1: 0.25, validation loss: 1.5"]


def test_each_step_can_have_a_line_with_its_own_loss_and_the_mean_so_far() -> None:
    monitor, lines = monitor_of(3, 1, epochs=100)
    monitor.begin_epoch(100)
    monitor.steps([4.0, 2.0], [32, 32], [0.1, 0.05], step_milliseconds=1.0)
    monitor.steps([0.0], [32], [0.025], step_milliseconds=12.3456)
    assert lines == [
        "Epoch:[100/100], step:[    1/    3], loss:[4.000/4.000], time:1.000 ms, lr:0.10000",
        "Epoch:[100/100], step:[    2/    3], loss:[2.000/3.000], time:1.000 ms, lr:0.05000",
        "Epoch:[100/100], step:[    3/    3], loss:[0.000/2.000], time:12.346 ms, lr:0.02500",
    ]


@pytest.mark.parametrize(
    ("print_every", "printed"), [(1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6]), (7, [7]), (8, []), (None, [7]), (0, [])]
)
def test_print_every_so_many_steps(print_every: int | None, printed: list[int]) -> None:
    monitor, lines = monitor_of(7, print_every)
    for epoch in (1, 2):
        lines.clear()
        monitor.begin_epoch(epoch)
        monitor.steps([1.0] * 7, [32] * 7, [0.01] * 7, step_milliseconds=1.0)
        monitor.end_epoch(7.0)
        monitor.validated(1.5, {"accuracy": 0.5})
        steps = [line for line in lines if "step:[" in line]
        assert [int(line.split("step:[")[1].split("/")[0]) for line in steps] == printed
        epochs = [
            "Epoch time: 7.000 ms, per step time: 1.000 ms, avg loss: 1.000",
            f"Epoch:[  {epoch}/ 10], validation accuracy: 0.5, validation loss: 1.5",
        ]
        assert lines[len(steps) :] == ([] if print_every == 0 else epochs)


def test_the_mean_weighs_steps_by_their_examples() -> None:
    monitor, _ = monitor_of(2, 0)
    monitor.begin_epoch(1)
    monitor.steps([1.0, 5.0], [30, 10], [0.01, 0.01], step_milliseconds=1.0)
    assert monitor.average_loss == (30 * 1.0 + 10 * 5.0) / 40
    assert monitor.examples == 40


def test_each_epoch_counts_anew() -> None:
    monitor, _ = monitor_of(1, 0)
    monitor.begin_epoch(1)
    monitor.steps([100.0], [32], [0.01], step_milliseconds=1.0)
    monitor.begin_epoch(2)
    monitor.steps([1.0], [8], [0.01], step_milliseconds=1.0)
    assert (monitor.average_loss, monitor.examples) == (1.0, 8)


def test_every_step_has_its_size_and_learning_rate() -> None:
    monitor, _ = monitor_of(2, 0)
    monitor.begin_epoch(1)
    with pytest.raises(ValueError, match="shorter"):
        monitor.steps([1.0, 2.0], [32], [0.01, 0.01], step_milliseconds=1.0)


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_an_epoch_that_goes_on_says_what_one_without_a_break_does(done: int) -> None:
    losses, sizes, rates = [4.1, 2.3, 0.7, 1.9, 3.3], [32, 32, 32, 32, 9], [0.1, 0.08, 0.06, 0.04, 0.02]
    whole, expected = monitor_of(5, 1)
    whole.begin_epoch(3)
    whole.steps(losses, sizes, rates, step_milliseconds=2.0)
    whole.end_epoch(10.0)

    before, lines = monitor_of(5, 1)
    before.begin_epoch(3)
    before.steps(losses[:done], sizes[:done], rates[:done], step_milliseconds=2.0)
    after, rest = monitor_of(5, 1)
    after.begin_epoch(3, step=before.step, examples=before.examples, loss_sum=before.loss_sum)
    after.steps(losses[done:], sizes[done:], rates[done:], step_milliseconds=2.0)
    after.end_epoch(10.0)
    assert lines + rest == expected
    assert (after.average_loss, after.examples, after.step) == (whole.average_loss, whole.examples, 5)
