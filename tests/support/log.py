"""What the pipeline logged: threads of libraries log whenever they like."""

from __future__ import annotations

import pytest


def own_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages of this pipeline's own loggers, in their order."""
    return [record.getMessage() for record in caplog.records if record.name.partition(".")[0] in ("flows", "tasks")]
