"""A comparison and an audition as people see them, written down as `docs/screens/comparison.md`.

Who is A is drawn by chance; for this record the draw is laid down in the database before the Go.
With WRITE_SCREENS=1 in the environment the file is written anew.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from bot.config import Settings
from tests.cogs.conftest import PATIENCE_S, Start, answered, press, until
from tests.cogs.transcript import Transcript
from tests.cogs.versus import answers_all, ballot, ballots, reveal, rule, voted
from tests.standin.discord import Channel, Discord, Message, User
from tests.standin.openai import Gateway

SCREENS: Final = Path(__file__).parents[2] / "docs" / "screens" / "comparison.md"
OPENING: Final = (
    "A team of nineteen compares two models for a face, blind, and what it finds decides the next "
    "choice; then a model is put on trial. Recorded by a test that runs the real client against a "
    "loopback Discord and a loopback vendor, and that fails when the screens change. Sending a "
    "command counts as one tap, and so does a button. Ids, links and times are written as `…`; "
    "who is A is drawn by chance, and laid down here so that the record stays the same."
)
FACE: Final = "close-up of her face, tears in her eyes, she breaks into a smile"
NEXT: Final = "close-up of an old man's face, his eyebrows rise, he begins to laugh"


def lay_down(settings: Settings) -> None:
    """The first model of every open offer is A."""
    kept = next(seed for seed in range(99) if _drawn(seed) == ["first", "second"])
    with closing(sqlite3.connect(settings.data_dir / "dailies.db", timeout=30)) as db, db:
        db.execute("UPDATE comparison_plan SET seed = ? WHERE phase = 'offered'", (kept,))


def _drawn(seed: int) -> list[str]:
    order = ["first", "second"]
    Random(seed).shuffle(order)
    return order


async def compared(story: Transcript, server: Discord, shots: Channel, settings: Settings) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    story.part("One price, two models, no names")
    options = {"prompt": FACE, "models": "sora-2 sora-2-pro"}
    card = await answered(server, ann, shots, "compare", **options)
    story.did("ann", f"types `/compare prompt:{FACE} models:sora-2 sora-2-pro`")
    story.shows(card)
    lay_down(settings)
    await tap(story, server, ann, card, "Go")
    vote = await ballot(server, shots)
    story.shows(vote, "in the channel, once both are there")
    await until(server, lambda: "Vote here" in card.text)
    story.shows(card, "the card has become the way there")
    story.part("A vote")
    story.did("bob", "presses `A`")
    mine = await voted(server, bob, vote, "A")
    story.shows(mine)
    while "A" in mine.buttons:
        known = mine.text
        await tap(story, server, bob, mine, "A")
        await until(server, lambda known=known: mine.text != known)
        story.shows(mine)
    story.did("ann", "presses `End the vote`", taps=1)
    story.shows(await voted(server, ann, vote, "End the vote"))
    for number in range(18):
        letter = "A" if number < 13 else "B"
        await answers_all(server, server.user(f"p{number}"), vote, letter)
    story.note("eighteen more people vote; ann ends it")
    story.part("The reveal")
    await press(server, ann, vote, "End the vote")
    story.shows(await reveal(server, shots), "an answer to the clips")
    await until(server, lambda: vote.buttons == {})
    story.shows(vote, "over the clips, instead of the buttons")


async def tap(story: Transcript, server: Discord, who: User, message: Message, label: str) -> None:
    (whole,) = [one for one in message.buttons if one == label or one.startswith(f"{label} · ")]
    story.did(who.name, f"presses `{whole}`")
    await press(server, who, message, label)


async def tried(story: Transcript, server: Discord, shots: Channel, settings: Settings) -> None:
    boss = server.manager("boss")
    story.part("A model on trial")
    options = {"model": "sora-2", "against": "sora-2-pro"}
    card = await answered(server, boss, shots, "audition", **options)
    story.did("boss", "types `/audition model:sora-2 against:sora-2-pro`")
    story.shows(card)
    lay_down(settings)
    await tap(story, server, boss, card, "Go")
    known = {vote.id for vote in ballots(server, shots)}
    for number in range(8):
        vote = await until(server, lambda: _other(server, shots, known))
        assert vote is not None
        known.add(vote.id)
        if "Pair 1 of" in vote.text:
            words = vote.text.removeprefix(f"{boss.mention} ")
            story.shows(vote, "in the channel, one pair after the other", text=words)
        await answers_all(server, boss, vote, "B" if "iced water" in vote.text else "A")
        await answers_all(server, server.user(f"q{number}"), vote, "A")
        await press(server, boss, vote, "End the vote")
    report = await server.message_where(
        shots, lambda message: "The trial is over" in message.text, timeout=PATIENCE_S
    )
    story.note("every pair is voted on")
    story.shows(report, "in the channel")


def _other(server: Discord, shots: Channel, known: set[int]) -> Message | None:
    return next((vote for vote in ballots(server, shots) if vote.id not in known), None)


@pytest.mark.timeout(400)
async def test_a_comparison_its_effect_and_an_audition(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    await rule(settings, server, quorum=19)
    story = Transcript(server, "A comparison", OPENING)
    async with bot(**paying | {"daily_usd": Decimal(500), "clip_usd": Decimal(9)}):
        await compared(story, server, shots, settings)
        story.part("Its effect on the next card")
        ann = next(user for user in server.world.users.values() if user.name == "ann")
        story.did("ann", f"types `/generate prompt:{NEXT}`")
        card = await answered(server, ann, shots, "generate", prompt=NEXT)
        story.shows(card)
    await rule(settings, server, quorum=2)
    async with bot(**paying | {"daily_usd": Decimal(500), "clip_usd": Decimal(9)}):
        await tried(story, server, shots, settings)

    if os.environ.get("WRITE_SCREENS"):
        SCREENS.write_text(story.text, encoding="utf-8")
    assert "your team prefers Sora 2 for facial expression: " in card.text
    assert story.text == SCREENS.read_text(encoding="utf-8"), "run this test with WRITE_SCREENS=1"
