"""Menus on anybody's message: animate its picture, go on from its clip."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Dailies, Interaction
from bot.errors import Refused
from bot.texts import say
from cogs._forms import prompt_form
from cogs._inputs import is_picture, is_video, source_of, upload_of
from cogs._offers import offer
from cogs._options import person_of
from cogs._spot import begin, of_interaction

__all__ = ["Menus", "setup"]


class Menus(commands.Cog):
    """Message menus live on the tree, not in a cog's class body: added and removed with the cog."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._menus = [
            app_commands.ContextMenu(name="Animate this image", callback=self.animate),
            app_commands.ContextMenu(name="Continue this clip", callback=self.go_on),
        ]

    async def cog_load(self) -> None:
        for menu in self._menus:
            self._bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self._bot.tree.remove_command(menu.name, type=menu.type)

    async def animate(self, interaction: Interaction, message: discord.Message) -> None:
        """A form for what should happen in the picture."""
        if not any(is_picture(file) for file in message.attachments):
            raise Refused(say("input.no_picture"))
        t = self._bot.tongue(interaction.user.id)
        form = prompt_form(t, f"animate:{message.id}", t("modal.animate_title"), files=False)
        await interaction.response.send_modal(form)
        await self._keep(message)

    async def go_on(self, interaction: Interaction, message: discord.Message) -> None:
        """Our own clip goes on at once as its button would; another one needs words."""
        person = person_of(interaction)
        source = await source_of(self._bot, message, person)
        t = self._bot.tongue(interaction.user.id)
        if source.job_id is None:
            if not any(is_video(file) for file in message.attachments):
                raise Refused(say("input.no_clip"))
            form = prompt_form(t, f"extend:{message.id}", t("modal.continue_title"), files=False)
            await interaction.response.send_modal(form)
            await self._keep(message)
            return
        await begin(interaction)
        bench = self._bot.app.workbench
        spot = of_interaction(interaction, await bench.shot_of(source.job_id, person))
        await offer(spot, await bench.continue_on(source.job_id, spot.person, spot.place))

    async def _keep(self, message: discord.Message) -> None:
        """Discord shows us other people's files only now, not when the form comes."""
        files = [upload_of(file) for file in message.attachments]
        await self._bot.app.store.people.keep_files(
            message.id, [(file.url, file.name, file.kind) for file in files]
        )


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Menus(bot))
