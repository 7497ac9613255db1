"""`/compare` and `/audition`: the same shot on several models, blind, and the team's vote."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.brief import Brief, MediaRole, Stage
from bot.client import Dailies, Interaction, acknowledge
from bot.comparing import model_ids
from cogs import _presenter
from cogs._inputs import Source, upload_of, with_source
from cogs._options import (
    ASPECTS,
    STAGES,
    Duration,
    Prompt,
    model_choices,
    place_of,
    require_permissions,
)
from cogs._ranking import ITEMS as RANKING
from cogs._rivals import ITEMS as RIVALS
from cogs._rivals import offer_all
from cogs._showing import Showing
from cogs._spot import of_interaction
from cogs._votes import ITEMS, card_view

__all__ = ["Compare", "setup"]


class Compare(commands.Cog):
    """The commands; while this client is connected, comparisons are shown by it."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._face = Showing(bot)

    async def cog_load(self) -> None:
        self._bot.app.comparing.attach(self._face)

    async def cog_unload(self) -> None:
        self._bot.app.comparing.detach(self._face)

    @app_commands.command(description="The same shot on several models, side by side, blind.")
    @app_commands.describe(
        prompt="What should be seen and how it moves, in any language",
        models="Two to four models. Default: the two best of different makers",
        blind="Hide the names until the vote has ended? Default: yes",
        image="A picture the clips start on",
        end_image="A picture the clips end on",
        stage="concept: cheap and fast (default), final: best quality",
        duration="Seconds. Default: the shortest from 5",
        aspect="Default: 16:9, or 9:16 where the words say reel, story or TikTok",
        audio="With sound? Default: no",
    )
    @app_commands.choices(stage=STAGES, aspect=ASPECTS)
    async def compare(
        self,
        interaction: Interaction,
        prompt: Prompt,
        models: str = "",
        blind: bool = True,
        image: discord.Attachment | None = None,
        end_image: discord.Attachment | None = None,
        stage: str | None = None,
        duration: Duration | None = None,
        aspect: str | None = None,
        audio: bool | None = None,
    ) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        brief = Brief(
            prompt=prompt,
            stage=Stage(stage) if stage else None,
            duration_s=duration,
            aspect=aspect,
            audio=audio,
        )
        given = {MediaRole.FIRST_FRAME: image, MediaRole.LAST_FRAME: end_image}
        files = {role: upload_of(file) for role, file in given.items() if file is not None}
        source = Source(uploads=list(files.values()), roles=list(files))
        brief = await with_source(self._bot, brief, source, spot.person)
        proposal = await self._bot.app.comparing.propose(
            brief, spot.place, models=model_ids(models), blind=blind
        )
        await offer_all(spot, proposal)

    @compare.autocomplete("models")
    async def _models(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """The last of several ids is completed, those before it stay."""
        known = model_ids(typed)
        last = "" if typed.endswith((" ", ",")) or not known else known[-1]
        before = known if last == "" else known[:-1]
        place = place_of(interaction)
        choices = model_choices(self._bot.app, place, last, auto=False)
        ahead = "".join(f"{model} " for model in before)
        return [
            Choice(name=f"{ahead}{choice.name}"[:100], value=f"{ahead}{choice.value}"[:100])
            for choice in choices
            if choice.value not in before
        ]

    @app_commands.command(description="Try a model against the one you use: seven prompts, blind.")
    @app_commands.describe(
        model="The model on trial",
        against="Whom it is tried against. Default: the one this server would use now",
        stage="concept: cheap and fast (default), final: best quality",
    )
    @app_commands.choices(stage=STAGES[1:])
    async def audition(
        self,
        interaction: Interaction,
        model: str,
        against: str | None = None,
        stage: str = Stage.CONCEPT.value,
    ) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        app, t = self._bot.app, self._bot.tongue(interaction.user.id)
        trial = await app.comparing.audition.propose(
            model, place_of(interaction), against=against, stage=Stage(stage)
        )
        offer = await app.comparing.audition.offer(trial)
        text = _presenter.trial_card(t, trial, app.catalogue.models)
        await of_interaction(interaction).show(text, card_view(t, offer, trial.total_micros))

    @audition.autocomplete("model")
    @audition.autocomplete("against")
    async def _one_model(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return model_choices(self._bot.app, place_of(interaction), typed, auto=False)


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(*ITEMS, *RIVALS, *RANKING)
    await bot.add_cog(Compare(bot))
