"""Comparing and its consequences on the command line: a real process, and a server's votes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.compared import ANN, BEN, BOSS, BRIEF, Clock, RecordingFace, keyed, posted
from tests.bot.process import Bot
from tests.clips import clip_bytes
from tests.standin.openai import Gateway


@pytest.fixture
async def vendor() -> AsyncIterator[Gateway]:
    async with Gateway(clip=clip_bytes()) as vendor:
        yield vendor


@pytest.fixture
def bot(vendor: Gateway, tmp_path: Path) -> Bot:
    return Bot(
        tmp_path,
        GATEWAY_API_KEY=vendor.key,
        GATEWAY_BASE_URL=vendor.base_url,
        CLIP_USD="3",
        DISCORD_ALLOWED_GUILDS="1",
    )


async def test_who_cannot_take_part_is_named_and_the_others_go_on(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    made = await bot(
        *("compare", "a boat", "--models", "sora-2", "gen-4.5", "sora-2-pro", "--duration", "4"),
        *("--yes", "--json"),
    )

    assert made.code == 0, made.err
    assert "gen-4.5: " in made.err
    assert {job["model"] for job in made.json["jobs"]} == {"sora-2", "sora-2-pro"}
    assert (tmp_path / made.json["side_by_side"]).is_file()


async def test_nobody_named_are_those_that_can(bot: Bot, vendor: Gateway) -> None:
    made = await bot("compare", "a boat", "--duration", "4", "--yes", "--json")

    assert made.code == 0, made.err
    assert len(made.json["jobs"]) == 2


async def test_one_alone_is_refused_before_anything_is_spent(bot: Bot, vendor: Gateway) -> None:
    made = await bot("compare", "a boat", "--models", "sora-2", "gen-4.5", "--yes", "--json")

    assert made.code == 3
    assert "needs two models" in made.err
    assert vendor.exchanges == []


async def test_one_that_fails_leaves_the_other_its_clip(bot: Bot, vendor: Gateway) -> None:
    vendor.fail_next("rejected")
    made = await bot(
        *("compare", "a boat", "--models", "sora-2", "sora-2-pro", "--duration", "4"),
        *("--yes", "--json"),
    )
    states = {job["state"]: job["charged_usd"] > 0 for job in made.json["jobs"]}

    assert made.code == 4
    assert states == {"done": True, "refunded": False}
    assert made.json["side_by_side"] is None
    assert (await bot("ledger", "check")).code == 0


async def _taught(folder: Path) -> None:
    face = RecordingFace()
    async with keyed(folder / "data", Clock()) as app:
        shown = await posted(app, face)
        letters = (await app.store.comparisons.get("1", shown.id)).letters
        letter = "AB"[[one.model for one in letters].index("sora-2")]
        for person in (ANN, BEN, BOSS):
            for question in shown.questions:
                await app.comparing.vote(shown.id, person, question, letter)
        await app.comparing.close(shown.id, ANN)


async def test_the_explanation_of_a_route_shows_what_votes_made_of_the_catalogue(
    bot: Bot, tmp_path: Path
) -> None:
    await _taught(tmp_path)
    asked = ("route", BRIEF.prompt, "--stage", "final", "--explain")
    here = await bot(*asked, "--server", "1", "--json")
    own = await bot(*asked, "--json")
    table = await bot(*asked, "--server", "1")
    (row,) = [
        row
        for row in here.json["explain"]
        if (row["model"], row["category"]) == ("sora-2", "human_motion")
    ]

    assert here.code == 0, here.err
    assert (row["votes"], row["wins"]) == (3, 3)
    assert row["prior"] < row["posterior"] < row["high"]
    assert "3 of 3" in table.out
    assert {row["votes"] for row in own.json["explain"]} == {0}
    assert "explain" not in (await bot("route", "a boat", "--json")).json


async def test_usage_says_what_a_kept_second_has_cost(bot: Bot, tmp_path: Path) -> None:
    await _taught(tmp_path)
    usage = await bot("usage", "--json")
    accepted = {row["model"]: row for row in usage.json["accepted"] if row["category"] == ""}

    assert set(usage.json) == {"rows", "total_usd", "accepted"}
    assert accepted["sora-2"]["accepted_s"] == 4
    assert accepted["sora-2"]["usd_per_accepted_s"] == pytest.approx(
        accepted["sora-2"]["spent_usd"] / 4
    )
    assert accepted["kling-v3"]["usd_per_accepted_s"] is None
    assert "per kept second" in (await bot("usage")).out
