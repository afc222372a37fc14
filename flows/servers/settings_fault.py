"""A setting of Prefect that cannot be used, in a line: Prefect itself ends in an error of pydantic at its import."""

from __future__ import annotations

import os
import re

from pydantic import ValidationError


def settings_fault(error: Exception) -> str:
    """Say which of Prefect's settings an error is about, and what to do; nothing of any other error.

    What was received is not said: it may be a password.
    """
    if isinstance(error, ValidationError) and error.title.endswith("Settings"):
        first = error.errors()[0]
        name, why = str(first["loc"][-1]), first["msg"]
    elif type(error).__module__.startswith("pydantic_settings") and (field := re.search('field "(.*?)"', str(error))):
        name, why = field[1], "it is no JSON"
    else:
        return ""
    variables = [each for each in os.environ if re.fullmatch(f"PREFECT_(.*_)?{name}", each, re.IGNORECASE)]
    where = " or ".join(variables) or "in its profile, or in a file prefect.toml, pyproject.toml or .env here"
    return f"Prefect's setting {name!r} ({where}) cannot be used: {why}; mend it, or take it away"
