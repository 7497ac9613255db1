"""Keeps status messages current at a pace Discord allows: one board for each channel.

All edits in a channel share one rate limit, so a channel is edited by one loop: a new stage at
once, the rest every five seconds, two seconds between any two edits, the newest state wins and
what did not change is not sent. What a message says and how it is sent is the caller's business.
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

from bot.jobs import Job

__all__ = ["EVERY_S", "FLOOR_S", "Board", "Edits", "Outcome"]

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


@dataclass(slots=True)
class Line(Generic[Page]):
    """One message of a board. Times are seconds of the event loop's clock."""

    job: Job
    page: Page | None = None  # what it shows, as far as we know
    stage: str = ""  # of the job, when it was last looked at
    looked_at: float = -math.inf
    failures: int = 0

    @property
    def moved(self) -> bool:
        return stage_of(self.job) != self.stage


@dataclass(slots=True)
class Board(Generic[Page]):
    """The messages of one channel. Pure: says which is next, and when."""

    lines: dict[str, Line[Page]] = field(default_factory=dict[str, Line[Page]])
    edited_at: float = -math.inf

    def put(self, job: Job) -> None:
        """A newer state of a job; one that is older than what is known is dropped."""
        line = self.lines.get(job.id)
        if line is None:
            self.lines[job.id] = Line(job)
        elif job.ver >= line.job.ver:
            line.job = job

    def next(self, now: datetime) -> tuple[Line[Page], float] | None:
        """The line whose turn it is and the time of its turn, None while no line has one."""
        turns = [(self._turn(line, now), index) for index, line in enumerate(self.lines.values())]
        at, index = min(turns, default=(math.inf, 0))
        if math.isinf(at):
            return None
        return list(self.lines.values())[index], max(at, self.edited_at + FLOOR_S)

    def shown(self, line: Line[Page], job: Job, at: float) -> None:
        """The message shows this state; the line may know a newer one already."""
        line.stage, line.looked_at = stage_of(job), at
        if job.ended:
            self.lines.pop(job.id, None)

    def _turn(self, line: Line[Page], now: datetime) -> float:
        if line.failures:
            return line.looked_at + AGAIN_S
        if not line.job.ended and _is_old(line.job, now):
            return math.inf
        return 0.0 if line.moved else line.looked_at + EVERY_S


class Edits(Generic[Page]):
    """The boards and their loops; a loop lives as long as its channel has something to show."""

    def __init__(
        self,
        render: Callable[[Job], Page],
        send: Callable[[Job, Page], Awaitable[Outcome]],
        clock: Callable[[], datetime],
    ) -> None:
        self._render = render
        self._send = send
        self._clock = clock
        self._boards: dict[int, Board[Page]] = {}
        self._news: dict[int, asyncio.Event] = {}
        self._loops: dict[int, asyncio.Task[None]] = {}

    def put(self, channel_id: int, job: Job) -> None:
        """Show this soon, in the message the job knows. Returns at once."""
        self._boards.setdefault(channel_id, Board()).put(job)
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
            await self._edit_until_shown(self._boards[channel_id], self._news[channel_id])
        finally:
            for kept in (self._loops, self._boards, self._news):
                kept.pop(channel_id, None)

    async def _edit_until_shown(self, board: Board[Page], news: asyncio.Event) -> None:
        """Returns once nothing is left, and not before a next loop may edit at once."""
        loop = asyncio.get_running_loop()
        while board.lines or loop.time() < board.edited_at + FLOOR_S:
            news.clear()
            turn = board.next(self._clock())
            if turn is None:
                until = math.inf if board.lines else board.edited_at + FLOOR_S
            else:
                until = turn[1]
            if turn is not None and until <= loop.time():
                await self._bring(board, turn[0])
                continue
            # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if math.isinf(until) else until):
                    await news.wait()

    async def _bring(self, board: Board[Page], line: Line[Page]) -> None:
        """Bring one message up to date."""
        loop, job = asyncio.get_running_loop(), line.job
        page = self._render(job)
        if page != line.page:
            outcome = await self._send(job, page)
            board.edited_at = loop.time()
            line.failures = line.failures + 1 if outcome is Outcome.LOST else 0
            if outcome is Outcome.GONE or line.failures == TRIES:
                board.lines.pop(job.id, None)
                return
            if outcome is Outcome.LOST:
                line.looked_at = loop.time()
                return
            line.page = page
        board.shown(line, job, loop.time())


def _note_fault(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (fault := done.exception()):
        log.error("edits of a channel ended", loop=done.get_name(), exc_info=fault)


def stage_of(job: Job) -> str:
    """What is worth an edit at once when it changes."""
    return f"{job.state} {job.reason} {job.cancel_at is not None} {job.message}"


def _is_old(job: Job, now: datetime) -> bool:
    if job.status_message_id is None:
        return False
    return now - discord.utils.snowflake_time(job.status_message_id) > QUIET_AFTER
