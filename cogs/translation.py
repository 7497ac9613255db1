"""Commands in the reader's language: their English words stand in the catalogue's [commands].

Names of slash commands stay as they are, because people's notes and scripts rely on them.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation, TranslationContextTypes, locale_str

from bot.client import Dailies
from bot.texts import ENGLISH, Tongue, in_section

__all__ = ["Commands", "in_tongue", "setup"]

_SECTION = "commands"


class Commands(app_commands.Translator):
    """Nothing for a language nobody has written: Discord then shows the English words."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        t = Tongue(locale.value)
        if t.language == ENGLISH or _is_name(context):
            return None
        key = in_section(string.message, _SECTION)
        return None if key is None else t(key)


def in_tongue(t: Tongue, words: str) -> str:
    """A command's own words in a person's language."""
    key = in_section(words, _SECTION)
    return words if key is None else t(key)


def _is_name(context: Any) -> bool:
    """Of a slash command or its option, which stay English; a menu's name is what people read."""
    if context.location is TranslationContextLocation.command_name:
        return not isinstance(context.data, app_commands.ContextMenu)
    return context.location is TranslationContextLocation.parameter_name


async def setup(bot: Dailies) -> None:
    await bot.tree.set_translator(Commands())
