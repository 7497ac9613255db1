"""`/jobs`: how one's newest jobs stand, or everybody's; the card of one, and what helps it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord
from discord import ButtonStyle, SelectOption, app_commands
from discord.app_commands import Choice
from discord.ext import commands
from discord.ui import View

from bot.client import Dailies, Interaction, Telling, acknowledge, answer
from bot.desk import Deed, JobCard
from bot.jobs import Job
from bot.texts import Tongue
from cogs import _presenter
from cogs._again import HasAge, PostHere
from cogs._forms import Filled, filled, line_form
from cogs._offers import Cancel, Retry
from cogs._options import person_of
from cogs._press import ID, Choose, Press, rows

__all__ = ["Jobs", "setup"]

_MINE: Final = "mine"
_EVERYBODY: Final = "everybody"
_FORM: Final = "vendorid"
_MENU: Final = 25


class Jobs(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="Your newest jobs and how they stand. Managers see all.")
    @app_commands.describe(view="Whose jobs. Managers may see everybody's")
    @app_commands.choices(
        view=[
            Choice(name="my jobs", value=_MINE),
            Choice(name="everybody's jobs (managers)", value=_EVERYBODY),
        ]
    )
    async def jobs(self, interaction: Interaction, view: str | None = None) -> None:
        await acknowledge(interaction, private=True)
        person, t = person_of(interaction), self._bot.tongue(interaction.user.id)
        everybody = person.manager if view is None else view == _EVERYBODY
        found = await self._bot.app.desk.jobs(person, everybody=everybody)
        models = self._bot.app.catalogue.models
        text = _presenter.job_list(t, found, models, everybody=everybody)
        menu = _menu(self._bot, t, found, everybody=everybody)
        await answer(interaction, text, rows([menu]) if menu else None)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Dailies]) -> None:
        """The vendor's id of an uncertain job, typed into a form."""
        form = filled(interaction)
        if form is not None and form.kind == _FORM:
            async with Telling(interaction):
                await _has_it(interaction, form)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Which channels are for adults only: their clips may outlive them."""
        places = [
            channel
            for guild in self._bot.guilds
            for channel in (*guild.channels, *guild.threads)
            if isinstance(channel, HasAge)
        ]
        await self._bot.app.store.desk.set_restricted({p.id: p.is_nsfw() for p in places})

    @commands.Cog.listener()
    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        await self._learn(channel)

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, _before: discord.abc.GuildChannel, channel: discord.abc.GuildChannel
    ) -> None:
        await self._learn(channel)

    @commands.Cog.listener()
    async def on_thread_create(self, thread: discord.Thread) -> None:
        await self._learn(thread)

    async def _learn(self, channel: discord.abc.GuildChannel | discord.Thread) -> None:
        if isinstance(channel, HasAge):
            await self._bot.app.store.desk.set_restricted({channel.id: channel.is_nsfw()})


def _menu(
    bot: Dailies, t: Tongue, jobs: Sequence[Job], *, everybody: bool, row: int | None = None
) -> JobMenu | None:
    """The listed jobs to choose one from."""
    options: list[SelectOption] = []
    for job in jobs[:_MENU]:
        label, description = _presenter.job_option(t, job, bot.app.catalogue.models)
        options.append(SelectOption(label=label, value=job.id, description=description))
    key = _EVERYBODY if everybody else _MINE
    return JobMenu(key, options, t("jobs.choose"), row=row) if options else None


async def _show(interaction: Interaction, job_id: str, *, everybody: bool) -> None:
    """A job's card in place of the list, the list's menu still under it."""
    bot, person = interaction.client, person_of(interaction)
    t = bot.tongue(interaction.user.id)
    card = await bot.app.desk.card(job_id, person)
    listed = await bot.app.desk.jobs(person, everybody=everybody)
    menu = _menu(bot, t, listed, everybody=everybody, row=2)
    text = _presenter.job_card(t, card, bot.app.catalogue.models)
    await answer(interaction, text, _card_view(t, card, menu))


def _card_view(t: Tongue, card: JobCard, menu: JobMenu | None) -> View:
    job_id, deeds = card.job.id, card.deeds
    buttons: dict[Deed, type[Press]] = {
        Deed.CANCEL: Cancel,
        Deed.RETRY: Retry,
        Deed.POST: PostHere,
    }
    first = [press.labelled(job_id, t, row=0) for deed, press in buttons.items() if deed in deeds]
    verdicts: tuple[type[Press], ...] = (HasIt, NotSubmitted, Spent)
    second = [press.labelled(job_id, t, row=1) for press in verdicts if Deed.RESOLVE in deeds]
    return rows(first, second, [menu] if menu else [])


class JobMenu(Choose, template=r"jobmenu:(?P<id>mine|everybody)"):
    """Which of the listed jobs to look at."""

    kind = "jobmenu"

    async def chosen(self, interaction: Interaction, value: str) -> None:
        await acknowledge(interaction, pressed=True)
        await _show(interaction, value, everybody=self.key == _EVERYBODY)


class HasIt(Press, template=f"hasit:{ID}"):
    """The vendor shows the job under an id, which a form asks for."""

    kind, words = "hasit", "button.has_it"

    async def pressed(self, interaction: Interaction) -> None:
        t = interaction.client.tongue(interaction.user.id)
        lines = {"remote": (t("modal.remote_id"), "")}
        form = line_form(f"{_FORM}:{self.key}", t("modal.has_it_title"), lines)
        await interaction.response.send_modal(form)


async def _has_it(interaction: Interaction, form: Filled) -> None:
    await acknowledge(interaction, pressed=True)
    await _resolve(interaction, form.key, f"remote:{form.fields.get('remote', '')}")


class NotSubmitted(Press, template=f"notsent:{ID}"):
    """The vendor never got it: the hold is released."""

    kind, words = "notsent", "button.not_submitted"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        await _resolve(interaction, self.key, "not-submitted")


class Spent(Press, template=f"spent:{ID}"):
    """The money is gone and no clip will come."""

    kind, words, style = "spent", "button.spent", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        await _resolve(interaction, self.key, "spent")


async def _resolve(interaction: Interaction, job_id: str, verdict: str) -> None:
    """A manager has decided; the card shows what came of it."""
    desk = interaction.client.app.desk
    await desk.resolve(job_id, verdict, person_of(interaction))
    await _show(interaction, job_id, everybody=True)


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(JobMenu, PostHere, HasIt, NotSubmitted, Spent)
    await bot.add_cog(Jobs(bot))
