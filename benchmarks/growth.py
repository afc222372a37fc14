"""What becomes of time and memory as trials, stored runs and images grow more."""

from __future__ import annotations

from benchmarks.growth_images import measure_images
from benchmarks.growth_store import measure_store
from benchmarks.growth_trials import measure_trials
from benchmarks.plan import Plan
from benchmarks.result import Figure, Ratio, Result, make_result


def growth(plan: Plan) -> Result:
    """Measure each at sizes of which one is ten times or more the other; each part has its targets."""
    figures: list[Figure] = []
    ratios: list[Ratio] = []
    for measure in (measure_trials, measure_store, measure_images):
        measured, held = measure(plan)
        figures += measured
        ratios += held
    note = "Private memory: without the pages of files that are mapped, which the system takes back at need."
    return make_result("growth", figures, ratios, [note])
