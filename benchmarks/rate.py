"""How often something happened, how far that is known, and whether it is as often as it should be."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, computed_field
from rich.table import Table

LEVEL = 0.95


class Rate(BaseModel):
    """How often something happened of all the times that it could have.

    Attributes:
        group: The table that it stands in.
        name: Its row.
        what: Its column.
        times: How often it happened; ``of``, of how many times.
        at_most: The target for its share; ``at_least`` likewise.
        upper_below: The target for the upper end of its interval.
    """

    group: str
    name: str
    what: str
    times: int
    of: int
    at_most: float | None = None
    at_least: float | None = None
    upper_below: float | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def share(self) -> float:
        """How often, of once."""
        return self.times / self.of

    @computed_field  # type: ignore[prop-decorator]
    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share: of what is said of the rates there is a rate of error as well."""
        from scipy.stats import binomtest  # other benchmarks need not wait for it

        found = binomtest(self.times, self.of).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    def met(self) -> bool:
        """Return whether every target is met that there is."""
        return (
            (self.at_most is None or self.share <= self.at_most)
            and (self.at_least is None or self.share >= self.at_least)
            and (self.upper_below is None or self.interval[1] < self.upper_below)
        )

    def shown(self) -> str:
        """Return it in percent, red if it misses a target."""
        low, high = (f"{100 * end:.1f}" for end in self.interval)
        text = f"{100 * self.share:.1f} ({low} to {high})"
        return text if self.met() else f"[bold red]{text} missed[/bold red]"


def rate_tables(rates: Sequence[Rate]) -> list[Table]:
    """Return a table for each group: in percent, with the interval of each."""
    return [_table(group, [rate for rate in rates if rate.group == group]) for group in _in_order(rates, "group")]


def _table(group: str, rates: Sequence[Rate]) -> Table:
    fewest, most = (f"{end(rate.of for rate in rates):,}" for end in (min, max))
    of = f"{fewest} studies each" if fewest == most else f"{fewest} to {most}"
    table = Table(title=f"{group}, % of {of} (95 % interval)")
    table.add_column("")
    cells = {(rate.name, rate.what): rate for rate in rates}
    columns = _in_order(rates, "what")
    for what in columns:
        table.add_column(what + _targets([rate for rate in rates if rate.what == what]), justify="right")
    for name in _in_order(rates, "name"):
        table.add_row(name, *(cells[name, what].shown() if (name, what) in cells else "" for what in columns))
    return table


def _targets(rates: Sequence[Rate]) -> str:
    """Say what is asked of the rates of a column."""
    asked = [
        *(f"at most {100 * rate.at_most:g}" for rate in rates if rate.at_most is not None),
        *(f"at least {100 * rate.at_least:g}" for rate in rates if rate.at_least is not None),
    ]
    return f", {asked[0]}" if asked else ""


def _in_order(rates: Sequence[Rate], attribute: str) -> list[str]:
    return list(dict.fromkeys(getattr(rate, attribute) for rate in rates))
