"""Rows of comparisons and votes. What a person asks carries a scope: a team's taste is its own.

Votes are secret until the reveal; who may end a comparison before its time is the producer's
business, what the votes say `ranking`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import aiosqlite
from pydantic import TypeAdapter

from bot.errors import NotFound, Refused
from bot.ranking import NONE, OVERALL, TIE, Vote
from bot.store._database import Database
from bot.store._jobs import millis, moment

__all__ = [
    "ACCEPTED",
    "ACCEPTED_BY",
    "END",
    "AcceptedRow",
    "Cast",
    "Comparison",
    "ComparisonState",
    "Comparisons",
    "Letter",
    "Turnout",
    "insert",
]


class ComparisonState(StrEnum):
    OPEN = "open"  # votes count and can be changed
    REVEALED = "revealed"  # names are known, votes stand
    CANCELLED = "cancelled"  # nothing came of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What stands behind A, B, C ...; nobody is told before the reveal."""

    job_id: str
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Clips side by side. `questions`: what an answer to each says about which category."""

    id: str
    batch: str
    scope: str
    requester_id: int
    quorum: int  # so many people have to vote before it may end ahead of its deadline
    deadline_at: datetime
    letters: tuple[Letter, ...]  # A, B, C ... in this order
    questions: Mapping[str, Mapping[str, float]]
    created_at: datetime
    blind: bool = True
    state: ComparisonState = ComparisonState.OPEN
    channel_id: int | None = None
    message_id: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """A vote that counts: whether it replaced another, and how many people have voted."""

    changed: bool
    voters: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Turnout:
    """How many people have voted, and when one last did."""

    voters: int
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedRow:
    """One model in one category ("" for all together): what was kept of what was paid for."""

    model: str
    category: str
    accepted_s: float
    spent_micros: int

    @property
    def per_s_micros(self) -> float | None:
        """Micro-USD a second that was kept; None where none was."""
        return self.spent_micros / self.accepted_s if self.accepted_s else None


class Comparisons:
    """Comparisons, their secret votes, and what they cost. Any call may raise `StoreBroken`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, comparison: Comparison) -> Comparison:
        """A new comparison, or the one its batch has already; its order of letters stands."""

        return await self._db.write(lambda db: insert(db, comparison))

    async def get(self, scope: str, comparison_id: str) -> Comparison:
        """Raises `NotFound`, also for another server's."""
        return await self._db.read(lambda db: _get(db, scope, comparison_id))

    async def of_batch(self, scope: str, batch: str) -> Comparison | None:
        values = {"scope": scope, "batch": batch}
        found = await self._db.read(
            lambda db: _select(db, "scope = :scope AND batch = :batch", values)
        )
        return next(iter(found), None)

    async def set_message(self, comparison_id: str, channel_id: int, message_id: int) -> None:
        await self._run(
            "UPDATE comparison SET channel_id = :channel, message_id = :message WHERE id = :id",
            {"id": comparison_id, "channel": channel_id, "message": message_id},
        )

    async def set_letters(self, comparison_id: str, letters: Sequence[Letter]) -> bool:
        """Leave out what never arrived. False once somebody has voted or it has ended."""
        return await self._run(
            "UPDATE comparison SET letters = :letters, ver = ver + 1 WHERE id = :id"
            " AND state = 'open' AND NOT EXISTS (SELECT 1 FROM vote WHERE comparison_id = :id)",
            {"id": comparison_id, "letters": _LETTERS.dump_json(tuple(letters)).decode()},
        )

    async def cast(
        self,
        scope: str,
        comparison_id: str,
        question: str,
        user_id: int,
        choice: str,
        now: datetime,
    ) -> Cast:
        """Count one person's answer, in place of any before: a letter, "tie" or "none".

        Raises `NotFound` for another server's comparison, `Refused` when it has ended or does not
        offer that.
        """

        async def work(db: aiosqlite.Connection) -> Cast:
            cursor = await db.execute(
                "UPDATE comparison SET ver = ver + 1"
                " WHERE id = :id AND scope = :scope AND state = 'open' AND deadline_at > :now",
                {"id": comparison_id, "scope": scope, "now": millis(now)},
            )
            comparison = await _get(db, scope, comparison_id)
            if cursor.rowcount != 1:
                raise Refused("Voting on this comparison has ended; what you chose stands.")
            values = {"id": comparison_id, "question": question, "user": user_id}
            before = list(await db.execute_fetchall(_OWN, values))
            answer = _answer(comparison, question, choice) | {"at": millis(now)}
            await db.execute(_CAST, values | answer)
            return Cast(changed=bool(before), voters=await _voters(db, comparison_id))

        return await self._db.write(work)

    async def votes_of(self, comparison_id: str) -> list[Vote]:
        """Every vote on one comparison; who asks before the reveal keeps them to himself."""
        return await self._votes("c.id = :id", {"id": comparison_id})

    async def votes(self, scope: str) -> list[Vote]:
        """What a team's ranking is counted from: the votes on its blind, revealed comparisons."""
        return await self._votes(
            "c.scope = :scope AND c.state = 'revealed' AND c.blind = 1", {"scope": scope}
        )

    async def votes_by(self, comparison_id: str, user_id: int) -> Mapping[str, str]:
        """One person's own answers: by question, the model, "tie" or "none"."""

        async def work(db: aiosqlite.Connection) -> Mapping[str, str]:
            rows = await db.execute_fetchall(
                "SELECT question, choice FROM vote WHERE comparison_id = ? AND user_id = ?",
                (comparison_id, user_id),
            )
            return {row["question"]: row["choice"] for row in rows}

        return await self._db.read(work)

    async def turnout(self, comparison_id: str) -> Turnout:
        """How many people have voted so far, and when last; says nothing about what."""

        async def work(db: aiosqlite.Connection) -> Turnout:
            rows = await db.execute_fetchall(
                "SELECT max(at) FROM vote WHERE comparison_id = ?", (comparison_id,)
            )
            last_at = next(iter(rows))[0]
            return Turnout(
                voters=await _voters(db, comparison_id),
                last_at=None if last_at is None else moment(last_at),
            )

        return await self._db.read(work)

    async def reveal(self, comparison_id: str, now: datetime) -> Comparison:
        """End the voting; again gives what it gave the first time. Raises `NotFound`."""
        return await self._end(comparison_id, ComparisonState.REVEALED, now)

    async def cancel(self, comparison_id: str, now: datetime) -> Comparison:
        """End it without a result; one that has ended stays as it is. Raises `NotFound`."""
        return await self._end(comparison_id, ComparisonState.CANCELLED, now)

    async def remove_votes_of(self, user_id: int, scope: str) -> int:
        """Take a person's votes out of a server, as if never cast; how many they were."""

        async def work(db: aiosqlite.Connection) -> int:
            cursor = await db.execute(
                "DELETE FROM vote WHERE user_id = :user AND comparison_id IN"
                " (SELECT id FROM comparison WHERE scope = :scope)",
                {"user": user_id, "scope": scope},
            )
            return cursor.rowcount

        return await self._db.write(work)

    async def cost_per_accepted_second(self, scope: str | None) -> list[AcceptedRow]:
        """By model, then by model and category; what was spent most on comes first. None: all."""

        async def work(db: aiosqlite.Connection) -> list[AcceptedRow]:
            rows = await db.execute_fetchall(_COST, {**ACCEPTED_BY, "scope": scope})
            return [
                AcceptedRow(
                    model=row["model"],
                    category=row["category"],
                    accepted_s=row["accepted_s"],
                    spent_micros=row["micros"],
                )
                for row in rows
            ]

        parts = await self._db.read(work)
        return sorted([*_together(parts), *parts], key=_by_spending)

    async def _end(self, comparison_id: str, state: ComparisonState, now: datetime) -> Comparison:
        async def work(db: aiosqlite.Connection) -> Comparison:
            await db.execute(END, {"id": comparison_id, "state": state.value, "now": millis(now)})
            found = await _select(db, "id = :id", {"id": comparison_id})
            if not found:
                raise NotFound("There is no such comparison.")
            return found[0]

        return await self._db.write(work)

    async def _votes(self, where: str, values: Mapping[str, object]) -> list[Vote]:
        async def work(db: aiosqlite.Connection) -> list[Vote]:
            rows = await db.execute_fetchall(
                "SELECT v.*, c.letters FROM vote v JOIN comparison c ON c.id = v.comparison_id"  # noqa: S608 - `where` is ours
                f" WHERE {where} ORDER BY v.comparison_id, v.question, v.user_id",
                values,
            )
            read = _Reader()
            return [read.vote(row) for row in rows]

        return await self._db.read(work)

    async def _run(self, query: str, values: Mapping[str, object]) -> bool:
        async def work(db: aiosqlite.Connection) -> bool:
            return (await db.execute(query, values)).rowcount > 0

        return await self._db.write(work)


