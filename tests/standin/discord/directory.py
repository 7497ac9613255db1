"""Routes about who and what there is: the bot itself, people, servers, and its commands."""

from typing import Any

from .calls import Answer, Call, Routes
from .errors import (
    TOO_MANY_COMMANDS,
    UNKNOWN_CHANNEL,
    UNKNOWN_COMMAND,
    UNKNOWN_MEMBER,
    UNKNOWN_USER,
    ApiError,
    invalid,
)
from .model import Json

CONTENT_LIMITED = 1 << 19
MAX_OF_TYPE = {1: 100, 2: 15, 3: 15, 4: 1}
COMMAND_SIZE = 8000
CHAT_INPUT = 1


def me(call: Call) -> Answer:
    more = {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}
    return Answer(200, call.world.payloads.user(call.world.bot) | more)


def application(call: Call) -> Answer:
    payloads, guilds = call.world.payloads, list(call.world.guilds.values())
    owner = call.world.users[guilds[0].owner_id] if guilds else call.world.bot
    flags = application_flags(message_content=call.discord.message_content)
    body: Json = {
        "id": str(payloads.application_id),
        "name": call.world.bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": payloads.user(call.world.bot),
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": flags,
        "flags_new": str(flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": payloads.user(owner),
        "approximate_guild_count": len(guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "event_webhooks_status": 1,
        "event_webhooks_url": None,
        "event_webhooks_types": [],
    }
    return Answer(200, body)


def application_flags(*, message_content: bool) -> int:
    return CONTENT_LIMITED if message_content else 0


def gateway(call: Call) -> Answer:
    return Answer(200, {"url": call.discord.gateway_url})


def gateway_bot(call: Call) -> Answer:
    started = call.discord.gateway.identifies
    limit = {"total": 1000, "remaining": 1000 - started, "reset_after": 0, "max_concurrency": 1}
    body = {"url": call.discord.gateway_url, "shards": 1, "session_start_limit": limit}
    return Answer(200, body)


def user(call: Call) -> Answer:
    found = call.world.users.get(call.number("user_id"))
    if found is None:
        raise ApiError(*UNKNOWN_USER)
    return Answer(200, call.world.payloads.user(found))


def direct_channel(call: Call) -> Answer:
    found = call.world.users.get(int(call.json.get("recipient_id") or 0))
    if found is None:
        raise ApiError(*UNKNOWN_CHANNEL)
    return Answer(200, call.world.payloads.channel(call.world.direct_channel(found)))


def guild(call: Call) -> Answer:
    found = call.guild()
    counts: Json = {}
    if call.query.get("with_counts") in ("1", "true", "True"):
        counts = {
            "approximate_member_count": len(found.members),
            "approximate_presence_count": len(found.members),
        }
    return Answer(200, call.world.payloads.guild(found) | counts)


def guild_channels(call: Call) -> Answer:
    channels = [c for c in call.world.channels_of(call.guild()) if not c.is_thread]
    return Answer(200, [call.world.payloads.channel(channel) for channel in channels])


def roles(call: Call) -> Answer:
    return Answer(200, [call.world.payloads.role(role) for role in call.guild().roles])


def member(call: Call) -> Answer:
    found = call.guild().members.get(call.number("user_id"))
    if found is None:
        raise ApiError(*UNKNOWN_MEMBER)
    return Answer(200, call.world.payloads.member(found))


def commands(call: Call) -> Answer:
    return Answer(200, list(call.discord.commands_in(_scope(call)).values()))


def command(call: Call) -> Answer:
    found = call.discord.commands_in(_scope(call)).get(call.number("command_id"))
    if found is None:
        raise ApiError(*UNKNOWN_COMMAND)
    return Answer(200, found)


def replace_commands(call: Call) -> Answer:
    """The bulk overwrite; a command that stays keeps its id, as on Discord."""
    scope = _scope(call)
    asked: list[Json] = call.body if isinstance(call.body, list) else []
    _refuse_commands(asked)
    ids = {(c["type"], c["name"]): c["id"] for c in call.discord.commands_in(scope).values()}
    made = [_command(call, entry, scope, ids) for entry in asked]
    call.discord.commands[scope] = {int(entry["id"]): entry for entry in made}
    return Answer(200, made)


def _scope(call: Call) -> int | None:
    return call.guild().id if "guild_id" in call.params else None


def _refuse_commands(asked: list[Json]) -> None:
    kinds = [entry.get("type") or CHAT_INPUT for entry in asked]
    if any(kinds.count(kind) > MAX_OF_TYPE[kind] for kind in set(kinds)):
        raise ApiError(*TOO_MANY_COMMANDS)
    for index, entry in enumerate(asked):
        if _size(entry) > COMMAND_SIZE:
            words = f"Command exceeds maximum size ({COMMAND_SIZE})"
            raise invalid(str(index), "APPLICATION_COMMAND_TOO_LARGE", words)
        required = [bool(option.get("required")) for option in entry.get("options") or ()]
        if required != sorted(required, reverse=True):
            words = "Required options must be placed before non-required options"
            raise invalid(f"{index}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)


def _size(entry: Json) -> int:
    """Characters of names, descriptions and choice values, the whole tree together."""
    own = sum(len(str(entry.get(key) or "")) for key in ("name", "description", "value"))
    nested = [*(entry.get("options") or ()), *(entry.get("choices") or ())]
    return own + sum(_size(part) for part in nested)


def _command(call: Call, entry: Json, scope: int | None, ids: dict[tuple[int, str], str]) -> Json:
    kind = entry.get("type") or CHAT_INPUT
    permissions = entry.get("default_member_permissions")
    made: Json = {
        "id": ids.get((kind, entry["name"])) or str(call.world.ids.next()),
        "application_id": str(call.world.payloads.application_id),
        "version": str(call.world.ids.next()),
        "type": kind,
        "name": entry["name"],
        "description": entry.get("description") or "",
        "default_member_permissions": None if permissions is None else str(permissions),
        "nsfw": bool(entry.get("nsfw")),
        "integration_types": entry.get("integration_types") or [0],
        "contexts": entry.get("contexts"),
    }
    if entry.get("options"):
        made["options"] = [_option(option) for option in entry["options"]]
    return made | ({"guild_id": str(scope)} if scope else {"dm_permission": True})


def _option(option: Json) -> Json:
    """An option without the nulls and false values Discord leaves out."""
    made = {key: value for key, value in option.items() if value not in (None, False, [])}
    if "options" in made:
        made["options"] = [_option(nested) for nested in made["options"]]
    if "choices" in made:
        made["choices"] = [_choice(choice) for choice in made["choices"]]
    return made


def _choice(choice: Json) -> Json:
    wanted: dict[str, Any] = {"name": choice["name"], "value": choice["value"]}
    return wanted


GLOBAL_COMMANDS = "/applications/{application_id}/commands"
GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"

ROUTES: Routes = {
    ("GET", "/users/@me"): me,
    ("GET", "/oauth2/applications/@me"): application,
    ("GET", "/gateway"): gateway,
    ("GET", "/gateway/bot"): gateway_bot,
    ("GET", "/users/{user_id}"): user,
    ("POST", "/users/@me/channels"): direct_channel,
    ("GET", "/guilds/{guild_id}"): guild,
    ("GET", "/guilds/{guild_id}/channels"): guild_channels,
    ("GET", "/guilds/{guild_id}/roles"): roles,
    ("GET", "/guilds/{guild_id}/members/{user_id}"): member,
    ("GET", GLOBAL_COMMANDS): commands,
    ("PUT", GLOBAL_COMMANDS): replace_commands,
    ("GET", GLOBAL_COMMANDS + "/{command_id}"): command,
    ("GET", GUILD_COMMANDS): commands,
    ("PUT", GUILD_COMMANDS): replace_commands,
    ("GET", GUILD_COMMANDS + "/{command_id}"): command,
}
