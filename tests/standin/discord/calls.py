"""A request as a route sees it, and the answer it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .composing import Body
from .errors import (
    INVALID_FORM,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    UNKNOWN_CHANNEL,
    UNKNOWN_GUILD,
    UNKNOWN_MESSAGE,
    ApiError,
)
from .model import Channel, Guild, Json, Message, Permission, Upload
from .world import World

if TYPE_CHECKING:
    from .server import Discord


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON (None: no body)."""

    status: int = 200
    body: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, read whole, with the look-ups every route needs."""

    discord: "Discord"
    method: str
    template: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    files: Mapping[int, Upload]

    @property
    def world(self) -> World:
        return self.discord.world

    @property
    def json(self) -> Json:
        if not isinstance(self.body, dict):
            raise ApiError(*INVALID_FORM)
        return self.body

    def number(self, name: str) -> int:
        """An id of the path; what is no number cannot exist."""
        text = self.params[name]
        return int(text) if text.isdigit() else 0

    def channel(self, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
        """The channel of the path, if the bot may do there what is needed."""
        channel = self.world.channels.get(self.number("channel_id"))
        if channel is None or channel.deleted:
            raise ApiError(*UNKNOWN_CHANNEL)
        if channel.parent is not None and channel.parent.deleted:
            raise ApiError(*UNKNOWN_CHANNEL)
        granted = self.world.app_permissions(channel)
        if Permission.VIEW_CHANNEL not in granted:
            raise ApiError(*MISSING_ACCESS)
        if needed not in granted:
            raise ApiError(*MISSING_PERMISSIONS)
        return channel

    def message(self, channel: Channel) -> Message:
        """The message of the path; an ephemeral one does not exist for the bot's own token."""
        message = channel.messages.get(self.number("message_id"))
        if message is None or message.deleted or message.ephemeral:
            raise ApiError(*UNKNOWN_MESSAGE)
        return message

    def guild(self) -> Guild:
        guild = self.world.guilds.get(self.number("guild_id"))
        if guild is None:
            raise ApiError(*UNKNOWN_GUILD)
        return guild

    def writing(self, channel: Channel, data: Json | None = None) -> Body:
        """The body as something to write into that channel with the bot's own token."""
        limit = channel.upload_limit()
        return Body(data=self.json if data is None else data, files=self.files, limit_bytes=limit)


Handler = Callable[[Call], Answer]
Routes = Mapping[tuple[str, str], Handler]
