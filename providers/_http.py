"""The one place where httpx and HTTP status codes become our errors.

Two kinds of call: a *read* may always be repeated, so trouble is `Unavailable`; the *paid* call may
not, so everything after the first byte left, and every answer that does not say what became of the
request, is `SubmissionUnknown`. Only a refused connection is known to have cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler

from providers.errors import (
    AuthenticationFailed,
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
    "PAID_TIMEOUT",
    "READ_TIMEOUT",
    "Refine",
    "call",
    "error_for",
    "http_date",
    "mapped",
    "moment",
    "or_none",
    "parse",
    "retry_after_s",
]

Answer = TypeVar("Answer", bound=BaseModel)

PAID_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_YEAR_2100: Final = 4_102_444_800
READ_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)

Refine = Callable[[httpx.Response], ProviderError | None]
"""A vendor's own reading of an answer, asked before the general table; None means "no opinion"."""

# Raised while no byte of the request had left: nothing can have been accepted.
_NOTHING_SENT: Final = (
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ConnectError,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
    httpx.InvalidURL,
)


@contextmanager
def mapped(*, paid: bool) -> Generator[None]:
    """Turn whatever httpx raises into a `ProviderError`; a test walks httpx's tree to prove it."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as error:
        detail = f"{type(error).__name__} while talking to the vendor"
        if paid and not isinstance(error, _NOTHING_SENT):
            raise SubmissionUnknown(detail) from error
        if isinstance(error, httpx.TooManyRedirects | httpx.DecodingError):
            raise ProtocolError(detail) from error
        raise Unavailable(detail) from error


async def call(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    paid: bool = False,
    safe: frozenset[int] = frozenset(),
    refine: Refine | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: object | None = None,
    files: Any = None,
) -> Any:
    """One request, its JSON answer (None for an empty body); never retried, never redirected.

    `safe` are 5xx statuses of which the vendor documents that nothing was accepted.
    Raises any `ProviderError` but `ContentRejected`, unless `refine` knows better.
    """
    with mapped(paid=paid):
        response = await http.request(
            method,
            url,
            headers=headers,
            params=params,
            json=json,
            files=files,
            timeout=PAID_TIMEOUT if paid else READ_TIMEOUT,
            follow_redirects=False,
        )
    try:
        error = (refine(response) if refine else None) or error_for(response, paid=paid, safe=safe)
        answer = response.json() if response.content and not error else None
    except (ValueError, RecursionError) as broken:
        kind = SubmissionUnknown if paid else ProtocolError
        raise kind(
            "the vendor's answer is not JSON", status=response.status_code, body=response.text
        ) from broken
    if error:
        raise error
    return answer


def parse(model: type[Answer], answer: object, *, paid: bool = False) -> Answer:
    """An answer as a value; a paid call's unreadable answer is `SubmissionUnknown`."""
    try:
        return model.model_validate(answer)
    except ValidationError as broken:
        where = ", ".join(".".join(map(str, error["loc"])) or "all" for error in broken.errors())
        kind = SubmissionUnknown if paid else ProtocolError
        raise kind(f"the vendor's answer lacks or garbles: {where}", body=str(answer)) from None


def error_for(
    response: httpx.Response, *, paid: bool, safe: frozenset[int] = frozenset()
) -> ProviderError | None:
    """What an HTTP status means for us; None for 2xx."""
    status, body = response.status_code, response.text
    if response.is_success:
        return None
    detail = f"HTTP {status}"
    if status == 429:
        return RateLimited(
            detail, retry_after_s=retry_after_s(response.headers), status=status, body=body
        )
    if status == 408 or status >= 500:
        unknown = paid and status not in safe
        return (SubmissionUnknown if unknown else Unavailable)(detail, status=status, body=body)
    return _refusal(status, paid=paid)(detail, status=status, body=body)


def _refusal(status: int, *, paid: bool) -> type[ProviderError]:
    if status in (401, 403):
        return AuthenticationFailed
    if status == 402:
        return OutOfCredit
    if status in (404, 410) and paid:
        return RouteGone
    return InvalidRequest if paid else ProtocolError


def retry_after_s(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """Seconds to wait as the answer says it: `retry-after-ms`, seconds or an HTTP date."""
    if millis := headers.get("retry-after-ms", ""):
        return _seconds(millis, 1000)
    value = headers.get("retry-after", "")
    seconds = _seconds(value, 1)
    if seconds is not None:
        return seconds
    at = http_date(value)
    return None if at is None else max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


def _seconds(text: str, parts: int) -> float | None:
    try:
        seconds = float(text) / parts
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def http_date(text: str) -> datetime | None:
    """The moment a `Date` or `Retry-After` header names; None for what is no date."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" is UTC of an unknown zone


def moment(epoch_s: float | None) -> datetime | None:
    """Epoch seconds as a moment; None for what is none of our times (a gateway's milliseconds)."""
    if epoch_s is None or not 0 < epoch_s < _YEAR_2100:
        return None
    return datetime.fromtimestamp(epoch_s, UTC)


def or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """For what an answer may garble without becoming useless, above all one that was paid for."""
    try:
        return read(value)
    except ValidationError:
        return None
