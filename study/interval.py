"""What an interval is."""

from __future__ import annotations

Interval = tuple[float, float]  # its ends, the lower one first
