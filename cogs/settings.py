"""`/settings`: a server's rules in one message of menus; everybody's own threshold.

Every menu knows what it sets by its custom id alone and takes effect at once. The message is
drawn afresh after each change, from what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final, Self

import discord
from discord import (
    ChannelType,
    SelectDefaultValue,
    SelectDefaultValueType,
    SelectOption,
    app_commands,
)
from discord.ext import commands
from discord.ui import (
    ActionRow,
    ChannelSelect,
    DynamicItem,
    LayoutView,
    RoleSelect,
    Select,
    TextDisplay,
)

from bot.brief import Stage
from bot.client import Dailies, Interaction, Telling, acknowledge, answer, answer_layout
from bot.errors import NotAllowed
from bot.house import House, micros_of, whole_of
from bot.money import usd
from bot.texts import Tongue, say
from cogs import _presenter
from cogs._forms import Filled, filled, line_form
from cogs._options import person_of
from cogs._press import Press

__all__ = ["Settings", "setup"]

_MENU: Final = 25
_FORM: Final = "settings"
_PLACES: Final = [ChannelType.text, ChannelType.news, ChannelType.forum]
_LOGS: Final = [ChannelType.text]
_BY_WORDS: Final = "words"

Amount = app_commands.Range[str, 1, 20]


class Settings(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="What may be made here, by whom, and what starts at once.")
    @app_commands.describe(
        just_go="USD that start for you without a question; server: as the server has it"
    )
    async def settings(self, interaction: Interaction, just_go: Amount | None = None) -> None:
        await acknowledge(interaction, private=True)
        person, houses = person_of(interaction), self._bot.app.houses
        t = self._bot.tongue(interaction.user.id)
        if just_go is not None:
            house = await houses.set_just_go(person, just_go)
            await answer(interaction, _presenter.own_settings(t, house))
            return
        house = await houses.of(person)
        if house.manager:
            await _show(interaction, house)
        else:
            await answer(interaction, _presenter.own_settings(t, house))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Dailies]) -> None:
        """Numbers typed into a form."""
        form = filled(interaction)
        if form is None or form.kind != _FORM or form.key not in _FORMS:
            return
        async with Telling(interaction):
            await acknowledge(interaction, pressed=True)
            await _change(interaction, **_FORMS[form.key](form))


def _amounts(form: Filled) -> dict[str, Any]:
    return {
        "just_go_micros": micros_of(form.fields.get("just_go", "")),
        "log_above_micros": micros_of(form.fields.get("log_above", "")),
    }


def _comparisons(form: Filled) -> dict[str, Any]:
    return {
        "quorum": whole_of(form.fields.get("quorum", "")),
        "vote_hours": whole_of(form.fields.get("hours", "")),
    }


_FORMS: Final = {"amounts": _amounts, "comparisons": _comparisons}


async def _change(interaction: Interaction, **changes: Any) -> None:
    houses = interaction.client.app.houses
    await _show(interaction, await houses.change(person_of(interaction), **changes))


async def _show(interaction: Interaction, house: House) -> None:
    bot = interaction.client
    t = bot.tongue(interaction.user.id)
    await answer_layout(interaction, _layout(bot, t, house, _lacking(interaction, house)))


def _lacking(interaction: Interaction, house: House) -> list[str] | None:
    """What we may not do in the log channel; None where it is not there (any more)."""
    guild, number = interaction.guild, house.rules.log_channel_id
    channel = guild.get_channel(number) if guild and number else None
    if channel is None or guild is None:
        return None if number else []
    granted = channel.permissions_for(guild.me)
    needed = {"View Channel": granted.view_channel, "Send Messages": granted.send_messages}
    return [name for name, given in needed.items() if not given]


def _layout(bot: Dailies, t: Tongue, house: House, lacking: list[str] | None) -> LayoutView:
    """Over every menu stands what it sets and how it is set now."""
    rules, models = house.rules, bot.app.catalogue.models
    lines = _presenter.settings_lines(t, house, models, lacking)
    log = None if lacking is None or not rules.log_channel_id else {rules.log_channel_id}
    everyone, every_model = t("settings.choose_roles"), t("settings.choose_models")
    menus: Mapping[str, DynamicItem[Any]] = {
        "channels": Channels("channels", rules.allowed_channels, t("settings.choose_channels")),
        "generate": Roles("generate", rules.who_may_generate, everyone),
        "spend": Roles("spend", rules.who_may_spend, everyone),
        "stage": Chosen("stage", _stages(t, rules.default_stage)),
        "models": Chosen("models", _models(bot, rules.allowed_models), _MENU, every_model),
        "log": Channels("log", log, t("settings.choose_log")),
    }
    layout = LayoutView(timeout=None)
    layout.add_item(TextDisplay(lines["title"]))
    for name, menu in menus.items():
        layout.add_item(TextDisplay(lines[name]))
        layout.add_item(_row(menu))
    layout.add_item(TextDisplay(f"{lines['amounts']}\n{lines['compare']}"))
    steering = Steering("on" if rules.votes_steer else "off", t("button.steering"))
    layout.add_item(_row(*[Numbers(key, t(f"button.{key}")) for key in _FORMS], steering))
    return layout


def _row(*items: Any) -> ActionRow[Any]:
    return ActionRow(*items)


def _stages(t: Tongue, now: Stage | None) -> list[SelectOption]:
    by_words = SelectOption(label=t("settings.by_words"), value=_BY_WORDS, default=now is None)
    return [by_words] + [
        SelectOption(label=t(f"settings_stage.{stage}")[:100], value=stage, default=stage is now)
        for stage in Stage
    ]


def _models(bot: Dailies, allowed: frozenset[str] | None) -> list[SelectOption]:
    return [
        SelectOption(
            label=model.name[:100],
            value=model.id,
            description=model.maker[:100],
            default=model.id in (allowed or ()),
        )
        for model in list(bot.app.catalogue.models.values())[:_MENU]
    ]


def _values(interaction: discord.Interaction[Any]) -> list[str]:
    """Everything chosen in a menu: ids, or our own values."""
    data: Any = interaction.data or {}
    return [str(value) for value in data.get("values") or ()]


def _ids(interaction: discord.Interaction[Any]) -> frozenset[int] | None:
    """The chosen ids; None, which is no limit, where nothing is chosen."""
    return frozenset(int(value) for value in _values(interaction)) or None


class Channels(DynamicItem[ChannelSelect[Any]], template=r"setchannels:(?P<id>channels|log)"):
    """Where clips are made, or where news go."""

    def __init__(self, key: str, chosen: Collection[int] | None = None, hint: str = "") -> None:
        log = key == "log"
        menu: ChannelSelect[Any] = ChannelSelect(
            custom_id=f"setchannels:{key}",
            channel_types=_LOGS if log else _PLACES,
            placeholder=hint or None,
            min_values=0,
            max_values=1 if log else _MENU,
            default_values=_defaults(chosen, SelectDefaultValueType.channel),
        )
        super().__init__(menu)
        self.key = key

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await acknowledge(interaction, pressed=True)
            ids = _ids(interaction)
            if self.key == "log":
                await _change(interaction, log_channel_id=min(ids) if ids else None)
            else:
                await _change(interaction, allowed_channels=ids)


class Roles(DynamicItem[RoleSelect[Any]], template=r"setroles:(?P<id>generate|spend)"):
    """Who may make clips, or spend money."""

    _RULES: ClassVar = {"generate": "who_may_generate", "spend": "who_may_spend"}

    def __init__(self, key: str, chosen: Collection[int] | None = None, hint: str = "") -> None:
        menu: RoleSelect[Any] = RoleSelect(
            custom_id=f"setroles:{key}",
            placeholder=hint or None,
            min_values=0,
            max_values=_MENU,
            default_values=_defaults(chosen, SelectDefaultValueType.role),
        )
        super().__init__(menu)
        self.key = key

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await acknowledge(interaction, pressed=True)
            await _change(interaction, **{self._RULES[self.key]: _ids(interaction)})


class Chosen(DynamicItem[Select[Any]], template=r"setoptions:(?P<id>stage|models)"):
    """The stage nobody says, or the models in use."""

    def __init__(
        self, key: str, options: list[SelectOption] | None = None, most: int = 1, hint: str = ""
    ) -> None:
        shown = options or [SelectOption(label="-")]
        menu: Select[Any] = Select(
            custom_id=f"setoptions:{key}",
            placeholder=hint or None,
            min_values=1 if key == "stage" else 0,
            max_values=min(most, len(shown)),
            options=shown,
        )
        super().__init__(menu)
        self.key = key

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await acknowledge(interaction, pressed=True)
            values = _values(interaction)
            if self.key == "stage":
                stage = None if values == [_BY_WORDS] else Stage(values[0])
                await _change(interaction, default_stage=stage)
                return
            kept = await _not_shown(interaction)
            await _change(interaction, allowed_models=frozenset({*values, *kept}) or None)


async def _not_shown(interaction: Interaction) -> frozenset[str]:
    """Allowed models of a catalogue too long for one menu, which it must not take away."""
    bot = interaction.client
    shown = list(bot.app.catalogue.models)[:_MENU]
    house = await bot.app.houses.of(person_of(interaction))
    return (house.rules.allowed_models or frozenset()) - frozenset(shown)


class Numbers(Press, template=r"settings:(?P<id>amounts|comparisons)"):
    """A form for what is typed and not chosen."""

    kind = "settings"

    async def pressed(self, interaction: Interaction) -> None:
        bot, person = interaction.client, person_of(interaction)
        if not person.manager:
            raise NotAllowed(say("settings.managers_only"))
        t = bot.tongue(interaction.user.id)
        lines = _lines(t, self.key, await bot.app.houses.of(person))
        title = t(f"modal.{self.key}_title")
        await interaction.response.send_modal(line_form(f"{_FORM}:{self.key}", title, lines))


class Steering(Press, template=r"steering:(?P<id>on|off)"):
    """Whether the team's votes decide; the id is how it was when the button was drawn."""

    kind = "steering"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        await _change(interaction, votes_steer=self.key == "off")


def _lines(t: Tongue, key: str, house: House) -> dict[str, tuple[str, str]]:
    """The lines of a form with what they hold now."""
    rules = house.rules
    if key == "comparisons":
        return {
            "quorum": (t("modal.quorum"), str(rules.quorum)),
            "hours": (t("modal.hours"), str(rules.vote_hours)),
        }
    return {
        "just_go": (t("modal.just_go"), usd(rules.just_go_micros)),
        "log_above": (t("modal.log_above"), usd(rules.log_above_micros)),
    }


def _defaults(
    ids: Collection[int] | None, kind: SelectDefaultValueType
) -> list[SelectDefaultValue]:
    return [SelectDefaultValue(id=number, type=kind) for number in sorted(ids or ())[:_MENU]]


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(Channels, Roles, Chosen, Numbers, Steering)
    await bot.add_cog(Settings(bot))
