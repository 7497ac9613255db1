"""Routes on channels and threads: read, change, open from a message, alone or in a forum."""

from typing import Any

from .calls import Answer, Call, Routes
from .composing import write
from .errors import (
    ARCHIVED,
    MISSING_PERMISSIONS,
    TAG_REQUIRED,
    THREAD_EXISTS,
    WRONG_CHANNEL_KIND,
    ApiError,
    invalid,
)
from .model import Channel, ChannelKind, Json, MessageKind, Permission

REQUIRE_TAG = 1 << 4
MAX_TAGS = 5
ARCHIVE_MINUTES = frozenset({60, 1440, 4320, 10080})


def get(call: Call) -> Answer:
    return Answer(200, call.world.payloads.channel(call.channel()))


def change(call: Call) -> Answer:
    channel = call.channel()
    _change_thread(call, channel) if channel.thread else _change_place(call, channel)
    call.world.announce(channel)
    return Answer(200, call.world.payloads.channel(channel))


def _change_place(call: Call, channel: Channel) -> None:
    if Permission.MANAGE_CHANNELS not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    channel.name = call.json.get("name", channel.name)
    channel.topic = call.json.get("topic", channel.topic)
    channel.nsfw = call.json.get("nsfw", channel.nsfw)


def _change_thread(call: Call, channel: Channel) -> None:
    """The opener may rename and archive; locking is for who manages threads."""
    thread, data = channel.thread, call.json
    assert thread is not None
    granted = call.world.app_permissions(channel)
    manages = Permission.MANAGE_THREADS in granted
    unarchives = data.keys() == {"archived"} and data["archived"] is False and not thread.locked
    mine = thread.owner_id == call.world.bot.id and "locked" not in data and not thread.locked
    if not (manages or mine or unarchives):
        raise ApiError(*MISSING_PERMISSIONS)
    if thread.archived and data.get("archived", True):
        raise ApiError(*ARCHIVED)
    channel.name = _name(data) if "name" in data else channel.name
    channel.slowmode_s = data.get("rate_limit_per_user") or channel.slowmode_s
    thread.locked = data.get("locked", thread.locked)
    thread.auto_archive_minutes = data.get("auto_archive_duration", thread.auto_archive_minutes)
    if "applied_tags" in data:
        thread.tags = [int(tag) for tag in data["applied_tags"] or ()]
    if data.get("archived", thread.archived) is not thread.archived:
        thread.archived = data["archived"]
        thread.archive_at = call.world.clock.now()


def delete(call: Call) -> Answer:
    channel = call.channel()
    needed = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
    if needed not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    payload = call.world.payloads.channel(channel)
    call.world.delete_channel(channel)
    return Answer(200, payload)


def from_message(call: Call) -> Answer:
    channel = call.channel(Permission.CREATE_PUBLIC_THREADS)
    if channel.kind is not ChannelKind.TEXT:
        raise ApiError(*WRONG_CHANNEL_KIND)
    message = call.message(channel)
    if message.thread is not None:
        raise ApiError(*THREAD_EXISTS)
    minutes = _minutes(call.json)
    thread = call.world.start_thread_on(message, _name(call.json), call.world.bot, minutes)
    return Answer(201, call.world.payloads.channel(thread))


def standalone(call: Call) -> Answer:
    channel = call.channel()
    if channel.kind is ChannelKind.FORUM:
        return _forum_post(call, channel)
    if channel.kind is not ChannelKind.TEXT:
        raise ApiError(*WRONG_CHANNEL_KIND)
    kind = ChannelKind(call.json.get("type") or ChannelKind.PRIVATE_THREAD)
    public = kind is ChannelKind.PUBLIC_THREAD
    needed = Permission.CREATE_PUBLIC_THREADS if public else Permission.CREATE_PRIVATE_THREADS
    if needed not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    name, minutes = _name(call.json), _minutes(call.json)
    bot = call.world.bot
    thread = call.world.open_thread(channel, name, bot, kind=kind, auto_archive_minutes=minutes)
    if public:
        note = call.world.new_message(
            channel, bot, kind=MessageKind.THREAD_CREATED, content=thread.name
        )
        note.reference = {"type": 0, "channel_id": str(thread.id)}
        call.world.post(note)
    return Answer(201, call.world.payloads.channel(thread))


