"""Turns the body of a request into what a message holds, refusing what Discord refuses.

Limits, kept and new attachments, `attachment://` links, pings and component ids are decided here;
who may write where is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import EMPTY_MESSAGE, TOO_LARGE, ApiError, invalid
from .model import (
    Attachment,
    Json,
    Message,
    MessageFlag,
    Permission,
    Upload,
    User,
    walk,
)
from .world import World

CONTENT_LENGTH, EMBEDS, EMBED_LENGTH, ATTACHMENTS = 2000, 10, 6000, 10
COMPONENTS, TEXT_LENGTH, ROWS, BUTTONS = 40, 4000, 5, 5
ACTION_ROW, BUTTON, SECTION, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = (
    1,
    2,
    9,
    11,
    12,
    13,
    14,
    17,
)
SELECTS = frozenset({3, 5, 6, 7, 8})
CALLER_FLAGS = (1 << 2) | (1 << 12) | MessageFlag.IS_COMPONENTS_V2 | MessageFlag.EPHEMERAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A request to write: the JSON, the files by number, and what each may weigh."""

    data: Json
    files: Mapping[int, Upload]
    limit_bytes: int
    by_webhook: bool = False


def write(world: World, message: Message, body: Body) -> None:
    """Fills a message (new or edited) from the body; raises and changes nothing if it is refused.

    What the body leaves out stays as it was.
    """
    _refuse_large(body)
    flags = message.flags | int(body.data.get("flags") or 0) & CALLER_FLAGS
    content = _content(message, body.data, flags)
    attachments = _attachments(world, message, body)
    by_name = {file.filename: file for file in attachments}
    embeds = _embeds(world, message, body.data, flags, by_name)
    components = _components(world, message, body.data, flags, attachments)
    if not (content or embeds or attachments or components):
        raise ApiError(*EMPTY_MESSAGE)
    message.flags = flags & ~MessageFlag.LOADING
    message.content, message.embeds, message.components = content, embeds, components
    message.attachments = attachments
    if {"content", "allowed_mentions", "components"} & body.data.keys():
        _ping(world, message, body)


def _refuse_large(body: Body) -> None:
    if any(len(file.data) > body.limit_bytes for file in body.files.values()):
        raise ApiError(*TOO_LARGE)


def _content(message: Message, data: Json, flags: int) -> str:
    content = str(data["content"] or "") if "content" in data else message.content
    if len(content) > CONTENT_LENGTH:
        limit = f"Must be {CONTENT_LENGTH} or fewer in length."
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", limit)
    if content and flags & MessageFlag.IS_COMPONENTS_V2:
        words = "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)
    return content


def _attachments(world: World, message: Message, body: Body) -> list[Attachment]:
    """The files to keep, then the new ones; a list in the body drops what it does not name."""
    listed: list[Json] | None = body.data.get("attachments")
    if listed is None and "attachments" in body.data:
        listed = []
    if listed is None:
        kept = list(message.attachments)
        return kept + [_store(world, message, f, {}) for _, f in sorted(body.files.items())]
    if len(listed) > ATTACHMENTS:
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    known = {file.id: file for file in message.attachments}
    found: list[Attachment] = []
    for index, entry in enumerate(listed):
        number = int(entry["id"])
        if number in known:
            found.append(known[number])
        elif number in body.files:
            found.append(_store(world, message, body.files[number], entry))
        else:
            raise invalid(f"attachments.{index}", "UNKNOWN_ATTACHMENT", "Unknown attachment")
    hidden = [file for file in message.attachments if not file.shown and file not in found]
    return found + hidden


def _store(world: World, message: Message, upload: Upload, entry: Json) -> Attachment:
    named = Upload(
        filename=entry.get("filename") or upload.filename,
        data=upload.data,
        description=entry.get("description"),
    )
    return world.store(message.channel.id, named, ephemeral=message.ephemeral)


