"""The page of what a model gets wrong of pictures whose labels are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from served_model.decoding import decode
from study.agreement import Answers
from tasks.foundation.durable_files import storing
from tasks.prediction.fetched_model import FetchedModel
from tasks.prediction.prediction_lines import CAUTION
from tasks.prediction.tally import Tally
from tasks.report.mistakes import Judged, mistakes_of
from tasks.report.mistakes_page import mistakes_page
from tasks.sources.image_listing import displayed


def write_mistakes(tally: Tally, fetched: FetchedModel, page: Path) -> None:
    """Write the page of mistakes for the pictures that were judged, at least one.

    Raises:
        StorageError: it cannot be written.
    """
    how = fetched.description
    size, _, channels = how.image_shape

    def pixels(place: int) -> NDArray[np.uint8]:
        return decode(tally.judged[place].path, size=size, channels=channels, fit=how.fit).pixels

    images = Judged(
        title=f"What the model of run {fetched.run_id} gets wrong",
        about=(f"The model judges {_pictures(len(tally.judged))} by the labels that they came with.", CAUTION),
        classes=how.classes,
        names=[displayed(str(picture.path)) for picture in tally.judged],
        pixels=pixels,
    )
    places = np.arange(len(tally.judged))
    mistakes = mistakes_of(images, [Answers.of(places, tally.labels, tally.predicted, tally.probabilities)])
    with storing(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(mistakes_page(mistakes), encoding="utf-8")


def _pictures(number: int) -> str:
    return f"{number:,} picture{'' if number == 1 else 's'}"
