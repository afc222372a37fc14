"""The names that models are registered by, and the aliases that move from one version to another."""

from __future__ import annotations

import re

from tasks.foundation.errors import InputError

# The version that is in use, and the one that was before it: models:/NAME@champion is what others load.
CHAMPION, PREVIOUS = "champion", "previous"
LONGEST_NAME = 200
ALLOWED = (
    f"letters, digits, blanks and . _ + -, at most {LONGEST_NAME} of them, a letter, a digit or _ first, as in "
    "digits-lenet"
)
# MLflow forbids / and :, and reads others of these as a part of an address: models:/NAME@ALIAS.
_NAME = re.compile(r"\w(?:[\w .+-]*[\w.+-])?")


def require_model_name(name: str) -> str:
    """Return a name under which a model can be registered, and found again by everybody. Raises InputError."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise InputError(f"name: received {name!r}; allowed: {ALLOWED}")
    return name


def require_no_address(name: str) -> None:
    """Raise InputError for a name that no registry can have, which it would answer with an error of its own.

    Fewer than `require_model_name` refuses: models that others have registered are found whatever else they are called.
    """
    if not name.strip() or name in (".", "..") or set("/:") & set(name):
        raise InputError(f"name: received {name!r}; allowed: {ALLOWED}")
