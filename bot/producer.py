"""What people can ask for: a quote, a generation, the same again, a cancellation, a verdict.

Decides *what happens*; how it looks and how it is sent are the faces' business, how a job is
brought to its end the worker's. Every refusal is a sentence for the person and costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from bot import files, rules
from bot.brief import MAX_PROMPT_CHARS, Brief
from bot.classifier import Classification, classify
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Illegal, Job, Place, State
from bot.judge import Judge
from bot.ledger import scope_of
from bot.lifecycle import ends_on, offered, status, successor_of
from bot.limits import Caps
from bot.media import BadClip, BadImage, Media, sniff
from bot.models import Availability, Catalogue, Lifecycle, Model, Route
from bot.money import usd
from bot.router import Candidate, Decision, Facts, decide, to_json
from bot.router.decision import NO_FACTS
from bot.stills import suited, taken_in
from bot.store import KeptQuote, OverCap, Store, UsageRow
from bot.taste import Taste
from bot.texts import Text, say, stored
from bot.vendors import Vendors
from bot.worker import Worker
from providers.base import MediaInput, MediaRole
from providers.errors import ProviderError

__all__ = ["Instead", "Listing", "Person", "Producer", "Quote", "new_id"]

MAX_TAKES: Final = 10
_JUDGED: Final = 0.6  # how sure a second opinion makes us
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_DECISION: Final = TypeAdapter(Decision)
_STILLS: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """A brief with its decision: what would be made, why, and for how much at most."""

    brief: Brief
    place: Place
    decision: Decision
    choice: Candidate
    price_micros: int  # for one take

    @property
    def free(self) -> bool:
        return self.price_micros == 0


class Instead(Refused):
    """What was asked for cannot be had; `quote` is what can, and needs a yes of its own."""

    def __init__(self, user_message: str, quote: Quote) -> None:
        super().__init__(user_message)
        self.quote = quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who asks, where, and what they are in that server; on the command line, the operator."""

    user_id: int = 0
    guild_id: int | None = None
    manager: bool = False
    roles: frozenset[int] = frozenset()
    channels: tuple[int, ...] = ()  # the channel, and for a thread the one it is in

    @property
    def operator(self) -> bool:
        return self.guild_id is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A model as it stands now; `routes` pairs each route with "" or why it is not offered.

    `waits` says for a provider why jobs are taken there, but wait for the moment;
    `paused_since` when its account began to need the operator.
    """

    model: Model
    status: Lifecycle
    routes: tuple[tuple[Route, str], ...]
    waits: Mapping[str, str] = field(default_factory=dict[str, str])
    paused_since: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    ends_on: date | None = None  # the announced end of one that runs now
    successor: Model | None = None  # what comes after one that ends or has ended


class Producer:
    """The use cases. Holds no state of its own."""

    def __init__(
        self,
        *,
        store: Store,
        vendors: Vendors,
        catalogue: Catalogue,
        media: Media,
        worker: Worker,
        caps: Caps,
        folder: Path,
        clock: Callable[[], datetime],
        judge: Judge | None = None,
        taste: Taste | None = None,
    ) -> None:
        self._judge = judge
        self._taste = taste
        self._store = store
        self._vendors = vendors
        self._catalogue = catalogue
        self._media = media
        self._worker = worker
        self._caps = caps
        self._clips = folder / "clips"
        self._inputs = folder / "inputs"
        self._clock = clock

    @property
    def model_ids(self) -> tuple[str, ...]:
        """All models by id, from memory (autocomplete)."""
        return tuple(self._catalogue.models)

    async def decide(
        self, brief: Brief, place: Place | None = None, *, max_micros: int | None = None
    ) -> Decision:
        """Classify and choose; spends nothing. `max_micros` lowers the cap per clip.

        Raises `Refused` for a prompt nobody can send.
        """
        _check_prompt(brief)
        caps = [self._caps.clip_micros] + ([] if max_micros is None else [max_micros])
        video = next((media for media in brief.inputs if media.role not in _STILLS), None)
        info = await self._media.probe(video.path) if video and video.path else []
        demand, judged_by = await self._classified(brief.prompt)
        house = await self._rules(place)
        brief = rules.with_default_stage(brief, house, demand.hints.stage)
        taught = NO_FACTS.preferences
        if self._taste and place:
            taught = await self._taste.preferences(scope_of(place))
        decision = decide(
            brief,
            demand,
            rules.permitted(self._catalogue, house),
            await self._vendors.availability(place),
            facts=Facts(
                max_price_micros=min(caps),
                video_s=info[0].duration_s if info else None,
                preferences=taught,
            ),
        )
        return replace(await suited(decision, brief, self._vendors.client), judged_by=judged_by)

    async def _rules(self, place: Place | None) -> rules.Rules:
        if place is None or place.guild_id is None:
            return rules.OPEN
        return await self._store.rules.of(scope_of(place))

    async def permit(
        self, person: Person, *, model: str | None = None, price_micros: int = 0
    ) -> None:
        """Raises `NotAllowed` with what the server's rules say about this person, model, price."""
        if person.operator:
            return
        place = Place(guild_id=person.guild_id)
        reason = rules.may(
            person.roles,
            person.channels,
            await self._rules(place),
            manager=person.manager,
            model=model,
            price_micros=price_micros,
        )
        if reason:
            raise NotAllowed(reason)

    async def _classified(self, prompt: str) -> tuple[Classification, str]:
        """What the words demand, and which chat model judged it ("" for our own classifier)."""
        built_in = classify(prompt)
        opinion = await self._judge.opinion(prompt) if self._judge else None
        if self._judge is None or opinion is None:
            return built_in, ""
        sure = max(built_in.confidence, _JUDGED)
        return replace(built_in, weights=opinion, confidence=sure), self._judge.model

    def decide_with_every_key(self, brief: Brief) -> Decision:
        """What would be chosen today if no vendor's key were missing; for those who have none."""
        return decide(
            brief,
            classify(brief.prompt),
            self._catalogue,
            Availability(today=self._clock().date(), missing={}),
            facts=Facts(max_price_micros=self._caps.clip_micros),
        )

    async def quote(self, brief: Brief, place: Place, *, max_micros: int | None = None) -> Quote:
        """What would be made and its price.

        Raises `Refused` with what is possible, `Instead` where a successor can run at once.
        """
        decision = await self.decide(brief, place, max_micros=max_micros)
        if decision.choice is None:
            refusal = decision.refusal
            if refusal and refusal.successor:
                heir = replace(brief, model=refusal.successor.model)
                offer = await self.quote(heir, place, max_micros=max_micros)
                raise Instead(refusal.message, offer)
            raise Refused(refusal.message if refusal else say("producer.no_model"))
        return Quote(
            brief=brief,
            place=place,
            decision=decision,
            choice=decision.choice,
            price_micros=decision.choice.price_micros,
        )

    async def generate(
        self,
        quote: Quote,
        *,
        origin: str,
        takes: int = 1,
        start: bool = True,
        status_message_id: int | None = None,
    ) -> list[Job]:
        """Accept the quote: jobs with their holds in one transaction, then the worker has them.

        The same origin twice makes nothing new. `start=False` leaves the first step to the caller.
        Raises `Refused` when the day's cap would break.
        """
        if not 1 <= takes <= MAX_TAKES:
            raise Refused(say("shot.takes_at_once", most=MAX_TAKES, takes=takes))
        quotes = [replace(quote, brief=_take(quote.brief, take)) for take in range(takes)]
        return await self._accept(quotes, origin, start=start, message_id=status_message_id)

    async def _accept(
        self, quotes: Sequence[Quote], origin: str, *, start: bool, message_id: int | None
    ) -> list[Job]:
        return await self.accept([(origin, quotes)], start=start, status_message_id=message_id)

    async def accept(
        self,
        batches: Sequence[tuple[str, Sequence[Quote]]],
        *,
        start: bool = True,
        status_message_id: int | None = None,
    ) -> list[Job]:
        """One job per quote, each batch under its origin, all held in one transaction or none.

        The same origins again give the jobs they led to. Raises `Refused` as `generate` does.
        """
        now = self._clock()
        made = [
            (
                self._jobs(quotes, origin, now, status_message_id),
                _DECISION.dump_json(quotes[0].decision).decode(),
            )
            for origin, quotes in batches
        ]
        try:
            accepted = await self._store.add_batches(made, self._caps, now)
        except OverCap as error:
            raise Refused(error.sentence) from None
        for job in accepted:
            if start and not job.ended:
                self._worker.start(job)
        return accepted

    def _jobs(
        self, quotes: Sequence[Quote], origin: str, now: datetime, message_id: int | None
    ) -> list[Job]:
        ids = sorted(new_id(now) for _ in quotes)  # a later take never sorts before an earlier one
        batch = ids[0]
        return [
            Job(
                id=ids[index],
                origin=origin if index == 0 else f"{origin}/{index + 1}",
                batch=batch,
                place=quote.place,
                model=quote.choice.model,
                brief=quote.brief,
                routes=quote.choice.routes,
                hold_micros=quote.price_micros,
                created_at=now,
                updated_at=now,
                due_at=now,
                status_message_id=message_id,
            )
            for index, quote in enumerate(quotes)
        ]

    async def keep_quote(self, quote: Quote) -> str:
        """Remember what a person is shown, so that a button can say yes to it; its id."""
        now = self._clock()
        kept = KeptQuote(
            id=new_id(now),
            place=quote.place,
            brief=quote.brief,
            terms=_terms(quote.choice),
            price_micros=quote.price_micros,
            created_at=now,
        )
        await self._store.keep_quote(kept)
        return kept.id

    async def take_quote(
        self,
        quote_id: str,
        person: Person,
        *,
        channel_id: int | None = None,
        start: bool = True,
        status_message_id: int | None,
    ) -> Job:
        """The yes to a kept quote, once: saying it again gives the same job.

        Decided afresh. Raises `Instead` where the same shot costs more by now or the model
        cannot make it, `NotAllowed` for anybody but the one who asked, and as `generate` does.
        """
        kept = await self.kept(quote_id, person)
        origin = f"quote:{kept.id}"
        if made := await self._store.made_by(origin):
            return made[0]
        quote = await self.quote(kept.brief, kept.place_of_card(channel_id))
        agreed = next(
            (
                candidate
                for candidate in (quote.choice, *quote.decision.candidates)
                if _terms(candidate) == kept.terms and candidate.price_micros <= kept.price_micros
            ),
            None,
        )
        if agreed is None:
            raise Instead(say("offer.changed"), quote)
        await self.permit(person, model=agreed.model, price_micros=agreed.price_micros)
        taken = replace(quote, choice=agreed, price_micros=agreed.price_micros)
        (job,) = await self.generate(
            taken, origin=origin, start=start, status_message_id=status_message_id
        )
        return job

    async def drop_quote(self, quote_id: str, person: Person) -> None:
        """The no to a kept quote. Raises `NotFound`, `NotAllowed`, `Refused` after a yes."""
        kept = await self.kept(quote_id, person)
        if await self._store.made_by(f"quote:{kept.id}"):
            raise Refused("This was started already. Cancel stops it where that is possible.")
        await self._store.drop_quote(kept.id)

    async def kept(self, quote_id: str, person: Person) -> KeptQuote:
        """An open offer of this person. Raises `NotFound`, `NotAllowed`."""
        kept = await self._store.kept_quote(quote_id)
        if kept is None or kept.place.guild_id != person.guild_id:
            raise NotFound(say("offer.closed"))
        if kept.place.user_id != person.user_id:
            raise NotAllowed(say("offer.not_yours"))
        return kept

    async def again(self, job_id: str, person: Person, place: Place) -> Quote:
        """The same brief once more, with a new seed, quoted at today's price.

        Raises `NotFound` for another server's job, `Refused` as `quote` does.
        """
        job = await self.job(job_id, person)
        brief = replace(job.brief, seed=None, model=job.model)
        return await self.quote(brief, place)

    async def job(self, job_id: str, person: Person) -> Job:
        """A job of this person's server (any, on the command line). Raises `NotFound`."""
        if person.guild_id is None:
            return await self._store.job(job_id)
        with contextlib.suppress(NotFound):
            job = await self._store.job(job_id)
            if job.place.guild_id == person.guild_id:
                return job
        raise NotFound(say("producer.unknown_job"))

    async def job_of_message(self, message_id: int, person: Person) -> Job | None:
        """The job whose clip this message of the person's server is."""
        scope = scope_of(Place(guild_id=person.guild_id))
        return await self._store.of_message(scope, message_id)

    async def batch(self, batch: str) -> list[Job]:
        """Jobs that were quoted and held together, in the order of their takes."""
        return await self._store.batch(batch)

    async def cancel(self, job_id: str, person: Person) -> str:
        """Ask a job to stop; says what that will and will not save.

        Raises `NotFound`, and `NotAllowed` for other people's jobs.
        """
        job = await self.job(job_id, person)
        if not person.operator and not person.manager and person.user_id != job.place.user_id:
            raise NotAllowed(say("producer.cancel_own"))
        if job.ended:
            return say("producer.ended", job=job.id, state=say(f"plain_state.{job.state}"))
        await self._store.set_cancel(job.id, self._clock())
        self._worker.wake(job.id)
        return _cancel_words(job, self._vendors)

    async def resolve(self, job_id: str, verdict: str) -> Job:
        """A person decides an uncertain job. Raises `Refused` when it is not uncertain."""
        job = await self._store.job(job_id)
        try:
            return await self._worker.resolve(job, verdict)
        except Illegal:
            state = say(f"plain_state.{job.state}")
            raise Refused(say("producer.not_uncertain", job=job.id, state=state)) from None

    async def jobs(self, person: Person, *, everybody: bool = False) -> list[Job]:
        """Newest first: one's own, or the whole server's for managers; all on the command line."""
        if person.guild_id is None:
            return await self._store.recent(None)
        scope = str(person.guild_id)
        if everybody and person.manager:
            return await self._store.recent(scope, 25)
        return await self._store.of_user(scope, person.user_id)

    async def models(self, place: Place | None = None) -> list[Listing]:
        """Every model with its routes and why one is off, by the server's rules too."""
        availability = await self._vendors.availability(place)
        waits = await self._vendors.left_alone()
        since = await self._vendors.paused_since()
        book = rules.permitted(self._catalogue, await self._rules(place))
        return [
            Listing(
                model=model,
                status=status(model, availability),
                routes=tuple((one, offered(model, one, availability)) for one in model.routes),
                waits=waits,
                paused_since=since,
                ends_on=ends_on(model, availability),
                successor=successor_of(book, model, availability),
            )
            for model in book.models.values()
        ]

    async def usage(self, by: str, place: Place | None = None) -> list[UsageRow]:
        """Clips and money, of one server or of all."""
        return await self._store.usage(by, None if place is None else scope_of(place))

    async def spent_today(self, place: Place) -> tuple[int, int]:
        """(counted against today's cap, the cap), micro-USD."""
        return await self._store.exposure(scope_of(place), self._clock()), self._caps.daily_micros

    async def decision(self, job: Job) -> Mapping[str, Any]:
        """The stored decision of a job, in the shape scripts read."""
        return to_json(_DECISION.validate_json(await self._store.decision(job.batch)))

    async def add_input(
        self,
        role: MediaRole,
        source: Path | str,
        *,
        loopback_ok: Callable[[str], bool] = lambda _origin: False,
    ) -> MediaInput:
        """Take a picture or video (a file, or an https URL) into our folder, made safe.

        Stills are re-encoded without metadata. Raises `Refused` with what is wrong with it.
        """
        folder = self._inputs / new_id(self._clock())
        await asyncio.to_thread(folder.mkdir, parents=True)
        url = source if isinstance(source, str) else None
        raw = folder / "raw" if isinstance(source, str) else source
        if isinstance(source, str):
            try:
                await self._media.download(source, raw, loopback_ok=loopback_ok)
            except ProviderError as error:
                words = say("producer.not_fetched", what=_named(role), detail=error.detail)
                raise Refused(words) from None
        try:
            mime = await asyncio.to_thread(sniff, raw)
        except OSError as error:
            words = say("producer.unreadable", file=str(raw), detail=error.strerror)
            raise Refused(words) from None
        if role not in _STILLS:
            return await self._video(role, raw, folder, mime, url)
        try:
            picture = await self._media.prepare_image(raw, folder / "still.png")
        except BadImage as error:
            raise Refused(_given_as(role, error)) from None
        note = stored(taken_in(picture))
        return MediaInput(role=role, mime=picture.mime, path=picture.path, note=note)

    async def _video(
        self, role: MediaRole, raw: Path, folder: Path, mime: str, url: str | None
    ) -> MediaInput:
        if not mime.startswith("video/"):
            raise Refused(say("producer.not_a_video", what=_named(role), mime=mime))
        kept = folder / "video.mp4"
        await files.copy(raw, kept)
        try:
            await self._media.probe(kept)
        except BadClip as error:
            raise Refused(_given_as(role, error)) from None
        return MediaInput(role=role, mime=mime, path=kept, url=url)


