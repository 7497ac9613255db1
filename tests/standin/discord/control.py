"""The driver over HTTP, for a stand-in in a process of its own: POST /_control/<action> with JSON.

Ids go in and out as text. A file is {"filename", "data" (base64), "content_type"?}. What the driver
refuses as impossible is 422 with its words.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from .interactions import Interaction
from .model import Channel, Guild, Json, Message, Permission, Upload, User
from .server import Discord

CONTROL = "/_control"
Action = Callable[[Discord, Json], Awaitable[Any]]


class ControlledDiscord(Discord):
    """A Discord with the control routes beside the real ones."""

    def extend(self, app: web.Application) -> None:
        app.router.add_post(CONTROL + "/{action}", self._control)

    async def _control(self, request: web.Request) -> web.Response:
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            return web.json_response({"actions": sorted(ACTIONS)}, status=404)
        raw = await request.read()
        try:
            answer = await action(self, json.loads(raw) if raw else {})
        except (LookupError, ValueError, PermissionError, TimeoutError) as error:
            words = {"error": type(error).__name__, "message": str(error)}
            return web.json_response(words, status=422)
        return web.json_response(answer)


async def guild(discord: Discord, asked: Json) -> Json:
    return {"id": str(discord.guild(asked.get("name", "Studio"), tier=asked.get("tier", 0)).id)}


async def channel(discord: Discord, asked: Json) -> Json:
    found = _guild(discord, asked)
    if asked.get("forum"):
        made = discord.forum(asked["name"], asked.get("tags", ()), guild=found)
    else:
        limit = asked.get("upload_limit_bytes")
        made = discord.channel(asked["name"], guild=found, upload_limit_bytes=limit)
    return {"id": str(made.id)}


async def user(discord: Discord, asked: Json) -> Json:
    make = discord.manager if asked.get("manager") else discord.user
    return {"id": str(make(asked["name"], guild=_guild(discord, asked)).id)}


async def permissions(discord: Discord, asked: Json) -> Json:
    granted = asked.get("permissions")
    value = None if granted is None else Permission(int(granted))
    discord.permissions(_channel(discord, asked["channel"]), value)
    return {}


async def delete_channel(discord: Discord, asked: Json) -> Json:
    discord.delete_channel(_channel(discord, asked["channel"]))
    return {}


async def archive(discord: Discord, asked: Json) -> Json:
    thread = _channel(discord, asked["channel"])
    discord.archive(thread, locked=bool(asked.get("locked")))
    return {}


async def advance(discord: Discord, asked: Json) -> Json:
    discord.clock.advance(float(asked["seconds"]))
    return {"now": discord.clock.now().isoformat()}


async def fail_next(discord: Discord, asked: Json) -> Json:
    discord.fail_next(asked.pop("method"), asked.pop("path"), asked.pop("effect"), **asked)
    return {}


async def drop_gateway(discord: Discord, asked: Json) -> Json:
    resumable, code = bool(asked.get("resumable", True)), asked.get("code")
    await discord.gateway.drop(resumable=resumable, code=code)
    return {}


async def ready(discord: Discord, asked: Json) -> Json:
    await discord.ready(float(asked.get("timeout", 10)))
    return {}


async def slash(discord: Discord, asked: Json) -> Json:
    files = {name: _upload(file) for name, file in asked.get("attachments", {}).items()}
    who, where = _user(discord, asked["user"]), _channel(discord, asked["channel"])
    started = await discord.slash(who, where, asked["name"], asked.get("options"), files)
    return shown_interaction(started)


async def autocomplete(discord: Discord, asked: Json) -> Json:
    who, where = _user(discord, asked["user"]), _channel(discord, asked["channel"])
    text, options = asked.get("text", ""), asked.get("options")
    name, focused = asked["name"], asked["focused"]
    return shown_interaction(await discord.autocomplete(who, where, name, focused, text, options))


async def context_menu(discord: Discord, asked: Json) -> Json:
    who, where = _user(discord, asked["user"]), _channel(discord, asked["channel"])
    target = _message(discord, asked) if "message" in asked else _user(discord, asked["target"])
    return shown_interaction(await discord.context_menu(who, where, asked["name"], target))


async def press(discord: Discord, asked: Json) -> Json:
    message = _message(discord, asked)
    custom_id = asked.get("custom_id") or message.custom_id(asked["label"])
    pressed = await discord.press(_user(discord, asked["user"]), message, custom_id)
    return shown_interaction(pressed)


async def select(discord: Discord, asked: Json) -> Json:
    who, message = _user(discord, asked["user"]), _message(discord, asked)
    chosen = await discord.select(who, message, asked["custom_id"], asked["values"])
    return shown_interaction(chosen)


async def modal_submit(discord: Discord, asked: Json) -> Json:
    values = {name: _form_value(value) for name, value in asked["values"].items()}
    opened = discord.interactions[int(asked["interaction"])]
    sent = await discord.modal_submit(_user(discord, asked["user"]), opened, values)
    return shown_interaction(sent)


async def say(discord: Discord, asked: Json) -> Json:
    files = [_upload(file) for file in asked.get("attachments", ())]
    reply_to = _message(discord, asked) if "message" in asked else None
    said = await discord.say(
        _user(discord, asked["user"]),
        _channel(discord, asked["channel"]),
        asked.get("text", ""),
        files,
        reply_to=reply_to,
        ping=bool(asked.get("ping", True)),
    )
    return shown_message(said)


async def interaction(discord: Discord, asked: Json) -> Json:
    """The state of an interaction; `wait` first waits for "acknowledged" or "answered"."""
    found = discord.interactions[int(asked["interaction"])]
    timeout = float(asked.get("timeout", 5))
    if asked.get("wait") == "acknowledged":
        await found.acknowledged(timeout)
    if asked.get("wait") == "answered":
        await found.answered(timeout)
    return shown_interaction(found)


async def messages(discord: Discord, asked: Json) -> list[Json]:
    """A channel's messages; waits until there are `at_least` so many."""
    where, least = _channel(discord, asked["channel"]), int(asked.get("at_least", 0))
    await discord.wait_for(
        lambda: len(discord.messages(where)) >= least, float(asked.get("timeout", 5))
    )
    return [shown_message(message) for message in discord.messages(where)]


