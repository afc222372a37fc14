"""Choose the device that a model is built, trained and evaluated on.

TensorFlow is imported where it is asked: a comparison, whose workers compute, does without those seconds.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Literal

from tasks.foundation.errors import InputError


def select_device(wanted: Literal["auto", "cpu", "gpu"], precision: str = "float32") -> Literal["cpu", "gpu"]:
    """Return the device to use, with memory growth on for every GPU.

    Raises:
        InputError: a GPU is wanted and TensorFlow sees none, or a precision that the CPU is no good for.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        raise InputError(
            "device: received 'gpu', but TensorFlow sees no GPU on this machine; "
            "choose cpu or auto, or install the driver and, with make GPU=1, the CUDA libraries that TensorFlow needs"
        )
    for gpu in gpus:
        # Without it one process takes the whole memory, and a second trial on the same GPU fails.
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    tf.config.list_logical_devices()  # starts TensorFlow's runtime, which writes its notes now rather than later
    device: Literal["cpu", "gpu"] = "gpu" if gpus and wanted != "cpu" else "cpu"
    if precision == "mixed_float16" and device == "cpu":
        raise InputError(
            "precision: received 'mixed_float16', but this machine computes on the CPU, which is slower in float16 "
            "than in float32 and no more exact; choose float32 or mixed_bfloat16, or a machine with a GPU"
        )
    return device


def gpus_are_possible() -> bool:
    """Return whether TensorFlow could see a GPU: on Linux it needs the library of the CUDA driver."""
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def usable_gpus(wanted: Literal["auto", "cpu", "gpu"]) -> list[str]:
    """Return the GPUs of this machine that ``wanted`` allows, as CUDA_VISIBLE_DEVICES names them."""
    if wanted == "cpu" or not gpus_are_possible():
        return []
    import tensorflow as tf

    found = [str(number) for number in range(len(tf.config.list_physical_devices("GPU")))]
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[: len(found)] if named else found


def hide_gpus() -> None:
    """Let this process compute on the CPU only: the memory of the GPUs is for those that train."""
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")
    tf.config.list_logical_devices()  # as above
