"""What happens at the same time, or to the places our messages stand in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.jobs import decision, plenty, waiting
from bot import files
from bot.app import utc_now
from bot.config import Settings
from bot.jobs import Place
from bot.shots import Verdict
from bot.store import Store
from tests.cogs.conftest import FREE, GO, Start, press, told, until
from tests.cogs.steps import (
    all_jobs,
    board_of,
    card_for,
    carded,
    forged,
    free_take,
    from_channel,
    go,
    is_clip,
    paid_take,
    takes_in,
    thread_of,
    words_to,
)
from tests.standin.discord import Channel, Discord, Permission
from tests.standin.openai import Gateway

Paying = dict[str, Any]


def _delete(server: Discord, thread: Channel) -> None:
    server.delete_channel(thread)


def _lock(server: Discord, thread: Channel) -> None:
    server.archive(thread, locked=True)


def _mute(server: Discord, thread: Channel) -> None:
    server.forbid(thread, Permission.SEND_MESSAGES_IN_THREADS)


@pytest.mark.parametrize("spoil", [_delete, _lock, _mute])
async def test_a_shot_whose_thread_is_lost_goes_on_in_its_channel(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    spoil: Callable[[Discord, Channel], None],
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        clip = await free_take(server, ann, shots, duration=4)
        spoil(server, await thread_of(server, shots))
        await press(server, ann, clip, "Again")
        second = (await takes_in(server, shots, 2))[1]
        await press(server, ann, clip, "To final")
        card = await carded_like(server, shots, "Go · ")
        await press(server, ann, card, "Go · ")
        third = (await takes_in(server, shots, 3))[2]
        await until(server, lambda: "Done in" in card.text)

    assert "Take 2" in second.text
    assert "Take 3" in third.text
    assert len(vendor.submissions) == 1


async def carded_like(server: Discord, place: Channel, start: str) -> Any:
    def found() -> Any:
        cards = [m for m in server.messages(place) if any(b.startswith(start) for b in m.buttons)]
        return cards[0] if cards else None

    return await until(server, found)


async def test_words_for_a_shot_whose_thread_is_gone_are_answered_where_they_are_said(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        server.delete_channel(await thread_of(server, shots))
        await server.say(ann, shots, "9:16", reply_to=clip)
        second = (await takes_in(server, shots, 2))[1]

    assert "9:16" in second.text


async def test_a_no_after_the_yes_changes_nothing_and_says_so(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        no = card.custom_id("Not now")
        await press(server, ann, card, GO)
        await until(server, lambda: vendor.submissions)
        late = await from_channel(server, ann, shots, no)
        words = await told(server, late)
        await takes_in(server, shots, 1)

    assert "started already" in words.text
    assert [edit.text for edit in card.edits if "Not made" in edit.text] == []


async def test_go_and_edit_at_the_same_moment_make_one_clip(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        ids = [card.custom_id(GO)] * 3
        await asyncio.gather(*(server.press(ann, card, custom_id) for custom_id in ids))
        menu = card.menus[0]
        await server.select(ann, card, menu, ["sora-2-pro"])
        await takes_in(server, shots, 1)
        await until(server, lambda: "Done in" in card.text)

    assert len(vendor.submissions) <= 1
    assert all(one.refusals == [] for one in server.interactions.values())


async def test_two_first_takes_at_once_in_one_thread_are_one_shot(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    thread = await server.start_thread(ann, await server.say(ann, shots, "shot 1"), "shot 1")
    async with bot():
        await asyncio.gather(
            *(server.slash(who, thread, "generate", FREE) for who in (ann, bob, ann))
        )
        clips = await takes_in(server, thread, 3)

    assert sorted(clip.text.partition("Take ")[2][0] for clip in clips) == ["1", "2", "3"]


async def test_again_twice_is_two_takes_and_picks_at_once_leave_one_pick(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, boss = server.user("ann"), server.manager("boss")
    async with bot():
        clip = await free_take(server, ann, shots)
        thread = await thread_of(server, shots)
        again = clip.custom_id("Again · free") if "Again · free" in clip.buttons else ""
        await asyncio.gather(*(server.press(ann, clip, again) for _ in range(2)))
        second, third = await takes_in(server, thread, 2)
        await asyncio.gather(press(server, ann, second, "Pick"), press(server, boss, third, "Pick"))
        board = await board_of(server, thread)
        await until(server, lambda: "**picked**" in board.text and "3 takes" in board.text)
    guild_id = server.home().id
    async with Store.open(settings.data_dir / "dailies.db") as store:
        (shot,) = await store.shots.recent(str(guild_id))
        kept = await store.shots.board(str(guild_id), shot.id)

    assert kept is not None
    verdicts = [line.take.verdict for line in kept.lines]
    assert verdicts.count(Verdict.PICKED) == 1
    assert [line.take.number for line in kept.lines] == [1, 2, 3]


async def test_messages_a_person_deletes_stop_no_clip(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    vendor.polls_until_done = 10_000
    async with bot(**paying):
        card = await go(server, ann, shots)
        await until(server, lambda: vendor.asked("poll"))
        await server.delete(card)
        vendor.polls_until_done = 0
        (clip,) = await takes_in(server, shots, 1)
        thread = await thread_of(server, shots)
        await server.delete(await board_of(server, thread))
        await press(server, ann, clip, "Again")
        await takes_in(server, thread, 1)
        await server.delete(clip)
        await server.slash(ann, thread, "generate", FREE)
        await takes_in(server, thread, 2)

    assert clip.pinged == [ann]


async def test_a_deleted_clip_leaves_no_link_and_no_way_on_from_its_file(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        asked = await server.slash(ann, shots, "generate", FREE)
        (clip,) = await takes_in(server, shots, 1)
        status = asked.message
        assert status is not None
        await until(server, lambda: str(clip.id) in status.text)
        thread = await thread_of(server, shots)
        job_id = clip.custom_id("Pick").partition(":")[2]
        await asyncio.gather(*(press(server, ann, clip, "Delete mine") for _ in range(2)))
        await until(server, lambda: clip.deleted and str(clip.id) not in status.text)
        board = await board_of(server, thread)
        await until(server, lambda: "deleted" in board.text)
        for kind in ("original", "pick", "continue"):
            pressed = await from_channel(server, ann, thread, f"{kind}:{job_id}")
            assert "was deleted" in await words_to(server, pressed)

    assert str(clip.id) not in board.text


async def test_a_model_that_left_the_catalogue_freezes_no_status(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    vendor.retry_after = "600"
    vendor.fail_next(429, on="poll", times=1000)
    now, statuses = utc_now(), []
    files.prepare_folder(settings.data_dir)
    async with Store.open(settings.data_dir / "dailies.db") as store:
        for number, model in enumerate(("left-long-ago", "sora-2")):
            status = server.world.new_message(shots, server.bot, content="...")
            statuses.append(server.world.post(status))
            place = Place(guild_id=server.home().id, channel_id=shots.id, user_id=3)
            job = replace(
                waiting(f"w{number}", now),
                model=model,
                place=place,
                status_message_id=statuses[-1].id,
            )
            await store.add_jobs([job], decision(), plenty(), now)
    async with bot(**paying):
        await until(server, lambda: all("Rendering" in status.text for status in statuses))

    assert "left-long-ago" in statuses[0].text


async def test_a_pick_wakes_a_sleeping_thread_for_its_board(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        thread = await thread_of(server, shots)
        server.archive(thread)
        await press(server, ann, clip, "Pick")
        board = await board_of(server, thread)
        await until(server, lambda: "**picked**" in board.text)

    assert thread.thread is not None
    assert not thread.thread.archived


async def test_nothing_of_ours_works_in_direct_messages(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        direct = server.world.direct_channel(ann)
        custom_id = clip.custom_id("Delete mine")
        message = forged(server, server.world.new_message(direct, server.bot), custom_id)
        pressed = await server.press(ann, message, custom_id)
        words = await words_to(server, pressed)
        await server.say(ann, direct, "make it slower", reply_to=message)
        await free_take(server, ann, shots)

    assert "in servers only" in words
    assert [m for m in server.messages(direct) if m.author is server.bot] == [message]
    assert len(await all_jobs(settings)) == 2


async def test_a_reply_to_a_paid_clip_by_somebody_else_is_theirs_to_pay_for(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        clip = await paid_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await server.say(bob, shots, "slower, and hold on the boat", reply_to=clip)
        card = await carded(server, thread)
        refused = await told(server, await press(server, ann, card, GO))
        await press(server, bob, card, GO)
        await takes_in(server, thread, 1)

    assert "Only the person who asked" in refused.text
    assert [is_clip(clip), len(vendor.submissions)] == [True, 2]
