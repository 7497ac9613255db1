"""The pace of our edits: what is shown when, and that the last state always is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

from discord.utils import time_snowflake
from hypothesis import given
from hypothesis import strategies as st

from cogs._edits import EVERY_S, FLOOR_S, Edits, Outcome, Queue, Shown
from tests.bot.make import NOW
from tests.bot.process import until


def _message(age_min: int = 0) -> int:
    return time_snowflake(NOW - timedelta(minutes=age_min))


def _show(queue: Queue[str], at: float, ended: frozenset[str] = frozenset()) -> str | None:
    """Show what is due at a time, as the loop would."""
    turn = queue.next(NOW)
    if turn is None or turn[1] > at:
        return None
    line = turn[0]
    queue.edited_at = at
    queue.shown(line, line.puts, at, last=line.key in ended)
    return line.key


def _put(queue: Queue[str], key: str = "a", *, moved: bool = True, age_min: int = 0) -> None:
    queue.put(key, _message(age_min), moved=moved, ends=False)


def test_a_new_stage_is_shown_at_once_and_the_same_stage_every_five_seconds() -> None:
    queue: Queue[str] = Queue()
    _put(queue)
    assert _show(queue, 100.0) is not None
    _put(queue, moved=False)
    assert _show(queue, 100.0 + EVERY_S - 0.1) is None
    _put(queue)
    assert _show(queue, 100.0 + FLOOR_S) is not None
    assert _show(queue, 100.0 + FLOOR_S + EVERY_S) is not None


def test_after_55_minutes_only_ends_are_shown() -> None:
    queue: Queue[str] = Queue()
    _put(queue, age_min=56)
    assert queue.next(NOW) is None
    queue.put("a", _message(56), moved=True, ends=True)
    assert _show(queue, 0.0, frozenset("a")) == "a"
    assert queue.lines == {}


def test_news_that_come_while_a_message_is_sent_are_shown_next() -> None:
    queue: Queue[str] = Queue()
    _put(queue)
    line = queue.lines["a"]
    before = line.puts
    _put(queue)
    queue.shown(line, before, 10.0, last=True)
    assert _show(queue, 10.0, frozenset("a")) == "a"


steps = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda quarters: quarters / 4),
        st.sampled_from("abc"),
        st.booleans(),
    ),
    max_size=40,
)


@given(steps)
def test_no_two_edits_are_closer_than_the_floor_and_every_end_is_shown(
    moves: list[tuple[float, str, bool]],
) -> None:
    queue: Queue[str] = Queue()
    now, edits, ended = 0.0, list[float](), set[str]()
    for pause, key, ends in moves:
        now += pause
        if key in ended:
            continue
        ended |= {key} if ends else set()
        queue.put(key, None, moved=True, ends=ends)
        if _show(queue, now, frozenset(ended)):
            edits.append(now)
    while any(line.moved for line in queue.lines.values()):
        now += 0.5
        if _show(queue, now, frozenset(ended)):
            edits.append(now)

    assert all(b - a >= FLOOR_S for a, b in pairwise(edits))
    assert ended.isdisjoint(queue.lines)


class Recorder:
    """A channel whose messages answer an edit as scripted."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.sent: list[tuple[str, str]] = []
        self.now = {"a": ("rendering", False), "b": ("done", True)}
        self._outcomes = list(outcomes)

    async def render(self, key: str) -> Shown[str]:
        page, last = self.now[key]
        return Shown(page=page, last=last)

    async def send(self, key: str, page: str) -> Outcome:
        self.sent.append((key, page))
        return self._outcomes.pop(0) if self._outcomes else Outcome.SENT

    def edits(self) -> Edits[str]:
        return Edits(self.render, self.send, lambda: NOW)


async def test_what_did_not_change_is_not_sent() -> None:
    channel = Recorder()
    edits = channel.edits()
    for _ in range(3):
        edits.put(7, "a", _message())
        await asyncio.sleep(0.01)
    await edits.close()

    assert channel.sent == [("a", "rendering")]


async def test_a_message_that_is_gone_is_given_up_and_the_next_one_shown() -> None:
    channel = Recorder(Outcome.GONE)
    edits = channel.edits()
    edits.put(7, "a", _message())
    await asyncio.sleep(0.01)
    edits.put(7, "b", _message())
    await until(lambda: len(channel.sent) == 2)
    await edits.close()

    assert channel.sent == [("a", "rendering"), ("b", "done")]


async def test_closing_is_not_held_up_by_news_of_the_same_moment() -> None:
    channel = Recorder()
    edits = channel.edits()
    edits.put(7, "a", _message())
    await asyncio.sleep(0.01)
    edits.put(7, "a", _message())
    async with asyncio.timeout(10):
        await edits.close()
