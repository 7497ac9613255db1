"""`/settings`: every menu takes effect at once, is stored, and works after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from bot.app import reading
from bot.config import Settings
from bot.rules import Rules
from tests.cogs.conftest import FREE, GO, PAID, PATIENCE_S, Start, answered, press, told, until
from tests.standin.discord import Channel, Discord, Interaction, Message, Permission, User
from tests.standin.openai import Gateway


async def opened(server: Discord, who: User, channel: Channel) -> Message:
    return await answered(server, who, channel, "settings")


async def choose(
    server: Discord, who: User, message: Message, custom_id: str, values: list[Any]
) -> Interaction:
    edits = len(message.edits)
    chosen = await server.select(who, message, custom_id, values)
    await until(server, lambda: len(message.edits) > edits or chosen.followups)
    return chosen


async def fill(
    server: Discord, who: User, message: Message, label: str, values: dict[str, str]
) -> Interaction:
    form = await press(server, who, message, label)
    await form.acknowledged(PATIENCE_S)
    edits = len(message.edits)
    sent = await server.modal_submit(who, form, values)
    await until(server, lambda: len(message.edits) > edits or sent.followups)
    return sent


async def rules_of(settings: Settings, server: Discord) -> Rules:
    async with reading(settings) as app:
        return await app.store.rules.of(str(server.home().id))


async def test_everything_is_set_in_one_private_message_and_survives_a_restart(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    meg, role = server.manager("meg"), server.role("artists")
    log = server.channel("log")
    async with bot():
        message = await opened(server, meg, shots)
        before = message.text
        await choose(server, meg, message, "setchannels:channels", [shots])
        await choose(server, meg, message, "setroles:generate", [role])
    async with bot():
        await choose(server, meg, message, "setroles:spend", [role])
        await choose(server, meg, message, "setoptions:stage", ["final"])
        await choose(server, meg, message, "setoptions:models", ["local", "sora-2"])
        await choose(server, meg, message, "setchannels:log", [log])
        amounts = {"just_go": "0,50", "log_above": "$2"}
        await fill(server, meg, message, "Money", amounts)
        await fill(server, meg, message, "Comparisons", {"quorum": "5", "hours": "48"})
        again = await opened(server, meg, shots)

    assert message.ephemeral
    assert "**Where clips are made:** everywhere" in before
    assert await rules_of(settings, server) == Rules(
        allowed_models=frozenset({"local", "sora-2"}),
        allowed_channels=frozenset({shots.id}),
        default_stage="final",  # type: ignore[arg-type]
        just_go_micros=500_000,
        log_channel_id=log.id,
        who_may_generate=frozenset({role.id}),
        who_may_spend=frozenset({role.id}),
        log_above_micros=2_000_000,
        quorum=5,
        vote_hours=48,
    )
    for text in (message.text, again.text):
        assert f"<#{shots.id}>" in text
        assert f"<@&{role.id}>" in text
        assert "Final: quality decides" in text
        assert "Storyboard, Sora 2" in text
        assert "up to $0.50 starts without a question" in text
        assert "5 votes, or after 48 h" in text


async def test_choosing_nothing_takes_the_limit_away(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    meg = server.manager("meg")
    async with bot():
        message = await opened(server, meg, shots)
        await choose(server, meg, message, "setchannels:channels", [shots])
        await choose(server, meg, message, "setoptions:models", ["local"])
        await choose(server, meg, message, "setchannels:channels", [])
        await choose(server, meg, message, "setoptions:models", [])
        await choose(server, meg, message, "setoptions:stage", ["concept"])
        await choose(server, meg, message, "setoptions:stage", ["words"])

    assert await rules_of(settings, server) == Rules()


async def test_a_setting_counts_at_once(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    meg, ann = server.manager("meg"), server.user("ann")
    other = server.channel("other")
    async with bot(**paying):
        message = await opened(server, meg, shots)
        await choose(server, meg, message, "setchannels:channels", [other])
        refused = await told(server, await server.slash(ann, shots, "generate", FREE))
        await choose(server, meg, message, "setchannels:channels", [])
        await fill(server, meg, message, "Money", {"just_go": "1", "log_above": "1"})
        status = await answered(server, ann, shots, "generate", **PAID)
        await until(server, lambda: vendor.submissions)

    assert f"<#{other.id}>" in refused.text
    assert GO not in status.edits[0].text


async def test_everybody_has_their_own_threshold_and_only_that(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        seen = await opened(server, ann, shots)
        own = await answered(server, ann, shots, "settings", just_go="$0.40")
        await server.slash(ann, shots, "generate", PAID)
        await until(server, lambda: vendor.submissions)
        bobs = await answered(server, bob, shots, "generate", **PAID)
        back = await answered(server, ann, shots, "settings", just_go="server")
        wrong = await answered(server, ann, shots, "settings", just_go="lots")
        odd = await answered(server, ann, shots, "settings", just_go="NaN")

    assert seen.menus == []
    assert "people who manage this server" in seen.text
    assert "Up to **$0.40** starts for you" in own.text
    assert GO in bobs.buttons
    assert "the server's threshold" in back.text
    assert "“lots” is no amount" in wrong.text
    assert "“NaN” is no amount" in odd.text


@pytest.mark.parametrize(
    ("label", "values", "words"),
    [
        ("Money", {"just_go": "many", "log_above": "1"}, "“many” is no amount"),
        ("Money", {"just_go": "-1", "log_above": "1"}, "“-1” is no amount"),
        ("Comparisons", {"quorum": "three", "hours": "24"}, "“three” is no whole number"),
        ("Comparisons", {"quorum": "0", "hours": "24"}, "quorum"),
        ("Comparisons", {"quorum": "3", "hours": "999"}, "vote_hours"),
    ],
)
async def test_a_number_that_cannot_be_is_refused_and_changes_nothing(
    server: Discord,
    shots: Channel,
    bot: Start,
    settings: Settings,
    label: str,
    values: dict[str, str],
    words: str,
) -> None:
    meg = server.manager("meg")
    async with bot():
        message = await opened(server, meg, shots)
        refused = await told(server, await fill(server, meg, message, label, values))

    assert words in refused.text
    assert await rules_of(settings, server) == Rules()


async def test_what_is_missing_in_the_log_channel_is_said(
    server: Discord, shots: Channel, bot: Start
) -> None:
    meg, log = server.manager("meg"), server.channel("log")
    server.forbid(log, Permission.SEND_MESSAGES)
    async with bot():
        message = await opened(server, meg, shots)
        await choose(server, meg, message, "setchannels:log", [log])
        lacking = message.text
        server.permissions(log, None)
        allowed = await opened(server, meg, shots)
        server.delete_channel(log)
        gone = await opened(server, meg, shots)

    assert "I lack **Send Messages**" in lacking
    assert "I lack" not in allowed.text
    assert "That channel is gone" in gone.text


async def test_who_is_no_manager_any_more_changes_nothing(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    meg = server.manager("meg")
    async with bot():
        message = await opened(server, meg, shots)
        server.home().members[meg.id].roles.clear()
        refused = await told(
            server, await choose(server, meg, message, "setoptions:stage", ["final"])
        )
        number = await (await press(server, meg, message, "Money")).answered(PATIENCE_S)

    assert "Only people who manage this server" in refused.text
    assert "Only people who manage this server" in number.text
    assert await rules_of(settings, server) == Rules()


async def test_one_servers_settings_are_not_anothers(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    meg, other = server.manager("meg"), server.guild("Rivals")
    there, eve = server.channel("there", guild=other), server.manager("eve", guild=other)
    async with bot():
        mine = await opened(server, meg, shots)
        await choose(server, meg, mine, "setoptions:stage", ["final"])
        theirs = await opened(server, eve, there)

    assert "Final: quality decides" not in theirs.text
    async with reading(settings) as app:
        assert await app.store.rules.of(str(other.id)) == Rules()
