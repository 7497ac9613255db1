"""`/library`: clips found again, page by page, and what can be done with one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app import App, reading
from bot.brief import Brief
from bot.config import Settings
from bot.jobs import Job, Place, State
from bot.limits import Caps
from bot.store._database import Database
from tests.bot.make import job as made
from tests.clips import clip_bytes
from tests.cogs.conftest import (
    FREE,
    PATIENCE_S,
    Start,
    answered,
    clip_in,
    clips_in,
    press,
    told,
    until,
)
from tests.standin.discord import Channel, Discord, Message, Permission, User

CAPS = Caps(clip_micros=10**9, daily_micros=10**12, allowed_guilds=frozenset())
_INVOKER = "CommandTree-invoker"  # the library's task of a command or a keystroke
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def fill(
    settings: Settings, channel: Channel, who: User, prompts: list[str], **changes: Any
) -> list[Job]:
    """Finished clips of a server, one a day from 1 November on."""
    async with reading(settings) as app:
        return [
            await _kept(app, channel, who, prompt, START + timedelta(days=day), changes)
            for day, prompt in enumerate(prompts)
        ]


async def _kept(
    app: App, channel: Channel, who: User, prompt: str, at: datetime, changes: dict[str, Any]
) -> Job:
    assert channel.guild is not None
    place = Place(guild_id=channel.guild.id, channel_id=channel.id, user_id=who.id)
    name = f"{abs(hash((prompt, channel.id))):x}"[:12]
    job = made(
        name,
        place=place,
        brief=Brief(prompt=prompt),
        state=State.DONE,
        clip=f"{name}.mp4",
        created_at=at,
        updated_at=at,
        result_message_id=channel.id + 7,
        duration_s=1.0,
        width=320,
        height=180,
        hold_micros=0,
    )
    job = replace(job, **changes)
    (app.folder / "clips" / job.clip).write_bytes(clip_bytes())
    await app.store.add_jobs([job], "{}", CAPS, at)
    return job


async def pick(server: Discord, who: User, message: Message, value: str) -> Message:
    """The recipe of a listed clip."""
    (menu,) = message.menus
    chosen = await server.select(who, message, menu, [value])
    await chosen.acknowledged(PATIENCE_S)
    await until(server, lambda: "Post it here" in message.buttons)
    return message


async def test_words_find_clips_with_links_newest_first_and_in_private(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    prompts = ["rain on a window", "a rainy street", "a dry desert"]
    jobs = await fill(settings, shots, ann, prompts)
    async with bot():
        found = await answered(server, ann, shots, "library", words="rain")

    lines = [line for line in found.text.splitlines() if line.startswith("  ")]
    assert found.ephemeral
    assert [line.strip() for line in lines] == ["a rainy street", "rain on a window"]
    assert f"/{shots.id}/{jobs[0].result_message_id}" in found.text


async def test_results_are_turned_page_by_page_also_after_a_restart(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    await fill(settings, shots, ann, [f"boat number {n}" for n in range(20)])
    async with bot():
        found = await answered(server, ann, shots, "library", words="boat")
        first, buttons = found.text, list(found.buttons)
    async with bot():
        await press(server, ann, found, "More")
        await until(server, lambda: "page 2" in found.text)
        second, middle = found.text, list(found.buttons)
        await press(server, ann, found, "More")
        await until(server, lambda: "page 3" in found.text)
        third, last = found.text, list(found.buttons)
        await press(server, ann, found, "Back")
        await until(server, lambda: "page 2" in found.text)

    assert (buttons, middle, last) == (["More"], ["Back", "More"], ["Back"])
    numbers = [
        line.strip()
        for text in (first, second, third)
        for line in text.splitlines()
        if "  b" in line
    ]
    assert numbers == [f"boat number {n}" for n in reversed(range(20))]
    assert all(len(text) <= 2000 for text in (first, second, third))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"model": "veo-3.1"}, ["three"]),
        ({"since": "2026-11-02", "until": "2026-11-02"}, ["two"]),
        ({"until": "2026-11-01"}, ["one"]),
        ({"words": "one"}, ["one"]),
        ({}, ["three", "two", "one"]),
        ({"picked": True}, []),
    ],
)
async def test_options_narrow_the_search(
    server: Discord,
    shots: Channel,
    bot: Start,
    settings: Settings,
    options: dict[str, Any],
    expected: list[str],
) -> None:
    ann = server.user("ann")
    await fill(settings, shots, ann, ["one", "two"])
    async with reading(settings) as app:
        at = START + timedelta(days=5)
        await _kept(app, shots, server.user("bob"), "three", at, {"model": "veo-3.1"})
    async with bot():
        found = await answered(server, ann, shots, "library", **options)

    lines = [line.strip() for line in found.text.splitlines() if line.startswith("  ")]
    assert lines == expected
    assert ("Nothing found" in found.text) is (not expected)


async def test_a_person_and_a_pick_narrow_it_too(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    await fill(settings, shots, ann, ["anns boat"])
    await fill(settings, shots, bob, ["bobs boat"])
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        clip = await clip_in(server, shots)
        await (await press(server, ann, clip, "Pick")).answered(PATIENCE_S)
        bobs = await answered(server, ann, shots, "library", person=bob)
        picked = await answered(server, ann, shots, "library", picked=True)

    assert "bobs boat" in bobs.text
    assert "anns boat" not in bobs.text
    assert "paper boat" in picked.text
    assert "anns boat" not in picked.text


async def test_one_shows_its_recipe_with_poster_and_goes_on_from_there(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    hall = server.channel("hall")
    async with bot():
        await server.slash(ann, shots, "generate", FREE | {"seed": 7})
        await until(server, lambda: _done(server, shots))
        thread = (await until(server, lambda: server.threads(shots)))[0]
        found = await answered(server, bob, hall, "library")
        value = found.component(found.menus[0])["options"][0]["value"]
        recipe = await pick(server, bob, found, value)
        text, poster = recipe.text, recipe.attachments
        await press(server, bob, recipe, "Post it here")
        copy = await clip_in(server, hall)
        pressed = await press(server, bob, recipe, "Again")
        told_where = await pressed.answered(PATIENCE_S)
        await until(server, lambda: [m for m in clips_in(server, thread) if _is_clip(m)])
        await press(server, bob, recipe, "All results")
        await until(server, lambda: "page 1" in recipe.text)

    assert "seed 7" in text
    assert "> a paper boat crossing a puddle" in text
    assert "Take 1 of **" in text
    assert [file.filename for file in poster] == [f"poster-{value}.jpg"]
    assert copy.pinged == []
    assert str(thread.id) in told_where.text
    assert recipe.attachments == []


def _done(server: Discord, channel: Channel) -> list[Message]:
    return [message for message in server.messages(channel) if "Done in" in message.text]


def _is_clip(message: Message) -> bool:
    return any(file.filename.endswith(".mp4") for file in message.attachments)


async def test_deleted_clips_never_appear_nor_their_words_while_typing(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        clip = await clip_in(server, shots)
        await until(server, lambda: _done(server, shots))
        before = await _suggested(server, ann, shots, "paper")
        found = await answered(server, ann, shots, "library")
        value = found.component(found.menus[0])["options"][0]["value"]
        await press(server, ann, clip, "Delete mine")
        await until(server, lambda: clip.deleted)
        after = await _suggested(server, ann, shots, "paper")
        again = await answered(server, ann, shots, "library")
        late = await server.select(ann, found, found.menus[0], [value])
        words = await told(server, late)

    assert len(before) == 1
    assert after == []
    assert "Nothing found" in again.text
    assert "was deleted" in words.text


async def _suggested(server: Discord, who: User, channel: Channel, typed: str) -> list[str]:
    asked = await server.autocomplete(who, channel, "library", "words", typed)
    await asked.acknowledged(PATIENCE_S)
    return [choice["value"] for choice in asked.choices]


async def test_words_are_suggested_from_memory_filled_at_start_without_the_database(
    server: Discord,
    shots: Channel,
    bot: Start,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, askers = server.user("ann"), list[str]()
    read = Database.read

    async def noted(self: Database, work: Any) -> Any:
        task = asyncio.current_task()
        askers.append(task.get_name() if task else "")
        return await read(self, work)

    monkeypatch.setattr(Database, "read", noted)
    await fill(settings, shots, ann, ["a boat in rain", "a desert", "x" * 300])
    async with bot():
        await answered(server, ann, shots, "jobs")
        by_commands = askers.count(_INVOKER)
        rain = await _suggested(server, ann, shots, "RAIN boat")
        everything = await _suggested(server, ann, shots, "")
        models = await server.autocomplete(ann, shots, "library", "model", "")
        await models.acknowledged(PATIENCE_S)

    assert by_commands > 0
    assert askers.count(_INVOKER) == by_commands
    assert rain == ["a boat in rain"]
    assert everything == ["x" * 100, "a desert", "a boat in rain"]


async def test_another_servers_clips_are_never_found_suggested_or_shown(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, other = server.user("ann"), server.guild("Rivals")
    there, eve = server.channel("there", guild=other), server.manager("eve", guild=other)
    (mine,) = await fill(settings, shots, ann, ["our secret boat"])
    await fill(settings, there, eve, ["their boat"])
    async with bot():
        theirs = await answered(server, eve, there, "library", words="boat")
        suggested = await _suggested(server, eve, there, "boat")
        ours = await answered(server, ann, shots, "library", words="boat")
        search = ours.menus[0].partition(":")[2]
        forged = theirs.component(theirs.menus[0])
        forged["options"].append({"label": "x", "value": mine.id})
        stolen = await told(server, await server.select(eve, theirs, theirs.menus[0], [mine.id]))
        forged["custom_id"] = f"libpick:{search}"
        turned = await _turn(server, eve, theirs, f"libpage:{search}")

    assert "our secret" not in theirs.text
    assert suggested == ["their boat"]
    assert "no such job" in stolen.text
    assert "too old" in turned.text


async def _turn(server: Discord, who: User, message: Message, custom_id: str) -> Message:
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 99}
    message.components.append({"type": 1, "id": 98, "components": [button]})
    return await told(server, await server.press(who, message, custom_id))


async def test_clips_of_a_channel_one_does_not_see_are_not_found_by_others(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    meg, ann = server.manager("meg"), server.user("ann")
    attic = server.channel("attic")
    (job,) = await fill(settings, attic, meg, ["a hidden boat"])
    _hide(server, attic, ann)
    async with bot():
        anns = await answered(server, ann, shots, "library")
        suggested = await _suggested(server, ann, shots, "boat")
        megs = await answered(server, meg, shots, "library")

    assert "Nothing found" in anns.text
    assert suggested == []
    assert job.brief.prompt in megs.text


def _hide(server: Discord, channel: Channel, who: User) -> None:
    """Only who has a role of their own sees a channel from now on."""
    everyone = server.home().everyone
    everyone.permissions &= ~Permission.VIEW_CHANNEL
    assert who.id in server.home().members


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"since": "yesterday"}, "“yesterday” is no day"),
        ({"until": "2026-02-30"}, "“2026-02-30” is no day"),
        ({"since": "2026-11-05", "until": "2026-11-01"}, "that is backwards"),
    ],
)
async def test_a_day_that_cannot_be_is_refused_with_an_example(
    server: Discord, shots: Channel, bot: Start, options: dict[str, Any], words: str
) -> None:
    async with bot():
        refused = await answered(server, server.user("ann"), shots, "library", **options)

    assert words in refused.text


async def test_the_picture_of_an_age_restricted_clip_stays_there(
    server: Discord, bot: Start, settings: Settings
) -> None:
    ann, dark = server.user("ann"), server.channel("dark", nsfw=True)
    hall = server.channel("hall")
    (job,) = await fill(settings, dark, ann, ["a boat at night"])
    async with bot():
        there = await pick(server, ann, await answered(server, ann, dark, "library"), job.id)
        here = await pick(server, ann, await answered(server, ann, hall, "library"), job.id)

    assert len(there.attachments) == 1
    assert here.attachments == []
