"""What people do again and again on a server with the bot: ask, say yes, wait for the clip."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot import files
from bot.app import reading, utc_now
from bot.config import Settings
from bot.jobs import Job
from bot.producer import Person
from bot.rules import Rules
from bot.store import Store
from bot.texts import catalogue
from tests.bot.process import Bot
from tests.cogs.conftest import FREE, GO, PAID, PATIENCE_S, press, until
from tests.standin.discord import Channel, Discord, Interaction, Message, User

__all__ = [
    "all_jobs",
    "board_of",
    "card_for",
    "carded",
    "forged",
    "free_take",
    "from_channel",
    "go",
    "is_clip",
    "ledger_sound",
    "paid_take",
    "running",
    "set_rules",
    "takes_in",
    "thread_of",
    "words_to",
]


_NOTHING = catalogue("en")["error.nothing_started"]


def is_clip(message: Message) -> bool:
    return any(file.filename.endswith(".mp4") for file in message.attachments)


async def takes_in(server: Discord, place: Channel, count: int) -> list[Message]:
    """The clips that stand in a channel or thread, once there are so many."""

    def found() -> list[Message]:
        clips = [message for message in server.messages(place) if is_clip(message)]
        return clips if len(clips) >= count else []

    return await until(server, found)


async def free_take(server: Discord, who: User, place: Channel, **more: Any) -> Message:
    """The next clip of a place: a storyboard, which costs nothing and starts at once."""
    before = len([message for message in server.messages(place) if is_clip(message)])
    await server.slash(who, place, "generate", FREE | more)
    return (await takes_in(server, place, before + 1))[-1]


async def card_for(server: Discord, who: User, place: Channel, **more: Any) -> Message:
    """What `/generate` with a price is answered with."""
    asked = await server.slash(who, place, "generate", PAID | more)
    return await asked.answered(PATIENCE_S)


async def carded(server: Discord, place: Channel, label: str = GO) -> Message:
    """The first open card of a place with such a button."""
    return await server.message_where(
        place, lambda message: label in message.buttons, timeout=PATIENCE_S
    )


async def go(server: Discord, who: User, place: Channel, **more: Any) -> Message:
    """The card of a paid clip, after its Go."""
    card = await card_for(server, who, place, **more)
    await press(server, who, card, "Go")
    return card


async def paid_take(server: Discord, who: User, place: Channel, **more: Any) -> Message:
    """The next clip of a place, paid."""
    before = len([message for message in server.messages(place) if is_clip(message)])
    await go(server, who, place, **more)
    return (await takes_in(server, place, before + 1))[-1]


async def thread_of(server: Discord, channel: Channel) -> Channel:
    """The thread of the channel's newest shot, once its board stands in it."""
    thread = (await until(server, lambda: server.threads(channel)))[-1]
    await until(server, lambda: server.messages(thread))
    return thread


async def board_of(server: Discord, thread: Channel) -> Message:
    return (await until(server, lambda: server.messages(thread)))[0]


async def words_to(server: Discord, asked: Interaction) -> str:
    """Everything one person was told for one thing they did, once there are words."""

    def said() -> str:
        shown = [asked.message, *asked.followups]
        words = "\n".join(m.text for m in shown if m and m.text and not m.loading)
        return "" if words == _NOTHING else words  # why follows

    return await until(server, said)


async def from_channel(
    server: Discord, who: User, place: Channel, custom_id: str, *, menu: bool = False
) -> Interaction:
    """A press on a button somebody has put on a message of the bot in that place."""
    message = forged(server, server.world.new_message(place, server.bot), custom_id, menu=menu)
    if menu:
        return await server.select(who, message, custom_id, ["sora-2"])
    return await server.press(who, message, custom_id)


def forged(server: Discord, message: Message, *custom_ids: str, menu: bool = False) -> Message:
    """The message with buttons (or a menu) of these ids, whoever wrote them."""
    pieces: list[dict[str, Any]] = [
        {"type": 2, "style": 2, "label": custom_id, "custom_id": custom_id, "id": index + 2}
        for index, custom_id in enumerate(custom_ids)
    ]
    if menu:
        options = [{"label": "Sora 2", "value": "sora-2"}]
        menu_piece = {"type": 3, "custom_id": custom_ids[0], "id": 2, "options": options}
        pieces = [menu_piece | {"min_values": 1, "max_values": 1, "disabled": False}]
    message.components = [{"type": 1, "id": 1, "components": pieces}]
    return server.world.post(message)


async def all_jobs(settings: Settings) -> list[Job]:
    """Every job, oldest first. Read with a copy: settings remember what they have worked out."""
    async with reading(settings.model_copy()) as app:
        return list(reversed(await app.producer.jobs(Person())))


async def ledger_sound(settings: Settings) -> bool:
    async with reading(settings.model_copy()) as app:
        return await app.store.check_ledger() == []


async def set_rules(settings: Settings, server: Discord, rules: Rules) -> None:
    """What the managers of the first server have decided, written while no bot runs."""
    files.prepare_folder(settings.data_dir)
    async with Store.open(settings.data_dir / "dailies.db") as store:
        await store.rules.save(str(server.home().id), rules, 1, utc_now())


@asynccontextmanager
async def running(program: Bot, server: Discord) -> AsyncIterator[Process]:
    """`python -m bot run`, killed at the end if it still lives."""
    server.gateway.sessions.clear()
    process = await program.start("run")
    try:
        await server.ready(PATIENCE_S)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
