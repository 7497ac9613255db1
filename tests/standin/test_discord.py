"""Drives the loopback Discord with the unmodified discord.py client over sockets.

What is proven is the stand-in: that a client cannot tell it from the documented service in what the
bot relies on. The fixture `server` holds every test's traffic against Discord's OpenAPI file.
"""

import asyncio
import base64
import io
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from PIL import Image

from tests.standin import openapi
from tests.standin.discord import (
    MIB,
    Callback,
    Channel,
    Clock,
    Discord,
    Message,
    Permission,
    Upload,
)
from tests.standin.discord.gateway import compressor
from tests.standin.openapi import Contract

Interaction = discord.Interaction["Studio"]
INTENTS = discord.Intents(guilds=True, guild_messages=True)
LETTERS = ["a", "b", "c"]


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, "PNG")
    return file.getvalue()


def clip(size: int = 2000, name: str = "take.mp4") -> discord.File:
    return discord.File(io.BytesIO(b"\0" * size), name, description="take 1")


class Keep(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"keep:(?P<take>\d+)"):
    """A button that knows its take by its id alone, hence outlives the process."""

    def __init__(self, take: int) -> None:
        super().__init__(discord.ui.Button(label="Keep", custom_id=f"keep:{take}"))
        self.take = take

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> "Keep":
        return cls(int(match["take"]))

    async def callback(self, interaction: Any) -> None:
        await interaction.response.send_message(f"kept {self.take}", ephemeral=True)


class Form(discord.ui.Modal, title="Change it"):
    """A text, a file and a choice."""

    words: discord.ui.Label["Form"] = discord.ui.Label(
        text="Words", component=discord.ui.TextInput(max_length=50)
    )
    picture: discord.ui.Label["Form"] = discord.ui.Label(
        text="Picture", component=discord.ui.FileUpload(max_values=2, required=False)
    )
    stage: discord.ui.Label["Form"] = discord.ui.Label(
        text="Stage",
        component=discord.ui.Select(options=[discord.SelectOption(label=s) for s in LETTERS]),
    )

    async def on_submit(self, interaction: Any) -> None:
        words, upload, stage = self.words.component, self.picture.component, self.stage.component
        assert isinstance(words, discord.ui.TextInput)
        assert isinstance(upload, discord.ui.FileUpload)
        assert isinstance(stage, discord.ui.Select)
        sizes = [len(await file.read()) for file in upload.values]
        await interaction.response.send_message(f"{words.value} {sizes} {stage.values[0]}")


class Studio(discord.Client):
    """The smallest bot that does what a production bot does."""

    def __init__(self, intents: discord.Intents = INTENTS) -> None:
        nobody = discord.AllowedMentions.none()
        super().__init__(intents=intents, allowed_mentions=nobody, guild_ready_timeout=0)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.asked: list[discord.Interaction[Any]] = []
        self.errors: list[Exception] = []
        self.events: set[str] = set()
        self.gate = asyncio.Event()
        for command in (generate, form, late):
            self.tree.add_command(command)
        self.tree.add_command(app_commands.ContextMenu(name="Animate", callback=animate))
        self.tree.error(self.note)

    async def note(self, interaction: Any, error: app_commands.AppCommandError) -> None:
        self.errors.append(getattr(error, "original", error))

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Keep)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without the five seconds the library waits before a new session."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.events.add(event)
        super().dispatch(event, *args, **kwargs)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.asked.append(interaction)

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)


@app_commands.command(description="Make a clip")
async def generate(
    interaction: Interaction,
    prompt: app_commands.Range[str, 1, 200],
    image: discord.Attachment | None = None,
    model: str = "auto",
) -> None:
    await interaction.response.defer()
    size = len(await image.read()) if image else 0
    assert isinstance(interaction.channel, discord.TextChannel)
    message = await interaction.channel.send("rendering", file=clip())
    view = discord.ui.View(timeout=None)
    view.add_item(Keep(7))
    await message.edit(content=f"{prompt} {size}", view=view)
    await interaction.edit_original_response(content="done")


