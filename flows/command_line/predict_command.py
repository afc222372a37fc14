"""The command `predict`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from flows.command_line.session import DONE, INCOMPLETE
from tasks.terminal.messages import quiet_start, say, take_over_logging

REPORTS = Path("reports")  # where pages go

if TYPE_CHECKING:
    from tasks.prediction.fetched_model import FetchedModel
    from tasks.prediction.prediction_file import Write
    from tasks.prediction.predictions import Prediction
    from tasks.prediction.tally import Tally
    from tasks.sources.picture_list import PictureList


def predict(
    model: str, /, *images: str, output: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Say what a stored model takes pictures for: the class of each, its probability and the next two.

    The exit status is 1 if some of them cannot be read.

    Args:
        model: A run; a comparison, whose recommended model is meant; or a registered model, NAME@ALIAS or NAME/VERSION.
        images: Image files; folders of images, labelled if their subfolders are classes of the model; CSVs with the
            column file and, if wanted, label.
        output: Write all predictions to this FILE.csv or FILE.jsonl.
        json: Print one JSON object on standard output, and everything else on standard error.
    """
    from tasks.prediction.prediction_file import json_object, prediction_file, require_writable
    from tasks.sources.picture_list import given_paths, list_pictures

    paths = given_paths(images)
    if output:
        require_writable(output, paths)
    console = Console(stderr=json)
    from tasks.prediction.fetched_model import fetched_model

    take_over_logging(console)
    with fetched_model(model) as fetched, ExitStack() as printed:
        found = list_pictures(paths, fetched.description.classes)
        say(console, "\n".join([_banner(fetched), *found.remarks, ""]))
        about: dict[str, Any] = {"model": model, "run": fetched.run_id, "output": output and str(output.absolute())}
        writes = [printed.enter_context(json_object(sys.stdout, about))] if json else []
        with ExitStack() as file:  # whole before the page is written, for which there may be no room
            writes += [file.enter_context(prediction_file(output))] if output else []
            tally, shown = _predicted(console, fetched, found, writes)
        _tell(console, tally, shown, len(found.pictures))
        page = _mistakes(tally, fetched, output) if tally.judged else None
        about |= {**tally.summary(), "page": page and str(page)}
    written = {"Its mistakes     ": page, "All predictions  ": output and output.absolute()}
    if lines := [f"{what}{where}" for what, where in written.items() if where]:
        say(console, "\n".join(["", *lines]))
    return INCOMPLETE if tally.unreadable else DONE


def _banner(fetched: FetchedModel) -> str:
    how = fetched.description
    height, width, channels = how.image_shape
    colours = "grey" if channels == 1 else "colour"
    estimates = "" if how.estimates == "softmax" else ". Its outputs estimate probabilities, and may leave 0 to 1"
    return (
        f"The model of run {fetched.run_id}: {len(how.classes)} classes, images of {height}x{width} pixels in "
        f"{colours} ({how.fit}){estimates}"
    )


def _predicted(
    console: Console, fetched: FetchedModel, found: PictureList, writes: Sequence[Write]
) -> tuple[Tally, list[Prediction]]:
    """Return what all predictions come to, and the first of them; all are written."""
    from tasks.prediction.prediction_lines import SHOWN
    from tasks.prediction.predictions import predict_pictures
    from tasks.prediction.tally import Tally
    from tasks.terminal.progress import predicting_progress, progress_console

    with quiet_start():
        classifier = fetched.opened()
    take_over_logging(console)  # which what was imported has changed
    progress_console.set(console)
    classes = fetched.description.classes
    tally = Tally(classes)
    shown: list[Prediction] = []
    with predicting_progress(len(found.pictures)) as advance:
        for block in predict_pictures(classifier, found.pictures, advance):
            tally.add(block)
            if not writes and len(shown) == SHOWN:
                continue
            for prediction in block.predictions(classes):
                shown += [prediction] if len(shown) < SHOWN else []
                for write in writes:
                    write(prediction)
    return tally, shown


def _tell(console: Console, tally: Tally, shown: Sequence[Prediction], total: int) -> None:
    from tasks.prediction.prediction_lines import summary_lines, table_lines

    say(console, "\n".join([*table_lines(shown), *summary_lines(tally, total - len(shown))]))


def _mistakes(tally: Tally, fetched: FetchedModel, output: Path | None) -> Path:
    """Write the page of mistakes, beside the file of all predictions if there is one, and return where it lies."""
    from tasks.prediction.judged_pictures import write_mistakes

    beside = output and output.with_name(f"{output.name}.html")  # no name that anybody has by accident
    page = (beside or REPORTS / fetched.run_id / "predicted.html").absolute()
    write_mistakes(tally, fetched, page)
    return page
