"""What people do to the bot, as INTERACTION_CREATE events: commands, presses, choices, forms.

A person's client refuses what is impossible (a missing option, a disabled button), so such a test
is wrong and gets ValueError, LookupError or PermissionError.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .gateway import Intent
from .interactions import Interaction, InteractionKind
from .model import Channel, Json, Message, Permission, Role, Upload, User
from .payloads import permission_text

if TYPE_CHECKING:
    from .server import Discord

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = (
    *range(3, 11),
    11,
)
STRING_SELECT, BUTTON, TEXT_INPUT, TEXT_DISPLAY, LABEL, FILE_UPLOAD = 3, 2, 4, 10, 18, 19
RADIO, CHECKBOX = 21, 23

Values = Mapping[str, Any]


def find_command(discord: "Discord", channel: Channel, name: str, kind: int) -> Json:
    """The command a person would see there; a server's own hides the global one."""
    guild = channel.guild
    scopes = [guild.id, None] if guild else [None]
    for scope in scopes:
        for command in discord.commands_in(scope).values():
            if command["name"] == name and command["type"] == kind:
                return command
    raise LookupError(f"no command {name!r} here")


def require_visible(command: Json, user: User, channel: Channel) -> None:
    needed = command["default_member_permissions"]
    granted = channel.guild.permissions(user.id) if channel.guild else Permission(0)
    if needed is not None and (int(needed) & ~int(granted) or needed == "0"):
        raise PermissionError(f"{user.name} does not see {command['name']}")


def command_data(command: Json) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})


def slash_data(discord: "Discord", channel: Channel, command: Json, values: Values) -> Json:
    """The data of a finished command, every option checked against its definition."""
    defined: dict[str, Json] = {option["name"]: option for option in command.get("options", ())}
    if unknown := values.keys() - defined.keys():
        raise ValueError(f"{command['name']} has no option {sorted(unknown)}")
    missing = [n for n, o in defined.items() if o.get("required") and values.get(n) is None]
    if missing:
        raise ValueError(f"{command['name']} needs {missing}")
    resolving = Resolving(discord, channel)
    options = [
        _option(option, values[name], resolving)
        for name, option in defined.items()
        if values.get(name) is not None
    ]
    data = command_data(command) | {"options": options}
    return data | ({"resolved": resolving.resolved} if resolving.resolved else {})


def _option(option: Json, value: Any, resolving: "Resolving") -> Json:
    kind: int = option["type"]
    if "choices" in option and value not in [choice["value"] for choice in option["choices"]]:
        raise ValueError(f"{value!r} is no choice of {option['name']}")
    size = len(value) if isinstance(value, str) else value
    low = option.get("min_length", option.get("min_value"))
    high = option.get("max_length", option.get("max_value"))
    if (low is not None and size < low) or (high is not None and size > high):
        raise ValueError(f"{value!r} is outside {low}..{high} of {option['name']}")
    if kind in (USER, CHANNEL, ROLE, MENTIONABLE, ATTACHMENT):
        value = resolving.add(value)
    elif not isinstance(value, _PLAIN[kind]) or (kind != BOOLEAN and isinstance(value, bool)):
        raise ValueError(f"{option['name']} takes {_PLAIN[kind]}, not {value!r}")
    return {"name": option["name"], "type": kind, "value": value}


_PLAIN: Mapping[int, Any] = {STRING: str, INTEGER: int, BOOLEAN: bool, NUMBER: (int, float)}


def typing_data(command: Json, focused: str, text: Any, values: Values) -> Json:
    """The data while a person is still typing into `focused`; nothing is checked yet."""
    defined: dict[str, Json] = {option["name"]: option for option in command.get("options", ())}
    if not defined[focused].get("autocomplete"):
        raise ValueError(f"{focused} has no autocomplete")
    options: list[Json] = [
        {"name": name, "type": defined[name]["type"], "value": value}
        for name, value in values.items()
    ]
    typed = {"name": focused, "type": defined[focused]["type"], "value": text, "focused": True}
    return command_data(command) | {"options": [*options, typed]}


