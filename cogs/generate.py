"""`/generate`: words, pictures and wishes become a take, after a price where it has one."""

from __future__ import annotations

from dataclasses import replace

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.brief import Brief, MediaRole, Stage
from bot.client import Dailies, Interaction, acknowledge
from bot.shots import Shot
from bot.texts import Tongue
from cogs._inputs import Source, links_in, source_at, upload_of, with_source
from cogs._offers import ITEMS, offer
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
from cogs._spot import Spot, in_thread, of_interaction

__all__ = ["Generate", "make", "setup", "shot_here"]


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
        )
        given = {
            MediaRole.FIRST_FRAME: image,
            MediaRole.LAST_FRAME: end_image,
            MediaRole.REFERENCE: reference,
            MediaRole.MOTION: motion,
        }
        files = {role: upload_of(file) for role, file in given.items() if file is not None}
        source = Source(uploads=list(files.values()), roles=list(files))
        await make(of_interaction(interaction), brief, source, interaction.user)

    @generate.autocomplete("model")
    async def _models(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        t = Tongue(str(interaction.locale))
        return model_choices(self._bot.app, place_of(interaction), typed, t)


async def make(
    spot: Spot, brief: Brief, source: Source, user: discord.Member | discord.User
) -> None:
    """The next take of the shot this place is, or the first of a new one.

    A link in the prompt to a picture, a video or a message is taken in like a file. Raises
    `Refused`; nothing is started then.
    """
    words, links = links_in(brief.prompt)
    brief = replace(brief, prompt=words)
    brief = await with_source(spot.bot, brief, source, spot.person)
    for link in links:
        found = await source_at(spot.bot, link, user, spot.person)
        brief = await with_source(spot.bot, brief, found, spot.person)
    shot = await shot_here(spot, brief.prompt)
    await offer(spot, await spot.bot.app.workbench.first(shot.id, brief, spot.person, spot.place))


async def shot_here(spot: Spot, prompt: str) -> Shot:
    """The shot of this thread; in a channel, a new one that will open its own."""
    bench = spot.bot.app.workbench
    asked = spot.asked
    thread_id = spot.place.channel_id if asked is not None and in_thread(asked) else None
    if thread_id is not None:
        found = await bench.shot_in(thread_id, spot.person)
        if found is not None:
            return found
    return await bench.start_shot(spot.place, prompt, origin=spot.origin, thread_id=thread_id)


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(*ITEMS)
    await bot.add_cog(Generate(bot))
