"""What a person can look up and decide afterwards: jobs, models, clips made long ago.

Stands beside the workbench: that makes takes, this finds them again. Who may do what is decided
here; how it looks is the faces' business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Job, Place, Reason, State
from bot.ledger import scope_of, settled_micros
from bot.models import Catalogue, Lifecycle
from bot.pace import Clock
from bot.producer import Listing, Person, Producer, new_id
from bot.shots import Verdict
from bot.store import Found, Posting, Search, Store
from bot.texts import say
from bot.vendors import Vendors
from bot.workbench import Workbench
from bot.worker import Worker

__all__ = [
    "Deed",
    "Desk",
    "JobCard",
    "ModelCard",
    "Recipe",
    "Results",
    "can_be_stopped",
    "search_of",
    "worth_retrying",
]

PAGE: Final = 8  # clips on a page: their lines and links fit into a message
_REMOTE_CHARS: Final = 200
_RETRY: Final = (Reason.FAILED, Reason.CANCELLED, Reason.EXPIRED, Reason.NOT_SUBMITTED)

Restricted = Callable[[int], bool | None]
"""Whether a channel is age-restricted, None for one that is not there (any more)."""


class Deed(StrEnum):
    """What a person can do about a job now."""

    CANCEL = "cancel"  # ask it to stop
    RETRY = "retry"  # the same again, at today's price
    POST = "post"  # show its clip where the person is
    RESOLVE = "resolve"  # say what became of an uncertain submission


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCard:
    """A job with everything there is to say about it."""

    job: Job
    ahead: int  # jobs its vendor takes before it
    progress: float | None
    expected_s: float | None  # how long it usually takes, None where that says nothing (any more)
    charged_micros: int | None  # None while nobody knows
    history: Sequence[tuple[str, datetime]]  # states and since when, oldest first
    deeds: frozenset[Deed]
    posted: Posting | None  # where its clip is to be seen


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """A model as it stands here; how long it usually takes where it runs."""

    listing: Listing
    expected_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """One page of what a search has found."""

    search_id: str
    search: Search
    page: int
    found: Sequence[Found]
    more: bool  # there is a page after this one


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How a clip was made, to be made again."""

    job: Job
    number: int | None  # of the take in its shot
    title: str
    picked: bool
    poster: Path | None
    posted: Posting | None


