"""How far the answer is known, and what would make it better known, in words."""

from __future__ import annotations

from study.answer import Answer, Doubt, Rival
from study.doubt import MORE_SEEDS
from study.metric import NAMES, Metric
from study.number_formats import in_points, points, short_number

MOST_IMAGES = 1_000  # times as many as there are, that anybody is told to find


def doubt_sentences(answer: Answer, metric: Metric) -> tuple[str, ...]:
    """Return a sentence about each rival that is undecided, and one about how all intervals of the metric were made."""
    said = [_undecided(rival, rival.doubt) for rival in answer.rivals if rival.judgement == "undecided" and rival.doubt]
    return (*said, *_method(answer, metric))


def _undecided(rival: Rival, doubt: Doubt) -> str:
    now = f"{rival.label}: ±{in_points(doubt.half_width)} with {rival.seeds} seeds"
    more = "" if rival.seeds >= MORE_SEEDS else f", about ±{points(doubt.with_more_seeds)} with {MORE_SEEDS}"
    return f"{now}{more}, ±{points(doubt.with_any_seeds)} with any number; {_remedy(doubt)}."


def _remedy(doubt: Doubt) -> str:
    """Say what would decide it: so many seeds, or with the seeds that there are so many times as many images."""
    images = ""
    if doubt.images_to_decide is not None and doubt.images_to_decide <= MOST_IMAGES:
        images = f"{short_number(max(1.1, round(doubt.images_to_decide, 1)))} times as many images"
    if doubt.seeds_to_decide is not None:
        return f"about {doubt.seeds_to_decide} seeds{f', or {images},' if images else ''} would decide it"
    said = "no number of seeds decides this with these images"
    return f"{said}; about {images} would" if images else said


def _method(answer: Answer, metric: Metric) -> list[str]:
    """Say how the intervals come about, in one line."""
    doubts = [rival.doubt for rival in answer.rivals if rival.doubt]
    if not doubts:
        return []
    images = "their covariance on the same image over all images"
    if metric == "macro_f1":  # which is no mean over images
        images = f"{images} (of each image's influence on {NAMES[metric]}, to first order)"
    if not all(doubt.images_known for doubt in doubts):
        images = "Nadeau and Bengio's rule of thumb, since not every trial has kept its predictions"
    return [
        (
            f"Every interval is Student's, at {100 * (1 - answer.level):.4g} %, so that all of them hold together with "
            f"95 %; its variance is that of the seeds' differences by their number, {images}, and that of one image in "
            "all of them."
        )
    ]
