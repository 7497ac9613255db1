"""Finding clips by their words. Full text answers for scripts with spaces between words, a plain
search within the text for those without (and for emoji), so that any part of a prompt finds it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import aiosqlite

from bot.store._database import Database
from bot.store._jobs import millis, moment

__all__ = ["Asked", "Found", "Library", "Search"]

# Scripts that write no spaces between words: Thai to Khmer, kana, Han, and what belongs to them.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]+"
)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What clips are wanted; None and "" leave it open. Days are whole, both ends included, UTC."""

    words: str = ""
    model: str | None = None
    user_id: int | None = None
    since: date | None = None
    until: date | None = None
    picked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A clip that is there, with the ids a link to its message is made of."""

    job_id: str
    prompt: str
    model: str
    user_id: int
    created_at: datetime
    clip: str
    guild_id: int | None
    channel_id: int | None
    message_id: int | None
    shot_id: str | None
    number: int | None
    picked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The words of a clip, and the channels (its own, its shot's) that show it."""

    job_id: str
    scope: str
    prompt: str
    user_id: int
    channels: tuple[int, ...]


class Library:
    """The clips of one server at a time. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def find(
        self,
        scope: str,
        search: Search,
        limit: int = 25,
        *,
        offset: int = 0,
        hidden: Collection[int] = (),
    ) -> list[Found]:
        """Clips that have all the words (the beginnings of them), newest first.

        `hidden` are channels whose clips, and whose threads' clips, this person must not see.
        """
        query, values = _statement(scope, search, limit)
        values |= {"offset": offset, "hidden": json.dumps(sorted(hidden))}

        async def work(db: aiosqlite.Connection) -> list[Found]:
            return [_found(row) for row in await db.execute_fetchall(query, values)]

        return await self._db.read(work)

    async def newest(self, limit: int) -> list[Asked]:
        """The words of the newest clips that are there, of all servers, newest first."""

        async def work(db: aiosqlite.Connection) -> list[Asked]:
            return [
                Asked(
                    job_id=row["id"],
                    scope=row["scope"],
                    prompt=row["prompt"],
                    user_id=row["user_id"],
                    channels=tuple(c for c in (row["channel_id"], row["parent_id"]) if c),
                )
                for row in await db.execute_fetchall(_NEWEST, (limit,))
            ]

        return await self._db.read(work)


# CROSS JOIN: the words come first and newest first, so that the search ends at the limit.
_SELECT: Final = (
    "SELECT j.id, j.prompt, j.model, j.user_id, j.created_at, j.clip, j.guild_id, j.channel_id,"
    " j.result_message_id, t.shot_id, t.number, t.verdict IS 'picked' AS picked"
)
_BY_WORDS: Final = (
    " FROM library_words w CROSS JOIN library l ON l.id = w.rowid CROSS JOIN job j ON j.id ="
    " l.job_id LEFT JOIN take t ON t.job_id = j.id WHERE library_words MATCH :words"
)
_BY_TIME: Final = (
    " FROM library l CROSS JOIN job j ON j.id = l.job_id LEFT JOIN take t ON t.job_id = j.id"
    " WHERE 1"
)
_PICKED: Final = " AND l.job_id IN (SELECT job_id FROM take WHERE verdict = 'picked')"
_THERE: Final = (
    " AND l.scope = :scope AND j.scope = :scope AND j.state = 'done' AND j.clip <> ''"
    " AND NOT EXISTS (SELECT 1 FROM trash d WHERE d.job_id = j.id)"
)
_SEEN: Final = (
    " AND coalesce(j.channel_id, 0) NOT IN (SELECT value FROM json_each(:hidden))"
    " AND coalesce((SELECT s.channel_id FROM shot s WHERE s.id = t.shot_id), 0)"
    " NOT IN (SELECT value FROM json_each(:hidden))"
)
_NEWEST: Final = (
    "SELECT j.id, j.scope, j.prompt, j.user_id, j.channel_id, s.channel_id AS parent_id"
    " FROM library l JOIN job j ON j.id = l.job_id LEFT JOIN take t ON t.job_id = j.id"
    " LEFT JOIN shot s ON s.id = t.shot_id WHERE j.state = 'done' AND j.clip <> ''"
    " AND NOT EXISTS (SELECT 1 FROM trash d WHERE d.job_id = j.id)"
    " ORDER BY l.id DESC LIMIT ?"
)


def _statement(scope: str, search: Search, limit: int) -> tuple[str, dict[str, Any]]:
    phrases, parts = _terms(search.words)
    values: dict[str, Any] = {"scope": scope, "limit": limit}
    parts_sql = ""
    for index, part in enumerate(parts):
        parts_sql += f" AND instr(CAST(l.prompt AS BLOB), CAST(:part{index} AS BLOB))"
        values[f"part{index}"] = part
    if phrases:
        wanted = " AND ".join(f'"{phrase}"*' for phrase in phrases)
        values["words"] = f'scope : "{scope}" AND prompt : ({wanted})'
    source = _BY_WORDS if phrases else _BY_TIME
    order = " ORDER BY w.rowid DESC" if phrases else " ORDER BY l.id DESC"
    filters = _filters(search, values)
    return (
        f"{_SELECT}{source}{_THERE}{_SEEN}{parts_sql}{filters}{order} LIMIT :limit OFFSET :offset",
        values,
    )


def _terms(words: str) -> tuple[list[str], list[str]]:
    """(phrases for the full text, parts to look for as they are)."""
    parts = list[str](_UNSPACED.findall(words))
    phrases: list[str] = []
    for token in _UNSPACED.sub(" ", words).split():
        if any(char.isalnum() for char in token):
            phrases.append(token.replace('"', " ").replace("\0", " "))
        elif any(ord(char) > 0x2190 for char in token):  # a picture or a sign, not punctuation
            parts.append(token)
    return phrases, parts


def _filters(search: Search, values: dict[str, Any]) -> str:
    conditions: Sequence[tuple[str, str, object]] = (
        ("model", "l.model = :model", search.model),
        ("user", "l.user_id = :user", search.user_id),
        ("since", "l.created_at >= :since", search.since and _midnight(search.since)),
        ("until", "l.created_at < :until", search.until and _midnight(search.until + _DAY)),
    )
    chosen = [
        (name, condition, value) for name, condition, value in conditions if value is not None
    ]
    values |= {name: value for name, _, value in chosen}
    picked = _PICKED if search.picked else ""
    return "".join(f" AND {condition}" for _, condition, _ in chosen) + picked


def _midnight(day: date) -> int:
    return millis(datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00"))


def _found(row: sqlite3.Row) -> Found:
    return Found(
        job_id=row["id"],
        prompt=row["prompt"],
        model=row["model"],
        user_id=row["user_id"],
        created_at=moment(row["created_at"]),
        clip=row["clip"],
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        message_id=row["result_message_id"],
        shot_id=row["shot_id"],
        number=row["number"],
        picked=bool(row["picked"]),
    )
