"""How many threads TensorFlow computes an operation with: another number cuts sums differently, and so changes bits.

TensorFlow is imported where it is asked, as in `device.py`.
"""

from __future__ import annotations

from tasks.foundation.errors import InputError


def use_threads(count: int) -> None:
    """Let TensorFlow compute each operation with so many threads on the CPU, and one operation at a time.

    It is said before anything is computed, for TensorFlow cannot be told later; saying the same again changes nothing.

    Raises:
        InputError: TensorFlow has started with other threads in this process: what a run then records would not hold.
    """
    from tensorflow.config import threading

    try:
        threading.set_intra_op_parallelism_threads(count)
        threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        within, across = threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
        raise InputError(
            f"threads: received {count}, but TensorFlow has started in this process with {within} for an operation and "
            f"{across} for several at once (0: as many as there are cores), where {count} and 1 are due; train in a "
            "new process (in a notebook: restart its kernel), before TensorFlow computes anything there"
        ) from None
