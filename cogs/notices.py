"""Tells each server's log channel what it should know, once, a line each.

Looks at what is stored when a job takes a turn worth telling, and every minute. A channel that is
gone or closed to us costs no call; `/settings` says what is missing there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import Final

import discord
import structlog
from discord.ext import commands

from bot.client import LOST, Dailies
from bot.errors import BotError
from bot.jobs import Job, State
from bot.notices import Due, Notice

__all__ = ["LogChannel", "setup"]

_EVERY_S: Final = 60.0
_TELLING: Final = (State.QUEUED, State.UNCERTAIN, State.REFUNDING, State.REFUNDED)
_NONCE_CHARS: Final = 25
log = structlog.get_logger(__name__)


class LogChannel(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._news = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        self._bot.switchboard.watch(self)

    async def cog_unload(self) -> None:
        self._bot.switchboard.unwatch(self)
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait({self._loop})

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """May come more than once a client."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="log channels")
            self._loop.add_done_callback(_note_fault)
        self._news.set()

    def moved(self, job: Job) -> None:
        if job.state in _TELLING:
            self._news.set()

    def removed(self, job: Job) -> None:
        """Nothing to tell."""

    async def _run(self) -> None:
        while True:
            # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            try:
                for due in await self._bot.app.notices.due():
                    await self._tell(due)
            except BotError as error:
                log.error("log channels not told", error=error.user_message)

    async def _tell(self, due: Due) -> None:
        channel = self._bot.get_channel(due.channel_id)
        if not isinstance(channel, discord.TextChannel):
            return
        granted = channel.permissions_for(channel.guild.me)
        if channel.guild.id != int(due.scope) or not granted.send_messages:
            return
        t = self._bot.tongue(due.asked_by)
        for notice in due.notices:
            try:
                await channel.send(t.of(notice.text), nonce=_nonce(due, notice), silent=True)
            except (discord.HTTPException, discord.RateLimited, *LOST) as error:
                log.warning("log channel not told", channel_id=channel.id, error=str(error))
                return
            await self._bot.app.notices.set_told(due.scope, notice)


def _nonce(due: Due, notice: Notice) -> str:
    """Told again after a lost answer, it is still one message."""
    return hashlib.sha256(f"{due.scope} {notice.key}".encode()).hexdigest()[:_NONCE_CHARS]


def _note_fault(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (fault := done.exception()):
        log.error("log channels are not told any more", exc_info=fault)


async def setup(bot: Dailies) -> None:
    await bot.add_cog(LogChannel(bot))
