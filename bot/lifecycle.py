"""What is offered today, what has ended and what comes after it: judged against the clock given.

Pure. Keys, paused vendors and routes found gone at run time come in as `Availability`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bot.models import Availability, Catalogue, Lifecycle, Model, Route
from bot.texts import say

__all__ = ["NO_PRICE", "Retiring", "ends_on", "offered", "retiring", "status", "successor_of"]

NO_PRICE: Final = say("off.no_price")
PAUSED: Final = "paused"  # how `Availability.missing` begins for a vendor whose key is set


@dataclass(frozen=True, kw_only=True, slots=True)
class Retiring:
    """An end that is announced; provider and wire id are empty where the maker ends the model."""

    model: str
    on: date
    provider: str = ""
    wire_id: str = ""


def offered(model: Model, route: Route, availability: Availability) -> str:
    """ "" when it can be submitted now, else the reason in words."""
    if off := model.off or route.off:
        return say("off.switched_off", why=off)
    if route.retires is not None and route.retires <= availability.today:
        return say("off.retired", day=route.retires)
    if gone := availability.routes_off.get((route.provider, route.wire_id, route.dialect)):
        return gone
    if route.price is None:
        return NO_PRICE
    return availability.missing.get(route.provider, "")


def status(model: Model, availability: Availability) -> Lifecycle:
    """What may be run now. A model its maker has ended, which no vendor with a key serves, is
    retired: a key that would bring it back is an offer to the operator, not a service.
    """
    if any(not offered(model, route, availability) for route in model.routes):
        return Lifecycle.LIVE
    left = [route for route in model.routes if not _ended(route, availability)]
    ended = model.retires is not None and model.retires <= availability.today
    if ended:
        left = [route for route in left if _paused(route, availability)]
    return Lifecycle.OFF if left else Lifecycle.RETIRED


def ends_on(model: Model, availability: Availability) -> date | None:
    """The announced day from which it cannot be run any more, as far as today's routes tell, or
    on which its maker ends it; None where no end is announced.
    """
    ends = [route.retires for route in model.routes if not offered(model, route, availability)]
    known = [end for end in ends if end is not None]
    last = max(known) if known and len(known) == len(ends) else None
    maker = model.retires if model.retires and model.retires > availability.today else None
    return min((day for day in (last, maker) if day is not None), default=None)


def successor_of(catalogue: Catalogue, model: Model, availability: Availability) -> Model | None:
    """Down the line of successors: the first that runs now, else the first that is not retired."""
    line: list[Model] = []
    while model.successor is not None:
        model = catalogue.models[model.successor]
        line.append(model)
    for wanted in (Lifecycle.LIVE, Lifecycle.OFF):
        for heir in line:
            if status(heir, availability) is wanted:
                return heir
    return None


def retiring(catalogue: Catalogue, today: date, within_days: int = 30) -> tuple[Retiring, ...]:
    """What ends in the days to come, soonest first."""
    last = today + timedelta(days=within_days)
    ends = [
        Retiring(model=model.id, on=model.retires)
        for model in catalogue.models.values()
        if model.retires is not None
    ] + [
        Retiring(model=model.id, on=route.retires, provider=route.provider, wire_id=route.wire_id)
        for model in catalogue.models.values()
        for route in model.routes
        if route.retires is not None
    ]
    return tuple(sorted((end for end in ends if today < end.on <= last), key=lambda end: end.on))


def _ended(route: Route, availability: Availability) -> bool:
    retired = route.retires is not None and route.retires <= availability.today
    return retired or (route.provider, route.wire_id, route.dialect) in availability.routes_off


def _paused(route: Route, availability: Availability) -> bool:
    return availability.missing.get(route.provider, "").startswith(PAUSED)
