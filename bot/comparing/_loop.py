"""Brings every comparison to its last word, from where the database says it is.

Each phase asks for one thing: wait for jobs, show, wait for votes, tell. What is done is written
down before and after, so that any of it may be done again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.comparing._audition import Auditions
from bot.comparing._course import End, Show, Wait, arrived, letters_of, next_step
from bot.comparing._face import Face, Making, Presentation, Progress
from bot.comparing._result import NoVote, Result, moved_by, no_vote, result_of
from bot.comparing._viewing import Files, Viewing
from bot.errors import BotError, NotFound
from bot.jobs import Job, Later, Undeliverable
from bot.ledger import scope_of
from bot.media import MediaError
from bot.pace import Pace
from bot.store import Comparison, ComparisonState, Phase, Plan, Store
from bot.taste import Taste

__all__ = ["Loop"]

SOON: Final = timedelta(seconds=30)  # after a step that could not be done
QUIET: Final = timedelta(minutes=2)  # after the last press: time to answer the rest, think again
GIVEN_UP: Final = timedelta(minutes=30)  # after the deadline, on copies that cannot be made
UNSHOWN: Final = "The clips could not be made ready for a vote, so here they are with their names."
NOWHERE: Final = "The comparison could not be posted where it was asked for; the clips are kept."
log = structlog.get_logger(__name__)


class Loop:
    """What it holds can be lost: who shows comparisons, and that something has moved."""

    def __init__(
        self,
        *,
        store: Store,
        taste: Taste,
        audition: Auditions,
        viewing: Viewing,
        names: Mapping[str, str],
        pace: Pace,
    ) -> None:
        self._store = store
        self._taste = taste
        self._audition = audition
        self._viewing = viewing
        self._names = names
        self._pace = pace
        self._clock = pace.clock
        self._face: Face | None = None
        self._wake = asyncio.Event()

    def attach(self, face: Face) -> None:
        self._face = face
        self.wake()

    def detach(self, face: Face) -> None:
        if self._face is face:
            self._face = None

    def wake(self) -> None:
        """Something has moved: look at every comparison."""
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
            match await face.tell(await self._audition.report_of(trial)):
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
        jobs = await self.jobs(plan)
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
            if not error.conclusive and self._clock() < plan.show_by + GIVEN_UP:
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
        jobs = await self.jobs(plan)
        parts = await self._store.plans.of_offer(plan.offer)
        shown = _presentation(plan, comparison, files, jobs, deadline_at, parts)
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
            return await self.result(plan, comparison)
        jobs = await self.jobs(plan)
        return no_vote(plan, jobs, arrived(jobs), self._names)

    async def result(self, plan: Plan, comparison: Comparison) -> Result:
        votes = await self._store.comparisons.votes_of(comparison.id)
        moved = ()
        if comparison.blind and comparison.state is ComparisonState.REVEALED:
            every = await self._store.comparisons.votes(comparison.scope)
            others = [vote for vote in every if vote.comparison_id != comparison.id]
            before = await asyncio.to_thread(self._taste.count, others)
            after = await asyncio.to_thread(self._taste.count, every)
            moved = moved_by(comparison, before, after, self._names)
        jobs = await self.jobs(plan)
        return result_of(plan, comparison, jobs, votes, self._names, moved)

    async def progress(self, offer: str) -> Progress:
        """Of all that was agreed to under one price. Raises `NotFound`."""
        plans = await self._store.plans.of_offer(offer)
        if not plans or plans[0].batch is None:
            raise NotFound("There is no such comparison.")
        jobs = [job for plan in plans for job in await self.jobs(plan)]
        comparison = await self._store.comparisons.of_batch(
            scope_of(plans[0].place), plans[0].batch
        )
        ready, single = len(arrived(jobs)), len(plans) == 1
        making = [plan for plan in plans if plan.phase in (Phase.MAKING, Phase.SHOWING)]
        return Progress(
            place=plans[0].place,
            status_message_id=jobs[0].status_message_id,
            prompt=plans[0].brief.prompt if single else "",
            parts=len(plans),
            open=len(making),
            shown=await self._shown(plans),
            message_id=comparison.message_id if comparison and single else None,
            total=len(jobs),
            ready=ready,
            failed=sum(job.ended for job in jobs) - ready,
            show_by=max(plan.show_by for plan in making or plans),
        )

    async def _shown(self, plans: Sequence[Plan]) -> int:
        """How many of them have come to a vote."""
        scope = scope_of(plans[0].place)
        found = [
            await self._store.comparisons.of_batch(scope, plan.batch or plan.id) for plan in plans
        ]
        return sum(one is not None and one.message_id is not None for one in found)

    async def jobs(self, plan: Plan) -> list[Job]:
        """In the order the models were asked for."""
        jobs = await self._store.batch(plan.batch or "")
        order = [entry.model for entry in plan.entries]
        return sorted(jobs, key=lambda job: order.index(job.model))


def _making(plan: Plan, jobs: Sequence[Job]) -> Making:
    ready = len(arrived(jobs))
    return Making(
        id=plan.id,
        offer=plan.offer,
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
    parts: Sequence[Plan],
) -> Presentation:
    return Presentation(
        id=plan.id,
        offer=plan.offer,
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
        part=[one.id for one in parts].index(plan.id) + 1,
        parts=len(parts),
        spoiler=plan.brief.spoiler,
        announced=any(one.phase is Phase.VOTING for one in parts),
    )
