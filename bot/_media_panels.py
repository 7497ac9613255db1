"""What of a ranking goes into its picture: the categories voted on most, in short words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from bot.ranking import Ranking, Row
from bot.router import CATEGORY_NAMES

__all__ = ["note_of", "panels_of"]

PANELS: Final = 4  # more would be too small to read on a phone
ROWS: Final = 4

PriceOf = Callable[[str, str], float | None]  # model, category -> micro-USD a kept second


def panels_of(ranked: Ranking, price_of: PriceOf) -> list[dict[str, Any]]:
    """Overall first, then by votes; each with its leading models and what a kept second cost."""
    return [_panel(ranked, category, price_of) for category in _shown(ranked)]


def note_of(ranked: Ranking) -> str:
    if not ranked.votes:
        return "No votes yet. /compare starts the first."
    hidden = len(ranked.sentences) - len(_shown(ranked))
    more = f", {hidden} more in the text" if hidden else ""
    return f"Votes: {ranked.votes}, people: {ranked.voters}{more}"


def _shown(ranked: Ranking) -> Sequence[str]:
    busiest = sorted(ranked.sentences, key=lambda name: -_votes(ranked, name))[:PANELS]
    return [name for name in ranked.sentences if name in busiest]


def _votes(ranked: Ranking, category: str) -> int:
    return max(row.votes for row in ranked.of(category))


def _panel(ranked: Ranking, category: str, price_of: PriceOf) -> dict[str, Any]:
    rows = [row for row in ranked.of(category) if row.votes]
    leader = rows[0]
    told = f"your team prefers {leader.name}" if leader.separated else "not enough votes yet"
    return {
        "title": CATEGORY_NAMES[category].capitalize(),
        "news": told,
        "rows": [_line(row, price_of(row.model, category)) for row in rows[:ROWS]],
    }


def _line(row: Row, per_s_micros: float | None) -> dict[str, Any]:
    price = "" if per_s_micros is None else f", ${per_s_micros / 1_000_000:.2f} a kept second"
    return {
        "name": row.name,
        "score": f"{row.wins} of {row.votes}{price}",
        "prior": row.prior,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "separated": row.separated,
    }
