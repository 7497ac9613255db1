"""Rows of quotes: prices somebody was shown and may still agree to, also after a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import aiosqlite
from pydantic import TypeAdapter

from bot.brief import Brief
from bot.jobs import Place
from bot.store._jobs import millis, moment

__all__ = ["KeptQuote", "drop", "insert", "select"]

_BRIEF: Final = TypeAdapter(Brief)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptQuote:
    """What was shown to whom: `terms` is the model and format the price was for."""

    id: str
    place: Place
    brief: Brief
    terms: str
    price_micros: int
    created_at: datetime

    def place_of_card(self, channel_id: int | None) -> Place:
        """Where it was meant to be shown, or the channel it was shown in instead."""
        return self.place if channel_id is None else replace(self.place, channel_id=channel_id)


async def insert(db: aiosqlite.Connection, quote: KeptQuote) -> None:
    await db.execute(
        "INSERT INTO quote (id, guild_id, channel_id, user_id, brief, terms, price_micros,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            quote.id,
            quote.place.guild_id,
            quote.place.channel_id,
            quote.place.user_id,
            _BRIEF.dump_json(quote.brief).decode(),
            quote.terms,
            quote.price_micros,
            millis(quote.created_at),
        ),
    )


async def select(db: aiosqlite.Connection, quote_id: str) -> KeptQuote | None:
    for row in await db.execute_fetchall("SELECT * FROM quote WHERE id = ?", (quote_id,)):
        place = Place(
            guild_id=row["guild_id"], channel_id=row["channel_id"], user_id=row["user_id"]
        )
        return KeptQuote(
            id=row["id"],
            place=place,
            brief=_BRIEF.validate_json(row["brief"]),
            terms=row["terms"],
            price_micros=row["price_micros"],
            created_at=moment(row["created_at"]),
        )
    return None


async def drop(db: aiosqlite.Connection, quote_id: str) -> None:
    await db.execute("DELETE FROM quote WHERE id = ?", (quote_id,))
