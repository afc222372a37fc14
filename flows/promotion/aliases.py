"""Which version a name stands for, changed in steps that can be broken off at any place and finished by the next call.

What is to be is written down first, as a tag of the registered model. Then the aliases are set, each in one step of the
store: so a name has one champion at any time, and once it had one it never has none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError, PlainError
from tasks.tracking.mlflow_registry import RegisteredModel, find_model, set_alias, tag_model
from tasks.tracking.registry_names import CHAMPION, PREVIOUS
from tasks.tracking.store import registry_name

MOVING_TAG = "promotion.moving"  # of the registered model: what its aliases are about to be


class Move(BaseModel):
    """Which versions the aliases are to stand for: ``previous`` none if there was no champion."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["promote", "back"]
    champion: str
    previous: str | None


def champion_becomes(name: str, version: str, *, instead_of: str | None) -> None:
    """Let a version be champion, and the one that was be the previous one.

    Args:
        name: Of the registered model.
        version: The new one.
        instead_of: The champion that it was judged against; none if there was none.

    Raises:
        PlainError: another has become champion meanwhile; nothing is moved.
    """
    with one_at_a_time(name):
        _finish(name)
        now = _model(name).aliases.get(CHAMPION)
        if now != instead_of:
            raise PlainError(
                f"Version {now} of {name!r} has become champion while version {version} was judged against "
                f"{'none' if instead_of is None else f'version {instead_of}'}. Nothing was moved: promote it again"
            )
        _begin(name, Move(kind="promote", champion=version, previous=instead_of))


def go_back(name: str) -> Move:
    """Let the previous version be champion again, and the champion be the previous one; return what is so now.

    A change back that was broken off is finished, and no other is made.

    Raises:
        InputError: there is no such model, or no previous version.
    """
    with one_at_a_time(name):
        if (finished := _finish(name)) and finished.kind == "back":
            return finished
        aliases = _model(name).aliases
        champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if previous is None or previous == champion:
            raise InputError(
                f"back: {name!r} has no previous champion to go back to in the registry {registry_name()!r}; its "
                f"champion is {'none' if champion is None else f'version {champion}'}"
            )
        return _begin(name, Move(kind="back", champion=previous, previous=champion))


def finish_move(name: str) -> Move | None:
    """Do what is left of a change that was broken off, and return it; none if there is no such."""
    with one_at_a_time(name):
        return _finish(name)


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Let one process of a person on this machine change what a name stands for at a time."""
    what = hashlib.sha256(f"{registry_name()} {name}".encode()).hexdigest()[:16]
    with FileLock(_own_folder() / f"promote-{what}.lock"):
        yield


def _own_folder() -> Path:
    """Return a folder for the locks of this person on this machine, wherever they work.

    Raises:
        StorageError: it cannot be made, or is somebody else's, who could have it lead to any file of ours.
    """
    folder = Path(tempfile.gettempdir()) / f"flows-{os.getuid()}"
    with storing(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise OSError(errno.EPERM, "it belongs to somebody else")
    return folder


def _finish(name: str) -> Move | None:
    model = find_model(name)
    said = model.tags.get(MOVING_TAG) if model else None
    if not said:
        return None
    move = Move.model_validate_json(said)
    _make(name, move)
    return move


def _begin(name: str, move: Move) -> Move:
    tag_model(name, MOVING_TAG, move.model_dump_json())
    crash_point("move_begun")
    _make(name, move)
    return move


def _make(name: str, move: Move) -> None:
    """Set the aliases, and take away what was written down; doing it again changes nothing."""
    if move.previous is not None:
        set_alias(name, PREVIOUS, move.previous)
        crash_point("previous_set")
    set_alias(name, CHAMPION, move.champion)
    crash_point("champion_set")
    tag_model(name, MOVING_TAG, None)


def _model(name: str) -> RegisteredModel:
    if model := find_model(name):
        return model
    raise InputError(f"name: the registry {registry_name()!r} has no model {name!r}; promote a run under that name")
