"""May this be spent, here, now? Pure: takes the caps and what is spent, returns a sentence or "".

Caps hold from the first key on: `CLIP_USD` per clip, `DAILY_USD` per server and UTC day (held money
counts), and only servers on the operator's list may spend at all. Budgets refine them later.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.jobs import Place
from bot.money import usd
from bot.texts import say

__all__ = ["Caps", "daily_refusal", "may_spend"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    clip_micros: int
    daily_micros: int
    allowed_guilds: frozenset[int]


def may_spend(place: Place, caps: Caps) -> bool:
    """The command line is the operator's own; a server must be on the list."""
    return place.guild_id is None or place.guild_id in caps.allowed_guilds


def daily_refusal(price_micros: int, exposed_micros: int, caps: Caps) -> str:
    """Why a price would break the day's cap; `exposed_micros` is spent today plus held now."""
    if price_micros == 0 or exposed_micros + price_micros <= caps.daily_micros:
        return ""
    left = max(0, caps.daily_micros - exposed_micros)
    return say("limits.day", price=usd(price_micros), left=usd(left), cap=usd(caps.daily_micros))
