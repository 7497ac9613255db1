"""How Kling's answers are read: the envelope's code, a task's state, what was charged. Pure.

Every answer is an envelope `{code, message, request_id, data}`; `code` 0 is the only success, with
whatever HTTP status. The tables below are the vendor's documents as data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, Field

from providers._http import http_date, retry_after_s
from providers.base import Phase, Status
from providers.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    RateLimited,
    RouteGone,
    SubmissionUnknown,
    Unavailable,
)

__all__ = [
    "GONE",
    "KEPT",
    "Billing",
    "Created",
    "LegacyAnswer",
    "LegacyTask",
    "StaleToken",
    "Task",
    "Tasks",
    "billed_micros",
    "deducted_micros",
    "is_duplicate",
    "read_error",
    "read_legacy",
    "read_task",
]

KEPT: Final = timedelta(days=30)  # results are cleared after that
_UNIT_MICROS: Final = 140_000  # 1 unit = 0.14 USD: kling.ai pricing page, captured 2026-09-20

_PHASES: Final[Mapping[str, Phase]] = {
    "submitted": Phase.QUEUED,
    "processing": Phase.RENDERING,
    "succeeded": Phase.SUCCEEDED,
    "succeed": Phase.SUCCEEDED,  # the legacy spelling
    "failed": Phase.FAILED,
}

# code -> (our error on the paid call, our error on a read); error table of the API reference.
_CODES: Final[Mapping[int, tuple[type[ProviderError], type[ProviderError]]]] = {
    1000: (AuthenticationFailed, AuthenticationFailed),  # authentication failed
    1001: (AuthenticationFailed, AuthenticationFailed),  # no Authorization
    1002: (AuthenticationFailed, AuthenticationFailed),  # Authorization invalid
    1003: (AuthenticationFailed, AuthenticationFailed),  # token not yet valid
    1004: (AuthenticationFailed, AuthenticationFailed),  # token expired
    1100: (OutOfCredit, OutOfCredit),  # account abnormal
    1101: (OutOfCredit, OutOfCredit),  # in arrears
    1102: (OutOfCredit, OutOfCredit),  # resource pack exhausted or expired
    1103: (RouteGone, AuthenticationFailed),  # no permission for this API or model
    1200: (InvalidRequest, ProtocolError),
    1201: (InvalidRequest, ProtocolError),
    1202: (InvalidRequest, ProtocolError),  # method invalid
    1203: (RouteGone, RouteGone),  # no such model, no such task
    1300: (ContentRejected, ProtocolError),  # platform policy
    1301: (ContentRejected, ProtocolError),  # content safety
    1302: (RateLimited, RateLimited),
    1303: (RateLimited, RateLimited),  # concurrency or QPS beyond the package
    1304: (AuthenticationFailed, AuthenticationFailed),  # not on the IP whitelist
    5000: (SubmissionUnknown, Unavailable),
    5001: (SubmissionUnknown, Unavailable),
    5002: (SubmissionUnknown, Unavailable),  # internal timeout: it may exist
}
_CLOCK: Final = frozenset({1003, 1004})
_GONE_WORDS: Final = ("discontinued", "no longer available", "does not exist")
_DUPLICATE_WORDS: Final = ("external_task_id", "external task id", "duplicate", "already exist")
# A failed task has only free text; these words mean the content was refused.
_REFUSAL_WORDS: Final = ("risk control", "sensitive", "policy", "safety", "violat", "prohibited")

GONE: Final = Status(phase=Phase.GONE, reason="the vendor does not know this task any more")


_Id = Annotated[str, Field(min_length=1)]


class Output(BaseModel):
    type: str = ""
    url: str | None = None


class Billing(BaseModel):
    """One charge: `cash` in `currency`, or `unit` taken from a resource pack."""

    charge_type: str | None = None
    amount: str | int | float | None = None
    list_price: str | int | float | None = None
    currency: str | None = None


class Task(BaseModel):
    """A task of the new generation; times are milliseconds."""

    id: _Id
    status: str
    message: str | None = None
    create_time: int = 0
    update_time: int = 0
    external_id: str | None = None
    outputs: list[Output] | None = None
    billing: list[Billing] | None = None


class Created(BaseModel):
    code: int
    data: Task


class Tasks(BaseModel):
    code: int
    data: list[Task] | None = None


class LegacyVideo(BaseModel):
    url: str | None = None


class LegacyResult(BaseModel):
    videos: list[LegacyVideo] | None = None


class LegacyBalance(BaseModel):
    list_price: str | int | float | None = None


class LegacyTask(BaseModel):
    """A task of the legacy generation; times are milliseconds."""

    task_id: _Id
    task_status: str
    task_status_msg: str | None = None
    created_at: int = 0
    updated_at: int = 0
    task_result: LegacyResult | None = None
    final_unit_deduction: str | int | float | None = None
    final_balance_deduction: LegacyBalance | None = None


class LegacyAnswer(BaseModel):
    code: int
    data: LegacyTask


class StaleToken(AuthenticationFailed):
    """The vendor's clock refuses our token; `vendor_now` is that clock, in epoch seconds."""

    vendor_now: int | None = None


