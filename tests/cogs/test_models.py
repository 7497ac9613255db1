"""`/models`: what runs here and for how much, and why the rest does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app import reading
from bot.config import Settings
from tests.cogs.conftest import PATIENCE_S, BotClock, Start, answered
from tests.standin.discord import Channel, Discord


async def test_the_list_says_price_speed_and_strengths_of_what_runs_and_why_the_rest_does_not(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        listed = await answered(server, ann, shots, "models")

    live, _, rest = listed.text.partition("**Not here now**")
    off, _, retired = rest.partition("**Retired**")
    (sora,) = [line for line in live.splitlines() if "**Sora 2**" in line]
    assert listed.ephemeral
    assert "$0.10/s" in sora
    assert "about " in sora
    assert "Kling v3 Video" in off
    assert "set KLING_API_KEY" in off
    assert "Veo 3 → **" in retired
    assert len(listed.text) <= 2000


async def test_a_paused_vendor_is_off_with_the_reason_and_since_when(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any], settings: Settings
) -> None:
    ann, at = server.user("ann"), datetime(2026, 11, 20, 8, tzinfo=UTC)
    async with reading(settings.model_copy()) as app:
        await app.store.add_trouble("gateway", "no credit left at the vendor", at)
    async with bot(**paying):
        listed = await answered(server, ann, shots, "models")
        card = await answered(server, ann, shots, "models", model="sora-2")

    words = f"paused: no credit left at the vendor (since <t:{int(at.timestamp())}:R>)"
    assert words in listed.text.partition("**Not here now**")[2]
    assert words in card.text
    assert "**Cannot run here now**" in card.text


async def test_a_model_the_managers_do_not_use_is_off_here_and_nowhere_else(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any], settings: Settings
) -> None:
    ann, other = server.user("ann"), server.guild("Rivals")
    there, eve = server.channel("there", guild=other), server.user("eve", guild=other)
    paying["discord_allowed_guilds"] = frozenset({server.home().id, other.id})
    meg = server.manager("meg")
    async with bot(**paying):
        message = await answered(server, meg, shots, "settings")
        chosen = await server.select(meg, message, "setoptions:models", ["local"])
        await chosen.acknowledged(PATIENCE_S)
        await server.wait_for(lambda: "Storyboard" in message.text, PATIENCE_S)
        here = await answered(server, ann, shots, "models")
        theirs = await answered(server, eve, there, "models")

    (line,) = [line for line in here.text.splitlines() if "not used in this server" in line]
    assert "Kling v3 Video" in line
    assert "(`/settings`)" in line
    assert "not used in this server" not in theirs.text


async def test_what_ends_soon_says_when_and_what_comes_after(
    server: Discord,
    shots: Channel,
    bot: Start,
    paying: dict[str, Any],
    tmp_path: Path,
    clock: BotClock,
) -> None:
    ann, overlay = server.user("ann"), tmp_path / "mine.toml"
    day = clock().date().replace(year=clock().year + 1)
    overlay.write_text(
        '[[models.sora-2.routes]]\nprovider = "gateway"\nwire_id = "sora-2"\ndialect = "videos"\n'
        f"retires = {day}\n"
        "[models.sora-2]\n"
        'successor = "local"\nsuccessor_by = "ours"\n'
    )
    async with bot(**paying, catalogue=overlay):
        listed = await answered(server, ann, shots, "models")
        card = await answered(server, ann, shots, "models", model="Sora 2")

    assert f"**until {day}**" in listed.text
    assert f"until {day}" in card.text
    assert "After it: **Storyboard**" in card.text


async def test_one_model_in_detail_and_another_from_the_menu_after_a_restart(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await answered(server, ann, shots, "models", view="details", model="sora-2")
        first = card.text
    async with bot(**paying):
        chosen = await server.select(ann, card, card.menus[0], ["kling-v3"])
        await chosen.acknowledged(PATIENCE_S)
        await server.wait_for(lambda: "Kling v3 Video" in card.text, PATIENCE_S)

    assert "**Sora 2** by OpenAI" in first
    assert "Price per second: 720p $0.10" in first
    assert "Good at: " in first
    assert "- via gateway: offered" in first
    assert "KLING" in card.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"view": "details"}, "Which model?"),
        ({"model": "sora-9"}, "There is no model “sora-9”"),
    ],
)
async def test_a_model_that_is_not_said_or_not_there_is_refused(
    server: Discord, shots: Channel, bot: Start, options: dict[str, Any], words: str
) -> None:
    async with bot():
        refused = await answered(server, server.user("ann"), shots, "models", **options)

    assert words in refused.text
    assert refused.ephemeral


async def test_models_are_offered_while_typing_without_the_choice_of_ours(
    server: Discord, shots: Channel, bot: Start
) -> None:
    async with bot():
        typing = await server.autocomplete(server.user("ann"), shots, "models", "model", "sora")
        await typing.acknowledged()

    assert [choice["value"] for choice in typing.choices] == ["sora-2-pro", "sora-2"]


async def test_a_server_that_may_not_spend_is_told_so_not_the_keys(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    other = server.guild("Strangers")
    there, eve = server.channel("there", guild=other), server.user("eve", guild=other)
    async with bot(**paying):
        listed = await answered(server, eve, there, "models")

    assert "DISCORD" in listed.text
    assert "KLING" not in listed.text
    assert "**Storyboard** · free" in listed.text
