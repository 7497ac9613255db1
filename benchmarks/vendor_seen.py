"""From "the vendor is done" to "we know": our polling over drawn render times, nothing is called.

Render times are lognormal around a minute and a half. The reply itself takes no time here: a round
trip to the vendor comes on top. `full lane` has as many jobs as the vendor's lane takes, sharing
its calls per minute.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.table import Row, percentile, show
from bot.jobs import RenderTimes, poll_again
from providers import PROVIDERS
from providers.base import Facts

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MEDIAN_S: Final = 90.0
SPREAD: Final = 0.5
JOBS: Final = 400
BUDGET_S: Final = 2.0


def rows() -> list[Row]:
    return [_row(facts, names) for facts, names in _alike().items() if facts.poll_floor_s > 0]


def _alike() -> dict[Facts, str]:
    """Vendors that are polled alike, together."""
    alike: dict[tuple[float, int, int], list[str]] = {}
    for name, kind in PROVIDERS.items():
        facts = kind.facts
        key = (facts.poll_floor_s, facts.per_minute, facts.concurrency)
        alike.setdefault(key, []).append(name)
    return {PROVIDERS[names[0]].facts: ", ".join(names) for names in alike.values()}


def _row(facts: Facts, names: str) -> Row:
    fresh_s = _p95(facts, [RenderTimes()], 1)
    alone_s = _p95(facts, _histories(), 1)
    full_s = _p95(facts, _histories(), facts.concurrency)
    worst_s, budget_s = max(fresh_s, alone_s, full_s), max(BUDGET_S, facts.poll_floor_s)
    return Row(
        what=f"vendor done -> seen, p95: {names}",
        budget=f"<= {budget_s:g} s",
        measured=f"{worst_s:.1f} s",
        good=worst_s <= budget_s,
        note=f"without history {fresh_s:.1f}, with {alone_s:.1f}, and with the lane full"
        f" ({facts.concurrency} jobs at {facts.per_minute} calls/min) {full_s:.1f}",
    )


def _p95(facts: Facts, histories: Sequence[RenderTimes], together: int) -> float:
    return percentile([s for times in histories for s in _delays(facts, times, together)], 0.95)


def _histories() -> Sequence[RenderTimes]:
    """What the store would have learnt from some renders, by differing luck."""
    pasts = [sorted(_render_s(random.Random(f"{luck} {n}")) for n in range(50)) for luck in "abcde"]
    return [RenderTimes(p10_s=past[5], p95_s=past[47]) for past in pasts]


def _delays(facts: Facts, times: RenderTimes, together: int) -> Iterable[float]:
    """`together` jobs at a time, a new one for each that ends, all polled at one rate."""
    chance = random.Random(2)
    bucket = _Bucket(facts.per_minute)
    due = [(0.0, 0.0, _render_s(chance)) for _ in range(together)]  # (poll at, began, done)
    delays: list[float] = []
    while len(delays) < JOBS:
        asked_s, began_s, done_s = heapq.heappop(due)
        at_s = bucket.take(asked_s)
        if at_s >= done_s:
            delays.append(at_s - done_s)
            began_s, done_s = at_s, at_s + _render_s(chance)
            next_s = at_s + min(facts.poll_floor_s, 1.0)
        else:
            now, since = START + timedelta(seconds=at_s), START + timedelta(seconds=began_s)
            again = poll_again(now, since, facts.poll_floor_s, times)
            next_s = (again - START).total_seconds()
        heapq.heappush(due, (next_s, began_s, done_s))
    return delays


class _Bucket:
    """The leaky bucket that paces a vendor's calls, in simulated time."""

    def __init__(self, per_minute: int) -> None:
        self._room, self._leak_per_s = float(per_minute), per_minute / 60
        self._level, self._at_s = 0.0, 0.0

    def take(self, at_s: float) -> float:
        """When a call asked for now may be made."""
        at_s = max(at_s, self._at_s)
        self._level = max(0.0, self._level - (at_s - self._at_s) * self._leak_per_s)
        wait_s = max(0.0, (self._level + 1 - self._room) / self._leak_per_s)
        self._level = max(0.0, self._level - wait_s * self._leak_per_s) + 1
        self._at_s = at_s + wait_s
        return self._at_s


def _render_s(chance: random.Random) -> float:
    return MEDIAN_S * chance.lognormvariate(0.0, SPREAD)


if __name__ == "__main__":
    show(rows())
