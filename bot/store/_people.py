"""Rows of people's languages, and of messages that belong to no job alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import aiosqlite

from bot.store._database import Database

__all__ = ["People"]


class People:
    """What is remembered beside jobs and shots. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def locales(self) -> dict[int, str]:
        """Everybody's language by user id."""

        async def work(db: aiosqlite.Connection) -> dict[int, str]:
            rows = await db.execute_fetchall("SELECT user_id, locale FROM person")
            return {row["user_id"]: row["locale"] for row in rows}

        return await self._db.read(work)

    async def set_locale(self, user_id: int, locale: str) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO person (user_id, locale) VALUES (?, ?)"
                " ON CONFLICT (user_id) DO UPDATE SET locale = excluded.locale",
                (user_id, locale),
            )

        await self._db.write(work)

    async def keep_files(
        self, scope: str, message_id: int, files: Sequence[tuple[str, str, str]]
    ) -> None:
        """Files (address, name, kind) on a message, for when we may not see them any more."""
        text = json.dumps({"scope": scope, "files": files})

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO pointed (message_id, files) VALUES (?, ?)"
                " ON CONFLICT (message_id) DO UPDATE SET files = excluded.files",
                (message_id, text),
            )

        await self._db.write(work)

    async def files_on(self, scope: str, message_id: int) -> list[tuple[str, str, str]]:
        """What was kept of a message of that server, nothing where nobody pointed at it."""

        async def work(db: aiosqlite.Connection) -> list[tuple[str, str, str]]:
            rows = await db.execute_fetchall(
                "SELECT files FROM pointed WHERE message_id = ?", (message_id,)
            )
            kept = [json.loads(row["files"]) for row in rows]
            own = [one["files"] for one in kept if one["scope"] == scope]
            return [(f[0], f[1], f[2]) for files in own for f in files]

        return await self._db.read(work)

    async def sheet(self, batch: str) -> int | None:
        """The message a batch's takes are shown on, None while there is none."""

        async def work(db: aiosqlite.Connection) -> int | None:
            rows = await db.execute_fetchall(
                "SELECT message_id FROM sheet WHERE batch = ?", (batch,)
            )
            return next((int(row["message_id"]) for row in rows), None)

        return await self._db.read(work)

    async def set_sheet(self, batch: str, message_id: int) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO sheet (batch, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (batch, message_id),
            )

        await self._db.write(work)
