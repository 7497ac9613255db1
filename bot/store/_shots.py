"""Rows of shots and takes. Every question carries a scope: a server's shots are its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import aiosqlite

from bot.jobs import Job, State
from bot.shots import Board, Line, Plan, Shot, Take, Verb, Verdict
from bot.store._database import Database
from bot.store._jobs import millis, moment

__all__ = ["Shots", "number_planned"]


class Shots:
    """Shots, takes, verdicts and what was deleted. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, shot: Shot) -> Shot:
        """A new shot, or the one its origin has made before or its thread is."""

        async def work(db: aiosqlite.Connection) -> Shot:
            await db.execute(_INSERT_SHOT, _values(shot))
            (row,) = await db.execute_fetchall(
                "SELECT * FROM shot WHERE scope = :scope AND (origin = :origin"
                " OR thread_id = :thread_id) ORDER BY origin = :origin DESC LIMIT 1",
                _values(shot),
            )
            return _shot(row)

        return await self._db.write(work)

    async def get(self, scope: str, shot_id: str) -> Shot | None:
        return await self._one(scope, "id = :key", shot_id)

    async def in_thread(self, scope: str, thread_id: int) -> Shot | None:
        return await self._one(scope, "thread_id = :key", thread_id)

    async def of_job(self, scope: str, job_id: str) -> Shot | None:
        """The shot a job is a take of, None for a job outside all shots."""
        return await self._one(scope, "id = (SELECT shot_id FROM take WHERE job_id = :key)", job_id)

    async def recent(self, scope: str, limit: int = 25) -> list[Shot]:
        """A server's newest shots, newest first."""
        rows = await self._fetch(
            "SELECT * FROM shot WHERE scope = ? ORDER BY created_at DESC, id DESC LIMIT ?",
            scope,
            limit,
        )
        return [_shot(row) for row in rows]

    async def set_thread(self, scope: str, shot_id: str, thread_id: int) -> None:
        await self._run(
            "UPDATE shot SET thread_id = ? WHERE scope = ? AND id = ?", thread_id, scope, shot_id
        )

    async def set_board_message(self, scope: str, shot_id: str, message_id: int) -> None:
        await self._run(
            "UPDATE shot SET board_message_id = ? WHERE scope = ? AND id = ?",
            message_id,
            scope,
            shot_id,
        )

    async def plan(
        self,
        origin: str,
        shot_id: str,
        *,
        parent: int | None = None,
        verb: Verb = Verb.FIRST,
        takes: int = 1,
    ) -> None:
        """Jobs of this origin become takes of this shot in the transaction that accepts them."""
        await self._run(
            "INSERT INTO take_plan (origin, shot_id, parent, verb, takes) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (origin) DO UPDATE SET shot_id = excluded.shot_id,"
            " parent = excluded.parent, verb = excluded.verb, takes = excluded.takes",
            origin,
            shot_id,
            parent,
            verb.value,
            takes,
        )

    async def planned(self, origin: str) -> Plan | None:
        """What was offered under an origin; None where nothing is planned (any more)."""
        rows = await self._fetch("SELECT * FROM take_plan WHERE origin = ?", origin)
        for row in rows:
            return Plan(
                shot_id=row["shot_id"],
                parent=row["parent"],
                verb=Verb(row["verb"]),
                takes=row["takes"],
            )
        return None

    async def add_takes(
        self,
        scope: str,
        shot_id: str,
        job_ids: Sequence[str],
        *,
        parent: int | None = None,
        verb: Verb = Verb.FIRST,
    ) -> list[Take]:
        """Number jobs that exist already; one that is a take stays the take it is."""

        async def work(db: aiosqlite.Connection) -> list[Take]:
            await _number(db, shot_id, job_ids, parent, verb)
            return [take for job_id in job_ids if (take := await _take_of(db, scope, job_id))]

        return await self._db.write(work)

    async def take(self, scope: str, job_id: str) -> Take | None:
        """The take a job is; None outside all shots and in other servers."""
        return await self._db.read(lambda db: _take_of(db, scope, job_id))

    async def board(self, scope: str, shot_id: str) -> Board | None:
        """A shot with its takes, their models, verdicts, messages and money."""

        async def work(db: aiosqlite.Connection) -> Board | None:
            shots = list(await db.execute_fetchall(_BY_ID, (scope, shot_id)))
            if not shots:
                return None
            lines = await db.execute_fetchall(_BOARD, {"scope": scope, "shot": shot_id})
            return Board(shot=_shot(shots[0]), lines=tuple(_line(row) for row in lines))

        return await self._db.read(work)

    async def judge(
        self, scope: str, job_id: str, verdict: Verdict, by: int, now: datetime
    ) -> tuple[Take, Take | None] | None:
        """Set a verdict: (the take, the one that lost the pick to it). None: no such take."""

        async def work(db: aiosqlite.Connection) -> tuple[Take, Take | None] | None:
            take = await _take_of(db, scope, job_id)
            if take is None:
                return None
            before = None
            if verdict is Verdict.PICKED:
                before = await _unpick_others(db, take, by, now)
            await _set_verdict(db, job_id, verdict, by, now)
            after = await _take_of(db, scope, job_id)
            return after or take, before

        return await self._db.write(work)

    async def throw_away(self, scope: str, job_id: str, by: int, now: datetime) -> bool:
        """Mark a clip deleted, and no longer picked. False when it is not of this server."""

        async def work(db: aiosqlite.Connection) -> bool:
            cursor = await db.execute(
                "INSERT OR IGNORE INTO trash (job_id, deleted_by, deleted_at)"
                " SELECT id, ?, ? FROM job WHERE id = ? AND scope = ?",
                (by, millis(now), job_id, scope),
            )
            take = await _take_of(db, scope, job_id)
            if cursor.rowcount and take is not None and take.verdict is Verdict.PICKED:
                await _set_verdict(db, job_id, Verdict.NONE, by, now)
            return bool(cursor.rowcount) or await _is_thrown(db, scope, job_id)

        return await self._db.write(work)

    async def take_back(self, scope: str, job_id: str) -> None:
        """The clip is no longer deleted."""
        await self._run(
            "DELETE FROM trash WHERE job_id = (SELECT id FROM job WHERE id = ? AND scope = ?)",
            job_id,
            scope,
        )

    async def thrown_away(self, scope: str, job_id: str) -> bool:
        return await self._db.read(lambda db: _is_thrown(db, scope, job_id))

    async def _one(self, scope: str, where: str, key: object) -> Shot | None:
        async def work(db: aiosqlite.Connection) -> Shot | None:
            rows = await db.execute_fetchall(
                f"SELECT * FROM shot WHERE scope = :scope AND {where}",  # noqa: S608 - `where` is ours
                {"scope": scope, "key": key},
            )
            return next((_shot(row) for row in rows), None)

        return await self._db.read(work)

    async def _fetch(self, query: str, *values: object) -> list[Any]:
        async def work(db: aiosqlite.Connection) -> list[Any]:
            return list(await db.execute_fetchall(query, values))

        return await self._db.read(work)

    async def _run(self, query: str, *values: object) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(query, values)

        await self._db.write(work)


