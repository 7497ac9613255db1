"""A server's rules as a person sees and changes them, and everybody's own threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.errors import NotAllowed, Refused
from bot.jobs import Place
from bot.ledger import scope_of
from bot.models import Catalogue
from bot.money import to_micros
from bot.pace import Clock
from bot.producer import Person
from bot.rules import Rules
from bot.store import Store
from bot.texts import say

__all__ = ["House", "Houses", "micros_of", "whole_of"]

_MOST_MICROS: Final = 1_000_000_000
_SERVER: Final = ("server", "default", "reset")  # instead of an amount: back to the server's


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """A server's rules as one person sees them."""

    rules: Rules
    manager: bool
    just_go_micros: int | None  # the person's own threshold, None: the server's


class Houses:
    """Every server's rules. Holds no state of its own."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    async def of(self, person: Person) -> House:
        scope = scope_of(Place(guild_id=person.guild_id))
        return House(
            rules=await self._store.rules.of(scope),
            manager=person.manager,
            just_go_micros=await self._store.rules.own_just_go(scope, person.user_id),
        )

    async def change(self, person: Person, **changes: Any) -> House:
        """Set some of a server's rules. Raises `NotAllowed` for all but managers, `Refused` for a
        value that cannot be.
        """
        if not person.manager:
            raise NotAllowed(say("settings.managers_only"))
        unknown = set(changes.get("allowed_models") or ()) - self._catalogue.models.keys()
        if unknown:
            raise Refused(say("settings.unknown_model", models=", ".join(sorted(unknown))))
        scope = scope_of(Place(guild_id=person.guild_id))
        after = replace(await self._store.rules.of(scope), **changes)
        await self._store.rules.save(scope, after, person.user_id, self._clock())
        return await self.of(person)

    async def set_just_go(self, person: Person, typed: str) -> House:
        """A person's own threshold: an amount, or "server" for the server's. Raises `Refused`."""
        back = typed.strip().lower() in _SERVER
        micros = None if back else micros_of(typed)
        scope = scope_of(Place(guild_id=person.guild_id))
        await self._store.rules.set_just_go(scope, person.user_id, micros)
        return await self.of(person)


def micros_of(typed: str) -> int:
    """An amount in USD as people type it: 0.50, $1, 0,5. Raises `Refused`."""
    text = typed.strip().removeprefix("$").removesuffix("$").strip().replace(",", ".")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise Refused(say("settings.no_amount", typed=typed.strip()[:50])) from None
    if not amount.is_finite() or not 0 <= amount <= _MOST_MICROS // 1_000_000:
        raise Refused(say("settings.no_amount", typed=typed.strip()[:50]))
    return to_micros(amount)


def whole_of(typed: str) -> int:
    """A whole number as typed. Raises `Refused`."""
    try:
        return int(typed.strip())
    except ValueError:
        raise Refused(say("settings.no_number", typed=typed.strip()[:50])) from None
