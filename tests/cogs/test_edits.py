"""The pace of status messages: what is shown when, and that the last state always is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from discord.utils import time_snowflake
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs import Job, State
from cogs._edits import EVERY_S, FLOOR_S, Board, Edits, Outcome, stage_of
from tests.bot.make import NOW, job
from tests.bot.process import until

STATES = (State.QUEUED, State.SUBMITTING, State.RENDERING, State.FETCHING, State.DONE)


def _job(name: str = "a", state: State = State.RENDERING, *, ver: int = 0, age_min: int = 0) -> Job:
    message = time_snowflake(NOW - timedelta(minutes=age_min))
    return job(name, state=state, ver=ver, status_message_id=message)


def _show(board: Board[str], at: float) -> Job | None:
    """Show what is due at a time, as the loop would."""
    turn = board.next(NOW)
    if turn is None or turn[1] > at:
        return None
    line, shown = turn[0], turn[0].job
    board.edited_at = at
    board.shown(line, shown, at)
    return shown


def test_a_new_stage_is_shown_at_once_and_the_same_stage_every_five_seconds() -> None:
    board: Board[str] = Board()
    board.put(_job())
    assert _show(board, 100.0) is not None
    assert _show(board, 100.0 + EVERY_S - 0.1) is None
    board.put(_job(state=State.FETCHING, ver=1))
    assert _show(board, 100.0 + FLOOR_S) is not None
    assert _show(board, 100.0 + FLOOR_S + EVERY_S) is not None


def test_the_newest_state_wins_and_an_older_one_is_dropped() -> None:
    board: Board[str] = Board()
    board.put(_job(state=State.FETCHING, ver=5))
    board.put(_job(state=State.RENDERING, ver=4))
    shown = _show(board, 0.0)
    assert shown is not None
    assert shown.state is State.FETCHING


def test_after_55_minutes_only_the_end_is_shown() -> None:
    board: Board[str] = Board()
    board.put(_job(age_min=56))
    assert board.next(NOW) is None
    board.put(_job(state=State.DONE, ver=1, age_min=56))
    assert _show(board, 0.0) is not None
    assert board.lines == {}


moves = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda quarters: quarters / 4),
        st.sampled_from("abc"),
        st.integers(0, len(STATES) - 1),
    ),
    max_size=40,
)


@given(moves)
def test_no_two_edits_are_closer_than_the_floor_and_every_end_is_shown(
    steps: list[tuple[float, str, int]],
) -> None:
    board: Board[str] = Board()
    now, edits, latest = 0.0, list[float](), dict[str, Job]()
    shown: dict[str, Job] = {}
    for index, (pause, name, stage) in enumerate(steps):
        now += pause
        known = latest.get(name)
        state = STATES[max(stage, STATES.index(known.state) if known else 0)]
        latest[name] = _job(name, state, ver=index)
        if known is None or not known.ended:
            board.put(latest[name])
        if done := _show(board, now):
            shown[done.id] = done
            edits.append(now)
    while any(line.moved for line in board.lines.values()):
        now += 0.5
        if done := _show(board, now):
            shown[done.id] = done
            edits.append(now)

    assert all(b - a >= FLOOR_S for a, b in pairwise(edits))
    assert {name: stage_of(job) for name, job in shown.items()} == {
        name: stage_of(job) for name, job in latest.items()
    }


class Recorder:
    """A channel whose messages answer an edit as scripted."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.sent: list[tuple[str, str]] = []
        self._outcomes = list(outcomes)

    async def send(self, job: Job, page: str) -> Outcome:
        self.sent.append((job.id, page))
        return self._outcomes.pop(0) if self._outcomes else Outcome.SENT

    def edits(self) -> Edits[str]:
        return Edits(lambda job: job.state.value, self.send, lambda: NOW)


async def test_what_did_not_change_is_not_sent() -> None:
    channel, same = Recorder(), _job()
    edits = channel.edits()
    for ver in range(3):
        edits.put(7, replace(same, ver=ver))
        await asyncio.sleep(0.01)
    await edits.close()

    assert channel.sent == [("a", "rendering")]


async def test_a_message_that_is_gone_is_given_up_and_the_next_one_shown() -> None:
    channel = Recorder(Outcome.GONE)
    edits = channel.edits()
    edits.put(7, _job())
    await asyncio.sleep(0.01)
    edits.put(7, _job("b", State.DONE))
    await until(lambda: len(channel.sent) == 2)
    await edits.close()

    assert channel.sent == [("a", "rendering"), ("b", "done")]


async def test_closing_is_not_held_up_by_news_of_the_same_moment() -> None:
    channel = Recorder()
    edits = channel.edits()
    edits.put(7, _job())
    await asyncio.sleep(0.01)
    edits.put(7, _job(ver=1))
    async with asyncio.timeout(10):
        await edits.close()
