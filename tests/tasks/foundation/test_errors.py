"""Errors that have to be told in another process."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable

import pytest
from tblib import pickling_support

from tasks.foundation.errors import InputError, RemoteError, portable_errors


class StubbornError(Exception):
    """Holds what cannot be handed on, like those of HTTP clients."""

    def __init__(self, *, status: int) -> None:
        super().__init__(f"status {status}")
        self.connection = threading.Lock()


@portable_errors
def fails_with(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("prepare", [lambda: None, pickling_support.install], ids=["by itself", "with its context"])
def test_an_error_that_cannot_be_made_again_is_told_in_its_words(prepare: Callable[[], None]) -> None:
    prepare()  # as importing Dask does
    with pytest.raises(TypeError):
        pickle.dumps(StubbornError(status=409))
    with pytest.raises(RemoteError) as told:
        fails_with(StubbornError(status=409))
    arrived = pickle.loads(pickle.dumps(told.value))  # noqa: S301 - our own bytes
    assert str(arrived) == "StubbornError: status 409"
    assert "in fails_with" in arrived.__notes__[0]


def test_any_other_error_stays_as_it_is() -> None:
    error = InputError("a reason")
    with pytest.raises(InputError) as told:
        fails_with(error)
    assert told.value is error
    with pytest.raises(KeyboardInterrupt):
        fails_with(KeyboardInterrupt())
