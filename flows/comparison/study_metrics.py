"""What a comparison came to in a few numbers, by which studies are sorted, charted and watched night after night."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

from study.answer import JUDGEMENTS
from study.comparison import Comparison

DEVIATION_METRIC = "study/difference_deviation"


def study_metrics(
    comparison: Comparison, trials: Mapping[str, int], test: Mapping[str, float] | None
) -> dict[str, float]:
    """Return the numbers, by their names in MLflow; those that a comparison does not have are left out.

    Args:
        comparison: What follows from the trials.
        trials: How many ended, completed, diverged and failed.
        test: ``test/accuracy``, or what else it is about, of what is recommended, the median over its seeds; none if
            the test split was not asked.

    Returns:
        ``study/validation_accuracy``, or what else the comparison is about: the median score of the contender to take;
        ``study/test_accuracy``, likewise: of the same;
        ``study/lead``: mean over confirm seeds of the leader's difference from the nearest rival;
        ``study/costs_at_most``: how much better any other contender may be than the one to take, at most;
        ``study/worse``, ``study/as_good``, ``study/better``, ``study/undecided``: how many rivals are that;
        ``study/difference_deviation``: standard deviation of a seed's difference, the median over rivals;
        ``study/reached_target``: trials that did;
        ``study/training_seconds``: of all trials together, whatever ran side by side;
        ``study/trials_ended`` and so on.
    """
    answer, metric = comparison.answer, comparison.metric
    taken = [contender for contender in comparison.contenders if contender.label == answer.take]
    leads = [-rival.difference for rival in answer.rivals if rival.difference is not None]
    deviations = [rival.deviation for rival in answer.rivals if rival.deviation is not None]
    judgements = [rival.judgement for rival in answer.rivals]
    return {
        **({f"study/validation_{metric}": taken[0].median} if taken else {}),
        **({f"study/test_{metric}": test[f"test/{metric}"]} if test else {}),
        **({"study/lead": min(leads)} if leads else {}),
        **({"study/costs_at_most": answer.costs_at_most} if answer.costs_at_most is not None else {}),
        **{f"study/{name.replace(' ', '_')}": judgements.count(name) for name in JUDGEMENTS if answer.confirmed},
        **({DEVIATION_METRIC: statistics.median(deviations)} if deviations else {}),
        "study/reached_target": sum(math.isfinite(trial.epochs_to(comparison.target)) for trial in comparison.trials),
        "study/training_seconds": math.fsum(second for trial in comparison.trials for second in trial.epoch_seconds),
        **{f"study/trials_{outcome}": count for outcome, count in trials.items()},
    }
