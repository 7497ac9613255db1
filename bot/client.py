"""The Discord client: connected, supervised, with every cog found in `cogs`, and one error handler.

The only module of the application that knows Discord. Jobs never depend on it: they run for the
whole time beside it, and reach whoever is attached to the `Switchboard`. What people see is the
cogs' business.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import pkgutil
import secrets
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, cast

import aiohttp
import discord
import structlog
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.app import App, Clock, reading, running, utc_now
from bot.comparing import is_compared
from bot.config import Settings
from bot.errors import BotError, ConfigError, Refused
from bot.jobs import Delivered, Job, Later, Undeliverable
from bot.shots import Board
from bot.texts import ENGLISH, Tongue, say
from bot.worker import Delivery

__all__ = [
    "LOST",
    "Dailies",
    "Interaction",
    "Switchboard",
    "Telling",
    "Watcher",
    "acknowledge",
    "answer",
    "answer_layout",
    "point_at",
    "run_bot",
    "serve",
    "sync_commands",
]

# What a call to Discord raises when its answer, or the call itself, got lost on the way.
LOST: Final = (aiohttp.ClientError, OSError, TimeoutError)

_ALREADY_ACKNOWLEDGED: Final = 40060
_UNKNOWN_INTERACTION: Final = 10062
_BAD_TOKEN: Final = 4004  # how the gateway closes on it
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_LONGEST_AFTER_IDENTIFY_S: Final = 120.0  # 1,000 a day are allowed, then the token is reset
_STEADY_S: Final = 300.0
_CLOSING_S: Final = 5.0
_WITHOUT_CLIENT: Final = timedelta(seconds=5)
log = structlog.get_logger(__name__)

Interaction = discord.Interaction["Dailies"]


def point_at(settings: Settings) -> None:
    """Send the library's REST calls and gateway where the settings say; it is process-wide."""
    if settings.discord_api_url:
        Route.BASE = settings.discord_api_url
    if settings.discord_gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)