async def threads(discord: Discord, asked: Json) -> list[Json]:
    found = discord.threads(_channel(discord, asked["channel"]))
    return [{"id": str(thread.id), "name": thread.name} for thread in found]


async def violations(discord: Discord, asked: Json) -> list[Json]:
    return [
        {name: getattr(v, name) for name in ("who", "method", "path", "where", "message", "known")}
        for v in discord.violations
    ]


async def requests(discord: Discord, asked: Json) -> list[Json]:
    names = ("at", "method", "path", "template", "files", "status", "code")
    return [{name: getattr(request, name) for name in names} for request in discord.requests]


def shown_message(message: Message) -> Json:
    return {
        "id": str(message.id),
        "channel": str(message.channel.id),
        "author": str(message.author.id),
        "text": message.text,
        "content": message.content,
        "buttons": {label: c.get("custom_id") for label, c in message.buttons.items()},
        "attachments": [
            {"filename": file.filename, "size": len(file.data), "id": str(file.id)}
            for file in message.attachments
        ],
        "edits": len(message.edits),
        "ephemeral": message.ephemeral,
        "loading": message.loading,
    }


def shown_interaction(found: Interaction) -> Json:
    original = found.original()
    return {
        "id": str(found.id),
        "ack_ms": found.ack_ms,
        "response": found.response,
        "original": shown_message(original) if original else None,
        "followups": [shown_message(message) for message in found.followups],
        "choices": found.choices,
        "refusals": found.refusals,
    }


def _guild(discord: Discord, asked: Json) -> Guild:
    return discord.world.guilds[int(asked["guild"])] if "guild" in asked else discord.home()


def _channel(discord: Discord, number: str) -> Channel:
    return discord.world.channels[int(number)]


def _user(discord: Discord, number: str) -> User:
    return discord.world.users[int(number)]


def _message(discord: Discord, asked: Json) -> Message:
    return _channel(discord, asked["channel"]).messages[int(asked["message"])]


def _upload(file: Json) -> Upload:
    data, kind = base64.b64decode(file["data"]), file.get("content_type")
    return Upload(filename=file["filename"], data=data, content_type=kind)


def _form_value(value: Any) -> Any:
    """A form's value: files come as objects, alone or in a list."""
    if isinstance(value, dict):
        return _upload(value)
    return [_form_value(entry) for entry in value] if isinstance(value, list) else value


ACTIONS: Mapping[str, Action] = {
    action.__name__: action
    for action in (
        guild,
        channel,
        user,
        permissions,
        delete_channel,
        archive,
        advance,
        fail_next,
        drop_gateway,
        ready,
        slash,
        autocomplete,
        context_menu,
        press,
        select,
        modal_submit,
        say,
        interaction,
        messages,
        threads,
        violations,
        requests,
    )
}
