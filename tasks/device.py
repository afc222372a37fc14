"""Choose the device that a model is built, trained and evaluated on."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from tasks.errors import InputError


def select_device(wanted: Literal["auto", "cpu", "gpu"]) -> Literal["cpu", "gpu"]:
    """Return the device to use, with memory growth on for every GPU.

    Raises:
        InputError: a GPU is wanted and TensorFlow sees none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        raise InputError(
            "device: received 'gpu', but TensorFlow sees no GPU on this machine; "
            "choose cpu or auto, or install what TensorFlow needs to see it (its CUDA libraries and the driver)"
        )
    for gpu in gpus:
        # Without it one process takes the whole memory, and a second trial on the same GPU fails.
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    tf.config.list_logical_devices()  # starts TensorFlow's runtime, which writes its notes now rather than later
    return "gpu" if gpus and wanted != "cpu" else "cpu"
