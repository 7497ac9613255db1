"""The use cases around a shot: its takes, what follows from one, verdicts, and the files.

Stands on the producer, which alone decides what is made and for how much: every verb here ends in
one of its quotes. How a board or a card looks, and threads themselves, are the faces' business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot import refine as words_about
from bot import rules, shots
from bot._offer import offer_for
from bot.brief import Brief
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Job, Place
from bot.ledger import scope_of
from bot.media import Cell, Media, MediaError, Picture
from bot.models import Catalogue
from bot.pace import Clock
from bot.producer import Instead, Person, Producer, Quote, new_id
from bot.refine import Refinement
from bot.shots import Board, Shot, Take, Verb, Verdict
from bot.store import KeptQuote, Store
from bot.texts import join, say
from providers.base import MediaInput, MediaRole

__all__ = ["Next", "TakeCell", "Workbench"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """What a press or a word leads to, priced, before anybody says yes."""

    shot: Shot
    verb: Verb
    quote: Quote
    takes: int = 1
    parent: int | None = None  # the number of the take it comes from
    refinement: Refinement | None = None
    starts_at_once: bool = False  # free, or at or under the person's threshold
    note: str = ""  # why this and not what was asked for: it needs a yes of its own

    @property
    def total_micros(self) -> int:
        """For all takes: what is held when it starts."""
        return self.quote.price_micros * self.takes


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeCell:
    """A take on a contact sheet; `clip` is its file name, "" where there is none."""

    number: int
    caption: str
    clip: str
    picked: bool = False
    shape: float = 16 / 9  # width / height


class Workbench:
    """Shots and takes for people. Holds no state of its own."""

    def __init__(
        self,
        *,
        store: Store,
        producer: Producer,
        media: Media,
        catalogue: Catalogue,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._store = store
        self._producer = producer
        self._media = media
        self._catalogue = catalogue
        self._clips = folder / "clips"
        self._tmp = folder / "tmp"
        self._posters = folder / "posters"
        self._clock = clock

    async def start_shot(
        self, place: Place, prompt: str, *, origin: str, thread_id: int | None = None
    ) -> Shot:
        """A new shot of the person asking; the same origin again is the same shot."""
        now = self._clock()
        return await self._store.shots.add(
            Shot(
                id=new_id(now),
                scope=scope_of(place),
                origin=origin,
                channel_id=place.channel_id,
                thread_id=thread_id,
                title=shots.title_of(prompt),
                owner_id=place.user_id,
                board_message_id=None,
                created_at=now,
            )
        )

    async def shot(self, shot_id: str, person: Person) -> Shot:
        """Raises `NotFound`, also for another server's shot."""
        shot = await self._store.shots.get(_scope(person), shot_id)
        if shot is None:
            raise NotFound(say("shot.unknown_start"))
        return shot

    async def shot_in(self, thread_id: int, person: Person) -> Shot | None:
        """The shot whose thread this is."""
        return await self._store.shots.in_thread(_scope(person), thread_id)

    async def shot_of(self, job_id: str, person: Person) -> Shot:
        """The shot of a job; one made outside all shots becomes take 1 of its own.

        Raises `NotFound`.
        """
        job = await self._producer.job(job_id, person)
        return (await self._as_take(job))[0]

    async def shot_of_take(self, job: Job) -> Shot | None:
        """The shot a job is a take of; None outside all shots."""
        return await self._store.shots.of_job(scope_of(job.place), job.id)

    async def set_thread(self, shot_id: str, person: Person, thread_id: int) -> None:
        await self._store.shots.set_thread(_scope(person), shot_id, thread_id)

    async def set_board_message(self, shot_id: str, person: Person, message_id: int) -> None:
        await self._store.shots.set_board_message(_scope(person), shot_id, message_id)

    async def latest(self, shot_id: str, person: Person) -> str:
        """The job of the newest take that has a clip. Raises `Refused` where there is none."""
        lines = (await self.board(shot_id, person)).lines
        made = [line for line in lines if line.clip and not line.deleted]
        if not made:
            raise Refused(say("shot.no_clip_yet"))
        return made[-1].take.job_id

    async def board(self, shot_id: str, person: Person) -> Board:
        """All takes with their verdicts and the running total. Raises `NotFound`."""
        board = await self._store.shots.board(_scope(person), shot_id)
        if board is None:
            raise NotFound(say("shot.unknown"))
        return board

    async def first(self, shot_id: str, brief: Brief, person: Person, place: Place) -> Next:
        """A take from new words. Raises as `Producer.quote` does."""
        shot = await self.shot(shot_id, person)
        return await self._next(shot, None, person, Verb.FIRST, brief, place)

    async def again(self, job_id: str, person: Person, place: Place) -> Next:
        """The same with a new seed; at once for what the take's own button says it costs."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.again(shots.as_made(job))
        step = await self._next(shot, take, person, Verb.AGAIN, brief, place)
        if step.quote.price_micros <= job.hold_micros and not step.note:
            return replace(step, starts_at_once=True)
        return step

    async def several(self, job_id: str, takes: int, person: Person, place: Place) -> Next:
        """The same 1 to 10 times with new seeds, priced whole."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.several(shots.as_made(job), takes)
        return await self._next(shot, take, person, Verb.SEVERAL, brief, place, takes=takes)

    async def longer(self, job_id: str, person: Person, place: Place) -> Next:
        """The next length the model offers; from the longest, on from the last frame."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.longer(shots.as_made(job), job.plan.fit.duration_s, self._offered_s(job))
        if brief is None:
            return await self.continue_on(job_id, person, place)
        return await self._next(shot, take, person, Verb.LONGER, brief, place)

    async def continue_on(self, job_id: str, person: Person, place: Place) -> Next:
        """A clip that begins on the take's last frame; on another model where its own cannot."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.continued(shots.as_made(job), await self._last_frame(job))
        model = self._catalogue.models.get(job.model)
        if model is None or MediaRole.FIRST_FRAME not in model.inputs:
            brief = replace(brief, model=None)
        return await self._next(shot, take, person, Verb.CONTINUE, brief, place)

    async def as_first_frame(
        self, job_id: str, model: str | None, person: Person, place: Place
    ) -> Next:
        """The take's last frame as the first of a clip of another model."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.use_as_first_frame(job.brief, await self._last_frame(job), model)
        return await self._next(shot, take, person, Verb.AS_FIRST_FRAME, brief, place)

    async def to_final(self, job_id: str, person: Person, place: Place) -> Next:
        """The same for keeps, on the model the final stage chooses."""
        job, shot, take = await self._take(job_id, person)
        return await self._next(shot, take, person, Verb.FINAL, shots.to_final(job.brief), place)

    def can_upscale(self, job: Job) -> bool:
        """Whether any route on offer can give a finished clip more pixels."""
        return job.hold_micros > 0 and bool(self._upscalers())

    async def upscale(self, job_id: str, person: Person, place: Place) -> Next:
        """A picked take with more pixels, on the cheapest route that can.

        Raises `Refused` for a take nobody has picked, and where no such route is on offer.
        """
        job, shot, take = await self._take(job_id, person)
        if take.verdict is not Verdict.PICKED:
            raise Refused(say("shot.upscale_picked"))
        clip = await self.original_path(job_id, person)
        source = MediaInput(role=MediaRole.SOURCE, mime="video/mp4", path=clip)
        brief = shots.upscaled(job.brief, source, job.duration_s)
        steps: list[Next] = []
        for model in self._upscalers():
            with contextlib.suppress(Refused):
                one = replace(brief, model=model)
                steps.append(await self._next(shot, take, person, Verb.UPSCALE, one, place))
        if not steps:
            raise Refused(say("shot.no_upscaler"))
        return min(steps, key=lambda step: step.quote.price_micros)

    def _upscalers(self) -> list[str]:
        return [model.id for model in self._catalogue.models.values() if model.upscales]

    async def change(self, job_id: str, prompt: str, person: Person, place: Place) -> Next:
        """Other words on the same model."""
        job, shot, take = await self._take(job_id, person)
        brief = shots.change(shots.as_made(job), prompt)
        return await self._next(shot, take, person, Verb.CHANGE, brief, place)

    async def elsewhere(self, job_id: str, person: Person, place: Place) -> Next:
        """The same on the best model of another vendor, else on any other.

        Raises `Refused` where nobody else can make it.
        """
        job, shot, take = await self._take(job_id, person)
        brief = replace(job.brief, model=None)
        candidates = (await self._producer.decide(brief, place)).candidates
        others = [one for one in candidates if one.model != job.model]
        if not others:
            raise Refused(say("shot.no_other"))
        others.sort(key=lambda one: one.routes[0].provider == job.provider)
        brief = replace(brief, model=others[0].model)
        return await self._next(shot, take, person, Verb.CHANGE, brief, place)

    async def brief_of(self, job_id: str, person: Person) -> Brief:
        """What a take was asked as. Raises `NotFound`."""
        return (await self._producer.job(job_id, person)).brief

    async def rebrief(self, job_id: str, brief: Brief, person: Person, place: Place) -> Next:
        """Another brief for the take after this one, on whatever model it demands."""
        _, shot, take = await self._take(job_id, person)
        return await self._next(shot, take, person, Verb.CHANGE, brief, place)

    async def last_frame(self, job_id: str, person: Person) -> MediaInput:
        """What another clip can begin on. Raises `NotFound`, `Refused` where there is no file."""
        return await self._last_frame(await self._producer.job(job_id, person))

    async def last_frame_at(self, url: str, *, loopback_ok: bool = False) -> MediaInput:
        """The last frame of a video at an address. Raises `Refused` with what is wrong with it."""
        video = await self._producer.add_input(
            MediaRole.SOURCE, url, loopback_ok=lambda _origin: loopback_ok
        )
        if video.path is None:
            raise Refused(say("shot.video_unreadable"))
        return await self._frame_of(video.path)

    async def refine(self, job_id: str, words: str, person: Person, place: Place) -> Next:
        """A take changed in words. Raises `Refused` where they change nothing, and says why."""
        job, shot, take = await self._take(job_id, person)
        refinement = words_about.refine(words, await self._made(job, place))
        if refinement.empty:
            raise Refused(join(" ", refinement.understood) or say("refine.nothing"))
        brief = words_about.refined(shots.as_made(job), refinement)
        step = await self._next(shot, take, person, Verb.CHANGE, brief, place)
        return replace(step, refinement=refinement)

    async def offer(self, step: Next) -> str:
        """Remember what a person is shown, so that a button can say yes to it: a quote's id."""
        quote_id = await self._producer.keep_quote(step.quote)
        await self._plan(step, _origin(quote_id))
        return quote_id

    async def offered(self, quote_id: str, person: Person) -> Brief:
        """What an open offer would make. Raises `NotFound`, `NotAllowed`."""
        return (await self._producer.kept(quote_id, person)).brief

    async def switch(self, quote_id: str, model: str, person: Person) -> Next:
        """The same offer on another model; the open one is closed."""
        kept = await self._producer.kept(quote_id, person)
        return await self._reoffered(kept, replace(kept.brief, model=model), person)

    async def reword(self, quote_id: str, given: Brief, person: Person) -> Next:
        """The same offer in the words of `given`, and from its pictures where it has some."""
        kept = await self._producer.kept(quote_id, person)
        roles = {media.role for media in given.inputs}
        kept_inputs = tuple(media for media in kept.brief.inputs if media.role not in roles)
        brief = replace(
            kept.brief,
            prompt=given.prompt,
            inputs=(*kept_inputs, *given.inputs),
            spoiler=kept.brief.spoiler or given.spoiler,
        )
        return await self._reoffered(kept, brief, person)

    async def instead(self, quote_id: str, changed: Instead, person: Person) -> Next:
        """What an offer has turned into since it was shown."""
        kept = await self._producer.kept(quote_id, person)
        step = await self._reoffered(kept, kept.brief, person)
        return replace(step, quote=changed.quote, note=changed.user_message, starts_at_once=False)

    async def _reoffered(self, kept: KeptQuote, brief: Brief, person: Person) -> Next:
        plan = await self._store.shots.planned(_origin(kept.id))
        if plan is None:
            raise NotFound(say("offer.closed"))
        shot = await self.shot(plan.shot_id, person)
        step = await self._next(shot, None, person, plan.verb, brief, kept.place, takes=plan.takes)
        await self._producer.drop_quote(kept.id, person)
        return replace(step, parent=plan.parent)

    async def go(
        self,
        quote_id: str,
        person: Person,
        *,
        channel_id: int | None = None,
        start: bool = True,
        status_message_id: int | None = None,
    ) -> list[Job]:
        """The yes to what was offered, once: the takes it makes, held together.

        They live where the card was in the end (`channel_id`). Also for offers outside all shots.
        Raises as `Producer.take_quote` does.
        """
        plan = await self._store.shots.planned(_origin(quote_id))
        takes = plan.takes if plan else 1
        if takes == 1:
            job = await self._producer.take_quote(
                quote_id,
                person,
                channel_id=channel_id,
                start=start,
                status_message_id=status_message_id,
            )
            return await self._store.batch(job.batch)
        quote = await self._still_offered(quote_id, person, channel_id)
        total_micros = quote.price_micros * takes
        await self._producer.permit(person, model=quote.choice.model, price_micros=total_micros)
        return await self._producer.generate(
            quote,
            origin=_origin(quote_id),
            takes=takes,
            start=start,
            status_message_id=status_message_id,
        )

    async def add_takes(
        self,
        step: Next,
        *,
        origin: str,
        start: bool = True,
        status_message_id: int | None = None,
    ) -> list[Job]:
        """Start without a further yes; the same origin twice makes nothing new.

        Raises `Refused` when the day's cap would break.
        """
        await self._plan(step, origin)
        return await self._producer.generate(
            step.quote,
            origin=origin,
            takes=step.takes,
            start=start,
            status_message_id=status_message_id,
        )

    async def pick(self, job_id: str, person: Person) -> Board:
        """Make it the shot's chosen take; the one chosen before is so no more.

        Raises `NotFound`, `NotAllowed` for all but the shot's owner and managers, `Refused`
        where there is no clip.
        """
        return await self._judged(job_id, person, Verdict.PICKED)

    async def toggle_pick(self, job_id: str, person: Person) -> Board:
        """Pick it, or take the pick back where it is the one. Raises as `pick` does."""
        _, _, take = await self._take(job_id, person)
        if take.verdict is Verdict.PICKED:
            return await self.unpick(job_id, person)
        return await self.pick(job_id, person)

    async def unpick(self, job_id: str, person: Person) -> Board:
        """No verdict any more. Raises as `pick` does."""
        return await self._judged(job_id, person, Verdict.NONE)

    async def reject(self, job_id: str, person: Person) -> Board:
        """Looked at and not wanted. Raises as `pick` does."""
        return await self._judged(job_id, person, Verdict.REJECTED)

    async def delete_mine(self, job_id: str, person: Person) -> Job:
        """Set a clip aside: hidden everywhere, its file kept for the operator, its money spent.

        Raises `NotAllowed` for all but the requester and managers, `Refused` while it runs.
        """
        job = await self._producer.job(job_id, person)
        if not person.operator and not person.manager and person.user_id != job.place.user_id:
            raise NotAllowed(say("shot.delete_own"))
        if not job.ended:
            raise Refused(say("shot.delete_running"))
        await self._store.shots.throw_away(
            scope_of(job.place), job.id, person.user_id, self._clock()
        )
        if job.clip:
            await asyncio.to_thread(_move, self._clips / job.clip, self._trash(job))
        return job

    async def is_deleted(self, job: Job) -> bool:
        """Whether a person has deleted its clip."""
        return await self._store.shots.thrown_away(scope_of(job.place), job.id)

    async def restore(self, job_id: str, person: Person) -> Job:
        """The operator brings a deleted clip back. Raises `NotAllowed`."""
        if not person.operator:
            raise NotAllowed(say("shot.restore_operator"))
        job = await self._producer.job(job_id, person)
        if job.clip:
            await asyncio.to_thread(_move, self._trash(job), self._clips / job.clip)
        await self._store.shots.take_back(scope_of(job.place), job.id)
        return job

    async def original_path(self, job_id: str, person: Person) -> Path:
        """The untouched file. Raises `NotFound`, and `Refused` where there is none."""
        job = await self._producer.job(job_id, person)
        if await self._store.shots.thrown_away(scope_of(job.place), job.id):
            raise Refused(say("shot.clip_deleted"))
        if not person.operator and await self._store.plans.hides(job.batch):
            raise Refused(say("shot.voted_on"))
        path = self._clips / job.clip
        if not job.clip or not await asyncio.to_thread(path.is_file):
            raise Refused(say("shot.no_file"))
        return path

    async def contact_sheet(self, cells: Sequence[TakeCell], to: Path) -> Picture:
        """Takes as one picture; a take without a clip has a dark box. Raises `CannotDraw`."""
        drawn = [
            Cell(
                number=cell.number,
                caption=cell.caption,
                still=await self.poster(cell.clip) if cell.clip else None,
                picked=cell.picked,
            )
            for cell in cells
        ]
        return await self._media.contact_sheet(drawn, to, shape=cells[0].shape if cells else 1.0)

    async def poster(self, clip: str) -> Path | None:
        """A still of a clip, made once and kept; None where the file cannot be read."""
        still = self._posters / f"{Path(clip).stem}.jpg"
        if await asyncio.to_thread(still.is_file):
            return still
        await asyncio.to_thread(self._posters.mkdir, parents=True, exist_ok=True)
        try:
            return await self._media.poster(self._clips / clip, still)
        except MediaError:
            return None

    async def expected_s(self, model: str) -> float | None:
        """How long a render usually takes: from our own history, else the catalogue's figure.

        None for a model that neither knows (any more).
        """
        measured = await self._store.expected_s(model)
        known = self._catalogue.models.get(model)
        return known.render_s if measured is None and known else measured

    async def original_url(self, job_id: str, base_url: str, person: Person) -> str | None:
        """Where the untouched file can be fetched; None unless it answers there just now."""
        path = await self.original_path(job_id, person)
        url = f"{base_url.rstrip('/')}/{path.name}"
        return url if await self._media.answers(url) else None

    async def _take(self, job_id: str, person: Person) -> tuple[Job, Shot, Take]:
        job = await self._producer.job(job_id, person)
        shot, take = await self._as_take(job)
        return job, shot, take

    async def _as_take(self, job: Job) -> tuple[Shot, Take]:
        scope = scope_of(job.place)
        take = await self._store.shots.take(scope, job.id)
        if take is None:
            made = await self.start_shot(job.place, job.brief.prompt, origin=f"job:{job.id}")
            (take,) = await self._store.shots.add_takes(scope, made.id, [job.id])
        shot = await self._store.shots.get(scope, take.shot_id)
        if shot is None:
            raise NotFound(say("shot.unknown"))
        return shot, take

    async def _next(
        self,
        shot: Shot,
        take: Take | None,
        person: Person,
        verb: Verb,
        brief: Brief,
        place: Place,
        *,
        takes: int = 1,
    ) -> Next:
        if scope_of(place) != shot.scope:
            raise NotFound(say("shot.unknown"))
        note = ""
        try:
            quote = await self._producer.quote(brief, place)
        except Instead as successor:
            quote, note = successor.quote, successor.user_message
        total_micros = quote.price_micros * takes
        await self._producer.permit(person, model=quote.choice.model, price_micros=total_micros)
        threshold = await self._store.rules.just_go_micros(shot.scope, place.user_id)
        return Next(
            shot=shot,
            verb=verb,
            quote=quote,
            takes=takes,
            parent=take.number if take else None,
            starts_at_once=not note and rules.starts_at_once(total_micros, threshold),
            note=note,
        )

    async def _still_offered(self, quote_id: str, person: Person, channel_id: int | None) -> Quote:
        kept = await self._producer.kept(quote_id, person)
        quote = await self._producer.quote(kept.brief, kept.place_of_card(channel_id))
        if quote.price_micros > kept.price_micros or not _has_terms(quote, kept.terms):
            raise Instead(say("offer.changed"), quote)
        return quote

    async def _plan(self, step: Next, origin: str) -> None:
        await self._store.shots.plan(
            origin, step.shot.id, parent=step.parent, verb=step.verb, takes=step.takes
        )

    async def _judged(self, job_id: str, person: Person, verdict: Verdict) -> Board:
        job, shot, _ = await self._take(job_id, person)
        if not person.operator and not person.manager and person.user_id != shot.owner_id:
            raise NotAllowed(say("shot.judge_own"))
        if verdict is Verdict.PICKED:
            await self.original_path(job_id, person)
        await self._store.shots.judge(shot.scope, job.id, verdict, person.user_id, self._clock())
        board = await self._store.shots.board(shot.scope, shot.id)
        if board is None:
            raise NotFound(say("shot.unknown"))
        return board

    async def _last_frame(self, job: Job) -> MediaInput:
        clip = await self.original_path(
            job.id, Person(user_id=job.place.user_id, guild_id=job.place.guild_id)
        )
        return await self._frame_of(clip)

    async def _frame_of(self, video: Path) -> MediaInput:
        still = self._tmp / f"last-{new_id(self._clock())}.png"
        try:
            await self._media.last_frame(video, still)
            return await self._producer.add_input(MediaRole.FIRST_FRAME, still)
        finally:
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(still.unlink)

    async def _made(self, job: Job, place: Place) -> words_about.Made:
        open_brief = replace(job.brief, model=None)
        decision = await self._producer.decide(open_brief, place)
        models = [self._catalogue.models[one.model] for one in decision.candidates]
        return words_about.Made(
            prompt=job.brief.prompt,
            model=job.model,
            duration_s=job.plan.fit.duration_s,
            offered_s=self._offered_s(job),
            models={model.id: (model.name, model.family, model.maker) for model in models},
        )

    def _offered_s(self, job: Job) -> tuple[int, ...]:
        """The lengths on the route that made it, with what is attached."""
        model, plan = self._catalogue.models.get(job.model), job.plan
        if model is None:
            return ()
        key = (plan.provider, plan.wire_id, plan.dialect)
        for route in model.routes:
            if (route.provider, route.wire_id, route.dialect) == key:
                return offer_for(model, route, job.brief).durations_s
        return model.durations_s

    def _trash(self, job: Job) -> Path:
        return self._clips / ".trash" / f"{job.clip}.deleted"


def _origin(quote_id: str) -> str:
    """What the producer calls the yes to a kept quote."""
    return f"quote:{quote_id}"


def _has_terms(quote: Quote, terms: str) -> bool:
    """The same model and format as when the price was shown."""
    fit = quote.choice.fit
    sound = "sound" if fit.audio else "silent"
    format_now = [str(fit.duration_s), "s", fit.aspect, fit.resolution, sound]
    return terms.split() == [quote.choice.model, *format_now]


def _move(source: Path, target: Path) -> None:
    """Into its place; a file that is there already, or nowhere, is left as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        source.replace(target)


def _scope(person: Person) -> str:
    return scope_of(Place(guild_id=person.guild_id))