async def number_planned(db: aiosqlite.Connection, jobs: Sequence[Job]) -> None:
    """Inside the transaction that accepts jobs: make them the takes their origin was planned as."""
    origin = jobs[0].origin
    rows = list(await db.execute_fetchall("SELECT * FROM take_plan WHERE origin = ?", (origin,)))
    if not rows:
        return
    plan = rows[0]
    ids = [job.id for job in jobs]
    await _number(db, plan["shot_id"], ids, plan["parent"], Verb(plan["verb"]))
    await db.execute("DELETE FROM take_plan WHERE origin = ?", (origin,))


_INSERT_SHOT: Final = (
    "INSERT INTO shot (id, scope, origin, channel_id, thread_id, title, owner_id,"
    " board_message_id, created_at) VALUES (:id, :scope, :origin, :channel_id, :thread_id,"
    " :title, :owner_id, :board_message_id, :created_at) ON CONFLICT DO NOTHING"
)
_BY_ID: Final = "SELECT * FROM shot WHERE scope = ? AND id = ?"
_BOARD: Final = (
    "SELECT t.*, j.model, j.provider, j.prompt, j.state, j.user_id, j.channel_id, j.clip,"
    " j.status_message_id, j.result_message_id, j.width, j.height,"
    " json_extract(j.brief, '$.spoiler') AS spoiler,"
    " coalesce(l.micros, j.hold_micros) AS micros, d.job_id IS NOT NULL AS deleted"
    " FROM take t JOIN shot s ON s.id = t.shot_id JOIN job j ON j.id = t.job_id"
    " LEFT JOIN ledger l ON l.job_id = j.id AND l.kind = 'settle'"
    " LEFT JOIN trash d ON d.job_id = j.id"
    " WHERE s.scope = :scope AND s.id = :shot ORDER BY t.number"
)


