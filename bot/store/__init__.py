"""All SQL. State and the money it implies change in one transaction, or not at all.

`Store` is what the application sees; `_database` opens and commits, `_jobs` and `_ledger` know
their tables. Times come from the caller, so that tests can set the clock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import aiosqlite

from bot.errors import NotFound, Refused
from bot.jobs import Job, RenderTimes
from bot.ledger import entries, scope_of
from bot.limits import Caps, daily_refusal
from bot.store import _jobs, _ledger, _quotes, _shots
from bot.store._database import Database, opened
from bot.store._desk import DeskNotes, Posting
from bot.store._jobs import fingerprint, millis, moment
from bot.store._ledger import Imbalance, UsageRow
from bot.store._library import Asked, Found, Library, Search
from bot.store._people import People
from bot.store._plans import Audition, Phase, Plan, PlanEntry, Plans, Skipped
from bot.store._quotes import KeptQuote
from bot.store._settings import ServerRules
from bot.store._shots import Shots
from bot.store._votes import AcceptedRow, Cast, Comparison, Comparisons, ComparisonState, Letter

__all__ = [
    "AcceptedRow",
    "Ask",
    "Audition",
    "Asked",
    "Cast",
    "Comparison",
    "ComparisonState",
    "Comparisons",
    "DeskNotes",
    "Found",
    "Imbalance",
    "KeptQuote",
    "Letter",
    "Library",
    "OverCap",
    "People",
    "Phase",
    "Plan",
    "PlanEntry",
    "Plans",
    "Posting",
    "Search",
    "ServerRules",
    "Shots",
    "Skipped",
    "Store",
    "Superseded",
    "Trouble",
    "UsageRow",
]


class Superseded(Exception):
    """Somebody else moved the job since it was read: stop before the effect."""


class OverCap(Exception):
    """The hold would break the day's cap; `sentence` is for the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request another process left for the runner: "cancel" or "resolve"."""

    id: int
    job_id: str
    kind: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A vendor paused (`wire_id` "") or one of its routes gone, and since when."""

    provider: str
    wire_id: str
    dialect: str
    reason: str
    since: datetime  # when it was last seen to be so
    began: datetime


class Store:
    """Jobs, money and memory in one SQLite file. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self.shots = Shots(database)
        self.library = Library(database)
        self.rules = ServerRules(database)
        self.people = People(database)
        self.desk = DeskNotes(database)
        self.comparisons = Comparisons(database)
        self.plans = Plans(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncGenerator[Self]:
        """Raises `StoreBroken` for a damaged or newer file and for a folder one cannot write."""
        async with opened(path) as database:
            yield cls(database)

    async def add_jobs(
        self, jobs: Sequence[Job], decision: str, caps: Caps, now: datetime
    ) -> list[Job]:
        """Accept jobs of one batch with their holds, all or none; `decision` is its JSON record.

        An origin that is already known gives the jobs it made the first time. Raises `OverCap`.
        """

        return await self.add_batches([(jobs, decision)], caps, now)

    async def add_batches(
        self, batches: Sequence[tuple[Sequence[Job], str]], caps: Caps, now: datetime
    ) -> list[Job]:
        """The same for several batches of one person, in one transaction.

        Where the first one's origin is known, all of them are. Raises `Refused` for a comparison
        whose offer was declined meanwhile.
        """
        jobs = [job for batch, _ in batches for job in batch]

        async def work(db: aiosqlite.Connection) -> list[Job]:
            known = await _jobs.select(db, "origin = :origin", {"origin": jobs[0].origin})
            if known:
                return [job for batch, _ in batches for job in await _known(db, batch[0].origin)]
            exposed = await _ledger.exposure(db, scope_of(jobs[0].place), now)
            if refusal := daily_refusal(sum(job.hold_micros for job in jobs), exposed, caps):
                raise OverCap(refusal)
            for batch, decision in batches:
                await db.execute(
                    "INSERT INTO decision (batch, decision) VALUES (?, ?)",
                    (batch[0].batch, decision),
                )
                for job in batch:
                    await _jobs.insert(db, job)
                    await _ledger.post(db, entries(None, job), now)
                await _shots.number_planned(db, batch)
            return jobs

        try:
            return await self._db.write(work)
        except sqlite3.IntegrityError as error:
            if "offer closed" in str(error):
                raise Refused("This offer is closed. Nothing was started.") from None
            raise

    async def move(self, before: Job, after: Job, event: str, now: datetime) -> Job:
        """Commit one move with the money it implies. Raises `Superseded`."""

        lines = entries(before, after)

        async def work(db: aiosqlite.Connection) -> None:
            if not await _jobs.update(db, before, after, event):
                raise Superseded(after.id)
            if lines:
                await _ledger.post(db, lines, now)
                await _ledger.tally(db, after, now)

        await (self._db.write if lines else self._db.write_one)(work)
        return after

    async def job(self, job_id: str) -> Job:
        """By id, or by an unambiguous beginning of it. Raises `NotFound`."""
        found = await self._select("id = :id", id=job_id)
        if not found and job_id.isalnum():
            found = await self._select("id >= :id AND id < :id || '~' LIMIT 2", id=job_id)
        if len(found) != 1:
            raise NotFound(f"There is no job {job_id!r}. `python -m bot jobs` lists them.")
        return found[0]

    async def made_by(self, origin: str) -> list[Job]:
        """The jobs an origin has led to, none when it is new."""
        return await self._select("origin = :origin", origin=origin)

    async def unfinished(self) -> list[Job]:
        """Every job that is not at its end, oldest first."""
        return await self._select("state NOT IN ('done', 'refunded') ORDER BY created_at, id")

    async def recent(self, scope: str | None, limit: int = 50) -> list[Job]:
        """The newest jobs of one server (or all), newest first."""
        return await self._select(
            "(:scope IS NULL OR scope = :scope) ORDER BY created_at DESC, id DESC LIMIT :limit",
            scope=scope,
            limit=limit,
        )

    async def of_user(self, scope: str, user_id: int, limit: int = 10) -> list[Job]:
        """One person's newest jobs in one server, newest first."""
        return await self._select(
            "scope = :scope AND user_id = :user ORDER BY created_at DESC, id DESC LIMIT :limit",
            scope=scope,
            user=user_id,
            limit=limit,
        )

    async def of_message(self, scope: str, message_id: int) -> Job | None:
        """The job of a server whose clip was posted as this message, at first or again."""
        found = await self._select(
            "(result_message_id = :message OR id = (SELECT job_id FROM posting"
            " WHERE message_id = :message)) AND scope = :scope",
            message=message_id,
            scope=scope,
        )
        return found[0] if found else None

    async def uncertain(self, scope: str) -> list[Job]:
        """A server's jobs nobody knows the fate of, oldest first."""
        return await self._select(
            "scope = :scope AND state = 'uncertain' ORDER BY created_at, id", scope=scope
        )

    async def dearer_than(self, scope: str, micros: int, since: datetime) -> list[Job]:
        """A server's jobs above a price that were asked for since then, oldest first."""
        return await self._select(
            "scope = :scope AND created_at >= :since AND hold_micros > :micros"
            " ORDER BY created_at, id",
            scope=scope,
            since=millis(since),
            micros=micros,
        )

    async def batch(self, batch: str) -> list[Job]:
        """The jobs of a batch in the order they were asked for, which is that of their takes."""
        return await self._select("batch = :batch ORDER BY rowid", batch=batch)

    async def decision(self, batch: str) -> str:
        """The stored decision record of a batch, as JSON. Raises `NotFound`."""
        row = await self._one("SELECT decision FROM decision WHERE batch = ?", batch)
        if row is None:
            raise NotFound(f"There is no decision {batch!r}.")
        return str(row[0])

    async def history(self, job_id: str) -> list[tuple[str, str, datetime]]:
        """(state, event, when) of every move of a job, oldest first."""
        rows = await self._all(
            "SELECT state, event, at FROM job_event WHERE job_id = ? ORDER BY ver", job_id
        )
        return [(row[0], row[1], moment(row[2])) for row in rows]

    async def owned(self, provider: str, remote_ids: Sequence[str]) -> set[str]:
        """Which of a vendor's ids belong to one of our jobs already."""
        marks = ", ".join("?" * len(remote_ids))
        rows = await self._all(
            f"SELECT remote_id FROM job WHERE provider = ? AND remote_id IN ({marks})",  # noqa: S608 - only marks
            provider,
            *remote_ids,
        )
        return {row[0] for row in rows}

    async def twins(self, job: Job) -> int:
        """Other jobs whose submission is as unresolved as this one's and looks the same."""
        row = await self._one(
            "SELECT count(*) FROM job WHERE provider = ? AND fingerprint = ?"
            " AND state IN ('submitting', 'uncertain') AND id <> ?",
            job.provider,
            fingerprint(job.request),
            job.id,
        )
        return int(row[0]) if row else 0

    async def render_times(self, model: str) -> RenderTimes:
        """p10 and p95 of this model's last 50 renders, None below five."""
        rows = await self._all(
            "SELECT rendered_s FROM job WHERE model = ? AND rendered_s IS NOT NULL"
            " ORDER BY updated_at DESC LIMIT 50",
            model,
        )
        times = sorted(float(row[0]) for row in rows)
        if len(times) < 5:
            return RenderTimes()
        return RenderTimes(p10_s=times[len(times) // 10], p95_s=times[int(len(times) * 0.95)])

    async def expected_s(self, model: str) -> float | None:
        """How long this model usually renders: p50 of its last 50 renders, None below three."""
        row = await self._one(
            "SELECT count(*), avg(rendered_s) FILTER (WHERE rank IN ((n + 1) / 2, n / 2 + 1))"
            " FROM (SELECT rendered_s, row_number() OVER (ORDER BY rendered_s) AS rank,"
            "  count(*) OVER () AS n FROM (SELECT rendered_s FROM job WHERE model = ?"
            "  AND rendered_s IS NOT NULL ORDER BY updated_at DESC LIMIT 50))",
            model,
        )
        return float(row[1]) if row and row[0] >= 3 else None

    async def exposure(self, scope: str, now: datetime) -> int:
        """Micro-USD that count against the day's cap of a server."""
        return await self._db.read(lambda db: _ledger.exposure(db, scope, now))

    async def usage(self, by: str, scope: str | None = None) -> list[UsageRow]:
        return await self._db.read(lambda db: _ledger.usage(db, by, scope))

    async def check_ledger(self) -> list[Imbalance]:
        return await self._db.read(_ledger.check)

    async def lines(self, job_id: str) -> list[tuple[str, str, str, int, str]]:
        """The ledger of one job: (kind, debit, credit, micros, note)."""
        rows = await self._all(
            "SELECT kind, debit, credit, micros, note FROM ledger WHERE job_id = ? ORDER BY at,"
            " CASE kind WHEN 'hold' THEN 0 WHEN 'settle' THEN 1 ELSE 2 END",
            job_id,
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    async def set_cancel(self, job_id: str, now: datetime) -> None:
        """Raise the flag that the next step of the job reads."""
        await self._run(
            "UPDATE job SET cancel_at = coalesce(cancel_at, ?) WHERE id = ?", millis(now), job_id
        )

    async def set_result(self, job_id: str, channel_id: int, message_id: int) -> None:
        """Where a finished clip stands from now on."""
        await self._run(
            "UPDATE job SET channel_id = ?, result_message_id = ? WHERE id = ? AND state = 'done'",
            channel_id,
            message_id,
            job_id,
        )

    async def set_status_message(self, job_id: str, message_id: int) -> None:
        await self._run("UPDATE job SET status_message_id = ? WHERE id = ?", message_id, job_id)

    async def ask(self, job_id: str, kind: str, value: str, now: datetime) -> int:
        """Leave a request for the process that runs the jobs; its id."""

        async def work(db: aiosqlite.Connection) -> int:
            cursor = await db.execute(
                "INSERT INTO ask (job_id, kind, value, at) VALUES (?, ?, ?, ?)",
                (job_id, kind, value, millis(now)),
            )
            return cursor.lastrowid or 0

        return await self._db.write(work)

    async def asks(self) -> list[Ask]:
        """Requests nobody has obeyed yet, oldest first."""
        rows = await self._all(
            "SELECT id, job_id, kind, value FROM ask WHERE done_at IS NULL ORDER BY id"
        )
        return [Ask(id=row[0], job_id=row[1], kind=row[2], value=row[3]) for row in rows]

    async def answer(self, ask_id: int, text: str, now: datetime) -> None:
        await self._run(
            "UPDATE ask SET done_at = ?, answer = ? WHERE id = ?", millis(now), text, ask_id
        )

    async def troubles(self) -> list[Trouble]:
        rows = await self._all(
            "SELECT provider, wire_id, dialect, reason, since, coalesce(began, since) FROM trouble"
        )
        return [
            Trouble(
                provider=row[0],
                wire_id=row[1],
                dialect=row[2],
                reason=row[3],
                since=moment(row[4]),
                began=moment(row[5]),
            )
            for row in rows
        ]

    async def add_trouble(
        self, provider: str, reason: str, now: datetime, *, wire_id: str = "", dialect: str = ""
    ) -> None:
        """Pause a vendor, or (with `wire_id` and `dialect`) switch one of its routes off."""
        await self._run(
            "INSERT INTO trouble (provider, wire_id, dialect, reason, since, began)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (provider, wire_id, dialect)"
            " DO UPDATE SET reason = excluded.reason, since = excluded.since",
            provider,
            wire_id,
            dialect,
            reason,
            millis(now),
            millis(now),
        )

    async def end_trouble(self, provider: str, wire_id: str = "") -> None:
        await self._run("DELETE FROM trouble WHERE provider = ? AND wire_id = ?", provider, wire_id)

    async def keep_quote(self, quote: KeptQuote) -> None:
        await self._db.write(lambda db: _quotes.insert(db, quote))

    async def kept_quote(self, quote_id: str) -> KeptQuote | None:
        """A price somebody was shown and has not declined."""
        return await self._db.read(lambda db: _quotes.select(db, quote_id))

    async def drop_quote(self, quote_id: str) -> None:
        await self._db.write(lambda db: _quotes.drop(db, quote_id))

    async def meta(self, key: str) -> str | None:
        row = await self._one("SELECT value FROM meta WHERE key = ?", key)
        return row[0] if row else None

    async def set_meta(self, key: str, value: str) -> None:
        await self._run(
            "INSERT INTO meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    async def integrity(self) -> str:
        """What SQLite's own quick check finds wrong, "" when the file is sound."""
        rows = await self._all("PRAGMA quick_check(3)")
        return "; ".join(row[0] for row in rows if row[0] != "ok")

    async def data_version(self) -> int:
        """Changes when another process has written."""
        return await self._db.data_version()

    async def _select(self, where: str, **values: object) -> list[Job]:
        return await self._db.read(lambda db: _jobs.select(db, where, values))

    async def _all(self, query: str, *values: object) -> list[Any]:
        async def work(db: aiosqlite.Connection) -> list[Any]:
            return list(await db.execute_fetchall(query, values))

        return await self._db.read(work)

    async def _one(self, query: str, *values: object) -> Any:
        rows = await self._all(query, *values)
        return rows[0] if rows else None

    async def _run(self, query: str, *values: object) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(query, values)

        await self._db.write(work)


async def _known(db: aiosqlite.Connection, origin: str) -> list[Job]:
    """The whole batch an origin has led to."""
    where = "batch = (SELECT batch FROM job WHERE origin = :origin) ORDER BY rowid"
    return await _jobs.select(db, where, {"origin": origin})