async def run_bot(settings: Settings) -> None:
    """Run jobs and the Discord client until SIGTERM or SIGINT. Raises `ConfigError`."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(settings, stop)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def serve(settings: Settings, stop: asyncio.Event, *, clock: Clock = utc_now) -> None:
    """The same until `stop` is set. Raises `ConfigError` where Discord refuses us for good."""
    token = _token(settings)
    point_at(settings)
    switchboard = Switchboard(clock)
    async with running(settings, switchboard, what="run", clock=clock) as app:
        try:
            async with asyncio.TaskGroup() as group:
                sides = [
                    group.create_task(app.worker.run(), name="worker"),
                    group.create_task(app.comparing.run(), name="comparing"),
                    group.create_task(_supervise(app, switchboard, token), name="discord"),
                ]
                await stop.wait()
                for side in sides:
                    side.cancel()
        except BaseExceptionGroup as group:
            raise _told(group) from group
    log.info("stopped")


async def sync_commands(settings: Settings) -> tuple[int, str]:
    """Register the commands now, changed or not: how many, and where. Raises `ConfigError`."""
    token = _token(settings)
    point_at(settings)
    async with reading(settings) as app, Dailies(app, Switchboard(app.clock)) as client:
        try:
            await client.login(token)
            count = await client.sync(force=True)
        except discord.LoginFailure:
            raise _refused_token() from None
        except (discord.HTTPException, *LOST) as error:
            raise ConfigError(f"Discord did not take the commands: {error}.") from None
    servers = len(settings.discord_guild_ids or ())
    where = "in 1 server" if servers == 1 else f"in {servers} servers"
    return count, where if servers else "globally"


class Face(Delivery, Protocol):
    """What shows jobs and shots on Discord."""

    async def judged(self, board: Board, by: int) -> None:
        """A person has picked a take of this shot, or taken the pick back."""
        ...

    async def removed(self, job: Job) -> None:
        """A person has deleted this clip."""
        ...

    async def post_here(self, job: Job, channel_id: int) -> str:
        """Post a finished clip in another channel, as its place from now on; the link."""
        ...

    def put(
        self,
        channel_id: int,
        key: str,
        message_id: int,
        *,
        render: Callable[[str], Awaitable[Any]],
        send: Callable[[str, Any], Awaitable[Any]],
        ends: bool = False,
    ) -> None:
        """There is news for a message: it has its turn in the channel's one queue of edits.

        `ends`: its last, which an old message is given too.
        """
        ...

    async def post(self, job: Job, clip: Path, channel_id: int, by: int, nonce: str) -> int:
        """Show a finished clip there too, for this person: the message's id.

        Raises `Refused` where Discord does not allow it.
        """
        ...


class Watcher(Protocol):
    """Keeps something beside the face that follows jobs. Both return at once and never raise."""

    def moved(self, job: Job) -> None: ...

    def removed(self, job: Job) -> None: ...


class Switchboard:
    """The worker's `Delivery`: whoever is attached now, or "later" while nobody is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._face: Face | None = None
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        self._watchers.remove(watcher)

    def attach(self, face: Face) -> None:
        self._face = face

    def detach(self, face: Face) -> None:
        if self._face is face:
            self._face = None

    async def update(self, job: Job) -> None:
        """A job of a comparison has no message of its own: who is ready first would tell."""
        for watcher in self._watchers:
            watcher.moved(job)
        if self._face and not is_compared(job):
            await self._face.update(job)

    async def deliver(self, job: Job, clip: Path) -> Delivered | Undeliverable | Later:
        if self._face is None:
            return Later(due_at=self._clock() + _WITHOUT_CLIENT, detail="not connected to Discord")
        return await self._face.deliver(job, clip)

    async def judged(self, board: Board, by: int) -> None:
        if self._face:
            await self._face.judged(board, by)

    async def removed(self, job: Job) -> None:
        for watcher in self._watchers:
            watcher.removed(job)
        if self._face:
            await self._face.removed(job)

    async def post_here(self, job: Job, channel_id: int) -> str:
        """Raises `Refused` while nobody is connected, and what posting raises."""
        if self._face is None:
            raise Refused(say("error.not_connected"))
        return await self._face.post_here(job, channel_id)

    def put(
        self,
        channel_id: int,
        key: str,
        message_id: int,
        *,
        render: Callable[[str], Awaitable[Any]],
        send: Callable[[str, Any], Awaitable[Any]],
        ends: bool = False,
    ) -> None:
        if self._face:
            self._face.put(channel_id, key, message_id, render=render, send=send, ends=ends)

    async def post(self, job: Job, clip: Path, channel_id: int, by: int, nonce: str) -> int:
        """Raises `Refused` also while nobody is attached."""
        if self._face is None:
            raise Refused(say("post.not_now"))
        return await self._face.post(job, clip, channel_id, by, nonce)


class _Tree(app_commands.CommandTree[Any]):
    async def on_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /
    ) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await _tell(interaction, cause)


