"""Shots and takes: numbers without gaps, verdicts, money, and walls between servers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import jobs, shots
from bot.brief import Brief, Stage
from bot.errors import Refused
from bot.jobs import Job, Place, Reason, State
from bot.limits import Caps
from bot.shots import Shot, Take, Verb, Verdict
from bot.store import Store
from providers.base import MediaInput, MediaRole, Remote
from tests.bot.make import NOW, job, later, request

CAPS = Caps(clip_micros=2_000_000, daily_micros=90_000_000, allowed_guilds=frozenset({1}))
FRAME = MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", path=Path("inputs/1/still.png"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "dailies.db") as store:
        yield store


def _shot(shot_id: str = "s1", **changes: Any) -> Shot:
    made = Shot(
        id=shot_id,
        scope="1",
        origin=f"test:{shot_id}",
        channel_id=2,
        thread_id=None,
        title="a paper boat",
        owner_id=3,
        board_message_id=None,
        created_at=NOW,
    )
    return replace(made, **changes)


async def _take(store: Store, job_id: str, parent: int | None = None, **changes: Any) -> Job:
    """A job that becomes a take of s1 as it is accepted."""
    made = job(job_id, **changes)
    await store.shots.plan(made.origin, "s1", parent=parent, verb=Verb.AGAIN)
    (accepted,) = await store.add_jobs([made], "{}", CAPS, NOW)
    return accepted


async def _ended(store: Store, queued: Job, *events: jobs.Event) -> Job:
    current = queued
    for event in events:
        after = jobs.apply(current, event, NOW)
        current = await store.move(current, after, type(event).__name__, NOW)
    return current


def _to_clip(job_id: str, cost_micros: int | None) -> tuple[jobs.Event, ...]:
    return (
        jobs.Submit(request=request(f"{job_id}-1")),
        jobs.Accepted(
            remote=Remote(remote_id=f"video_{job_id}"), due_at=later(1), deadline_at=later(9)
        ),
        jobs.Finished(result_url=None, expires_at=None, cost_micros=cost_micros),
        jobs.Fetched(
            clip=f"{job_id}.mp4", sha256="ab", size_bytes=9, duration_s=4.0, width=2, height=2
        ),
        jobs.Posting(),
        jobs.Delivered(message_id=7),
    )


async def test_fifty_takes_at_once_are_numbered_without_gaps(store: Store) -> None:
    await store.shots.add(_shot())
    await asyncio.gather(*(_take(store, f"j{n}") for n in range(50)))
    board = await store.shots.board("1", "s1")

    assert board is not None
    assert [line.take.number for line in board.lines] == list(range(1, 51))
    assert len({line.take.job_id for line in board.lines}) == 50


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 10), min_size=1, max_size=6), again=st.booleans())
def test_batches_of_any_sizes_are_numbered_without_gaps(
    sizes: list[int], again: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def run() -> list[int]:
        async with Store.open(tmp_path_factory.mktemp("db") / "dailies.db") as store:
            await store.shots.add(_shot())
            batches = [
                [job(f"b{b}t{t}", batch=f"b{b}t0", hold_micros=1) for t in range(size)]
                for b, size in enumerate(sizes)
            ]
            for batch in batches:
                await store.shots.plan(batch[0].origin, "s1", verb=Verb.SEVERAL)
            twice = batches * 2 if again else batches
            await asyncio.gather(*(store.add_jobs(batch, "{}", CAPS, NOW) for batch in twice))
            board = await store.shots.board("1", "s1")
            return [line.take.number for line in board.lines] if board else []

    assert asyncio.run(run()) == list(range(1, sum(sizes) + 1))


async def test_a_refused_job_leaves_no_number_behind(store: Store) -> None:
    await store.shots.add(_shot())
    with pytest.raises(Exception, match="DAILY_USD"):
        await _take(store, "j1", hold_micros=99_000_000)
    await _take(store, "j2")
    board = await store.shots.board("1", "s1")

    assert board is not None
    assert [(line.take.number, line.take.job_id) for line in board.lines] == [(1, "j2")]


async def test_a_job_is_one_take_however_often_it_is_added(store: Store) -> None:
    await store.shots.add(_shot())
    await store.add_jobs([job("j1")], "{}", CAPS, NOW)
    added = await asyncio.gather(*(store.shots.add_takes("1", "s1", ["j1"]) for _ in range(5)))

    assert {take.number for takes in added for take in takes} == {1}


async def test_the_same_origin_is_the_same_shot(store: Store) -> None:
    first = await store.shots.add(_shot())
    again = await store.shots.add(_shot("s2", origin="test:s1"))

    assert again == first == await store.shots.get("1", "s1")


async def test_a_thread_finds_its_shot(store: Store) -> None:
    await store.shots.add(_shot())
    await store.shots.set_thread("1", "s1", 44)
    await store.shots.set_board_message("1", "s1", 45)
    found = await store.shots.in_thread("1", 44)

    assert found is not None
    assert (found.thread_id, found.board_message_id) == (44, 45)
    assert await store.shots.in_thread("2", 44) is None


async def test_the_board_totals_what_is_settled_and_what_is_held(store: Store) -> None:
    await store.shots.add(_shot())
    await _ended(store, await _take(store, "j1"), *_to_clip("j1", 120_000))
    await _ended(
        store,
        await _take(store, "j2", parent=1),
        jobs.Refund(reason=Reason.CANCELLED, message="m"),
        jobs.Refunded(),
    )
    await _take(store, "j3", parent=1, hold_micros=700_000)
    board = await store.shots.board("1", "s1")

    assert board is not None
    assert [line.micros for line in board.lines] == [120_000, 0, 700_000]
    assert (board.settled_micros, board.held_micros) == (120_000, 700_000)
    assert board.total_micros == 820_000
    assert [line.state for line in board.lines] == [State.DONE, State.REFUNDED, State.QUEUED]
    assert board.lines[0].result_message_id == 7


async def test_one_pick_a_shot_whoever_presses_at_once(store: Store) -> None:
    await store.shots.add(_shot())
    for n in range(1, 9):
        await _take(store, f"j{n}")
    await asyncio.gather(
        *(store.shots.judge("1", f"j{n}", Verdict.PICKED, n, NOW) for n in range(1, 9))
    )
    board = await store.shots.board("1", "s1")

    assert board is not None
    picked = [line.take for line in board.lines if line.take.verdict is Verdict.PICKED]
    assert [take.job_id for take in picked] == [f"j{picked[0].verdict_by}"]


async def test_a_new_pick_names_the_one_it_replaces(store: Store) -> None:
    await store.shots.add(_shot())
    await _take(store, "j1")
    await _take(store, "j2")
    await store.shots.judge("1", "j1", Verdict.PICKED, 3, NOW)
    judged = await store.shots.judge("1", "j2", Verdict.PICKED, 4, NOW)

    assert judged is not None
    assert judged[0].verdict is Verdict.PICKED
    assert judged[1] is not None
    assert judged[1].job_id == "j1"


async def test_another_server_reaches_nothing_of_a_shot(store: Store) -> None:
    await store.shots.add(_shot())
    await _take(store, "j1")
    other = store.shots

    assert await other.get("2", "s1") is None
    assert await other.board("2", "s1") is None
    assert await other.of_job("2", "j1") is None
    assert await other.take("2", "j1") is None
    assert await other.judge("2", "j1", Verdict.PICKED, 9, NOW) is None
    assert await other.throw_away("2", "j1", 9, NOW) is False
    assert await other.recent("2") == []
    await other.set_thread("2", "s1", 44)
    unchanged = await store.shots.get("1", "s1")
    assert unchanged is not None
    assert unchanged.thread_id is None


async def test_the_database_itself_refuses_a_take_of_another_server(store: Store) -> None:
    await store.shots.add(_shot())
    stranger = job("j9", place=Place(guild_id=2, channel_id=5, user_id=6))
    await store.add_jobs([stranger], "{}", CAPS, NOW)

    with pytest.raises(sqlite3.IntegrityError, match="one server"):
        await store.shots.add_takes("1", "s1", ["j9"])


async def test_a_parent_is_an_earlier_take_of_the_shot(store: Store) -> None:
    await store.shots.add(_shot())
    for parent in (1, 2):
        with pytest.raises(sqlite3.IntegrityError):
            await _take(store, f"j{parent}", parent=parent)


@given(parents=st.lists(st.integers(0, 20), max_size=20))
def test_a_lineage_is_a_path_of_growing_numbers(parents: list[int]) -> None:
    takes = [
        Take(
            shot_id="s",
            number=n,
            job_id=f"j{n}",
            parent=parent if 0 < parent < n else None,
            verb=Verb.AGAIN,
        )
        for n, parent in enumerate(parents, start=1)
    ]
    for take in takes:
        line = shots.lineage(takes, take.number)
        assert line[-1] == take
        assert line[0].parent is None
        assert [now.parent for now in line[1:]] == [before.number for before in line[:-1]]
    assert shots.lineage(takes, 99) == ()


@given(st.text(max_size=300))
def test_a_title_is_one_short_line(prompt: str) -> None:
    title = shots.title_of(prompt)

    assert 1 <= len(title) <= shots.TITLE_CHARS
    assert "\n" not in title
    assert title == title.strip()


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("a paper boat, low angle. Rain.", "a paper boat, low angle"),
        ("  \n ", "Untitled shot"),
        ("3.5 mm lens on a moth", "3.5 mm lens on a moth"),
        ("word " * 30, "word word word word word word word word word word word word…"),
    ],
)
def test_a_title_is_what_the_prompt_begins_with(prompt: str, title: str) -> None:
    assert shots.title_of(prompt) == title


def test_again_and_several_let_go_of_the_seed_alone() -> None:
    brief = Brief(prompt="p", seed=7, duration_s=4)

    assert shots.again(brief) == replace(brief, seed=None) == shots.several(brief, 3)
    for takes in (0, 11):
        with pytest.raises(Refused, match="Between 1 and 10"):
            shots.several(brief, takes)


def test_longer_is_the_next_length_on_offer_or_none() -> None:
    brief = Brief(prompt="p")
    grown = shots.longer(brief, 4, (4, 8, 12))

    assert grown is not None
    assert grown.duration_s == 8
    assert shots.longer(brief, 12, (4, 8, 12)) is None


def test_a_continuation_begins_on_the_frame_and_keeps_references() -> None:
    kept = MediaInput(role=MediaRole.REFERENCE, mime="image/png", path=Path("r.png"))
    old = tuple(replace(kept, role=role) for role in MediaRole if role is not kept.role)
    brief = Brief(prompt="p", model="m", seed=7, inputs=(*old, kept))
    frame = replace(FRAME, role=MediaRole.REFERENCE)

    assert shots.continued(brief, frame).inputs == (FRAME, kept)
    assert shots.continued(brief, frame).seed is None
    assert shots.use_as_first_frame(brief, FRAME, "n").model == "n"


def test_a_promotion_frees_the_model_and_nothing_else() -> None:
    brief = Brief(prompt="p", model="m", stage=Stage.CONCEPT, seed=7, inputs=(FRAME,))

    assert shots.to_final(brief) == replace(brief, stage=Stage.FINAL, model=None)


def test_a_change_of_words_is_only_that() -> None:
    brief = Brief(prompt="p", model="m", seed=7)

    assert shots.change(brief, "q") == replace(brief, prompt="q")


def test_a_brief_as_made_names_the_model_that_made_it() -> None:
    assert shots.as_made(job()).model == "sora-2"
