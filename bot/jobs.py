"""The life of a job as values: states, events, `apply(job, event)`, and what each error leads to.

Pure: no clock, no I/O. The worker performs effects and turns what it saw into events; the store
commits the resulting move together with the money it implies (`bot/ledger.py`). Intent states
(`submitting`, `delivering`, `refunding`) are committed *before* their effect, so after a crash the
state alone says what may already have happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from bot.brief import Brief
from bot.router import RoutePlan
from bot.texts import say
from providers import errors as vendor
from providers.base import Remote, VideoRequest

__all__ = [
    "TERMINAL",
    "Accepted",
    "Action",
    "Delivered",
    "Event",
    "Fetched",
    "FetchLater",
    "Finished",
    "Illegal",
    "Job",
    "Later",
    "Look",
    "Lost",
    "NextRoute",
    "Place",
    "Posting",
    "Reason",
    "Refund",
    "Refunded",
    "RenderTimes",
    "State",
    "Submit",
    "Ticked",
    "Undeliverable",
    "action_for",
    "apply",
    "look_again",
    "poll_again",
    "reason_for",
]


class State(StrEnum):
    QUEUED = "queued"  # accepted and held; waits for the provider's lane
    SUBMITTING = "submitting"  # intent: the paid call may have left
    UNCERTAIN = "uncertain"  # the paid call left and nobody knows what became of it
    RENDERING = "rendering"  # the vendor is at work and we know its id
    FETCHING = "fetching"  # the vendor is done; the clip is on its way to our disk
    DELIVERING = "delivering"  # intent: the clip may have been posted
    DONE = "done"  # delivered and settled
    REFUNDING = "refunding"  # intent: it ends without a clip; the vendor may be told to stop
    REFUNDED = "refunded"  # ended without a clip; what was not charged is released


TERMINAL: Final = frozenset({State.DONE, State.REFUNDED})


class Reason(StrEnum):
    """Why a job did not go straight through, as a closed vocabulary."""

    NONE = ""
    REJECTED = "rejected"  # the vendor refuses the content
    FAILED = "failed"  # the vendor gave up, or every route refused the request
    CANCELLED = "cancelled"  # a person stopped it
    EXPIRED = "expired"  # the vendor no longer has it, or it never ended
    NOT_SUBMITTED = "not_submitted"  # a person says the vendor never got it
    SPENT = "spent"  # a person says the money is gone and no clip will come
    UNKNOWN = "unknown"  # the answer to the paid call was lost
    UNREADABLE = "unreadable"  # the vendor's file is not a clip
    UNDELIVERABLE = "undeliverable"  # the channel is gone; the clip is kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where and for whom a job was asked for: plain ids, None on the command line."""

    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One model's run for a take. Changes only through `apply`."""

    id: str
    origin: str  # what asked for it (an interaction id): the same origin is the same job
    batch: str  # jobs quoted and held together
    place: Place
    model: str
    brief: Brief
    routes: tuple[RoutePlan, ...]  # where it may run, in order, none above the approved price
    hold_micros: int
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    state: State = State.QUEUED
    ver: int = 0
    route: int = 0  # index into `routes` of the one in use or next to be used
    attempt: int = 0  # paid submissions begun
    request: VideoRequest | None = None
    first_sent_at: datetime | None = None
    remote: Remote | None = None
    rendering_since: datetime | None = None
    rendered_s: float | None = None  # how long the vendor took
    deadline_at: datetime | None = None
    looks: int = 0  # how often an uncertain submission was looked up
    fetch_tries: int = 0
    progress: float | None = None  # 0..1; None until the vendor has begun
    result_url: str | None = None
    result_expires_at: datetime | None = None
    cost_micros: int | None = None  # what it will be settled at; None: the hold
    cost_note: str = ""  # where that figure is from
    clip: str = ""  # file name in the clips folder
    sha256: str = ""
    size_bytes: int = 0
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    status_message_id: int | None = None
    result_message_id: int | None = None
    first_post_at: datetime | None = None
    cancel_at: datetime | None = None
    cancel_sent: bool = False  # the vendor was asked to stop
    reason: Reason = Reason.NONE
    message: str = ""  # for the person, in plain words
    detail: str = ""  # for the operator

    @property
    def plan(self) -> RoutePlan:
        """The route in use."""
        return self.routes[min(self.route, len(self.routes) - 1)]

    @property
    def provider(self) -> str:
        return self.plan.provider

    @property
    def correlation_id(self) -> str:
        return f"{self.id}-{self.attempt}"

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Submit:
    """queued -> submitting: about to make the paid call."""

    request: VideoRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """submitting or uncertain -> rendering: the vendor's id is known."""

    remote: Remote
    due_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """The same state, not before `due_at`; from `submitting` back to `queued` (surely not sent)."""

    due_at: datetime
    detail: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NextRoute:
    """submitting or queued -> queued on the next route, or refunding when none is left."""

    reason: Reason
    message: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """submitting -> uncertain: the answer to the paid call was lost."""

    due_at: datetime
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """uncertain -> uncertain: looked, and still cannot know."""

    due_at: datetime
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticked:
    """rendering -> rendering: still at work."""

    due_at: datetime
    progress: float | None = None
    detail: str = ""
    message: str | None = None  # None: what was said stays
    cancel_sent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """rendering -> fetching: the vendor has a clip."""

    result_url: str | None
    expires_at: datetime | None
    cost_micros: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchLater:
    """fetching -> fetching: not there yet, or not a clip yet."""

    due_at: datetime
    message: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """fetching -> delivering: verified and on our disk."""

    clip: str
    sha256: str
    size_bytes: int
    duration_s: float
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """delivering -> delivering: about to post for the first time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """delivering -> done."""

    message_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Undeliverable:
    """delivering -> done: the place is gone, but the clip is paid and kept."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund:
    """Any state before delivery -> refunding. `cost_micros` is what the vendor charges anyway."""

    reason: Reason
    message: str
    cost_micros: int = 0
    cost_note: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refunded:
    """refunding -> refunded."""


