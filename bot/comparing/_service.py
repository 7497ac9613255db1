"""The use cases of comparisons: offers, votes, results. What runs them on is `_loop`'s business."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.brief import Brief
from bot.comparing._audition import Auditions
from bot.comparing._course import arrived, is_compared
from bot.comparing._face import Face, Progress
from bot.comparing._loop import Loop
from bot.comparing._offers import Offers, Proposal
from bot.comparing._result import Result, letter_at
from bot.comparing._viewing import Viewing
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Job, Place
from bot.ledger import scope_of
from bot.media import Media, MediaError
from bot.models import Catalogue
from bot.pace import Pace
from bot.producer import Person, Producer
from bot.store import Cast, ComparisonState, Letter, Store
from bot.taste import Taste, TasteView

__all__ = ["Comparing", "Voting"]

GRID_BYTES: Final = 10_000_000
CALLED_OFF: Final = "The vote was called off by a manager; it does not count."


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
        self._offers = Offers(store=store, producer=producer, catalogue=catalogue, clock=pace.clock)
        self.audition = Auditions(store=store, producer=producer, taste=taste, offers=self._offers)
        self._viewing = Viewing(media, folder)
        self._clock = pace.clock
        self._loop = Loop(
            store=store,
            taste=taste,
            audition=self.audition,
            viewing=self._viewing,
            names={model.id: model.name for model in catalogue.models.values()},
            pace=pace,
        )

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
        jobs = await self._offers.go(
            offer, person, start=start, status_message_id=status_message_id
        )
        self._loop.wake()
        return jobs

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
        self._loop.wake()
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
        self._loop.wake()

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
        self._loop.wake()

    async def result(self, comparison_id: str, person: Person) -> Result:
        """What came of it. Raises `NotFound`, `Refused` before the reveal."""
        comparison = await self._store.comparisons.get(_scope(person), comparison_id)
        if comparison.state is ComparisonState.OPEN:
            raise Refused("The vote is still open; nobody sees names or votes before it ends.")
        plan = await self._store.plans.get(comparison_id)
        if plan is None:
            raise NotFound("There is no such comparison in this server.")
        return await self._loop.result(plan, comparison)

    async def progress(self, offer: str) -> Progress:
        """How far all is that was agreed to under one price. Raises `NotFound`."""
        return await self._loop.progress(offer)

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
        ready = arrived(await self._loop.jobs(plan))
        grid = None
        if len(ready) >= 2:
            by_model = {job.model: job for job in ready}
            letters = [
                Letter(job_id=by_model[entry.model].id, model=entry.model)
                for entry in plan.entries
                if entry.model in by_model
            ]
            with contextlib.suppress(MediaError):  # the clips themselves are there
                grid = await self._viewing.together(plan, letters, GRID_BYTES)
        await self._store.plans.told(plan.id)
        return grid

    # showing

    def attach(self, face: Face) -> None:
        """Who shows comparisons from now on; without one they wait."""
        self._loop.attach(face)

    def detach(self, face: Face) -> None:
        self._loop.detach(face)

    def moved(self, job: Job) -> None:
        """A job of a comparison is somewhere else than before."""
        del job
        self._loop.wake()

    async def run(self) -> None:
        """Bring every open comparison on, from where the database says it is."""
        await self._loop.run()

    async def sweep(self) -> datetime | None:
        """Do what is due now; when the next thing is."""
        return await self._loop.sweep()


def _scope(person: Person) -> str:
    return scope_of(Place(guild_id=person.guild_id))
