"""Lines of the ledger: posting, usage, and the proof that they add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import aiosqlite

from bot.jobs import Job, State
from bot.ledger import Entry, scope_of, settled_micros
from bot.store._jobs import millis

__all__ = ["Imbalance", "UsageRow", "check", "exposure", "post", "tally", "usage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Imbalance:
    """One thing in the books that does not add up."""

    what: str  # which rule
    where: str  # the job or account
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageRow:
    """Ended jobs under one heading: clips delivered, and micro-USD charged."""

    key: str
    clips: int
    micros: int


async def post(db: aiosqlite.Connection, lines: Sequence[Entry], now: datetime) -> None:
    """Append lines and carry their amounts to both balances."""
    await db.executemany(
        "INSERT INTO ledger (job_id, kind, debit, credit, micros, note, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (line.job_id, line.kind.value, line.debit, line.credit, line.micros, line.note, at)
            for at in (millis(now),)
            for line in lines
        ],
    )
    amounts = [pair for line in lines for pair in _amounts(line) if line.micros]
    if amounts:
        await db.executemany(
            "INSERT INTO balance (account, micros) VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET micros = micros + excluded.micros",
            amounts,
        )


def _amounts(line: Entry) -> tuple[tuple[str, int], tuple[str, int]]:
    return (line.debit, -line.micros), (line.credit, line.micros)


async def tally(db: aiosqlite.Connection, job: Job, now: datetime) -> None:
    """Count an ended job into its day."""
    clips, micros = int(job.state is State.DONE), settled_micros(job)
    if not clips and not micros:
        return
    await db.execute(
        "INSERT INTO usage_day (day, scope, user_id, model, provider, clips, micros)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, day, user_id, model, provider)"
        " DO UPDATE SET clips = clips + excluded.clips, micros = micros + excluded.micros",
        (
            now.date().isoformat(),
            scope_of(job.place),
            job.place.user_id,
            job.model,
            job.provider,
            clips,
            micros,
        ),
    )


async def exposure(db: aiosqlite.Connection, scope: str, now: datetime) -> int:
    """What counts against the day's cap, micro-USD: spent since 00:00 UTC plus held now."""
    rows = await db.execute_fetchall(
        "SELECT (SELECT coalesce(sum(micros), 0) FROM usage_day"
        "    WHERE scope = :scope AND day = :day)"
        " + (SELECT coalesce(sum(hold_micros), 0) FROM job WHERE scope = :scope"
        "    AND state NOT IN ('done', 'refunded'))",
        {"scope": scope, "day": now.date().isoformat()},
    )
    return int(next(iter(rows))[0])


_HEADINGS = {
    "user": "CAST(user_id AS TEXT)",
    "model": "model",
    "day": "day",
    "provider": "provider",
}


async def usage(db: aiosqlite.Connection, by: str, scope: str | None) -> list[UsageRow]:
    """Clips and charges under one heading (user, model, day, provider), of one server or all."""
    heading = _HEADINGS[by]
    rows = await db.execute_fetchall(
        f"SELECT {heading} AS key, sum(clips) AS clips, sum(micros) AS micros FROM usage_day"  # noqa: S608 - a fixed set
        " WHERE :scope IS NULL OR scope = :scope GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1",
        {"scope": scope},
    )
    return [UsageRow(key=row["key"], clips=row["clips"], micros=row["micros"]) for row in rows]


_RULES: tuple[tuple[str, str], ...] = (
    (
        "every job has its hold",
        "SELECT id, 'hold of ' || hold_micros || ' micro-USD' FROM job WHERE NOT EXISTS"
        " (SELECT 1 FROM ledger WHERE job_id = id AND kind = 'hold' AND micros = hold_micros)",
    ),
    (
        "an ended job's hold = settlement + release",
        "SELECT j.id, 'hold ' || j.hold_micros || ', settled and released '"
        " || coalesce(sum(l.micros), 0) FROM job j LEFT JOIN ledger l ON l.job_id = j.id"
        " AND l.kind IN ('settle', 'release') WHERE j.state IN ('done', 'refunded')"
        " GROUP BY j.id HAVING coalesce(sum(l.micros), -1) <> j.hold_micros",
    ),
    (
        "a job that goes on has only its hold",
        "SELECT j.id, l.kind || ' of ' || l.micros FROM job j JOIN ledger l ON l.job_id = j.id"
        " WHERE j.state NOT IN ('done', 'refunded') AND l.kind <> 'hold'",
    ),
    (
        "held money = holds of jobs that go on",
        "SELECT 'held', h.micros || ' held, ' || o.micros || ' expected' FROM"
        " (SELECT coalesce(sum(micros), 0) AS micros FROM balance WHERE account = 'held') h,"
        " (SELECT coalesce(sum(hold_micros), 0) AS micros FROM job"
        "  WHERE state NOT IN ('done', 'refunded')) o WHERE h.micros <> o.micros",
    ),
    (
        "balances are the sum of their lines",
        "SELECT account, 'balance ' || b || ', lines ' || s FROM (SELECT account, sum(b) AS b,"
        " sum(s) AS s FROM (SELECT account, micros AS b, 0 AS s FROM balance"
        " UNION ALL SELECT credit, 0, micros FROM ledger"
        " UNION ALL SELECT debit, 0, -micros FROM ledger) GROUP BY account) WHERE b <> s",
    ),
    (
        "the sum of all balances is 0",
        "SELECT 'all accounts', sum(micros) || ' micro-USD' FROM balance"
        " HAVING coalesce(sum(micros), 0) <> 0",
    ),
    (
        "usage = settlements",
        "SELECT 'usage', u.micros || ' counted, ' || l.micros || ' settled' FROM"
        " (SELECT coalesce(sum(micros), 0) AS micros FROM usage_day) u,"
        " (SELECT coalesce(sum(micros), 0) AS micros FROM ledger WHERE kind = 'settle') l"
        " WHERE u.micros <> l.micros",
    ),
)


async def check(db: aiosqlite.Connection) -> list[Imbalance]:
    """Every row that breaks a rule of the book; empty when it adds up."""
    return [
        Imbalance(what=rule, where=str(row[0]), detail=str(row[1]))
        for rule, query in _RULES
        for row in await db.execute_fetchall(query)
    ]
