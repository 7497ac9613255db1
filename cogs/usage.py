"""`/usage`: how many clips this server made, what they cost, and what is left of today."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.client import Dailies, Interaction, acknowledge, answer
from bot.limits import may_spend
from cogs import _presenter
from cogs._options import person_of, place_of

__all__ = ["Usage", "setup"]


class Usage(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="Clips made, money spent, and what is left of today.")
    @app_commands.describe(view="One line per model (default), person or day")
    @app_commands.choices(
        view=[
            Choice(name="by model", value="model"),
            Choice(name="by person", value="user"),
            Choice(name="by day", value="day"),
        ]
    )
    async def usage(self, interaction: Interaction, view: str = "model") -> None:
        await acknowledge(interaction, private=True)
        place, app = place_of(interaction), self._bot.app
        spent_micros, cap_micros = await app.producer.spent_today(place)
        report = _presenter.usage_report(
            self._bot.tongue(interaction.user.id),
            await app.producer.usage(view, place),
            view,
            app.catalogue.models,
            spent_micros=spent_micros,
            cap_micros=cap_micros,
            may_spend=may_spend(place, app.settings.caps),
            kept_second_micros={
                row.model: row.per_s_micros
                for row in (await app.comparing.taste(person_of(interaction))).costs
                if not row.category and row.per_s_micros is not None
            },
        )
        await answer(interaction, report)


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Usage(bot))
