"""Rows of what the desk remembers: further posts, restricted channels, searches, told news."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import aiosqlite
from pydantic import TypeAdapter

from bot.store._database import Database
from bot.store._jobs import millis
from bot.store._library import Search

__all__ = ["DeskNotes", "Posting"]

_SEARCH: Final = TypeAdapter(Search)
_SEARCHES_LIVE: Final = timedelta(days=2)  # their buttons are on messages for one person's eyes


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """A further message with a clip."""

    job_id: str
    channel_id: int
    message_id: int


class DeskNotes:
    """Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_posting(self, scope: str, posting: Posting, now: datetime) -> None:
        """A clip was shown again; the only place of one that had none is now this one."""

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO posting (message_id, job_id, scope, channel_id, posted_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (posting.message_id, posting.job_id, scope, posting.channel_id, millis(now)),
            )
            await db.execute(
                "UPDATE job SET channel_id = ?, result_message_id = ?, reason = '', message = ''"
                " WHERE id = ? AND scope = ? AND state = 'done' AND result_message_id IS NULL",
                (posting.channel_id, posting.message_id, posting.job_id, scope),
            )

        await self._db.write(work)

    async def postings(self, scope: str, job_id: str) -> list[Posting]:
        """Every further message of a clip, oldest first."""
        rows = await self._fetch(
            "SELECT * FROM posting WHERE scope = ? AND job_id = ? ORDER BY posted_at, message_id",
            scope,
            job_id,
        )
        return [
            Posting(
                job_id=row["job_id"], channel_id=row["channel_id"], message_id=row["message_id"]
            )
            for row in rows
        ]

    async def set_restricted(self, channels: Mapping[int, bool]) -> None:
        """Which channels are age-restricted now."""
        closed = [(number,) for number, restricted in channels.items() if restricted]
        opened = [(number,) for number, restricted in channels.items() if not restricted]

        async def work(db: aiosqlite.Connection) -> None:
            await db.executemany(
                "INSERT INTO restricted_channel (channel_id) VALUES (?) ON CONFLICT DO NOTHING",
                closed,
            )
            await db.executemany("DELETE FROM restricted_channel WHERE channel_id = ?", opened)

        await self._db.write(work)

    async def restricted(self, channels: Collection[int]) -> bool:
        """Whether any of these channels was age-restricted when last seen."""
        marks = ", ".join("?" * len(channels))
        rows = await self._fetch(
            f"SELECT 1 FROM restricted_channel WHERE channel_id IN ({marks})",  # noqa: S608 - only marks
            *channels,
        )
        return bool(rows)

    async def keep_search(
        self, search_id: str, scope: str, user_id: int, search: Search, now: datetime
    ) -> None:
        text = _SEARCH.dump_json(search).decode()

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "DELETE FROM search WHERE created_at < ?", (millis(now - _SEARCHES_LIVE),)
            )
            await db.execute(
                "INSERT INTO search (id, scope, user_id, search, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (search_id, scope, user_id, text, millis(now)),
            )

        await self._db.write(work)

    async def search(self, search_id: str, scope: str, user_id: int) -> Search | None:
        """What this person looked for; None once it is forgotten."""
        rows = await self._fetch(
            "SELECT search FROM search WHERE id = ? AND scope = ? AND user_id = ?",
            search_id,
            scope,
            user_id,
        )
        return next((_SEARCH.validate_json(row["search"]) for row in rows), None)

    async def told(self, scope: str, keys: Collection[str]) -> set[str]:
        """Which of these news a server's log channel has had."""
        marks = ", ".join("?" * len(keys))
        rows = await self._fetch(
            f"SELECT key FROM notice WHERE scope = ? AND key IN ({marks})",  # noqa: S608 - only marks
            scope,
            *keys,
        )
        return {row["key"] for row in rows}

    async def set_told(self, scope: str, key: str, now: datetime) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO notice (scope, key, told_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (scope, key, millis(now)),
            )

        await self._db.write(work)

    async def _fetch(self, query: str, *values: object) -> list[Any]:
        async def work(db: aiosqlite.Connection) -> list[Any]:
            return list(await db.execute_fetchall(query, values))

        return await self._db.read(work)
