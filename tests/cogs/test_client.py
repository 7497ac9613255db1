"""The connection: commands registered once, faults survived, and what only people can mend."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from bot.client import serve, sync_commands
from bot.config import Settings
from bot.errors import ConfigError
from tests.cogs.conftest import FREE, PATIENCE_S, Start, answered, clips_in, until
from tests.standin.discord import Channel, Discord, Intent

COMMANDS = {
    "generate",
    "refine",
    "jobs",
    "models",
    "library",
    "usage",
    "settings",
    "help",
    "Animate this image",
    "Continue this clip",
    "Compare on other models",
    "compare",
    "audition",
}
REGISTER = r"/commands$"


def _names(server: Discord, scope: int | None = None) -> set[str]:
    return {command["name"] for command in server.commands_in(scope).values()}


async def _answers(server: Discord, shots: Channel) -> None:
    """A command works, whatever happened before."""
    ann = server.user("ann")
    assert "No jobs yet" in (await answered(server, ann, shots, "jobs")).text


async def test_commands_are_registered_once_and_in_servers_only(
    server: Discord, shots: Channel, bot: Start
) -> None:
    for _ in range(2):
        async with bot():
            await _answers(server, shots)

    assert _names(server) == COMMANDS
    assert len(server.calls("PUT", REGISTER)) == 1
    for command in server.commands_in(None).values():
        assert (command["contexts"], command["integration_types"]) == ([0], [0])


async def test_commands_move_to_the_servers_listed_so_that_nobody_sees_them_twice(
    server: Discord, shots: Channel, bot: Start
) -> None:
    home = server.home().id
    async with bot():
        pass
    async with bot(discord_guild_ids=frozenset({home})):
        await _answers(server, shots)

    assert _names(server) == set()
    assert _names(server, home) == COMMANDS


async def test_a_server_that_does_not_take_commands_stops_nobody_else(
    server: Discord, shots: Channel, bot: Start
) -> None:
    home = server.home().id
    async with bot(discord_guild_ids=frozenset({home, 123})):
        await _answers(server, shots)

    assert [call.status for call in server.calls("PUT", REGISTER)] == [404, 200]


async def test_sync_registers_again_and_says_where(
    server: Discord, shots: Channel, settings: Settings
) -> None:
    mine = settings.model_copy(update={"discord_guild_ids": frozenset({server.home().id})})

    assert await sync_commands(mine) == (len(COMMANDS), "in 1 server")
    assert await sync_commands(mine) == (len(COMMANDS), "in 1 server")
    assert len(server.calls("PUT", REGISTER)) == 2


async def test_a_dropped_gateway_is_resumed(server: Discord, shots: Channel, bot: Start) -> None:
    async with bot():
        await server.gateway.drop()
        await _answers(server, shots)

    assert (server.gateway.resumes, server.gateway.identifies) == (1, 1)


@pytest.mark.parametrize("effect", ["reset", 503])
async def test_a_refused_login_is_tried_again(
    server: Discord, shots: Channel, bot: Start, effect: str | int
) -> None:
    server.fail_next("GET", r"/users/@me$", effect)
    async with bot():
        await _answers(server, shots)


async def test_a_refused_first_gateway_connection_is_tried_again(
    server: Discord, shots: Channel, bot: Start
) -> None:
    server.gateway.down = True
    async with bot():
        await until(server, lambda: server.calls("PUT", REGISTER))
        await asyncio.sleep(0.2)
        server.gateway.down = False
        await _answers(server, shots)


async def test_an_event_the_library_cannot_read_replaces_the_client_and_jobs_go_on(
    server: Discord, shots: Channel, bot: Start
) -> None:
    home = server.home()
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "generate", FREE)
        status = await asked.answered(PATIENCE_S)
        unreadable = {"id": "1", "guild_id": str(home.id)}
        server.gateway.publish("THREAD_CREATE", unreadable, home, Intent.GUILDS)
        await until(server, lambda: "Done in" in status.text)

    assert server.gateway.identifies == 2
    assert len(clips_in(server, shots)) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"discord_token": None}, "DISCORD_TOKEN is not set"),
        ({"discord_token": SecretStr("wrong")}, "does not accept DISCORD_TOKEN"),
        ({"discord_message_content": True}, "unset DISCORD_MESSAGE_CONTENT"),
    ],
)
async def test_what_only_people_can_mend_ends_the_bot_with_a_sentence(
    server: Discord, settings: Settings, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as told:
        await serve(settings.model_copy(update=changes), asyncio.Event())

    assert words in told.value.user_message


async def test_sync_with_a_wrong_token_says_so(server: Discord, settings: Settings) -> None:
    wrong = settings.model_copy(update={"discord_token": SecretStr("wrong")})
    with pytest.raises(ConfigError, match="does not accept DISCORD_TOKEN"):
        await sync_commands(wrong)
