"""From a command to a clip in the channel, and everything said on the way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.app import reading
from bot.config import Settings
from bot.media import ClipInfo
from bot.producer import Person
from tests.clips import still_bytes
from tests.cogs.conftest import (
    FREE,
    GO,
    PAID,
    PATIENCE_S,
    Start,
    answered,
    clip_in,
    clips_in,
    press,
    told,
    until,
)
from tests.standin.discord import (
    Channel,
    Discord,
    Interaction,
    Message,
    MessageKind,
    Permission,
    Upload,
    User,
)
from tests.standin.openai import Gateway


async def _decoded(settings: Settings, message: Message, room: Path) -> ClipInfo:
    """What a full decode says about the file of a message."""
    path = room / message.attachments[0].filename
    path.write_bytes(message.attachments[0].data)
    async with reading(settings) as app:
        return await app.media.examine(path)


async def _offered(server: Discord, asker: User, channel: Channel, **more: Any) -> Message:
    return await answered(server, asker, channel, "generate", **(PAID | more))


async def test_words_become_a_clip_in_an_ordinary_message(
    server: Discord, shots: Channel, bot: Start, settings: Settings, tmp_path: Path
) -> None:
    ann = server.user("ann")
    async with bot():
        asked = await server.slash(ann, shots, "generate", FREE)
        posted = await clip_in(server, shots)
        status = await asked.answered(PATIENCE_S)
        await until(server, lambda: "Done in" in status.text)
    info = await _decoded(settings, posted, tmp_path)

    assert asked.ack_ms is not None
    assert asked.ack_ms < 3000
    assert (posted.kind, posted.pinged) == (MessageKind.DEFAULT, [ann])
    assert (info.height, round(info.duration_s)) == (480, 1)
    assert str(posted.id) in status.text
    assert status.buttons == {}


async def test_a_picture_becomes_the_first_frame(
    server: Discord, shots: Channel, bot: Start, settings: Settings, tmp_path: Path
) -> None:
    picture = Upload(filename="still.png", data=still_bytes(1280, 720, "orange"))
    async with bot():
        await server.slash(server.user("ann"), shots, "generate", FREE, {"image": picture})
        posted = await clip_in(server, shots)
    info = await _decoded(settings, posted, tmp_path)
    async with reading(settings) as app:
        (job,) = await app.producer.jobs(Person())

    assert info.frames > 12
    assert [media.role for media in job.brief.inputs] == ["first_frame"]


async def test_a_file_that_is_no_picture_is_refused_in_private(
    server: Discord, shots: Channel, bot: Start
) -> None:
    junk = Upload(filename="still.png", data=b"not a picture" * 50)
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "generate", FREE, {"image": junk})
        words = await told(server, asked)
        await until(server, lambda: server.messages(shots) == [])

    assert "given as image" in words.text


async def test_nothing_is_spent_before_go_and_go_makes_it(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await _offered(server, ann, shots)
        before = len(vendor.exchanges)
        await press(server, ann, card, GO)
        posted = await clip_in(server, shots)
        await until(server, lambda: "Done in" in card.text)
        usage = await answered(server, ann, shots, "usage")

    assert before == 0
    assert "Sora 2" in card.edits[0].text
    assert "$0.40" in card.edits[0].text
    assert "$0.40" in posted.text
    assert [body["prompt"] for body in vendor.submissions] == [PAID["prompt"]]
    assert "1 clip made here, $0.40 charged" in usage.text
    assert "$4.60 left" in usage.text


async def test_go_pressed_twice_and_after_a_restart_is_one_job(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await _offered(server, ann, shots)
        custom_id = card.custom_id(GO)
    async with bot(**paying):
        presses = [await server.press(ann, card, custom_id) for _ in range(2)]
        await clip_in(server, shots)
        again = await server.press(ann, _with_button(server, card, custom_id), custom_id)
        await again.acknowledged()
        await until(server, lambda: "Done in" in card.text)

    assert [press.refusals for press in (*presses, again)] == [[], [], []]
    assert len(vendor.submissions) == 1
    assert len(clips_in(server, shots)) == 1


async def test_only_who_asked_may_press_go_or_not_now(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        card = await _offered(server, ann, shots)
        for label in (GO, "Not now"):
            words = await told(server, await press(server, bob, card, label))
            assert "Only the person who asked" in words.text
        await press(server, ann, card, "Not now")
        await until(server, lambda: card.buttons == {})

    assert card.text == "Not made. Nothing was spent."
    assert vendor.exchanges == []


async def test_a_price_that_rose_is_shown_again_instead_of_spent(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    tmp_path: Path,
) -> None:
    ann, overlay = server.user("ann"), tmp_path / "mine.toml"
    overlay.write_text(
        '[[models.sora-2.routes]]\nprovider = "gateway"\nwire_id = "sora-2"\ndialect = "videos"\n'
        'price = { confidence = "listed", source = "us", verified = 2026-11-01, '
        "per_s = { 720p = { audio = 0.20 } } }\n"
    )
    async with bot(**paying):
        card = await _offered(server, ann, shots)
    async with bot(**paying, catalogue=overlay):
        await press(server, ann, card, GO)
        await until(server, lambda: "Go · $0.80" in card.buttons)
        spent = len(vendor.exchanges)
        await press(server, ann, card, "Go · $0.80")
        await until(server, lambda: vendor.submissions)

    assert spent == 0
    assert "Nothing was spent; it would now be" in card.edits[1].text


async def test_a_retired_model_offers_its_successor_in_one_tap(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    tmp_path: Path,
) -> None:
    ann, overlay = server.user("ann"), tmp_path / "mine.toml"
    overlay.write_text('models.veo-3 = { successor = "sora-2", successor_by = "ours" }\n')
    async with bot(**paying, catalogue=overlay):
        card = await _offered(server, ann, shots, model="veo-3")
        await press(server, ann, card, GO)
        await until(server, lambda: vendor.submissions)

    assert "Veo 3 was retired" in card.edits[0].text
    assert vendor.submissions[0]["model"] == "sora-2"


@pytest.mark.parametrize(
    ("permission", "named"),
    [
        (Permission.ATTACH_FILES, "Attach Files"),
        (Permission.SEND_MESSAGES, "Send Messages"),
        (Permission.READ_MESSAGE_HISTORY, "Read Message History"),
    ],
)
async def test_a_missing_permission_is_told_before_anything_is_accepted(
    server: Discord,
    shots: Channel,
    bot: Start,
    settings: Settings,
    permission: Permission,
    named: str,
) -> None:
    server.forbid(shots, permission)
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "generate", FREE)
        words = await told(server, asked)
    async with reading(settings) as app:
        assert await app.producer.jobs(Person()) == []

    assert f"**{named}**" in words.text


async def test_in_a_thread_the_threads_own_permission_counts(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    thread = await server.start_thread(ann, await server.say(ann, shots, "shot 1"), "shot 1")
    server.forbid(thread, Permission.SEND_MESSAGES_IN_THREADS)
    async with bot():
        words = await told(server, await server.slash(ann, thread, "generate", FREE))

    assert "**Send Messages in Threads**" in words.text


async def test_a_server_that_is_not_listed_gets_the_storyboard_and_spends_nothing(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    other = server.guild("Strangers")
    there, eve = server.channel("there", guild=other), server.user("eve", guild=other)
    async with bot(**paying):
        free = FREE | {"stage": "concept"}
        asked = await server.slash(eve, there, "generate", free)
        status = await asked.answered(PATIENCE_S)
        await until(server, lambda: "no AI model" in status.text)
        refused = await told(server, await server.slash(eve, there, "generate", PAID))
        usage = await answered(server, eve, there, "usage")

    assert "free storyboards only" in status.edits[0].text
    assert "cannot run here" in refused.text or "was retired" in refused.text
    assert "free storyboards only" in usage.text
    assert vendor.exchanges == []


async def test_another_servers_jobs_cannot_be_seen_pressed_or_cancelled(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, other = server.user("ann"), server.guild("Rivals")
    there, eve = server.channel("there", guild=other), server.manager("eve", guild=other)
    vendor.retry_after = "60"
    vendor.fail_next(429)
    async with bot(**paying):
        card = await _offered(server, ann, shots)
        go = card.custom_id(GO)
        await press(server, ann, card, GO)
        cancel = await until(server, lambda: card.buttons.get("Cancel", {}))
        job_id = cancel["custom_id"].partition(":")[2]
        for custom_id in (f"again:{job_id}", f"cancel:{job_id}", "again:0000000000", go):
            forged = _with_button(server, server.world.new_message(there, server.bot), custom_id)
            pressed = await server.press(eve, forged, custom_id)
            await until(server, partial(_was_told, pressed, ("no such job", "offer is closed")))
        listed = await answered(server, eve, there, "jobs")

    assert "No jobs yet" in listed.text
    assert clips_in(server, there) == []


def _was_told(asked: Interaction, words: tuple[str, ...]) -> bool:
    texts = [message.text for message in (asked.message, *asked.followups) if message]
    return any(word in text for word in words for text in texts)


def _with_button(server: Discord, message: Message, custom_id: str) -> Message:
    """The message as somebody would see it who has an old button still on the screen."""
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2}
    message.components = [{"type": 1, "id": 1, "components": [button]}]
    return server.world.post(message)


async def test_a_waiting_job_is_cancelled_by_who_asked_and_nobody_else(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    vendor.retry_after = "30"
    vendor.fail_next(429)
    async with bot(**paying):
        card = await _offered(server, ann, shots)
        await press(server, ann, card, GO)
        await until(server, lambda: "Cancel" in card.buttons and vendor.exchanges)
        stranger = await (await press(server, bob, card, "Cancel")).answered(PATIENCE_S)
        answer = await (await press(server, ann, card, "Cancel")).answered(PATIENCE_S)
        await until(server, lambda: "nothing was charged" in card.text)

    assert "Only the person who asked" in stranger.text
    assert "nothing is charged" in answer.text
    assert answer.ephemeral
    assert list(card.buttons) == ["Try again"]
    assert vendor.submissions == []


async def test_a_model_is_offered_while_typing(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        everything = await server.autocomplete(ann, shots, "generate", "model")
        sora = await server.autocomplete(ann, shots, "generate", "model", "SORA pro")
        await everything.acknowledged()
        await sora.acknowledged()

    values = [choice["value"] for choice in everything.choices]
    assert values[:4] == ["auto", "sora-2-pro", "sora-2", "local"]
    assert "not available" in everything.choices[4]["name"]
    assert [choice["value"] for choice in sora.choices] == ["sora-2-pro"]


@pytest.mark.parametrize("effect", ["drop_after", "reset"])
async def test_an_acknowledgement_that_got_lost_is_sent_again(
    server: Discord, shots: Channel, bot: Start, effect: str
) -> None:
    server.fail_next("POST", r"/callback$", effect)
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "usage")

        assert "0 clips made here" in (await asked.answered(PATIENCE_S)).text


async def test_a_command_that_came_too_late_is_dropped_and_the_next_one_works(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        late = await server.slash(ann, shots, "generate", FREE)
        server.clock.advance(4)
        await until(server, lambda: late.refusals)
        listed = await answered(server, ann, shots, "jobs")

    assert late.refusals == [(404, 10062)]
    assert "No jobs yet" in listed.text


async def test_a_fault_of_ours_is_told_with_a_reference_and_no_details(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    picture = Upload(filename="still.png", data=still_bytes())
    async with bot():
        room = settings.data_dir / "inputs"
        room.rmdir()
        room.write_text("in the way")
        asked = await server.slash(server.user("ann"), shots, "generate", FREE, {"image": picture})
        words = await asked.answered(PATIENCE_S)

    assert "our fault" in words.text
    assert "reference" in words.text
    assert "Error" not in words.text
    assert str(settings.data_dir) not in words.text
