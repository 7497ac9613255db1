"""The life of a job: only moves of the table, and money that always comes out even."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import jobs
from bot.jobs import Action, Event, Illegal, Job, Reason, RenderTimes, State
from bot.ledger import HELD, Kind, entries, settled_micros
from providers import errors as vendor
from providers.base import Remote
from tests.bot.make import NOW, job, later, request

REMOTE = Remote(remote_id="video_1")
HOLD = 500_000

costs = st.one_of(st.none(), st.integers(0, 2 * HOLD))
EVENTS: dict[type[Event], st.SearchStrategy[Event]] = {
    jobs.Submit: st.just(jobs.Submit(request=request())),
    jobs.Accepted: st.just(jobs.Accepted(remote=REMOTE, due_at=later(1), deadline_at=later(1800))),
    jobs.Later: st.just(jobs.Later(due_at=later(5))),
    jobs.NextRoute: st.just(
        jobs.NextRoute(reason=Reason.FAILED, message="No route is left.", detail="400")
    ),
    jobs.Lost: st.just(jobs.Lost(due_at=later(3), detail="timeout")),
    jobs.Look: st.just(jobs.Look(due_at=later(6), detail="not there")),
    jobs.Ticked: st.floats(0, 1).map(lambda p: jobs.Ticked(due_at=later(2), progress=p)),
    jobs.Finished: costs.map(
        lambda cost: jobs.Finished(result_url=None, expires_at=None, cost_micros=cost)
    ),
    jobs.FetchLater: st.just(jobs.FetchLater(due_at=later(2), message="m", detail="d")),
    jobs.Fetched: st.just(
        jobs.Fetched(
            clip="j1.mp4", sha256="0", size_bytes=1, duration_s=4.0, width=1280, height=720
        )
    ),
    jobs.Posting: st.just(jobs.Posting()),
    jobs.Delivered: st.just(jobs.Delivered(message_id=9)),
    jobs.Undeliverable: st.just(jobs.Undeliverable(message="The channel is gone.")),
    jobs.Refund: st.integers(0, 2 * HOLD).map(
        lambda cost: jobs.Refund(reason=Reason.FAILED, message="m", cost_micros=cost)
    ),
    jobs.Refunded: st.just(jobs.Refunded()),
}


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[Job, Event, Job]]:
    """A random walk through the table of states."""
    current, walk = job(hold_micros=HOLD), []
    for _ in range(draw(st.integers(1, 30))):
        allowed = jobs.ALLOWED[current.state]
        if not allowed:
            break
        event = draw(EVENTS[draw(st.sampled_from(allowed))])
        after = jobs.apply(current, event, NOW)
        walk.append((current, event, after))
        current = after
    return walk


@given(lives())
def test_every_move_is_counted_and_money_comes_out_even(
    walk: list[tuple[Job, Event, Job]],
) -> None:
    lines = list(entries(None, walk[0][0]))
    for before, _, after in walk:
        assert after.ver == before.ver + 1
        lines += entries(before, after)
    last = walk[-1][2]
    held = sum(line.micros for line in lines if line.credit == HELD)
    held -= sum(line.micros for line in lines if line.debit == HELD)
    assert held == (0 if last.ended else HOLD)
    assert settled_micros(last) <= HOLD


@given(lives())
def test_a_paid_call_never_follows_another_without_a_definite_refusal(
    walk: list[tuple[Job, Event, Job]],
) -> None:
    for before, event, after in walk:
        if isinstance(event, jobs.Submit):
            assert before.state is State.QUEUED
            assert after.attempt == before.attempt + 1
        if before.state is State.UNCERTAIN:
            assert after.state is not State.QUEUED


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", list(EVENTS))
def test_apply_refuses_what_a_state_does_not_know(state: State, kind: type[Event]) -> None:
    event = _one(kind)
    if kind in jobs.ALLOWED[state]:
        assert jobs.apply(job(state=state, attempt=1), event, NOW).ver == 1
    else:
        with pytest.raises(Illegal):
            jobs.apply(job(state=state, attempt=1), event, NOW)


def _one(kind: type[Event]) -> Event:
    values: dict[type[Event], Event] = {
        jobs.Ticked: jobs.Ticked(due_at=later(1)),
        jobs.Finished: jobs.Finished(result_url=None, expires_at=None, cost_micros=None),
        jobs.Refund: jobs.Refund(reason=Reason.FAILED, message="m"),
        jobs.Submit: jobs.Submit(request=request()),
        jobs.Accepted: jobs.Accepted(remote=REMOTE, due_at=NOW, deadline_at=NOW),
        jobs.Later: jobs.Later(due_at=NOW),
        jobs.NextRoute: jobs.NextRoute(reason=Reason.FAILED, message="m", detail=""),
        jobs.Lost: jobs.Lost(due_at=NOW, detail=""),
        jobs.Look: jobs.Look(due_at=NOW, detail=""),
        jobs.FetchLater: jobs.FetchLater(due_at=NOW, message="", detail=""),
        jobs.Fetched: jobs.Fetched(
            clip="c", sha256="0", size_bytes=1, duration_s=1, width=2, height=2
        ),
        jobs.Posting: jobs.Posting(),
        jobs.Delivered: jobs.Delivered(),
        jobs.Undeliverable: jobs.Undeliverable(message="m"),
        jobs.Refunded: jobs.Refunded(),
    }
    return values[kind]


def test_next_route_is_taken_until_none_is_left() -> None:
    refusal = _one(jobs.NextRoute)
    first = jobs.apply(job(state=State.SUBMITTING, attempt=1), refusal, NOW)
    second = jobs.apply(first, refusal, NOW)

    assert (first.state, first.route) == (State.QUEUED, 1)
    assert (second.state, second.cost_micros) == (State.REFUNDING, 0)


def test_a_vendor_that_charges_above_the_quote_costs_the_operator_not_the_person() -> None:
    delivering = job(state=State.DELIVERING, cost_micros=700_000)
    done = jobs.apply(delivering, jobs.Delivered(), NOW)
    lines = {line.kind: line.micros for line in entries(delivering, done)}

    assert lines == {Kind.SETTLE: 500_000, Kind.RELEASE: 0, Kind.ADJUST: 200_000}


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (vendor.RateLimited(), Action.LATER),
        (vendor.Unavailable(), Action.LATER),
        (vendor.SubmissionUnknown(), Action.LOOK),
        (vendor.ProtocolError(), Action.LOOK),
        (vendor.ContentRejected(), Action.STOP),
        (vendor.InvalidRequest(), Action.NEXT_ROUTE),
        (vendor.AuthenticationFailed(), Action.PAUSE),
        (vendor.OutOfCredit(), Action.PAUSE),
        (vendor.RouteGone(), Action.ROUTE_OFF),
    ],
)
def test_every_error_of_the_paid_call_has_one_action(
    error: vendor.ProviderError, action: Action
) -> None:
    assert jobs.action_for(error) is action


def test_the_table_of_actions_knows_every_error() -> None:
    classes = [getattr(vendor, name) for name in vendor.__all__]

    assert all(jobs.action_for(kind()) in Action for kind in classes)


def test_polling_is_sparse_before_the_usual_time_and_at_the_floor_around_it() -> None:
    times = RenderTimes(p10_s=90.0, p95_s=180.0)

    def wait_s(elapsed_s: float) -> float:
        now = later(elapsed_s)
        return (jobs.poll_again(now, NOW, 2.0, times) - now).total_seconds()

    assert wait_s(0) == 30.0
    assert wait_s(40) == 14.0
    assert wait_s(85) == 2.0
    assert wait_s(200) == 2.0
    assert wait_s(600) == 10.0


@given(st.integers(0, 60))
def test_looks_grow_and_stop_at_an_hour(looks: int) -> None:
    wait = jobs.look_again(NOW, looks, 3.0) - NOW

    assert wait == timedelta(seconds=min(3600.0, 3.0 * 2**looks))