Event = (
    Submit
    | Accepted
    | Later
    | NextRoute
    | Lost
    | Look
    | Ticked
    | Finished
    | FetchLater
    | Fetched
    | Posting
    | Delivered
    | Undeliverable
    | Refund
    | Refunded
)

# Which events a state knows. Everything else is `Illegal`: a bug, never a move.
ALLOWED: Final[dict[State, tuple[type[Event], ...]]] = {
    State.QUEUED: (Submit, Later, NextRoute, Refund),
    State.SUBMITTING: (Accepted, Later, NextRoute, Lost, Refund),
    State.UNCERTAIN: (Accepted, Look, Refund),
    State.RENDERING: (Ticked, Finished, Refund),
    State.FETCHING: (FetchLater, Fetched, Refund),
    State.DELIVERING: (Posting, Later, Delivered, Undeliverable),
    State.DONE: (),
    State.REFUNDING: (Later, Refunded),
    State.REFUNDED: (),
}


class Illegal(ValueError):
    """An event that its job's state does not know."""


def apply(job: Job, event: Event, now: datetime) -> Job:
    """The job after the event; total over `ALLOWED`, `Illegal` otherwise. Bumps `ver`."""
    if not isinstance(event, ALLOWED[job.state]):
        raise Illegal(f"{type(event).__name__} in state {job.state}")
    return replace(_after(job, event, now), ver=job.ver + 1, updated_at=now)


def _after(job: Job, event: Event, now: datetime) -> Job:
    match event:
        case Submit() | Accepted() | Lost() | NextRoute() | Later():
            return _after_submission(job, event, now)
        case Ticked() | Finished() | FetchLater() | Fetched() | Look():
            return _after_waiting(job, event, now)
        case Posting() | Delivered() | Undeliverable() | Refund() | Refunded():
            return _after_ending(job, event, now)
        case _:
            assert_never(event)


def _after_submission(
    job: Job, event: Submit | Accepted | Lost | NextRoute | Later, now: datetime
) -> Job:
    match event:
        case Submit():
            return replace(
                job,
                state=State.SUBMITTING,
                attempt=job.attempt + 1,
                request=event.request,
                first_sent_at=now,
                looks=0,
                due_at=now,
                detail="",
                message="",
            )
        case Accepted():
            return replace(
                job,
                state=State.RENDERING,
                remote=event.remote,
                rendering_since=now,
                due_at=event.due_at,
                deadline_at=event.deadline_at,
                reason=Reason.NONE,
                message="",
                detail="",
            )
        case Lost():
            return replace(
                job,
                state=State.UNCERTAIN,
                due_at=event.due_at,
                reason=Reason.UNKNOWN,
                detail=event.detail,
                message=_UNCERTAIN,
            )
        case NextRoute():
            return _next_route(job, event, now)
        case Later():
            state = State.QUEUED if job.state is State.SUBMITTING else job.state
            return replace(
                job, state=state, due_at=event.due_at, detail=event.detail, message=event.message
            )


