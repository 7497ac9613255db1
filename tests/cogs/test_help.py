"""`/help` and a bare mention: one screen with every command."""

from __future__ import annotations

import pytest

from tests.cogs.conftest import FREE, PATIENCE_S, Start, answered, clip_in, until
from tests.cogs.test_client import COMMANDS
from tests.standin.discord import Channel, Discord


async def test_help_names_every_command_on_one_screen_in_private(
    server: Discord, shots: Channel, bot: Start
) -> None:
    async with bot():
        screen = await answered(server, server.user("ann"), shots, "help")

    slash = {name for name in COMMANDS if name[0].islower()}
    assert screen.ephemeral
    assert all(f"`/{name}`" in screen.text for name in slash)
    assert len(screen.text) <= 2000
    assert "free storyboards only" in screen.text


async def test_a_bare_mention_is_answered_with_the_same(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        screen = await answered(server, ann, shots, "help")
        said = await server.say(ann, shots, f"  {server.bot.mention} ")
        reply = await server.message_where(
            shots, lambda message: message.reply_to is said, timeout=PATIENCE_S
        )

    assert reply.text == screen.text
    assert reply.pinged == []


@pytest.mark.parametrize("words", ["slower, and 9:16", ""])
async def test_a_mention_that_says_or_answers_something_is_no_call_for_help(
    server: Discord, shots: Channel, bot: Start, words: str
) -> None:
    ann = server.user("ann")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        clip = await clip_in(server, shots)
        answers = None if words else clip
        said = await server.say(ann, shots, f"{server.bot.mention} {words}", reply_to=answers)
        reply = await until(
            server,
            lambda: [
                m
                for c in (shots, *server.threads(shots))
                for m in server.messages(c)
                if m.reply_to is said or (not words and "what should be different" in m.text)
            ],
        )

    assert "workbench" not in reply[0].text


async def test_without_the_bots_name_nobody_gets_help(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        await server.say(ann, shots, "help")
        await answered(server, ann, shots, "jobs")

    assert len(server.messages(shots)) == 1
