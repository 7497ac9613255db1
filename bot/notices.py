"""What a server's log channel should hear: troubles with vendors, uncertain and dear jobs, ends.

Worked out from what is stored, so that nothing is missed while nobody was connected; every piece
of news has a key, and a server hears of it once. Each is one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.jobs import Job, Place
from bot.lifecycle import retiring
from bot.limits import Caps, may_spend
from bot.models import Catalogue, Lifecycle
from bot.money import usd
from bot.pace import Clock
from bot.producer import Producer
from bot.rules import Rules
from bot.store import Store, Trouble
from bot.texts import Text, join, recognised, say

__all__ = ["Due", "Notice", "Notices"]

RETIRING_DAYS: Final = 14
_DEAR_FOR: Final = timedelta(hours=1)  # later nobody is surprised any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One line of news, and the name it is told under once."""

    key: str
    text: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What a server has not heard yet."""

    scope: str
    channel_id: int
    asked_by: int  # whose language it is told in: who set it up
    notices: Sequence[Notice]


class Notices:
    """Holds no state of its own. Any call may raise `StoreBroken`."""

    def __init__(
        self,
        *,
        store: Store,
        producer: Producer,
        catalogue: Catalogue,
        caps: Caps,
        clock: Clock,
    ) -> None:
        self._store = store
        self._producer = producer
        self._catalogue = catalogue
        self._caps = caps
        self._clock = clock

    async def due(self) -> list[Due]:
        """News for every server with a log channel."""
        found: list[Due] = []
        for scope, rules, asked_by in await self._store.rules.with_log():
            news = await self._news(scope, rules)
            told = await self._store.desk.told(scope, [one.key for one in news])
            left = [one for one in news if one.key not in told]
            if left and rules.log_channel_id:
                found.append(
                    Due(
                        scope=scope,
                        channel_id=rules.log_channel_id,
                        asked_by=asked_by,
                        notices=left,
                    )
                )
        return found

    async def set_told(self, scope: str, notice: Notice) -> None:
        await self._store.desk.set_told(scope, notice.key, self._clock())

    async def _news(self, scope: str, rules: Rules) -> list[Notice]:
        place = Place(guild_id=int(scope))
        since = self._clock() - _DEAR_FOR
        news = [_uncertain(job) for job in await self._store.uncertain(scope)]
        dear = await self._store.dearer_than(scope, rules.log_above_micros, since)
        news += [self._dear(job) for job in dear]
        if may_spend(place, self._caps):
            news += [_trouble(one) for one in await self._store.troubles()]
        return news + await self._ends(place)

    async def _ends(self, place: Place) -> list[Notice]:
        """What runs here and will not for long, told once a day."""
        today = self._clock().date()
        live = {
            one.model.id: one
            for one in await self._producer.models(place)
            if one.status is Lifecycle.LIVE
        }
        ending = {end.model for end in retiring(self._catalogue, today, RETIRING_DAYS)}
        lines: list[Text] = []
        for model_id in sorted(ending & live.keys(), key=lambda name: str(live[name].ends_on)):
            one = live[model_id]
            if one.ends_on is None:
                continue
            values = {"model": one.model.name, "day": one.ends_on}
            if one.successor is None:
                lines.append(say("notice.retires", **values))
            else:
                lines.append(say("notice.retires_then", **values, successor=one.successor.name))
        if not lines:
            return []
        text = say("notice.retiring", models=join("; ", lines))
        return [Notice(key=f"retiring {today}", text=text)]

    def _dear(self, job: Job) -> Notice:
        model = self._catalogue.models.get(job.model)
        text = say(
            "notice.dear",
            user=f"<@{job.place.user_id}>",
            model=model.name if model else job.model,
            price=usd(job.hold_micros),
            job=job.id,
        )
        return Notice(key=f"dear {job.id}", text=text)


def _uncertain(job: Job) -> Notice:
    text = say(
        "notice.uncertain",
        job=job.id,
        user=f"<@{job.place.user_id}>",
        provider=job.provider,
        price=usd(job.hold_micros),
    )
    return Notice(key=f"uncertain {job.id}", text=text)


def _trouble(trouble: Trouble) -> Notice:
    """Without the vendor's own words, which are for the operator."""
    began, why = int(trouble.began.timestamp()), trouble.reason.partition(" (")[0]
    why = recognised(why, "trouble")
    if not trouble.wire_id:
        text = say("notice.paused", provider=trouble.provider, why=why)
        return Notice(key=f"paused {trouble.provider} {began}", text=text)
    text = say("notice.route_gone", provider=trouble.provider, route=trouble.wire_id, why=why)
    key = f"route {trouble.provider} {trouble.wire_id} {trouble.dialect} {began}"
    return Notice(key=key, text=text)
