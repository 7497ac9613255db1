"""Comparisons where something is missing, late, refused, deleted, too large, or somebody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.config import Settings
from tests.clips import clip_bytes
from tests.cogs.conftest import (
    PATIENCE_S,
    PROMPT,
    BotClock,
    Start,
    answered,
    press,
    told,
    until,
)
from tests.cogs.steps import (
    all_jobs,
    card_for,
    from_channel,
    ledger_sound,
    paid_take,
    thread_of,
    words_to,
)
from tests.cogs.versus import BOTH, agreed, ballot, ballots, is_reveal, reveal, rule, voted
from tests.standin.discord import Channel, Discord, Permission
from tests.standin.kling import Kling
from tests.standin.openai import Gateway

THREE = {"models": "sora-2, sora-2-pro kling-v3", "duration": 4}
DEARER = (
    '[[models.sora-2.routes]]\nprovider = "gateway"\nwire_id = "sora-2"\ndialect = "videos"\n'
    'price = { confidence = "listed", source = "us", verified = 2026-11-01, '
    "per_s = { 720p = { audio = 0.20 } } }\n"
)


@pytest.fixture
async def kling() -> AsyncIterator[Kling]:
    async with Kling(clip=clip_bytes(colour="maroon")) as vendor:
        yield vendor


@pytest.fixture
def paying_three(paying: dict[str, Any], kling: Kling) -> dict[str, Any]:
    return paying | {
        "kling_api_key": SecretStr(kling.key),
        "kling_base_url": kling.base_url,
        "daily_usd": Decimal(50),
    }


async def test_where_only_one_arrives_it_is_told_at_once_and_can_be_gone_on_with(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann = server.user("ann")
    vendor.fail_next("rejected")
    async with bot(**paying):
        card = await agreed(server, ann, shots)
        told_last = await reveal(server, shots)
        await until(server, lambda: "Too little arrived" in card.text)
        (label,) = told_last.buttons
        await press(server, ann, told_last, label)
        clip = await server.message_where(
            shots, lambda message: "here is your clip" in message.text, timeout=PATIENCE_S
        )
    done, lost = sorted(await all_jobs(settings), key=lambda job: job.clip == "")

    assert "No vote: there is nothing to choose between" in told_last.text
    assert "refuses this content" in told_last.text
    assert "not charged" in told_last.text
    assert label in ("Go on with Sora 2", "Go on with Sora 2 Pro")
    assert told_last.pinged == [ann]
    assert card.buttons == {}
    assert clip.attachments
    assert (done.hold_micros, lost.clip) == (vendor.bill_micros, "")
    assert f"Spent on all of it: ${vendor.bill_micros / 1e6:.2f}" in told_last.text
    assert await ledger_sound(settings)


async def test_where_nothing_arrives_nothing_is_charged(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    vendor.fail_next("failed", times=2)
    async with bot(**paying):
        card = await agreed(server, ann, shots)
        last = await reveal(server, shots)
        await until(server, lambda: "Too little arrived" in card.text)

    assert "No clip arrived" in last.text
    assert "Spent on all of it: free" in last.text
    assert last.buttons == {}
    assert vendor.bill_micros == 0


async def test_one_that_is_late_is_named_after_the_vote_and_kept(
    server: Discord,
    shots: Channel,
    bot: Start,
    kling: Kling,
    paying_three: dict[str, Any],
    settings: Settings,
    clock: BotClock,
) -> None:
    await rule(settings, server, quorum=1)
    ann = server.user("ann")
    kling.polls_until_done = 10_000
    async with bot(**paying_three):
        card = await agreed(server, ann, shots, **THREE)
        await until(server, lambda: "2 of 3 made" in card.text)
        clock.ahead = timedelta(minutes=21)
        vote = await ballot(server, shots)
        shown = vote.text
        await until(server, lambda: "Vote here" in card.text)
        kling.polls_until_done = 0
        clip = settings.data_dir / "clips"
        await until(server, lambda: len(list(clip.glob("*.mp4"))) == 3)
        await voted(server, ann, vote, "B")
        await press(server, ann, vote, "End the vote")
        result = await reveal(server, shots)
        await until(server, lambda: "Votes and prices" in vote.text)
        (late,) = [label for label in result.buttons if "Kling" in label]
        await press(server, ann, result, late)
        await server.message_where(
            shots, lambda message: "here is your clip" in message.text, timeout=PATIENCE_S
        )

    assert [file.filename for file in vote.attachments] == ["A.mp4", "B.mp4", "together.mp4"]
    assert "1 more did not arrive" in shown
    assert "came too late for the vote; the clip is kept" in result.text
    assert "B wins" in result.text
    assert "B wins" in vote.text
    assert vote.buttons == {}


async def test_in_a_thread_all_of_it_stays_in_the_thread(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any], settings: Settings
) -> None:
    await rule(settings, server, quorum=1)
    ann = server.user("ann")
    thread = await server.start_thread(ann, await server.say(ann, shots, "shot 1"), "shot 1")
    before = len(server.messages(shots))
    async with bot(**paying):
        await agreed(server, ann, thread)
        vote = await ballot(server, thread)
        await voted(server, ann, vote, "Tie")
        await press(server, ann, vote, "End the vote")
        result = await reveal(server, thread)

    assert "No winner" in result.text
    assert result.reply_to is vote
    assert len(server.messages(shots)) == before


async def test_from_a_card_from_a_clip_and_from_the_menu(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying_three: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying_three):
        card = await card_for(server, ann, shots)
        pressed = await press(server, ann, card, "Compare")
        from_card = await pressed.answered(PATIENCE_S)
        clip = await paid_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await press(server, ann, clip, "Compare")
        from_clip = await server.message_where(
            thread, lambda message: "hidden until" in message.text, timeout=PATIENCE_S
        )
        await server.context_menu(ann, shots, "Compare on other models", clip)
        await until(server, lambda: len(_cards(server, thread)) == 2)

    assert "models · names hidden until the vote ends" in from_card.text
    assert PROMPT in from_card.text
    assert "Sora 2** via" not in from_clip.text  # the clip's own model is not asked again
    assert len(vendor.submissions) == 1


def _cards(server: Discord, place: Channel) -> list[str]:
    return [m.text for m in server.messages(place) if "hidden until the vote ends" in m.text]


async def test_a_price_that_rose_asks_again_for_all_of_it(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    tmp_path: Path,
) -> None:
    """Also for an audition, which is offered whole again."""
    ann, overlay = server.user("ann"), tmp_path / "mine.toml"
    overlay.write_text(DEARER)
    paying |= {"daily_usd": Decimal(500), "clip_usd": Decimal(9)}
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        trial = await answered(server, ann, shots, "audition", model="sora-2", against="sora-2-pro")
        (price,) = [label for label in trial.buttons if label.startswith("Go")]
    async with bot(**paying, catalogue=overlay):
        await press(server, ann, card, "Go")
        await until(server, lambda: "Go · $2.00" in card.buttons)
        await press(server, ann, trial, "Go")
        await until(server, lambda: trial.edits and price not in trial.buttons)

    for shown in (card, trial):
        assert "Nothing was spent; it would now be" in shown.text
    assert "7 prompts · 14 clips" in trial.text
    assert vendor.submissions == []


async def test_over_the_days_cap_nothing_of_it_starts(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying | {"daily_usd": Decimal(1)}):
        card = await answered(server, ann, shots, "compare", **BOTH)
        words = await told(server, await press(server, ann, card, "Go"))

    assert "DAILY_USD" in words.text
    assert "Go · $1.60" in card.buttons
    assert vendor.submissions == []


async def test_missing_permissions_are_told_before_anything_starts(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        server.forbid(shots, Permission.ATTACH_FILES)
        at_go = await told(server, await press(server, ann, card, "Go"))
        at_once = await told(server, await server.slash(ann, shots, "compare", BOTH))
        trial = await told(server, await server.slash(ann, shots, "audition", {"model": "sora-2"}))

    for words in (at_go, at_once, trial):
        assert "**Attach Files**" in words.text
    assert vendor.submissions == []


async def test_another_servers_people_reach_nothing_of_it(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann, other = server.user("ann"), server.guild("Elsewhere")
    there, eve = server.channel("there", guild=other), server.manager("eve", guild=other)
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        ids = [card.custom_id("Go · $1.60"), card.custom_id("Not now")]
        refused = [
            await words_to(server, await from_channel(server, eve, there, one)) for one in ids
        ]
        before = len(vendor.submissions)
        await press(server, ann, card, "Go")
        vote = await ballot(server, shots)
        comparison_id = vote.custom_id("A").split(":")[1]
        ids = [f"{kind}:{comparison_id}" for kind in ("myvotes", "vsend", "vsoff")]
        ids += [f"goon:{job.id}" for job in await all_jobs(settings)]
        refused += [
            await words_to(server, await from_channel(server, eve, there, one)) for one in ids
        ]

    assert before == 0
    assert all("closed" in words or "no such" in words.lower() for words in refused), refused
    assert not [m for m in server.messages(there) if m.attachments]
    assert ballots(server, shots) == [vote]


async def test_too_large_for_discord_the_clips_come_without_the_side_by_side(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        fault = server.fail_next("POST", rf"/channels/{shots.id}/messages$", 413, code=40005)
        await press(server, ann, card, "Go")
        vote = await ballot(server, shots)

    assert fault.hits == 1
    assert [file.filename for file in vote.attachments] == ["A.mp4", "B.mp4"]
    assert "In this order: A, B ·" in vote.text
    assert len(ballots(server, shots)) == 1


async def test_a_deleted_card_stops_nothing(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any], settings: Settings
) -> None:
    await rule(settings, server, quorum=1)
    ann = server.user("ann")
    async with bot(**paying):
        card = await agreed(server, ann, shots)
        await until(server, lambda: not card.buttons)
        await server.delete(card)
        vote = await ballot(server, shots)
        await voted(server, ann, vote, "A")
        await server.delete(vote)
        pressed = await from_channel(server, ann, shots, vote.custom_id("End the vote"))
        await pressed.answered(PATIENCE_S)
        result = await reveal(server, shots)

    assert "A wins" in result.text
    assert len([m for m in server.messages(shots) if is_reveal(m)]) == 1


async def test_a_deleted_channel_ends_it_and_keeps_the_clips(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann, elsewhere = server.user("ann"), server.channel("elsewhere")
    vendor.polls_until_done = 2
    async with bot(**paying):
        await agreed(server, ann, shots)
        await until(server, lambda: len(vendor.jobs) == 2)
        server.delete_channel(shots)
        clips = settings.data_dir / "clips"
        await until(server, lambda: len(list(clips.glob("*.mp4"))) == 2)
        await agreed(server, ann, elsewhere)
        await ballot(server, elsewhere)
        listed = await answered(server, ann, elsewhere, "jobs")

    jobs = await all_jobs(settings)
    assert [bool(job.clip) for job in jobs] == [True] * 4
    assert listed.text.count("done") == 4
    assert await ledger_sound(settings)


async def test_a_server_that_put_the_bot_out_ends_neither_the_bot_nor_others(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    """How large files may be cannot be asked for any more; the loop goes on."""
    other = server.guild("Elsewhere")
    there, eve = server.channel("there", guild=other), server.user("eve", guild=other)
    home, ann = server.home(), server.user("ann")
    both = {"discord_allowed_guilds": frozenset({home.id, other.id})}
    vendor.polls_until_done = 10_000
    async with bot(**paying | both):
        await agreed(server, ann, shots)
        await until(server, lambda: len(vendor.jobs) == 2)
    del server.world.guilds[home.id]
    server.delete_channel(shots)
    vendor.polls_until_done = 0
    async with bot(**paying | both):
        await agreed(server, eve, there)
        vote = await ballot(server, there)
        mine = await voted(server, eve, vote, "A")

    assert "**A**" in mine.text