@generate.autocomplete("model")
async def models(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    names = [f"{current}-{number}" for number in range(25)]
    return [app_commands.Choice(name=name, value=name) for name in names]


@app_commands.command(description="Open a form")
@app_commands.default_permissions(manage_guild=True)
async def form(interaction: Interaction) -> None:
    await interaction.response.send_modal(Form())


@app_commands.command(description="Answer when the test says so")
async def late(interaction: Interaction) -> None:
    await interaction.client.gate.wait()
    await interaction.response.defer()
    await interaction.edit_original_response(content="at last")


async def animate(interaction: Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"{message.content} {len(message.attachments)}")


@contextmanager
def pointed_at(server: Discord) -> Iterator[None]:
    """The library's addresses are process-wide: moved for a while, then put back."""
    usual = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = server.api_url, yarl.URL(server.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = usual


@asynccontextmanager
async def connected(server: Discord, client: Studio | None = None) -> AsyncIterator[Studio]:
    """A client that is ready, for as long as the block lasts."""
    client = client or Studio()
    with pointed_at(server):
        async with client:
            running = asyncio.create_task(client.start(server.token))
            await until_ready(client, running)
            yield client
        await running


async def until_ready(client: Studio, running: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(client.wait_until_ready())
    await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        ready.cancel()
        await running
    await ready


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    async with Discord() as server:
        yield server
    assert [violation for violation in server.violations if not violation.known] == []


@pytest.fixture
async def shots(server: Discord) -> Channel:
    return server.channel("shots")


async def place(client: Studio, channel: Channel) -> discord.TextChannel:
    found = await client.fetch_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


async def test_commands_keep_their_ids_when_synced_again(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        first = {command["name"]: command["id"] for command in server.commands_in(None).values()}
        again = await client.tree.sync()
        fetched = await client.tree.fetch_command(again[0].id)
        assert {command.name: str(command.id) for command in again} == first
        assert fetched.name in first
        assert set(first) == {"generate", "form", "late", "Animate"}


async def test_slash_with_a_picture_ends_as_a_clip_with_a_button(
    server: Discord, shots: Channel
) -> None:
    ann, data = server.user("ann"), picture()
    async with connected(server):
        upload = Upload(filename="my frame.png", data=data)
        asked = await server.slash(ann, shots, "generate", {"prompt": "rain"}, {"image": upload})
        original = await asked.answered()
    posted = server.messages(shots)[-1]
    assert (original.text, posted.text) == ("done", f"rain {len(data)}")
    assert asked.callback is Callback.DEFERRED_MESSAGE
    assert asked.ack_ms is not None
    assert 0 <= asked.ack_ms < 3000
    assert [(f.filename, f.description) for f in posted.attachments] == [("take.mp4", "take 1")]
    assert list(posted.buttons) == ["Keep"]
    assert posted.edits[0].content == posted.text


async def test_a_button_answers_after_the_client_restarted(server: Discord, shots: Channel) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with connected(server):
        await (await server.slash(ann, shots, "generate", {"prompt": "rain"})).answered()
    message = server.messages(shots)[-1]
    async with connected(server):
        pressed = await server.press(bob, message, message.custom_id("Keep"))
        answer = await pressed.answered()
    assert (answer.text, answer.ephemeral) == ("kept 7", True)
    assert answer not in server.messages(shots)


async def test_a_dropped_gateway_is_resumed_and_replays(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        await server.gateway.drop()
        await server.say(ann, shots, f"{server.bot.mention} meanwhile")
        await server.wait_for(lambda: client.heard)
        assert client.heard[0].content.endswith("meanwhile")
        assert (server.gateway.resumes, server.gateway.identifies) == (1, 1)
        await (await server.slash(ann, shots, "generate", {"prompt": "rain"})).answered()


async def test_what_people_do_meanwhile_is_replayed_too_late(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        client.gate.set()
        server.gateway.down = True
        await server.gateway.drop()
        asked = await server.slash(ann, shots, "late")
        server.clock.advance(10)
        server.gateway.down = False
        await server.wait_for(lambda: client.errors, timeout=15)
    assert asked.refusals == [(404, 10062)]


async def test_a_lost_session_is_identified_anew(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server):
        await server.gateway.drop(resumable=False)
        await server.wait_for(lambda: server.gateway.identifies == 2)
        asked = await server.slash(ann, shots, "generate", {"prompt": "rain"})
        assert (await asked.answered()).text == "done"


async def test_asked_to_reconnect_the_client_comes_back(server: Discord, shots: Channel) -> None:
    async with connected(server):
        server.gateway.ask_reconnect()
        await server.wait_for(lambda: server.gateway.resumes == 1)


async def test_an_intent_without_the_toggle_closes_with_4014(server: Discord) -> None:
    intents = discord.Intents(guilds=True, message_content=True)
    with pointed_at(server), pytest.raises(discord.PrivilegedIntentsRequired):
        async with asyncio.timeout(10), Studio(intents) as client:
            await client.start(server.token)


async def test_a_wrong_token_cannot_log_in(server: Discord) -> None:
    with pointed_at(server), pytest.raises(discord.LoginFailure):
        async with asyncio.timeout(10), Studio() as client:
            await client.start("another token")


async def test_a_file_above_the_limit_is_413(server: Discord) -> None:
    small = server.channel("small", upload_limit_bytes=1000)
    async with connected(server) as client:
        channel = await place(client, small)
        with pytest.raises(discord.HTTPException) as caught:
            await channel.send(file=clip(1001))
        await channel.send(file=clip(1000))
    assert (caught.value.status, caught.value.code) == (413, 40005)
    assert len(server.messages(small)) == 1


async def test_a_429_is_slept_through_and_the_post_arrives_once(
    server: Discord, shots: Channel
) -> None:
    fault = server.fail_next("POST", r"/messages$", 429, retry_after_s=0.2)
    async with connected(server) as client:
        channel = await place(client, shots)
        started = asyncio.get_running_loop().time()
        await channel.send("patient")
        waited_s = asyncio.get_running_loop().time() - started
    assert fault.hits == 1
    assert waited_s >= 0.2
    assert [message.text for message in server.messages(shots)] == ["patient"]


async def test_a_bucket_paces_the_client_without_a_429(server: Discord, shots: Channel) -> None:
    server.limit_rate("POST", r"/messages$", limit=2, per_s=0.3)
    async with connected(server) as client:
        channel = await place(client, shots)
        for number in range(5):
            await channel.send(str(number))
    statuses = [request.status for request in server.calls("POST", r"/messages$")]
    assert statuses == [200] * 5


async def test_the_token_dies_at_15_minutes_but_the_channel_lives(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        client.gate.set()
        asked = await server.slash(ann, shots, "late")
        await asked.answered()
        server.clock.advance(16 * 60)
        token = discord.Webhook.partial(
            server.bot.id, asked.token, session=aiohttp_session(client), client=client
        )
        with pytest.raises(discord.HTTPException) as caught:
            await token.send("too late", wait=True)
        await (await place(client, shots)).send("still here")
    assert (caught.value.status, caught.value.code) == (401, 50027)
    assert asked.refusals == [(401, 50027)]
    assert server.messages(shots)[-1].text == "still here"


def aiohttp_session(client: Studio) -> aiohttp.ClientSession:
    return client.http._HTTPClient__session  # pyright: ignore[reportAttributeAccessIssue]


async def test_an_answer_after_three_seconds_is_unknown(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        asked = await server.slash(ann, shots, "late")
        server.clock.advance(3.1)
        client.gate.set()
        await server.wait_for(lambda: client.errors)
    error = client.errors[0]
    assert isinstance(error, discord.NotFound)
    assert error.code == 10062
    assert asked.refusals == [(404, 10062)]
    assert asked.original() is None


async def test_a_second_acknowledgement_is_40060(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        client.gate.set()
        asked = await server.slash(ann, shots, "late")
        await asked.acknowledged()
        url = f"{server.api_url}/interactions/{asked.id}/{asked.token}/callback"
        async with aiohttp_session(client).post(url, json={"type": 5}) as answer:
            body = await answer.json()
    assert (answer.status, body["code"]) == (400, 40060)


async def test_a_nonce_returns_the_message_whose_answer_was_lost(
    server: Discord, shots: Channel
) -> None:
    server.fail_next("POST", r"/messages$", "drop_after")
    async with connected(server) as client:
        channel = await place(client, shots)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await channel.send("once", nonce="job-1")
        again = await channel.send("once", nonce="job-1")
        server.clock.advance(3600)
        later = await channel.send("once", nonce="job-1")
    first, second = server.messages(shots)
    assert (again.id, later.id) == (first.id, second.id)


@pytest.mark.parametrize(("effect", "made"), [("reset", 0), ("drop_after", 1)])
async def test_a_reset_loses_the_answer_and_perhaps_the_effect(
    server: Discord, shots: Channel, effect: str, made: int
) -> None:
    fault = server.fail_next("POST", r"/messages$", effect)
    async with connected(server) as client:
        channel = await place(client, shots)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await channel.send("x", file=clip(300_000))
    assert (fault.hits, len(server.messages(shots))) == (1, made)


async def test_503_is_not_retried_by_the_client(server: Discord, shots: Channel) -> None:
    server.fail_next("POST", r"/messages$", 503)
    async with connected(server) as client:
        channel = await place(client, shots)
        with pytest.raises(discord.DiscordServerError):
            await channel.send("x")
    assert server.messages(shots) == []


async def test_history_is_searched_by_before_after_around_and_limit(
    server: Discord, shots: Channel
) -> None:
    async with connected(server) as client:
        channel = await place(client, shots)
        sent = [await channel.send(str(number)) for number in range(7)]

        async def read(**asked: Any) -> list[str]:
            return [message.content async for message in channel.history(**asked)]

        assert await read(limit=2) == ["6", "5"]
        assert await read(before=sent[3], limit=2) == ["2", "1"]
        assert await read(after=sent[3], limit=2) == ["4", "5"]
        assert set(await read(around=sent[3], limit=3)) == {"2", "3", "4"}
        assert (await channel.fetch_message(sent[3].id)).content == "3"


async def test_autocomplete_offers_25_choices(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server):
        typed = await server.autocomplete(ann, shots, "generate", "model", "veo")
        await typed.acknowledged()
    assert len(typed.choices) == 25
    assert typed.choices[3] == {"name": "veo-3", "value": "veo-3"}


async def test_a_form_brings_text_choice_and_file(server: Discord, shots: Channel) -> None:
    boss, data = server.manager("boss"), picture()
    async with connected(server):
        opened = await (await server.slash(boss, shots, "form")).acknowledged()
        upload = Upload(filename="frame.png", data=data)
        values = {"Words": "slower", "Picture": upload, "Stage": ["b"]}
        sent = await server.modal_submit(boss, opened, values)
        answer = await sent.answered()
    assert opened.modal["title"] == "Change it"
    assert answer.text == f"slower [{len(data)}] b"


async def test_a_command_for_managers_is_hidden_from_others(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server):
        with pytest.raises(PermissionError):
            await server.slash(ann, shots, "form")
        with pytest.raises(ValueError, match="prompt"):
            await server.slash(ann, shots, "generate")


async def test_a_context_menu_carries_the_whole_message(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    said = await server.say(ann, shots, "my sketch", [Upload(filename="a.png", data=picture())])
    async with connected(server):
        asked = await server.context_menu(ann, shots, "Animate", said)
        answer = await asked.answered()
    assert answer.text == "my sketch 1"


async def test_a_thread_grows_from_a_message(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        channel = await place(client, shots)
        message = await channel.send("shot 1")
        thread = await message.create_thread(name="Shot 1", auto_archive_duration=60)
        await thread.send("take 1", file=clip())
        with pytest.raises(discord.HTTPException) as caught:
            await message.create_thread(name="again")
        assert thread.id == message.id
        assert caught.value.code == 160004
    (found,) = server.threads(shots)
    assert [message.text for message in server.messages(found)] == ["take 1"]


async def test_an_archived_thread_takes_posts_but_no_edits(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        thread = await (await place(client, shots)).create_thread(
            name="Shot", type=discord.ChannelType.public_thread
        )
        message = await thread.send("take 1")
        server.archive(server.threads(shots)[0])
        with pytest.raises(discord.HTTPException) as caught:
            await message.edit(content="changed")
        await thread.send("take 2")
        await message.edit(content="changed")
    assert caught.value.code == 50083
    assert [m.text for m in server.messages(server.threads(shots)[0])] == ["changed", "take 2"]


async def test_a_locked_thread_takes_no_posts(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    thread = await server.start_thread(ann, await server.say(ann, shots, "hm"), "Shot")
    server.archive(thread, locked=True)
    async with connected(server) as client:
        found = await client.fetch_channel(thread.id)
        assert isinstance(found, discord.Thread)
        with pytest.raises(discord.HTTPException) as caught:
            await found.send("take 1")
    assert (found.archived, found.locked, caught.value.code) == (True, True, 50083)


async def test_a_thread_needs_its_permission(server: Discord, shots: Channel) -> None:
    server.forbid(shots, Permission.CREATE_PUBLIC_THREADS)
    async with connected(server) as client:
        message = await (await place(client, shots)).send("shot 1")
        with pytest.raises(discord.Forbidden):
            await message.create_thread(name="Shot 1")
    assert server.threads(shots) == []


async def test_a_forum_post_is_a_thread_with_its_first_message(server: Discord) -> None:
    forum = server.forum("gallery", ["water"])
    async with connected(server) as client:
        found = await client.fetch_channel(forum.id)
        assert isinstance(found, discord.ForumChannel)
        tag = found.available_tags[0]
        made = await found.create_thread(
            name="Rain", content="first", file=clip(), applied_tags=[tag]
        )
        assert made.thread.id == made.message.id
    (thread,) = server.threads(forum)
    assert [len(m.attachments) for m in server.messages(thread)] == [1]


READABLE: dict[str, Callable[[Discord, Any, Channel, Message], Awaitable[Message]]] = {
    "plain": lambda s, u, c, m: s.say(u, c, "words"),
    "mention": lambda s, u, c, m: s.say(u, c, f"words {s.bot.mention}"),
    "reply with ping": lambda s, u, c, m: s.say(u, c, "words", reply_to=m),
    "reply without ping": lambda s, u, c, m: s.say(u, c, "words", reply_to=m, ping=False),
}


@pytest.mark.parametrize(
    ("how", "privileged", "read"),
    [
        ("plain", False, False),
        ("plain", True, True),
        ("mention", False, True),
        ("reply with ping", False, True),
        ("reply without ping", False, False),
    ],
)
async def test_words_reach_the_bot_only_by_the_rules(
    how: str, privileged: bool, read: bool
) -> None:
    intents = discord.Intents(guilds=True, guild_messages=True, message_content=privileged)
    async with Discord(message_content=privileged) as server:
        shots, ann = server.channel("shots"), server.user("ann")
        async with connected(server, Studio(intents)) as client:
            await (await place(client, shots)).send("take 1")
            await READABLE[how](server, ann, shots, server.messages(shots)[0])
            await server.wait_for(lambda: len(client.heard) == 2)
    assert ("words" in client.heard[1].content) is read


async def test_a_reply_to_a_command_answer_arrives_without_words(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        asked = await server.slash(ann, shots, "generate", {"prompt": "rain"})
        await server.say(ann, shots, "slower", reply_to=await asked.answered())
        found = await server.wait_for(lambda: [m for m in client.heard if m.author.id == ann.id])
    assert found[0].content == ""


async def test_a_missing_permission_is_told_and_enforced(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        channel = await place(client, shots)
        server.forbid(shots, Permission.ATTACH_FILES)
        with pytest.raises(discord.Forbidden) as caught:
            await channel.send(file=clip())
        await server.wait_for(lambda: not cached(client, shots).attach_files)
        await channel.send("words are fine")
        client.gate.set()
        await (await server.slash(server.user("ann"), shots, "late")).answered()
    assert caught.value.code == 50013
    assert not client.asked[0].app_permissions.attach_files
    assert client.asked[0].app_permissions.send_messages


def cached(client: Studio, channel: Channel) -> discord.Permissions:
    found = client.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found.permissions_for(found.guild.me)


async def test_a_deleted_channel_is_unknown(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        channel = await place(client, shots)
        server.delete_channel(shots)
        with pytest.raises(discord.NotFound) as caught:
            await channel.send("anyone?")
    assert caught.value.code == 10003


class Card(discord.ui.LayoutView):
    """A result as a layout: text, gallery, button."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        gallery = discord.ui.MediaGallery[Any](discord.MediaGalleryItem("attachment://take.mp4"))
        row = discord.ui.ActionRow[Any](Keep(9).item)
        text = discord.ui.TextDisplay[Any]("## Take 9")
        self.add_item(discord.ui.Container[Any](text, gallery, discord.ui.Separator(), row))


async def test_a_layout_with_an_uploaded_clip_keeps_its_buttons(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        await (await place(client, shots)).send(view=Card(), file=clip())
    message = server.messages(shots)[0]
    async with connected(server):
        answer = await (await server.press(ann, message, "keep:9")).answered()
    assert message.text == "## Take 9"
    assert message.component("keep:9")["label"] == "Keep"
    assert answer.text == "kept 9"


class Pick(discord.ui.View):
    """A choice that changes its own message, and a button that thinks first."""

    @discord.ui.select(custom_id="pick", options=[discord.SelectOption(label=s) for s in LETTERS])
    async def pick(self, interaction: Any, select: discord.ui.Select[Any]) -> None:
        await interaction.response.edit_message(content=f"picked {select.values[0]}")

    @discord.ui.button(label="Think", custom_id="think")
    async def think(self, interaction: Any, button: discord.ui.Button[Any]) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.followup.send("thought", view=Pick(timeout=None))

    @discord.ui.button(label="Quietly", custom_id="quietly")
    async def quietly(self, interaction: Any, button: discord.ui.Button[Any]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="quietly")
        await interaction.followup.send("and loud")


async def test_a_choice_changes_the_message_it_stands_on(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        await (await place(client, shots)).send("which?", view=Pick(timeout=None))
        (message,) = server.messages(shots)
        chosen = await server.select(ann, message, "pick", ["b"])
        assert await chosen.answered() is message
        with pytest.raises(ValueError, match="not offered"):
            await server.select(ann, message, "pick", ["z"])
    assert (chosen.callback, message.content) == (Callback.UPDATE, "picked b")


async def test_a_follow_up_fills_the_loading_message_and_stays_private(
    server: Discord, shots: Channel
) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    async with connected(server) as client:
        await (await place(client, shots)).send("which?", view=Pick(timeout=None))
        pressed = await server.press(ann, server.messages(shots)[0], "think")
        answer = await pressed.answered()
        with pytest.raises(PermissionError):
            await server.press(bob, answer, "think")
    assert (answer.text, answer.ephemeral, pressed.followups) == ("thought", True, [])


async def test_a_silent_defer_leaves_the_message_to_be_edited(
    server: Discord, shots: Channel
) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        await (await place(client, shots)).send("which?", view=Pick(timeout=None))
        pressed = await server.press(ann, server.messages(shots)[0], "quietly")
        await server.wait_for(lambda: pressed.followups)
    assert [message.text for message in server.messages(shots)] == ["quietly", "and loud"]


async def test_an_edit_keeps_only_the_files_it_names(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        channel = await place(client, shots)
        message = await channel.send(files=[clip(name="a.mp4"), clip(name="b.mp4")])
        await message.edit(attachments=[message.attachments[1], clip(name="c.mp4")])
    names = [file.filename for file in server.messages(shots)[0].attachments]
    assert names == ["b.mp4", "c.mp4"]


async def test_a_file_is_read_by_its_signed_address_for_a_day(
    server: Discord, shots: Channel
) -> None:
    async with connected(server) as client:
        message = await (await place(client, shots)).send(file=clip(1234))
        (file,) = message.attachments
        assert len(await file.read()) == 1234
        server.clock.advance(25 * 3600)
        with pytest.raises(discord.NotFound):
            await file.read()
        fresh = await (await place(client, shots)).fetch_message(message.id)
        assert len(await fresh.attachments[0].read()) == 1234


async def test_prompts_ping_nobody_who_was_not_allowed(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    async with connected(server) as client:
        channel = await place(client, shots)
        await channel.send(f"@everyone {ann.mention}")
        allowed = discord.AllowedMentions(users=[discord.Object(ann.id)])
        await channel.send(f"@everyone {ann.mention}", allowed_mentions=allowed)
    silent, loud = server.messages(shots)
    assert (silent.pinged, silent.pings_everyone) == ([], False)
    assert (loud.pinged, loud.pings_everyone) == ([ann], False)


async def test_a_reply_of_the_bot_names_what_it_answers(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    said = await server.say(ann, shots, "rain")
    async with connected(server) as client:
        found = await (await place(client, shots)).fetch_message(said.id)
        await found.reply("rendering")
        await server.delete(said)
        with pytest.raises(discord.HTTPException) as caught:
            await found.reply("too late")
    assert server.messages(shots)[-1].reply_to is said
    assert caught.value.code == 50035


async def test_what_people_change_is_heard(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    said = await server.say(ann, shots, "rain")
    thread = await server.start_thread(ann, said, "Shot")
    async with connected(server) as client:
        await server.edit(said, f"snow {server.bot.mention}")
        await server.wait_for(lambda: "raw_message_edit" in client.events)
        await server.delete(said)
        await server.wait_for(lambda: "raw_message_delete" in client.events)
        server.archive(thread)
        await server.wait_for(lambda: "raw_thread_update" in client.events)
        assert client.get_channel(thread.id) is None


async def test_a_server_that_invites_the_bot_later_is_served(server: Discord) -> None:
    async with connected(server) as client:
        other = server.guild("Other", tier=2)
        shots, eve = server.channel("shots", guild=other), server.user("eve", guild=other)
        asked = await server.slash(eve, shots, "generate", {"prompt": "rain"})
        assert (await asked.answered()).text == "done"
        found = client.get_guild(other.id)
    assert found is not None
    assert found.filesize_limit == client.asked[0].filesize_limit == 50 * MIB
    assert client.asked[0].guild_id == other.id


async def test_a_reaction_is_added_and_heard(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        message = await (await place(client, shots)).send("take 1")
        await message.add_reaction("👍")
        fetched = await (await place(client, shots)).fetch_message(message.id)
        await message.remove_reaction("👍", discord.Object(server.bot.id))
    assert [(str(r.emoji), r.count, r.me) for r in fetched.reactions] == [("👍", 1, True)]
    assert server.messages(shots)[0].reactions == {"👍": []}


async def test_edits_of_hour_old_messages_run_into_30046(server: Discord, shots: Channel) -> None:
    async with connected(server) as client:
        message = await (await place(client, shots)).send("old")
        server.clock.advance(3700)
        for number in range(3):
            await message.edit(content=str(number))
        url = f"{server.api_url}/channels/{shots.id}/messages/{message.id}"
        headers = {"Authorization": f"Bot {server.token}"}
        session = aiohttp_session(client)
        async with session.patch(url, json={"content": "4"}, headers=headers) as answer:
            body = await answer.json()
    assert (answer.status, body["code"]) == (429, 30046)


async def test_members_guild_and_gateway_can_be_asked_for(server: Discord, shots: Channel) -> None:
    ann, guild = server.user("ann"), server.home()
    async with connected(server) as client:
        found = await client.fetch_guild(guild.id)
        assert (await found.fetch_member(ann.id)).display_name == "Ann"
        assert [channel.id for channel in await found.fetch_channels()] == [shots.id]
        assert (await client.http.get_bot_gateway())[1] == server.gateway_url
        direct = await (await client.fetch_user(ann.id)).create_dm()
        await direct.send("psst")


async def test_an_impossible_press_is_the_tests_mistake(server: Discord, shots: Channel) -> None:
    ann = server.user("ann")
    said = await server.say(ann, shots, "no buttons")
    with pytest.raises(LookupError):
        await server.press(ann, said, "keep:1")


async def test_a_route_that_is_not_served_is_written_down() -> None:
    async with Discord() as server, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {server.token}"}
        async with session.get(f"{server.api_url}/no/such", headers=headers) as answer:
            assert answer.status == 404
        (violation,) = server.violations
    assert (violation.who, violation.where, violation.known) == ("client", "route", False)


async def test_a_second_process_is_driven_over_its_control_routes() -> None:
    command = (sys.executable, "-m", "tests.standin.discord", "--port", "0")
    root, pipe = Path(__file__).parents[2], asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=root, stdout=pipe)
    assert process.stdout is not None
    try:
        addresses = json.loads(await process.stdout.readline())
        await drive(addresses)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0


async def drive(addresses: dict[str, Any]) -> None:
    """One command from question to answer, the person being on the other side of HTTP."""
    async with aiohttp.ClientSession() as session:

        async def control(action: str, **asked: Any) -> Any:
            url = f"{addresses['control_url']}/{action}"
            async with session.post(url, json=asked) as answer:
                return await answer.json()

        ann = (await control("user", name="ann"))["id"]
        shots = (await control("channel", name="shots"))["id"]
        remote = Discord()
        remote.port, remote.token = addresses["port"], addresses["token"]
        async with connected(remote):
            await control("ready")
            file = {"filename": "a.png", "data": base64.b64encode(picture()).decode()}
            asked = {
                "name": "generate",
                "options": {"prompt": "rain"},
                "attachments": {"image": file},
            }
            started = await control("slash", user=ann, channel=shots, **asked)
            ended = await control("interaction", interaction=started["id"], wait="answered")
            found = await control("messages", channel=shots, at_least=2)
            assert (ended["original"]["text"], found[1]["text"]) == (
                "done",
                f"rain {len(picture())}",
            )
            assert (await control("slash", user=ann, channel=shots, name="nope"))["error"]
            assert all(v["known"] for v in await control("violations"))


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = Clock(frozen=True)
    before = clock.time()
    clock.advance(3.5)
    assert clock.time() == before + 3.5


def test_compressed_frames_are_one_stream() -> None:
    from discord.utils import _ActiveDecompressionContext

    inflate, deflate = (
        _ActiveDecompressionContext(),
        compressor(_ActiveDecompressionContext.COMPRESSION_TYPE),
    )
    assert deflate is not None
    frames = ["{}", json.dumps({"d": "x" * 5000}), "{}"]
    assert [inflate.decompress(deflate(frame.encode())) for frame in frames] == frames


@pytest.fixture
def contract() -> Contract:
    found = openapi.load(openapi.specs_folder())
    if found is None:
        pytest.skip(
            f"nothing was held against Discord's OpenAPI: no {openapi.FILE} in CONTRACT_SPECS"
        )
    return found


def test_the_contract_finds_what_is_missing_in_an_answer(contract: Contract) -> None:
    (violation,) = contract.response("GET", "/users/@me", 200, {"id": 1})
    assert violation.who == "stand-in"
    assert not violation.known
    assert list(contract.response("GET", "/users/@me", 500, "oops")) == []


def test_the_contract_finds_what_is_wrong_in_a_request(contract: Contract) -> None:
    route = "/channels/{channel_id}/messages"
    numbered = {"content": "x", "attachments": [{"id": 0, "filename": "a.png"}]}
    (known,) = contract.request("POST", route, numbered)
    (wrong,) = contract.request("POST", route, {"content": 7})
    assert known.known
    assert (wrong.known, wrong.where) == (False, "$.content")


def test_the_contract_knows_a_route_by_its_path(contract: Contract) -> None:
    path = "/webhooks/1/token/messages/@original"
    assert (
        contract.template("GET", path)
        == "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    )
    assert contract.template("GET", "/nothing/here") is None
