"""Who may see and press what: by stored ids and roles, whatever a message claims to be."""

from __future__ import annotations

from typing import Any

import pytest

from bot.config import Settings
from bot.rules import Rules
from tests.clips import still_bytes
from tests.cogs.conftest import FREE, GO, PAID, PATIENCE_S, Start, answered, press, told, until
from tests.cogs.steps import (
    all_jobs,
    board_of,
    card_for,
    carded,
    free_take,
    from_channel,
    paid_take,
    set_rules,
    takes_in,
    thread_of,
    words_to,
)
from tests.standin.discord import Channel, ChannelKind, Discord, Permission, Role, Upload
from tests.standin.openai import Gateway

Paying = dict[str, Any]
ON_CLIPS = (
    "again",
    "several",
    "change",
    "longer",
    "continue",
    "pick",
    "final",
    "frame",
    "original",
    "delete",
    "upscale",
    "retry",
    "elsewhere",
    "cancel",
)
ON_CARDS = ("go", "notnow", "edit")


class Rivals:
    """A second server with the same bot: its channel, and its manager."""

    def __init__(self, server: Discord) -> None:
        self.guild = server.guild("Rivals")
        self.channel = server.channel("there", guild=self.guild)
        self.eve = server.manager("eve", guild=self.guild)


@pytest.fixture
def rivals(server: Discord, shots: Channel) -> Rivals:
    return Rivals(server)


def _words_in(server: Discord, channel: Channel) -> str:
    return "\n".join(message.text for message in server.messages(channel))


async def test_no_button_reaches_another_servers_takes_or_offers(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
    rivals: Rivals,
) -> None:
    ann = server.user("ann")
    both = paying | {"discord_allowed_guilds": frozenset({server.home().id, rivals.guild.id})}
    async with bot(**both):
        clip = await free_take(server, ann, shots, prompt="the secret of the paper boat")
        card = await card_for(server, ann, shots)
        job_id = clip.custom_id("Pick").partition(":")[2]
        quote_id = card.custom_id(GO).partition(":")[2]
        ids = [f"{kind}:{job_id}" for kind in ON_CLIPS]
        ids += [f"{kind}:{quote_id}" for kind in ON_CARDS]
        for custom_id in ids:
            if custom_id.startswith("several"):  # only asks how many: nothing is shown yet
                continue
            pressed = await from_channel(server, rivals.eve, rivals.channel, custom_id)
            words = await words_to(server, pressed)
            assert any(part in words for part in _CLOSED), (custom_id, words)
        for custom_id in (f"howmany:{job_id}", f"switch:{quote_id}"):
            pressed = await from_channel(server, rivals.eve, rivals.channel, custom_id, menu=True)
            words = await words_to(server, pressed)
            assert any(part in words for part in _CLOSED), (custom_id, words)
    job, *more = await all_jobs(settings)

    assert more == []
    assert not job.cancel_at
    assert not clip.deleted
    assert GO in card.buttons
    assert vendor.exchanges == []
    assert "secret" not in _words_in(server, rivals.channel)


_CLOSED = ("no such job", "offer is closed", "Nothing was started")


async def test_a_thread_of_another_server_is_not_a_shot_here(
    server: Discord, shots: Channel, bot: Start, rivals: Rivals, settings: Settings
) -> None:
    ann = server.user("ann")
    async with bot():
        await free_take(server, ann, shots)
        thread = await thread_of(server, shots)
        # What no client sends: a channel of one server with the number of another one's thread.
        forged = Channel(thread.id, thread.kind, "x", rivals.guild, parent=rivals.channel)
        forged.thread = thread.thread
        asked = await server.slash(rivals.eve, forged, "refine", {"words": "slower"})
        words = await told(server, asked)

    assert "inside a shot's thread" in words.text
    assert len(await all_jobs(settings)) == 1


async def test_links_to_messages_lead_nowhere_but_to_what_the_person_may_read(
    server: Discord, shots: Channel, bot: Start, rivals: Rivals, settings: Settings
) -> None:
    ann = server.user("ann")
    home = server.home()
    async with bot():
        clip = await free_take(server, ann, shots)
        secret = server.world.open_thread(shots, "x", ann, kind=ChannelKind.PRIVATE_THREAD)
        hidden = await free_take(server, ann, secret)
        links = (
            (rivals.eve, rivals.channel, f"{home.id}/{shots.id}/{clip.id}"),
            (rivals.eve, rivals.channel, f"{rivals.guild.id}/{shots.id}/{clip.id}"),
            (server.user("bob"), shots, f"{home.id}/{secret.id}/{hidden.id}"),
        )
        for who, place, link in links:
            prompt = f"it sinks https://discord.com/channels/{link}"
            asked = await server.slash(who, place, "generate", FREE | {"prompt": prompt})
            assert "cannot be read here" in (await told(server, asked)).text
        link = f"https://discord.com/channels/{home.id}/{secret.id}/{hidden.id}"
        await server.slash(ann, secret, "generate", FREE | {"prompt": f"it sinks {link}"})
        await takes_in(server, secret, 2)
    assert len(await all_jobs(settings)) == 3


