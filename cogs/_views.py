"""The buttons. Each knows an id and nothing else, so it works on any message, after any restart.

Who may press is decided in the producer; what is shown, in the presenter.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Self

import discord
from discord import ButtonStyle
from discord.ui import Button, DynamicItem, View

from bot.client import Dailies, Interaction, Telling, acknowledge, answer
from bot.jobs import Job, Reason, State
from bot.limits import may_spend
from bot.producer import Instead, Quote
from cogs import _presenter
from cogs._options import person_of, place_of, require_permissions

__all__ = ["BUTTONS", "Page", "again_view", "offer", "status_page", "view_of"]

Page = tuple[str, tuple[str, ...]]  # text and the custom ids under it: comparable, unlike a View

_ID: Final = r"(?P<id>[0-9a-z]{1,64})"
_RETRY: Final = (Reason.FAILED, Reason.CANCELLED, Reason.EXPIRED, Reason.NOT_SUBMITTED)


async def offer(interaction: Interaction, quote: Quote, note: str = "") -> None:
    """Show a quote as the answer. What is free starts at once, the rest waits for Go."""
    bot = interaction.client
    listed = may_spend(quote.place, bot.app.settings.caps)
    card = _presenter.card(quote, note, may_spend=listed)
    if not quote.free or note:
        quote_id = await bot.app.producer.keep_quote(quote)
        await answer(interaction, card, _offer_view(quote_id, quote))
        return
    message = await answer(interaction, card)
    (job,) = await bot.app.producer.generate(
        quote, origin=f"discord:{interaction.id}", status_message_id=message.id
    )
    await bot.switchboard.update(job)


def status_page(bot: Dailies, job: Job) -> Page:
    """How a job stands now, with the button it takes."""
    worker = bot.app.worker
    text = _presenter.status_message(
        job,
        bot.app.catalogue.models,
        ahead=worker.ahead_of(job),
        progress=worker.progress_of(job),
    )
    if _can_be_stopped(bot, job):
        return text, (f"cancel:{job.id}",)
    retry = job.state is State.REFUNDED and job.reason in _RETRY
    return text, (f"again:{job.id}",) if retry else ()


def view_of(page: Page) -> View | None:
    """The buttons of a page as the library wants them."""
    view = View(timeout=None)
    for custom_id in page[1]:
        kind, _, key = custom_id.partition(":")
        view.add_item(Cancel(key) if kind == "cancel" else Again(key, "Try again"))
    return view if view.children else None


def again_view(job: Job) -> View:
    """Under a clip."""
    return View(timeout=None).add_item(Again(job.id))


def _offer_view(quote_id: str, quote: Quote) -> View:
    go = Go(quote_id, _presenter.go_label(quote))
    return View(timeout=None).add_item(go).add_item(NotNow(quote_id))


def _can_be_stopped(bot: Dailies, job: Job) -> bool:
    if job.cancel_at is not None:
        return False
    if job.state is State.RENDERING:
        client = bot.app.vendors.client(job.provider)
        return client is not None and client.facts.cancellable
    return job.state in (State.QUEUED, State.SUBMITTING, State.UNCERTAIN)


class _Press(DynamicItem[Button[View]], template=r"(?!)"):
    """A button of ours: what goes wrong behind it is told as for a command."""

    kind: ClassVar[str]
    words: ClassVar[str]
    style: ClassVar[ButtonStyle] = ButtonStyle.secondary

    def __init__(self, key: str, label: str = "") -> None:
        button: Button[View] = Button(
            label=(label or self.words)[:80], style=self.style, custom_id=f"{self.kind}:{key}"
        )
        super().__init__(button)
        self.key = key

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await self.pressed(interaction)

    async def pressed(self, interaction: Interaction) -> None:
        raise NotImplementedError


class Go(_Press, template=f"go:{_ID}"):
    """The yes to a price."""

    kind, words, style = "go", "Go", ButtonStyle.success

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        require_permissions(interaction)
        bot, message = interaction.client, interaction.message
        try:
            job = await bot.app.producer.take_quote(
                self.key,
                person_of(interaction),
                start=False,
                status_message_id=message.id if message else None,
            )
        except Instead as changed:
            await offer(interaction, changed.quote, changed.user_message)
            return
        try:
            page = status_page(bot, job)
            await answer(interaction, page[0], view_of(page))
        finally:
            if not job.ended:
                bot.app.worker.start(job)
            await bot.switchboard.update(job)


class NotNow(_Press, template=f"notnow:{_ID}"):
    """The no to a price."""

    kind, words = "notnow", "Not now"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        await interaction.client.app.producer.drop_quote(self.key, person_of(interaction))
        await answer(interaction, "Not made. Nothing was spent.")


class Again(_Press, template=f"again:{_ID}"):
    """The same brief with a new seed, at today's price."""

    kind, words = "again", "Again"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        producer = interaction.client.app.producer
        try:
            quote = await producer.again(self.key, person_of(interaction), place_of(interaction))
        except Instead as successor:
            await offer(interaction, successor.quote, successor.user_message)
            return
        await offer(interaction, quote)


class Cancel(_Press, template=f"cancel:{_ID}"):
    """Stop a job, where that is possible."""

    kind, words, style = "cancel", "Cancel", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        await answer(interaction, await bot.app.producer.cancel(self.key, person))
        await bot.switchboard.update(await bot.app.producer.job(self.key, person))


BUTTONS: Final = (Go, NotNow, Again, Cancel)
