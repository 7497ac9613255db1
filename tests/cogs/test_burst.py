"""A crowd: many commands in one moment while hundreds of clips are being made.

The bot is a process. Nothing here is timed but by Discord's own rules: who answers later than
three seconds is refused, and who edits faster than the bucket allows gets a 429.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from benchmarks.jobs import decision, plenty, waiting
from bot import files
from bot.app import utc_now
from bot.config import Settings
from bot.jobs import Place
from bot.store import Store
from tests.bot.process import Bot
from tests.cogs.conftest import PAID, PATIENCE_S, until
from tests.cogs.steps import running
from tests.standin.discord import Channel, Discord, Interaction, User
from tests.standin.loopback import Job as AtVendor
from tests.standin.openai import Gateway

IN_FLIGHT: Final = 200
ROOMS: Final = 20
PEOPLE: Final = 10
EACH: Final = 5
BUCKET, PER_S = 5, 5.0  # edits a channel takes
EDIT: Final = r"^/channels/\d+/messages/\d+$"
POST: Final = r"^/channels/\d+/messages$"


@pytest.fixture
def rooms(server: Discord) -> list[Channel]:
    return [server.channel(f"shots-{number}") for number in range(ROOMS)]


@pytest.fixture
def program(server: Discord, vendor: Gateway, rooms: list[Channel], tmp_path: Path) -> Bot:
    return Bot(
        tmp_path,
        DISCORD_TOKEN=server.token,
        DISCORD_API_URL=server.api_url,
        DISCORD_GATEWAY_URL=server.gateway_url,
        DISCORD_ALLOWED_GUILDS=str(server.home().id),
        GATEWAY_API_KEY=vendor.key,
        GATEWAY_BASE_URL=vendor.base_url,
        DAILY_USD="1000",
    )


async def _fill(server: Discord, vendor: Gateway, rooms: list[Channel], settings: Settings) -> None:
    """Jobs the vendor is at work on, each with its status message in one of the channels."""
    files.prepare_folder(settings.data_dir)
    now = utc_now()
    made = []
    for number in range(IN_FLIGHT):
        room = rooms[number % ROOMS]
        status = server.world.post(server.world.new_message(room, server.bot, content="..."))
        job = waiting(f"w{number:04}", now)
        assert job.remote is not None
        place = Place(guild_id=server.home().id, channel_id=room.id, user_id=3)
        made.append(
            replace(
                job,
                place=place,
                status_message_id=status.id,
                deadline_at=now + timedelta(hours=1),
            )
        )
        body = {"model": "sora-2", "prompt": "x", "size": "1280x720", "seconds": "4"}
        notes = {"created_at": int(time.time())}
        at_vendor = AtVendor(id=job.remote.remote_id, body=body, cost_micros=400_000, notes=notes)
        vendor.jobs[at_vendor.id] = at_vendor
    async with Store.open(settings.data_dir / "dailies.db") as store:
        await store.add_jobs(made, decision(), plenty(), now)


async def _burst(
    server: Discord, people: Sequence[User], rooms: Sequence[Channel]
) -> list[Interaction]:
    """Everybody's commands, all on their way before any is answered."""
    asked = []
    for number in range(PEOPLE * EACH):
        who, room = people[number % PEOPLE], rooms[number % ROOMS]
        name = ("generate", "generate", "generate", "jobs", "usage")[number % EACH]
        asked.append(await server.slash(who, room, name, PAID if name == "generate" else {}))
    return asked


async def test_a_burst_among_two_hundred_jobs_loses_nothing_and_heeds_every_limit(
    server: Discord,
    vendor: Gateway,
    rooms: list[Channel],
    program: Bot,
    settings: Settings,
) -> None:
    vendor.polls_until_done = 1_000_000
    await _fill(server, vendor, rooms, settings)
    server.limit_rate("PATCH", EDIT, BUCKET, PER_S)
    server.limit_rate("POST", POST, BUCKET, PER_S)
    people = [server.user(f"person-{number}") for number in range(PEOPLE)]
    async with running(program, server):
        await until(server, lambda: len(server.calls("PATCH", EDIT)) >= ROOMS)
        asked = await _burst(server, people, rooms)
        answers = await asyncio.gather(*(one.answered(PATIENCE_S) for one in asked))
        seen = len(server.calls("PATCH", EDIT))
        await until(server, lambda: len(server.calls("PATCH", EDIT)) >= seen + 2 * ROOMS)

    cards = [answer for answer in answers if "Go · $0.40" in answer.buttons]
    assert len(cards) == len([one for one in asked if one.data["name"] == "generate"])
    assert all(answer.text for answer in answers)
    assert [one.refusals for one in asked if one.refusals] == []
    waits_ms = [one.ack_ms for one in asked]
    assert all(wait is not None and wait < 3000 for wait in waits_ms)
    assert [call.path for call in server.requests if call.status == 429] == []
    assert _crowded(server) == []
    assert vendor.calls["submit"] == 0  # nobody has said yes


def _crowded(server: Discord) -> list[str]:
    """Channels that were edited more often than the bucket allows, at any moment."""
    at: defaultdict[str, list[float]] = defaultdict(list)
    for call in server.calls("PATCH", EDIT):
        at[call.path.split("/")[2]].append(call.at)
    return [
        channel
        for channel, times in at.items()
        if any(later - first < PER_S for first, later in zip(times, times[BUCKET:], strict=False))
    ]
