"""The stand-in's time: it runs like ours and can be pushed ahead, so that the 3 s and 15 min rules
are tested in milliseconds. Ids carry it, as Discord's snowflakes do.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000


@dataclass(slots=True)
class Clock:
    """Real time plus what a test has added; `frozen` stops it between two `advance`s."""

    frozen: bool = False
    _started: float = field(default_factory=time.time)
    _monotonic: float = field(default_factory=time.monotonic)
    _ahead_s: float = 0.0

    def time(self) -> float:
        """Seconds since 1970."""
        running_s = 0.0 if self.frozen else time.monotonic() - self._monotonic
        return self._started + running_s + self._ahead_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds


@dataclass(slots=True)
class Snowflakes:
    """Ids that grow strictly and say when they were made."""

    clock: Clock
    _last: int = 0

    def next(self) -> int:
        made_at_ms = int(self.clock.time() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, made_at_ms << 22)
        return self._last


def snowflake_time(snowflake: int) -> datetime:
    return datetime.fromtimestamp(((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000, UTC)


def iso(moment: datetime) -> str:
    """As Discord writes times: microseconds and a numeric offset."""
    return moment.isoformat(timespec="microseconds")
