"""`/jobs`: how one's newest jobs stand; for managers, everybody's."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client import Dailies, Interaction, acknowledge, answer
from cogs import _presenter
from cogs._options import person_of

__all__ = ["Jobs", "setup"]


class Jobs(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="Your newest jobs and how they stand. Managers see all.")
    async def jobs(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        person, app = person_of(interaction), self._bot.app
        found = await app.producer.jobs(person, everybody=True)
        await answer(
            interaction,
            _presenter.job_list(
                self._bot.tongue(interaction.user.id),
                found,
                app.catalogue.models,
                everybody=person.manager,
            ),
        )


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Jobs(bot))