class Resolving:
    """Collects the objects behind the ids of an interaction."""

    def __init__(self, discord: "Discord", channel: Channel) -> None:
        self.discord = discord
        self.channel = channel
        self.resolved: Json = {}

    def add(self, value: Any) -> str:
        """Notes the object; answers the id that stands for it."""
        payloads, world = self.discord.world.payloads, self.discord.world
        if isinstance(value, Upload):
            file = world.store(self.channel.id, value, ephemeral=True)
            return self._note("attachments", file.id, payloads.attachment(file))
        if isinstance(value, User):
            member = self.channel.guild.members.get(value.id) if self.channel.guild else None
            if member is not None:
                permissions = permission_text(self._granted(value))
                plain = payloads.member(member, with_user=False)
                self._note("members", value.id, plain | {"permissions": permissions})
            return self._note("users", value.id, payloads.user(value))
        if isinstance(value, Role):
            return self._note("roles", value.id, payloads.role(value))
        if isinstance(value, Channel):
            permissions = permission_text(self._granted(self.discord.world.bot))
            shown = payloads.channel(value) | {"permissions": permissions}
            return self._note("channels", value.id, shown)
        if isinstance(value, Message):
            return self._note("messages", value.id, payloads.message(value))
        raise ValueError(f"{value!r} is nothing a person can pick")

    def _granted(self, user: User) -> Permission:
        guild = self.channel.guild
        return guild.permissions(user.id) if guild else Permission(0)

    def _note(self, kind: str, number: int, payload: Json) -> str:
        self.resolved.setdefault(kind, {})[str(number)] = payload
        return str(number)


def menu_data(discord: "Discord", channel: Channel, command: Json, target: Message | User) -> Json:
    resolving = Resolving(discord, channel)
    data = command_data(command) | {"target_id": resolving.add(target)}
    return data | {"resolved": resolving.resolved}


def press_data(message: Message, custom_id: str) -> Json:
    component = _live_component(message, custom_id)
    if component["type"] != BUTTON:
        raise ValueError(f"{custom_id} is no button")
    return {"custom_id": custom_id, "component_type": BUTTON, "id": component["id"]}


def select_data(
    discord: "Discord", message: Message, custom_id: str, chosen: Sequence[Any]
) -> Json:
    component = _live_component(message, custom_id)
    if not component["min_values"] <= len(chosen) <= component["max_values"]:
        raise ValueError(f"{custom_id} takes {component['min_values']}..{component['max_values']}")
    values, resolved = _chosen(discord, message.channel, component, chosen)
    data = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
    return data | {"values": values} | ({"resolved": resolved} if resolved else {})


def _chosen(
    discord: "Discord", channel: Channel, component: Json, chosen: Sequence[Any]
) -> tuple[list[str], Json]:
    """The values of a select or file field and what stands behind them."""
    resolving = Resolving(discord, channel)
    if component["type"] not in (STRING_SELECT, 22):
        return [resolving.add(value) for value in chosen], resolving.resolved
    offered = {option["value"] for option in component.get("options", ())}
    if unknown := set(chosen) - offered:
        raise ValueError(f"{unknown} is not offered, only {sorted(offered)}")
    return [str(value) for value in chosen], {}


def _live_component(message: Message, custom_id: str) -> Json:
    if message.deleted:
        raise LookupError("the message is gone")
    component = message.component(custom_id)
    if component.get("disabled"):
        raise ValueError(f"{custom_id} is disabled")
    return component


def modal_data(discord: "Discord", channel: Channel, modal: Json, values: Values) -> Json:
    """A form filled in: `values` by custom id or by the label the person reads."""
    filling = _Filling(discord, channel, dict(values))
    components = [filling.row(component) for component in modal["components"]]
    if filling.values:
        raise ValueError(f"the form has no field {sorted(filling.values)}")
    data: Json = {"custom_id": modal["custom_id"], "components": components}
    return data | ({"resolved": filling.resolved} if filling.resolved else {})


class _Filling:
    """Walks a form and takes one value after the other."""

    def __init__(self, discord: "Discord", channel: Channel, values: dict[str, Any]) -> None:
        self.discord = discord
        self.channel = channel
        self.values = values
        self.resolved: Json = {}
        self.number = 0

    def row(self, component: Json) -> Json:
        shown: Json = {"type": component["type"], "id": self._id(component)}
        if component["type"] == LABEL:
            shown["component"] = self.field(component["component"], component["label"])
        elif component["type"] == 1:
            inputs = component["components"]
            shown["components"] = [self.field(entry, entry.get("label", "")) for entry in inputs]
        return shown

    def field(self, component: Json, label: str) -> Json:
        kind, custom_id = component["type"], component["custom_id"]
        given = self.values.pop(custom_id, self.values.pop(label, None))
        if given is None and component.get("required", True) and not component.get("value"):
            raise ValueError(f"{label!r} must be filled in")
        shown: Json = {"type": kind, "id": self._id(component), "custom_id": custom_id}
        if kind == TEXT_INPUT:
            return shown | {"value": self._text(component, given)}
        if kind in (RADIO, CHECKBOX):
            return shown | {"value": bool(given) if kind == CHECKBOX else given}
        chosen = given if isinstance(given, (list, tuple)) else [given] if given else []
        values, resolved = _chosen(self.discord, self.channel, component, chosen)
        for key, entries in resolved.items():
            self.resolved.setdefault(key, {}).update(entries)
        return shown | {"values": values}

    def _text(self, component: Json, given: Any) -> str:
        text = str(component.get("value") or "") if given is None else str(given)
        low, high = component.get("min_length") or 0, component.get("max_length") or 4000
        if text and not low <= len(text) <= high:
            raise ValueError(f"{len(text)} characters, allowed {low}..{high}")
        return text

    def _id(self, component: Json) -> int:
        self.number += 1
        return int(component.get("id") or self.number)