_LETTERS: Final = TypeAdapter(tuple[Letter, ...])
_QUESTIONS: Final = TypeAdapter(dict[str, dict[str, float]])
_WEIGHTS: Final = TypeAdapter(dict[str, float])

END: Final = (
    "UPDATE comparison SET state = :state, ended_at = :now, ver = ver + 1"
    " WHERE id = :id AND state = 'open'"
)
_INSERT: Final = (
    "INSERT INTO comparison (id, batch, scope, channel_id, message_id, requester_id, blind, state,"
    " quorum, deadline_at, letters, questions, created_at, ended_at, ver) VALUES (:id, :batch,"
    " :scope, :channel_id, :message_id, :requester_id, :blind, :state, :quorum, :deadline_at,"
    " :letters, :questions, :created_at, :ended_at, 0) ON CONFLICT (batch) DO NOTHING"
)
_OWN: Final = (
    "SELECT 1 FROM vote WHERE comparison_id = :id AND question = :question AND user_id = :user"
)
_CAST: Final = (
    "INSERT INTO vote (comparison_id, question, user_id, choice, weights, at)"
    " VALUES (:id, :question, :user, :choice, :weights, :at)"
    " ON CONFLICT (comparison_id, question, user_id) DO UPDATE SET choice = excluded.choice,"
    " weights = excluded.weights, at = excluded.at"
)

