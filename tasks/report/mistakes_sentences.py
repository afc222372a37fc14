"""What models get wrong, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from study.agreement import CONFIDENT
from study.calibration import Reliability
from study.number_formats import in_points
from tasks.report.mistakes import Mistakes

POOR = 0.2  # a share of wrong answers above which what is doubted is the model rather than the label
CALIBRATED = 0.01  # an expected calibration error up to which a model's probabilities are what they say


def headline(mistakes: Mistakes) -> str:
    """Say how often the models are wrong."""
    judged, wrong, answers = mistakes.judged, mistakes.wrong, mistakes.answers
    if not wrong:
        return f"No mistakes: {_counted(len(judged.example), 'image')}, and each is classified rightly."
    if judged.models == 1:
        return f"Wrong on {wrong:,} of {_counted(answers, 'image')} ({share(wrong / answers)})."
    said = _counted(answers, "answer")
    return f"The {judged.models} models are wrong in {wrong:,} of {said} ({share(wrong / answers)})."


def sentences(mistakes: Mistakes) -> list[str]:
    """Say what judges what, where the models agree, and what follows for labels and probabilities."""
    return [
        *mistakes.images.about,
        *_agreed(mistakes),
        mistakes.no_issues or _issues(mistakes),
        calibration_sentence(mistakes.reliability),
    ]


def calibration_sentence(found: Reliability) -> str:
    """Say how far probabilities can be believed."""
    said, right = share(found.confidence), share(found.accuracy)
    what = f"expected calibration error {found.error:.4f}"
    if found.error <= CALIBRATED:
        return f"Probabilities can be believed: answers are {said} sure on average, and {right} are right ({what})."
    how = "too sure" if found.confidence > found.accuracy else "right more often than they say"
    off = f"Probabilities are off by {in_points(found.error)} on average ({what})"
    return f"{off}: answers are {said} sure, and {right} are right, so they are {how}."


def share(part: float) -> str:
    """Return a share in percent with one digit after the point, or as many as it takes to tell it from none and all."""
    if part in (0.0, 1.0):
        return f"{100 * part:g} %"
    texts = [f"{100 * part:.{digits}f}" for digits in (1, 2, 3)]
    return next((text for text in texts if 0 < float(text) < 100), texts[-1]) + " %"


def _agreed(mistakes: Mistakes) -> list[str]:
    judged = mistakes.judged
    if judged.models == 1 or not mistakes.wrong:
        return []
    several = judged.judging > 1
    on_all = several & (judged.wrong == judged.judging)
    sure = on_all & (judged.confidence >= CONFIDENT)
    on_some = several & (judged.wrong > 0) & ~on_all
    alone = (judged.judging == 1) & (judged.wrong > 0)
    surely = f"{int(sure.sum()):,} of them with confidence: there a wrong label is probable."
    said = [
        f"Of {_images(several)} that several of them judge, {_are(on_all)} wrong on all of these seeds, {surely}",
        f"Of these, {_are(on_some)} wrong on some seeds: they are hard.",
    ]
    lone = f"Of {_images(judged.judging == 1)} that one alone judges, {_are(alone)} wrong."
    return [*(said if several.any() else []), *([lone] if alone.any() else [])]


def _issues(mistakes: Mistakes) -> str:
    found, images = len(mistakes.issues), _counted(len(mistakes.judged.example), "image")
    if not found:
        return f"No label of {images} is doubted."
    said = f"{_counted(found, 'label')} of {images} {'is' if found == 1 else 'are'} doubted"
    poor = mistakes.wrong > POOR * mistakes.answers
    if poor:
        return f"{said}, but models that are wrong so often say little about labels."
    return f"{said}: look at {'it' if found == 1 else 'them'}."


def _images(which: NDArray[np.bool_]) -> str:
    return _counted(int(which.sum()), "image")


def _are(which: NDArray[np.bool_]) -> str:
    return f"{int(which.sum()):,} {'is' if which.sum() == 1 else 'are'}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
