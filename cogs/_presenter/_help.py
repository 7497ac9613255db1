"""How to begin, on one screen."""

from __future__ import annotations

from collections.abc import Sequence

from bot.texts import Tongue
from cogs._presenter._format import fill


def help_screen(t: Tongue, commands: Sequence[tuple[str, str]], *, may_spend: bool) -> str:
    """What the bot is for, how to begin and go on, and every command in a line."""
    parts = ("title", "start", "shots", "words", "pictures")
    lines = [
        *[t(f"help.{part}") for part in parts],
        *[t("help.command", name=name, about=about) for name, about in sorted(commands)],
        "" if may_spend else t("card.free_only"),
    ]
    return fill(t, lines)