class Dailies(commands.Bot):
    """One connection to Discord. A broken one is thrown away, and another is made."""

    def __init__(self, app: App, switchboard: Switchboard) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True)
        intents.message_content = app.settings.discord_message_content
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # it never speaks
        super().__init__(
            commands.when_mentioned,
            help_command=None,
            tree_cls=_Tree,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
            max_messages=None,
            max_ratelimit_timeout=60.0,
        )
        self.app = app
        self.switchboard = switchboard
        self.identified = False
        self._locales: dict[int, str] = {}

    async def session(self, token: str) -> None:
        """From login to the end of the connection, whatever ends it."""
        async with self:
            await self.login(token)
            await self.sync()
            await self.connect()

    def tongue(self, user_id: int) -> Tongue:
        """The language a person was last seen to use Discord in."""
        return Tongue(self._locales.get(user_id, ENGLISH))

    async def learn_locale(self, user_id: int, locale: str) -> None:
        """Remember it, for what is said long after the person asked."""
        if self._locales.get(user_id) != locale:
            self._locales[user_id] = locale
            await self.app.store.people.set_locale(user_id, locale)

    async def setup_hook(self) -> None:
        self._locales = await self.app.store.people.locales()
        room = importlib.import_module("cogs")
        for module in pkgutil.iter_modules(room.__path__, "cogs."):
            if not module.name.removeprefix("cogs.").startswith("_"):
                await self.load_extension(module.name)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        self.identified = True
        await super().before_identify_hook(shard_id, initial=initial)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """The library may announce `ready` to a client that was closed meanwhile."""
        if not self.is_closed():
            super().dispatch(event_name, *args, **kwargs)

    async def on_ready(self) -> None:
        log.info("connected to Discord", user=str(self.user), servers=len(self.guilds))

    async def on_message(self, message: discord.Message, /) -> None:
        """Commands are slash commands: no message is one."""

    async def sync(self, *, force: bool = False) -> int:
        """Register the commands wherever they differ from the last time; how many there are.

        Once servers are listed, global commands of earlier are taken back, and the other way
        round, so that nobody sees a command twice. Raises what Discord answers if `force`.
        """
        payload = await self._described()
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        guilds = self.app.settings.discord_guild_ids
        scopes = {str(guild) for guild in guilds} if guilds else {"global"}
        key = f"commands:{self.application_id}"
        known: dict[str, str] = json.loads(await self.app.store.meta(key) or "{}")
        for scope in sorted(scopes | known.keys()):
            wanted = scope in scopes
            if known.get(scope) == digest and wanted and not force:
                continue
            try:
                await self._register(scope, payload if wanted else [])
            except discord.HTTPException as error:
                if force and wanted:
                    raise
                log.error("commands not registered", scope=scope, error=str(error))
                continue
            known = {name: value for name, value in known.items() if name != scope}
            known |= {scope: digest} if wanted else {}
            await self.app.store.set_meta(key, json.dumps(known))
            log.info("commands registered", scope=scope, count=len(payload) if wanted else 0)
        return len(payload)

    async def _described(self) -> list[Any]:
        """The commands as Discord wants them, in every language there are words for."""
        commands, translator = self.tree.get_commands(), self.tree.translator
        if translator is None:
            return [command.to_dict(self.tree) for command in commands]
        return [await one.get_translated_payload(self.tree, translator) for one in commands]

    async def _register(self, scope: str, payload: list[Any]) -> None:
        application = self.application_id or 0
        if scope == "global":
            await self.http.bulk_upsert_global_commands(application, payload=payload)
        else:
            await self.http.bulk_upsert_guild_commands(application, int(scope), payload=payload)


class _Answered(StrEnum):
    """What a person sees of our answer so far, noted on the interaction."""

    THINKING = "thinking"  # "Dailies is thinking ...", for everybody
    PRIVATELY = "privately"  # the same, for this person alone
    SHOWN = "shown"  # words, or the message whose button was pressed


async def acknowledge(
    interaction: discord.Interaction[Any], *, private: bool = False, pressed: bool = False
) -> None:
    """The answer due within three seconds: "thinking", or (`pressed`) nothing to see yet.

    Sent a second time where the first got lost; that one may have arrived.
    """
    try:
        await interaction.response.defer(ephemeral=private, thinking=not pressed)
    except LOST as error:
        log.info("acknowledging again", error=str(error))
        try:
            await interaction.response.defer(ephemeral=private, thinking=not pressed)
        except discord.HTTPException as refusal:
            if refusal.code != _ALREADY_ACKNOWLEDGED:
                raise
    thinking = _Answered.PRIVATELY if private else _Answered.THINKING
    interaction.extras["answered"] = _Answered.SHOWN if pressed else thinking
    await interaction.client.learn_locale(interaction.user.id, str(interaction.locale))


async def answer(
    interaction: discord.Interaction[Any],
    text: str,
    view: discord.ui.View | None = None,
    files: Sequence[discord.File] | None = None,
) -> discord.InteractionMessage:
    """Fill the message that was acknowledged, or change the one whose button was pressed.

    `files` take the place of what was attached; None leaves it.
    """
    attached = discord.utils.MISSING if files is None else files
    message = await interaction.edit_original_response(
        content=text, view=view, attachments=attached
    )
    interaction.extras["answered"] = _Answered.SHOWN
    return message


async def answer_layout(
    interaction: discord.Interaction[Any], layout: discord.ui.LayoutView
) -> discord.InteractionMessage:
    """The same with a message that is all components; one that has had words cannot become one."""
    message = await interaction.edit_original_response(view=layout)
    interaction.extras["answered"] = _Answered.SHOWN
    return message


class Telling(AbstractAsyncContextManager[None]):
    """The error handler of the command tree, for the buttons, which have none of their own."""

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        await _tell(self._interaction, error)
        return True