# `accepted` has one SELECT for each way to keep a clip: it won a vote, or was picked as a take.
ACCEPTED: Final = (
    "tally AS (SELECT c.batch, v.choice, count(*) AS votes FROM vote v"
    " JOIN comparison c ON c.id = v.comparison_id"
    " WHERE (:scope IS NULL OR c.scope = :scope) AND c.state = 'revealed'"
    " AND v.question = :overall AND v.choice <> :tie GROUP BY c.batch, v.choice),"
    " accepted AS ("
    "SELECT j.id FROM tally t JOIN job j ON j.batch = t.batch AND j.model = t.choice"
    " WHERE NOT EXISTS (SELECT 1 FROM tally o WHERE o.batch = t.batch"
    " AND o.choice <> t.choice AND o.votes >= t.votes)"
    " UNION SELECT t.job_id FROM take t JOIN shot s ON s.id = t.shot_id"
    " WHERE (:scope IS NULL OR s.scope = :scope) AND t.verdict = 'picked')"
)
ACCEPTED_BY: Final[Mapping[str, object]] = {"overall": OVERALL, "tie": TIE}
_COST: Final = (
    f"WITH {ACCEPTED}, kept AS ("  # noqa: S608 - a constant
    "SELECT j.scope, j.model, d.category, total(j.duration_s) AS accepted_s FROM accepted a"
    " JOIN job j ON j.id = a.id JOIN decision d ON d.batch = j.batch WHERE j.state = 'done'"
    " GROUP BY j.scope, j.model, d.category)"
    " SELECT s.model, s.category, sum(s.micros) AS micros, total(k.accepted_s) AS accepted_s"
    " FROM spent_on s LEFT JOIN kept k ON k.scope = s.scope AND k.model = s.model"
    " AND k.category = s.category WHERE :scope IS NULL OR s.scope = :scope"
    " GROUP BY s.model, s.category"
)


def _together(parts: Sequence[AcceptedRow]) -> list[AcceptedRow]:
    """Each model's categories in one row."""
    models = dict.fromkeys(part.model for part in parts)
    return [
        AcceptedRow(
            model=model,
            category="",
            accepted_s=sum(part.accepted_s for part in parts if part.model == model),
            spent_micros=sum(part.spent_micros for part in parts if part.model == model),
        )
        for model in models
    ]


