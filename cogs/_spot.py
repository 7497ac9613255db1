"""Where a card is shown and its job will live: here, in the shot's thread, or under a message.

A card is the status message afterwards, so it must be a message the bot's own token can edit for
as long as a job takes. What is asked for in a shot's channel therefore goes into its thread, and
the person is told where; only they see that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import discord
import structlog
from discord.ui import View

from bot.client import Dailies, Interaction, acknowledge, answer
from bot.jobs import Place
from bot.producer import Person
from bot.shots import Shot
from bot.texts import Tongue
from cogs._options import person_of, place_of

__all__ = ["Spot", "begin", "in_thread", "of_interaction"]

_GONE: Final = (403, 404)
_LOCKED: Final = 50083  # an archived thread only moderators may wake
log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Spot:
    """One request and the place of its answer."""

    bot: Dailies
    person: Person
    place: Place
    t: Tongue
    origin: str  # unique for the request: the same twice makes nothing new
    asked: Interaction | None = None  # whose answer is the card
    under: discord.Message | None = None  # whose reply is the card
    aside: Interaction | None = None  # whose asker is told where the card is
    instead: discord.Message | None = None  # whose reply is the card where the thread is gone
    reply_to: discord.MessageReference | None = None
    message: discord.Message | discord.InteractionMessage | None = field(default=None)

    async def show(self, text: str, view: View | None = None) -> int:
        """Show or change the card; the id of its message. Raises what Discord answers."""
        if self.asked is not None:
            self.message = await answer(self.asked, text, view)
        elif self.message is not None:
            self.message = await self.message.edit(content=text, view=view)
        else:
            self.message = await self._send(text, view)
        return self.message.id

    async def _send(self, text: str, view: View | None) -> discord.Message:
        if self.under is not None:
            shown = discord.utils.MISSING if view is None else view
            return await self.under.reply(text, view=shown, mention_author=False)
        message = await self._post(text, view)
        if self.aside is not None:
            await answer(self.aside, self.t("card.in_thread", link=message.jump_url))
        return message

    async def _post(self, text: str, view: View | None) -> discord.Message:
        shown = discord.utils.MISSING if view is None else view
        channel = self.bot.get_partial_messageable(
            self.place.channel_id or 0, guild_id=self.place.guild_id
        )
        try:
            if self.reply_to is None:
                return await channel.send(text, view=shown)
            return await channel.send(text, view=shown, reference=self.reply_to)
        except discord.HTTPException as error:
            gone = error.status in _GONE or error.code == _LOCKED
            if not gone or self._elsewhere in (None, self.place.channel_id):
                raise
            # The shot's thread is gone: its takes go on where they are asked for.
            log.warning("thread is gone", channel_id=self.place.channel_id, error=str(error))
            self.place = replace(self.place, channel_id=self._elsewhere)
            self.under = self.instead
            if self.under is not None:
                return await self._send(text, view)
            return await self._post(text, view)

    @property
    def _elsewhere(self) -> int | None:
        """The channel somebody asks in for the thread of a shot."""
        if self.instead is not None:
            return self.instead.channel.id
        return self.aside.channel_id if self.aside else None


def in_thread(interaction: Interaction) -> bool:
    return isinstance(interaction.channel, discord.Thread)


async def begin(interaction: Interaction) -> None:
    """Acknowledge a press on a clip: openly in a thread, else for the presser alone."""
    await acknowledge(interaction, private=not in_thread(interaction))


def of_interaction(interaction: Interaction, shot: Shot | None = None) -> Spot:
    """The place of an answer: in place for a new shot and in a shot's own thread."""
    bot, place = interaction.client, place_of(interaction)
    spot = Spot(
        bot=bot,
        person=person_of(interaction),
        place=place,
        t=bot.tongue(interaction.user.id),
        origin=f"discord:{interaction.id}",
        asked=interaction,
    )
    if shot is None or in_thread(interaction):
        return spot
    spot.asked, spot.aside = None, interaction
    spot.place = replace(place, channel_id=shot.thread_id or place.channel_id)
    if shot.thread_id is None and interaction.message is not None:
        spot.reply_to = discord.MessageReference.from_message(
            interaction.message, fail_if_not_exists=False
        )
    return spot
