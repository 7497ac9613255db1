"""`/usage` and the ledger check over a million ledger rows: two years of a busy installation.

The rows are copies of one real job, made in bulk by SQL in a file of their own and proved
consistent by the ledger check itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.jobs import job, plenty
from benchmarks.table import Row, show
from bot.jobs import State
from bot.store import Store

LEDGER_ROWS: Final = 1_000_000
JOBS: Final = LEDGER_ROWS // 3 + 1  # a hold, a settlement and a release each
SERVERS: Final = 20
PEOPLE: Final = 10  # of each server
MODELS: Final = 12
DAYS: Final = 730
BUDGET_MS: Final = 50.0
FIRST_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(_measure(Path(name) / "dailies.db"))


async def _measure(path: Path) -> list[Row]:
    async with Store.open(path) as store:
        now = FIRST_DAY
        await store.add_jobs([job("0", state=State.DONE, created_at=now)], "{}", plenty(), now)
    await asyncio.to_thread(_fill, path)
    async with Store.open(path) as store:
        start = time.process_time()
        broken = await store.check_ledger()
        check_s = time.process_time() - start
        assert not broken, broken[:3]
        return [
            await _usage_row(store, "one server", "1"),
            await _usage_row(store, "all servers", None),
            Row(
                what=f"`ledger check` over {LEDGER_ROWS:,} ledger rows",
                budget="-",
                measured=f"{check_s:.1f} s CPU",
                good=None,
            ),
        ]


async def _usage_row(store: Store, whose: str, scope: str | None) -> Row:
    """The slower of the two headings people look at."""
    times = {by: await _median_ms(lambda by=by: store.usage(by, scope)) for by in ("model", "day")}
    worst = max(times.values())
    return Row(
        what=f"`/usage` of {whose} over {LEDGER_ROWS:,} ledger rows",
        budget=f"<= {BUDGET_MS:g} ms",
        measured=f"{worst:.0f} ms CPU",
        good=worst <= BUDGET_MS,
        note=", ".join(f"by {by} {ms:.0f}" for by, ms in times.items()),
    )


async def _median_ms(work: Callable[[], Awaitable[object]]) -> float:
    """CPU of this process, in which SQLite runs; the rows are in memory after the first time."""
    times: list[float] = []
    for _ in range(5):
        start = time.process_time()
        await work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def _fill(path: Path) -> None:
    """Many of the one job that is there, each with what its end left in the books."""
    db = sqlite3.connect(path)
    db.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF; PRAGMA cache_size=-200000")
    columns = [str(row[1]) for row in db.execute("PRAGMA table_info(job)")]
    of_copy = {
        "id": "printf('%08d', n)",
        "origin": "'bench:' || n",
        "batch": "printf('%08d', n)",
        "scope": f"CAST(n % {SERVERS} AS TEXT)",
        "user_id": f"n % {SERVERS * PEOPLE}",
        "model": f"'model-' || (n / 7 % {MODELS})",
        "provider": f"'vendor-' || (n / 7 % {MODELS} % 5)",
        "remote_id": "'remote-' || n",
    }
    values = ", ".join(of_copy.get(column, column) for column in columns)
    db.execute("DELETE FROM balance")
    db.execute(
        "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ?)"  # noqa: S608 - no input
        f" INSERT INTO job SELECT {values} FROM job, count WHERE id = '0'",
        (JOBS - 1,),
    )
    day_ms = timedelta(days=1) // timedelta(milliseconds=1)
    db.execute(
        "INSERT OR IGNORE INTO ledger (job_id, kind, debit, credit, micros, note, at)"
        " WITH line(kind, share) AS (VALUES ('hold', 1.0), ('settle', 0.8), ('release', 0.2))"
        " SELECT id, kind,"
        "  CASE kind WHEN 'hold' THEN 'user:' || scope || ':' || user_id ELSE 'held' END,"
        "  CASE kind WHEN 'hold' THEN 'held' WHEN 'settle' THEN 'spent:' || provider"
        "   ELSE 'user:' || scope || ':' || user_id END,"
        "  CAST(hold_micros * share AS INTEGER), '', created_at + rowid % ? * ?"
        " FROM job, line",
        (DAYS, day_ms),
    )
    db.executescript(_TOTALS)
    db.close()


_TOTALS: Final = """
INSERT INTO balance SELECT account, sum(micros) FROM (
  SELECT credit AS account, micros FROM ledger UNION ALL SELECT debit, -micros FROM ledger
) GROUP BY account;
INSERT INTO usage_day (day, scope, user_id, model, provider, clips, micros)
  SELECT date(l.at / 1000, 'unixepoch'), scope, user_id, model, provider, count(*), sum(l.micros)
  FROM ledger l JOIN job j ON j.id = l.job_id WHERE l.kind = 'settle' GROUP BY 1, 2, 3, 4, 5;
ANALYZE;
"""


if __name__ == "__main__":
    show(rows())
