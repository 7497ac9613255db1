"""What users of other bots complain about most, one named test a complaint, on the real client.

The numbers are those of the collected list of complaints: restarts, money, silence, hygiene.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bot.config import Settings
from bot.jobs import Reason, State
from bot.rules import Rules
from bot.store import Store
from bot.texts import catalogue
from tests.clips import clip_bytes, noisy_clip_bytes, still_bytes
from tests.cogs.conftest import (
    FREE,
    GO,
    PAID,
    PATIENCE_S,
    BotClock,
    Start,
    answered,
    press,
    told,
    until,
)
from tests.cogs.steps import (
    all_jobs,
    board_of,
    card_for,
    carded,
    free_take,
    from_channel,
    go,
    ledger_sound,
    paid_take,
    set_rules,
    takes_in,
    thread_of,
    words_to,
)
from tests.standin.discord import Channel, Discord, Message, Permission, Upload
from tests.standin.openai import Gateway

Paying = dict[str, Any]


async def _until_text(server: Discord, message: Message, words: str) -> None:
    await until(server, lambda: words in message.text)


async def test_01_buttons_outlive_restarts_and_weeks(
    server: Discord, shots: Channel, bot: Start, clock: BotClock
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        await thread_of(server, shots)
    server.clock.advance(8 * 86_400)
    clock.ahead = timedelta(days=8)
    async with bot():
        pressed = await press(server, ann, clip, "Again")
        thread = await thread_of(server, shots)
        (second,) = await takes_in(server, thread, 1)

    assert pressed.refusals == []
    assert "Take 2" in second.text


async def test_02_never_says_it_was_restarted_when_something_else_failed(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    picture = Upload(filename="still.png", data=still_bytes())
    async with bot():
        room = settings.data_dir / "inputs"
        room.rmdir()
        room.write_text("in the way")
        asked = await server.slash(ann, shots, "generate", FREE, {"image": picture})
        words = await words_to(server, asked)
        room.unlink()
        room.mkdir()
        await free_take(server, ann, shots)

    assert "our fault" in words
    assert "`/jobs`" in words
    guesses = [text for text in catalogue("en").values() if "restarted" in str(text)]
    assert guesses == []


async def test_03_one_click_is_one_paid_call_whatever_the_answer(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    ann = server.user("ann")
    vendor.fail_next("lost-502")
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        custom_id = card.custom_id(GO)
        presses = [await server.press(ann, card, custom_id) for _ in range(4)]
        await takes_in(server, shots, 1)

    assert [one.refusals for one in presses] == [[], [], [], []]
    assert vendor.calls["submit"] == 1
    assert vendor.bill_micros == 400_000
    assert [job.state for job in await all_jobs(settings)] == [State.DONE]


async def test_04_a_timeout_on_create_is_looked_up_and_never_sent_again(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    clock: BotClock,
) -> None:
    ann = server.user("ann")
    vendor.stale_lists = 1000
    vendor.fail_next("drop_after")
    async with bot(**paying):
        card = await go(server, ann, shots)
        await until(server, lambda: vendor.calls["find"])
        said = await answered(server, ann, shots, "jobs")
        vendor.stale_lists = 0
        clock.ahead = timedelta(hours=1)
        await takes_in(server, shots, 1)
        await _until_text(server, card, "Done in")

    assert "**uncertain**" in said.text
    assert any("not sent again" in edit.text for edit in card.edits)
    assert vendor.calls["submit"] == 1


async def test_05_after_a_restart_the_same_vendor_is_asked_for_the_same_job(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    vendor.polls_until_done = 10_000
    async with Gateway(clip=clip_bytes(colour="red")) as other:
        async with bot(**paying):
            await go(server, ann, shots)
            await until(server, lambda: vendor.asked("poll"))
        vendor.polls_until_done = 0
        changed = {
            "openai_api_key": SecretStr(other.key),
            "openai_base_url": other.base_url,
        }
        async with bot(**(paying | changed)):
            (clip,) = await takes_in(server, shots, 1)

    assert clip.pinged == [ann]
    assert vendor.calls["submit"] == 1
    assert other.asked("poll") == []
    assert other.asked("submit") == []


async def test_06_an_accepted_job_is_in_every_list_after_a_restart(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
    clock: BotClock,
) -> None:
    ann = server.user("ann")
    vendor.retry_after = "60"
    vendor.fail_next(429)
    async with bot(**paying):
        card = await go(server, ann, shots)
        await _until_text(server, card, "keeps its place")
    (job,) = await all_jobs(settings)
    vendor.retry_after = ""
    clock.ahead = timedelta(minutes=2)
    async with bot(**paying):
        listed = await answered(server, ann, shots, "jobs")
        await takes_in(server, shots, 1)
        await _until_text(server, card, "Done in")

    assert job.id in listed.text
    assert len(vendor.submissions) == 1


async def test_07_dead_interaction_tokens_stop_nothing(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        dead = server.fail_next("*", r"^/webhooks/", 404, times=1000, code=10015)
        await press(server, ann, card, GO)
        (clip,) = await takes_in(server, shots, 1)
        await _until_text(server, card, "Done in")

    assert dead.hits
    assert clip.pinged == [ann]
    assert len(vendor.submissions) == 1


async def test_08_a_paid_clip_too_large_for_the_place_comes_smaller_and_is_kept_whole(
    server: Discord, shots: Channel, bot: Start, settings: Settings, paying: Paying, vendor: Gateway
) -> None:
    ann = server.user("ann")
    vendor.clip = noisy_clip_bytes()
    server.home().upload_limit_bytes = len(vendor.clip) // 2
    async with bot(**paying):
        card = await go(server, ann, shots)
        await _until_text(server, card, "Done in")
        (posted,) = [m for m in server.messages(shots) if m.attachments]
    (job,) = await all_jobs(settings)

    refused = [call for call in server.calls("POST", r"/messages$") if call.status == 413]
    assert refused
    assert "kept" in posted.text
    kept = (settings.data_dir / "clips" / job.clip).read_bytes()
    assert kept == vendor.clip
    assert vendor.calls["submit"] == 1


async def test_09_a_late_answer_and_a_strange_press_take_nobody_down(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        for asked in (
            await server.slash(ann, shots, "generate", FREE),
            await press(server, ann, clip, "Pick"),
        ):
            server.clock.advance(4)
            await until(server, lambda asked=asked: asked.refusals)
            assert asked.refusals == [(404, 10062)]
        strange = await from_channel(server, ann, shots, "howmany:nonsense", menu=True)
        assert "There is no such job" in await words_to(server, strange) or strange.ack_ms
        assert "Storyboard" in (await answered(server, ann, shots, "jobs")).text


async def test_10_a_stuck_job_can_be_cancelled_at_once_and_says_what_that_saves(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    ann = server.user("ann")
    vendor.retry_after = "600"
    vendor.fail_next(429)
    async with bot(**paying):
        card = await go(server, ann, shots)
        await until(server, lambda: "Cancel" in card.buttons)
        saved = await (await press(server, ann, card, "Cancel")).answered(PATIENCE_S)
        await _until_text(server, card, "nothing was charged")
    vendor.retry_after, vendor.polls_until_done = "", 10_000
    async with bot(**paying):
        await go(server, ann, shots)
        await until(server, lambda: vendor.asked("poll"))
        job = (await all_jobs(settings))[-1]
        late = await from_channel(server, ann, shots, f"cancel:{job.id}")
        kept = await words_to(server, late)
        vendor.polls_until_done = 0
        await takes_in(server, shots, 1)

    assert "nothing is charged" in saved.text
    assert "charges it either way ($0.40), so the clip will still come" in kept


async def test_11_everybody_sees_their_place_and_cancels_only_their_own(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    vendor.retry_after = "10"
    vendor.fail_next(429)
    async with bot(**paying):
        first = await go(server, ann, shots)
        await until(server, lambda: vendor.calls["submit"] and "Cancel" in first.buttons)
        second = await go(server, bob, shots)
        await _until_text(server, second, "1 ahead")
        refused = await words_to(server, await press(server, bob, first, "Cancel"))
        await press(server, ann, first, "Cancel")
        await _until_text(server, first, "nothing was charged")
        (clip,) = await takes_in(server, shots, 1)

    assert "Only the person who asked" in refused
    assert clip.pinged == [bob]
    assert any("usually takes about" in edit.text for edit in second.edits)
    assert len(vendor.submissions) == 1


async def test_12_a_refusal_is_plain_free_final_and_offers_another_way(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    ann = server.user("ann")
    vendor.echo = " req_0123456789abcdef"
    vendor.fail_next("rejected")
    async with bot(**paying):
        card = await go(server, ann, shots)
        await _until_text(server, card, "refuses this content")
        other = await press(server, ann, card, "Another model")
        offered = await other.answered(PATIENCE_S)
        form = await (await press(server, ann, card, "Change")).acknowledged(PATIENCE_S)
        usage = await answered(server, ann, shots, "usage")

    assert "Nothing was charged" in card.text
    assert "req_" not in card.text
    assert "Sora 2 Pro" in offered.text
    assert any(label.startswith("Go · ") for label in offered.buttons)
    assert form.modal["custom_id"].startswith("change:")
    assert "0 clips made here, $0.00 charged" in usage.text
    assert vendor.calls["submit"] == 1
    assert await ledger_sound(settings)


async def test_13_a_failure_says_what_failed_and_what_to_do(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    ann = server.user("ann")
    vendor.echo = " req_0123456789abcdef"
    vendor.fail_next("failed")
    async with bot(**paying):
        card = await go(server, ann, shots)
        await _until_text(server, card, "could not make this clip")
        await press(server, ann, card, "Try again")
        await takes_in(server, shots, 1)
    failed = (await all_jobs(settings))[0]

    assert "Nothing was charged. Try again, or another model." in card.text
    assert "req_" not in card.text
    assert failed.reason is Reason.FAILED
    assert "req_" in failed.detail  # the vendor's own words are there for the operator


async def test_14_who_may_spend_is_a_matter_of_roles_servers_and_money(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying, settings: Settings
) -> None:
    payers = server.role("payers")
    ann, bob = server.user("ann", [payers]), server.user("bob")
    await set_rules(settings, server, Rules(who_may_spend=frozenset({payers.id})))
    async with bot(**paying, daily_usd=Decimal("0.6")):
        asked = await server.slash(bob, shots, "generate", PAID)
        refused = (await told(server, asked)).text
        await paid_take(server, ann, shots)
        card = await card_for(server, ann, shots)
        capped = (await told(server, await press(server, ann, card, GO))).text
        await free_take(server, bob, shots)
    async with bot(**(paying | {"discord_allowed_guilds": frozenset[int]()})):
        asked = await server.slash(ann, shots, "generate", PAID)
        closed = (await told(server, asked)).text

    assert f"<@&{payers.id}>" in refused
    assert "only $0.20 of today's $0.60 are left" in capped
    assert "cannot run here" in closed or "was retired" in closed
    assert len(vendor.submissions) == 1


async def test_15_every_shot_shows_what_it_has_cost_so_far(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        clip = await paid_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await press(server, ann, clip, "Again · $0.40")
        await takes_in(server, thread, 1)
        board = await board_of(server, thread)
        await until(server, lambda: "2 takes · $0.80 so far" in board.text)

    assert vendor.bill_micros == 800_000
    assert board.text.count("$0.40") == 2


async def test_16_several_are_quoted_whole_and_a_price_that_rose_asks_again(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    tmp_path: Path,
) -> None:
    ann, overlay = server.user("ann"), tmp_path / "mine.toml"
    overlay.write_text(_priced("0.20"))
    async with bot(**paying):
        clip = await paid_take(server, ann, shots)
        thread = await thread_of(server, shots)
        menu = await (await press(server, ann, clip, "Several")).answered(PATIENCE_S)
        await server.select(ann, menu, menu.menus[0], ["3"])
        card = await carded(server, thread, "Go · $1.20")
    async with bot(**paying, catalogue=overlay):
        await press(server, ann, card, "Go · $1.20")
        await until(server, lambda: "Go · $2.40" in card.buttons)

    assert "Nothing was spent; it would now be" in card.text
    assert len(vendor.submissions) == 1


def _priced(per_s: str) -> str:
    return (
        '[[models.sora-2.routes]]\nprovider = "gateway"\nwire_id = "sora-2"\ndialect = "videos"\n'
        'price = { confidence = "listed", source = "us", verified = 2026-11-01, '
        f"per_s = {{ 720p = {{ audio = {per_s} }} }} }}\n"
    )


async def test_17_an_unknown_cost_is_never_zero_and_the_card_names_who_is_paid(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        shown = card.text
        await press(server, ann, card, GO)
        await until(server, lambda: vendor.asked("poll"))
        vendor.jobs.clear()  # the vendor forgets it had taken the job, and never names a cost
        await _until_text(server, card, "are booked until")
    (job,) = await all_jobs(settings)
    async with Store.open(settings.data_dir / "dailies.db") as store:
        settled = [
            micros for kind, _, _, micros, _ in await store.lines(job.id) if kind == "settle"
        ]

    assert "**Sora 2** via gateway · **$0.40**" in shown
    assert settled == [400_000]


async def test_18_the_choice_explains_itself_and_can_be_switched_before_it_runs(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    words = "she whispers to the camera, close-up, natural dialogue and lip sync"
    async with bot(**paying):
        asked = await server.slash(ann, shots, "generate", {"prompt": words, "duration": 4})
        card = await asked.answered(PATIENCE_S)
        chosen = card.text
        await server.select(ann, card, card.menus[0], ["sora-2-pro"])
        await until(server, lambda: "**Sora 2 Pro**" in card.text)
        await press(server, ann, card, "Go")
        (clip,) = await takes_in(server, shots, 1)

    for part in ("Asks for:", "dialogue", "Why:", "Instead:", "Nothing is spent before"):
        assert part in chosen
    assert vendor.submissions[0]["model"] == "sora-2-pro"
    assert "**Sora 2 Pro** via gateway" in clip.text


async def test_19_clips_do_not_live_behind_links_that_expire(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
    clock: BotClock,
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        clip = await paid_take(server, ann, shots)
    vendor.jobs.clear()
    server.fail_next("GET", "/cdn/", 404, times=1000)
    clock.ahead = timedelta(days=60)
    async with bot(**paying):
        again = await (await press(server, ann, clip, "Original")).answered(PATIENCE_S)
    (job,) = await all_jobs(settings)

    assert again.attachments[0].data == vendor.clip
    assert job.sha256 == hashlib.sha256(vendor.clip).hexdigest()
    assert job.clip == f"{job.id}.mp4"


async def test_20_the_channel_stays_clean_and_everything_says_where_it_came_from(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with bot():
        clip = await free_take(server, ann, shots, seed=7)
        thread = await thread_of(server, shots)
        await press(server, ann, clip, "Again")
        (second,) = await takes_in(server, thread, 1)
        refused = await words_to(server, await press(server, bob, clip, "Delete mine"))
        await press(server, ann, clip, "Delete mine")
        await until(server, lambda: clip.deleted)
        server.forbid(shots, Permission.ATTACH_FILES)
        asked = await server.slash(ann, shots, "generate", FREE)
        missing = await told(server, asked)

    assert "seed 7" in clip.text
    assert f"again from [take 1](https://discord.com/channels/{server.home().id}/" in second.text
    assert "Only the person who asked for it" in refused
    assert "**Attach Files**" in missing.text
    assert len(await all_jobs(settings)) == 2


class _Distinct(Gateway):
    """Every job gets a clip of its own, and the first one takes longest."""

    COLOURS = ("red", "green")

    def clip_of(self, video_id: str) -> bytes:
        return clip_bytes(colour=self.COLOURS[list(self.jobs).index(video_id)])

    async def _content(self, request: web.Request) -> web.Response:
        body = self.clip_of(request.match_info["id"])
        return web.Response(body=body, content_type="video/mp4")


async def test_21_clips_find_their_person_by_stored_ids_and_nothing_in_the_words(
    server: Discord, shots: Channel, bot: Start, paying: Paying, settings: Settings
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with _Distinct() as vendor:
        vendor.polls_until_done = 10_000
        mine = {"gateway_base_url": vendor.base_url, "gateway_api_key": SecretStr(vendor.key)}
        async with bot(**(paying | mine)):
            await go(server, ann, shots)
            await until(server, lambda: len(vendor.jobs) == 1)
            await go(server, bob, shots, prompt=PAID["prompt"])
            await until(server, lambda: len(vendor.jobs) == 2)
            vendor.polls_until_done = 0
            clips = await takes_in(server, shots, 2)
    jobs = {job.place.user_id: job for job in await all_jobs(settings)}

    for who, video_id in ((ann, "video_0001"), (bob, "video_0002")):
        (posted,) = [clip for clip in clips if clip.pinged == [who]]
        assert posted.attachments[0].data == vendor.clip_of(video_id)
        remote = jobs[who.id].remote
        assert remote is not None
        assert remote.remote_id == video_id
