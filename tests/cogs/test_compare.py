"""Comparisons in the channel: one price, blind clips, secret votes, one reveal."""

from __future__ import annotations

import re
from typing import Any

from bot.config import Settings
from tests.cogs.conftest import (
    PATIENCE_S,
    Start,
    answered,
    press,
    told,
    until,
)
from tests.cogs.test_iterate import thread_of
from tests.cogs.versus import BOTH, agreed, ballot, is_reveal, rule
from tests.standin.discord import Channel, Discord
from tests.standin.openai import Gateway

NAMES = ("sora", "gateway", "pro", "$")


async def test_a_blind_comparison_from_one_price_to_the_reveal(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    await rule(settings, server, quorum=2)
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        offered, before = card.text, len(vendor.submissions)
        await press(server, ann, card, "Go · $1.60")
        vote = await ballot(server, shots)
        shown = vote.text
        mine = await (await press(server, ann, vote, "A")).answered(PATIENCE_S)
        early = await press(server, ann, vote, "End the vote")
        refused = await early.answered(PATIENCE_S)
        await (await press(server, bob, vote, "A")).answered(PATIENCE_S)
        await press(server, ann, vote, "End the vote")
        result = await server.message_where(
            shots, lambda message: is_reveal(message), timeout=PATIENCE_S
        )

    assert before == 0
    assert "2 models · names hidden until the vote ends · **$1.60**" in offered
    assert sorted(body["model"] for body in vendor.submissions) == ["sora-2", "sora-2-pro"]
    assert [file.filename for file in vote.attachments][:2] == ["A.mp4", "B.mp4"]
    assert not [name for name in NAMES if name in shown.lower()]
    assert vote.pinged == [ann]
    assert mine.ephemeral
    assert "**A**" in mine.text
    assert "1 of 2 people have voted" in refused.text
    assert "A 2 · B 0" in result.text
    assert "Sora 2" in result.text
    assert "Spent on all of it: $1.60" in result.text
    assert list(result.buttons) == ["Go on with A", "Go on with B", "The ranking"]


async def test_a_vote_goes_on_after_a_restart_and_one_can_go_on_with_a_clip(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    await rule(settings, server, quorum=1)
    ann = server.user("ann")
    async with bot(**paying):
        await agreed(server, ann, shots)
        vote = await ballot(server, shots)
    async with bot(**paying):
        await (await press(server, ann, vote, "Tie")).answered(PATIENCE_S)
        await press(server, ann, vote, "End the vote")
        result = await server.message_where(
            shots, lambda message: is_reveal(message), timeout=PATIENCE_S
        )
        await press(server, ann, result, "Go on with B")
        clip = await server.message_where(
            shots, lambda message: "here is your clip" in message.text, timeout=PATIENCE_S
        )
        await thread_of(server, shots)

    assert "Tie 1" in result.text
    assert any(label.startswith("Again") for label in clip.buttons)
    assert len([m for m in server.messages(shots) if is_reveal(m)]) == 1


async def test_a_comparison_nobody_can_make_says_so_at_once(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        asked = await server.slash(ann, shots, "compare", BOTH | {"models": "sora-2 kling-v3"})
        words = await told(server, asked)

    assert "A comparison needs two models. Only Sora 2 can make this here now" in words.text
    assert "KLING_API_KEY" in words.text


async def test_nobody_else_says_yes_and_no_costs_nothing(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        card = await answered(server, ann, shots, "compare", **BOTH)
        words = await told(server, await press(server, bob, card, "Go"))
        await press(server, ann, card, "Not now")
        await until(server, lambda: card.buttons == {})

    assert "Only the person who asked" in words.text
    assert card.text == "Not made. Nothing was spent."
    assert vendor.submissions == []


async def test_a_press_from_another_server_finds_no_vote(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
) -> None:
    ann = server.user("ann")
    other = server.guild("Elsewhere")
    there, eve = server.channel("there", guild=other), server.user("eve", guild=other)
    async with bot(**paying):
        await agreed(server, ann, shots)
        vote = await ballot(server, shots)
        planted = server.world.new_message(there, server.world.bot)
        planted.components = vote.components
        posted = server.world.post(planted)
        words = await (await press(server, eve, posted, "A")).answered(PATIENCE_S)

    assert "no such comparison" in words.text


async def test_fifty_people_pressing_at_once_twice_and_after_a_restart_count_once_each(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    """Each presses A and at once B; the last to arrive counts, and nobody counts twice."""
    await rule(settings, server, quorum=51)
    people = [server.user(f"p{number}") for number in range(50)]
    async with bot(**paying):
        await agreed(server, people[0], shots)
        vote = await ballot(server, shots)
        for label in ("A", "Tie"):
            presses = [await press(server, one, vote, label) for one in people]
            for pressed in presses:
                await pressed.answered(PATIENCE_S)
    async with bot(**paying):
        again = await press(server, people[7], vote, "B")
        await again.answered(PATIENCE_S)
        last = await press(server, server.user("last"), vote, "B")
        await last.answered(PATIENCE_S)
        await press(server, people[0], vote, "End the vote")
        result = await server.message_where(
            shots, lambda message: is_reveal(message), timeout=PATIENCE_S
        )
        late = await press(server, people[3], vote, "A")
        words = await late.answered(PATIENCE_S)

    assert "Overall: A 0 · B 2 · Tie 49" in result.text
    assert "ended" in words.text


async def test_what_a_voter_reads_is_the_same_whichever_model_is_a(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
) -> None:
    """Posts of several comparisons differ in their ids and times alone."""
    ann = server.user("ann")
    seen = set[str]()
    async with bot(**paying):
        for models in ("sora-2 sora-2-pro", "sora-2-pro sora-2"):
            channel = server.channel(f"c{len(seen)}-{models.split()[0]}")
            await agreed(server, ann, channel, models=models)
            vote = await ballot(server, channel)
            names = [file.filename for file in vote.attachments]
            sizes = {len(file.data) for file in vote.attachments[:2]}
            labels = list(vote.buttons)
            text = re.sub(r"`\w+`|<t:\d+:R>", "-", vote.text)
            seen.add(f"{names} {len(sizes)} {labels} {text}")

    assert len(seen) == 1
    assert "['A.mp4', 'B.mp4'" in seen.pop()
