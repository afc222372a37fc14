"""What a comparison could show, said before it runs."""

from __future__ import annotations

import math

from flows.comparison.stored_study import METRIC_TAG
from flows.comparison.study_metrics import DEVIATION_METRIC
from study.metric import NAMES
from study.number_formats import counted, in_points, listed, points
from study.plan import Plan
from study.power import binomial_variance, smallest_difference
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import DATASET_TAG, FLOW_TAG


def what_it_could_show(plan: Plan, dataset_digest: str) -> list[str]:
    """Return, in words, the smallest differences that its looks find, by what an earlier comparison came to.

    Args:
        plan: What is asked.
        dataset_digest: Of the data, by which an earlier comparison of the same is found.
    """
    if not plan.looks:
        return ["Nothing is confirmed (looks: none), so it could show nothing about which is better."]
    if len(plan.contenders) < 2:
        return []
    deviation, source = _spread(plan, dataset_digest)
    found = [points(smallest_difference(plan, seeds, deviation**2)) for seeds in plan.looks]
    return [
        (
            f"It could show: in 80 of 100 cases it finds a difference of {listed(found)} points with "
            f"{listed([*map(str, plan.looks)])} confirm seeds. That takes a seed's difference to vary by "
            f"{in_points(deviation)} (standard deviation), {source}."
        )
    ]


def _spread(plan: Plan, dataset_digest: str) -> tuple[float, str]:
    """Return the standard deviation of a seed's difference, and where it is from."""
    earlier = [
        run
        for run in mlflow_client.find_runs(f"tags.{FLOW_TAG} = 'compare' and tags.`{DATASET_TAG}` = '{dataset_digest}'")
        if run.metrics.get(DEVIATION_METRIC) and run.tags.get(METRIC_TAG, "accuracy") == plan.metric
    ]
    if earlier:
        return earlier[0].metrics[DEVIATION_METRIC], f"as in the comparison {earlier[0].run_id} on the same data"
    images = counted(plan.validation_images, "validation image")
    of_what = "" if plan.metric == "accuracy" else f", as if {NAMES[plan.metric]} were accuracy"
    guess = math.sqrt(binomial_variance(plan))
    return (
        guess,
        f"a guess from {images} alone{of_what}: no comparison was made yet",
    )
