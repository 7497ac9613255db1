"""`/jobs`: the list, the card of one, what can be done about it, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from bot.app import reading
from bot.config import Settings
from bot.jobs import Job, Reason, State
from bot.producer import Person
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
from tests.standin.discord import Channel, Discord, Interaction, Message, Permission, User
from tests.standin.openai import Gateway

POST = r"/messages$"
UNSURE = "nobody knows yet"


async def _jobs(settings: Settings) -> list[Job]:
    async with reading(settings) as app:
        assert await app.store.check_ledger() == []
        return await app.producer.jobs(Person())


async def open_card(server: Discord, who: User, channel: Channel, **options: Any) -> Message:
    """The card of the newest listed job."""
    listed = await answered(server, who, channel, "jobs", **options)
    (menu,) = listed.menus
    newest = listed.component(menu)["options"][0]["value"]
    chosen = await server.select(who, listed, menu, [newest])
    await chosen.acknowledged(PATIENCE_S)
    await until(server, lambda: "newest jobs here" not in listed.text)
    return listed


async def unsure(server: Discord, who: User, channel: Channel, vendor: Gateway) -> Message:
    """The status of a job whose submission got lost."""
    vendor.stale_lists = 1000
    vendor.fail_next("drop_after")
    card = await answered(server, who, channel, "generate", **PAID)
    await press(server, who, card, GO)
    await until(server, lambda: UNSURE in card.text)
    return card


async def test_one_of_the_list_shows_its_card_with_history_money_and_link(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        await press(server, ann, await answered(server, ann, shots, "generate", **PAID), GO)
        clip = await clip_in(server, shots)
        status = (await until(server, lambda: _with(server, shots, "Done in")))[0]
        card = await open_card(server, ann, shots)

    assert status is not card
    assert card.ephemeral
    assert "**done**" in card.text
    assert "$0.40 charged" in card.text
    assert f"/{shots.id}/{clip.id}" in card.text
    assert "waiting → " in card.text.replace("rendering", "")
    assert card.text.rstrip().endswith("done")
    assert list(card.buttons) == ["Post it here"]
    assert len(card.menus) == 1


def _with(server: Discord, channel: Channel, words: str) -> list[Message]:
    return [message for message in server.messages(channel) if words in message.text]


async def test_a_waiting_job_is_cancelled_from_its_card(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann = server.user("ann")
    vendor.retry_after = "60"
    vendor.fail_next(429)
    async with bot(**paying):
        status = await answered(server, ann, shots, "generate", **PAID)
        await press(server, ann, status, GO)
        await until(server, lambda: "Cancel" in status.buttons and vendor.exchanges)
        card = await open_card(server, ann, shots)
        before = card.text
        said = await (await press(server, ann, card, "Cancel")).answered(PATIENCE_S)
        await until(server, lambda: "nothing was charged" in status.text)
        again = await open_card(server, ann, shots)

    assert "$0.40 on hold" in before
    assert "nothing is charged" in said.text
    assert "nothing charged of $0.40" in again.text
    assert list(again.buttons) == ["Try again"]


async def test_a_clip_whose_channel_is_gone_is_posted_elsewhere_and_can_be_worked_on(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, elsewhere = server.user("ann"), server.channel("elsewhere")
    async with bot(**paying):
        await press(server, ann, await answered(server, ann, shots, "generate", **PAID), GO)
        await until(server, lambda: vendor.submissions)
        server.delete_channel(shots)
        await until(server, lambda: server.calls("POST", POST))
    async with bot(**paying):
        card = await open_card(server, ann, elsewhere)
        kept = card.text
        posted = await (await press(server, ann, card, "Post it here")).answered(PATIENCE_S)
        clip = await clip_in(server, elsewhere)
        again = await open_card(server, ann, elsewhere)
        said = await server.say(ann, elsewhere, "vertical", reply_to=clip)
        offer = await server.message_where(
            elsewhere,
            lambda message: "hanged from take 1" in message.text and bool(message.buttons),
            timeout=PATIENCE_S,
        )

    assert "`/jobs` can post it elsewhere" in kept
    assert str(clip.id) in posted.text
    assert str(clip.id) in again.text
    assert "elsewhere" not in again.text
    assert clip.pinged == []
    assert said.reply_to is clip
    assert "9:16" in offer.text


async def test_a_clip_is_posted_into_the_forum_post_where_one_is(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    post = await server.post(ann, server.forum("ideas"), "boats", "which one?")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        await clip_in(server, shots)
        await until(server, lambda: _with(server, shots, "Done in"))
        card = await open_card(server, ann, post)
        await press(server, ann, card, "Post it here")
        clip = await clip_in(server, post)

    assert "shows a clip of" in clip.text
    assert "Again · free" in clip.buttons


@pytest.mark.parametrize("gone", [False, True])
async def test_a_clip_never_leaves_an_age_restricted_channel_for_one_that_is_not(
    server: Discord, bot: Start, gone: bool
) -> None:
    ann, dark = server.user("ann"), server.channel("dark", nsfw=True)
    hall, darker = server.channel("hall"), server.channel("darker", nsfw=True)
    async with bot():
        await server.slash(ann, dark, "generate", FREE)
        await clip_in(server, dark)
        await until(server, lambda: _with(server, dark, "Done in"))
        await until(server, lambda: server.threads(dark))
        if gone:
            server.delete_channel(dark)
    async with bot():
        card = await open_card(server, ann, hall)
        refused = await (await press(server, ann, card, "Post it here")).answered(PATIENCE_S)
        card = await open_card(server, ann, darker)
        await press(server, ann, card, "Post it here")
        await clip_in(server, darker)

    assert "age-restricted" in refused.text
    assert clips_in(server, hall) == []


async def test_a_missing_permission_is_told_before_posting(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann, mute = server.user("ann"), server.channel("mute")
    server.forbid(mute, Permission.ATTACH_FILES)
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        await until(server, lambda: _with(server, shots, "Done in"))
        card = await open_card(server, ann, mute)
        refused = await (await press(server, ann, card, "Post it here")).answered(PATIENCE_S)

    assert "**Attach Files**" in refused.text
    assert clips_in(server, mute) == []


async def test_discords_no_to_a_post_is_told(server: Discord, shots: Channel, bot: Start) -> None:
    ann = server.user("ann")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        await until(server, lambda: _with(server, shots, "Done in"))
        card = await open_card(server, ann, shots)
        server.fail_next("POST", rf"/channels/{shots.id}/messages$", 403, code=50013)
        refused = await (await press(server, ann, card, "Post it here")).answered(PATIENCE_S)

    assert "Discord does not let me post here" in refused.text


async def test_a_post_whose_answer_got_lost_is_there_once(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        await until(server, lambda: _with(server, shots, "Done in"))
        card = await open_card(server, ann, shots)
        server.fail_next("POST", rf"/channels/{shots.id}/messages$", "drop_after")
        said = await (await press(server, ann, card, "Post it here")).answered(PATIENCE_S)

    assert said.text.startswith("Posted: ")
    assert len(clips_in(server, shots)) == 2


async def test_deleting_a_clip_takes_every_message_of_it_away(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann, other = server.user("ann"), server.channel("other")
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        first = await clip_in(server, shots)
        await until(server, lambda: _with(server, shots, "Done in"))
        await press(server, ann, await open_card(server, ann, other), "Post it here")
        second = await clip_in(server, other)
        await press(server, ann, second, "Delete mine")
        await until(server, lambda: first.deleted and second.deleted)
        card = await open_card(server, ann, shots)

    assert card.buttons == {}
    assert "Here is its clip" not in card.text


async def test_a_manager_enters_the_vendors_id_and_the_clip_comes(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, meg = server.user("ann"), server.manager("meg")
    async with bot(**paying):
        await unsure(server, ann, shots, vendor)
        card = await open_card(server, meg, shots)
        buttons = list(card.buttons)
        opened = await press(server, meg, card, "The vendor has it")
        await opened.acknowledged(PATIENCE_S)
        await server.modal_submit(meg, opened, {"remote": " video_0001 "})
        clip = await clip_in(server, shots)

    assert buttons == [
        "Cancel",
        "The vendor has it: enter its id",
        "It was not submitted",
        "It was spent",
    ]
    assert clip.pinged == [ann]
    assert len(vendor.submissions) == 1


@pytest.mark.parametrize(
    ("label", "reason", "charged"),
    [
        ("It was not submitted", Reason.NOT_SUBMITTED, "nothing charged of $0.40"),
        ("It was spent", Reason.SPENT, "$0.40 charged"),
    ],
)
async def test_a_manager_decides_what_became_of_the_money(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
    label: str,
    reason: Reason,
    charged: str,
) -> None:
    ann, meg = server.user("ann"), server.manager("meg")
    async with bot(**paying):
        await unsure(server, ann, shots, vendor)
        card = await open_card(server, meg, shots, view="everybody")
        custom_id = card.custom_id(label)
        await press(server, meg, card, label)
        await until(server, lambda: label not in card.buttons)
        await until(server, lambda: _with(server, shots, "by hand"))
        final = await open_card(server, meg, shots)
        late = await server.press(meg, _forged(server, shots, custom_id), custom_id)
        twice = await told(server, late)
    (job,) = await _jobs(settings)

    assert (job.state, job.reason) == (State.REFUNDED, reason)
    assert charged in final.text
    assert "there is nothing to decide" in twice.text


async def test_an_id_that_cannot_be_the_vendors_is_refused(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, meg = server.user("ann"), server.manager("meg")
    async with bot(**paying):
        first = await answered(server, ann, shots, "generate", **PAID)
        await press(server, ann, first, GO)
        await until(server, lambda: _with(server, shots, "Done in"))
        await unsure(server, ann, shots, vendor)
        card = await open_card(server, meg, shots)
        words: list[str] = []
        for typed in ("video_0001", "\u200b\n"):
            opened = await press(server, meg, card, "The vendor has it")
            await opened.acknowledged(PATIENCE_S)
            sent = await server.modal_submit(meg, opened, {"remote": typed})
            words.append((await told(server, sent)).text)

    assert "belongs to another job" in words[0]
    assert "cannot be a vendor's id" in words[1]


async def test_only_managers_decide_and_only_ones_own_jobs_are_looked_at(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: dict[str, Any],
    settings: Settings,
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot(**paying):
        await unsure(server, ann, shots, vendor)
        mine = await open_card(server, ann, shots)
        refused = await answered(server, bob, shots, "jobs", view="everybody")
        (job,) = await _jobs(settings)
        words: list[str] = []
        for custom_id in (f"spent:{job.id}", f"notsent:{job.id}"):
            pressed = await server.press(bob, _forged(server, shots, custom_id), custom_id)
            words.append((await told(server, pressed)).text)
        menu = _forged_menu(server, shots, "jobmenu:mine", job.id)
        chosen = await server.select(bob, menu, "jobmenu:mine", [job.id])
        words.append((await told(server, chosen)).text)
    (job,) = await _jobs(settings)

    assert list(mine.buttons) == ["Cancel"]
    assert "Only people who manage this server see" in refused.text
    assert all("Only people who manage this server decide" in text for text in words[:2])
    assert "Only the person who asked for it" in words[2]
    assert job.state is State.UNCERTAIN


async def test_another_servers_job_is_no_job_here(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, other = server.user("ann"), server.guild("Rivals")
    there, eve = server.channel("there", guild=other), server.manager("eve", guild=other)
    async with bot():
        await server.slash(ann, shots, "generate", FREE)
        await until(server, lambda: _with(server, shots, "Done in"))
        (job,) = await _jobs(settings)
        words: list[str] = []
        for custom_id in (f"posthere:{job.id}", f"spent:{job.id}"):
            pressed = await server.press(eve, _forged(server, there, custom_id), custom_id)
            words.append(await _said(server, pressed))
        menu = _forged_menu(server, there, "jobmenu:everybody", job.id)
        chosen = await server.select(eve, menu, "jobmenu:everybody", [job.id])
        words.append(await _said(server, chosen))

    assert all("no such job in this server" in text for text in words)
    assert clips_in(server, there) == []


async def _said(server: Discord, asked: Interaction) -> str:
    """What one was told, in the answer or after it."""

    def texts() -> str:
        shown = [m.text for m in (asked.message, *asked.followups) if m and m.ephemeral]
        return "\n".join(text for text in shown if text)

    return await until(server, texts)


def _forged(server: Discord, channel: Channel, custom_id: str) -> Message:
    """A message of the bot with a button as somebody could still have it on the screen."""
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2}
    return _posted(server, channel, button)


def _forged_menu(server: Discord, channel: Channel, custom_id: str, value: str) -> Message:
    menu = {
        "type": 3,
        "id": 2,
        "custom_id": custom_id,
        "options": [{"label": "x", "value": value}],
        "min_values": 1,
        "max_values": 1,
    }
    return _posted(server, channel, menu)


def _posted(server: Discord, channel: Channel, component: dict[str, Any]) -> Message:
    message = server.world.new_message(channel, server.bot)
    message.content = "x"
    message.components = [{"type": 1, "id": 1, "components": [component]}]
    return server.world.post(message)
