"""Buttons of messages from before an upgrade, whose database the new version migrates, still work.

The old file is written here as the old version wrote it, by its own migrations and in its own
words: nothing of today's store has a hand in it.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from bot.jobs import State
from bot.store._database import migrations
from tests.clips import clip_bytes
from tests.cogs.conftest import Start, press, until
from tests.cogs.steps import all_jobs, forged, ledger_sound, takes_in, words_to
from tests.standin.discord import Channel, Discord, Message, Upload, User
from tests.standin.openai import Gateway

JOB = "01m8hr2h07wncvgp"
QUOTE = "01m8hr2h0agzsehj"
THEN = 1_790_000_000_000  # milliseconds
PROMPT = "a paper boat crossing a puddle"
BRIEF = {"prompt": PROMPT, "model": "sora-2", "stage": "concept", "duration_s": 4.0, "inputs": []}
FIT = {"duration_s": 4, "aspect": "16:9", "resolution": "720p", "audio": True, "adapted": []}
ROUTE = {
    "provider": "gateway",
    "wire_id": "sora-2",
    "dialect": "videos",
    "fit": FIT | {"price_micros": 400_000, "confidence": "listed"},
    "price_micros": 400_000,
    "confidence": "listed",
    "options": {},
}


def _old_database(folder: Path, version: int, clip: Message, card: Message, who: User) -> None:
    """A data folder as `version` left it: a paid clip that was delivered, and an open offer."""
    for name in ("clips", "tmp", "inputs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "clips" / f"{JOB}.mp4").write_bytes(clip_bytes())
    guild = clip.channel.guild
    assert guild is not None
    place = {"guild_id": guild.id, "channel_id": clip.channel.id, "user_id": who.id}
    job = _job(place, clip)
    quote = place | {"id": QUOTE, "brief": json.dumps(BRIEF), "price_micros": 400_000}
    quote |= {"terms": "sora-2 4 s 16:9 720p sound", "created_at": THEN}
    with sqlite3.connect(folder / "dailies.db") as db:
        for number, script in migrations():
            if number <= version:
                db.executescript(script)
        db.execute(f"PRAGMA user_version = {version}")
        _insert(db, "job", job)
        decision = json.dumps({"weights": {"fluid_physics": 1.0}})
        _insert(db, "decision", {"batch": JOB, "decision": decision})
        _insert(db, "quote", quote)
        _book(db, f"user:{guild.id}:{who.id}")
        day = {"day": "2026-09-21", "scope": str(guild.id), "user_id": who.id, "model": "sora-2"}
        _insert(db, "usage_day", day | {"provider": "gateway", "clips": 1, "micros": 400_000})
    db.close()


def _job(place: dict[str, Any], clip: Message) -> dict[str, Any]:
    numbers = dict.fromkeys(("ver", "route", "attempt", "looks", "fetch_tries", "cancel_sent"), 0)
    words = dict.fromkeys(("cost_note", "reason", "message", "detail", "sha256"), "")
    times = dict.fromkeys(("created_at", "updated_at", "due_at"), THEN)
    made = {"clip": f"{JOB}.mp4", "size_bytes": 1, "duration_s": 4.0, "width": 320, "height": 180}
    return {
        **(numbers | words | times | made | place),
        "id": JOB,
        "origin": "discord:1",
        "batch": JOB,
        "scope": str(place["guild_id"]),
        "model": "sora-2",
        "brief": json.dumps(BRIEF),
        "prompt": PROMPT,
        "routes": json.dumps([ROUTE]),
        "hold_micros": 400_000,
        "state": "done",
        "provider": "gateway",
        "remote_id": "video_old",
        "event": "Delivered",
        "result_message_id": clip.id,
    }


def _book(db: sqlite3.Connection, user: str) -> None:
    held = {"job_id": JOB, "note": "", "at": THEN}
    lines = (("hold", user, "held", 400_000), ("settle", "held", "spent:gateway", 400_000))
    for kind, debit, credit, micros in (*lines, ("release", "held", user, 0)):
        amounts = {"kind": kind, "debit": debit, "credit": credit, "micros": micros}
        _insert(db, "ledger", held | amounts)
    for account, micros in ((user, -400_000), ("held", 0), ("spent:gateway", 400_000)):
        _insert(db, "balance", {"account": account, "micros": micros})


def _insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608 - ours


def _old_messages(server: Discord, channel: Channel) -> tuple[Message, Message]:
    """A clip with its one button, and a card with its Go, as the old version laid them out."""
    clip = server.world.new_message(channel, server.bot, content="here is your clip")
    file = Upload(filename=f"dailies-{JOB}.mp4", data=clip_bytes())
    clip.attachments = [server.world.store(channel.id, file)]
    card = server.world.new_message(channel, server.bot, content="Sora 2 · $0.40")
    return forged(server, clip, f"again:{JOB}"), forged(server, card, f"go:{QUOTE}")


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_buttons_from_before_an_upgrade_work_on_the_migrated_database(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
    version: int,
) -> None:
    ann = server.user("ann")
    clip, card = _old_messages(server, shots)
    _old_database(settings.data_dir, version, clip, card, ann)
    async with bot(**paying):
        agreed = await press(server, ann, card, f"go:{QUOTE}")
        await takes_in(server, shots, 2)  # the old one is one of them
        await until(server, lambda: "Done in" in card.text)
        pressed = await press(server, ann, clip, f"again:{JOB}")
        await words_to(server, pressed)
        await until(server, lambda: len(vendor.submissions) == 2)
        await until(server, lambda: server.threads(shots) or _clips(server, shots) == 3)
    jobs = await all_jobs(settings)

    assert [one.refusals for one in (agreed, pressed)] == [[], []]
    assert [body["prompt"] for body in vendor.submissions] == [PROMPT, PROMPT]
    assert [job.id for job in jobs][:1] == [JOB]
    assert {job.state for job in jobs} == {State.DONE}
    assert await ledger_sound(settings)


def _clips(server: Discord, channel: Channel) -> int:
    return len([message for message in server.messages(channel) if message.attachments])
