"""`/library`: this server's clips found again by words, model, person, day or pick.

Results are for one person's eyes; a search is remembered, so that its buttons know an id and a
page and work after a restart. Suggestions while typing come from memory alone.
"""

from __future__ import annotations

from typing import Final

import discord
from discord import SelectOption, app_commands
from discord.app_commands import Choice
from discord.ext import commands
from discord.ui import View

from bot.client import Dailies, Interaction, acknowledge, answer
from bot.desk import Recipe, Results, search_of
from bot.jobs import Job, State
from bot.ledger import scope_of
from bot.recent import Recent
from bot.store import Asked
from bot.texts import Tongue
from cogs import _presenter
from cogs._again import PostHere, hidden_channels, is_restricted
from cogs._options import model_choices, person_of, place_of
from cogs._press import Choose, Press, rows
from cogs._verbs import Again, Continue

__all__ = ["Library", "setup"]

_PAGE: Final = r"(?P<id>[0-9a-z]{16}-\d{1,4})"  # a search, and a page of what it found
_REMEMBERED: Final = 5000
_CHOICE_CHARS: Final = 100

Words = app_commands.Range[str, 1, 200]
Day = app_commands.Range[str, 1, 20]


class Library(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._recent = Recent()

    async def cog_load(self) -> None:
        for asked in reversed(await self._bot.app.store.library.newest(_REMEMBERED)):
            self._recent.put(asked)
        self._bot.switchboard.watch(self)

    async def cog_unload(self) -> None:
        self._bot.switchboard.unwatch(self)

    def moved(self, job: Job) -> None:
        """A finished clip's words are suggested from now on."""
        if job.state is not State.DONE or not job.clip or job.place.channel_id is None:
            return
        channel = self._bot.get_channel(job.place.channel_id)
        parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
        self._recent.put(
            Asked(
                job_id=job.id,
                scope=scope_of(job.place),
                prompt=job.brief.prompt,
                user_id=job.place.user_id,
                channels=tuple(c for c in (job.place.channel_id, parent_id) if c),
            )
        )

    def removed(self, job: Job) -> None:
        self._recent.drop(scope_of(job.place), job.id)

    @app_commands.command(description="Find clips of this server again, and how they were made.")
    @app_commands.describe(
        words="Words of the prompt, or how they begin",
        model="Only clips of this model",
        person="Only clips this person asked for",
        since="From this day on: 2026-11-23",
        until="Up to this day: 2026-11-30",
        picked="Only picked takes",
    )
    async def library(
        self,
        interaction: Interaction,
        words: Words | None = None,
        model: str | None = None,
        person: discord.Member | None = None,
        since: Day | None = None,
        until: Day | None = None,
        picked: bool = False,
    ) -> None:
        await acknowledge(interaction, private=True)
        search = search_of(
            words=words or "",
            model=model,
            user_id=person.id if person else None,
            since=since,
            until=until,
            picked=picked,
        )
        search_id = await self._bot.app.desk.look_for(search, person_of(interaction))
        await _show(interaction, f"{search_id}-0")

    @library.autocomplete("words")
    async def _said_before(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        found = self._recent.matching(
            scope_of(place_of(interaction)),
            typed,
            interaction.user.id,
            hidden_channels(interaction),
        )
        cut = dict.fromkeys(line[:_CHOICE_CHARS].strip() for line in found)
        return [Choice(name=line, value=line) for line in cut if line]

    @library.autocomplete("model")
    async def _named(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        t = Tongue(str(interaction.locale))
        return model_choices(self._bot.app, place_of(interaction), typed, t, auto=False)


async def _show(interaction: Interaction, key: str) -> None:
    """A page of results, in place of what the message showed before."""
    bot = interaction.client
    search_id, _, page = key.partition("-")
    t, models = bot.tongue(interaction.user.id), bot.app.catalogue.models
    results = await bot.app.desk.results(
        search_id, int(page), person_of(interaction), hidden_channels(interaction)
    )
    text = _presenter.search_results(t, results, models)
    await answer(interaction, text, _results_view(interaction, t, results), files=[])


def _results_view(interaction: Interaction, t: Tongue, results: Results) -> View | None:
    key, page = results.search_id, results.page
    options: list[SelectOption] = []
    for found in results.found:
        label, about = _presenter.clip_option(t, found, interaction.client.app.catalogue.models)
        options.append(SelectOption(label=label, value=found.job_id, description=about))
    menu = [Pick(f"{key}-{page}", options, t("library.choose"), row=0)] if options else []
    turns: list[Press] = []
    if page:
        turns.append(Turn(f"{key}-{page - 1}", t("button.previous"), row=1))
    if results.more:
        turns.append(Turn(f"{key}-{page + 1}", t("button.next"), row=1))
    return rows(menu, turns) if menu or turns else None


class Turn(Press, template=f"libpage:{_PAGE}"):
    """To a page of results."""

    kind = "libpage"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        await _show(interaction, self.key)


class Pick(Choose, template=f"libpick:{_PAGE}"):
    """How one of the clips was made, with its picture and what can follow."""

    kind = "libpick"

    async def chosen(self, interaction: Interaction, value: str) -> None:
        await acknowledge(interaction, pressed=True)
        bot = interaction.client
        t, models = bot.tongue(interaction.user.id), bot.app.catalogue.models
        found = await bot.app.desk.recipe(
            value,
            person_of(interaction),
            interaction.channel_id or 0,
            restricted=lambda channel_id: is_restricted(bot, channel_id),
            hidden=hidden_channels(interaction),
        )
        text = _presenter.recipe(t, found, models)
        await answer(interaction, text, _recipe_view(t, found, self.key), files=_poster(found))


def _recipe_view(t: Tongue, found: Recipe, key: str) -> View:
    job = found.job
    price = _presenter.money(t, job.hold_micros)
    return rows(
        [
            PostHere.labelled(job.id, t, row=0),
            Again.labelled(job.id, t, row=0, price=price),
            Continue.labelled(job.id, t, row=0),
            Turn(key, t("button.results"), row=0),
        ]
    )


def _poster(found: Recipe) -> list[discord.File]:
    if found.poster is None:
        return []
    job = found.job
    words = _presenter.alt_text(job)
    name = f"poster-{job.id}.jpg"
    return [discord.File(found.poster, name, description=words, spoiler=job.brief.spoiler)]


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(Turn, Pick)
    await bot.add_cog(Library(bot))
