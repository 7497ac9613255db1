"""The use cases of comparisons, and the loop that brings each to its last word."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.brief import Brief
from bot.comparing._audition import Auditions
from bot.comparing._course import (
    End,
    Show,
    Wait,
    arrived,
    is_compared,
    letters_of,
    next_step,
)
from bot.comparing._face import Face, Making, Presentation
from bot.comparing._offers import Offers, Proposal
from bot.comparing._result import NoVote, Result, letter_at, moved_by, no_vote, result_of
from bot.comparing._viewing import Files, Viewing
from bot.errors import BotError, NotAllowed, NotFound, Refused
from bot.jobs import Job, Later, Place, Undeliverable
from bot.ledger import scope_of
from bot.media import Media, MediaError
from bot.models import Catalogue
from bot.pace import Pace
from bot.producer import Person, Producer
from bot.store import Cast, Comparison, ComparisonState, Letter, Phase, Plan, Store
from bot.taste import Taste, TasteView

__all__ = ["Comparing", "Voting"]

SOON = timedelta(seconds=30)  # after a step that could not be done
QUIET = timedelta(minutes=2)  # after the last press: time to answer the rest, or think again
GRID_BYTES = 10_000_000
UNSHOWN = "The clips could not be made ready for a blind vote, so here they are with their names."
CALLED_OFF = "The vote was called off by a manager; it does not count."
NOWHERE = "The comparison could not be posted where it was asked for; the clips are kept."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Voting:
    """What anybody may know of an open vote."""

    id: str
    letters: tuple[str, ...]
    questions: tuple[str, ...]
    voters: int
    quorum: int
    deadline_at: datetime
    requester_id: int
    blind: bool
    open: bool


class Comparing:
    """Comparisons for people. What it knows is in the database; what it holds can be lost."""

    def __init__(
        self,
        *,
        store: Store,
        producer: Producer,
        media: Media,
        taste: Taste,
        catalogue: Catalogue,
        folder: Path,
        pace: Pace,
    ) -> None:
        self._store = store
        self._taste = taste
        self._names = {model.id: model.name for model in catalogue.models.values()}
        self._offers = Offers(store=store, producer=producer, catalogue=catalogue, clock=pace.clock)
        self.audition = Auditions(store=store, producer=producer, taste=taste, offers=self._offers)
        self._viewing = Viewing(media, folder)
        self._pace = pace
        self._clock = pace.clock
        self._face: Face | None = None
        self._wake = asyncio.Event()

    # offers

    async def propose(
        self,
        brief: Brief,
        place: Place,
        *,
        models: Sequence[str] = (),
        blind: bool = True,
        max_micros: int | None = None,
    ) -> Proposal:
        """The same brief fitted to each model (none named: the two best of different families).

        Raises `Refused` at once where fewer than two can run, with the reason for each.
        """
        return await self._offers.propose(
            brief, place, models=models, blind=blind, max_micros=max_micros
        )

    async def propose_from(
        self,
        job_id: str,
        person: Person,
        place: Place,
        *,
        models: Sequence[str] = (),
        blind: bool = True,
    ) -> Proposal:
        """A take's brief on other models. Raises `NotFound`, and as `propose` does."""
        return await self._offers.propose_from(job_id, person, place, models=models, blind=blind)

    async def offer(self, proposal: Proposal) -> str:
        """Remember what a person is shown; the id is all that a button has to know."""
        plans = self._offers.plans([proposal])
        await self._store.plans.add(plans)
        return plans[0].offer

    async def go(
        self,
        offer: str,
        person: Person,
        *,
        start: bool = True,
        status_message_id: int | None = None,
    ) -> list[Job]:
        """The yes, once, also after a restart: every job with its hold, all or none.

        Raises `Changed` with what it would be now where a price rose or a model is gone,
        `NotFound`, `NotAllowed`, and `Refused` where a cap would break.
        """
        return await self._offers.go(
            offer, person, start=start, status_message_id=status_message_id
        )

    async def drop(self, offer: str, person: Person) -> None:
        """The no. Raises `NotFound`, `NotAllowed`."""
        await self._offers.kept(offer, person)
        await self._store.plans.drop(offer)

    # votes

    async def voting(self, comparison_id: str, person: Person) -> Voting:
        """Raises `NotFound`, also for another server's."""
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        return Voting(
            id=comparison.id,
            letters=tuple(letter_at(at) for at in range(len(comparison.letters))),
            questions=tuple(comparison.questions),
            voters=(await self._store.comparisons.turnout(comparison.id)).voters,
            quorum=comparison.quorum,
            deadline_at=comparison.deadline_at,
            requester_id=comparison.requester_id,
            blind=comparison.blind,
            open=comparison.state is ComparisonState.OPEN,
        )

    async def vote(self, comparison_id: str, person: Person, question: str, choice: str) -> Cast:
        """One person's answer ("A" ..., "tie", "none") in place of any before; nobody else's.

        Raises `NotFound` for another server's, `Refused` when it has ended or does not offer that.
        """
        cast = await self._store.comparisons.cast(
            _scope(person), comparison_id, question, person.user_id, choice, self._clock()
        )
        self._wake.set()
        return cast

    async def my_votes(self, comparison_id: str, person: Person) -> Mapping[str, str]:
        """What this person has answered, by question, in letters; for that person's eyes only."""
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        mine = await self._store.comparisons.votes_by(comparison_id, person.user_id)
        behind = {one.model: letter_at(at) for at, one in enumerate(comparison.letters)}
        return {q: behind.get(choice, choice) for q, choice in mine.items()}

    async def close(self, comparison_id: str, person: Person) -> None:
        """End the vote. Nobody can before the quorum or the deadline: `Refused` says how far it is.

        With its quorum it ends by itself, two minutes after the last press.
        Raises `NotFound`, and `NotAllowed` for all but the requester and managers.
        """
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        if not person.manager and person.user_id != comparison.requester_id:
            raise NotAllowed("Only the person who asked for it, or a manager, can end the vote.")
        voters = (await self._store.comparisons.turnout(comparison.id)).voters
        if voters < comparison.quorum and self._clock() < comparison.deadline_at:
            raise Refused(
                f"{voters} of {comparison.quorum} people have voted. It can end when all of them "
                f"have, and ends on {comparison.deadline_at:%Y-%m-%d %H:%M} UTC in any case."
            )
        await self._store.plans.end(comparison_id, self._clock())
        self._wake.set()

    async def call_off(self, comparison_id: str, person: Person) -> None:
        """End it without a result: its votes teach nothing.

        Raises `NotAllowed` for all but managers, `Refused` once it has ended.
        """
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        if not person.manager:
            raise NotAllowed("Only a manager can call a vote off.")
        if comparison.state is not ComparisonState.OPEN:
            raise Refused("This vote has ended already.")
        await self._store.plans.say(comparison_id, CALLED_OFF)
        await self._store.plans.end(comparison_id, self._clock(), cancelled=True)
        self._wake.set()

    async def result(self, comparison_id: str, person: Person) -> Result:
        """What came of it. Raises `NotFound`, `Refused` before the reveal."""
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        if comparison.state is ComparisonState.OPEN:
            raise Refused("The vote is still open; nobody sees names or votes before it ends.")
        plan = await self._store.plans.get(comparison_id)
        if plan is None:
            raise NotFound("There is no such comparison in this server.")
        return await self._result(plan, comparison)

    async def taste(self, person: Person) -> TasteView:
        """The server's own ranking, and what a second that was kept has cost."""
        return await self._taste.view(_scope(person))

    async def forget_votes(self, user_id: int, person: Person) -> int:
        """A manager takes a person's votes out of the ranking, as if never cast; how many."""
        if not person.manager and person.guild_id is not None:
            raise NotAllowed("Only a manager can take a person's votes out.")
        return await self._store.comparisons.remove_votes_of(user_id, _scope(person))

    async def hides(self, job: Job) -> bool:
        """Whether this clip must not be seen by itself: it is, or will be, voted on blind."""
        return is_compared(job) and await self._store.plans.hides(job.batch)

    # the command line shows by itself

    async def finish(self, offer: str) -> Path | None:
        """The clips that arrived in one labelled video; None with fewer than two."""
        (plan,) = await self._store.plans.of_offer(offer)
        ready = arrived(await self._jobs(plan))
        grid = None
        if len(ready) >= 2:
            by_model = {job.model: job for job in ready}
            letters = [
                Letter(job_id=by_model[entry.model].id, model=entry.model)
                for entry in plan.entries
                if entry.model in by_model
            ]
            grid = await self._viewing.together(plan, letters, GRID_BYTES)
        await self._store.plans.told(plan.id)
        return grid

    # the loop

    def attach(self, face: Face) -> None:
        """Who shows comparisons from now on; without one they wait."""
        self._face = face
        self._wake.set()

    def detach(self, face: Face) -> None:
        if self._face is face:
            self._face = None

    def moved(self, job: Job) -> None:
        """A job of a comparison is somewhere else than before."""
        del job
        self._wake.set()

    async def run(self) -> None:
        """Bring every open comparison on, from where the database says it is."""
        while True:
            self._wake.clear()
            await self._pace.wait(await self.sweep(), self._wake)

    async def sweep(self) -> datetime | None:
        """Do what is due now; when the next thing is."""
        face = self._face
        if face is None:
            return None
        times: list[datetime] = []
        for plan in await self._store.plans.open():
            try:
                until = await self._advance(plan, face)
            except (BotError, OSError) as error:
                log.error("comparison stands still", plan=plan.id, error=str(error))
                until = self._clock() + SOON
            if until is not None:
                times.append(until)
        for trial in await self._store.plans.finished_auditions():
            match await face.tell(await self.audition.report_of(trial)):
                case Later(due_at=due_at):
                    times.append(due_at)
                case _:
                    await self._store.plans.audition_told(trial.id)
        return min(times, default=None)

    async def _advance(self, plan: Plan, face: Face) -> datetime | None:
        """One comparison as far as it goes now; when to look again, None: when it moves."""
        while True:
            match plan.phase:
                case Phase.MAKING:
                    until = await self._make(plan, face)
                case Phase.SHOWING:
                    until = await self._show(plan, face)
                case Phase.VOTING:
                    until = await self._count(plan)
                case Phase.ENDED:
                    until = await self._tell(plan, face)
                case Phase.OFFERED | Phase.TOLD:
                    return None
            after = await self._store.plans.get(plan.id)
            if after is None or after.phase is plan.phase:
                return until
            plan = after

    async def _make(self, plan: Plan, face: Face) -> datetime | None:
        jobs = await self._jobs(plan)
        match next_step(plan, jobs, self._clock()):
            case Wait(until=until):
                await face.making(_making(plan, jobs))
                return until
            case Show(jobs=ready):
                await self._draw(plan, ready, await face.limit_bytes(plan.place))
            case End():
                await self._store.plans.end(plan.id, self._clock())
        return None

    async def _draw(self, plan: Plan, ready: Sequence[Job], limit_bytes: int) -> None:
        """Copies first, then the letters: what is drawn can be shown."""
        letters = letters_of(plan, ready)
        try:
            files = await self._viewing.make(plan, letters, self._names, limit_bytes)
        except MediaError as error:
            if not error.conclusive:
                raise
            log.warning("no viewing copies", plan=plan.id, error=error.user_message)
            await self._store.plans.say(plan.id, UNSHOWN)
            await self._store.plans.end(plan.id, self._clock())
            return
        rules = await self._store.rules.of(scope_of(plan.place))
        now = self._clock()
        comparison = Comparison(
            id=plan.id,
            batch=plan.batch or plan.id,
            scope=scope_of(plan.place),
            requester_id=plan.place.user_id,
            quorum=rules.quorum,
            deadline_at=now + timedelta(hours=rules.vote_hours),
            letters=letters,
            questions=plan.questions,
            created_at=now,
            blind=plan.blind,
        )
        await self._store.plans.show(plan, comparison, files.note)

    async def _show(self, plan: Plan, face: Face) -> datetime | None:
        comparison = await self._store.comparisons.get(scope_of(plan.place), plan.id)
        files = await self._viewing.find(plan, comparison.letters, self._names)
        if files is None:
            limit_bytes = await face.limit_bytes(plan.place)
            files = await self._viewing.make(plan, comparison.letters, self._names, limit_bytes)
        rules = await self._store.rules.of(scope_of(plan.place))
        deadline_at = self._clock() + timedelta(hours=rules.vote_hours)
        jobs = await self._jobs(plan)
        shown = _presentation(plan, comparison, files, jobs, deadline_at)
        match await face.show(shown):
            case Later(due_at=due_at):
                return due_at
            case Undeliverable():
                await self._store.plans.say(plan.id, NOWHERE)
                await self._store.plans.end(plan.id, self._clock(), cancelled=True)
            case posted:
                await self._store.plans.posted(plan.id, posted.message_id, deadline_at)
        return None

    async def _count(self, plan: Plan) -> datetime | None:
        """End it at its deadline, or with its quorum, once nobody presses any more."""
        comparison = await self._store.comparisons.get(scope_of(plan.place), plan.id)
        ends_at = comparison.deadline_at
        turnout = await self._store.comparisons.turnout(comparison.id)
        if turnout.last_at is not None and turnout.voters >= comparison.quorum:
            ends_at = min(ends_at, turnout.last_at + QUIET)
        if comparison.state is ComparisonState.OPEN and self._clock() < ends_at:
            return ends_at
        await self._store.plans.end(plan.id, self._clock())
        return None

    async def _tell(self, plan: Plan, face: Face) -> datetime | None:
        match await face.tell(await self._last_word(plan)):
            case Later(due_at=due_at):
                return due_at
            case _:
                await self._store.plans.told(plan.id)
                await self._viewing.forget(plan)
        return None

    async def _last_word(self, plan: Plan) -> Result | NoVote:
        comparison = await self._store.comparisons.of_batch(
            scope_of(plan.place), plan.batch or plan.id
        )
        if comparison is not None:
            return await self._result(plan, comparison)
        jobs = await self._jobs(plan)
        return no_vote(plan, jobs, arrived(jobs), self._names)

    async def _result(self, plan: Plan, comparison: Comparison) -> Result:
        votes = await self._store.comparisons.votes_of(comparison.id)
        moved = ()
        if comparison.blind and comparison.state is ComparisonState.REVEALED:
            every = await self._store.comparisons.votes(comparison.scope)
            others = [vote for vote in every if vote.comparison_id != comparison.id]
            before, after = self._taste.count(others), self._taste.count(every)
            moved = moved_by(comparison, before, after, self._names)
        jobs = await self._jobs(plan)
        return result_of(plan, comparison, jobs, votes, self._names, moved)

    async def _jobs(self, plan: Plan) -> list[Job]:
        """In the order the models were asked for."""
        jobs = await self._store.batch(plan.batch or "")
        order = [entry.model for entry in plan.entries]
        return sorted(jobs, key=lambda job: order.index(job.model))


def _making(plan: Plan, jobs: Sequence[Job]) -> Making:
    ready = len(arrived(jobs))
    return Making(
        id=plan.id,
        place=plan.place,
        status_message_id=jobs[0].status_message_id,
        total=len(jobs),
        ready=ready,
        failed=sum(job.ended for job in jobs) - ready,
        show_by=plan.show_by,
    )


def _presentation(
    plan: Plan,
    comparison: Comparison,
    files: Files,
    jobs: Sequence[Job],
    deadline_at: datetime,
) -> Presentation:
    return Presentation(
        id=plan.id,
        place=plan.place,
        status_message_id=jobs[0].status_message_id,
        prompt=plan.brief.prompt,
        blind=plan.blind,
        clips=files.clips,
        side_by_side=files.side_by_side,
        questions=tuple(comparison.questions),
        quorum=comparison.quorum,
        deadline_at=deadline_at,
        missing=len(jobs) - len(comparison.letters),
        note=files.note,
    )


def _scope(person: Person) -> str:
    return scope_of(Place(guild_id=person.guild_id))