async def _number(
    db: aiosqlite.Connection,
    shot_id: str,
    job_ids: Sequence[str],
    parent: int | None,
    verb: Verb,
) -> None:
    for job_id in job_ids:
        await db.execute(
            "INSERT INTO take (job_id, shot_id, number, parent, verb, verdict)"
            " SELECT :job, :shot, coalesce(max(number), 0) + 1, :parent, :verb, 'none'"
            " FROM take WHERE shot_id = :shot"
            " HAVING NOT EXISTS (SELECT 1 FROM take WHERE job_id = :job)",
            {"job": job_id, "shot": shot_id, "parent": parent, "verb": verb.value},
        )


async def _take_of(db: aiosqlite.Connection, scope: str, job_id: str) -> Take | None:
    rows = await db.execute_fetchall(
        "SELECT t.* FROM take t JOIN shot s ON s.id = t.shot_id WHERE t.job_id = ? AND s.scope = ?",
        (job_id, scope),
    )
    return next((_take(row) for row in rows), None)


async def _unpick_others(
    db: aiosqlite.Connection, take: Take, by: int, now: datetime
) -> Take | None:
    rows = await db.execute_fetchall(
        "SELECT * FROM take WHERE shot_id = ? AND verdict = 'picked' AND job_id <> ?",
        (take.shot_id, take.job_id),
    )
    before = next((_take(row) for row in rows), None)
    if before is not None:
        await _set_verdict(db, before.job_id, Verdict.NONE, by, now)
    return before


async def _set_verdict(
    db: aiosqlite.Connection, job_id: str, verdict: Verdict, by: int, now: datetime
) -> None:
    await db.execute(
        "UPDATE take SET verdict = ?, verdict_by = ?, verdict_at = ? WHERE job_id = ?",
        (verdict.value, by, millis(now), job_id),
    )


async def _is_thrown(db: aiosqlite.Connection, scope: str, job_id: str) -> bool:
    rows = await db.execute_fetchall(
        "SELECT 1 FROM trash d JOIN job j ON j.id = d.job_id WHERE j.id = ? AND j.scope = ?",
        (job_id, scope),
    )
    return bool(list(rows))


def _values(shot: Shot) -> dict[str, Any]:
    return {
        "id": shot.id,
        "scope": shot.scope,
        "origin": shot.origin,
        "channel_id": shot.channel_id,
        "thread_id": shot.thread_id,
        "title": shot.title,
        "owner_id": shot.owner_id,
        "board_message_id": shot.board_message_id,
        "created_at": millis(shot.created_at),
    }


def _shot(row: sqlite3.Row) -> Shot:
    return Shot(
        id=row["id"],
        scope=row["scope"],
        origin=row["origin"],
        channel_id=row["channel_id"],
        thread_id=row["thread_id"],
        title=row["title"],
        owner_id=row["owner_id"],
        board_message_id=row["board_message_id"],
        created_at=moment(row["created_at"]),
    )


def _take(row: sqlite3.Row) -> Take:
    at = row["verdict_at"]
    return Take(
        shot_id=row["shot_id"],
        number=row["number"],
        job_id=row["job_id"],
        parent=row["parent"],
        verb=Verb(row["verb"]),
        verdict=Verdict(row["verdict"]),
        verdict_by=row["verdict_by"],
        verdict_at=None if at is None else moment(at),
    )


def _line(row: sqlite3.Row) -> Line:
    return Line(
        take=_take(row),
        model=row["model"],
        provider=row["provider"],
        prompt=row["prompt"],
        state=State(row["state"]),
        user_id=row["user_id"],
        micros=row["micros"],
        channel_id=row["channel_id"],
        status_message_id=row["status_message_id"],
        result_message_id=row["result_message_id"],
        clip=row["clip"],
        deleted=bool(row["deleted"]),
        shape=row["width"] / row["height"] if row["height"] else 16 / 9,
        spoiler=bool(row["spoiler"]),
    )
