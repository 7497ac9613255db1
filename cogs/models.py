"""`/models`: what can run here now, why something cannot, and one model in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from discord import SelectOption, app_commands
from discord.app_commands import Choice
from discord.ext import commands
from discord.ui import View

from bot.client import Dailies, Interaction, acknowledge, answer
from bot.desk import ModelCard
from bot.errors import Refused
from bot.models import Lifecycle
from bot.texts import Tongue, say
from cogs import _presenter
from cogs._options import model_choices, place_of
from cogs._press import Choose, rows
from cogs._ranking import show_ranking

__all__ = ["Models", "setup"]

_LIST: Final = "list"
_DETAILS: Final = "details"
_RANKING: Final = "ranking"
VIEWS: Final = [
    Choice(name="what can run here now", value=_LIST),
    Choice(name="one model in detail", value=_DETAILS),
    Choice(name="what this team prefers", value=_RANKING),
]
_MENU: Final = 25


class Models(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="What can run here now, its price and what it is good at.")
    @app_commands.describe(
        view="Default: what can run here now",
        model="Everything about this one",
    )
    @app_commands.choices(view=VIEWS)
    async def models(
        self, interaction: Interaction, view: str | None = None, model: str | None = None
    ) -> None:
        if view == _RANKING:
            await show_ranking(interaction)
            return
        await acknowledge(interaction, private=True)
        if view == _DETAILS and model is None:
            raise Refused(say("models.which"))
        if model is not None and view in (None, _DETAILS):
            await _show(interaction, model)
            return
        t = self._bot.tongue(interaction.user.id)
        cards = await self._bot.app.desk.models(place_of(interaction))
        await answer(interaction, _presenter.model_list(t, cards), _view(t, cards))

    @models.autocomplete("model")
    async def _named(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        t = Tongue(str(interaction.locale))
        return model_choices(self._bot.app, place_of(interaction), typed, t, auto=False)


async def _show(interaction: Interaction, name: str) -> None:
    desk, place = interaction.client.app.desk, place_of(interaction)
    t = interaction.client.tongue(interaction.user.id)
    card = await desk.model(name, place)
    await answer(interaction, _presenter.model_card(t, card), _view(t, await desk.models(place)))


def _view(t: Tongue, cards: Sequence[ModelCard]) -> View:
    """A menu of all models, those that can run first."""
    order = list(Lifecycle)
    ranked = sorted(cards, key=lambda card: order.index(card.listing.status))
    options = [
        SelectOption(
            label=card.listing.model.name[:100],
            value=card.listing.model.id,
            description=card.listing.model.maker[:100],
        )
        for card in ranked[:_MENU]
    ]
    return rows([ModelMenu("all", options, t("models.choose"))])


class ModelMenu(Choose, template=r"modelmenu:(?P<id>all)"):
    """Which model to look at."""

    kind = "modelmenu"

    async def chosen(self, interaction: Interaction, value: str) -> None:
        await acknowledge(interaction, pressed=True)
        await _show(interaction, value)


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(ModelMenu)
    await bot.add_cog(Models(bot))