def is_duplicate(refused: ProviderError) -> bool:
    """Whether a refusal reads as "that external_task_id is taken"; its code is not documented."""
    return any(word in refused.body.lower() for word in _DUPLICATE_WORDS)


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """The envelope's `code` as our error; None: it is 0, missing, or less than the status says."""
    try:
        envelope = response.json()
        code, message = int(envelope["code"]), str(envelope.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if code == 0 or (code not in _CODES and not response.is_success):
        return None
    kind = _CODES.get(code, (SubmissionUnknown, ProtocolError))[0 if paid else 1]
    if kind is InvalidRequest and _says_gone(message.lower()):
        kind = RouteGone
    detail = f"code {code}: {message}" if message else f"code {code}"
    status, body = response.status_code, response.text
    if code in _CLOCK:
        stale = StaleToken(f"{detail} (is this machine's clock right?)", status=status, body=body)
        stale.vendor_now = _date(response.headers.get("date", ""))
        return stale
    if issubclass(kind, RateLimited):
        wait_s = retry_after_s(response.headers)
        return kind(detail, retry_after_s=wait_s, status=status, body=body)
    return kind(detail, status=status, body=body)


def _says_gone(message: str) -> bool:
    return "model" in message and any(word in message for word in _GONE_WORDS)


def _date(header: str) -> int | None:
    at = http_date(header)
    return int(at.timestamp()) if at else None


def read_task(task: Task) -> Status:
    """A task of the new generation as our `Status`; unknown states count as still rendering."""
    url = next((out.url for out in task.outputs or [] if out.type == "video" and out.url), None)
    cost = billed_micros(task.billing or [])
    return _status(task.status, url, task.message, task.update_time, cost)


def read_legacy(task: LegacyTask) -> Status:
    """A task of the legacy generation as our `Status`."""
    videos = (task.task_result.videos if task.task_result else None) or []
    url = next((video.url for video in videos if video.url), None)
    balance = task.final_balance_deduction or LegacyBalance()
    cost = deducted_micros(task.final_unit_deduction, balance.list_price)
    return _status(task.task_status, url, task.task_status_msg, task.updated_at, cost)


def _status(
    state: str, url: str | None, message: str | None, updated_ms: int, cost_micros: int | None
) -> Status:
    phase = _PHASES.get(state, Phase.RENDERING)
    reason = message or ""
    if phase is Phase.SUCCEEDED:
        if url is None:
            raise ProtocolError("the task succeeded but names no video")
        return Status(
            phase=phase,
            progress=1.0,
            result_url=url,
            expires_at=_expiry(updated_ms),
            cost_micros=cost_micros,
        )
    if phase is Phase.FAILED:
        refused = any(word in reason.lower() for word in _REFUSAL_WORDS)
        return Status(
            phase=Phase.REJECTED if refused else phase, reason=reason, cost_micros=cost_micros
        )
    return Status(phase=phase, reason="" if state in _PHASES else f"unknown status {state!r}")


def _expiry(updated_ms: int) -> datetime | None:
    if not 1_000_000_000_000 <= updated_ms < 10_000_000_000_000:
        return None
    return datetime.fromtimestamp(updated_ms / 1000, UTC) + KEPT


def billed_micros(charges: list[Billing]) -> int | None:
    """What `billing[]` says was charged, in micro-USD; None where any part of it cannot be read.

    Used of each charge, in this order: cash in USD -> `amount` (the price after discount); a
    `list_price` in USD or without a currency -> that; units -> `amount` at 0.14 USD a unit.
    """
    parts = [_charge_micros(charge) for charge in charges]
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _charge_micros(charge: Billing) -> int | None:
    if charge.charge_type == "cash" and charge.currency == "USD":
        return _micros(charge.amount, 1_000_000)
    list_price = _micros(charge.list_price, 1_000_000)
    if list_price is not None and charge.currency in ("USD", "", None):
        return list_price
    return _micros(charge.amount, _UNIT_MICROS) if charge.charge_type == "unit" else None


def deducted_micros(
    units: str | int | float | None, list_price: str | int | float | None
) -> int | None:
    """The legacy figure in micro-USD: units at 0.14 USD, plus what came from a balance."""
    parts = (_micros(units, _UNIT_MICROS), _micros(list_price, 1_000_000))
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _micros(amount: str | int | float | None, unit_micros: int) -> int | None:
    """An amount as integer micro-USD, rounded up; None for what is no amount of money."""
    if amount is None:
        return None
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value < 1_000_000:
        return None
    return math.ceil(value * unit_micros)
