"""A model on trial: prompts that tell models apart, blind, against the one the team would use."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot import shots
from bot.brief import Brief, Stage
from bot.comparing._course import arrived
from bot.comparing._offers import Offers, Proposal
from bot.errors import NotFound, Refused
from bot.jobs import Job, Place
from bot.ledger import scope_of, settled_micros
from bot.producer import Person, Producer, new_id
from bot.ranking import Ranking, Vote
from bot.router.verdicts import LOCAL
from bot.store import Audition, Phase, Skipped, Store
from bot.taste import Taste

__all__ = ["PROMPTS", "AuditionReport", "Auditions", "Trial", "Used"]

# What most clips get wrong only in motion: weight, hands, liquid, crowds, long takes.
PROMPTS: Final = (
    "water poured into a glass",
    "a person climbing stairs with a bag on the shoulder",
    "a crowd idling naturally",
    "a glass of iced water tipping over on a wooden table in afternoon sun",
    "a 20-second walk through a market at dusk",
    "a dancer mid-performance",
    "a martial artist executing a technique",
)
WINNERS: Final = 3  # of the team's own, newest first


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """An audition as it is offered: held whole or not at all."""

    model: str
    incumbent: str
    place: Place
    proposals: tuple[Proposal, ...]  # one a prompt
    skipped: tuple[Skipped, ...]  # prompts that one of the two cannot make

    @property
    def total_micros(self) -> int:
        return sum(proposal.total_micros for proposal in self.proposals)


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What one of the two made, and what that has cost."""

    model: str
    name: str
    asked: int  # clips
    arrived: int
    charged_micros: int
    held_micros: int  # of what is still open: uncertain, or on its way


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditionReport:
    """How it stands: from what has arrived and was voted on, by the votes of this trial alone."""

    audition: Audition
    place: Place
    ranked: Ranking  # `of("general")`, then every category its prompts asked for
    used: tuple[Used, ...]  # the model on trial, then the incumbent
    prompts: int
    voted: int  # comparisons that were revealed with votes on them
    without_vote: int  # too little arrived
    open: int  # still being made, or voted on

    @property
    def charged_micros(self) -> int:
        return sum(one.charged_micros for one in self.used)

    @property
    def held_micros(self) -> int:
        return sum(one.held_micros for one in self.used)


class Auditions:
    """Trials from their offer to their report. Holds no state of its own."""

    def __init__(self, *, store: Store, producer: Producer, taste: Taste, offers: Offers) -> None:
        self._store = store
        self._producer = producer
        self._taste = taste
        self._offers = offers

    async def propose(
        self, model: str, place: Place, *, against: str | None = None, stage: Stage = Stage.CONCEPT
    ) -> Trial:
        """Every prompt on the model and the incumbent (not named: whom the team uses now), priced.

        Raises `Refused` where not one of the prompts can be made by both.
        """
        briefs = await self._briefs(scope_of(place), stage)
        incumbent = against or await self._incumbent(model, briefs, place)
        if incumbent == model:
            raise Refused("A model cannot be tried against itself. Name another.")
        proposals: list[Proposal] = []
        skipped: list[Skipped] = []
        for brief in briefs:
            try:
                one = await self._offers.propose(brief, place, models=(model, incumbent))
                proposals.append(one)
            except Refused as error:
                skipped.append(Skipped(prompt=brief.prompt, reason=error.user_message))
        if not proposals:
            raise Refused(skipped[0].reason)
        return Trial(
            model=model,
            incumbent=incumbent,
            place=place,
            proposals=tuple(proposals),
            skipped=tuple(skipped),
        )

    async def offer(self, trial: Trial) -> str:
        """Remember it whole; `Comparing.go` with this id starts all of it."""
        plans = self._offers.plans(trial.proposals)
        audition = Audition(
            id=new_id(plans[0].created_at),
            scope=scope_of(trial.place),
            user_id=trial.place.user_id,
            model=trial.model,
            incumbent=trial.incumbent,
            skipped=trial.skipped,
            created_at=plans[0].created_at,
        )
        await self._store.plans.add([replace(one, offer=audition.id) for one in plans], audition)
        return audition.id

    async def again(self, audition_id: str, person: Person) -> Trial | None:
        """What an audition that was offered would be now; None where this is none.

        Raises `Refused` where not one of its prompts can be made any more.
        """
        scope = scope_of(Place(guild_id=person.guild_id))
        audition = await self._store.plans.audition(scope, audition_id)
        if audition is None:
            return None
        (first, *_) = await self._store.plans.of_offer(audition_id)
        return await self.propose(
            audition.model,
            first.place,
            against=audition.incumbent,
            stage=first.brief.stage or Stage.CONCEPT,
        )

    async def report(self, audition_id: str, person: Person) -> AuditionReport:
        """Raises `NotFound`, also for another server's."""
        scope = scope_of(Place(guild_id=person.guild_id))
        audition = await self._store.plans.audition(scope, audition_id)
        if audition is None:
            raise NotFound("There is no such audition in this server.")
        return await self.report_of(audition)

    async def report_of(self, audition: Audition) -> AuditionReport:
        plans = await self._store.plans.of_offer(audition.id)
        jobs = [job for plan in plans for job in await self._store.batch(plan.batch or "")]
        ids = {plan.id for plan in plans}
        every = await self._store.comparisons.votes(audition.scope)
        votes = [vote for vote in every if vote.comparison_id in ids]
        voted = len({vote.comparison_id for vote in votes})
        going_on = sum(plan.phase not in (Phase.ENDED, Phase.TOLD) for plan in plans)
        return AuditionReport(
            audition=audition,
            place=plans[0].place,
            ranked=await asyncio.to_thread(self._ranked, votes),
            used=tuple(self._used(name, jobs) for name in (audition.model, audition.incumbent)),
            prompts=len(plans),
            voted=voted,
            without_vote=len(plans) - voted - going_on,
            open=going_on,
        )

    def _ranked(self, votes: Collection[Vote]) -> Ranking:
        """Categories nobody was asked about are not part of the verdict."""
        counted = self._taste.count(votes)
        rows = tuple(row for row in counted.rows if row.category in counted.sentences)
        return replace(counted, rows=rows)

    def _used(self, model: str, jobs: Sequence[Job]) -> Used:
        own = [job for job in jobs if job.model == model]
        return Used(
            model=model,
            name=self._taste.name(model),
            asked=len(own),
            arrived=len(arrived(own)),
            charged_micros=sum(settled_micros(job) for job in own if job.ended),
            held_micros=sum(job.hold_micros for job in own if not job.ended),
        )

    async def _briefs(self, scope: str, stage: Stage) -> list[Brief]:
        own = await self._store.plans.winners(scope, WINNERS + len(PROMPTS))
        briefs = [Brief(prompt=prompt) for prompt in PROMPTS]
        briefs += [shots.again(brief) for brief in own if brief.prompt not in PROMPTS][:WINNERS]
        return [replace(brief, model=None, stage=stage) for brief in briefs]

    async def _incumbent(self, model: str, briefs: Sequence[Brief], place: Place) -> str:
        """Whom the choice falls on most often without the model on trial."""
        falls_on: Counter[str] = Counter()
        for brief in briefs:
            decision = await self._producer.decide(brief, place)
            others = (c.model for c in decision.candidates if c.provider != LOCAL)
            if first := next((name for name in others if name != model), None):
                falls_on[first] += 1
        if not falls_on:
            raise Refused(f"There is no other model here now that {model} could be tried against.")
        return falls_on.most_common(1)[0][0]
