"""From a priced next step to its card, and from a card to its jobs.

What is free or within the person's threshold starts at once and says so; the rest waits for Go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import discord
from discord import ButtonStyle
from discord.ui import View

from bot.client import Interaction, acknowledge, answer
from bot.errors import Refused
from bot.jobs import Job
from bot.limits import may_spend
from bot.producer import Instead, Quote
from bot.texts import Tongue
from bot.workbench import Next
from cogs import _presenter
from cogs._forms import prompt_form
from cogs._options import person_of, require_permissions
from cogs._press import ID, Choose, Press, rows
from cogs._rivals import CompareThese
from cogs._spot import Spot, of_interaction
from cogs._status import Page, status_page

__all__ = ["ITEMS", "Change", "offer", "offer_view", "started", "view_of"]

_MENU: Final = 25


async def offer(spot: Spot, step: Next) -> None:
    """Show what would be made; start it where that needs no question.

    Raises `Refused` where it starts at once and the day's cap would break.
    """
    text = await _card(spot, step)
    if not step.starts_at_once:
        quote_id = await spot.bot.app.workbench.offer(step)
        await spot.show(text, offer_view(spot.t, quote_id, step))
        return
    message_id = await spot.show(text)
    step = replace(step, quote=replace(step.quote, place=spot.place))
    try:
        jobs = await spot.bot.app.workbench.add_takes(
            step, origin=spot.origin, start=False, status_message_id=message_id
        )
    except Refused as error:
        await spot.show(spot.t.of(error.user_message))
        return
    await started(spot, jobs)


async def started(spot: Spot, jobs: Sequence[Job]) -> None:
    """Hand new jobs to the worker and let their message follow them."""
    for job in jobs:
        if not job.ended:
            spot.bot.app.worker.start(job)
        await spot.bot.switchboard.update(job)


async def _card(spot: Spot, step: Next) -> str:
    app = spot.bot.app
    model = step.quote.choice.model
    return _presenter.card(
        spot.t,
        step.quote,
        _presenter.Card(
            note=step.note,
            takes=step.takes,
            verb=step.verb,
            parent=step.parent,
            understood=step.refinement.understood if step.refinement else (),
            expected_s=None if step.quote.free else await app.workbench.expected_s(model),
            may_spend=may_spend(step.quote.place, app.settings.caps),
            at_once=step.starts_at_once,
        ),
    )


def offer_view(t: Tongue, quote_id: str, step: Next) -> View:
    """Go with the number, other words, other models, or not at all."""
    go = Go(quote_id, _presenter.go_label(t, step.total_micros), row=0)
    others = _menu(t, step.quote)
    line: list[Press] = [go, Edit.labelled(quote_id, t, row=0)]
    line += [CompareThese.labelled(quote_id, t, row=0)] if others else []
    line.append(NotNow.labelled(quote_id, t, row=0))
    return rows(line, [Switch(quote_id, others, t("button.switch"), row=1)] if others else [])


def _menu(t: Tongue, quote: Quote) -> list[discord.SelectOption]:
    others = [c for c in quote.decision.candidates if c.model != quote.choice.model]
    return [
        discord.SelectOption(
            label=f"{other.name} · {_presenter.price_of(t, other)}"[:100],
            value=other.model,
            description="; ".join(t.of(reason) for reason in other.reasons[:2])[:100] or None,
        )
        for other in others[:_MENU]
    ]


def view_of(page: Page) -> View | None:
    """The buttons of a page as the library wants them."""
    kinds: dict[str, type[Press]] = {kind.kind: kind for kind in (Cancel, Retry, Change, Elsewhere)}
    items: list[Press] = []
    for custom_id, label in page[1]:
        kind, _, key = custom_id.partition(":")
        items.append(kinds[kind](key, label))
    return rows(items) if items else None


class Go(Press, template=f"go:{ID}"):
    """The yes to a price."""

    kind, words, style = "go", "button.go", ButtonStyle.success

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        require_permissions(interaction)
        bot, message = interaction.client, interaction.message
        spot = of_interaction(interaction)
        bench, message_id = bot.app.workbench, message.id if message else None
        try:
            jobs = await bench.go(
                self.key,
                spot.person,
                channel_id=spot.place.channel_id,
                start=False,
                status_message_id=message_id,
            )
        except Instead as changed:
            await offer(spot, await bench.instead(self.key, changed, spot.person))
            return
        try:
            page = await status_page(bot, jobs)
            await answer(interaction, page[0], view_of(page))
        finally:
            await started(spot, jobs)


class NotNow(Press, template=f"notnow:{ID}"):
    """The no to a price."""

    kind, words = "notnow", "button.not_now"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        bot = interaction.client
        await bot.app.producer.drop_quote(self.key, person_of(interaction))
        await answer(interaction, bot.tongue(interaction.user.id)("card.not_made"))


class Edit(Press, template=f"edit:{ID}"):
    """Other words for what is offered: a form with the ones it has."""

    kind, words = "edit", "button.edit"

    async def pressed(self, interaction: Interaction) -> None:
        bot = interaction.client
        t = bot.tongue(interaction.user.id)
        brief = await bot.app.workbench.offered(self.key, person_of(interaction))
        form = prompt_form(t, f"edit:{self.key}", t("modal.edit_title"), brief.prompt)
        await interaction.response.send_modal(form)


class Switch(Choose, template=f"switch:{ID}"):
    """The same on another model, quoted afresh in the same card."""

    kind = "switch"

    async def chosen(self, interaction: Interaction, value: str) -> None:
        await acknowledge(interaction, pressed=True)
        spot = of_interaction(interaction)
        await offer(spot, await spot.bot.app.workbench.switch(self.key, value, spot.person))


class Retry(Press, template=f"retry:{ID}"):
    """What ended without a clip once more, at today's price."""

    kind, words = "retry", "button.retry"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        await offer(spot, await spot.bot.app.workbench.again(self.key, spot.person, spot.place))


class Change(Press, template=f"change:{ID}"):
    """Other words for the same take: a form with the ones it has."""

    kind, words = "change", "button.change"

    async def pressed(self, interaction: Interaction) -> None:
        bot = interaction.client
        t = bot.tongue(interaction.user.id)
        job = await bot.app.producer.job(self.key, person_of(interaction))
        form = prompt_form(t, f"change:{self.key}", t("button.change"), job.brief.prompt)
        await interaction.response.send_modal(form)


class Elsewhere(Press, template=f"elsewhere:{ID}"):
    """The same on the best other model, after one has refused it."""

    kind, words = "elsewhere", "button.switch"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        bench = spot.bot.app.workbench
        await offer(spot, await bench.elsewhere(self.key, spot.person, spot.place))


class Cancel(Press, template=f"cancel:{ID}"):
    """Stop a job, and what was asked for together with it, where that is possible."""

    kind, words, style = "cancel", "button.cancel", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        t = bot.tongue(interaction.user.id)
        job = await bot.app.producer.job(self.key, person)
        jobs = [one for one in await bot.app.producer.batch(job.batch) if not one.ended] or [job]
        said = [t.of(await bot.app.producer.cancel(one.id, person)) for one in jobs]
        await answer(interaction, "\n".join(dict.fromkeys(said)))
        for one in jobs:
            await bot.switchboard.update(await bot.app.producer.job(one.id, person))


ITEMS: Final = (Go, NotNow, Edit, Switch, Retry, Elsewhere, Cancel)