def _forum_post(call: Call, forum: Channel) -> Answer:
    """A post: the thread and its first message, of the same id, in one request."""
    granted = call.world.app_permissions(forum)
    if Permission.SEND_MESSAGES not in granted:
        raise ApiError(*MISSING_PERMISSIONS)
    if call.files and Permission.ATTACH_FILES not in granted:
        raise ApiError(*MISSING_PERMISSIONS)
    tags = _tags(call.json, forum)
    name, minutes, bot = _name(call.json), _minutes(call.json), call.world.bot
    thread_id = call.world.ids.next()
    first = call.world.new_message(forum, bot, message_id=thread_id)
    write(call.world, first, call.writing(forum, call.json["message"]))
    thread = call.world.open_thread(
        forum, name, bot, thread_id=thread_id, auto_archive_minutes=minutes, tags=tags
    )
    first.channel = thread
    for file in first.attachments:
        file.channel_id = thread.id
    call.world.post(first)
    payload = call.world.payloads.channel(thread)
    return Answer(201, payload | {"message": call.world.payloads.message(first)})


def _tags(data: Json, forum: Channel) -> list[int]:
    tags = [int(tag) for tag in data.get("applied_tags") or ()]
    if forum.flags & REQUIRE_TAG and not tags:
        raise ApiError(*TAG_REQUIRED)
    if len(tags) > MAX_TAGS or not set(tags) <= {tag_id for tag_id, _ in forum.tags}:
        raise invalid("applied_tags", "BASE_TYPE_MAX_LENGTH", "Unknown tag, or more than 5.")
    return tags


def _name(data: Json) -> str:
    name = str(data.get("name") or "")
    if not 1 <= len(name) <= 100:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return name


def _minutes(data: Json) -> int:
    minutes: Any = data.get("auto_archive_duration") or 1440
    if minutes not in ARCHIVE_MINUTES:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Not one of the choices.")
    return int(minutes)


def add_member(call: Call) -> Answer:
    channel = call.channel()
    if channel.thread is None:
        raise ApiError(*WRONG_CHANNEL_KIND)
    user_id = call.number("user_id") if "user_id" in call.params else call.world.bot.id
    if user_id not in channel.thread.member_ids:
        channel.thread.member_ids.append(user_id)
    return Answer(204)


def active(call: Call) -> Answer:
    channels = call.world.channels_of(call.guild())
    return _threads(call, [c for c in channels if c.thread and not c.thread.archived])


def archived(call: Call) -> Answer:
    parent = call.channel(Permission.READ_MESSAGE_HISTORY)
    threads = [c for c in call.world.channels.values() if c.parent is parent and not c.deleted]
    return _threads(call, [c for c in threads if c.thread and c.thread.archived])


def _threads(call: Call, threads: list[Channel]) -> Answer:
    bot_id = call.world.bot.id
    mine = [c for c in threads if c.thread and bot_id in c.thread.member_ids]
    body: Json = {
        "threads": [call.world.payloads.channel(thread) for thread in threads],
        "members": [call.world.payloads.thread_member(thread, bot_id) for thread in mine],
    }
    return Answer(200, body | {"has_more": False})


CHANNEL = "/channels/{channel_id}"

ROUTES: Routes = {
    ("GET", CHANNEL): get,
    ("PATCH", CHANNEL): change,
    ("DELETE", CHANNEL): delete,
    ("POST", CHANNEL + "/messages/{message_id}/threads"): from_message,
    ("POST", CHANNEL + "/threads"): standalone,
    ("PUT", CHANNEL + "/thread-members/@me"): add_member,
    ("PUT", CHANNEL + "/thread-members/{user_id}"): add_member,
    ("GET", CHANNEL + "/threads/archived/public"): archived,
    ("GET", "/guilds/{guild_id}/threads/active"): active,
}
