"""The double-entry book as values: which lines a move of a job implies, and when they add up.

Accounts: `user:<place>:<id>` (negative: has spent), `held`, `spent:<provider>`, `operator` (what a
vendor charged above the number a person agreed to). Amounts are integer micro-USD; a free clip
has lines of 0, so that every clip is in the book. The store writes them in the move's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.jobs import Job, Place, State

__all__ = [
    "HELD",
    "OPERATOR",
    "Entry",
    "Kind",
    "account_of",
    "entries",
    "scope_of",
    "settled_micros",
]

HELD: Final = "held"
OPERATOR: Final = "operator"


class Kind(StrEnum):
    HOLD = "hold"  # user -> held, when the job is accepted
    SETTLE = "settle"  # held -> spent, when it ends
    RELEASE = "release"  # held -> user, the rest of the hold
    ADJUST = "adjust"  # operator -> spent, what a vendor charged above the hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line: `micros` leave `debit` and arrive at `credit`."""

    job_id: str
    kind: Kind
    debit: str
    credit: str
    micros: int
    note: str = ""


def entries(before: Job | None, after: Job) -> tuple[Entry, ...]:
    """The lines a move implies: a hold for a new job, settlement and release for an ended one."""
    user = account_of(after.place)
    if before is None:
        return (_entry(after, Kind.HOLD, user, HELD, after.hold_micros),)
    if before.ended or not after.ended:
        return ()
    spent = f"spent:{after.provider}"
    settled = settled_micros(after)
    lines = [
        _entry(after, Kind.SETTLE, HELD, spent, settled, after.cost_note),
        _entry(after, Kind.RELEASE, HELD, user, after.hold_micros - settled),
    ]
    overrun = (after.cost_micros or 0) - after.hold_micros
    if overrun > 0:
        lines.append(
            _entry(after, Kind.ADJUST, OPERATOR, spent, overrun, "vendor charged above the quote")
        )
    return tuple(lines)


def settled_micros(job: Job) -> int:
    """What the person pays for an ended job: never above the hold, which is the number quoted.

    A clip without a figure from the vendor costs the hold; an end without a clip and without a
    figure costs nothing.
    """
    if job.cost_micros is None:
        return job.hold_micros if job.state is State.DONE else 0
    return min(job.cost_micros, job.hold_micros)


def scope_of(place: Place) -> str:
    """Whose cap and whose usage: a server, or the command line."""
    return "cli" if place.guild_id is None else str(place.guild_id)


def account_of(place: Place) -> str:
    return f"user:{scope_of(place)}:{place.user_id}"


def _entry(job: Job, kind: Kind, debit: str, credit: str, micros: int, note: str = "") -> Entry:
    return Entry(job_id=job.id, kind=kind, debit=debit, credit=credit, micros=micros, note=note)