def _after_waiting(
    job: Job, event: Ticked | Finished | FetchLater | Fetched | Look, now: datetime
) -> Job:
    match event:
        case Look():
            return replace(job, due_at=event.due_at, looks=job.looks + 1, detail=event.detail)
        case Ticked():
            return replace(
                job,
                due_at=event.due_at,
                progress=job.progress if event.progress is None else event.progress,
                detail=event.detail,
                message=job.message if event.message is None else event.message,
                cancel_sent=job.cancel_sent or event.cancel_sent,
            )
        case Finished():
            return replace(
                job,
                state=State.FETCHING,
                due_at=now,
                progress=1.0,
                rendered_s=(now - (job.rendering_since or now)).total_seconds(),
                result_url=event.result_url,
                result_expires_at=event.expires_at,
                cost_micros=event.cost_micros,
                cost_note="vendor's figure" if event.cost_micros is not None else "",
                detail="",
            )
        case FetchLater():
            return replace(
                job,
                due_at=event.due_at,
                fetch_tries=job.fetch_tries + 1,
                reason=Reason.UNREADABLE,
                message=event.message,
                detail=event.detail,
            )
        case Fetched():
            return replace(
                job,
                state=State.DELIVERING,
                due_at=now,
                clip=event.clip,
                sha256=event.sha256,
                size_bytes=event.size_bytes,
                duration_s=event.duration_s,
                width=event.width,
                height=event.height,
                reason=Reason.NONE,
                message="",
                detail="",
            )


def _after_ending(
    job: Job, event: Posting | Delivered | Undeliverable | Refund | Refunded, now: datetime
) -> Job:
    match event:
        case Posting():
            return replace(job, first_post_at=now)
        case Delivered():
            return replace(
                job, state=State.DONE, result_message_id=event.message_id, message="", detail=""
            )
        case Undeliverable():
            return replace(
                job, state=State.DONE, reason=Reason.UNDELIVERABLE, message=event.message
            )
        case Refund():
            return replace(
                job,
                state=State.REFUNDING,
                due_at=now,
                reason=event.reason,
                message=event.message,
                detail=event.detail,
                cost_micros=event.cost_micros,
                cost_note=event.cost_note,
            )
        case Refunded():
            return replace(job, state=State.REFUNDED)


def _next_route(job: Job, event: NextRoute, now: datetime) -> Job:
    if job.route + 1 < len(job.routes):
        return replace(
            job, state=State.QUEUED, route=job.route + 1, due_at=now, detail=event.detail
        )
    return replace(
        job,
        state=State.REFUNDING,
        due_at=now,
        reason=event.reason,
        message=event.message,
        detail=event.detail,
        cost_micros=0,
    )


_UNCERTAIN: Final = say("end.uncertain")


class Action(StrEnum):
    """Who acts on an error of the paid call."""

    LATER = "later"  # the same route again, later
    LOOK = "look"  # it may have arrived: look it up, never resend blindly
    NEXT_ROUTE = "next_route"  # this route refuses: the next one, with a new attempt
    STOP = "stop"  # the person decides: other words or another model
    PAUSE = "pause"  # the vendor's account needs the operator; the next route
    ROUTE_OFF = "route_off"  # the vendor no longer serves it; the next route


_ACTIONS: Final[dict[type, Action]] = {
    vendor.Transient: Action.LATER,
    vendor.SubmissionUnknown: Action.LOOK,
    vendor.ContentRejected: Action.STOP,
    vendor.InvalidRequest: Action.NEXT_ROUTE,
    vendor.AccountProblem: Action.PAUSE,
    vendor.RouteGone: Action.ROUTE_OFF,
    vendor.ProviderError: Action.LOOK,  # nothing is known: never resend
}


def action_for(error: vendor.ProviderError) -> Action:
    """The one table: error class of the paid call -> action."""
    return next(_ACTIONS[kind] for kind in type(error).__mro__ if kind in _ACTIONS)


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderTimes:
    """How long this model took here before, in seconds; None until there is a history."""

    p10_s: float | None = None
    p95_s: float | None = None


def poll_again(
    now: datetime, since: datetime, floor_s: float, times: RenderTimes | None = None
) -> datetime:
    """When to ask next: sparse well before the usual time, at the floor around it, then 10 s.

    Sparse ends at 60 % of p10 and begins again at three times p95: one clip in ten is quicker than
    p10 and one in twenty slower than p95, and these too are to be seen within seconds.
    """
    times = times or RenderTimes()
    elapsed_s = (now - since).total_seconds()
    early_s = 0.6 * (times.p10_s or 0.0) - elapsed_s
    late_s = 900.0 if times.p95_s is None else max(3 * times.p95_s, 60.0)
    if early_s > floor_s:
        wait_s = min(30.0, early_s)
    elif elapsed_s > late_s:
        wait_s = max(floor_s, 10.0)
    else:
        wait_s = floor_s
    return now + timedelta(seconds=wait_s)


def look_again(now: datetime, looks: int, first_s: float) -> datetime:
    """When to look for a lost submission again: growing from `first_s` to an hour."""
    return now + timedelta(seconds=min(3600.0, first_s * 2 ** min(looks, 20)))


def reason_for(job: Job) -> str:
    """One sentence on how the job stands, for lists and JSON."""
    return job.message or job.reason.value
