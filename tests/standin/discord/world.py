"""Changes the pretended Discord and tells the gateway what happened.

REST handlers and the driver of a test both act through here, so a message looks the same whoever
wrote it.
"""

import mimetypes
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any

from PIL import Image

from .clock import Clock, Snowflakes
from .gateway import Data, Intent
from .model import (
    MEMBER_PERMISSIONS,
    UPLOAD_LIMIT_OF_TIER,
    Attachment,
    Channel,
    ChannelKind,
    Edit,
    Guild,
    Json,
    Member,
    Message,
    MessageFlag,
    MessageKind,
    Permission,
    Role,
    ThreadState,
    Upload,
    User,
)
from .payloads import Payloads

BOT_PERMISSIONS = MEMBER_PERMISSIONS | Permission.USE_EXTERNAL_EMOJIS
Publish = Callable[[str, Data, Guild | None, Intent], None]


@dataclass(eq=False, slots=True)
class World:
    """Everything that exists, by id."""

    clock: Clock
    ids: Snowflakes
    bot: User
    payloads: Payloads
    publish: Publish
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    files: dict[int, Attachment] = field(default_factory=dict)
    nonces: dict[tuple[int, str], Message] = field(default_factory=dict)

    def add_guild(self, name: str, tier: int) -> Guild:
        now, guild_id = self.clock.now(), self.ids.next()
        everyone = Role(guild_id, "@everyone", MEMBER_PERMISSIONS)
        bot_role = Role(self.ids.next(), self.bot.name, BOT_PERMISSIONS, 1, self.bot.id)
        owner = self.add_user(f"{name}-owner".lower())
        limit = UPLOAD_LIMIT_OF_TIER[tier]
        guild = Guild(guild_id, name, owner.id, everyone, bot_role, tier, limit, now)
        guild.roles = [everyone, bot_role]
        everything = Role(self.ids.next(), "Owner", Permission(sum(Permission)), 2)
        guild.roles.append(everything)
        self.guilds[guild.id] = guild
        self.join(owner, guild, [everything])
        self.join(self.bot, guild, [bot_role])
        self.publish("GUILD_CREATE", self.guild_create(guild), guild, Intent.GUILDS)
        return guild

    def guild_create(self, guild: Guild) -> Json:
        return self.payloads.guild_create(guild, self.channels_of(guild))

    def channels_of(self, guild: Guild) -> list[Channel]:
        return [c for c in self.channels.values() if c.guild is guild and not c.deleted]

    def add_role(self, guild: Guild, name: str, permissions: Permission) -> Role:
        role = Role(self.ids.next(), name, permissions, len(guild.roles))
        guild.roles.append(role)
        data = {"guild_id": str(guild.id), "role": self.payloads.role(role)}
        self.publish("GUILD_ROLE_CREATE", data, guild, Intent.GUILDS)
        return role

    def add_user(self, name: str) -> User:
        user = User(self.ids.next(), name)
        self.users[user.id] = user
        return user

    def join(self, user: User, guild: Guild, roles: Iterable[Role]) -> Member:
        member = Member(user, list(roles), self.clock.now())
        guild.members[user.id] = member
        data = {"guild_id": str(guild.id), **self.payloads.member(member)}
        self.publish("GUILD_MEMBER_ADD", data, guild, Intent.GUILD_MEMBERS)
        return member

    def add_channel(self, guild: Guild, name: str, kind: ChannelKind, **more: Any) -> Channel:
        channel = Channel(self.ids.next(), kind, name, guild, **more)
        channel.position = len(self.channels_of(guild))
        self.channels[channel.id] = channel
        data = self.payloads.channel(channel)
        self.publish("CHANNEL_CREATE", data, guild, Intent.GUILDS)
        return channel

    def direct_channel(self, user: User) -> Channel:
        """The conversation of the bot with one person."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.ids.next(), ChannelKind.DM, "", None, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def delete_channel(self, channel: Channel) -> None:
        channel.deleted = True
        event = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
        self.publish(event, self.payloads.channel(channel), channel.guild, Intent.GUILDS)

    def announce(self, channel: Channel) -> None:
        """Tells that a channel or thread is not what it was."""
        event = "THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE"
        self.publish(event, self.payloads.channel(channel), channel.guild, Intent.GUILDS)

    def archive(self, thread: Channel, *, archived: bool, locked: bool | None = None) -> None:
        assert thread.thread is not None
        thread.thread.archived = archived
        thread.thread.archive_at = self.clock.now()
        if locked is not None:
            thread.thread.locked = locked
        self.announce(thread)

    def open_thread(self, parent: Channel, name: str, owner: User, **more: Any) -> Channel:
        """A thread in the parent; `thread_id` where it grows out of a message of that id."""
        now = self.clock.now()
        state = ThreadState(owner.id, now, now, member_ids=[owner.id])
        state.auto_archive_minutes = more.get("auto_archive_minutes") or 1440
        state.tags = more.get("tags") or []
        kind = more.get("kind", ChannelKind.PUBLIC_THREAD)
        thread_id = more.get("thread_id") or self.ids.next()
        thread = Channel(thread_id, kind, name, parent.guild, parent, thread=state)
        self.channels[thread.id] = thread
        data = self.payloads.channel(thread) | {"newly_created": True}
        self.publish("THREAD_CREATE", data, parent.guild, Intent.GUILDS)
        return thread

    def app_permissions(self, channel: Channel) -> Permission:
        place = channel.parent if channel.is_thread and channel.parent else channel
        if place.app_permissions is not None:
            return place.app_permissions
        return channel.guild.permissions(self.bot.id) if channel.guild else BOT_PERMISSIONS

    def store(self, channel_id: int, upload: Upload, *, ephemeral: bool = False) -> Attachment:
        """Keeps a file under a fresh id, with the size of the picture if it is one."""
        width, height = upload.width, upload.height
        if width is None:
            width, height = picture_size(upload.data)
        file = Attachment(
            id=self.ids.next(),
            channel_id=channel_id,
            filename=re.sub(r"[^\w.\-]", "_", upload.filename),
            data=upload.data,
            content_type=upload.content_type or content_type(upload.filename),
            created_at=self.clock.time(),
            description=upload.description,
            width=width,
            height=height,
            ephemeral=ephemeral,
        )
        self.files[file.id] = file
        return file

    def post(self, message: Message) -> Message:
        """Puts a finished message into its channel; everyone hears of it, except ephemeral ones."""
        channel = message.channel
        channel.messages[message.id] = message
        channel.last_message_id = message.id
        if channel.thread is not None:
            if channel.thread.archived:
                self.archive(channel, archived=False)
            if message.author.id not in channel.thread.member_ids:
                channel.thread.member_ids.append(message.author.id)
            channel.thread.total_sent += 1
        self.tell("MESSAGE_CREATE", message)
        return message

    def edited(self, message: Message, *, visibly: bool = True) -> None:
        """Records and tells a change that was made; filling a loading message is no edit to see."""
        if visibly:
            message.edited_at = self.clock.now()
        message.edits.append(Edit(at=self.clock.time(), content=message.content, text=message.text))
        self.tell("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        guild = message.channel.guild
        data = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if guild is not None:
            data["guild_id"] = str(guild.id)
        if not message.ephemeral:
            self.publish("MESSAGE_DELETE", data, guild, _intent(message))

    def tell(self, event: str, message: Message) -> None:
        def data(intents: Intent) -> Json:
            wide = bool(intents & Intent.MESSAGE_CONTENT)
            return self.payloads.message_event(message, with_content=wide)

        if not message.ephemeral:
            self.publish(event, data, message.channel.guild, _intent(message))

    def react(self, message: Message, user: User, emoji: str, *, add: bool) -> None:
        users = message.reactions.setdefault(emoji, [])
        if (user.id in users) is add:
            return
        users.append(user.id) if add else users.remove(user.id)
        guild = message.channel.guild
        data: Json = {
            "user_id": str(user.id),
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if guild is not None:
            data["guild_id"] = str(guild.id)
            if add:
                data["member"] = self.payloads.member(guild.members[user.id])
        event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        self.publish(event, data, guild, Intent.GUILD_REACTIONS)

    def pings(self, text: str, guild: Guild | None) -> tuple[list[User], list[int]]:
        """The people and roles a text names, known ones only."""
        users = [self.users.get(int(found)) for found in re.findall(r"<@!?(\d+)>", text)]
        known = [user for user in dict.fromkeys(users) if user is not None]
        named = {int(found) for found in re.findall(r"<@&(\d+)>", text)}
        return known, [role.id for role in (guild.roles if guild else ()) if role.id in named]

    def new_message(self, channel: Channel, author: User, **fields: Any) -> Message:
        return Message(
            fields.pop("message_id", None) or self.ids.next(),
            channel,
            author,
            self.clock.now(),
            **fields,
        )

    def reply_reference(self, original: Message) -> Json:
        reference = {"channel_id": str(original.channel.id), "message_id": str(original.id)}
        guild = original.channel.guild
        return {"type": 0, **reference, **({"guild_id": str(guild.id)} if guild else {})}

    def start_thread_on(self, message: Message, name: str, owner: User, minutes: int) -> Channel:
        """A thread growing out of a message: same id, and its first line points back."""
        channel = message.channel
        thread = self.open_thread(
            channel, name, owner, thread_id=message.id, auto_archive_minutes=minutes
        )
        message.thread = thread
        message.flags |= MessageFlag.HAS_THREAD
        self.tell("MESSAGE_UPDATE", message)
        starter = self.new_message(thread, message.author, kind=MessageKind.THREAD_STARTER_MESSAGE)
        starter.reply_to, starter.reference = message, self.reply_reference(message)
        self.post(starter)
        return thread

    def history(self, channel: Channel) -> Sequence[Message]:
        """What anyone may read in the channel, oldest first."""
        shown = [m for m in channel.messages.values() if not m.deleted and not m.ephemeral]
        return sorted(shown, key=lambda message: message.id)

    def expire_nonces(self, life_s: float) -> None:
        oldest = self.clock.now() - timedelta(seconds=life_s)
        self.nonces = {key: m for key, m in self.nonces.items() if m.created_at > oldest}


def picture_size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height as the header claims, even where the claim is a bomb for whoever decodes."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(data)) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None, None


def content_type(filename: str) -> str:
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def _intent(message: Message) -> Intent:
    return Intent.GUILD_MESSAGES if message.channel.guild else Intent.DIRECT_MESSAGES