def _embeds(
    world: World, message: Message, data: Json, flags: int, by_name: Mapping[str, Attachment]
) -> list[Json]:
    if "embeds" not in data:
        return message.embeds
    embeds: list[Json] = data["embeds"] or []
    if len(embeds) > EMBEDS:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    if embeds and flags & MessageFlag.IS_COMPONENTS_V2:
        words = "The 'embeds' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        raise invalid("embeds", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)
    if sum(_embed_length(embed) for embed in embeds) > EMBED_LENGTH:
        words = f"Embed size exceeds maximum size of {EMBED_LENGTH}"
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", words)
    return [_embed(world, embed, by_name) for embed in embeds]


def _embed_length(embed: Json) -> int:
    fields = [entry["name"] + entry["value"] for entry in embed.get("fields", [])]
    named = [embed.get("title"), embed.get("description"), embed.get("footer", {}).get("text")]
    named.append(embed.get("author", {}).get("name"))
    return sum(len(words or "") for words in (*fields, *named))


def _embed(world: World, embed: Json, by_name: Mapping[str, Attachment]) -> Json:
    """The embed as it is shown: always "rich", with its pictures where they now lie."""
    shown: Json = {**embed, "type": "rich"}
    for key in ("image", "thumbnail"):
        url: str = (embed.get(key) or {}).get("url", "")
        if not url:
            shown.pop(key, None)
            continue
        name = url.removeprefix("attachment://")
        if name != url:
            if name not in by_name:
                raise invalid(f"embeds.0.{key}", "URL_TYPE_INVALID_URL", "Not a known attachment.")
            by_name[name].shown = False
            url = world.payloads.attachment_url(by_name[name])
        shown[key] = {"url": url, "proxy_url": url}
    if "fields" in embed:
        shown["fields"] = [{"inline": False, **entry} for entry in embed["fields"]]
    return shown


def _components(
    world: World, message: Message, data: Json, flags: int, attachments: list[Attachment]
) -> list[Json]:
    if "components" not in data:
        return message.components
    components: list[Json] = data["components"] or []
    _refuse_components(components, layout=bool(flags & MessageFlag.IS_COMPONENTS_V2))
    taken = {c["id"] for c in walk(components) if c.get("id")}
    return _Resolving(world, attachments, taken).all(components)


