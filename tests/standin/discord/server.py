"""The loopback Discord a test holds in its hand: start it, let people act, look at what came of it.

async with Discord() as discord:
    ann, shots = discord.user("ann"), discord.channel("shots")
    ...  # a client connects to discord.api_url and discord.gateway_url
    interaction = await discord.slash(ann, shots, "generate", {"prompt": "rain"})
    message = await interaction.answered()
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.standin import openapi

from . import invoking, serving
from .changes import Changes
from .clock import Clock, Snowflakes
from .directory import application_flags
from .faults import Bucket, Fault, Faults, Trouble
from .gateway import Gateway, Intent
from .interactions import Interaction, InteractionKind
from .model import (
    MANAGER_PERMISSIONS,
    MEMBER_PERMISSIONS,
    SYSTEM_KINDS,
    Channel,
    ChannelKind,
    Guild,
    Json,
    Message,
    MessageKind,
    Permission,
    Role,
    Upload,
    User,
)
from .payloads import Payloads
from .world import World

T = TypeVar("T")
MAX_REQUEST_BYTES = 600 * 1024 * 1024
NONCE_LIFE_S = 180.0


class Discord:
    """One pretended Discord on its own port. Everything a person does is `async`, every set-up and
    every look is not.

    `message_content` is the toggle of the privileged intent in the developer portal. What client
    and stand-in send is held against Discord's OpenAPI file; `violations` says what disagreed.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = "stand-in.bot.token",  # noqa: S107 # opens nothing but this server
        message_content: bool = False,
        clock: Clock | None = None,
        validate: bool = True,
    ) -> None:
        self.port = port
        self.token = token
        self.message_content = message_content
        self.clock = clock or Clock()
        self.contract = openapi.load(openapi.specs_folder()) if validate else None
        self.violations: list[openapi.Violation] = []
        self.requests: list[serving.Request] = []
        self.interactions: dict[int, Interaction] = {}
        self.by_token: dict[str, Interaction] = {}
        self.commands: dict[int | None, dict[int, Json]] = {}
        self.old_edits: dict[int, list[float]] = {}
        self.nonce_life_s = NONCE_LIFE_S
        self.changes = Changes()
        self.faults = Faults(self.clock)
        ids = Snowflakes(self.clock)
        self.bot = User(ids.next(), "dailies", bot=True)
        payloads = Payloads(self.clock, self.bot, self.bot.id)
        self.gateway = Gateway(
            self.changes,
            token,
            allowed=self._allowed_intents,
            ready=self._ready,
            guilds=self._guilds,
            members=self._members,
        )
        self.world = World(self.clock, ids, self.bot, payloads, self.gateway.publish)
        self.world.users[self.bot.id] = self.bot
        self._runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{serving.API}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gw"

    @property
    def cdn_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cdn"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", serving.API + "/{path:.*}", self._serve)
        app.router.add_get("/cdn/{folder}/{channel}/{attachment}/{name}", self._serve_file)
        app.router.add_get("/gw", self.gateway.handle)
        app.router.add_get("/gw/resume", self.gateway.handle)
        self.extend(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.gateway.url, self.world.payloads.cdn_url = self.gateway_url, self.cdn_url
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self.gateway.drop(resumable=False)
        await self._runner.cleanup()

    def extend(self, app: web.Application) -> None:
        """Where a subclass or process adds routes of its own, before the server starts."""

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        return await serving.serve(self, request)

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        return await serving.serve_file(self, request)

    def _allowed_intents(self) -> Intent:
        return Intent.MESSAGE_CONTENT if self.message_content else Intent.NONE

    def _ready(self) -> Json:
        flags = application_flags(message_content=self.message_content)
        application = {"id": str(self.world.payloads.application_id), "flags": flags}
        user = self.world.payloads.user(self.bot) | {"mfa_enabled": True, "verified": True}
        return {"v": 10, "user": user, "application": application}

    def _guilds(self) -> list[tuple[Guild, Json]]:
        return [(guild, self.world.guild_create(guild)) for guild in self.world.guilds.values()]

    def _members(self, asked: Json) -> Json:
        guild = self.world.guilds[int(asked["guild_id"])]
        wanted = {int(user) for user in asked.get("user_ids") or ()}
        found = [m for m in guild.members.values() if not wanted or m.user.id in wanted]
        return {
            "guild_id": str(guild.id),
            "members": [self.world.payloads.member(member) for member in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
            "nonce": asked.get("nonce"),
        }

    # What there is.

    def guild(self, name: str = "Studio", *, tier: int = 0) -> Guild:
        return self.world.add_guild(name, tier)

    def home(self) -> Guild:
        """The first server, made if there is none."""
        return next(iter(self.world.guilds.values()), None) or self.guild()

    def role(
        self, name: str, permissions: Permission = MEMBER_PERMISSIONS, *, guild: Guild | None = None
    ) -> Role:
        return self.world.add_role(guild or self.home(), name, permissions)

    def user(self, name: str, roles: Sequence[Role] = (), *, guild: Guild | None = None) -> User:
        """A person who is a member of the server (the first one unless said)."""
        user = self.world.add_user(name)
        self.world.join(user, guild or self.home(), roles)
        return user

    def manager(self, name: str, *, guild: Guild | None = None) -> User:
        """A person with Manage Server."""
        role = self.role(f"{name}'s role", MANAGER_PERMISSIONS, guild=guild)
        return self.user(name, [role], guild=guild)

    def join(self, user: User, guild: Guild, roles: Sequence[Role] = ()) -> None:
        self.world.join(user, guild, roles)

    def channel(
        self,
        name: str = "shots",
        *,
        guild: Guild | None = None,
        nsfw: bool = False,
        upload_limit_bytes: int | None = None,
    ) -> Channel:
        more: dict[str, Any] = {"nsfw": nsfw, "upload_limit_bytes": upload_limit_bytes}
        return self.world.add_channel(guild or self.home(), name, ChannelKind.TEXT, **more)

    def forum(
        self, name: str, tags: Sequence[str] = (), *, flags: int = 0, guild: Guild | None = None
    ) -> Channel:
        numbered = [(self.world.ids.next(), tag) for tag in tags]
        more: dict[str, Any] = {"tags": numbered, "flags": flags}
        return self.world.add_channel(guild or self.home(), name, ChannelKind.FORUM, **more)

    def commands_in(self, scope: int | None) -> dict[int, Json]:
        """The commands of a server by id, or the global ones (None)."""
        return self.commands.get(scope, {})

    # What changes under the bot.

    def permissions(self, channel: Channel, granted: Permission | None) -> None:
        """Moves what the bot may do in a channel; None gives back what its roles say."""
        place = channel.parent if channel.is_thread and channel.parent else channel
        place.app_permissions = granted
        self.world.announce(place)

    def forbid(self, channel: Channel, permission: Permission) -> None:
        self.permissions(channel, self.world.app_permissions(channel) & ~permission)

    def permit(self, channel: Channel, permission: Permission) -> None:
        self.permissions(channel, self.world.app_permissions(channel) | permission)

    def delete_channel(self, channel: Channel) -> None:
        self.world.delete_channel(channel)

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        self.world.archive(thread, archived=True, locked=locked)

    # What goes wrong.

    def fail_next(
        self, method: str, path: str, effect: int | str, *, times: int = 1, **more: Any
    ) -> Fault:
        """The next requests on that path (a regular expression below /api/v10, or /cdn/...) fail.

        `effect` is a status, "reset", "drop_after" or "slow"; `more` may set `code`, `is_global`,
        `retry_after_s` (429) and `delay_s` (slow). Method "*" means any.
        """
        trouble = Trouble.STATUS if isinstance(effect, int) else Trouble(effect)
        status = effect if isinstance(effect, int) else 0
        fault = Fault(method, re.compile(path), trouble, times, status, **more)
        self.faults.script.append(fault)
        return fault

    def limit_rate(self, method: str, path: str, limit: int, per_s: float) -> Bucket:
        """A rate limit as Discord has it: headers first, 429 for who does not heed them."""
        bucket = Bucket(method, re.compile(path), limit, per_s)
        self.faults.buckets.append(bucket)
        return bucket

    # What people do.

    async def ready(self, timeout: float = 10.0) -> None:
        """Returns once a client listens. While `gateway.down`, nobody waits: events pile up."""

        def listens() -> bool:
            return self.gateway.connected or self.gateway.down

        await self.wait_for(listens, timeout, "a client on the gateway")

    async def slash(
        self,
        user: User,
        channel: Channel,
        name: str,
        options: Mapping[str, Any] | None = None,
        attachments: Mapping[str, Upload] | None = None,
    ) -> Interaction:
        await self.ready()
        command = invoking.find_command(self, channel, name, invoking.CHAT_INPUT)
        invoking.require_visible(command, user, channel)
        values = {**(options or {}), **(attachments or {})}
        data = invoking.slash_data(self, channel, command, values)
        return invoking.start(self, InteractionKind.COMMAND, user, channel, data)

    async def autocomplete(
        self,
        user: User,
        channel: Channel,
        name: str,
        focused: str,
        text: Any = "",
        options: Mapping[str, Any] | None = None,
    ) -> Interaction:
        """A keystroke in the option `focused`, the others filled in so far."""
        await self.ready()
        command = invoking.find_command(self, channel, name, invoking.CHAT_INPUT)
        data = invoking.typing_data(command, focused, text, options or {})
        return invoking.start(self, InteractionKind.AUTOCOMPLETE, user, channel, data)

    async def context_menu(
        self, user: User, channel: Channel, name: str, target: Message | User
    ) -> Interaction:
        await self.ready()
        on_message = isinstance(target, Message)
        kind = invoking.MESSAGE_MENU if on_message else invoking.USER_MENU
        command = invoking.find_command(self, channel, name, kind)
        invoking.require_visible(command, user, channel)
        data = invoking.menu_data(self, channel, command, target)
        return invoking.start(self, InteractionKind.COMMAND, user, channel, data)

    async def press(self, user: User, message: Message, custom_id: str) -> Interaction:
        """A press on a button; `message.custom_id(label)` finds the id behind a label."""
        data = invoking.press_data(message, custom_id)
        return await self._touch(user, message, data)

    async def select(
        self, user: User, message: Message, custom_id: str, chosen: Sequence[Any]
    ) -> Interaction:
        data = invoking.select_data(self, message, custom_id, chosen)
        return await self._touch(user, message, data)

    async def _touch(self, user: User, message: Message, data: Json) -> Interaction:
        await self.ready()
        if message.ephemeral and message.interaction is not None:
            owner = message.interaction["interaction_metadata"]["user"]["id"]
            if owner != str(user.id):
                raise PermissionError(f"{user.name} does not see this message")
        kind, channel = InteractionKind.COMPONENT, message.channel
        return invoking.start(self, kind, user, channel, data, source=message)

    async def modal_submit(
        self, user: User, opened: Interaction, values: Mapping[str, Any]
    ) -> Interaction:
        """Sends the form that answered `opened`; `values` by custom id or label."""
        await self.ready()
        data = invoking.modal_data(self, opened.channel, opened.modal, values)
        kind, source = InteractionKind.MODAL, opened.source
        return invoking.start(self, kind, user, opened.channel, data, source=source, trigger=opened)

    async def say(
        self,
        user: User,
        channel: Channel,
        text: str = "",
        attachments: Sequence[Upload] = (),
        *,
        reply_to: Message | None = None,
        ping: bool = True,
    ) -> Message:
        """A person writes; a reply pings the author it answers unless told not to."""
        message = self.world.new_message(channel, user, content=text)
        message.attachments = [self.world.store(channel.id, upload) for upload in attachments]
        message.pinged, message.pinged_roles = self.world.pings(text, channel.guild)
        if reply_to is not None:
            message.kind, message.reply_to = MessageKind.REPLY, reply_to
            message.reference = self.world.reply_reference(reply_to)
            if ping and reply_to.author not in message.pinged:
                message.pinged.append(reply_to.author)
        return self.world.post(message)

    async def edit(self, message: Message, text: str) -> None:
        """Its author changes a message."""
        message.content = text
        message.pinged, message.pinged_roles = self.world.pings(text, message.channel.guild)
        self.world.edited(message)

    async def delete(self, message: Message) -> None:
        """A person deletes a message, the bot's included."""
        self.world.delete(message)

    async def react(self, user: User, message: Message, emoji: str) -> None:
        self.world.react(message, user, emoji, add=True)

    async def start_thread(self, user: User, message: Message, name: str) -> Channel:
        return self.world.start_thread_on(message, name, user, 1440)

    async def post(self, user: User, forum: Channel, name: str, text: str) -> Channel:
        """A person opens a post in a forum: a thread and its first message, of one id."""
        number = self.world.ids.next()
        first = self.world.new_message(forum, user, message_id=number)
        first.content = text
        thread = self.world.open_thread(forum, name, user, thread_id=number)
        first.channel = thread
        self.world.post(first)
        return thread

    # What came of it.

    def messages(self, channel: Channel, *, system: bool = False) -> list[Message]:
        """What stands in a channel, oldest first; notes Discord itself writes only on demand."""
        history = self.world.history(channel)
        return [message for message in history if system or message.kind not in SYSTEM_KINDS]

    def threads(self, channel: Channel) -> list[Channel]:
        channels = self.world.channels.values()
        return [c for c in channels if c.parent is channel and not c.deleted]

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0, what: str = "") -> T:
        """The predicate's first truthy value; asked again whenever anything here changes."""
        return await self.changes.wait_for(predicate, timeout, what)

    async def message_where(
        self, channel: Channel, predicate: Callable[[Message], bool], timeout: float = 5.0
    ) -> Message:
        """The first message of the channel that satisfies the predicate, now or soon."""

        def found() -> Message | None:
            return next((m for m in self.messages(channel) if predicate(m)), None)

        message = await self.wait_for(found, timeout, f"a message in {channel.name}")
        assert message is not None
        return message

    def calls(self, method: str, path: str) -> list[serving.Request]:
        """The requests so far on paths that match."""
        wanted = re.compile(path)
        return [r for r in self.requests if r.method == method and wanted.search(r.path)]
