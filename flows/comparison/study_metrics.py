"""What a comparison came to in a few numbers, by which studies are sorted, charted and watched night after night."""

from __future__ import annotations

import math
from collections.abc import Mapping

from study.comparison import Comparison


def study_metrics(
    comparison: Comparison, trials: Mapping[str, int], test: Mapping[str, float] | None
) -> dict[str, float]:
    """Return the numbers, by their names in MLflow; those that a comparison does not have are left out.

    Args:
        comparison: What follows from the trials.
        trials: How many were planned, completed, diverged and failed.
        test: ``test/accuracy`` of the chosen setting, the median over its seeds; none if the test split was not asked.

    Returns:
        ``study/validation_accuracy``: the best contender's median final validation accuracy;
        ``study/test_accuracy``: of the same setting;
        ``study/lead``: the mean over seeds of its difference from the second contender;
        ``study/reached_target``: trials that did;
        ``study/training_seconds``: of all trials together, whatever ran side by side;
        ``study/trials_planned`` and so on.
    """
    labels = tuple(contender.label for contender in comparison.contenders[:2])
    leads = [pair.difference for pair in comparison.pairs if (pair.first, pair.second) == labels]
    return {
        **({"study/validation_accuracy": comparison.contenders[0].median} if comparison.contenders else {}),
        **({"study/test_accuracy": test["test/accuracy"]} if test else {}),
        **({"study/lead": leads[0]} if leads else {}),
        "study/reached_target": sum(math.isfinite(trial.epochs_to(comparison.target)) for trial in comparison.trials),
        "study/training_seconds": math.fsum(second for trial in comparison.trials for second in trial.epoch_seconds),
        **{f"study/trials_{outcome}": count for outcome, count in trials.items()},
    }
