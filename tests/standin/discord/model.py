"""What exists on the pretended Discord: people, servers, channels, messages, files.

Plain mutable values; `world` changes them and `payloads` writes them as JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any

MIB = 1024 * 1024
UPLOAD_LIMIT_OF_TIER = {0: 10 * MIB, 1: 10 * MIB, 2: 50 * MIB, 3: 100 * MIB}

Json = dict[str, Any]


class Permission(IntFlag):
    """The permission bits a production bot meets."""

    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


MEMBER_PERMISSIONS = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
MANAGER_PERMISSIONS = MEMBER_PERMISSIONS | Permission.MANAGE_GUILD | Permission.MANAGE_CHANNELS


class ChannelKind(IntEnum):
    """Channel types of the API that are pretended here."""

    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


THREADS = frozenset({ChannelKind.PUBLIC_THREAD, ChannelKind.PRIVATE_THREAD})


class MessageFlag(IntFlag):
    """Message flags this server gives a meaning."""

    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    IS_COMPONENTS_V2 = 1 << 15


class MessageKind(IntEnum):
    """Message types this server writes."""

    DEFAULT = 0
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23


SYSTEM_KINDS = frozenset({MessageKind.THREAD_CREATED, MessageKind.THREAD_STARTER_MESSAGE})


@dataclass(eq=False, slots=True)
class Role:
    """A server's role; `permissions` are what it grants."""

    id: int
    name: str
    permissions: Permission
    position: int = 0
    bot_id: int | None = None


@dataclass(eq=False, slots=True)
class User:
    """An account. `upload_limit_bytes` is what a person's own subscription allows in commands."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    upload_limit_bytes: int = 10 * MIB

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False, slots=True)
class Member:
    """A user in one server."""

    user: User
    roles: list[Role]
    joined_at: datetime
    nick: str | None = None


@dataclass(eq=False, slots=True)
class Guild:
    """A server. `upload_limit_bytes` may be moved away from what its tier gives."""

    id: int
    name: str
    owner_id: int
    everyone: Role
    bot_role: Role
    tier: int
    upload_limit_bytes: int
    joined_at: datetime
    locale: str = "en-US"
    roles: list[Role] = field(default_factory=list)
    members: dict[int, Member] = field(default_factory=dict, repr=False)

    def permissions(self, user_id: int) -> Permission:
        """What a member may do here, before a channel's overwrites."""
        granted = self.everyone.permissions
        member = self.members.get(user_id)
        for role in member.roles if member else ():
            granted |= role.permissions
        return granted


@dataclass(eq=False, slots=True)
class ThreadState:
    """What a thread has that a channel lacks."""

    owner_id: int
    created_at: datetime
    archive_at: datetime
    archived: bool = False
    locked: bool = False
    auto_archive_minutes: int = 1440
    total_sent: int = 0
    tags: list[int] = field(default_factory=list)
    member_ids: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Channel:
    """A channel or thread. `app_permissions` None means what the bot's roles give."""

    id: int
    kind: ChannelKind
    name: str
    guild: Guild | None
    parent: "Channel | None" = None
    topic: str | None = None
    nsfw: bool = False
    position: int = 0
    flags: int = 0
    slowmode_s: int = 0
    tags: list[tuple[int, str]] = field(default_factory=list)
    recipient: User | None = None
    thread: ThreadState | None = None
    app_permissions: Permission | None = None
    upload_limit_bytes: int | None = None
    messages: dict[int, "Message"] = field(default_factory=dict, repr=False)
    last_message_id: int | None = None
    typing_count: int = 0
    deleted: bool = False

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS

    def upload_limit(self) -> int:
        own = self.upload_limit_bytes
        if own is None and self.parent is not None:
            own = self.parent.upload_limit_bytes
        if own is not None:
            return own
        return self.guild.upload_limit_bytes if self.guild else 10 * MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file on its way in, from a person or from the bot."""

    filename: str
    data: bytes = field(repr=False)
    content_type: str | None = None
    description: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(eq=False, slots=True)
class Attachment:
    """A stored file. `shown` is false once an embed has taken the picture in."""

    id: int
    channel_id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    created_at: float
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False
    shown: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What a message looked like after one change."""

    at: float
    content: str
    text: str


@dataclass(eq=False, slots=True)
class Message:
    """A message, with every state it went through in `edits`."""

    id: int
    channel: Channel = field(repr=False)
    author: User
    created_at: datetime
    kind: MessageKind = MessageKind.DEFAULT
    content: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    pinged: list[User] = field(default_factory=list)
    pinged_roles: list[int] = field(default_factory=list)
    pings_everyone: bool = False
    reply_to: "Message | None" = None
    reference: Json | None = None
    interaction: Json | None = None
    interaction_token: str | None = None
    edited_at: datetime | None = None
    edits: list[Edit] = field(default_factory=list)
    reactions: dict[str, list[int]] = field(default_factory=dict)
    thread: Channel | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def text(self) -> str:
        """All words a reader sees: content, embeds, text components, in that order."""
        words = [self.content]
        for embed in self.embeds:
            fields: Sequence[Mapping[str, Any]] = embed.get("fields", [])
            words += [embed.get("title", ""), embed.get("description", "")]
            words += [f"{entry['name']}: {entry['value']}" for entry in fields]
            words.append(embed.get("footer", {}).get("text", ""))
        words += [c["content"] for c in walk(self.components) if c["type"] == 10]
        return "\n".join(word for word in words if word)

    @property
    def buttons(self) -> dict[str, Json]:
        """The buttons by what is written on them (an emoji alone counts as its name)."""
        found = [c for c in walk(self.components) if c["type"] == 2]
        return {c.get("label") or c.get("emoji", {}).get("name", ""): c for c in found}

    @property
    def menus(self) -> list[str]:
        """The custom ids of the menus."""
        return [str(c["custom_id"]) for c in walk(self.components) if c["type"] == 3]

    def component(self, custom_id: str) -> Json:
        for component in walk(self.components):
            if component.get("custom_id") == custom_id:
                return component
        raise LookupError(f"no component {custom_id!r} on message {self.id}")

    def custom_id(self, label: str) -> str:
        """The custom id behind a button's label."""
        if label not in self.buttons:
            raise LookupError(f"no button {label!r}, there are {list(self.buttons)}")
        return str(self.buttons[label]["custom_id"])


def walk(components: Sequence[Json]) -> list[Json]:
    """Every component with those nested in it, in reading order."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        found += walk(component.get("components", []))
        found += walk([component[key] for key in ("accessory", "component") if key in component])
    return found
