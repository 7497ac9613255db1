"""`/generate`: words, pictures and wishes become a clip, after a price where it has one."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.brief import Brief, MediaRole, Stage
from bot.client import Dailies, Interaction, acknowledge
from bot.producer import Instead
from cogs._options import (
    ASPECTS,
    AUTO,
    RESOLUTION_CHOICES,
    STAGES,
    Duration,
    Negative,
    Prompt,
    Seed,
    model_choices,
    place_of,
    require_permissions,
)
from cogs._views import BUTTONS, offer

__all__ = ["Generate", "setup"]


class Generate(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="Make a clip from words, or from a picture.")
    @app_commands.describe(
        prompt="What should be seen and how it moves, in any language",
        model="Default: auto, the best for these words",
        stage="animatic: free storyboard, concept: cheap and fast, final: best quality",
        image="A picture the clip starts on",
        end_image="A picture the clip ends on",
        reference="A picture that shows a character, product or look",
        motion="A video whose movement is taken over",
        duration="Seconds. Default: the shortest from 5",
        aspect="Default: 16:9, or 9:16 where the words say reel, story or TikTok",
        resolution="Default: 720p or near",
        audio="With sound? Default: no",
        negative="What should not be seen",
        seed="The same number, the same clip",
    )
    @app_commands.choices(stage=STAGES, aspect=ASPECTS, resolution=RESOLUTION_CHOICES)
    async def generate(
        self,
        interaction: Interaction,
        prompt: Prompt,
        model: str = AUTO,
        stage: str | None = None,
        image: discord.Attachment | None = None,
        end_image: discord.Attachment | None = None,
        reference: discord.Attachment | None = None,
        motion: discord.Attachment | None = None,
        duration: Duration | None = None,
        aspect: str | None = None,
        resolution: str | None = None,
        audio: bool | None = None,
        negative: Negative | None = None,
        seed: Seed | None = None,
    ) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        brief = Brief(
            prompt=prompt,
            model=None if model.strip().lower() == AUTO else model,
            stage=Stage(stage) if stage else None,
            duration_s=duration,
            aspect=aspect,
            resolution=resolution,
            audio=audio,
            seed=seed,
            negative=negative,
            inputs=tuple(
                [
                    await self._bot.app.producer.add_input(
                        role, file.url, loopback_ok=self._loopback_ok
                    )
                    for role, file in (
                        (MediaRole.FIRST_FRAME, image),
                        (MediaRole.LAST_FRAME, end_image),
                        (MediaRole.REFERENCE, reference),
                        (MediaRole.MOTION, motion),
                    )
                    if file is not None
                ]
            ),
        )
        try:
            quote = await self._bot.app.producer.quote(brief, place_of(interaction))
        except Instead as successor:
            await offer(interaction, successor.quote, successor.user_message)
            return
        await offer(interaction, quote)

    @generate.autocomplete("model")
    async def _models(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return model_choices(self._bot.app, place_of(interaction), typed)

    def _loopback_ok(self, origin: str) -> bool:
        """Attachments come from this machine only where Discord itself does."""
        return self._bot.app.settings.discord_on_loopback


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(*BUTTONS)
    await bot.add_cog(Generate(bot))
