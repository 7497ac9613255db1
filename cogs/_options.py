"""Options of the slash commands: their types and choices, who asks where, and autocomplete.

Autocomplete fires on every keystroke and cannot be deferred, so it answers from memory alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.app import App
from bot.brief import MAX_PROMPT_CHARS, Stage
from bot.client import Interaction
from bot.errors import NotAllowed
from bot.jobs import Place
from bot.lifecycle import status
from bot.limits import may_spend
from bot.models import RESOLUTIONS, Availability, Lifecycle, Model
from bot.producer import Person
from bot.texts import ENGLISH, Tongue, say
from cogs import _presenter

__all__ = [
    "ASPECTS",
    "AUTO",
    "STAGES",
    "Duration",
    "Negative",
    "Prompt",
    "RESOLUTION_CHOICES",
    "Seed",
    "model_choices",
    "person_of",
    "place_of",
    "require",
    "require_permissions",
]

AUTO: Final = "auto"
_SHOWN: Final = 25

Prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARS]
Negative = app_commands.Range[str, 1, 1000]
Duration = app_commands.Range[int, 1, 120]
Seed = app_commands.Range[int, 0, 2**31 - 1]

STAGES: Final = [
    Choice(name="animatic: free storyboard", value=Stage.ANIMATIC.value),
    Choice(name="concept: short, cheap and fast", value=Stage.CONCEPT.value),
    Choice(name="final: quality decides", value=Stage.FINAL.value),
]
ASPECTS: Final = [
    Choice(name=f"{ratio} ({what})", value=ratio)
    for ratio, what in (
        ("16:9", "wide"),
        ("9:16", "phone, reel, story"),
        ("1:1", "square"),
        ("4:3", "old television"),
        ("3:4", "portrait"),
        ("21:9", "cinema"),
    )
]
RESOLUTION_CHOICES: Final = [Choice(name=name, value=name) for name in RESOLUTIONS]


def place_of(interaction: Interaction) -> Place:
    """Raises `NotAllowed` outside a server: without one, nobody's cap and no team would hold."""
    if interaction.guild_id is None:
        raise NotAllowed(say("error.servers_only"))
    return Place(
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        user_id=interaction.user.id,
    )


def person_of(interaction: Interaction) -> Person:
    """Raises `NotAllowed` outside a server: without one, a person counts as the operator."""
    place = place_of(interaction)
    user, channel = interaction.user, interaction.channel
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Person(
        user_id=place.user_id,
        guild_id=place.guild_id,
        manager=interaction.permissions.manage_guild,
        roles=frozenset(r.id for r in user.roles)
        if isinstance(user, discord.Member)
        else frozenset(),
        channels=tuple(number for number in (place.channel_id, parent_id) if number),
    )


def require_permissions(interaction: Interaction) -> None:
    """Raises `NotAllowed` naming what we may not do here, before anything is accepted."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    require(interaction.app_permissions, Tongue(str(interaction.locale)), in_thread=in_thread)


def require(granted: discord.Permissions, t: Tongue, *, in_thread: bool) -> None:
    """The same, with what is granted in a place. Raises `NotAllowed`."""
    speak = granted.send_messages_in_threads if in_thread else granted.send_messages
    needed = {
        "View Channel": granted.view_channel,
        "Send Messages in Threads" if in_thread else "Send Messages": speak,
        "Attach Files": granted.attach_files,
        "Read Message History": granted.read_message_history,
    }
    if missing := [name for name, given in needed.items() if not given]:
        raise NotAllowed(_presenter.missing_permissions(t, missing))


def model_choices(
    app: App, place: Place, typed: str, t: Tongue | None = None, *, auto: bool = True
) -> list[Choice[str]]:
    """Models whose id, name or maker contains what was typed; those that can run here first.

    `auto` offers to leave the choice to us.
    """
    t = t or Tongue(ENGLISH)
    availability = _from_memory(app, place)
    found = [model for model in app.catalogue.models.values() if _matches(model, typed)]
    ranks = {Lifecycle.LIVE: 0, Lifecycle.OFF: 1, Lifecycle.RETIRED: 2}
    states = {model.id: status(model, availability) for model in found}
    found.sort(key=lambda model: ranks[states[model.id]])
    choices = [_choice(t, model, states[model.id]) for model in found]
    if auto and AUTO.startswith(typed.strip().lower()):
        choices.insert(0, Choice(name=t("models.auto")[:100], value=AUTO))
    return choices[:_SHOWN]


def _from_memory(app: App, place: Place) -> Availability:
    """Keys and dates; a vendor paused a minute ago is found out when the command runs."""
    providers = {
        route.provider for model in app.catalogue.models.values() for route in model.routes
    }
    missing = {name: app.settings.missing(name) for name in sorted(providers)}
    if not may_spend(place, app.settings.caps):
        missing |= {name: "not for this server" for name in providers if name != "local"}
    return Availability(
        today=app.clock().date(), missing={name: why for name, why in missing.items() if why}
    )


def _matches(model: Model, typed: str) -> bool:
    words: Sequence[str] = typed.lower().split()
    return all(word in f"{model.id} {model.name} {model.maker}".lower() for word in words)


def _choice(t: Tongue, model: Model, state: Lifecycle) -> Choice[str]:
    keys = {Lifecycle.OFF: "models.not_here", Lifecycle.RETIRED: "models.is_retired"}
    remark = f" ({t(keys[state])})" if state in keys else ""
    return Choice(name=f"{model.name}, {model.maker}"[: 100 - len(remark)] + remark, value=model.id)