def start(
    discord: "Discord",
    kind: InteractionKind,
    user: User,
    channel: Channel,
    data: Json,
    *,
    source: Message | None = None,
    trigger: Interaction | None = None,
) -> Interaction:
    """Makes the interaction and sends its event."""
    interaction_id = discord.world.ids.next()
    guild_limit = channel.upload_limit()
    interaction = Interaction(
        discord=discord,
        id=interaction_id,
        token=secrets.token_urlsafe(48),
        kind=kind,
        user=user,
        channel=channel,
        data=data,
        metadata={},
        limit_bytes=max(guild_limit, user.upload_limit_bytes),
        started_at=discord.clock.time(),
        source=source,
    )
    interaction.metadata = _METADATA[kind](discord, interaction, trigger)
    discord.interactions[interaction_id] = interaction
    discord.by_token[interaction.token] = interaction
    event = _event(discord, interaction)
    discord.gateway.publish("INTERACTION_CREATE", event, channel.guild, Intent.NONE)
    return interaction


def _event(discord: "Discord", interaction: Interaction) -> Json:
    payloads, channel, guild = (
        discord.world.payloads,
        interaction.channel,
        interaction.channel.guild,
    )
    event: Json = {
        "id": str(interaction.id),
        "application_id": str(payloads.application_id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": payloads.channel(channel),
        "locale": interaction.user.locale,
        "app_permissions": permission_text(discord.world.app_permissions(channel)),
        "entitlements": [],
        "authorizing_integration_owners": _owners(interaction),
        "context": 0 if guild else 1,
        "attachment_size_limit": interaction.limit_bytes,
    }
    if interaction.source is not None:
        event["message"] = payloads.message(interaction.source)
    if guild is None:
        return event | {"user": payloads.user(interaction.user)}
    granted = permission_text(guild.permissions(interaction.user.id))
    event["channel"]["permissions"] = granted
    member = payloads.member(guild.members[interaction.user.id])
    return event | {
        "guild_id": str(guild.id),
        "guild_locale": guild.locale,
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "member": member | {"permissions": granted},
    }


def _owners(interaction: Interaction) -> Json:
    guild = interaction.channel.guild
    return {"0": str(guild.id if guild else 0)}


def _common_metadata(discord: "Discord", interaction: Interaction) -> Json:
    return {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": discord.world.payloads.user(interaction.user),
        "authorizing_integration_owners": _owners(interaction),
    }


def _command_metadata(
    discord: "Discord", interaction: Interaction, trigger: Interaction | None
) -> Json:
    metadata = _common_metadata(discord, interaction)
    name, target = interaction.data["name"], interaction.data.get("target_id")
    if interaction.data["type"] == MESSAGE_MENU:
        metadata["target_message_id"] = target
    if interaction.data["type"] == USER_MENU:
        metadata["target_user"] = interaction.data["resolved"]["users"][target]
    legacy = {key: metadata[key] for key in ("id", "type", "user")} | {"name": name}
    return {"interaction_metadata": metadata | {"name": name}, "interaction": legacy}


def _component_metadata(
    discord: "Discord", interaction: Interaction, trigger: Interaction | None
) -> Json:
    assert interaction.source is not None
    metadata = _common_metadata(discord, interaction)
    metadata["interacted_message_id"] = str(interaction.source.id)
    return {"interaction_metadata": metadata}


def _modal_metadata(
    discord: "Discord", interaction: Interaction, trigger: Interaction | None
) -> Json:
    assert trigger is not None
    metadata = _common_metadata(discord, interaction)
    metadata["triggering_interaction_metadata"] = trigger.metadata["interaction_metadata"]
    return {"interaction_metadata": metadata}


_METADATA: Mapping[
    InteractionKind, Callable[["Discord", Interaction, Interaction | None], Json]
] = {
    InteractionKind.COMMAND: _command_metadata,
    InteractionKind.AUTOCOMPLETE: _command_metadata,
    InteractionKind.COMPONENT: _component_metadata,
    InteractionKind.MODAL: _modal_metadata,
}
