"""`/help`, and what a bare mention is answered with: one screen."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client import Dailies, Interaction, acknowledge, answer
from bot.jobs import Place
from bot.limits import may_spend
from bot.texts import Tongue
from cogs import _presenter
from cogs._options import place_of
from cogs.translation import in_tongue

__all__ = ["Help", "help_text", "setup"]


class Help(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="What I can do, on one screen.")
    async def help(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        t = self._bot.tongue(interaction.user.id)
        await answer(interaction, help_text(self._bot, t, place_of(interaction)))


def help_text(bot: Dailies, t: Tongue, place: Place) -> str:
    """How to begin and go on, and every command there is."""
    listed = [
        (command.name, in_tongue(t, command.description))
        for command in bot.tree.get_commands()
        if isinstance(command, app_commands.Command)
    ]
    return _presenter.help_screen(t, listed, may_spend=may_spend(place, bot.app.settings.caps))


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Help(bot))
