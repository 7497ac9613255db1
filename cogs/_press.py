"""Buttons and menus that know an id and nothing else, so they work on any message, after restarts.

Who may press is decided behind them, in `bot`; what is shown, in the presenter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self

import discord
from discord import ButtonStyle, SelectOption
from discord.ui import Button, DynamicItem, Select, View

from bot.client import Interaction, Telling
from bot.texts import Tongue

__all__ = ["ID", "Choose", "Press", "chosen", "rows"]

ID: Final = r"(?P<id>[0-9a-z]{1,64})"
_LABEL_CHARS: Final = 80


class Press(DynamicItem[Button[View]], template=r"(?!)"):
    """A button of ours: what goes wrong behind it is told as for a command."""

    kind: ClassVar[str]  # the first part of its custom id
    words: ClassVar[str]  # the key of its label
    style: ClassVar[ButtonStyle] = ButtonStyle.secondary

    def __init__(self, key: str, label: str = "", *, row: int | None = None) -> None:
        button: Button[View] = Button(
            label=(label or self.kind)[:_LABEL_CHARS],
            style=self.style,
            custom_id=f"{self.kind}:{key}",
            row=row,
        )
        super().__init__(button)
        self.key = key

    @classmethod
    def labelled(cls, key: str, t: Tongue, *, row: int | None = None, **values: object) -> Self:
        return cls(key, t(cls.words, **values), row=row)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await self.pressed(interaction)

    async def pressed(self, interaction: Interaction) -> None:
        raise AssertionError("every button says what it does")


class Choose(DynamicItem[Select[View]], template=r"(?!)"):
    """A menu of ours, with the same promises."""

    kind: ClassVar[str]

    def __init__(
        self,
        key: str,
        options: Sequence[SelectOption] = (),
        placeholder: str = "",
        *,
        row: int | None = None,
    ) -> None:
        # A menu must have an option; one that is only matched by its id has none of ours.
        menu: Select[View] = Select(
            custom_id=f"{self.kind}:{key}",
            placeholder=placeholder[:150] or None,
            options=list(options) or [SelectOption(label="-")],
            row=row,
        )
        super().__init__(menu)
        self.key = key

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await self.chosen(interaction, chosen(interaction))

    async def chosen(self, interaction: Interaction, value: str) -> None:
        raise AssertionError("every menu says what it does")


def chosen(interaction: discord.Interaction[Any]) -> str:
    """The one value a person has chosen in a menu."""
    data: Any = interaction.data or {}
    values: list[str] = data.get("values") or [""]
    return values[0]


def rows(*lines: Sequence[Press | Choose]) -> View:
    """A view without an end, its items in rows of at most five."""
    view = View(timeout=None)
    for line in lines:
        for item in line:
            view.add_item(item)
    return view
