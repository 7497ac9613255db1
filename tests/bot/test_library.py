"""Finding clips by words in any script, and what a server's managers have decided."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import catalogue, rules
from bot.brief import Brief, Stage
from bot.errors import Refused
from bot.jobs import Place, State
from bot.limits import Caps
from bot.rules import Rules, may
from bot.shots import Shot, Verdict
from bot.store import Search, Store
from bot.store._database import migrations
from tests.bot.make import NOW, job, later

CAPS = Caps(clip_micros=9, daily_micros=10**9, allowed_guilds=frozenset({1}))
HERE = Place(guild_id=1, channel_id=2, user_id=3)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "dailies.db") as store:
        yield store


async def _clip(
    store: Store,
    job_id: str,
    prompt: str,
    *,
    place: Place = HERE,
    model: str = "sora-2",
    day: int = 0,
    state: State = State.DONE,
) -> None:
    """A job that came to its end; the path there is tested elsewhere."""
    made = replace(
        job(job_id, hold_micros=0, place=place, model=model),
        brief=Brief(prompt=prompt),
        created_at=later(day * 86_400),
        state=state,
        clip=f"{job_id}.mp4" if state is State.DONE else "",
        result_message_id=7,
    )
    await store.add_jobs([made], "{}", CAPS, NOW)


async def _found(store: Store, words: str = "", scope: str = "1", **wanted: object) -> list[str]:
    search = replace(Search(words=words), **wanted)  # pyright: ignore[reportArgumentType] - a test's own fields
    return [clip.job_id for clip in await store.library.find(scope, search)]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A paper boat, crossing a puddle", "puddle boat"),
        ("A paper boat, crossing a puddle", "PUD"),
        ("Ein müder Bär im Café", "mude bar cafe"),
        ("une fenêtre ouverte", "fenetre"),
        ("夕暮れの海辺を走る猫", "猫"),
        ("夕暮れの海辺を走る猫", "海辺 走る"),
        ("Tokyo 雨の夜 in neon", "neon 雨"),
        ("비 오는 거리", "거리"),
        ("เรือกระดาษลอยน้ำ", "กระดาษ"),
        ("шторм у маяка", "маяк"),
        ("a wave 🌊 breaks", "🌊"),
        ('she says "go"', 'says "go"'),
        ("slow-motion rain", "slow-mot"),
        ("it's raining", "it's"),
    ],
)
async def test_a_clip_is_found_by_its_words(store: Store, prompt: str, words: str) -> None:
    await _clip(store, "j1", prompt)
    await _clip(store, "j2", "ein ganz anderer Satz")

    assert await _found(store, words) == ["j1"]


@pytest.mark.parametrize("words", ["boat storm", "犬", "🔥", "oat"])
async def test_a_clip_is_not_found_by_words_it_lacks(store: Store, words: str) -> None:
    await _clip(store, "j1", "a paper boat 猫 🌊")

    assert await _found(store, words) == []


async def test_a_search_says_where_the_clip_is(store: Store) -> None:
    await _clip(store, "j1", "a paper boat")
    (found,) = await store.library.find("1", Search(words="boat"))

    assert (found.prompt, found.model, found.created_at) == ("a paper boat", "sora-2", NOW)
    assert (found.guild_id, found.channel_id, found.message_id) == (1, 2, 7)
    assert found.clip == "j1.mp4"


async def test_no_server_finds_anothers_clips(store: Store) -> None:
    await _clip(store, "j1", "a paper boat 猫")
    stranger = Place(guild_id=11, channel_id=2, user_id=3)
    await _clip(store, "j2", "a paper boat 猫", place=stranger)

    for words in ("boat", "猫", "1", 'boat" OR scope : "1', ""):
        assert "j1" not in await _found(store, words, scope="11")
    assert await _found(store, "boat", scope="1") == ["j1"]


async def test_filters_narrow_and_the_newest_comes_first(store: Store) -> None:
    await _clip(store, "j1", "a boat", day=-3)
    await _clip(store, "j2", "a boat", day=-2, model="veo-3.1")
    await _clip(store, "j3", "a boat", place=replace(HERE, user_id=4))

    assert await _found(store, "boat") == await _found(store) == ["j3", "j2", "j1"]
    assert await _found(store, "boat", model="veo-3.1") == ["j2"]
    assert await _found(store, user_id=4) == ["j3"]
    assert await _found(store, "boat", until=date(2026, 11, 21)) == ["j2", "j1"]
    assert await _found(store, since=date(2026, 11, 21), until=date(2026, 11, 21)) == ["j2"]


async def test_only_clips_that_are_there_are_found(store: Store) -> None:
    await _clip(store, "j1", "a boat")
    await _clip(store, "j2", "a boat", state=State.RENDERING)
    await _clip(store, "j3", "a boat")
    await store.shots.throw_away("1", "j3", 3, NOW)

    assert await _found(store, "boat") == ["j1"]
    await store.shots.take_back("1", "j3")
    assert await _found(store, "boat") == ["j3", "j1"]


async def test_picked_clips_are_found_as_takes(store: Store) -> None:
    shot = Shot(
        id="s1",
        scope="1",
        origin="o",
        channel_id=2,
        thread_id=None,
        title="t",
        owner_id=3,
        board_message_id=None,
        created_at=NOW,
    )
    await store.shots.add(shot)
    for job_id in ("j1", "j2"):
        await _clip(store, job_id, "a boat")
    await store.shots.add_takes("1", "s1", ["j1", "j2"])
    await store.shots.judge("1", "j2", Verdict.PICKED, 3, NOW)
    (found,) = await store.library.find("1", Search(words="boat", picked=True))

    assert (found.job_id, found.shot_id, found.number, found.picked) == ("j2", "s1", 2, True)


@given(words=st.text(max_size=40))
def test_no_words_break_the_search(words: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is typed is a question, never a syntax error."""

    async def run() -> list[str]:
        async with Store.open(tmp_path_factory.getbasetemp() / "words.db") as store:
            return await _found(store, words)

    assert asyncio.run(run()) == []


