"""A vendor's queue of ours: how many jobs at once, in which order, and when nobody may go.

Kept in memory only: what is lost with it is a delay. Whom the vendor is, its rate and its account
are `vendors`' business; what a job does when its turn comes is the worker's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from bot.texts import say

__all__ = ["Health", "Lane"]

_SILENCES: Final = 3  # calls in a row without an answer, then the vendor is left alone
_FIRST_PAUSE_S: Final = 15.0
_FIRST_BACK_OFF_S: Final = 2.0
_LONGEST_S: Final = 300.0
_ASKED_S: Final = (1.0, 3600.0)  # the least and most of a wait the vendor asks for
_NARROW: Final = timedelta(seconds=60)


@dataclass(kw_only=True, slots=True)
class Health:
    """How a vendor answers, and so from when on it may be given new work.

    Silence closes it after a few calls in a row, for longer each time; the free call then comes
    before the next submission (`doubted`). "Too many requests" closes it for as long as the vendor
    says, or longer each time. After either it is narrow for a minute: one new job at a time.
    """

    clock: Callable[[], datetime]
    opens_at: datetime | None = None
    why: str = ""
    doubted: bool = False
    _silences: int = 0
    _pauses: int = 0
    _throttles: int = 0
    _narrow_until: datetime | None = None

    @property
    def closed(self) -> bool:
        return self.opens_at is not None and self.clock() < self.opens_at

    @property
    def narrow(self) -> bool:
        return self._narrow_until is not None and self.clock() < self._narrow_until

    def answered(self, *, took: bool = False) -> bool:
        """It spoke (and took a job); True when that ended a pause."""
        self._silences = self._pauses = 0
        if took:
            self._throttles = 0
        if not self.doubted:
            return False
        self.doubted, self.opens_at = False, None
        return True

    def silent(self, detail: str) -> bool:
        """A call had no usable answer; True when that closed it."""
        self._silences += 1
        if self.closed or self._silences < _SILENCES:
            return False
        pause_s = min(_LONGEST_S, _FIRST_PAUSE_S * 2**self._pauses)
        self._pauses += 1
        self.doubted = True
        self._close(pause_s, f"{say('lane.silent')} ({detail})")
        return True

    def throttled(self, wait_s: float | None, detail: str) -> bool:
        """It asked for less; True when that closed it, False where it was closed already."""
        self._silences = 0
        was_closed = self.closed
        if wait_s is None:
            if was_closed:
                return False
            wait_s = min(_LONGEST_S, _FIRST_BACK_OFF_S * 2**self._throttles)
        least_s, most_s = _ASKED_S
        wait_s = min(most_s, max(least_s, wait_s))
        if not was_closed:
            self._throttles += 1
        self._close(wait_s, f"{say('lane.throttled')} ({detail})")
        return not was_closed

    def _close(self, seconds: float, why: str) -> None:
        now = self.clock()
        opens_at = now + timedelta(seconds=seconds)
        self.opens_at = max(self.opens_at or opens_at, opens_at)
        self._narrow_until = self.opens_at + _NARROW
        self.why = why


@dataclass(kw_only=True, slots=True)
class Lane:
    """So many jobs at a vendor at once; the rest wait in the order they came."""

    capacity: int
    health: Health
    _inside: set[str] = field(default_factory=set[str])
    _asking: set[str] = field(default_factory=set[str])  # inside, their submission unanswered
    _waiting: dict[str, asyncio.Future[bool]] = field(
        default_factory=dict[str, asyncio.Future[bool]]
    )
    _returning: set[str] = field(default_factory=set[str])  # stepped aside, back in a moment
    _tickets: dict[str, int] = field(default_factory=dict[str, int])
    _numbers: count[int] = field(default_factory=count)

    async def enter(self, job_id: str) -> bool:
        """Wait for a place; False when the lane closed meanwhile. Entering twice is entering once.

        A closed lane opens with the clock: whoever waits for that calls `admit` then.
        """
        if job_id in self._inside:
            return True
        self._tickets.setdefault(job_id, next(self._numbers))
        self._returning.discard(job_id)
        turn = asyncio.get_running_loop().create_future()
        self._waiting[job_id] = turn
        self.admit()
        try:
            return await turn
        finally:
            self._waiting.pop(job_id, None)
            self.admit()

    def admit(self) -> None:
        """Let in who may go now, the oldest first."""
        back = min((self._tickets[job_id] for job_id in self._returning), default=None)
        for job_id in sorted(self._waiting, key=self._tickets.__getitem__):
            overtakes = back is not None and self._tickets[job_id] > back
            if overtakes or not self._has_room():
                return
            turn = self._waiting[job_id]
            if not turn.done():
                self._inside.add(job_id)
                self._asking.add(job_id)
                turn.set_result(True)

    def resume(self, job_id: str) -> None:
        """A job the vendor already has takes its place, even above the capacity."""
        self._inside.add(job_id)

    def answered(self, job_id: str) -> None:
        """The vendor has said something about this job's submission."""
        self._asking.discard(job_id)
        self.admit()

    def leave(self, job_id: str) -> None:
        """Give the place free, and the turn."""
        for names in (self._inside, self._asking, self._returning):
            names.discard(job_id)
        self._tickets.pop(job_id, None)
        self.admit()

    def step_aside(self, job_id: str, *, for_long: bool) -> None:
        """Give the place free and keep the turn; nobody younger goes first, unless it takes long.

        The job must `enter` or `leave` again.
        """
        self._inside.discard(job_id)
        self._asking.discard(job_id)
        if job_id in self._tickets and not for_long:
            self._returning.add(job_id)
        self.admit()

    def send_back(self) -> None:
        """The lane has closed: everybody who waits is told."""
        for turn in self._waiting.values():
            if not turn.done():
                turn.set_result(False)

    def ahead_of(self, job_id: str) -> int:
        """How many jobs wait before this one; 0 when it is next or inside."""
        mine = self._tickets.get(job_id)
        if mine is None or job_id not in self._waiting:
            return 0
        return sum(self._tickets[other] < mine for other in self._waiting)

    def _has_room(self) -> bool:
        if len(self._inside) >= self.capacity or self.health.closed:
            return False
        return not (self.health.narrow and self._asking)
