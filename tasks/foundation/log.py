"""The log that a task writes to."""

from __future__ import annotations

import logging
import sys


def task_log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Return the log of the running task or flow; outside of one, as in ``task.fn(...)``, this module's."""
    if "prefect" not in sys.modules:  # then none is running, and a command without any need not wait for the import
        return logging.getLogger(__name__)
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