def _named(role: MediaRole) -> Text:
    """What people call an input."""
    return say(f"media.{role}")


def _given_as(role: MediaRole, error: BadImage | BadClip) -> Text:
    return say("producer.given_as", problem=error.user_message, what=_named(role))


def new_id(now: datetime) -> str:
    """Sortable by time, 16 characters: 10 of milliseconds, 6 of chance."""
    number = (int(now.timestamp() * 1000) << 30) | secrets.randbits(30)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(75, -5, -5))


def _check_prompt(brief: Brief) -> None:
    if not brief.prompt.strip():
        raise Refused(say("producer.no_prompt"))
    if any("\ud800" <= char <= "\udfff" for char in brief.prompt):
        raise Refused(say("producer.broken_prompt"))
    if len(brief.prompt) > MAX_PROMPT_CHARS:
        length = len(brief.prompt)
        raise Refused(say("producer.long_prompt", length=length, most=MAX_PROMPT_CHARS))


def _terms(candidate: Candidate) -> str:
    """What a price is for: the shot, whoever sells it."""
    fit = candidate.fit
    sound = "sound" if fit.audio else "silent"
    return f"{candidate.model} {fit.duration_s} s {fit.aspect} {fit.resolution} {sound}"


def _take(brief: Brief, take: int) -> Brief:
    """Takes of one batch differ in their seed, or they would be the same clip."""
    return brief if brief.seed is None or take == 0 else replace(brief, seed=brief.seed + take)


def _cancel_words(job: Job, vendors: Vendors) -> str:
    client = vendors.client(job.provider)
    if job.state is State.QUEUED:
        return say("producer.cancelling", job=job.id)
    if job.state is State.UNCERTAIN:
        return say("producer.cancelling_uncertain", job=job.id)
    if job.state in (State.FETCHING, State.DELIVERING):
        return say("producer.cancelled_late", job=job.id)
    if client is not None and not client.facts.cancellable:
        price = usd(job.hold_micros)
        return say("producer.cannot_stop", provider=job.provider, price=price)
    return say("producer.asked_to_stop", provider=job.provider, job=job.id)
