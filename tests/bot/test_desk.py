"""What the desk remembers and how it reads amounts and days; the rest is shown in `tests/cogs`."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.desk import search_of
from bot.errors import Refused
from bot.house import micros_of, whole_of
from bot.jobs import Reason, State
from bot.limits import Caps
from bot.recent import PER_SERVER, Recent
from bot.rules import Rules
from bot.store import Asked, Posting, Store
from tests.bot.make import NOW, job

CAPS = Caps(clip_micros=10**9, daily_micros=10**12, allowed_guilds=frozenset())
SCOPE = "1"


def _asked(number: int, **changes: object) -> Asked:
    made = Asked(
        job_id=f"j{number}", scope=SCOPE, prompt=f"boat {number}", user_id=3, channels=(2,)
    )
    return replace(made, **changes)


async def test_rules_from_before_an_upgrade_get_the_new_defaults(tmp_path: Path) -> None:
    path = tmp_path / "dailies.db"
    async with Store.open(path):
        pass
    with sqlite3.connect(path) as db:
        old = '{"allowed_models": ["local"], "just_go_micros": 5}'
        db.execute("INSERT INTO server_rules VALUES ('1', ?, 7, 0)", (old,))
    async with Store.open(path) as store:
        found = await store.rules.of(SCOPE)

    expected = Rules(allowed_models=frozenset({"local"}), just_go_micros=5)
    assert found == expected
    assert (found.quorum, found.vote_hours) == (3, 24)


async def test_a_trouble_keeps_its_beginning_however_often_it_is_seen_again(
    tmp_path: Path,
) -> None:
    later = NOW + timedelta(minutes=5)
    async with Store.open(tmp_path / "dailies.db") as store:
        await store.add_trouble("kling", "no credit", NOW)
        await store.add_trouble("kling", "no credit still", later)
        (trouble,) = await store.troubles()
        await store.end_trouble("kling")
        await store.add_trouble("kling", "no credit", later)
        (again,) = await store.troubles()

    assert (trouble.began, trouble.since, trouble.reason) == (NOW, later, "no credit still")
    assert again.began == later


async def test_only_a_clip_without_a_message_moves_to_where_it_is_posted(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "dailies.db") as store:
        lost = job("lost", state=State.DONE, clip="a.mp4", reason=Reason.UNDELIVERABLE)
        there = job("there", state=State.DONE, clip="b.mp4", result_message_id=70)
        for one in (lost, there):
            await store.add_jobs([one], "{}", CAPS, NOW)
            posting = Posting(job_id=one.id, channel_id=9, message_id=90 + len(one.id))
            await store.desk.add_posting(SCOPE, posting, NOW)
        moved, kept = await store.job("lost"), await store.job("there")
        by_copy = await store.of_message(SCOPE, 95)
        elsewhere = await store.of_message("2", 95)

    assert (moved.place.channel_id, moved.result_message_id, moved.reason) == (9, 94, Reason.NONE)
    assert (kept.place.channel_id, kept.result_message_id) == (2, 70)
    assert by_copy is not None
    assert by_copy.id == "there"
    assert elsewhere is None


async def test_a_search_is_forgotten_after_a_while_and_never_somebody_elses(
    tmp_path: Path,
) -> None:
    search = search_of(words="boat", since="2026-11-01")
    async with Store.open(tmp_path / "dailies.db") as store:
        await store.desk.keep_search("s1", SCOPE, 3, search, NOW)
        mine = await store.desk.search("s1", SCOPE, 3)
        others = [
            await store.desk.search("s1", scope, user) for scope, user in ((SCOPE, 4), ("2", 3))
        ]
        await store.desk.keep_search("s2", SCOPE, 3, search, NOW + timedelta(days=3))
        old = await store.desk.search("s1", SCOPE, 3)

    assert mine == search
    assert others == [None, None]
    assert old is None


def test_suggestions_are_bounded_newest_first_and_each_once() -> None:
    recent = Recent(per_server=3)
    for number in range(5):
        recent.put(_asked(number))
    recent.put(_asked(9, prompt="boat   4"))
    recent.put(_asked(1, scope="2", prompt="their boat"))

    assert recent.matching(SCOPE, "boat", 3, ()) == ["boat 4", "boat 3"]
    assert PER_SERVER >= 25


def test_suggestions_of_hidden_channels_are_only_for_who_asked_for_them() -> None:
    recent = Recent()
    recent.put(_asked(1))

    assert recent.matching(SCOPE, "", 4, {2}) == []
    assert recent.matching(SCOPE, "", 3, {2}) == ["boat 1"]


@pytest.mark.parametrize(
    ("typed", "micros"),
    [("0.50", 500_000), ("$1", 1_000_000), ("0,5 ", 500_000), ("2$", 2_000_000), ("0", 0)],
)
def test_amounts_are_read_as_people_type_them(typed: str, micros: int) -> None:
    assert micros_of(typed) == micros


@pytest.mark.parametrize("typed", ["", "much", "-0.01", "1001", "1e99", "Infinity", "1.000.000"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="no amount in USD"):
        micros_of(typed)


@pytest.mark.parametrize("typed", ["", "3.5", "three", "0x3"])
def test_what_is_no_whole_number_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="no whole number"):
        whole_of(typed)


def test_days_are_read_and_empty_ones_leave_it_open() -> None:
    search = search_of(since=" 2026-11-01 ", until="", model="  ")

    assert search.since == date(2026, 11, 1)
    assert (search.until, search.model) == (None, None)
