"""The team's ranking for one person's eyes, a manager's recount, and what a kept second cost."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from bot.config import Settings
from tests.cogs.conftest import PATIENCE_S, Start, answered, press, until
from tests.cogs.steps import from_channel, words_to
from tests.cogs.versus import agreed, answers_all, ballot, letters_of, reveal, rule
from tests.standin.discord import Channel, Discord, Message, User

HONEST, CHEATS = 6, 2
WHOSE = "takeout:votes"


async def counted(server: Discord, settings: Settings, place: Channel, asker: User) -> Message:
    """A comparison six people call for Sora 2 and two for the other; its result."""
    await agreed(server, asker, place)
    vote = await ballot(server, place)
    letters = await letters_of(settings, server, vote.custom_id("A").split(":")[1])
    cheap = "AB"[[one.model for one in letters].index("sora-2")]
    dear = "AB".replace(cheap, "")
    for number in range(HONEST):
        await answers_all(server, server.user(f"honest{number}"), vote, cheap)
    for number in range(CHEATS):
        await answers_all(server, server.user(f"cheat{number}"), vote, dear)
    await press(server, asker, vote, "End the vote")
    return await reveal(server, place)


def person(server: Discord, name: str) -> User:
    return next(user for user in server.world.users.values() if user.name == name)


async def test_the_ranking_is_seen_alone_and_a_manager_takes_a_persons_votes_out(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    await rule(settings, server, quorum=HONEST + CHEATS)
    ann, boss = server.user("ann"), server.manager("boss")
    async with bot(**paying):
        result = await counted(server, settings, shots, ann)
        hers = await (await press(server, ann, result, "The ranking")).answered(PATIENCE_S)
        his = await (await press(server, boss, result, "The ranking")).answered(PATIENCE_S)
        before, picture = his.text, his.attachments[0]
        await server.select(boss, his, WHOSE, [person(server, "cheat0")])
        await until(server, lambda: "Take them out" in his.buttons)
        asked = his.text
        yes = his.custom_id("Take them out")
        not_hers = await words_to(server, await from_channel(server, ann, shots, yes))
        await press(server, boss, his, "Take them out")
        await until(server, lambda: "7 people" in his.text)

    assert hers.ephemeral
    assert not any(WHOSE in str(row) for row in hers.components)
    assert hers.attachments
    assert "Sora 2: 6 of 8 votes" in before
    assert "8 people" in before
    assert "It decides which model is offered first" in before
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.width == 1080
    assert (picture.filename, picture.description is None) == ("ranking.png", False)
    assert person(server, "cheat0").mention in asked
    assert "Only a manager" in not_hers
    assert "Sora 2: 6 of 7 votes" in his.text
    assert "7 people" in his.text
    assert his.attachments


async def test_without_votes_it_says_how_to_begin(
    server: Discord, shots: Channel, bot: Start
) -> None:
    async with bot():
        asked = await from_channel(server, server.manager("boss"), shots, "ranking:here")
        words = await asked.answered(PATIENCE_S)

    assert "No votes yet. `/compare` starts the first" in words.text
    assert words.components == []


async def test_usage_says_what_a_second_that_was_kept_has_cost(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    """Of the winner: all that was spent on its model, by the seconds that won."""
    await rule(settings, server, quorum=HONEST + CHEATS)
    ann = server.user("ann")
    async with bot(**paying):
        await answered(server, ann, shots, "usage")
        result = await counted(server, settings, shots, ann)
        usage = await answered(server, ann, shots, "usage")
        ranking = await (await press(server, ann, result, "The ranking")).answered(PATIENCE_S)
    lines = {line.split(":")[0]: line for line in usage.text.splitlines()}

    # The stand-in's clip has one second, and $0.40 were paid for it.
    assert lines["- Sora 2"] == "- Sora 2: 1 clip, $0.40 · $0.40 a second kept"
    assert lines["- Sora 2 Pro"] == "- Sora 2 Pro: 1 clip, $1.20"
    assert "$0.40 a second kept" in ranking.text
