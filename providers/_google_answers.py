"""How Google's answers are read: an interaction, its file, the error envelope, the cost. Pure.

An interaction that ended without a video is a refusal, whatever its status says; the shape of one
is not documented, so words decide only between "refused" and "failed".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, cast

import httpx
from pydantic import AwareDatetime, BaseModel, Field, WrapValidator

from providers._http import or_none, parse, retry_after_s
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
)

__all__ = [
    "Content",
    "Created",
    "File",
    "Interaction",
    "address",
    "file_id",
    "read_error",
    "read_file",
    "read_interaction",
]

_DELAY: Final = re.compile(r"\d{1,6}(\.\d{1,9})?s")
_FILE: Final = re.compile(r"files/([A-Za-z0-9_-]+)")

# USD 17.50 per million output tokens of video: the pricing page as quoted 2026-10-01. In micro-USD
# per 1,000 tokens, so that the arithmetic stays whole.
_MICROS_PER_1000_TOKENS: Final[Mapping[str, int]] = {"gemini-omni-1.1-flash": 17_500}

_PHASES: Final[Mapping[str, Phase]] = {
    "queued": Phase.QUEUED,
    "in_progress": Phase.RENDERING,
    "completed": Phase.SUCCEEDED,
    "incomplete": Phase.FAILED,
    "failed": Phase.FAILED,
    "budget_exceeded": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
}

# error.status, or the HTTP status where a body has none -> (on the paid call, on a read).
_REASONS: Final[Mapping[str | int, tuple[type[ProviderError], type[ProviderError]]]] = {
    "INVALID_ARGUMENT": (InvalidRequest, ProtocolError),
    "UNAUTHENTICATED": (AuthenticationFailed, AuthenticationFailed),
    "PERMISSION_DENIED": (AuthenticationFailed, AuthenticationFailed),
    "NOT_FOUND": (RouteGone, RouteGone),
    "RESOURCE_EXHAUSTED": (RateLimited, RateLimited),
    400: (InvalidRequest, ProtocolError),
    404: (RouteGone, RouteGone),
    429: (RateLimited, RateLimited),
}
_GONE_WORDS: Final = ("no longer available", "deprecated", "shut down", "does not exist")
_REFUSAL_WORDS: Final = ("safety", "policy", "prohibited", "blocked", "recognizable", "minors")
_EMPTY_WORDS: Final = ("billing", "prepay", "credits", "spend")
_THEIR_TROUBLE: Final = frozenset({"4", "13", "14", "INTERNAL", "UNAVAILABLE"})  # gRPC codes


class Content(BaseModel):
    type: str = ""
    text: str | None = None
    data: str | None = Field(default=None, repr=False)
    uri: str | None = None
    mime_type: str | None = None


class Problem(BaseModel):
    """An error inside an interaction: `code` is text in `errors[]`, a gRPC number in a step."""

    code: str | int | None = None
    message: str | None = None


class Step(BaseModel):
    type: str = ""
    content: list[Content] | None = None
    error: Problem | None = None


class Tokens(BaseModel):
    modality: str = ""
    tokens: int = 0


class Usage(BaseModel):
    output_tokens_by_modality: list[Tokens] | None = None


class Interaction(BaseModel):
    status: str
    steps: list[Step] | None = None
    output_video: Content | None = None  # one sample of the guide shows it here
    errors: list[Problem] | None = None
    usage: Usage | None = None

    def outputs(self) -> Iterator[Content]:
        for step in self.steps or []:
            if step.type == "model_output":
                yield from step.content or []
        if self.output_video:
            yield self.output_video.model_copy(update={"type": "video"})

    def video(self) -> Content | None:
        found = (part for part in self.outputs() if part.type == "video")
        return next((part for part in found if part.uri or part.data), None)

    def problems(self) -> list[Problem]:
        return [*(self.errors or []), *(step.error for step in self.steps or [] if step.error)]


class Created(BaseModel):
    id: Annotated[str, Field(min_length=1)]


class File(BaseModel):
    state: str = ""
    expires_at: Annotated[AwareDatetime | None, WrapValidator(or_none)] = Field(
        default=None, alias="expirationTime"
    )


class _Error(BaseModel):
    message: str | None = None
    status: str | None = None
    details: list[dict[str, Any]] = []


def file_id(uri: str) -> str | None:
    """The id in `…files/<id>…`; None where the address names no file."""
    found = _FILE.search(uri)
    return found[1] if found else None


def address(uri: str, base_url: str) -> str:
    """Where a result is fetched: a file of theirs from our base URL, anything else where it is."""
    name = file_id(uri)
    return f"{base_url}/v1beta/files/{name}:download?alt=media" if name else uri


def read_interaction(interaction: Interaction, wire_id: str, base_url: str) -> Status:
    """An interaction as our `Status`; unknown states count as still rendering.

    `result_url` is None for a video that came inline: it stays in the interaction until fetched.
    """
    phase = _PHASES.get(interaction.status, Phase.RENDERING)
    cost_micros = _cost_micros(interaction.usage, wire_id)
    video = interaction.video()
    if video and interaction.status in ("completed", "incomplete"):
        url = None if video.data else address(video.uri or "", base_url)
        paid = cost_micros or None  # no tokens beside a clip are no figure, not a gift
        return Status(phase=Phase.SUCCEEDED, progress=1.0, result_url=url, cost_micros=paid)
    if phase is Phase.SUCCEEDED:
        phase = Phase.REJECTED
    if phase in (Phase.REJECTED, Phase.FAILED):
        return _ending(interaction, phase, cost_micros)
    known = interaction.status in _PHASES
    return Status(phase=phase, reason="" if known else f"unknown status {interaction.status!r}")


def _ending(interaction: Interaction, phase: Phase, cost_micros: int | None) -> Status:
    problems = interaction.problems()
    said = [f"{problem.code}: {problem.message}" for problem in problems]
    said += [part.text for part in interaction.outputs() if part.text]
    reason = "; ".join(said)[:2000]
    if any(word in reason.lower() for word in _REFUSAL_WORDS):
        phase = Phase.REJECTED
    return Status(
        phase=phase,
        reason=reason or f"{interaction.status} without a video",
        cost_micros=cost_micros,
        retryable=phase is Phase.FAILED
        and any(str(problem.code).upper() in _THEIR_TROUBLE for problem in problems),
    )


def _cost_micros(usage: Usage | None, wire_id: str) -> int | None:
    """Video tokens at the published price; None where the answer or the price list is silent."""
    price = _MICROS_PER_1000_TOKENS.get(wire_id)
    if usage is None or usage.output_tokens_by_modality is None or price is None:
        return None
    counts = usage.output_tokens_by_modality
    tokens = sum(count.tokens for count in counts if count.modality.lower() == "video")
    return -(-tokens * price // 1000)


def read_file(file: File, status: Status) -> Status:
    """What the state of the result's file makes of a finished interaction."""
    match file.state:
        case "PROCESSING":
            return Status(phase=Phase.RENDERING)
        case "FAILED":
            return replace(status, phase=Phase.FAILED, reason="the vendor could not store the clip")
        case _:
            return replace(status, expires_at=file.expires_at)


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """The error envelope, bare or in a one-element array, where it says more than the status."""
    if response.is_success or response.status_code >= 500 or response.status_code == 408:
        return None
    try:
        envelope = response.json()
        if isinstance(envelope, list):
            envelope = cast("list[Any]", envelope)[0]
        error = parse(_Error, envelope["error"])
    except (ValueError, KeyError, IndexError, TypeError, ProtocolError):
        return None
    kind = _kind(error, response.status_code, paid=paid)
    if kind is None:
        return None
    detail = f"HTTP {response.status_code} {error.status or ''}: {error.message or ''}"
    status, body = response.status_code, response.text
    if issubclass(kind, RateLimited):
        delay_s = _retry_delay_s(error)
        wait_s = retry_after_s(response.headers) if delay_s is None else delay_s
        return kind(detail, retry_after_s=wait_s, status=status, body=body)
    return kind(detail, status=status, body=body)


