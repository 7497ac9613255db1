"""Who may ask a vendor when: places, turns, and a vendor that is left alone for a while.

First the lane by itself, then with the whole application and vendors over sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.brief import Brief
from bot.cli._operate import _troubles
from bot.jobs import Job, Place, State
from bot.lanes import Health, Lane
from bot.producer import Person
from providers import PROVIDERS
from providers.errors import Unavailable
from tests.bot.faulty import PROMPT, Studio, studio
from tests.bot.make import NOW
from tests.standin.loopback import Loopback


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def moves(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock=clock)


def _pause_s(health: Health, clock: Clock) -> float:
    assert health.opens_at is not None
    return (health.opens_at - clock()).total_seconds()


def test_a_vendor_silent_three_times_in_a_row_is_left_alone_ever_longer(
    health: Health, clock: Clock
) -> None:
    pauses: list[float] = []
    for _ in range(7):
        while not health.closed:
            health.silent("HTTP 503")
        pauses.append(_pause_s(health, clock))
        clock.moves(pauses[-1])

    assert pauses == [15, 30, 60, 120, 240, 300, 300]
    assert health.doubted


def test_silences_count_only_in_a_row(health: Health) -> None:
    for _ in range(5):
        health.silent("HTTP 503")
        health.silent("HTTP 503")
        health.answered()

    assert not health.closed


def test_an_answer_ends_a_pause_for_silence_but_not_one_the_vendor_asked_for(
    health: Health,
) -> None:
    for _ in range(3):
        health.silent("HTTP 503")
    assert health.answered()
    assert not health.closed

    health.throttled(30, "HTTP 429")
    assert not health.answered()
    assert health.closed


def test_too_many_requests_is_obeyed_or_backs_off_and_counts_once_for_a_burst(
    health: Health, clock: Clock
) -> None:
    waits: list[float] = []
    for _ in range(4):
        for _ in range(3):
            health.throttled(None, "HTTP 429")
        waits.append(_pause_s(health, clock))
        clock.moves(waits[-1])
    health.throttled(40, "HTTP 429")

    assert waits == [2, 4, 8, 16]
    assert _pause_s(health, clock) == 40
    clock.moves(40)
    health.answered(took=True)
    health.throttled(None, "HTTP 429")
    assert _pause_s(health, clock) == 2


@pytest.mark.parametrize(("asked_s", "waits_s"), [(0, 1), (7.5, 7.5), (float("inf"), 3600)])
def test_a_wait_asked_for_is_never_none_and_never_for_ever(
    health: Health, clock: Clock, asked_s: float, waits_s: float
) -> None:
    health.throttled(asked_s, "HTTP 429")

    assert _pause_s(health, clock) == waits_s


@given(st.data())
async def test_nobody_overtakes_nobody_is_forgotten_and_no_more_than_the_capacity_is_inside(
    data: st.DataObject,
) -> None:
    capacity = data.draw(st.integers(1, 3))
    lane = Lane(capacity=capacity, health=Health(clock=Clock()))
    entered: list[str] = []

    async def pass_through(name: str) -> None:
        assert await lane.enter(name)
        entered.append(name)

    names = [str(number) for number in range(data.draw(st.integers(1, 8)))]
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(pass_through(name))
        left: list[str] = []
        while len(left) < len(names):
            for _ in range(3):
                await asyncio.sleep(0)
            inside = [name for name in entered if name not in left]
            assert 0 < len(inside) <= capacity
            left.append(data.draw(st.sampled_from(inside)))
            lane.leave(left[-1])

    assert entered == names


async def test_one_who_comes_back_keeps_the_turn_and_a_narrow_lane_takes_one_at_a_time(
    health: Health, clock: Clock
) -> None:
    lane = Lane(capacity=5, health=health)
    assert await lane.enter("first")
    health.throttled(10, "HTTP 429")
    lane.step_aside("first", for_long=False)
    waiting = {name: asyncio.ensure_future(lane.enter(name)) for name in ("second", "first")}
    await asyncio.sleep(0)
    assert lane.ahead_of("second") == 1

    clock.moves(10)
    lane.admit()
    await asyncio.sleep(0)
    assert [name for name, turn in waiting.items() if turn.done()] == ["first"]
    lane.answered("first")
    await asyncio.sleep(0)
    assert await waiting["second"]


async def test_everybody_who_waits_is_told_when_the_lane_closes(health: Health) -> None:
    lane = Lane(capacity=1, health=health)
    assert await lane.enter("first")
    waiting = asyncio.ensure_future(lane.enter("second"))
    await asyncio.sleep(0)
    lane.send_back()

    assert await waiting is False


def _at_once(vendor: Loopback) -> Callable[[], int]:
    """The most jobs the vendor ever had running together."""
    most, accept = [0], vendor.accept

    def watching(job_id: str, body: object, cost_micros: int):
        job = accept(job_id, body, cost_micros)
        running = [one for one in vendor.jobs.values() if one.polls <= vendor.polls_until_done]
        most[0] = max(most[0], len(running))
        return job

    vendor.accept = watching
    return lambda: most[0]


def _order(scene: Studio, state: State) -> list[str]:
    """Jobs in the order in which they first came to a state."""
    return list(dict.fromkeys(move.id for move in scene.witness.moves if move.state is state))


@pytest.mark.parametrize("name", ["kling", "ltx"])
async def test_jobs_beyond_the_vendors_places_wait_in_the_order_they_came(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(name, tmp_path, monkeypatch) as scene:
        most = _at_once(scene.vendor)
        jobs = await scene.make(takes=6)
        await scene.until(lambda job: job.ended, *jobs)

        assert most() == PROVIDERS[name].facts.concurrency
        assert _order(scene, State.SUBMITTING) == [job.id for job in jobs]
        assert scene.vendor.calls["submit"] == 6


@pytest.mark.parametrize("name", ["ltx", "fal"])
async def test_a_vendor_gets_no_more_calls_a_minute_than_its_facts_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(name, tmp_path, monkeypatch) as scene:
        for _ in range(PROVIDERS[name].facts.per_minute):
            await asyncio.wait_for(scene.app.vendors.pace(name), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(scene.app.vendors.pace(name), 0.01)


async def test_replicate_without_a_payment_method_makes_four_takes_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("replicate", tmp_path, monkeypatch) as scene:
        scene.vendor.clock = scene.hands
        began = scene.hands.now
        jobs = await scene.make(takes=4)
        await scene.until(lambda job: job.ended, *jobs)
        jobs = [await scene.app.store.job(job.id) for job in jobs]
        sent_s = sorted(((job.first_sent_at or began) - began).total_seconds() for job in jobs)

        assert [job.state for job in jobs] == [State.DONE] * 4
        assert len(scene.vendor.jobs) == 4
        assert scene.vendor.calls["submit"] <= 10
        assert sent_s[0] == 0
        assert all(10 <= later - one < 20 for one, later in pairwise(sent_s))
        assert "replicate asks us to slow down" in "\n".join(scene.witness.told)
        assert await scene.app.store.check_ledger() == []


async def test_a_compare_on_replicate_without_a_payment_method_waits_instead_of_failing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("replicate", tmp_path, monkeypatch) as scene:
        scene.vendor.clock = scene.hands
        models = ["kling-v3", "gen-4.5", "veo-3", "ltx-2.3-fast"]
        brief = Brief(prompt=PROMPT)
        comparing = scene.app.comparing
        offer = await comparing.offer(await comparing.propose(brief, Place(), models=models))
        jobs = await comparing.go(offer, Person())
        await scene.until(lambda job: job.ended, *jobs)
        jobs = [await scene.app.store.job(job.id) for job in jobs]

        assert [(job.model, job.state) for job in jobs] == [(name, State.DONE) for name in models]
        assert len(scene.vendor.jobs) == 4
        assert "your clip keeps its place" in "\n".join(scene.witness.told)
        assert await comparing.finish(offer) is not None


async def test_the_operator_reads_why_jobs_wait_and_where_to_add_a_payment_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("replicate", tmp_path, monkeypatch) as scene:
        scene.vendor.clock, scene.hands.held = scene.hands, True
        jobs = await scene.make(takes=2)
        await scene.until(lambda job: bool(job.message), jobs[1])
        shown = await _shown(scene)

        assert all("replicate.com/account/billing" in text for text in shown), shown


async def _shown(scene: Studio) -> tuple[str, str]:
    """What `models` and `doctor` say of the vendor."""
    listings = await scene.app.producer.models()
    findings = await _troubles(scene.app)
    return (
        " ".join(listing.waits.get(scene.name, "") for listing in listings),
        " ".join(finding.says for finding in findings),
    )


async def test_a_silent_vendor_gets_no_new_jobs_until_its_free_call_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("runway", tmp_path, monkeypatch) as scene:
        for operation, times in (("submit", 3), ("check", 2)):
            scene.vendor.fail_next(503, on=operation, times=times)
        (job,) = await scene.make()
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)
        waited = (job.first_sent_at or job.created_at) - job.created_at

        assert job.state is State.DONE
        assert (scene.vendor.calls["submit"], scene.vendor.calls["check"]) == (4, 3)
        assert waited.total_seconds() >= 15 + 30 + 60
        assert "runway does not answer; your clip keeps its place" in "\n".join(scene.witness.told)
        assert await scene.app.store.check_ledger() == []


async def test_models_and_doctor_say_that_a_vendor_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("runway", tmp_path, monkeypatch) as scene:
        for _ in range(3):
            await scene.app.vendors.spoke("runway", Unavailable("HTTP 503"))
        closed = await _shown(scene)
        await scene.app.vendors.spoke("runway")
        open_again = await _shown(scene)

        assert all(
            "does not answer (HTTP 503); jobs wait, asked again at" in text for text in closed
        )
        assert open_again[0].strip() == open_again[1] == ""


async def test_a_key_that_is_refused_by_the_free_call_pauses_the_vendor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("runway", tmp_path, monkeypatch) as scene:
        scene.vendor.fail_next(503, times=3)
        scene.vendor.fail_next(401, on="check")
        (job,) = await scene.make()
        await scene.until(lambda job: job.ended, job)
        (trouble,) = await scene.app.store.troubles()

        assert scene.vendor.calls["submit"] == 3
        assert (await scene.app.store.job(job.id)).state is State.REFUNDED
        assert "not accepted" in trouble.reason


async def test_a_job_cancelled_while_its_lane_is_closed_ends_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("ltx", tmp_path, monkeypatch) as scene:
        scene.vendor.polls_until_done = 1_000_000
        jobs = await scene.make(takes=4)
        await scene.until(lambda job: job.state is State.RENDERING, *jobs[:2])
        await scene.app.producer.cancel(jobs[2].id, Person())
        await scene.until(lambda job: job.ended, jobs[2])
        scene.vendor.polls_until_done = 0
        await scene.until(lambda job: job.ended, *jobs)
        ended = [await scene.app.store.job(job.id) for job in jobs]

        assert [_name(job) for job in ended] == ["done", "done", "cancelled", "done"]
        assert scene.vendor.calls["submit"] == 3


def _name(job: Job) -> str:
    return job.reason.value or job.state.value


async def test_a_job_throttled_again_and_again_lets_others_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("ltx", tmp_path, monkeypatch) as scene:
        scene.vendor.retry_after = ""
        scene.vendor.fail_next(429, times=4)
        lane = scene.app.vendors.lane("ltx")
        lane.resume("somebody else's")
        jobs = await scene.make(takes=2)
        await scene.until(lambda job: job.ended, *jobs)
        attempts = [(await scene.app.store.job(job.id)).attempt for job in jobs]

        assert attempts == [4, 2]
