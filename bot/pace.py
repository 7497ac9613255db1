"""How this process passes time: what the clock says, how it waits, how long a transfer may take.

Everything that waits for a due time waits here, so that a test can move the clock instead of
sleeping. When something is due is said elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Clock", "Pace", "utc_now"]

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """A clock, and the waits that go with it."""

    clock: Clock = utc_now
    call_s: float = 300.0  # one call to a vendor as a whole, its uploads and a slow drip included
    download_s: float = 900.0  # one clip

    async def wait(self, until: datetime | None, wake: asyncio.Event) -> None:
        """Until then or until woken, whichever is first; None: until woken."""
        seconds = None if until is None else max(0.0, (until - self.clock()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()
