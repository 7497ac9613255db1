"""The log channel hears what it should, once, a line each, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.app import reading
from bot.config import Settings
from bot.rules import Rules
from tests.cogs.conftest import (
    GO,
    PAID,
    PATIENCE_S,
    BotClock,
    Start,
    answered,
    press,
    until,
)
from tests.standin.discord import Channel, Discord, Message, Permission, User
from tests.standin.openai import Gateway

UNSURE = "nobody knows yet"


async def set_log(settings: Settings, channel: Channel, by: User, **more: Any) -> None:
    assert channel.guild is not None
    async with reading(settings.model_copy()) as app:
        rules = Rules(log_channel_id=channel.id, **more)
        await app.store.rules.save(str(channel.guild.id), rules, by.id, app.clock())


def lines(server: Discord, channel: Channel) -> list[str]:
    return [message.text for message in server.messages(channel)]


async def told_of(server: Discord, channel: Channel, words: str) -> Message:
    return await server.message_where(
        channel, lambda message: words in message.text, timeout=PATIENCE_S
    )


async def _asked(server: Discord, who: User, channel: Channel) -> Message:
    card = await answered(server, who, channel, "generate", **PAID)
    await press(server, who, card, GO)
    return card


async def test_a_paused_vendor_is_told_once_though_it_stays_paused_and_the_bot_restarts(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg)
    vendor.fail_next(401)
    async with bot(**paying):
        await _asked(server, ann, shots)
        message = await told_of(server, log, "is paused")
    async with reading(settings.model_copy()) as app:
        (trouble,) = await app.store.troubles()
        later = app.clock() + timedelta(minutes=6)
        await app.store.add_trouble("gateway", trouble.reason, later)
    async with bot(**paying):
        await answered(server, ann, shots, "jobs")
        await until(server, lambda: server.gateway.connected)

    assert "**gateway is paused:** the key is not accepted." in message.text
    assert vendor.key not in message.text
    assert [line for line in lines(server, log) if "paused" in line] == [message.text]
    assert message.pinged == []


async def test_a_route_that_is_gone_and_a_dear_job_are_told(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg, log_above_micros=390_000)
    vendor.fail_next(404)
    async with bot(**paying):
        await _asked(server, ann, shots)
        dear = await told_of(server, log, "for $0.40")
        gone = await told_of(server, log, "no longer serves")

    assert "started **Sora 2**" in dear.text
    assert ann.mention in dear.text
    assert dear.pinged == []
    assert "`sora-2`" in gone.text
    assert len(lines(server, log)) == 2


async def test_a_job_at_the_threshold_is_not_dear(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg, log_above_micros=400_000)
    async with bot(**paying):
        card = await _asked(server, ann, shots)
        await until(server, lambda: "Done in" in card.text)

    assert lines(server, log) == []


async def test_an_uncertain_job_is_told_with_what_is_on_hold(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg)
    vendor.stale_lists = 1000
    vendor.fail_next("drop_after")
    async with bot(**paying):
        card = await _asked(server, ann, shots)
        await until(server, lambda: UNSURE in card.text)
        message = await told_of(server, log, "Uncertain")

    assert "$0.40 on hold" in message.text
    assert ann.mention in message.text


async def test_a_model_that_ends_within_two_weeks_is_told_every_day_in_the_managers_language(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    settings: Settings,
    tmp_path: Path,
    clock: BotClock,
) -> None:
    meg, log, overlay = server.manager("meg"), server.channel("log"), tmp_path / "mine.toml"
    meg.locale = "de"
    await set_log(settings, log, meg)
    day = (clock() + timedelta(days=10)).date()
    overlay.write_text(
        '[[models.sora-2.routes]]\nprovider = "gateway"\nwire_id = "sora-2"\ndialect = "videos"\n'
        f"retires = {day}\n"
    )
    async with bot(**paying, catalogue=overlay):
        first = await told_of(server, log, "About to retire")
        await answered(server, meg, shots, "jobs")
    clock.ahead += timedelta(days=1)
    async with bot(**paying, catalogue=overlay):
        second = await told_of(server, log, "Bald eingestellt")
    async with bot(**paying, catalogue=overlay):
        await answered(server, meg, shots, "jobs")

    assert f"Sora 2 on {day}" in first.text
    assert f"Sora 2 am {day}" in second.text
    assert len(lines(server, log)) == 2


async def test_a_log_channel_we_may_not_write_in_costs_no_call_and_hears_it_later(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg)
    server.forbid(log, Permission.SEND_MESSAGES)
    vendor.fail_next(401)
    async with bot(**paying):
        card = await _asked(server, ann, shots)
        await until(server, lambda: "has been told" in card.text)
        await answered(server, ann, shots, "jobs")
    tries = server.calls("POST", rf"/channels/{log.id}/messages$")
    server.permissions(log, None)
    async with bot(**paying):
        await told_of(server, log, "is paused")

    assert tries == []


async def test_news_whose_answer_got_lost_is_one_message(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg)
    server.fail_next("POST", rf"/channels/{log.id}/messages$", "drop_after")
    vendor.fail_next(401)
    async with bot(**paying):
        await _asked(server, ann, shots)
        await told_of(server, log, "is paused")
    async with bot(**paying):
        await until(
            server, lambda: len(server.calls("POST", rf"/channels/{log.id}/messages$")) >= 2
        )

    assert len(lines(server, log)) == 1


async def test_a_server_that_may_not_spend_hears_nothing_of_our_vendors(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    other = server.guild("Strangers")
    theirs, eve = server.channel("log", guild=other), server.manager("eve", guild=other)
    meg, ann, log = server.manager("meg"), server.user("ann"), server.channel("log")
    await set_log(settings, log, meg)
    await set_log(settings, theirs, eve)
    vendor.fail_next(401)
    async with bot(**paying):
        await _asked(server, ann, shots)
        await told_of(server, log, "is paused")

    assert lines(server, theirs) == []