def _by_spending(row: AcceptedRow) -> tuple[bool, int, str, str]:
    return bool(row.category), -row.spent_micros, row.model, row.category


def _answer(comparison: Comparison, question: str, choice: str) -> dict[str, str]:
    """What a pressed button means here. Raises `Refused` for what is not on offer."""
    weights = comparison.questions.get(question)
    behind = {chr(ord("A") + at): one.model for at, one in enumerate(comparison.letters)}
    model = {TIE: TIE, NONE: NONE, **behind}.get(choice)
    if weights is None or model is None:
        raise Refused("This comparison does not offer that choice.")
    return {"choice": model, "weights": _WEIGHTS.dump_json(dict(weights)).decode()}


async def insert(db: aiosqlite.Connection, comparison: Comparison) -> Comparison:
    """Inside the caller's transaction; the one its batch has already stands."""
    await db.execute(_INSERT, _values(comparison))
    (kept,) = await _select(db, "batch = :batch", {"batch": comparison.batch})
    return kept


async def _get(db: aiosqlite.Connection, scope: str, comparison_id: str) -> Comparison:
    found = await _select(db, "id = :id AND scope = :scope", {"id": comparison_id, "scope": scope})
    if not found:
        raise NotFound("There is no such comparison in this server.")
    return found[0]


async def _voters(db: aiosqlite.Connection, comparison_id: str) -> int:
    rows = await db.execute_fetchall(
        "SELECT count(DISTINCT user_id) FROM vote WHERE comparison_id = :id", {"id": comparison_id}
    )
    return int(next(iter(rows))[0])


async def _select(
    db: aiosqlite.Connection, where: str, values: Mapping[str, object]
) -> list[Comparison]:
    rows = await db.execute_fetchall(f"SELECT * FROM comparison WHERE {where}", values)  # noqa: S608 - `where` is ours
    return [_comparison(row) for row in rows]


def _values(comparison: Comparison) -> dict[str, Any]:
    questions = {name: dict(weights) for name, weights in comparison.questions.items()}
    return {
        "id": comparison.id,
        "batch": comparison.batch,
        "scope": comparison.scope,
        "channel_id": comparison.channel_id,
        "message_id": comparison.message_id,
        "requester_id": comparison.requester_id,
        "blind": int(comparison.blind),
        "state": comparison.state.value,
        "quorum": comparison.quorum,
        "deadline_at": millis(comparison.deadline_at),
        "letters": _LETTERS.dump_json(comparison.letters).decode(),
        "questions": _QUESTIONS.dump_json(questions).decode(),
        "created_at": millis(comparison.created_at),
        "ended_at": None if comparison.ended_at is None else millis(comparison.ended_at),
    }


def _comparison(row: sqlite3.Row) -> Comparison:
    ended_at = row["ended_at"]
    return Comparison(
        id=row["id"],
        batch=row["batch"],
        scope=row["scope"],
        requester_id=row["requester_id"],
        quorum=row["quorum"],
        deadline_at=moment(row["deadline_at"]),
        letters=_LETTERS.validate_json(row["letters"]),
        questions=_QUESTIONS.validate_json(row["questions"]),
        created_at=moment(row["created_at"]),
        blind=bool(row["blind"]),
        state=ComparisonState(row["state"]),
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        ended_at=None if ended_at is None else moment(ended_at),
    )


class _Reader:
    """Reads votes; the same letters and weights come in every row of a comparison, so once."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[str, ...]] = {}
        self._weights: dict[str, Mapping[str, float]] = {}

    def vote(self, row: sqlite3.Row) -> Vote:
        letters, weights = row["letters"], row["weights"]
        if letters not in self._shown:
            behind = _LETTERS.validate_json(letters)
            self._shown[letters] = tuple(letter.model for letter in behind)
        if weights not in self._weights:
            self._weights[weights] = _WEIGHTS.validate_json(weights)
        return Vote(
            comparison_id=row["comparison_id"],
            question=row["question"],
            user_id=row["user_id"],
            shown=self._shown[letters],
            choice=row["choice"],
            weights=self._weights[weights],
        )
