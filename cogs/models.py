"""`/models`: what can run here now, for how much, and what it is good at."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client import Dailies, Interaction, acknowledge, answer
from cogs import _presenter
from cogs._options import place_of

__all__ = ["Models", "setup"]


class Models(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="What can run here now, its price and what it is good at.")
    async def models(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        listings = await self._bot.app.producer.models(place_of(interaction))
        await answer(
            interaction, _presenter.model_list(self._bot.tongue(interaction.user.id), listings)
        )


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Models(bot))
