"""The database: moves and money in one transaction, and faults in words."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiosqlite
import pytest

from bot import jobs
from bot.errors import NotFound, StoreBroken
from bot.jobs import Job, Place, Reason, State
from bot.limits import Caps
from bot.store import OverCap, Store, Superseded, _database
from bot.store._database import migrations, opened
from bot.texts import Tongue, say
from providers.base import MediaInput, MediaRole, Remote
from tests.bot.make import NOW, job, later, plan, request

CAPS = Caps(clip_micros=2_000_000, daily_micros=5_000_000, allowed_guilds=frozenset({1}))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "dailies.db") as store:
        yield store


async def _move(store: Store, before: Job, event: jobs.Event) -> Job:
    after = jobs.apply(before, event, NOW)
    return await store.move(before, after, type(event).__name__, NOW)


async def _rendered(store: Store, job_id: str = "j1", remote_id: str = "video_1") -> Job:
    (queued,) = await store.add_jobs([job(job_id)], "{}", CAPS, NOW)
    sent = await _move(store, queued, jobs.Submit(request=request(f"{job_id}-1")))
    remote = Remote(remote_id=remote_id, handle={"status_url": "https://x.example/1"})
    return await _move(
        store, sent, jobs.Accepted(remote=remote, due_at=later(1), deadline_at=later(9))
    )


async def _done(store: Store, job_id: str = "j1", cost_micros: int | None = None) -> Job:
    current = await _rendered(store, job_id, f"video_{job_id}")
    for event in (
        jobs.Finished(result_url=None, expires_at=None, cost_micros=cost_micros),
        jobs.Fetched(
            clip=f"{job_id}.mp4", sha256="ab", size_bytes=9, duration_s=4.0, width=2, height=2
        ),
        jobs.Posting(),
        jobs.Delivered(message_id=7),
    ):
        current = await _move(store, current, event)
    return current


async def test_a_job_comes_back_from_the_database_as_it_went_in(store: Store) -> None:
    picture = MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", path=Path("a/b.png"))
    first = job(brief=jobs.Brief(prompt="шторм 🌊", seed=7, inputs=(picture,)))
    await store.add_jobs([first], "{}", CAPS, NOW)

    assert await store.job("j1") == first


async def test_what_a_job_tells_people_comes_back_in_any_language(store: Store) -> None:
    adapted = (say("fit.loud"), "said in plain words")
    route = replace(plan(), fit=replace(plan().fit, adapted=adapted))
    given = replace(job(), routes=(route,))
    (queued,) = await store.add_jobs([given], "{}", CAPS, NOW)
    told = say("wait.unreached", provider="gateway")
    await _move(store, queued, jobs.Later(due_at=later(1), message=told))

    back, german = await store.job("j1"), Tongue("de")
    assert back.message == told
    assert german.of(back.message).startswith("gateway ist nicht erreichbar")
    assert back.plan.fit.adapted == adapted
    assert [german.of(note) for note in back.plan.fit.adapted] == [
        "Ton lässt sich nicht abschalten",
        "said in plain words",
    ]


async def test_a_message_of_an_older_row_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    await store.add_jobs([job()], "{}", CAPS, NOW)
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        db.execute("UPDATE job SET message = 'gateway was asked to stop.'")

    assert (await store.job("j1")).message == "gateway was asked to stop."


async def test_a_moved_job_comes_back_as_it_was_moved(store: Store) -> None:
    moved = await _done(store, cost_micros=123)

    assert await store.job("j1") == moved


async def test_the_same_origin_twice_is_one_job_with_one_hold(store: Store) -> None:
    await store.add_jobs([job("j1")], "{}", CAPS, NOW)
    again = await store.add_jobs([job("j2", origin="test:j1")], "{}", CAPS, NOW)

    assert [one.id for one in again] == ["j1"]
    assert len(await store.recent(None)) == 1
    assert await store.exposure("1", NOW) == 500_000


async def test_takes_are_held_whole_or_not_at_all(store: Store) -> None:
    six = [job(f"j{n}", batch="b", hold_micros=900_000) for n in range(6)]
    with pytest.raises(OverCap, match="DAILY_USD"):
        await store.add_jobs(six, "{}", CAPS, NOW)

    assert await store.recent(None) == []
    assert await store.exposure("1", NOW) == 0


async def test_spent_and_held_count_against_the_day_and_midnight_frees_it(store: Store) -> None:
    await _done(store, "j1")
    await store.add_jobs([job("j2", hold_micros=4_000_000)], "{}", CAPS, NOW)

    assert await store.exposure("1", NOW) == 4_500_000
    assert await store.exposure("1", later(13 * 3600)) == 4_000_000
    assert await store.exposure("2", NOW) == 0


async def test_a_free_clip_is_never_refused_for_budget_and_is_in_the_book(store: Store) -> None:
    none = Caps(clip_micros=0, daily_micros=0, allowed_guilds=frozenset())
    await store.add_jobs([job(hold_micros=0)], "{}", none, NOW)

    assert [line[0] for line in await store.lines("j1")] == ["hold"]


async def test_who_lost_the_job_stops_before_the_effect(store: Store) -> None:
    (queued,) = await store.add_jobs([job()], "{}", CAPS, NOW)
    await _move(store, queued, jobs.Submit(request=request()))

    with pytest.raises(Superseded):
        await _move(store, queued, jobs.Submit(request=request()))
    assert (await store.job("j1")).attempt == 1


async def test_two_jobs_cannot_own_one_remote_id(store: Store) -> None:
    await _rendered(store, "j1", "video_1")
    with pytest.raises(sqlite3.IntegrityError):
        await _rendered(store, "j2", "video_1")

    assert (await store.job("j2")).state is State.SUBMITTING
    assert await store.owned("gateway", ["video_1", "video_2"]) == {"video_1"}


async def test_twins_are_unresolved_submissions_that_look_the_same(store: Store) -> None:
    for job_id in ("j1", "j2", "j3"):
        (queued,) = await store.add_jobs([job(job_id, hold_micros=1)], "{}", CAPS, NOW)
        await _move(store, queued, jobs.Submit(request=request(f"{job_id}-1")))
    first = await store.job("j1")
    other = jobs.replace(first, request=jobs.replace(request(), prompt="another"))

    assert await store.twins(first) == 2
    assert await store.twins(other) == 0


async def test_a_flag_raised_by_others_survives_a_move(store: Store) -> None:
    (queued,) = await store.add_jobs([job()], "{}", CAPS, NOW)
    await store.set_cancel("j1", NOW)
    await store.set_status_message("j1", 77)
    await _move(store, queued, jobs.Submit(request=request()))
    found = await store.job("j1")

    assert (found.cancel_at, found.status_message_id) == (NOW, 77)


async def test_settlement_gives_the_rest_back_and_the_books_add_up(store: Store) -> None:
    await _done(store, "j1", cost_micros=120_000)
    refunded = await _rendered(store, "j2", "video_2")
    refunded = await _move(store, refunded, jobs.Refund(reason=Reason.FAILED, message="m"))
    await _move(store, refunded, jobs.Refunded())
    rows = await store.usage("model")

    assert await store.check_ledger() == []
    assert [(row.key, row.clips, row.micros) for row in rows] == [("sora-2", 1, 120_000)]
    assert [line[3] for line in await store.lines("j1")] == [500_000, 120_000, 380_000]


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("UPDATE balance SET micros = micros + 1 WHERE account = 'held'", "held money"),
        ("UPDATE usage_day SET micros = micros + 1", "usage = settlements"),
        ("UPDATE job SET hold_micros = hold_micros + 1", "every job has its hold"),
        ("UPDATE job SET state = 'queued'", "a job that goes on has only its hold"),
        ("DELETE FROM balance WHERE account = 'held'", "balances are the sum"),
    ],
)
async def test_ledger_check_finds_what_does_not_add_up(
    store: Store, tmp_path: Path, damage: str, rule: str
) -> None:
    await _done(store)
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        db.execute(damage)
    db.close()
    found = [fault.what for fault in await store.check_ledger()]

    if damage.startswith("DELETE"):
        assert found == []  # an empty balance row and none are the same
    else:
        assert any(what.startswith(rule) for what in found)


async def test_the_ledger_cannot_be_rewritten(store: Store, tmp_path: Path) -> None:
    await _done(store)
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        for statement in ("UPDATE ledger SET micros = 0", "DELETE FROM ledger"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()


async def test_a_job_is_found_by_an_unambiguous_beginning(store: Store) -> None:
    await store.add_jobs([job("abc1", hold_micros=1)], "{}", CAPS, NOW)
    await store.add_jobs([job("abd2", hold_micros=1)], "{}", CAPS, NOW)

    assert (await store.job("abc")).id == "abc1"
    for unknown in ("ab", "x", "%", "abc1' OR 1=1 --"):
        with pytest.raises(NotFound):
            await store.job(unknown)


async def test_a_cancelled_writer_leaves_no_open_transaction(tmp_path: Path) -> None:
    loop, started, gate = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    async with opened(tmp_path / "dailies.db") as database:

        async def slow(db: object) -> None:
            loop.call_soon_threadsafe(started.set)
            gate.wait()  # on the connection's own thread

        writing = asyncio.ensure_future(database.write(slow))
        await started.wait()
        writing.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await database.write(lambda db: db.execute("INSERT INTO meta VALUES ('a', 'b')"))

    with sqlite3.connect(tmp_path / "dailies.db") as db:
        assert db.execute("SELECT value FROM meta").fetchall() == [("b",)]
    db.close()


async def test_a_transaction_that_fails_or_waits_for_others_leaves_nothing(tmp_path: Path) -> None:
    async def fails(db: aiosqlite.Connection) -> None:
        await db.execute("INSERT INTO meta VALUES ('a', 'b')")
        await db.execute("INSERT INTO no_such_table VALUES (1)")

    async def waits(db: aiosqlite.Connection) -> None:
        await db.execute("INSERT INTO meta VALUES ('a', 'b')")
        await asyncio.sleep(0)

    async with opened(tmp_path / "dailies.db") as database:
        with pytest.raises(StoreBroken, match="no_such_table"):
            await database.write(fails)
        with pytest.raises(RuntimeError, match="not its own statement"):
            await database.write(waits)
        rows = await database.read(lambda db: db.execute_fetchall("SELECT * FROM meta"))

    assert list(rows) == []


async def test_a_transaction_reads_what_it_wrote_in_every_way(tmp_path: Path) -> None:
    async def work(db: aiosqlite.Connection) -> list[object]:
        made = await db.execute("INSERT INTO meta VALUES ('a', '1')")
        await db.executemany("INSERT INTO meta VALUES (?, ?)", [("b", "2"), ("c", "3")])
        one = await (await db.execute("SELECT value FROM meta WHERE key = ?", ("a",))).fetchone()
        rest = await (await db.execute("SELECT value FROM meta WHERE key > 'a'")).fetchall()
        return [made.rowcount, one and one[0], [row["value"] for row in rest]]

    async with opened(tmp_path / "dailies.db") as database:
        assert await database.write(work) == [1, "1", ["2", "3"]]


async def test_two_that_start_at_once_on_a_new_folder_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "dailies.db"
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(opened(path)) for _ in range(8)))

    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == migrations()[-1][0]
    db.close()


async def test_a_migration_that_breaks_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dailies.db"
    broken = [*migrations(), (999, "CREATE TABLE halfway (a); INSERT INTO missing VALUES (1);")]
    monkeypatch.setattr(_database, "migrations", lambda: broken)
    with pytest.raises(StoreBroken, match="missing"):
        async with opened(path):
            pass

    with sqlite3.connect(path) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        assert (tables, db.execute("PRAGMA user_version").fetchone()[0]) == (0, 0)
    db.close()


async def test_a_blank_file_is_migrated_to_the_newest(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        settings = db.execute("PRAGMA journal_mode").fetchone()[0]
    db.close()

    assert version == migrations()[-1][0]
    assert settings == "wal"


async def test_a_newer_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "dailies.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()

    with pytest.raises(StoreBroken, match="newer version"):
        async with Store.open(path):
            pass


@pytest.mark.parametrize("content", [b"this is no database, it is a text file" * 99, b"\0" * 4096])
async def test_a_damaged_database_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dailies.db"
    path.write_bytes(content)

    with pytest.raises(StoreBroken, match="damaged"):
        async with Store.open(path):
            pass


async def test_render_times_need_a_history(store: Store) -> None:
    assert (await store.render_times("sora-2")).p10_s is None
    for n in range(6):
        await _done(store, f"j{n}", cost_micros=1)

    assert (await store.render_times("sora-2")).p10_s == 0.0


async def test_places_without_a_server_share_the_command_lines_scope(store: Store) -> None:
    await store.add_jobs([job(place=Place())], "{}", CAPS, NOW)

    assert await store.exposure("cli", NOW) == 500_000
