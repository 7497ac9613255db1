"""The server's own ranking for one person's eyes: its words, its picture, and a manager's recount.

`show_ranking(interaction)` answers a command or a button that has not been acknowledged yet.
"""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any, Final, Self

import discord
import structlog
from discord import ButtonStyle
from discord.ui import DynamicItem, UserSelect, View

from bot.client import Interaction, Telling, acknowledge
from bot.media import CannotDraw
from bot.producer import new_id
from bot.taste import TasteView
from bot.texts import Tongue
from cogs import _presenter
from cogs._options import person_of
from cogs._press import ID, Press, chosen

__all__ = ["ITEMS", "SeeRanking", "show_ranking"]

log = structlog.get_logger(__name__)


async def show_ranking(interaction: Interaction) -> None:
    """Whom this team prefers, for the person alone; managers can take out somebody's votes."""
    await acknowledge(interaction, private=True)
    await _show(interaction)


async def _show(interaction: Interaction, news: str = "") -> None:
    bot, person = interaction.client, person_of(interaction)
    t = bot.tongue(interaction.user.id)
    taste = await bot.app.comparing.taste(person)
    text = _presenter.ranking_text(t, taste, news)
    picture = await _picture(interaction, t, taste) if taste.ranked.votes else None
    view = View(timeout=None)
    if person.manager and taste.ranked.votes:
        view.add_item(TakeOut("votes", t("ranking.forget")))
    await interaction.edit_original_response(
        content=text, attachments=[] if picture is None else [picture], view=view
    )


async def _picture(interaction: Interaction, t: Tongue, taste: TasteView) -> discord.File | None:
    """The same as a picture; without it the words say all."""
    app = interaction.client.app
    target = app.folder / "tmp" / f"ranking-{new_id(app.clock())}.png"
    title = t("ranking.title").strip("*")
    try:
        await app.media.render_ranking(
            taste.ranked, target, title=title, price_of=taste.per_s_micros
        )
        return await asyncio.to_thread(_read, target, t("ranking.alt"))
    except CannotDraw as error:
        log.warning("ranking not drawn", error=error.user_message)
        return None
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)


def _read(picture: Path, alt: str) -> discord.File:
    return discord.File(io.BytesIO(picture.read_bytes()), "ranking.png", description=alt)


class SeeRanking(Press, template=f"ranking:{ID}"):
    """The way to it from wherever something has changed it."""

    kind, words = "ranking", "ranking.see"

    async def pressed(self, interaction: Interaction) -> None:
        await show_ranking(interaction)


class TakeOut(DynamicItem[UserSelect[View]], template=rf"takeout:{ID}"):
    """Whose votes are to go; asked once more before they do."""

    def __init__(self, key: str, placeholder: str = "") -> None:
        menu: UserSelect[View] = UserSelect(
            custom_id=f"takeout:{key}", placeholder=placeholder or None
        )
        super().__init__(menu)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await self.asked(interaction, chosen(interaction))

    async def asked(self, interaction: Interaction, user_id: str) -> None:
        await acknowledge(interaction, pressed=True)
        t = interaction.client.tongue(interaction.user.id)
        view = View(timeout=None)
        view.add_item(TakeOutNow.labelled(user_id, t))
        words = t("ranking.forget_ask", user=f"<@{user_id}>")
        await interaction.edit_original_response(content=words, attachments=[], view=view)


class TakeOutNow(Press, template=r"takeoutnow:(?P<id>\d{1,20})"):
    """The yes; whether this person may say it is decided behind it."""

    kind, words, style = "takeoutnow", "ranking.forget_yes", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        bot, person = interaction.client, person_of(interaction)
        count = await bot.app.comparing.forget_votes(int(self.key), person)
        t = bot.tongue(interaction.user.id)
        await _show(interaction, t("ranking.forgotten", count=count, user=f"<@{self.key}>"))


ITEMS: Final = (SeeRanking, TakeOut, TakeOutNow)
