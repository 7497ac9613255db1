"""Rows of server rules and of each person's own "just go" threshold."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Final

import aiosqlite
from pydantic import TypeAdapter, ValidationError

from bot.errors import Refused
from bot.rules import OPEN, Rules
from bot.store._database import Database
from bot.store._jobs import millis
from bot.texts import say

__all__ = ["ServerRules"]

_RULES: Final = TypeAdapter(Rules)


class ServerRules:
    """One row of rules a server. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, scope: str) -> Rules:
        """A server's rules; everything is open where nobody has set any."""

        async def work(db: aiosqlite.Connection) -> Rules:
            rows = await db.execute_fetchall(
                "SELECT rules FROM server_rules WHERE scope = ?", (scope,)
            )
            return next((_RULES.validate_json(row["rules"]) for row in rows), OPEN)

        return await self._db.read(work)

    async def with_log(self) -> list[tuple[str, Rules, int]]:
        """(scope, rules, who changed them last) of every server that has a log channel."""

        async def work(db: aiosqlite.Connection) -> list[tuple[str, Rules, int]]:
            rows = await db.execute_fetchall("SELECT scope, rules, changed_by FROM server_rules")
            return [
                (row["scope"], _RULES.validate_json(row["rules"]), row["changed_by"])
                for row in rows
            ]

        found = await self._db.read(work)
        return [one for one in found if one[1].log_channel_id is not None]

    async def save(self, scope: str, rules: Rules, by: int, now: datetime) -> None:
        """Replace a server's rules. Raises `Refused` naming the value that cannot be."""
        try:
            text = _RULES.dump_json(_RULES.validate_python(asdict(rules))).decode()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            words = say("settings.saved_wrong", where=where, why=first["msg"])
            raise Refused(words) from None

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "INSERT INTO server_rules (scope, rules, changed_by, changed_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET rules = excluded.rules,"
                " changed_by = excluded.changed_by, changed_at = excluded.changed_at",
                (scope, text, by, millis(now)),
            )

        await self._db.write(work)

    async def just_go_micros(self, scope: str, user_id: int) -> int:
        """A person's own threshold, else the server's."""
        own = await self.own_just_go(scope, user_id)
        return (await self.of(scope)).just_go_micros if own is None else own

    async def own_just_go(self, scope: str, user_id: int) -> int | None:
        """A person's own threshold, None where they have set none."""

        async def work(db: aiosqlite.Connection) -> int | None:
            rows = await db.execute_fetchall(
                "SELECT micros FROM just_go WHERE scope = ? AND user_id = ?", (scope, user_id)
            )
            return next((int(row["micros"]) for row in rows), None)

        return await self._db.read(work)

    async def set_just_go(self, scope: str, user_id: int, micros: int | None) -> None:
        """A person's own threshold; None goes back to the server's."""

        async def work(db: aiosqlite.Connection) -> None:
            if micros is None:
                await db.execute(
                    "DELETE FROM just_go WHERE scope = ? AND user_id = ?", (scope, user_id)
                )
                return
            await db.execute(
                "INSERT INTO just_go (scope, user_id, micros) VALUES (?, ?, ?)"
                " ON CONFLICT (scope, user_id) DO UPDATE SET micros = excluded.micros",
                (scope, user_id, max(0, micros)),
            )

        await self._db.write(work)
