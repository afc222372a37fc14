"""What the process that workers are forked off has imported.

Nothing of it computes: TensorFlow's threads, which a fork would lose, are started by its first operation.
"""

from __future__ import annotations

import atexit
import gc
from importlib import import_module

from tasks.tracking.store import LATE_IMPORTS

gc.set_threshold(100_000)  # as in __main__.py
for module in (
    "flows.comparison.trial",
    "flows.comparison.worker_tasks",
    "tasks.fit",
    "tasks.predict",
    "prefect.task_engine",
    *LATE_IMPORTS,
):
    import_module(module)
gc.freeze()  # workers share this memory as long as they do not write to it, and looking for garbage writes
atexit.register(gc.freeze)  # else it looks through all of TensorFlow on its way out, for seconds