class Desk:
    """Looks up and decides. Holds no state of its own."""

    def __init__(
        self,
        *,
        store: Store,
        producer: Producer,
        workbench: Workbench,
        vendors: Vendors,
        worker: Worker,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._store = store
        self._producer = producer
        self._workbench = workbench
        self._vendors = vendors
        self._worker = worker
        self._catalogue = catalogue
        self._clock = clock

    # jobs

    async def jobs(self, person: Person, *, everybody: bool) -> list[Job]:
        """One's own newest jobs, or everybody's here, for managers. Raises `NotAllowed`."""
        if everybody and not person.manager:
            raise NotAllowed(say("jobs.managers_only"))
        return await self._producer.jobs(person, everybody=everybody)

    async def card(self, job_id: str, person: Person) -> JobCard:
        """Raises `NotFound`, and `NotAllowed` for other people's jobs without being a manager."""
        job = await self._producer.job(job_id, person)
        if not person.manager and person.user_id != job.place.user_id:
            raise NotAllowed(say("jobs.not_yours"))
        waits = job.hold_micros > 0 and not job.ended
        return JobCard(
            job=job,
            ahead=self._worker.ahead_of(job),
            progress=self._worker.progress_of(job),
            expected_s=await self._workbench.expected_s(job.model) if waits else None,
            charged_micros=settled_micros(job) if job.ended else None,
            history=_stretches(await self._store.history(job.id)),
            deeds=await self._deeds(job, person),
            posted=await self._posted(job),
        )

    async def resolve(self, job_id: str, verdict: str, person: Person) -> Job:
        """A manager decides an uncertain job, as `Worker.resolve` takes it.

        Raises `NotFound`, `NotAllowed`, and `Refused` for an id that cannot be, or when there is
        nothing to decide (any more).
        """
        job = await self._producer.job(job_id, person)
        if not person.manager and not person.operator:
            raise NotAllowed(say("jobs.resolve_managers"))
        if verdict.startswith("remote:"):
            verdict = f"remote:{await self._remote_id(job, verdict.removeprefix('remote:'))}"
        return await self._producer.resolve(job.id, verdict)

    async def _remote_id(self, job: Job, typed: str) -> str:
        """The vendor's id as typed, where it can be one. Raises `Refused`."""
        remote_id = typed.strip()
        if not remote_id.isprintable() or not 0 < len(remote_id) <= _REMOTE_CHARS:
            raise Refused(say("jobs.no_remote_id"))
        if self._vendors.client(job.provider) is None:
            raise Refused(say("jobs.no_client", provider=job.provider))
        if await self._store.owned(job.provider, [remote_id]):
            raise Refused(say("jobs.remote_taken", remote=remote_id))
        return remote_id

    async def _deeds(self, job: Job, person: Person) -> frozenset[Deed]:
        can = {
            Deed.CANCEL: can_be_stopped(job, self._vendors),
            Deed.RETRY: worth_retrying(job),
            Deed.POST: job.state is State.DONE and bool(job.clip) and not await self._thrown(job),
            Deed.RESOLVE: job.state is State.UNCERTAIN and person.manager,
        }
        return frozenset(deed for deed, possible in can.items() if possible)

    async def _posted(self, job: Job) -> Posting | None:
        """The newest message with its clip, if any is known."""
        if await self._thrown(job):
            return None
        again = await self._store.desk.postings(scope_of(job.place), job.id)
        if again:
            return again[-1]
        if not job.result_message_id or not job.place.channel_id:
            return None
        return Posting(
            job_id=job.id, channel_id=job.place.channel_id, message_id=job.result_message_id
        )

    async def _thrown(self, job: Job) -> bool:
        return await self._store.shots.thrown_away(scope_of(job.place), job.id)

    # models

    async def models(self, place: Place) -> list[ModelCard]:
        """Every model as it stands in this server, with how long it usually takes."""
        return [await self._timed(one) for one in await self._producer.models(place)]

    async def model(self, name: str, place: Place) -> ModelCard:
        """One model by id or name. Raises `NotFound`."""
        wanted = name.strip().lower()
        for one in await self._producer.models(place):
            if wanted in (one.model.id, one.model.name.lower()):
                return await self._timed(one)
        raise NotFound(say("models.unknown", model=name.strip()[:100]))

    async def _timed(self, listing: Listing) -> ModelCard:
        live = listing.status is Lifecycle.LIVE
        expected_s = await self._workbench.expected_s(listing.model.id) if live else None
        return ModelCard(listing=listing, expected_s=expected_s)

    # showing a clip again

    async def to_post(
        self,
        job_id: str,
        person: Person,
        here: int,
        *,
        restricted: Restricted,
        hidden: Collection[int] = (),
    ) -> tuple[Job, Path]:
        """A finished clip that may be shown in the channel `here`: its job and its file.

        Raises `NotFound`, `NotAllowed` where it comes from an age-restricted channel and this is
        none, or from one the person does not see, and `Refused` where there is no file.
        """
        job = await self._seen(job_id, person, hidden)
        clip = await self._workbench.original_path(job.id, person)
        if not restricted(here) and await self._from_restricted(job, restricted):
            raise NotAllowed(say("post.restricted"))
        return job, clip

    async def posted(self, job: Job, channel_id: int, message_id: int) -> None:
        """It is shown there now too."""
        posting = Posting(job_id=job.id, channel_id=channel_id, message_id=message_id)
        await self._store.desk.add_posting(scope_of(job.place), posting, self._clock())

    async def postings(self, job: Job) -> list[Posting]:
        """Its further messages."""
        return await self._store.desk.postings(scope_of(job.place), job.id)

    async def _from_restricted(self, job: Job, restricted: Restricted) -> bool:
        channels = await self._channels(job)
        if any(restricted(channel) for channel in channels):
            return True
        gone = [channel for channel in channels if restricted(channel) is None]
        return bool(gone) and await self._store.desk.restricted(gone)

    async def _seen(self, job_id: str, person: Person, hidden: Collection[int]) -> Job:
        """A job of this server whose channel the person sees, or that is their own."""
        job = await self._producer.job(job_id, person)
        mine = person.user_id == job.place.user_id or person.manager or person.operator
        if not mine and not set(hidden).isdisjoint(await self._channels(job)):
            raise NotFound(say("producer.unknown_job"))
        return job

    async def _channels(self, job: Job) -> list[int]:
        """Where it was asked for: its channel or thread, and the channel of its shot."""
        shot = await self._store.shots.of_job(scope_of(job.place), job.id)
        places = [job.place.channel_id, shot.channel_id if shot else None]
        return list(dict.fromkeys(number for number in places if number))

    # the library

    async def look_for(self, search: Search, person: Person) -> str:
        """Remember a search, so that buttons can go through it: its id."""
        now = self._clock()
        search_id = new_id(now)
        scope = scope_of(Place(guild_id=person.guild_id))
        await self._store.desk.keep_search(search_id, scope, person.user_id, search, now)
        return search_id

    async def results(
        self, search_id: str, page: int, person: Person, hidden: Collection[int] = ()
    ) -> Results:
        """A page of clips of this server, newest first, without deleted ones and those of hidden
        channels. Raises `NotFound` for a search that is forgotten, or somebody else's.
        """
        scope = scope_of(Place(guild_id=person.guild_id))
        search = await self._store.desk.search(search_id, scope, person.user_id)
        if search is None:
            raise NotFound(say("library.forgotten"))
        found = await self._store.library.find(
            scope, search, PAGE + 1, offset=page * PAGE, hidden=hidden
        )
        return Results(
            search_id=search_id,
            search=search,
            page=page,
            found=found[:PAGE],
            more=len(found) > PAGE,
        )

    async def recipe(
        self,
        job_id: str,
        person: Person,
        here: int,
        *,
        restricted: Restricted,
        hidden: Collection[int] = (),
    ) -> Recipe:
        """How a clip was made; without its poster where the clip itself may not be shown.

        Raises `NotFound`, `Refused` where it was deleted meanwhile.
        """
        job = await self._seen(job_id, person, hidden)
        shown = restricted(here) or not await self._from_restricted(job, restricted)
        await self._workbench.original_path(job.id, person)
        scope = scope_of(job.place)
        shot = await self._store.shots.of_job(scope, job.id)
        take = await self._store.shots.take(scope, job.id)
        return Recipe(
            job=job,
            number=take.number if take else None,
            title=shot.title if shot else "",
            picked=bool(take and take.verdict is Verdict.PICKED),
            poster=await self._workbench.poster(job.clip) if shown else None,
            posted=await self._posted(job),
        )


def can_be_stopped(job: Job, vendors: Vendors) -> bool:
    """Whether asking it to stop may save anything, and nobody has asked yet."""
    if job.cancel_at is not None:
        return False
    if job.state is State.RENDERING:
        client = vendors.client(job.provider)
        return client is not None and client.facts.cancellable
    return job.state in (State.QUEUED, State.SUBMITTING, State.UNCERTAIN)


def worth_retrying(job: Job) -> bool:
    """Whether the same again may well succeed; a refusal of the content never would."""
    return job.state is State.REFUNDED and job.reason in _RETRY


def search_of(
    *,
    words: str = "",
    model: str | None = None,
    user_id: int | None = None,
    since: str | None = None,
    until: str | None = None,
    picked: bool = False,
) -> Search:
    """A search as typed. Raises `Refused` for a day that is none, or an end before its start."""
    first, last = _day(since), _day(until)
    if first and last and first > last:
        raise Refused(say("library.backwards", since=first, until=last))
    return Search(
        words=words,
        model=model.strip() or None if model else None,
        user_id=user_id,
        since=first,
        until=last,
        picked=picked,
    )


def _day(typed: str | None) -> date | None:
    if not typed or not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise Refused(say("library.no_day", typed=typed.strip()[:50])) from None


def _stretches(history: Sequence[tuple[str, str, datetime]]) -> list[tuple[str, datetime]]:
    """States and when each began; the moves within one say nothing to a person."""
    found: list[tuple[str, datetime]] = []
    for state, _, at in history:
        if not found or found[-1][0] != state:
            found.append((state, at))
    return found
