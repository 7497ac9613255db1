"""A clip arrives exactly once, whatever Discord does; and what is said when it cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.app import reading
from bot.brief import Brief, Stage
from bot.config import Settings
from bot.jobs import Job, Place, Reason, State
from bot.producer import Person
from tests.cogs.conftest import (
    FREE,
    GO,
    PAID,
    PATIENCE_S,
    BotClock,
    Start,
    answered,
    clip_in,
    clips_in,
    press,
    until,
)
from tests.standin.discord import Channel, Discord, Message, User
from tests.standin.openai import Gateway

POST = r"/messages$"


async def _job(settings: Settings) -> Job:
    async with reading(settings) as app:
        assert await app.store.check_ledger() == []
        return (await app.producer.jobs(Person()))[0]


async def _done(server: Discord, status: Message, words: str = "Done in") -> None:
    await until(server, lambda: words in status.text)


async def _gone(server: Discord, asker: User, channel: Channel) -> Message:
    """The card of a paid clip, after its Go."""
    card = await answered(server, asker, channel, "generate", **PAID)
    await press(server, asker, card, GO)
    return card


async def test_a_clip_arrives_once_though_calls_and_answers_get_lost(
    server: Discord, shots: Channel, bot: Start
) -> None:
    faults = [server.fail_next("POST", POST, effect) for effect in ("reset", 503, "drop_after")]
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "generate", FREE)
        await _done(server, await asked.answered(PATIENCE_S))

    assert [fault.hits for fault in faults] == [1, 1, 1]
    assert len(clips_in(server, shots)) == 1


async def test_long_after_a_lost_answer_the_channel_is_searched_before_posting(
    server: Discord, shots: Channel, bot: Start, clock: BotClock, settings: Settings
) -> None:
    ann = server.user("ann")
    server.nonce_life_s = 0.0
    server.fail_next("POST", POST, "drop_after")
    async with bot():
        asked = await server.slash(ann, shots, "generate", FREE)
        posted = await clip_in(server, shots)
        for number in range(3):
            await server.say(ann, shots, f"chatter {number}")
        clock.ahead = timedelta(minutes=3)
        await _done(server, await asked.answered(PATIENCE_S))

    assert clips_in(server, shots) == [posted]
    assert (await _job(settings)).result_message_id == posted.id


async def test_after_the_interactions_token_has_died_the_clip_still_comes(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    vendor.polls_until_done = 10_000
    async with bot(**paying):
        card = await _gone(server, ann, shots)
        await until(server, lambda: vendor.asked("poll"))
        server.clock.advance(16 * 60)
        vendor.polls_until_done = 0
        await clip_in(server, shots)
        await _done(server, card)

    assert all(asked.refusals == [] for asked in server.interactions.values())
    assert len(clips_in(server, shots)) == 1


async def test_a_clip_the_channel_finds_too_large_comes_smaller(
    server: Discord, bot: Start, settings: Settings
) -> None:
    small = server.channel("small", upload_limit_bytes=40_000)
    async with bot():
        await server.slash(server.user("ann"), small, "generate", FREE)
        posted = await clip_in(server, small)
    sizes = [request.files[0][1] for request in server.calls("POST", POST)]

    assert sizes[0] > 40_000 >= sizes[1]
    assert posted.attachments[0].filename.endswith(".mp4")
    assert "the original is kept" in posted.text


async def test_a_clip_nothing_makes_small_enough_comes_as_a_still(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    server.fail_next("POST", POST, 413, times=2, code=40005)
    async with bot():
        asked = await server.slash(server.user("ann"), shots, "generate", FREE)
        posted = await clip_in(server, shots)
        await _done(server, await asked.answered(PATIENCE_S))
    job = await _job(settings)

    assert posted.attachments[0].filename == f"dailies-{job.id}.jpg"
    assert f"clips/{job.id}.mp4" in posted.text
    assert (settings.data_dir / "clips" / job.clip).exists()
    assert list((settings.data_dir / "tmp").iterdir()) == []


async def test_a_channel_that_is_gone_keeps_the_clip_and_settles(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann, elsewhere = server.user("ann"), server.channel("elsewhere")
    async with bot(**paying):
        await _gone(server, ann, shots)
        await until(server, lambda: vendor.submissions)
        server.delete_channel(shots)
        await until(server, lambda: server.calls("POST", POST))
        listed = await answered(server, ann, elsewhere, "jobs")
    job = await _job(settings)

    assert (job.state, job.reason) == (State.DONE, Reason.UNDELIVERABLE)
    assert (settings.data_dir / "clips" / job.clip).exists()
    assert job.id in listed.text


async def test_an_archived_thread_gets_its_clip(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    thread = await server.start_thread(ann, await server.say(ann, shots, "shot 1"), "shot 1")
    async with bot(**paying):
        await _gone(server, ann, thread)
        await until(server, lambda: vendor.submissions)
        server.archive(thread)
        await clip_in(server, thread)

    assert thread.thread is not None
    assert not thread.thread.archived


async def test_a_refused_prompt_is_told_in_plain_words(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    vendor.fail_next("rejected")
    async with bot(**paying):
        card = await _gone(server, ann, shots)
        await _done(server, card, "refuses this content")

    assert "Nothing was charged" in card.text
    assert list(card.buttons) == ["Change", "Another model ..."]


async def test_a_job_left_by_the_command_line_ends_without_a_channel(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    async with reading(settings) as app:
        brief = Brief(prompt="rain", stage=Stage.ANIMATIC, duration_s=1, resolution="480p")
        quote = await app.producer.quote(brief, Place())
        (left,) = await app.producer.generate(quote, origin="cli:left", start=False)
    async with bot():
        clip = settings.data_dir / "clips" / f"{left.id}.mp4"
        await until(server, clip.exists)

    assert server.calls("POST", POST) == []