def _kind(error: _Error, http_status: int, *, paid: bool) -> type[ProviderError] | None:
    words = (error.message or "").lower()
    kinds = _REASONS.get(error.status or "") or _REASONS.get(http_status)
    kind = kinds[0 if paid else 1] if kinds else None
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in error.details):
        return AuthenticationFailed  # which comes as HTTP 400
    if error.status == "FAILED_PRECONDITION" and paid:  # billing or region
        return OutOfCredit if any(word in words for word in _EMPTY_WORDS) else AuthenticationFailed
    if kind is RateLimited and _is_used_up(error, words):
        return OutOfCredit
    if kind is InvalidRequest and "model" in words and any(word in words for word in _GONE_WORDS):
        return RouteGone
    if kind is InvalidRequest and any(word in words for word in _REFUSAL_WORDS):
        return ContentRejected
    return kind


def _is_used_up(error: _Error, words: str) -> bool:
    """Whether waiting a little will not help: the day's quota or the money is gone."""
    quotas = str([detail.get("violations") for detail in error.details])
    # "check your plan and billing details" stands in every quota message: no sign of anything.
    return "PerDay" in quotas or any(word in words for word in _EMPTY_WORDS if word != "billing")


def _retry_delay_s(error: _Error) -> float | None:
    """`RetryInfo.retryDelay`, a text like "17s"."""
    for detail in error.details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and _DELAY.fullmatch(delay):
            return float(delay[:-1])
    return None
