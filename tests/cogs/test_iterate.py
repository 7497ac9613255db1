"""A shot is a thread: takes, the board, and every way from one take to the next."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import App, reading
from bot.config import Settings
from bot.jobs import Job
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
from tests.standin.discord import Channel, Discord, Message, Permission, Upload, User
from tests.standin.openai import Gateway


async def first_take(server: Discord, who: User, channel: Channel, **more: Any) -> Message:
    """The clip of a free first take."""
    await server.slash(who, channel, "generate", FREE | more)
    return await clip_in(server, channel)


async def thread_of(server: Discord, channel: Channel) -> Channel:
    """The thread of the channel's first shot, once its board stands in it."""
    thread = (await until(server, lambda: server.threads(channel)))[0]
    await until(server, lambda: server.messages(thread))
    return thread


async def board_of(server: Discord, thread: Channel) -> Message:
    return (await until(server, lambda: server.messages(thread)))[0]


async def takes_in(server: Discord, thread: Channel, count: int) -> list[Message]:
    """The clips of a thread, once there are so many."""

    def found() -> list[Message]:
        clips = [m for m in server.messages(thread) if _is_clip(m)]
        return clips if len(clips) >= count else []

    return await until(server, found)


def _is_clip(message: Message) -> bool:
    return any(file.filename.endswith(".mp4") for file in message.attachments)


async def jobs_of(settings: Settings) -> list[Job]:
    """All jobs, oldest first."""
    async with reading(settings) as app:
        return list(reversed(await _all(app)))


async def _all(app: App) -> list[Job]:
    return await app.producer.jobs(Person())


