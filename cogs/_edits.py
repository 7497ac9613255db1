"""Keeps our messages current at a pace Discord allows: one queue for each channel.

All edits in a channel share one rate limit, so a channel is edited by one loop: a new stage at
once, the rest every five seconds, two seconds between any two edits, the newest state wins and
what did not change is not sent. What a message says and how it is sent is the caller's business:
it is asked for afresh whenever a message has its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar

import discord
import structlog

__all__ = ["EVERY_S", "FLOOR_S", "Edits", "Outcome", "Queue", "Shown"]

FLOOR_S: Final = 2.0  # between any two edits in a channel
EVERY_S: Final = 5.0  # between two edits of a message whose stage stays the same
AGAIN_S: Final = 10.0  # after an edit that got lost
TRIES: Final = 6
QUIET_AFTER: Final = timedelta(minutes=55)  # Discord counts edits of older messages strictly
log = structlog.get_logger(__name__)

Page = TypeVar("Page")


class Outcome(StrEnum):
    SENT = "sent"  # the message shows it
    LOST = "lost"  # may be tried again
    GONE = "gone"  # the message or its channel is not there, or not ours to edit any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown(Generic[Page]):
    """What a message should show; `last` when nothing more will come."""

    page: Page
    last: bool


@dataclass(slots=True)
class Line(Generic[Page]):
    """One message of a channel. Times are seconds of the event loop's clock."""

    key: str
    message_id: int | None  # tells its age
    page: Page | None = None  # what it shows, as far as we know
    moved: bool = True  # a new stage, not shown yet
    ends: bool = False  # something has ended that is not shown yet
    puts: int = 0
    looked_at: float = -math.inf
    failures: int = 0


@dataclass(slots=True)
class Queue(Generic[Page]):
    """The messages of one channel. Pure: says which is next, and when."""

    lines: dict[str, Line[Page]] = field(default_factory=dict[str, Line[Page]])
    edited_at: float = -math.inf

    def put(self, key: str, message_id: int | None, *, moved: bool, ends: bool) -> None:
        """There is news for a message: a new stage (`moved`), or even an end."""
        line = self.lines.setdefault(key, Line(key, message_id))
        line.message_id = message_id
        line.moved |= moved
        line.ends |= ends
        line.puts += 1

    def next(self, now: datetime) -> tuple[Line[Page], float] | None:
        """The line whose turn it is and the time of its turn, None while no line has one."""
        turns = [(self._turn(line, now), index) for index, line in enumerate(self.lines.values())]
        at, index = min(turns, default=(math.inf, 0))
        if math.isinf(at):
            return None
        return list(self.lines.values())[index], max(at, self.edited_at + FLOOR_S)

    def shown(self, line: Line[Page], puts: int, at: float, *, last: bool) -> None:
        """The message shows what was known when it had been put `puts` times."""
        line.looked_at = at
        if line.puts == puts:
            line.moved = line.ends = False
            if last:
                self.lines.pop(line.key, None)

    def _turn(self, line: Line[Page], now: datetime) -> float:
        if line.failures:
            return line.looked_at + AGAIN_S
        if not line.ends and _is_old(line.message_id, now):
            return math.inf
        return 0.0 if line.moved else line.looked_at + EVERY_S


class Edits(Generic[Page]):
    """The queues and their loops; a loop lives as long as its channel has something to show."""

    def __init__(
        self,
        render: Callable[[str], Awaitable[Shown[Page] | None]],
        send: Callable[[str, Page], Awaitable[Outcome]],
        clock: Callable[[], datetime],
    ) -> None:
        """`render` gives what a key should show now, None where there is nothing to show."""
        self._render = render
        self._send = send
        self._clock = clock
        self._queues: dict[int, Queue[Page]] = {}
        self._news: dict[int, asyncio.Event] = {}
        self._loops: dict[int, asyncio.Task[None]] = {}

    def put(
        self,
        channel_id: int,
        key: str,
        message_id: int | None = None,
        *,
        moved: bool = True,
        ends: bool = False,
    ) -> None:
        """Show this soon. Returns at once."""
        queue = self._queues.setdefault(channel_id, Queue())
        queue.put(key, message_id, moved=moved, ends=ends)
        self._news.setdefault(channel_id, asyncio.Event()).set()
        if channel_id not in self._loops:
            loop = asyncio.create_task(self._edit(channel_id), name=f"edits {channel_id}")
            self._loops[channel_id] = loop
            loop.add_done_callback(_note_fault)

    async def close(self) -> None:
        """Stop; what is not shown yet is shown by whoever starts next."""
        loops = list(self._loops.values())
        for loop in loops:
            loop.cancel()
        if loops:
            await asyncio.wait(loops)

    async def _edit(self, channel_id: int) -> None:
        try:
            await self._edit_until_shown(self._queues[channel_id], self._news[channel_id])
        finally:
            for kept in (self._loops, self._queues, self._news):
                kept.pop(channel_id, None)

    async def _edit_until_shown(self, queue: Queue[Page], news: asyncio.Event) -> None:
        """Returns once nothing is left, and not before a next loop may edit at once."""
        loop = asyncio.get_running_loop()
        while queue.lines or loop.time() < queue.edited_at + FLOOR_S:
            news.clear()
            turn = queue.next(self._clock())
            if turn is None:
                until = math.inf if queue.lines else queue.edited_at + FLOOR_S
            else:
                until = turn[1]
            if turn is not None and until <= loop.time():
                await self._bring(queue, turn[0])
                continue
            # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if math.isinf(until) else until):
                    await news.wait()

    async def _bring(self, queue: Queue[Page], line: Line[Page]) -> None:
        """Bring one message up to date."""
        loop, puts = asyncio.get_running_loop(), line.puts
        shown = await self._render(line.key)
        if shown is None:
            queue.lines.pop(line.key, None)
            return
        if shown.page != line.page:
            outcome = await self._send(line.key, shown.page)
            queue.edited_at = loop.time()
            line.failures = line.failures + 1 if outcome is Outcome.LOST else 0
            if outcome is Outcome.GONE or line.failures == TRIES:
                queue.lines.pop(line.key, None)
                return
            if outcome is Outcome.LOST:
                line.looked_at = loop.time()
                return
            line.page = shown.page
        queue.shown(line, puts, loop.time(), last=shown.last)


def _note_fault(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (fault := done.exception()):
        log.error("edits of a channel ended", loop=done.get_name(), exc_info=fault)


def _is_old(message_id: int | None, now: datetime) -> bool:
    if message_id is None:
        return False
    return now - discord.utils.snowflake_time(message_id) > QUIET_AFTER
