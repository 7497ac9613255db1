"""Rows of comparisons on their way: offered, made, shown, voted on, ended, told.

Each step is written before its effect, so that after a crash the phase alone says what may still
have to be done. The votes themselves are in `_votes`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import aiosqlite
from pydantic import TypeAdapter

from bot.brief import Brief
from bot.jobs import Place
from bot.ledger import scope_of
from bot.store import _votes
from bot.store._database import Database
from bot.store._jobs import millis, moment
from bot.store._votes import Comparison, ComparisonState

__all__ = ["Audition", "Phase", "Plan", "PlanEntry", "Plans", "Skipped"]


class Phase(StrEnum):
    OFFERED = "offered"  # a price somebody was shown
    MAKING = "making"  # agreed to: its jobs run
    SHOWING = "showing"  # intent: letters are drawn, and it may have been posted
    VOTING = "voting"  # people can see it
    ENDED = "ended"  # intent: a result, or that there is none, may have been told
    TOLD = "told"  # nothing is left to do


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanEntry:
    """One model as it was offered; `terms` is the format the price was for."""

    model: str
    terms: str
    price_micros: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One brief for several models."""

    id: str
    offer: str
    place: Place
    brief: Brief
    entries: tuple[PlanEntry, ...]
    questions: Mapping[str, Mapping[str, float]]
    blind: bool
    seed: int
    patience_s: int
    created_at: datetime
    phase: Phase = Phase.OFFERED
    note: str = ""
    batch: str | None = None
    started_at: datetime | None = None

    @property
    def show_by(self) -> datetime:
        """From here on what has arrived is shown."""
        return (self.started_at or self.created_at) + timedelta(seconds=self.patience_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    prompt: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Audition:
    """A model on trial: its comparisons share its id as their offer."""

    id: str
    scope: str
    user_id: int
    model: str
    incumbent: str
    skipped: tuple[Skipped, ...]
    created_at: datetime


class Plans:
    """Comparisons on their way, and auditions. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, plans: Sequence[Plan], audition: Audition | None = None) -> None:
        """Remember an offer whole."""

        async def work(db: aiosqlite.Connection) -> None:
            if audition is not None:
                await db.execute(_INSERT_AUDITION, _audition_values(audition))
            for plan in plans:
                await db.execute(_INSERT, _values(plan))

        await self._db.write(work)

    async def get(self, plan_id: str) -> Plan | None:
        found = await self._select("id = :id", id=plan_id)
        return next(iter(found), None)

    async def of_offer(self, offer: str) -> list[Plan]:
        return await self._select("offer = :offer ORDER BY id", offer=offer)

    async def audition(self, scope: str, audition_id: str) -> Audition | None:
        async def work(db: aiosqlite.Connection) -> Audition | None:
            rows = await db.execute_fetchall(
                "SELECT * FROM audition WHERE id = ? AND scope = ?", (audition_id, scope)
            )
            return next((_audition(row) for row in rows), None)

        return await self._db.read(work)

    async def finished_auditions(self) -> list[Audition]:
        """Those of channels whose every comparison is told, and that are not told themselves."""

        async def work(db: aiosqlite.Connection) -> list[Audition]:
            rows = await db.execute_fetchall(
                "SELECT * FROM audition a WHERE told = 0 AND EXISTS (SELECT 1 FROM comparison_plan"
                " WHERE offer = a.id AND channel_id IS NOT NULL) AND NOT EXISTS"
                " (SELECT 1 FROM comparison_plan WHERE offer = a.id AND phase <> 'told')"
            )
            return [_audition(row) for row in rows]

        return await self._db.read(work)

    async def audition_told(self, audition_id: str) -> None:
        async def work(db: aiosqlite.Connection) -> None:
            await db.execute("UPDATE audition SET told = 1 WHERE id = ?", (audition_id,))

        await self._db.write(work)

    async def open(self) -> list[Plan]:
        """Those of channels that have something left to do; what people wait for first."""
        return await self._select(
            "phase NOT IN ('offered', 'told') AND channel_id IS NOT NULL ORDER BY"
            " CASE phase WHEN 'ended' THEN 0 WHEN 'voting' THEN 1 WHEN 'showing' THEN 2 ELSE 3 END,"
            " started_at, id"
        )

    async def drop(self, offer: str) -> None:
        """Forget an offer nobody has agreed to."""

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "DELETE FROM comparison_plan WHERE offer = ? AND phase = 'offered'", (offer,)
            )
            await db.execute(
                "DELETE FROM audition WHERE id = :offer"
                " AND NOT EXISTS (SELECT 1 FROM comparison_plan WHERE offer = :offer)",
                {"offer": offer},
            )

        await self._db.write(work)

    async def show(self, plan: Plan, comparison: Comparison, note: str) -> Comparison:
        """making -> showing, with its letters; again gives those drawn the first time."""

        async def work(db: aiosqlite.Connection) -> Comparison:
            await db.execute(
                "UPDATE comparison_plan SET phase = 'showing', note = :note"
                " WHERE id = :id AND phase = 'making'",
                {"id": plan.id, "note": note},
            )
            return await _votes.insert(db, comparison)

        return await self._db.write(work)

    async def posted(self, plan_id: str, message_id: int | None, deadline_at: datetime) -> None:
        """showing -> voting; the time to vote begins when people can see it."""

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "UPDATE comparison SET message_id = :message, deadline_at = :deadline, channel_id ="
                " (SELECT channel_id FROM comparison_plan WHERE id = :id) WHERE id = :id",
                {"id": plan_id, "message": message_id, "deadline": millis(deadline_at)},
            )
            await db.execute(
                "UPDATE comparison_plan SET phase = 'voting' WHERE id = :id AND phase = 'showing'",
                {"id": plan_id},
            )

        await self._db.write(work)

    async def end(self, plan_id: str, now: datetime, *, cancelled: bool = False) -> None:
        """voting -> ended: the votes stand. From making: there is nothing to vote on."""
        state = ComparisonState.CANCELLED if cancelled else ComparisonState.REVEALED

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(_votes.END, {"id": plan_id, "state": state.value, "now": millis(now)})
            await db.execute(
                "UPDATE comparison_plan SET phase = 'ended' WHERE id = :id"
                " AND phase IN ('making', 'showing', 'voting')",
                {"id": plan_id},
            )

        await self._db.write(work)

    async def say(self, plan_id: str, note: str) -> None:
        """What people are to be told of it beside the rest."""

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute("UPDATE comparison_plan SET note = ? WHERE id = ?", (note, plan_id))

        await self._db.write(work)

    async def told(self, plan_id: str) -> None:
        """The last word is out."""

        async def work(db: aiosqlite.Connection) -> None:
            await db.execute(
                "UPDATE comparison_plan SET phase = 'told' WHERE id = ? AND phase <> 'offered'",
                (plan_id,),
            )

        await self._db.write(work)

    async def hides(self, batch: str) -> bool:
        """Whether a clip of this batch would tell voters whose it is."""

        async def work(db: aiosqlite.Connection) -> bool:
            rows = await db.execute_fetchall(
                "SELECT 1 FROM comparison_plan WHERE batch = ? AND blind = 1"
                " AND phase IN ('making', 'showing', 'voting')",
                (batch,),
            )
            return bool(list(rows))

        return await self._db.read(work)

    async def taste_version(self, scope: str) -> int:
        """Changes whenever the votes of a server's ranking do."""

        async def work(db: aiosqlite.Connection) -> int:
            rows = await db.execute_fetchall("SELECT ver FROM taste WHERE scope = ?", (scope,))
            return next((int(row[0]) for row in rows), 0)

        return await self._db.read(work)

    async def winners(self, scope: str, limit: int) -> list[Brief]:
        """The briefs of the newest clips that won a vote or were picked, one each."""

        async def work(db: aiosqlite.Connection) -> list[Brief]:
            rows = await db.execute_fetchall(_WINNERS, {**_votes.ACCEPTED_BY, "scope": scope})
            briefs: dict[str, Brief] = {}
            for row in rows:
                briefs.setdefault(row["prompt"], _BRIEF.validate_json(row["brief"]))
            return list(briefs.values())[:limit]

        return await self._db.read(work)

    async def _select(self, where: str, **values: object) -> list[Plan]:
        async def work(db: aiosqlite.Connection) -> list[Plan]:
            rows = await db.execute_fetchall(
                f"SELECT * FROM comparison_plan WHERE {where}",  # noqa: S608 - `where` is ours
                values,
            )
            return [_plan(row) for row in rows]

        return await self._db.read(work)


_BRIEF: Final = TypeAdapter(Brief)
_ENTRIES: Final = TypeAdapter(tuple[PlanEntry, ...])
_QUESTIONS: Final = TypeAdapter(dict[str, dict[str, float]])
_SKIPPED: Final = TypeAdapter(tuple[Skipped, ...])

_INSERT: Final = (
    "INSERT INTO comparison_plan (id, offer, scope, guild_id, channel_id, user_id, brief, entries,"
    " questions, blind, seed, patience_s, phase, note, created_at, batch, started_at) VALUES (:id,"
    " :offer, :scope, :guild_id, :channel_id, :user_id, :brief, :entries, :questions, :blind,"
    " :seed, :patience_s, :phase, :note, :created_at, NULL, NULL)"
)
_INSERT_AUDITION: Final = (
    "INSERT INTO audition (id, scope, user_id, model, incumbent, skipped, created_at)"
    " VALUES (:id, :scope, :user_id, :model, :incumbent, :skipped, :created_at)"
)
_WINNERS: Final = (
    f"WITH {_votes.ACCEPTED} SELECT j.prompt, j.brief FROM job j JOIN accepted a ON a.id = j.id"  # noqa: S608 - a constant
    " WHERE j.scope = :scope AND j.state = 'done' ORDER BY j.created_at DESC, j.id DESC LIMIT 100"
)


def _values(plan: Plan) -> dict[str, Any]:
    questions = {name: dict(weights) for name, weights in plan.questions.items()}
    return {
        "id": plan.id,
        "offer": plan.offer,
        "scope": scope_of(plan.place),
        "guild_id": plan.place.guild_id,
        "channel_id": plan.place.channel_id,
        "user_id": plan.place.user_id,
        "brief": _BRIEF.dump_json(plan.brief).decode(),
        "entries": _ENTRIES.dump_json(plan.entries).decode(),
        "questions": _QUESTIONS.dump_json(questions).decode(),
        "blind": int(plan.blind),
        "seed": plan.seed,
        "patience_s": plan.patience_s,
        "phase": plan.phase.value,
        "note": plan.note,
        "created_at": millis(plan.created_at),
    }


def _plan(row: sqlite3.Row) -> Plan:
    started_at = row["started_at"]
    return Plan(
        id=row["id"],
        offer=row["offer"],
        place=Place(guild_id=row["guild_id"], channel_id=row["channel_id"], user_id=row["user_id"]),
        brief=_BRIEF.validate_json(row["brief"]),
        entries=_ENTRIES.validate_json(row["entries"]),
        questions=_QUESTIONS.validate_json(row["questions"]),
        blind=bool(row["blind"]),
        seed=row["seed"],
        patience_s=row["patience_s"],
        created_at=moment(row["created_at"]),
        phase=Phase(row["phase"]),
        note=row["note"],
        batch=row["batch"],
        started_at=None if started_at is None else moment(started_at),
    )


def _audition_values(audition: Audition) -> dict[str, Any]:
    return {
        "id": audition.id,
        "scope": audition.scope,
        "user_id": audition.user_id,
        "model": audition.model,
        "incumbent": audition.incumbent,
        "skipped": _SKIPPED.dump_json(audition.skipped).decode(),
        "created_at": millis(audition.created_at),
    }


def _audition(row: sqlite3.Row) -> Audition:
    return Audition(
        id=row["id"],
        scope=row["scope"],
        user_id=row["user_id"],
        model=row["model"],
        incumbent=row["incumbent"],
        skipped=_SKIPPED.validate_json(row["skipped"]),
        created_at=moment(row["created_at"]),
    )