async def test_the_first_take_opens_a_thread_named_after_the_prompt_with_a_board(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        await first_take(server, ann, shots)
        thread = await thread_of(server, shots)
        board = await board_of(server, thread)

    assert thread.name == "a paper boat crossing a puddle, low angle"
    assert "1 take · free so far" in board.text
    assert "`1` Storyboard" in board.text
    assert [file.filename[:6] for file in board.attachments] == ["board-"]
    assert board.pinged == []


async def test_again_in_the_channel_makes_take_two_in_the_thread_in_one_tap(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot():
        clip = await first_take(server, ann, shots, seed=7)
        thread = await thread_of(server, shots)
        pressed = await press(server, bob, clip, "Again")
        pointer = await pressed.answered(PATIENCE_S)
        (second,) = await takes_in(server, thread, 1)
        board = await board_of(server, thread)
        await until(server, lambda: "`2`" in board.text and "free so far" in board.text)
    first, job = await jobs_of(settings)

    assert pointer.ephemeral
    assert str(thread.id) in pointer.text
    assert "Take 2" in second.text
    assert "again from [take 1]" in second.text
    assert second.pinged == [bob]
    assert len(clips_in(server, shots)) == 1
    assert (job.brief.prompt, job.brief.seed) == (first.brief.prompt, None)
    assert job.place.user_id == bob.id


async def test_generate_inside_a_shot_makes_its_next_take(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        await first_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await server.slash(ann, thread, "generate", FREE | {"prompt": "the boat sinks"})
        (second,) = await takes_in(server, thread, 1)

    assert "Take 2 of **a paper boat" in second.text
    assert server.threads(shots) == [thread]


async def test_where_threads_cannot_be_made_takes_answer_the_first_in_the_channel(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    server.forbid(shots, Permission.CREATE_PUBLIC_THREADS)
    async with bot():
        clip = await first_take(server, ann, shots)
        await press(server, ann, clip, "Again")
        second = (await takes_in(server, shots, 2))[1]

    assert server.threads(shots) == []
    assert second.reply_to is clip


async def test_a_forum_post_is_a_shot(server: Discord, bot: Start) -> None:
    ann = server.user("ann")
    forum = server.forum("ideas")
    post = await server.post(ann, forum, "opening", "what about a storm?")
    async with bot():
        await server.slash(ann, post, "generate", FREE)
        await takes_in(server, post, 1)
        await server.slash(ann, post, "generate", FREE)
        second = (await takes_in(server, post, 2))[1]

    assert "Take 2" in second.text
    assert server.threads(forum) == [post]


async def test_several_takes_are_quoted_whole_and_end_in_a_sheet_with_pick_buttons(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        clip = await first_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await server.slash(ann, thread, "generate", PAID)
        card = await _card_in(server, thread)
        await press(server, ann, card, GO)
        (paid,) = await takes_in(server, thread, 1)
        asked = await press(server, ann, paid, "Several")
        menu = await asked.answered(PATIENCE_S)
        await server.select(ann, menu, menu.menus[0], ["3"])
        card = await _card_in(server, thread, "Go · $1.20")
        await press(server, ann, card, "Go · $1.20")
        await takes_in(server, thread, 4)
        sheet = await server.message_where(
            thread, lambda message: "Pick 3" in message.buttons, timeout=PATIENCE_S
        )
        await press(server, ann, sheet, "Pick 4")
        board = await board_of(server, thread)
        await until(server, lambda: "**picked**" in board.text)
        echoed = await server.message_where(
            shots, lambda message: "picked take 4" in message.text, timeout=PATIENCE_S
        )

    assert clip.attachments
    assert list(sheet.buttons) == ["Pick 3", "Pick 4", "Pick 5"]
    assert "5 takes · $1.60 so far" in board.text
    assert echoed.pinged == []
    assert len(vendor.submissions) == 4


async def _card_in(server: Discord, channel: Channel, label: str = GO) -> Message:
    return await server.message_where(
        channel, lambda message: label in message.buttons, timeout=PATIENCE_S
    )


async def test_words_that_answer_a_clip_change_it_and_show_the_whole_new_prompt(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        await first_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await server.slash(ann, thread, "generate", PAID)
        await press(server, ann, await _card_in(server, thread), GO)
        (paid,) = await takes_in(server, thread, 1)
        said = await server.say(ann, thread, "vertical, and hold on the boat", reply_to=paid)
        card = await server.message_where(
            thread,
            lambda message: message.reply_to is said and "Go" in "".join(message.buttons),
            timeout=PATIENCE_S,
        )
        before = len(vendor.submissions)

    assert before == 1
    assert "9:16" in card.text
    assert "a paper boat crossing a puddle, low angle" in card.text
    assert "hold on the boat" in card.text
    assert "Understood" in card.text


async def test_a_form_opened_before_a_restart_still_counts(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await answered(server, ann, shots, "generate", **PAID)
        opened = await press(server, ann, card, "Edit prompt")
        await opened.acknowledged(PATIENCE_S)
    async with bot(**paying):
        sent = await server.modal_submit(ann, opened, {"prompt": "a red boat in the rain"})
        await sent.acknowledged(PATIENCE_S)
        await until(server, lambda: "a red boat in the rain" in card.text)
        await press(server, ann, card, GO)
        await until(server, lambda: vendor.submissions)

    assert vendor.submissions[0]["prompt"] == "a red boat in the rain"


async def test_a_picture_on_a_message_is_animated_from_its_menu(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    picture = Upload(filename="still.png", data=still_bytes(640, 360, "orange"))
    async with bot():
        posted = await server.say(ann, shots, "look", [picture])
        opened = await server.context_menu(ann, shots, "Animate this image", posted)
        await opened.acknowledged(PATIENCE_S)
        await server.modal_submit(ann, opened, {"prompt": "it drifts slowly"})
        await until(server, lambda: [m for m in server.messages(shots) if _is_clip(m)])
    (job,) = await jobs_of(settings)

    assert [media.role for media in job.brief.inputs] == ["first_frame"]
    assert job.brief.prompt == "it drifts slowly"


async def test_a_clip_is_deleted_by_who_asked_for_it_and_nobody_else(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot():
        clip = await first_take(server, ann, shots)
        refused = await press(server, bob, clip, "Delete mine")
        words = await refused.answered(PATIENCE_S)
        await press(server, ann, clip, "Delete mine")
        await until(server, lambda: clip.deleted)

    assert "Only the person who asked for it" in words.text


async def test_the_original_comes_untouched_or_its_place_is_named(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await first_take(server, ann, shots)
        pressed = await press(server, ann, clip, "Original")
        answer = await pressed.answered(PATIENCE_S)
    (job,) = await jobs_of(settings)

    kept = (settings.data_dir / "clips" / job.clip).read_bytes()
    assert answer.attachments[0].data == kept
    assert answer.ephemeral


async def test_strangers_words_are_not_for_us(server: Discord, shots: Channel, bot: Start) -> None:
    ann = server.user("ann")
    async with bot():
        await first_take(server, ann, shots)
        thread = await thread_of(server, shots)
        before = len(server.messages(thread))
        await server.say(ann, thread, "slower please")
        asked = await press(server, ann, (await clip_in(server, shots)), "Original")
        await asked.answered(PATIENCE_S)

    assert len(server.messages(thread)) == before + 1


async def test_only_words_in_a_shot_can_refine(server: Discord, shots: Channel, bot: Start) -> None:
    ann = server.user("ann")
    async with bot():
        asked = await server.slash(ann, shots, "refine", {"words": "slower"})
        words = await told(server, asked)

    assert "inside a shot's thread" in words.text


async def test_an_original_too_large_for_discord_is_linked_only_where_it_can_be_fetched(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    (settings.data_dir / "clips").mkdir(parents=True)
    files = web.Application()
    files.router.add_static("/clips", settings.data_dir / "clips")
    host = TestServer(files)
    await host.start_server()
    url = str(host.make_url("/clips"))
    async with bot(originals_url=url):
        clip = await first_take(server, ann, shots)
        shots.upload_limit_bytes = ann.upload_limit_bytes = 1000
        linked = await (await press(server, ann, clip, "Original")).answered(PATIENCE_S)
    await host.close()
    async with bot(originals_url=url):
        kept = await (await press(server, ann, clip, "Original")).answered(PATIENCE_S)
    (job,) = await jobs_of(settings)

    assert f"/clips/{job.clip}" in linked.text
    assert f"`clips/{job.clip}`" in kept.text
    assert "http" not in kept.text


async def test_what_is_free_starts_at_once_and_says_so(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        asked = await server.slash(ann, shots, "generate", FREE)
        await clip_in(server, shots)
        card = await asked.answered(PATIENCE_S)

    assert "Starts at once: it is free." in card.edits[0].text
