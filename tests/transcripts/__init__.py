"""Screens as people see them, played on the loopback Discord and written down.

`python -m tests.transcripts` writes the pages of `docs/screens`; a test holds that what is
committed is what is shown. Ids, links and times are written as words, so that a page only changes
when a screen does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from bot.config import Settings
from tests.clips import clip_bytes
from tests.cogs.conftest import PATIENCE_S
from tests.standin.discord import Channel, Discord, Interaction, Message, User
from tests.standin.discord.model import walk
from tests.standin.openai import Gateway

__all__ = ["Page", "Stage"]

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
_JOB = re.compile(r"\b0[0-9a-hjkmnp-tv-z]{15}\b")


@dataclass(slots=True)
class Page:
    """A page in the making: headings, what people did, and the screens that answered."""

    server: Discord
    lines: list[str] = field(default_factory=list)
    jobs: dict[str, str] = field(default_factory=dict)

    def title(self, words: str, about: str) -> None:
        self.lines += [f"# {words}", "", about, ""]

    def scene(self, words: str) -> None:
        self.lines += [f"## {words}", ""]

    def did(self, who: User, words: str) -> None:
        self.lines += [f"**{who.name}** {words}", ""]

    def shows(self, message: Message) -> None:
        """The screen as it is now: words, menus and buttons in reading order."""
        seen = [*self._words(message), *_files(message)]
        who = "only for whom it answers" if message.ephemeral else f"#{message.channel.name}"
        text = "\n".join(self._plain(line) for line in seen)
        self.lines += ["```text", f"[{who}]", text, "```", ""]

    def _words(self, message: Message) -> Iterator[str]:
        if message.content:
            yield message.content
        row: list[str] = []
        for part in walk(message.components):
            if part["type"] == 2:
                row.append(f"[ {part.get('label', '')} ]")
                continue
            if row:
                yield " ".join(row)
                row = []
            if part["type"] == 10:
                yield part["content"]
            elif part["type"] in (3, 5, 6, 7, 8):
                yield _menu(part)
        if row:
            yield " ".join(row)

    def _plain(self, text: str) -> str:
        world = self.server.world
        text = re.sub(r"\(https://discord\.com/channels/\S+?\)", "(link)", text)
        text = re.sub(r"https://discord\.com/channels/\S+", "(link)", text)
        text = re.sub(r"<t:\d+:R>", "just now", text)
        text = re.sub(r"<t:\d+:T>", "12:00:00", text)
        text = re.sub(r"<t:\d+:[dD]>", "23/11/2026", text)
        text = re.sub(r"<@(\d+)>", lambda m: f"@{world.users[int(m[1])].name}", text)
        text = re.sub(r"<#(\d+)>", lambda m: f"#{world.channels[int(m[1])].name}", text)
        text = re.sub(r"<@&(\d+)>", lambda m: f"@{_role(self.server, int(m[1]))}", text)
        text = re.sub(r"Done in [\d smin]+", "Done in 5 s", text)
        text = re.sub(r"Fertig in [\d smin]+", "Fertig in 5 s", text)
        return _JOB.sub(lambda m: self.jobs.setdefault(m[0], f"job-{len(self.jobs) + 1}"), text)

    def text(self) -> str:
        return "\n".join(self.lines).rstrip() + "\n"


class Stage:
    """A server with people, a vendor, and a bot with that vendor's key; `async with Stage(room)`.

    The bot's clock begins on a fixed day, for what it offers depends on the date.
    """

    def __init__(self, room: Path) -> None:
        self.room = room
        self.server = Discord()
        self.vendor = Gateway(clip=clip_bytes())
        self.ahead = datetime.now(UTC) - START
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.server)
        await self._stack.enter_async_context(self.vendor)
        self.shots = self.server.channel("shots")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def clock(self) -> datetime:
        return datetime.now(UTC) - self.ahead

    def settings(self, **more: Any) -> Settings:
        made: dict[str, Any] = {
            "discord_token": self.server.token,
            "discord_api_url": self.server.api_url,
            "discord_gateway_url": self.server.gateway_url,
            "discord_allowed_guilds": frozenset({self.server.home().id}),
            "gateway_api_key": SecretStr(self.vendor.key),
            "gateway_base_url": self.vendor.base_url,
            "data_dir": self.room / "data",
        }
        return Settings.model_validate(made | more)

    async def asked(self, who: User, where: Channel, name: str, **options: Any) -> Message:
        """A command's answer."""
        started = await self.server.slash(who, where, name, options)
        return await started.answered(PATIENCE_S)

    async def pressed(self, who: User, message: Message, label: str) -> Interaction:
        (custom_id,) = [
            message.custom_id(name) for name in message.buttons if name.startswith(label)
        ]
        return await self.server.press(who, message, custom_id)

    async def where(self, channel: Channel, words: str) -> Message:
        return await self.server.message_where(
            channel, lambda message: words in message.text, timeout=PATIENCE_S
        )

    async def turned(self, message: Message, words: str) -> None:
        """Returns once a message says so."""
        await self.server.wait_for(lambda: words in message.text, PATIENCE_S, words)


def _files(message: Message) -> list[str]:
    return [f"({_kind(file.filename)})" for file in message.attachments]


def _kind(name: str) -> str:
    return "video" if name.endswith(".mp4") else "picture"


def _menu(part: dict[str, Any]) -> str:
    options: Sequence[Any] = part.get("options") or ()
    chosen = [option["label"] for option in options if option.get("default")]
    hint = ", ".join(chosen) or part.get("placeholder") or ""
    kinds = {5: "people", 6: "roles", 8: "channels"}
    listed = [option["label"] for option in options] or [kinds.get(part["type"], "")]
    return f"[ {hint} ▾ ]  of: {' | '.join(listed)}"


def _role(server: Discord, number: int) -> str:
    roles = [role for guild in server.world.guilds.values() for role in guild.roles]
    return next(role.name for role in roles if role.id == number)
