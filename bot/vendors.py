"""The vendors of this process: their clients, lanes and rates, and who is out of order and why.

Everything another process or a restart must know (a pause, a dead route) is in the store. How a
vendor answers from call to call is kept in its lane; the store only shows it to others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
import structlog
from aiolimiter import AsyncLimiter

from bot.catalogue import Availability, Route
from bot.config import Settings
from bot.jobs import Place
from bot.lanes import Health, Lane
from bot.limits import Caps, may_spend
from bot.store import Store, Trouble
from bot.texts import recognised, say
from providers import PROVIDERS
from providers.base import Provider
from providers.errors import (
    AccountProblem,
    ProviderError,
    RateLimited,
    SubmissionUnknown,
    Unavailable,
)
from providers.secrecy import masked

__all__ = ["Vendors"]

_REPROBE_AFTER: Final = timedelta(minutes=5)
_OFF_FOR: Final = timedelta(hours=24)  # a wrong base URL says "gone" too, and is mended
_ALONE: Final = "left alone: "  # a note in the store per vendor: until when, and why
_STRANGER: Final = say("off.stranger")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """One vendor as this process can use it."""

    client: Provider
    lane: Lane
    rate: AsyncLimiter


class Vendors:
    """Who can be asked for a clip now. Build with `Vendors.connect`."""

    def __init__(
        self,
        reach: Mapping[str, Reach],
        missing: Mapping[str, str],
        closed: Mapping[tuple[str, str, str], str],
        store: Store,
        caps: Caps,
        clock: Callable[[], datetime],
        secrets: Sequence[str],
    ) -> None:
        self._reach = reach
        self._missing = missing
        self._closed = dict(closed)
        self._store = store
        self._caps = caps
        self._clock = clock
        self._secrets = tuple(secrets)

    @classmethod
    def connect(
        cls,
        settings: Settings,
        http: httpx.AsyncClient,
        store: Store,
        clock: Callable[[], datetime],
        routes: Sequence[Route],
    ) -> Vendors:
        """Clients for every vendor whose key is set; `routes` are all the catalogue knows."""
        reach: dict[str, Reach] = {}
        missing: dict[str, str] = {}
        for name in sorted({route.provider for route in routes}):
            kind, options = PROVIDERS.get(name), settings.options(name)
            if kind is None:
                missing[name] = say("off.no_client", provider=name)
            elif options is None:
                missing[name] = settings.missing(name)
            else:
                reach[name] = Reach(
                    client=kind(http, options),
                    lane=Lane(capacity=kind.facts.concurrency, health=Health(clock=clock)),
                    rate=AsyncLimiter(kind.facts.per_minute, 60),
                )
        closed = {
            (route.provider, route.wire_id, route.dialect): reason
            for route in routes
            if route.provider in reach
            and (reason := reach[route.provider].client.refuses(route.dialect))
        }
        return cls(reach, missing, closed, store, settings.caps, clock, settings.secret_values)

    def client(self, provider: str) -> Provider | None:
        """The vendor's client, None while its key is not set."""
        found = self._reach.get(provider)
        return found.client if found else None

    def lane(self, provider: str) -> Lane:
        return self._reach[provider].lane

    def forget(self, job_id: str) -> None:
        """A job that is no longer run here has no place and no turn anywhere."""
        for reach in self._reach.values():
            reach.lane.leave(job_id)

    async def pace(self, provider: str) -> None:
        """Wait for this vendor's rate before a call."""
        await self._reach[provider].rate.acquire()

    async def spoke(
        self, provider: str, error: ProviderError | None = None, *, took: bool = False
    ) -> None:
        """A call to this vendor has ended: with its answer (it took a job), or with an error.

        Silence in a row, or "too many requests", closes its lane for a while.
        """
        lane = self.lane(provider)
        match error:
            case RateLimited():
                closed = lane.health.throttled(error.retry_after_s, error.detail)
            case Unavailable() | SubmissionUnknown():
                closed = lane.health.silent(error.detail)
            case _:
                if lane.health.answered(took=took):
                    lane.admit()
                    await self._store.set_meta(f"{_ALONE}{provider}", "")
                return
        if closed and lane.health.opens_at:
            log.warning("vendor left alone", provider=provider, reason=lane.health.why)
            lane.send_back()
            note = f"{lane.health.opens_at.isoformat()} {self.clean(lane.health.why)}"
            await self._store.set_meta(f"{_ALONE}{provider}", note)

    async def left_alone(self) -> Mapping[str, str]:
        """Vendors that get no new work for a moment, and why; of another process too."""
        now, found = self._clock(), dict[str, str]()
        for name in self._reach:
            until, _, why = (await self._store.meta(f"{_ALONE}{name}") or "").partition(" ")
            if until and now < (opens_at := datetime.fromisoformat(until)):
                found[name] = say(
                    "off.waits", why=recognised(why, "lane"), at=f"{opens_at:%H:%M:%S}"
                )
        return found

    async def paused_since(self) -> Mapping[str, datetime]:
        """Vendors whose account needs the operator, and since when."""
        return {
            trouble.provider: trouble.began
            for trouble in await self._store.troubles()
            if not trouble.wire_id and trouble.provider in self._reach
        }

    def clean(self, text: str) -> str:
        """Without the operator's secrets: vendors do echo them, in answers that are no errors."""
        return masked(text, self._secrets)

    async def availability(self, place: Place | None = None) -> Availability:
        """What can be offered now, to this place (None: to the operator)."""
        troubles = await self._store.troubles()
        missing = dict(self._missing)
        missing |= {
            trouble.provider: say("off.paused", why=recognised(trouble.reason, "trouble"))
            for trouble in troubles
            if not trouble.wire_id and trouble.provider in self._reach
        }
        if place is not None and not may_spend(place, self._caps):
            everyone = {*self._missing, *self._reach}
            missing |= {name: _STRANGER for name in everyone if name != "local"}
        return Availability(
            today=self._clock().date(),
            missing=missing,
            routes_off=self._closed
            | {
                (trouble.provider, trouble.wire_id, trouble.dialect): recognised(
                    trouble.reason, "trouble"
                )
                for trouble in troubles
                if trouble.wire_id and self._clock() - trouble.since < _OFF_FOR
            },
        )

    async def pause(self, provider: str, reason: str) -> None:
        """The account needs the operator: offer this vendor no more until its free call works."""
        reason = self.clean(reason)
        log.error("vendor paused", provider=provider, reason=reason)
        await self._store.add_trouble(provider, reason, self._clock())

    async def route_off(self, provider: str, wire_id: str, dialect: str, reason: str) -> None:
        """The vendor says it no longer serves this model."""
        log.error("route off", provider=provider, wire_id=wire_id, reason=reason)
        await self._store.add_trouble(
            provider, reason, self._clock(), wire_id=wire_id, dialect=dialect
        )

    async def reprobe(self, *, at_once: bool = False) -> None:
        """Make the free call of every vendor paused long enough; a good answer ends the pause.

        Raises nothing of the vendor's; a call that fails leaves the pause as it is.
        """
        for trouble in await self._store.troubles():
            due = at_once or self._clock() - trouble.since >= _REPROBE_AFTER
            client = self.client(trouble.provider)
            if not trouble.wire_id and client is not None and due:
                await self._probe(client, trouble)

    async def _probe(self, client: Provider, trouble: Trouble) -> None:
        try:
            await client.check()
        except AccountProblem as problem:
            await self.pause(client.id, problem.detail)
        except ProviderError as problem:
            log.info("vendor cannot be probed", provider=client.id, reason=problem.detail)
        else:
            log.info("vendor back", provider=client.id)
            await self._store.end_trouble(trouble.provider)
