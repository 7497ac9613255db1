"""One row per figure: what was measured, its budget, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Row", "percentile", "show"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """`good` is None for a figure without a budget, or one that could not be taken here."""

    what: str
    budget: str
    measured: str
    good: bool | None
    note: str = ""

    @property
    def verdict(self) -> str:
        said = {True: "within", False: "over", None: ""}[self.good]
        return ": ".join(part for part in (said, self.note) if part)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def show(rows: Sequence[Row]) -> None:
    lines = [("what", "budget", "measured", "verdict")]
    lines += [(row.what, row.budget, row.measured, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[3]]).rstrip(), flush=True)
