"""Bounds of numbers.

Prefect cannot give back a flow run with a whole number of more than 64 bits, nor float32 hold more than 3e38; these are
far below, and above what anybody trains with. What must not be 0 is at least what float32 can tell from it.
"""

from __future__ import annotations

MOST_EPOCHS, LARGEST_BATCH, LARGEST, LEAST = 1_000_000, 65_536, 1e30, 1e-30
