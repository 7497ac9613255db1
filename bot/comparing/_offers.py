"""From a brief to a price for all: proposed, kept under one id, agreed to once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot import shots
from bot.brief import Brief
from bot.comparing._course import MOST, ORIGIN, rivals, terms_of
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Job, Place
from bot.ledger import scope_of
from bot.models import Catalogue
from bot.pace import Clock
from bot.producer import Person, Producer, Quote, new_id
from bot.ranking import questions_of
from bot.store import Plan, PlanEntry, Store

__all__ = ["Changed", "LeftOut", "Offers", "Proposal"]

PATIENCE: Final = 3  # times the slowest usual wait
LEAST_PATIENCE_S: Final = 20 * 60
MOVED: Final = "This has changed since you were shown it. Nothing was spent; it would now be:"


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A model that was asked for and cannot take part, with the reason."""

    model: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """One brief for several models, priced; spends nothing."""

    brief: Brief  # as asked, without a model
    place: Place
    quotes: tuple[Quote, ...]  # one a model; `choice.fit.adapted` is what was changed for it
    left_out: tuple[LeftOut, ...]
    blind: bool

    @property
    def total_micros(self) -> int:
        """One price for all: what is held."""
        return sum(quote.price_micros for quote in self.quotes)

    @property
    def adapted(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """By model, every change that was made to the brief to fit it."""
        return tuple((quote.choice.model, quote.choice.fit.adapted) for quote in self.quotes)


class Changed(Refused):
    """What was offered cannot be had at its price any more; `proposals` need a yes of their own."""

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        super().__init__(MOVED)
        self.proposals = tuple(proposals)

    @property
    def proposal(self) -> Proposal:
        return self.proposals[0]


class Offers:
    """Proposals and the yes to them. Holds no state of its own."""

    def __init__(
        self, *, store: Store, producer: Producer, catalogue: Catalogue, clock: Clock
    ) -> None:
        self._store = store
        self._producer = producer
        self._catalogue = catalogue
        self._clock = clock

    async def propose(
        self,
        brief: Brief,
        place: Place,
        *,
        models: Sequence[str] = (),
        blind: bool = True,
        max_micros: int | None = None,
        without: Sequence[str] = (),
    ) -> Proposal:
        brief = replace(brief, model=None)
        if len(set(models)) > MOST:
            raise Refused(
                f"At most {MOST} models at once, so that people can still tell them apart."
            )
        allowed = (await self._store.rules.of(scope_of(place))).allowed_models
        if not models:
            decision = await self._producer.decide(brief, place, max_micros=max_micros)
            open_to = tuple(
                one
                for one in decision.candidates
                if one.model not in without and (allowed is None or one.model in allowed)
            )
            models = rivals(replace(decision, candidates=open_to), self._catalogue)
        quotes: list[Quote] = []
        left_out: list[LeftOut] = []
        for model in dict.fromkeys(models):
            try:
                if allowed is not None and model not in allowed:
                    raise NotAllowed("It is not used in this server (`/settings`).")
                one = replace(brief, model=model)
                quotes.append(await self._producer.quote(one, place, max_micros=max_micros))
            except Refused as error:
                left_out.append(LeftOut(model=model, reason=error.user_message))
        if len(quotes) < 2:
            raise Refused(_too_few(quotes, left_out))
        return Proposal(
            brief=brief,
            place=place,
            quotes=tuple(quotes),
            left_out=tuple(left_out),
            blind=blind,
        )

    async def propose_from(
        self, job_id: str, person: Person, place: Place, *, models: Sequence[str], blind: bool
    ) -> Proposal:
        job = await self._producer.job(job_id, person)
        brief = shots.again(job.brief)
        return await self.propose(brief, place, models=models, blind=blind, without=(job.model,))

    def plans(self, proposals: Sequence[Proposal], offer: str = "") -> list[Plan]:
        """As they are kept: each with an order of letters that nobody can foresee."""
        now = self._clock()
        ids = sorted(new_id(now) for _ in proposals)
        plans: list[Plan] = []
        for plan_id, proposal in zip(ids, proposals, strict=True):
            plans.append(
                Plan(
                    id=plan_id,
                    offer=offer or plan_id,
                    place=proposal.place,
                    brief=proposal.brief,
                    entries=tuple(_entry(quote) for quote in proposal.quotes),
                    questions=questions_of(proposal.quotes[0].decision.weights),
                    blind=proposal.blind,
                    seed=secrets.randbits(62),
                    patience_s=_patience_s(proposal.quotes),
                    created_at=now,
                )
            )
        return plans

    async def go(
        self, offer: str, person: Person, *, start: bool, status_message_id: int | None
    ) -> list[Job]:
        plans = await self.kept(offer, person)
        if plans[0].batch is not None:
            return [job for plan in plans for job in await self._store.batch(plan.batch or "")]
        batches = [(ORIGIN + plan.id, await self._agreed(plan)) for plan in plans]
        if any(quotes is None for _, quotes in batches):
            raise Changed(await self._again(plans))
        agreed = [(origin, quotes) for origin, quotes in batches if quotes is not None]
        await self._permit(person, [quote for _, quotes in agreed for quote in quotes])
        return await self._producer.accept(
            agreed,
            start=start,
            status_message_id=status_message_id,
        )

    async def _permit(self, person: Person, quotes: Sequence[Quote]) -> None:
        """The server's rules, for every model and for the whole price."""
        total_micros = sum(quote.price_micros for quote in quotes)
        for quote in quotes:
            model = quote.choice.model
            await self._producer.permit(person, model=model, price_micros=total_micros)

    async def kept(self, offer: str, person: Person) -> list[Plan]:
        """What was offered to this person. Raises `NotFound`, `NotAllowed`."""
        plans = await self._store.plans.of_offer(offer)
        if not plans or plans[0].place.guild_id != person.guild_id:
            raise NotFound("This offer is closed. Ask again with `/compare`.")
        if plans[0].place.user_id != person.user_id:
            raise NotAllowed(
                "Only the person who asked can answer this. Use `/compare` for your own."
            )
        return plans

    async def _agreed(self, plan: Plan) -> list[Quote] | None:
        """Each model at its format, for no more than was shown; None where that has changed."""
        quotes: list[Quote] = []
        for entry in plan.entries:
            try:
                quote = await self._producer.quote(
                    replace(plan.brief, model=entry.model), plan.place
                )
            except Refused:
                return None
            same = quote.choice.model == entry.model and terms_of(quote.choice) == entry.terms
            if not same or quote.price_micros > entry.price_micros:
                return None
            quotes.append(quote)
        return quotes

    async def _again(self, plans: Sequence[Plan]) -> list[Proposal]:
        """What of it can be had now. Raises `Refused` where nothing of it can."""
        found: list[Proposal] = []
        refused: list[Refused] = []
        for plan in plans:
            models = [entry.model for entry in plan.entries]
            try:
                found.append(
                    await self.propose(plan.brief, plan.place, models=models, blind=plan.blind)
                )
            except Refused as error:
                refused.append(error)
        if not found:
            raise refused[0]
        return found


def _entry(quote: Quote) -> PlanEntry:
    return PlanEntry(
        model=quote.choice.model,
        terms=terms_of(quote.choice),
        price_micros=quote.price_micros,
    )


def _patience_s(quotes: Sequence[Quote]) -> int:
    slowest = max(quote.choice.wait_s for quote in quotes)
    return max(LEAST_PATIENCE_S, int(PATIENCE * slowest))


def _too_few(quotes: Sequence[Quote], left_out: Sequence[LeftOut]) -> str:
    can = f"Only {quotes[0].choice.name} can make this here now" if quotes else "No model can"
    lines = [f"{one.model}: {one.reason}" for one in left_out]
    return "\n".join([f"A comparison needs two models. {can}. Nothing was spent.", *lines])
