"""A written record of what people did and saw on the loopback Discord, the same every time.

Ids, times, links and how long things took differ from run to run and are written as "…".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.standin.discord import Discord, Message

__all__ = ["Transcript", "screen"]

_SAME: Final = (
    (re.compile(r"<t:\d+:R>"), "just now"),
    (re.compile(r"\]\(https://discord\.com/channels/[\d/]+\)"), "](…)"),
    (re.compile(r"https://discord\.com/channels/[\d/]+"), "(link)"),
    (re.compile(r"\b01[0-9a-hjkmnp-tv-z]{14}\b"), "…"),
    (re.compile(r"\b(about|in) \d+ (?:s|min(?: \d+ s)?)\b"), r"\1 … s"),
    (re.compile(r" [▰▱]+ \d+ %"), ""),
    (re.compile(r"<#\d+>"), "#shots"),
)


class Transcript:
    """Lines of a story: what was done, with its taps, and the screens that came of it."""

    def __init__(self, server: Discord, title: str, opening: str) -> None:
        self._server = server
        self._lines = [f"# {title}", "", opening]
        self.taps = 0

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def part(self, title: str, words: str = "") -> None:
        """A new part of the story; its taps are counted from 1."""
        self.taps = 0
        self._lines += ["", f"## {title}"]
        if words:
            self._lines += ["", words]

    def did(self, who: str, what: str, *, taps: int = 1) -> None:
        """A person did something; sending a command, a form or a message is one tap."""
        self.taps += taps
        count = f" `tap {self.taps}`" if taps == 1 else ""
        self._lines += ["", f"**{who}** {what}{count}"]

    def note(self, words: str) -> None:
        self._lines += ["", f"*{words}*"]

    def shows(self, message: Message, place: str = "", *, text: str | None = None) -> None:
        """The screen as it is now (or was, with `text`)."""
        alone = ", for their eyes only" if message.ephemeral else ""
        head = [f"{place}{alone}:".lstrip(", ")] if place or alone else []
        shown = screen(self._server, message, text)
        self._lines += ["", *head, *([""] if head else []), "```text", *shown, "```"]


def screen(server: Discord, message: Message, text: str | None = None) -> Sequence[str]:
    """A message as lines: its words, its files, and its buttons row by row."""
    words = message.text if text is None else text
    for user in server.world.users.values():
        words = words.replace(user.mention, f"@{user.name}")
    lines = [*words.split("\n"), *[f"[file {_file(one.filename)}]" for one in message.attachments]]
    rows: list[list[Any]] = [row.get("components", [row]) for row in message.components]
    lines += ["  ".join(_piece(piece) for piece in row) for row in rows]
    return [_same(line) for line in lines]


def _file(name: str) -> str:
    return re.sub(r"-[0-9a-z]{16}", "-…", name)


def _piece(piece: dict[str, Any]) -> str:
    if piece["type"] == 3:
        return f"[{piece.get('placeholder', '')} v]"
    return f"[{piece.get('label', '')}]"


def _same(line: str) -> str:
    for pattern, instead in _SAME:
        line = pattern.sub(instead, line)
    return line.rstrip()
