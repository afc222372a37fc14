"""Settings of Keras that count for all that a process makes: a person's own code is not to change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras

from tasks.foundation.errors import InputError

SETTINGS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "dtype policy": (lambda: keras.config.dtype_policy().name, keras.config.set_dtype_policy),
    "floatx": (keras.config.floatx, keras.config.set_floatx),
    "epsilon": (keras.config.epsilon, keras.config.set_epsilon),
    "image data format": (keras.config.image_data_format, keras.config.set_image_data_format),
}


@contextmanager
def kept_settings(name: str) -> Iterator[None]:
    """Put the settings back after the block, in which code of the name ``name`` runs.

    Raises:
        InputError: it has changed them.
    """
    before = {setting: read() for setting, (read, _) in SETTINGS.items()}
    try:
        yield
    finally:
        changed = {setting: value for setting, value in before.items() if SETTINGS[setting][0]() != value}
        now = {setting: SETTINGS[setting][0]() for setting in changed}
        for setting, value in changed.items():
            SETTINGS[setting][1](value)
    if changed:
        shown = ", ".join(f"the {setting} from {value!r} to {now[setting]!r}" for setting, value in changed.items())
        raise InputError(
            f"{name} changes Keras' settings for all that this process makes: {shown}; leave that out (the parameter "
            "precision says what layers compute in)"
        )