async def test_prompts_from_before_the_library_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "dailies.db"
    with sqlite3.connect(path) as db:
        for number, script in migrations():
            if number < 3:
                db.executescript(f"BEGIN;{script}PRAGMA user_version={number};COMMIT;")
        columns = [row for row in db.execute("PRAGMA table_info(job)") if row[3] or row[5]]
        given = {"id": "j1", "scope": "1", "state": "done", "clip": "j1.mp4", "prompt": "old boat"}
        values = [given.get(row[1], 0 if row[2] in ("INTEGER", "REAL") else "") for row in columns]
        names = ", ".join(row[1] for row in columns)
        marks = ", ".join("?" * len(values))
        db.execute(f"INSERT INTO job ({names}) VALUES ({marks})", values)  # noqa: S608 - the schema's own names
    db.close()

    async with Store.open(path) as store:
        assert await _found(store, "boat") == ["j1"]


async def test_a_search_among_twenty_thousand_reads_few_rows(store: Store, tmp_path: Path) -> None:
    """Not timed: the work is counted in steps of SQLite's machine, as the index is meant to."""
    await _clip(store, "j0", "a paper boat")
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        names: list[str] = [row[1] for row in db.execute("PRAGMA table_info(job)")]
        changed = {"id": "'k' || n", "origin": "'k' || n", "prompt": "'a paper boat no ' || n"}
        values = ", ".join((changed | {"remote_id": "NULL"}).get(name) or name for name in names)
        db.execute(
            "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT 20000)"  # noqa: S608 - the schema's own names
            f" INSERT INTO job ({', '.join(names)}) SELECT {values} FROM count, job"
        )
    steps = [0]

    def step() -> None:
        steps[0] += 1

    await store._db._reader.set_progress_handler(step, 100)  # pyright: ignore[reportPrivateUsage, reportArgumentType] - the machine's own counter
    found = await store.library.find("1", Search(words="bo"))
    db.close()

    assert len(found) == 25
    assert found[0].prompt == "a paper boat no 20000"
    assert steps[0] * 100 < 10_000


ROLES = Rules(
    allowed_models=frozenset({"veo-3.1"}),
    allowed_channels=frozenset({5}),
    who_may_generate=frozenset({70}),
    who_may_spend=frozenset({80}),
)


