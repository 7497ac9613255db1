"""Routes on messages: send, read, change, delete, react."""

from urllib.parse import unquote

from .calls import Answer, Call, Routes
from .composing import write
from .errors import (
    ARCHIVED,
    MISSING_PERMISSIONS,
    NO_HISTORY_PERMISSION,
    NOT_A_TEXT_CHANNEL,
    NOT_THE_AUTHOR,
    OLD_MESSAGE_EDITS,
    UNKNOWN_MESSAGE,
    UNKNOWN_USER,
    ApiError,
    invalid,
)
from .model import Channel, ChannelKind, Json, Message, MessageKind, Permission
from .payloads import without_content

OLD_S, OLD_EDITS, OLD_WINDOW_S = 3600, 3, 6.0


def create(call: Call) -> Answer:
    channel = call.channel()
    if channel.kind is ChannelKind.FORUM:
        raise ApiError(*NOT_A_TEXT_CHANNEL)
    _require_writing(call, channel)
    earlier = _earlier(call)
    if earlier is not None:
        return Answer(200, _shown(call, earlier))
    message = call.world.new_message(channel, call.world.bot)
    message.nonce = call.json.get("nonce")
    _reply(call, message)
    write(call.world, message, call.writing(channel))
    call.world.post(message)
    if message.nonce is not None:
        call.world.nonces[message.author.id, str(message.nonce)] = message
    return Answer(200, _shown(call, message))


def _require_writing(call: Call, channel: Channel) -> None:
    granted = call.world.app_permissions(channel)
    speak = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    needed = {speak: True}
    needed[Permission.ATTACH_FILES] = bool(call.files)
    needed[Permission.EMBED_LINKS] = bool(call.json.get("embeds"))
    if any(asked and permission not in granted for permission, asked in needed.items()):
        raise ApiError(*MISSING_PERMISSIONS)
    if channel.thread is not None and channel.thread.archived and channel.thread.locked:
        raise ApiError(*ARCHIVED)


def _earlier(call: Call) -> Message | None:
    """The message this nonce already made, if the caller enforces it and it is recent."""
    call.world.expire_nonces(call.discord.nonce_life_s)
    if not call.json.get("enforce_nonce"):
        return None
    return call.world.nonces.get((call.world.bot.id, str(call.json.get("nonce"))))


def _reply(call: Call, message: Message) -> None:
    reference: Json | None = call.json.get("message_reference")
    if reference is None:
        return
    original = message.channel.messages.get(int(reference["message_id"]))
    if original is None or original.deleted:
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return
    if Permission.READ_MESSAGE_HISTORY not in call.world.app_permissions(message.channel):
        raise ApiError(*NO_HISTORY_PERMISSION)
    message.kind, message.reply_to = MessageKind.REPLY, original
    message.reference = call.world.reply_reference(original)


def _shown(call: Call, message: Message) -> Json:
    """A message as REST shows it to this app, words included only where it may read them."""
    payload = call.world.payloads.message(message)
    if call.discord.message_content or call.world.payloads.readable(message):
        return payload
    return without_content(payload)


def listing(call: Call) -> Answer:
    channel = call.channel()
    if Permission.READ_MESSAGE_HISTORY not in call.world.app_permissions(channel):
        return Answer(200, [])
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    found = _window(list(call.world.history(channel)), call, limit)
    return Answer(200, [_shown(call, message) for message in reversed(found)])


def _window(messages: list[Message], call: Call, limit: int) -> list[Message]:
    """Oldest first: the part of the history that before, after or around ask for."""
    query = {name: int(call.query[name]) for name in call.query if name != "limit"}
    if "around" in query:
        older = [m for m in messages if m.id < query["around"]]
        rest = [m for m in messages if m.id >= query["around"]]
        return older[-(limit // 2) :] + rest[: limit - limit // 2]
    if "after" in query:
        return [m for m in messages if m.id > query["after"]][:limit]
    return [m for m in messages if m.id < query.get("before", 1 << 63)][-limit:]


def get(call: Call) -> Answer:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return Answer(200, _shown(call, call.message(channel)))


def edit(call: Call) -> Answer:
    channel = call.channel()
    message = call.message(channel)
    if message.author is not call.world.bot:
        raise ApiError(*NOT_THE_AUTHOR)
    if channel.thread is not None and channel.thread.archived:
        raise ApiError(*ARCHIVED)
    if call.files and Permission.ATTACH_FILES not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    _refuse_old(call, message)
    write(call.world, message, call.writing(channel))
    call.world.edited(message)
    return Answer(200, _shown(call, message))


def _refuse_old(call: Call, message: Message) -> None:
    """Messages older than an hour take three edits in six seconds, as observed by others."""
    now = call.world.clock.time()
    if now - message.created_at.timestamp() < OLD_S:
        return
    recent = call.discord.old_edits.setdefault(message.channel.id, [])
    recent[:] = [at for at in recent if now - at < OLD_WINDOW_S]
    if len(recent) >= OLD_EDITS:
        raise ApiError(*OLD_MESSAGE_EDITS, retry_after_s=OLD_WINDOW_S - (now - recent[0]))
    recent.append(now)


def delete(call: Call) -> Answer:
    channel = call.channel()
    message = call.message(channel)
    mine = message.author is call.world.bot
    if not mine and Permission.MANAGE_MESSAGES not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    call.world.delete(message)
    return Answer(204)


def add_reaction(call: Call) -> Answer:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    if Permission.ADD_REACTIONS not in call.world.app_permissions(channel):
        raise ApiError(*MISSING_PERMISSIONS)
    return _react(call, channel, add=True)


def remove_reaction(call: Call) -> Answer:
    return _react(call, call.channel(), add=False)


def _react(call: Call, channel: Channel, *, add: bool) -> Answer:
    message = call.message(channel)
    if channel.thread is not None and channel.thread.archived:
        raise ApiError(*ARCHIVED)
    call.world.react(message, call.world.bot, unquote(call.params["emoji_name"]), add=add)
    return Answer(204)


def reactors(call: Call) -> Answer:
    message = call.message(call.channel())
    user_ids = message.reactions.get(unquote(call.params["emoji_name"]))
    if user_ids is None:
        raise ApiError(*UNKNOWN_MESSAGE)
    users = [call.world.users.get(user_id) for user_id in user_ids]
    if None in users:
        raise ApiError(*UNKNOWN_USER)
    return Answer(200, [call.world.payloads.user(user) for user in users if user])


def typing(call: Call) -> Answer:
    call.channel().typing_count += 1
    return Answer(204)


MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"
REACTION = MESSAGE + "/reactions/{emoji_name}"

ROUTES: Routes = {
    ("POST", MESSAGES): create,
    ("GET", MESSAGES): listing,
    ("GET", MESSAGE): get,
    ("PATCH", MESSAGE): edit,
    ("DELETE", MESSAGE): delete,
    ("GET", REACTION): reactors,
    ("PUT", REACTION + "/@me"): add_reaction,
    ("DELETE", REACTION + "/@me"): remove_reaction,
    ("POST", "/channels/{channel_id}/typing"): typing,
}
