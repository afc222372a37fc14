"""Errors that have to be told in another process."""

from __future__ import annotations

import pickle
import threading

import pytest

from tasks.errors import InputError, RemoteError, portable_errors


class StubbornError(Exception):
    """Holds what cannot be handed on, like those of HTTP clients."""

    def __init__(self, *, status: int) -> None:
        super().__init__(f"status {status}")
        self.connection = threading.Lock()


def test_an_error_that_cannot_be_made_again_is_told_in_its_words() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(StubbornError(status=409))
    with pytest.raises(RemoteError, match=r"^StubbornError: status 409$") as told, portable_errors():
        raise StubbornError(status=409)
    assert str(pickle.loads(pickle.dumps(told.value))) == "StubbornError: status 409"  # noqa: S301 - our own bytes


def test_any_other_error_stays_as_it_is() -> None:
    error = InputError("a reason")
    with pytest.raises(InputError) as told, portable_errors():
        raise error
    assert told.value is error
    with pytest.raises(KeyboardInterrupt), portable_errors():
        raise KeyboardInterrupt