@pytest.mark.parametrize(
    ("roles", "channel", "options", "reason"),
    [
        ({70, 80}, {5}, {"price_micros": 1, "model": "veo-3.1"}, ""),
        ({70}, {5}, {}, ""),
        ({70}, {9, 5}, {}, ""),
        ({70}, {9}, {}, "<#5>"),
        ({70}, {5}, {"model": "sora-2"}, "veo-3.1"),
        ({80}, {5}, {}, "<@&70>"),
        ({70}, {5}, {"price_micros": 1}, "<@&80>"),
        (set(), {5}, {"price_micros": 1, "manager": True}, ""),
        (set(), {9}, {"manager": True}, "<#5>"),
    ],
)
def test_a_servers_rules_decide_who_may(
    roles: set[int], channel: set[int], options: dict[str, object], reason: str
) -> None:
    said = may(roles, channel, ROLES, **options)  # pyright: ignore[reportArgumentType] - rows of a table

    assert (reason in said) if reason else said == ""
    assert may(roles, channel, rules.OPEN, **options) == ""  # pyright: ignore[reportArgumentType] - as above


def test_what_is_free_starts_at_once_and_a_price_at_the_threshold_too() -> None:
    assert [rules.starts_at_once(price, 10) for price in (0, 10, 11)] == [True, True, False]
    assert rules.starts_at_once(0, -1)


def test_models_a_server_does_not_allow_are_off_with_the_reason() -> None:
    book = catalogue.parse(catalogue.builtin_text(), file="catalogue.toml")
    seen = rules.permitted(book, ROLES)

    assert seen.models["veo-3.1"] == book.models["veo-3.1"]
    assert "not used in this server" in seen.models["sora-2"].off
    assert rules.permitted(book, rules.OPEN) is book


def test_the_servers_stage_stands_in_where_nothing_is_said() -> None:
    final, brief = Rules(default_stage=Stage.FINAL), Brief(prompt="p")

    assert rules.with_default_stage(brief, final, None).stage is Stage.FINAL
    assert rules.with_default_stage(brief, final, Stage.CONCEPT).stage is None
    drawn = replace(brief, stage=Stage.ANIMATIC)
    assert rules.with_default_stage(drawn, final, None) == drawn


async def test_rules_come_back_as_they_were_saved_and_stay_in_their_server(store: Store) -> None:
    saved = replace(ROLES, default_stage=Stage.FINAL, just_go_micros=5, log_channel_id=6)
    await store.rules.save("1", saved, 3, NOW)

    assert await store.rules.of("1") == saved
    assert await store.rules.of("2") == rules.OPEN


async def test_rules_that_cannot_be_are_refused_by_name(store: Store) -> None:
    for wrong, name in (
        (Rules(just_go_micros=-1), "just_go_micros"),
        (Rules(who_may_spend=frozenset({0})), "who_may_spend"),
    ):
        with pytest.raises(Refused, match=name):
            await store.rules.save("1", wrong, 3, NOW)
    assert await store.rules.of("1") == rules.OPEN


async def test_a_persons_own_threshold_goes_before_the_servers(store: Store) -> None:
    await store.rules.save("1", Rules(just_go_micros=50), 3, NOW)
    await store.rules.set_just_go("1", 3, 0)
    both = [await store.rules.just_go_micros("1", user) for user in (3, 4)]
    await store.rules.set_just_go("1", 3, None)

    assert both == [0, 50]
    assert await store.rules.just_go_micros("1", 3) == 50
    assert await store.rules.just_go_micros("2", 3) == 0


async def test_the_expected_time_is_the_middle_of_what_was(store: Store, tmp_path: Path) -> None:
    assert await store.expected_s("sora-2") is None
    for n, seconds in enumerate((10.0, 90.0, 30.0, 20.0)):
        made = replace(job(f"j{n}", hold_micros=0), rendered_s=seconds, updated_at=later(n))
        await store.add_jobs([made], "{}", CAPS, NOW)

    assert await store.expected_s("sora-2") == 25.0
    assert await store.expected_s("veo-3.1") is None