def _refuse_components(components: list[Json], *, layout: bool) -> None:
    everything = walk(components)
    if not layout:
        if any(component["type"] != ACTION_ROW for component in components):
            raise invalid("components.0", "UNION_TYPE_CHOICES", "Value of field 'type' must be 1.")
        if len(components) > ROWS:
            raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5.")
    if len(everything) > COMPONENTS:
        words = f"Total number of components exceeds {COMPONENTS}"
        raise invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words)
    if sum(len(c.get("content", "")) for c in everything) > TEXT_LENGTH:
        words = f"Total text exceeds {TEXT_LENGTH} characters"
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", words)
    ids = [c["custom_id"] for c in everything if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        words = "Component custom id cannot be duplicated"
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", words)
    for component in everything:
        _refuse_component(component)


def _refuse_component(component: Json) -> None:
    if len(component.get("custom_id") or "") > 100:
        raise invalid("components", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    if component["type"] == BUTTON and len(component.get("label") or "") > 80:
        raise invalid("components", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
    if component["type"] in SELECTS and len(component.get("options") or ()) > 25:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
    if component["type"] == ACTION_ROW and not 1 <= len(component["components"]) <= BUTTONS:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")


@dataclass(slots=True)
class _Resolving:
    """Writes components as answers show them: numbered, with defaults and resolved media."""

    world: World
    attachments: list[Attachment]
    taken: set[int]
    last: int = 0

    def all(self, components: list[Json]) -> list[Json]:
        return [self.one(component) for component in components]

    def one(self, component: Json) -> Json:
        kind = component["type"]
        shown = {key: value for key, value in component.items() if value is not None}
        shown["id"] = component.get("id") or self._number()
        if kind in SELECTS:
            shown = {"min_values": 1, "max_values": 1, "disabled": False, **shown}
            if defaults := component.get("default_values"):
                shown["default_values"] = [{**one, "id": str(one["id"])} for one in defaults]
        shown = {**_DEFAULTS.get(kind, {}), **shown}
        if "components" in component:
            shown["components"] = self.all(component["components"])
        if "accessory" in component:
            shown["accessory"] = self.one(component["accessory"])
        return self._with_media(kind, shown)

    def _number(self) -> int:
        self.last += 1
        while self.last in self.taken:
            self.last += 1
        return self.last

    def _with_media(self, kind: int, shown: Json) -> Json:
        if kind == THUMBNAIL:
            shown["media"] = self._media(shown["media"]["url"])
        elif kind == GALLERY:
            shown["items"] = [
                {
                    "description": item.get("description"),
                    "spoiler": bool(item.get("spoiler")),
                    "media": self._media(item["media"]["url"]),
                }
                for item in shown["items"]
            ]
        elif kind == FILE:
            file = self._file(shown["file"]["url"])
            shown["file"] = self._media(shown["file"]["url"])
            shown["name"], shown["size"] = (file.filename, len(file.data)) if file else (None, None)
        return shown

    def _file(self, url: str) -> Attachment | None:
        for file in self.attachments:
            mine = self.world.payloads.attachment_url(file).split("?")[0]
            if url == f"attachment://{file.filename}" or url.split("?")[0] == mine:
                return file
        if url.startswith("attachment://"):
            words = f"The referenced attachment '{url}' was not found"
            raise invalid("components", "COMPONENT_INVALID_MEDIA_URL", words)
        return None

    def _media(self, url: str) -> Json:
        file = self._file(url)
        media: Json = {"id": str(self.world.ids.next()), "url": url, "proxy_url": url}
        if file is None:
            return media
        own = self.world.payloads.attachment_url(file)
        return media | {
            "url": own,
            "proxy_url": own,
            "width": file.width,
            "height": file.height,
            "content_type": file.content_type,
            "attachment_id": str(file.id),
        }


_DEFAULTS: Mapping[int, Mapping[str, Any]] = {
    CONTAINER: {"accent_color": None, "spoiler": False},
    SEPARATOR: {"spacing": 1, "divider": True},
    THUMBNAIL: {"description": None, "spoiler": False},
    FILE: {"spoiler": False},
}


def _ping(world: World, message: Message, body: Body) -> None:
    """Works out who is really notified, from the words and what the writer allowed."""
    guild = message.channel.guild
    texts = [c["content"] for c in walk(message.components) if c["type"] == 10]
    text = "\n".join([message.content, *texts])
    users, roles = world.pings(text, guild)
    allowed: Json | None = body.data.get("allowed_mentions")
    if allowed is None:
        parse = ["users"] if body.by_webhook else ["users", "roles", "everyone"]
        allowed = {"parse": parse, "replied_user": not body.by_webhook}
    message.pinged = _allowed_users(users, allowed, message)
    named = {int(role) for role in allowed.get("roles") or ()}
    every_role = "roles" in (allowed.get("parse") or ())
    message.pinged_roles = [role for role in roles if every_role or role in named]
    may = world.app_permissions(message.channel) & Permission.MENTION_EVERYONE
    loud = "@everyone" in text or "@here" in text
    message.pings_everyone = bool(loud and may and "everyone" in (allowed.get("parse") or ()))


def _allowed_users(users: list[User], allowed: Json, message: Message) -> list[User]:
    named = {int(user) for user in allowed.get("users") or ()}
    every_user = "users" in (allowed.get("parse") or ())
    pinged = [user for user in users if every_user or user.id in named]
    original = message.reply_to
    if original is not None and allowed.get("replied_user") and original.author not in pinged:
        pinged.append(original.author)
    return pinged
