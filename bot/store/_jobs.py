"""Rows of jobs: in, out, and the moves between states. Runs inside the caller's transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

import aiosqlite
from pydantic import TypeAdapter

from bot.brief import Brief
from bot.jobs import Job, Place, Reason, State
from bot.ledger import scope_of
from bot.router import RoutePlan
from bot.texts import restored, stored
from providers.base import Remote, VideoRequest

__all__ = ["fingerprint", "from_row", "insert", "millis", "moment", "select", "update"]

_BRIEF: Final = TypeAdapter(Brief)
_ROUTES: Final = TypeAdapter(tuple[RoutePlan, ...])
_REQUEST: Final = TypeAdapter(VideoRequest)
_REMOTE: Final = TypeAdapter(Remote)

_TIMES: Final = frozenset(field.name for field in fields(Job) if "datetime" in str(field.type))
# Never part of a move: written once, or by somebody else at any time.
_FIXED: Final = frozenset(
    {
        "id", "origin", "batch", "place", "model", "brief", "routes", "hold_micros",
        "created_at", "cancel_at", "status_message_id", "request", "remote",
    }
)  # fmt: skip
_MOVED: Final = tuple(field.name for field in fields(Job) if field.name not in _FIXED)

# Column names come from the dataclass above, values only ever as parameters.
_INSERT: Final = (
    "INSERT INTO job (id, origin, batch, guild_id, channel_id, user_id, scope, model, brief,"  # noqa: S608
    " prompt, routes, hold_micros, created_at, cancel_at, status_message_id, provider, request,"
    f" fingerprint, remote_id, remote, event, {', '.join(_MOVED)}) VALUES (:id, :origin, :batch,"
    " :guild_id, :channel_id, :user_id, :scope, :model, :brief, :prompt, :routes, :hold_micros,"
    " :created_at, :cancel_at, :status_message_id, :provider, :request, :fingerprint,"
    f" :remote_id, :remote, :event, {', '.join(f':{name}' for name in _MOVED)})"
)
_UPDATE: Final = (
    "UPDATE job SET provider=:provider, request=:request, fingerprint=:fingerprint,"  # noqa: S608
    " remote_id=:remote_id, remote=:remote, event=:event, "
    f"{', '.join(f'{name}=:{name}' for name in _MOVED)}"
    " WHERE id=:id AND ver=:ver_before"
)


async def insert(db: aiosqlite.Connection, job: Job) -> None:
    await db.execute(
        _INSERT,
        _moved(job)
        | {
            "id": job.id,
            "origin": job.origin,
            "batch": job.batch,
            "guild_id": job.place.guild_id,
            "channel_id": job.place.channel_id,
            "user_id": job.place.user_id,
            "scope": scope_of(job.place),
            "model": job.model,
            "brief": _BRIEF.dump_json(job.brief).decode(),
            "prompt": job.brief.prompt,
            "routes": _ROUTES.dump_json(_with_notes(job.routes, stored)).decode(),
            "hold_micros": job.hold_micros,
            "created_at": millis(job.created_at),
            "cancel_at": _millis(job.cancel_at),
            "status_message_id": job.status_message_id,
            "event": "created",
        },
    )


async def update(db: aiosqlite.Connection, before: Job, after: Job, event: str) -> bool:
    """Move a job; False when somebody else has moved it since `before` was read.

    One statement, the line in `job_event` included: by itself it is a whole transaction.
    """
    values = _moved(after) | {"id": after.id, "ver_before": before.ver, "event": event}
    cursor = await db.execute(_UPDATE, values)
    return cursor.rowcount == 1


async def select(db: aiosqlite.Connection, where: str, values: dict[str, Any]) -> list[Job]:
    """Jobs by a condition from this package's own text; values always as parameters."""
    rows = await db.execute_fetchall(f"SELECT * FROM job WHERE {where}", values)  # noqa: S608 - `where` is ours
    return [from_row(row) for row in rows]


def from_row(row: sqlite3.Row) -> Job:
    values: dict[str, Any] = {name: row[name] for name in _MOVED}
    values |= {name: _moment(values[name]) for name in _TIMES if name in values}
    values |= {
        "state": State(row["state"]),
        "cancel_sent": bool(row["cancel_sent"]),
        "reason": Reason(row["reason"]),
        "id": row["id"],
        "origin": row["origin"],
        "batch": row["batch"],
        "place": Place(
            guild_id=row["guild_id"], channel_id=row["channel_id"], user_id=row["user_id"]
        ),
        "model": row["model"],
        "brief": _BRIEF.validate_json(row["brief"]),
        "routes": _with_notes(_ROUTES.validate_json(row["routes"]), restored),
        "message": restored(row["message"]),
        "hold_micros": row["hold_micros"],
        "created_at": moment(row["created_at"]),
        "cancel_at": _moment(row["cancel_at"]),
        "status_message_id": row["status_message_id"],
        "request": _REQUEST.validate_json(row["request"]) if row["request"] else None,
        "remote": _REMOTE.validate_json(row["remote"]) if row["remote"] else None,
    }
    return Job(**values)


def fingerprint(request: VideoRequest | None) -> str | None:
    """Equal for two submissions that look alike in a vendor's list; seeds do not show there."""
    if request is None:
        return None
    parts: Sequence[object] = (
        request.wire_id,
        request.prompt,
        request.duration_s,
        request.aspect,
        request.resolution,
    )
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def _with_notes(routes: tuple[RoutePlan, ...], kept: Callable[[str], str]) -> tuple[RoutePlan, ...]:
    """Routes whose adaptations, in words, are put in a form for the database or taken out of it."""
    return tuple(
        replace(plan, fit=replace(plan.fit, adapted=tuple(map(kept, plan.fit.adapted))))
        for plan in routes
    )


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def moment(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def _millis(at: datetime | None) -> int | None:
    return None if at is None else millis(at)


def _moved(job: Job) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(job, name) for name in _MOVED}
    values |= {name: _millis(values[name]) for name in _TIMES if name in values}
    return values | {
        "state": job.state.value,
        "message": stored(job.message),
        "reason": job.reason.value,
        "provider": job.provider,
        "request": _REQUEST.dump_json(job.request).decode() if job.request else None,
        "fingerprint": fingerprint(job.request),
        "remote_id": job.remote.remote_id if job.remote else None,
        "remote": _REMOTE.dump_json(job.remote).decode() if job.remote else None,
    }
