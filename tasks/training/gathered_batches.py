"""Batches whose mean gradient makes one update."""

from __future__ import annotations

from tasks.foundation.errors import InputError


def require_an_update(accumulate: int, *, batches: int) -> None:
    """Raise InputError for a training with fewer batches than are gathered for its first update."""
    if accumulate > batches:
        raise InputError(
            f"accumulate: received {accumulate}, but the whole training has {batches} batches, so that it would make "
            f"no update; give at most {batches}"
        )