async def test_a_link_into_an_archived_thread_is_followed(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    thread = await server.start_thread(ann, await server.say(ann, shots, "x"), "ideas")
    async with bot():
        posted = await free_take(server, ann, thread)
        await until(server, lambda: len(server.messages(thread)) == 3)  # the board came last
        server.archive(thread)
        link = f"https://discord.com/channels/{server.home().id}/{thread.id}/{posted.id}"
        await server.slash(ann, shots, "generate", FREE | {"prompt": f"it sinks {link}"})
        await takes_in(server, shots, 1)
    _, job = await all_jobs(settings)

    assert [media.role for media in job.brief.inputs] == ["first_frame"]
    assert job.brief.prompt == "it sinks"


async def test_prompts_ping_nobody_but_who_asked(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    crew = server.role("crew")
    prompt = f"@everyone @here <@{bob.id}> <@&{crew.id}> look at the boat"
    async with bot(**paying):
        await paid_take(server, ann, shots, prompt=prompt)
        thread = await thread_of(server, shots)
        clip = server.messages(shots)[-1]
        await press(server, ann, clip, "Pick")
        board = await board_of(server, thread)
        await until(server, lambda: "**picked**" in board.text)
        said = await server.say(ann, thread, f"slower {prompt}", reply_to=board)
        await server.say(ann, shots, f"slower {prompt}", reply_to=clip)
        await carded(server, thread)
    ours = [*server.messages(shots), *server.messages(thread)]
    ours = [message for message in ours if message.author is server.bot]

    assert said.author is ann
    assert len(ours) >= 4
    assert {user.name for message in ours for user in message.pinged} == {"ann"}
    assert [m for m in ours if m.pings_everyone or m.pinged_roles] == []


async def test_what_comes_hidden_stays_hidden_everywhere(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    picture = Upload(filename="SPOILER_still.png", data=still_bytes(640, 360, "orange"))
    async with bot():
        await server.slash(ann, shots, "generate", FREE, {"image": picture})
        (clip,) = await takes_in(server, shots, 1)
        thread = await thread_of(server, shots)
        await until(server, lambda: (server.messages(thread)[0]).attachments)
        board = await board_of(server, thread)
        original = await (await press(server, ann, clip, "Original")).answered(PATIENCE_S)
        link = f"https://discord.com/channels/{server.home().id}/{shots.id}/{clip.id}"
        await server.slash(ann, thread, "generate", FREE | {"prompt": f"it sinks {link}"})
        (linked,) = await takes_in(server, thread, 1)
        await press(server, ann, linked, "Continue")
        continued = (await takes_in(server, thread, 2))[1]
        await until(server, lambda: "3 takes" in board.text)

    for message in (clip, board, original, linked, continued):
        assert message.attachments[0].filename.startswith("SPOILER_"), message.text
    assert all(job.brief.spoiler for job in await all_jobs(settings))


async def test_what_comes_from_an_age_restricted_channel_is_hidden_in_others(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, adults = server.user("ann"), server.channel("adults", nsfw=True)
    async with bot():
        clip = await free_take(server, ann, adults)
        await thread_of(server, adults)  # by then the bot knows its servers
        link = f"https://discord.com/channels/{server.home().id}/{adults.id}/{clip.id}"
        await server.slash(ann, adults, "generate", FREE | {"prompt": f"it sinks {link}"})
        (_, there) = await takes_in(server, adults, 2)
        await server.slash(ann, shots, "generate", FREE | {"prompt": f"it sinks {link}"})
        (here,) = await takes_in(server, shots, 1)

    assert not there.attachments[0].filename.startswith("SPOILER_")
    assert here.attachments[0].filename.startswith("SPOILER_")


async def test_a_hidden_picture_given_in_a_form_hides_the_clip(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying
) -> None:
    ann = server.user("ann")
    picture = Upload(filename="SPOILER_still.png", data=still_bytes(1280, 720, "orange"))
    async with bot(**paying):
        card = await card_for(server, ann, shots)
        opened = await (await press(server, ann, card, "Edit prompt")).acknowledged(PATIENCE_S)
        await server.modal_submit(ann, opened, {"prompt": "a red boat", "file": [picture]})
        await until(server, lambda: "a red boat" in card.text)
        await press(server, ann, card, "Go")
        (clip,) = await takes_in(server, shots, 1)

    assert clip.attachments[0].filename.startswith("SPOILER_")


async def test_words_are_answered_with_the_missing_permission_before_anything_starts(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann = server.user("ann")
    async with bot():
        clip = await free_take(server, ann, shots)
        await thread_of(server, shots)
        server.forbid(shots, Permission.ATTACH_FILES)
        said = await server.say(ann, shots, "9:16", reply_to=clip)
        answer = await server.message_where(
            shots, lambda message: message.reply_to is said, timeout=PATIENCE_S
        )

    assert "**Attach Files**" in answer.text
    assert len(await all_jobs(settings)) == 1


@pytest.fixture
def crew(server: Discord, shots: Channel) -> Role:
    return server.role("crew")


async def test_who_may_make_and_spend_is_asked_when_the_card_comes(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
    crew: Role,
) -> None:
    ann, bob = server.user("ann", [crew]), server.user("bob")
    boss = server.manager("boss")
    rules = Rules(who_may_generate=frozenset({crew.id}), allowed_models=frozenset({"sora-2"}))
    await set_rules(settings, server, rules)
    async with bot(**paying):
        clip = await paid_take(server, ann, shots)
        stranger = await told(server, await server.slash(bob, shots, "generate", PAID))
        pressed = await words_to(server, await press(server, bob, clip, "Again"))
        said = await server.say(bob, shots, "slower", reply_to=clip)
        replied = await server.message_where(
            shots, lambda message: message.reply_to is said, timeout=PATIENCE_S
        )
        other = PAID | {"model": "sora-2-pro"}
        refused = await told(server, await server.slash(ann, shots, "generate", other))
        await card_for(server, boss, shots)

    for words in (stranger.text, pressed, replied.text):
        assert f"<@&{crew.id}>" in words
    assert "not used in this server" in refused.text
    assert len(vendor.submissions) == 1


async def test_nothing_is_fetched_for_who_may_not_make_clips(
    server: Discord, shots: Channel, bot: Start, settings: Settings, crew: Role
) -> None:
    bob = server.user("bob")
    picture = Upload(filename="still.png", data=still_bytes())
    await set_rules(settings, server, Rules(who_may_generate=frozenset({crew.id})))
    async with bot():
        asked = await server.slash(bob, shots, "generate", FREE, {"image": picture})
        words = await told(server, asked)

    assert f"<@&{crew.id}>" in words.text
    assert list((settings.data_dir / "inputs").iterdir()) == []


async def test_who_may_make_and_spend_is_asked_again_at_go(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    paying: Paying,
    settings: Settings,
    crew: Role,
) -> None:
    ann, elsewhere = server.user("ann"), server.channel("elsewhere")
    spending, models = frozenset({crew.id}), frozenset({"sora-2-pro"})
    changes = (
        (Rules(who_may_spend=spending), f"<@&{crew.id}>"),
        (Rules(who_may_generate=spending), f"<@&{crew.id}>"),
        (Rules(allowed_channels=frozenset({elsewhere.id})), f"<#{elsewhere.id}>"),
        (Rules(allowed_models=models), "not used in this server"),
    )
    async with bot(**paying):
        card = await card_for(server, ann, shots)
    for rules, named in changes:
        await set_rules(settings, server, rules)
        async with bot(**paying):
            words = await told(server, await press(server, ann, card, GO))
        assert named in words.text
    assert vendor.exchanges == []


async def test_a_thread_counts_as_its_channel(
    server: Discord, shots: Channel, bot: Start, settings: Settings
) -> None:
    ann, other = server.user("ann"), server.channel("other")
    await set_rules(settings, server, Rules(allowed_channels=frozenset({shots.id})))
    async with bot():
        await free_take(server, ann, shots)
        thread = await thread_of(server, shots)
        await server.slash(ann, thread, "generate", FREE)
        await takes_in(server, thread, 1)
        refused = await told(server, await server.slash(ann, other, "generate", FREE))

    assert f"<#{shots.id}>" in refused.text


async def test_one_servers_lists_never_show_anothers_jobs(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: Paying, rivals: Rivals
) -> None:
    ann = server.user("ann")
    async with bot(**paying):
        await paid_take(server, ann, shots)
        jobs = await answered(server, rivals.eve, rivals.channel, "jobs")
        usage = await answered(server, rivals.eve, rivals.channel, "usage")

    assert "No jobs yet" in jobs.text
    assert "0 clips made here, $0.00 charged" in usage.text


async def test_only_the_shots_owner_or_a_manager_picks(
    server: Discord, shots: Channel, bot: Start
) -> None:
    ann, bob, boss = server.user("ann"), server.user("bob"), server.manager("boss")
    async with bot():
        clip = await free_take(server, ann, shots)
        thread = await thread_of(server, shots)
        refused = await words_to(server, await press(server, bob, clip, "Pick"))
        picked = await words_to(server, await press(server, boss, clip, "Pick"))
        board = await board_of(server, thread)
        await until(server, lambda: "**picked**" in board.text)

    assert "Only the person whose shot this is, or a manager" in refused
    assert "Take 1 is the shot's pick now" in picked
