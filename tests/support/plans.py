"""Plans of benchmarks that listen to what is said, and data that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.plan import Plan


class Spoken(list[str]):
    """What was said of the progress."""

    def plan(self, rounds: int = 2) -> Plan:
        return Plan(rounds, self.append)


@contextmanager
def mnist(_plan: Plan) -> Iterator[tuple[str, str]]:
    yield "the data", "a note on the data"