async def _tell(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Say in words what went wrong, to this person alone."""
    code = error.code if isinstance(error, discord.HTTPException) else 0
    if code in (_UNKNOWN_INTERACTION, _ALREADY_ACKNOWLEDGED):
        log.warning("answered too late, or by another process", code=code)
        return
    try:
        t = Tongue(str(interaction.locale))
        await _say(interaction, t, _words(error, t), keep=not isinstance(error, BotError))
    except (discord.HTTPException, *LOST) as trouble:
        log.warning("the person could not be told", error=str(trouble))


def _words(error: Exception, t: Tongue) -> str:
    if isinstance(error, BotError):
        return t.of(error.user_message)
    stale = (app_commands.CommandSignatureMismatch, app_commands.CommandNotFound)
    if isinstance(error, stale):
        return t("error.stale")
    reference = secrets.token_hex(4)
    log.error("command failed", reference=reference, exc_info=error)
    return t("error.ours", reference=reference)


async def _say(interaction: discord.Interaction[Any], t: Tongue, text: str, *, keep: bool) -> None:
    """Privately where Discord allows it. `keep` leaves the words where the answer was expected."""
    answered = interaction.extras.get("answered")
    if answered is None:
        await interaction.response.send_message(text, ephemeral=True)
    elif answered == _Answered.PRIVATELY or (answered == _Answered.THINKING and keep):
        await answer(interaction, text)
    elif answered == _Answered.THINKING:
        # A first follow-up would fill the public "thinking" message: end that one beforehand.
        await answer(interaction, t("error.nothing_started"))
        await interaction.followup.send(text, ephemeral=True)
        await interaction.delete_original_response()
    else:
        await interaction.followup.send(text, ephemeral=True)


async def _supervise(app: App, switchboard: Switchboard, token: str) -> None:
    """A new client whenever one ends: the library itself gives up on a refused first connection
    and on any event its parsers do not understand. Raises `ConfigError` for what only people mend.
    """
    loop, pause_s = asyncio.get_running_loop(), _FIRST_PAUSE_S
    while True:
        client, began = Dailies(app, switchboard), loop.time()
        fault = await _end_of(client, token)
        _raise_if_final(fault)
        if loop.time() - began > _STEADY_S:
            pause_s = _FIRST_PAUSE_S
        unforeseen = None if isinstance(fault, LOST) else fault
        log.error("discord client ended", error=repr(fault), pause_s=pause_s, exc_info=unforeseen)
        await asyncio.sleep(pause_s)
        longest_s = _LONGEST_AFTER_IDENTIFY_S if client.identified else _LONGEST_PAUSE_S
        pause_s = min(2 * pause_s, longest_s)


async def _end_of(client: Dailies, token: str) -> BaseException | None:
    """Run one client to its end, and what ended it. Cancelling closes it.

    Cancelled more than once: the library waits with `wait_for`, which may swallow a cancellation
    before Python 3.12.
    """
    session = asyncio.create_task(client.session(token), name="discord session")
    try:
        await asyncio.wait({session})
    finally:
        while not session.done():
            session.cancel()
            await asyncio.wait({session}, timeout=_CLOSING_S)
    return session.exception()


def _raise_if_final(fault: BaseException | None) -> None:
    bad_token = isinstance(fault, discord.ConnectionClosed) and fault.code == _BAD_TOKEN
    if bad_token or isinstance(fault, discord.LoginFailure):
        raise _refused_token() from None
    if isinstance(fault, discord.PrivilegedIntentsRequired):
        raise ConfigError(
            "Discord does not allow this bot to read messages. Switch on Message Content Intent "
            "in the Developer Portal (your application > Bot), or unset DISCORD_MESSAGE_CONTENT."
        ) from None


def _token(settings: Settings) -> str:
    token = settings.discord_token.get_secret_value() if settings.discord_token else ""
    if not token.strip():
        raise ConfigError(
            "DISCORD_TOKEN is not set. Make a bot in Discord's Developer Portal, copy its token "
            "(Bot > Reset Token) and put it into .env as DISCORD_TOKEN=..."
        )
    return token.strip()


def _refused_token() -> ConfigError:
    return ConfigError(
        "Discord does not accept DISCORD_TOKEN. Copy it again from the Developer Portal (your "
        "application > Bot > Reset Token); the client secret and the public key are not it."
    )


def _told(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error for a person inside a group, else the group."""
    found: list[BaseException] = [group]
    for error in found:
        if isinstance(error, BotError):
            return error
        if isinstance(error, BaseExceptionGroup):
            found += cast("BaseExceptionGroup[BaseException]", error).exceptions
    return group
