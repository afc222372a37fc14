"""The command `inspect`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from flows.command_line.session import DONE
from flows.parameters.inspect import InspectParameters
from flows.parameters.signature import validated
from tasks.foundation.errors import InputError
from tasks.sources.dataset_names import require_known
from tasks.terminal.messages import quiet_start, say, take_over_logging

if TYPE_CHECKING:
    from tasks.data.prepared import PreparedDataset
    from tasks.inspection.inspection import Inspection


def inspect(**given: Any) -> int:
    """Prepare a dataset and look at it: one page with its classes, examples, copies, and what should worry.

    Args:
        **given: The parameters, as typed.
    """
    parameters = validated(InspectParameters, given)
    if "dataset" not in given:
        raise InputError("dataset: received nothing; say what to look at: folder:PATH, csv:FILE, digits, mnist, ...")
    require_known(parameters.dataset, parameters.data_dir)
    console = Console()
    take_over_logging(console)
    said, page = _inspected(console, parameters)
    say(console, "\n".join(f"- {sentence}" for sentence in said) or "Nothing here should worry you.")
    say(console, f"\nThe page  {page}")
    return DONE


def _inspected(console: Console, p: InspectParameters) -> tuple[tuple[str, ...], Path]:
    """Return what should worry, and the page."""
    with quiet_start():  # all of it: resizing starts TensorFlow
        from tasks.dataset import prepare_dataset
        from tasks.inspect import inspected
        from tasks.inspection.worries import worries
        from tasks.terminal.progress import comparing_progress, progress_console

        take_over_logging(console)  # which what was imported has changed
        progress_console.set(console)
        prepared = prepare_dataset.fn(p.dataset, **p.preparation(), **p.only("data_dir", "download"))
        with comparing_progress(sum(prepared.examples.values())) as advance:
            found, page = inspected(prepared, advance=advance)
        return worries(found), _augmented(prepared, found, page, p.augment, p) if p.augment else page


def _augmented(
    prepared: PreparedDataset, found: Inspection, page: Path, augment: Sequence[str], p: InspectParameters
) -> Path:
    """Return a page beside the usual one that shows what augmentation makes of some images."""
    from markupsafe import Markup

    from tasks.report.augmentation_sheet import augmentation_file
    from tasks.report.dataset_page import dataset_page

    pictures = augmentation_file(prepared, augment, **p.only("seed", "batch_size"), shuffle=True)
    source = base64.b64encode(next(iter(pictures.values()))).decode("ascii")
    label = f"Training images with {', '.join(augment)}"
    picture = Markup('<div class="augmented"><img alt="{}" src="data:image/png;base64,{}"></div>').format(label, source)
    augmented = page.with_name(f"dataset_{'_'.join(augment)}.html")
    augmented.write_text(dataset_page(prepared, found, picture), encoding="utf-8")
    return augmented
