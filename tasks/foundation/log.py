"""The log that a task writes to."""

from __future__ import annotations

import logging

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger


def task_log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Return the log of the running task or flow; outside of one, as in ``task.fn(...)``, this module's."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
