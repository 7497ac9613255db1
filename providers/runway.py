"""Runway's developer API: its own models and the ones it hosts for others (Veo, Omni, Kling).

Contract: the official SDK 5.24.0 (every body is a union on `model`, so a dialect sends only the
fields of its own models) and the documentation's pages on inputs, errors and task failures. There
is no list: a submission whose answer was lost cannot be looked up. A cancelled task cannot be read
afterwards: it polls as `GONE`, and only the caller knows that it asked for the cancellation.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from providers._data_uri import data_uri, encoded_bytes, file_of
from providers._http import READ_TIMEOUT, call, mapped, or_none, parse
from providers._runway_dialects import create
from providers._trust import before_paying, is_secure, redacted
from providers.base import (
    Facts,
    ImageRules,
    MediaInput,
    Phase,
    Provider,
    Remote,
    Status,
    VideoRequest,
)
from providers.errors import (
    InvalidRequest,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    RouteGone,
    Unavailable,
)

__all__ = ["Runway", "Task", "read_error", "read_task"]

Answer = TypeVar("Answer", bound=BaseModel)

VERSION: Final = "2024-11-06"  # X-Runway-Version, required
CREDIT_MICROS: Final = 10_000  # 1 credit = USD 0.01

_SAFE: Final = frozenset({502, 503, 504})  # "shedding load": documented as not accepted
_INLINE_BYTES: Final = 5_000_000  # a data URI's length; videos may be longer, the SDK says not
_UPLOAD_BYTES: Final = 200_000_000

_CROPPED: Final = ImageRules(max_bytes=_UPLOAD_BYTES, crops=True, source="docs on inputs")
_WINDOW: Final = replace(_CROPPED, ratios=(0.5, 2.0), source="docs on inputs: ASSET.INVALID")
_WINDOWED: Final = frozenset({"gen4.5", "veo", "omni"})  # of the others no window is known

_PHASES: Final = {
    "PENDING": Phase.QUEUED,
    "THROTTLED": Phase.QUEUED,  # over our concurrency: starts by itself
    "RUNNING": Phase.RENDERING,
    "SUCCEEDED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
    "CANCELED": Phase.CANCELLED,
}

# failureCode and everything below it -> phase, billed although there is no clip, worth a retry.
_FAILURES: Final[tuple[tuple[str, Phase, bool, bool], ...]] = (
    ("SAFETY.INPUT", Phase.REJECTED, True, False),
    ("SAFETY", Phase.REJECTED, False, False),
    ("INPUT_PREPROCESSING.SAFETY", Phase.REJECTED, False, False),
    ("INPUT_PREPROCESSING.INTERNAL", Phase.FAILED, False, True),
    ("INTERNAL.BAD_OUTPUT", Phase.FAILED, False, False),
    ("ASSET.INVALID", Phase.FAILED, False, False),
    ("THIRD_PARTY.UNAVAILABLE", Phase.FAILED, False, True),
    ("INTERNAL", Phase.FAILED, False, True),
)


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class Cost(_Wire):
    credits: Annotated[float, Field(ge=0, allow_inf_nan=False)]


# A price nobody can read must not hide the id that was paid for.
OptionalCost = Annotated[Cost | None, WrapValidator(or_none)]


class Created(_Wire):
    id: Annotated[str, Field(min_length=1)]
    estimated_cost: OptionalCost = None


class Task(_Wire):
    status: str
    progress: Annotated[float | None, WrapValidator(or_none)] = None
    output: list[str] = Field(default_factory=list[str])
    failure: str | None = None
    failure_code: str | None = None
    cost: OptionalCost = None


class Nothing(_Wire):
    """An answer that only says yes."""


class Slot(_Wire):
    upload_url: str
    fields: dict[str, str]
    runway_uri: str


class Organization(_Wire):
    credit_balance: float


class Runway(Provider):
    """`RUNWAYML_API_SECRET`, `RUNWAYML_BASE_URL` (without a version)."""

    id: ClassVar[str] = "runway"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=False,
        cancellable=True,
        cancel_saves=False,  # no refund once it runs, and "pending" a moment ago proves nothing
        poll_floor_s=5.0,
        result_ttl_s=24 * 3600,
        deadline_s=1800,
        concurrency=4,
        per_minute=60,
        credit="",  # its free call tells the balance
        keys=("RUNWAYML_API_SECRET",),
        source="runwayml 5.24.0; docs.dev.runwayml.com errors, inputs, tiers",
        verified="2026-11-23",
    )

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        """Frames are centre-cropped by Runway itself, but only within a window of ratios."""
        return _WINDOW if dialect in _WINDOWED else _CROPPED

    async def submit(self, request: VideoRequest) -> Remote:
        """One of four POSTs; pictures and videos travel inside it, or are uploaded before."""
        create(request, dict.fromkeys(request.inputs, "data:"))  # refuse early
        with redacted(self.options.secrets.values()), before_paying():
            uris = {media: await self._place(media) for media in request.inputs}
        new = create(request, uris)
        answer = await self._ask(Created, "POST", new.path, paid=True, json=new.body)
        quoted = answer.estimated_cost
        return Remote(remote_id=answer.id, quoted_micros=quoted and _micros(quoted))

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        try:
            return read_task(await self._ask(Task, "GET", _task_path(remote)))
        except ProtocolError as error:
            if error.status != 404:
                raise
        return Status(phase=Phase.GONE, reason="unknown task; a cancelled one cannot be read")

    async def cancel(self, remote: Remote, request: VideoRequest) -> None:
        """`DELETE`, unless it has ended: there it would delete the paid clip."""
        status = await self.poll(remote, request)
        if status.phase not in (Phase.QUEUED, Phase.RENDERING):
            return
        try:
            await self._ask(Nothing, "DELETE", _task_path(remote))
        except ProtocolError as error:
            if error.status != 404:
                raise

    async def check(self) -> str:
        """Reads the organization: free, and only a good key may. No credit is `OutOfCredit`."""
        balance = (await self._ask(Organization, "GET", "/v1/organization")).credit_balance
        if balance <= 0:
            raise OutOfCredit(f"the Runway balance is {balance:g} credits")
        return f"read the organization (GET /v1/organization): {balance:g} credits left"

    async def _place(self, media: MediaInput) -> str:
        """What the body says for an input: its URL, the file itself, or an upload's name."""
        if media.url is not None:
            return media.url
        if await encoded_bytes(media) <= _INLINE_BYTES:
            return await data_uri(media)
        return await self._upload(media)

    async def _upload(self, media: MediaInput) -> str:
        path = file_of(media)
        if (await asyncio.to_thread(path.stat)).st_size > _UPLOAD_BYTES:
            raise InvalidRequest(f"the {media.role} is larger than Runway takes (200 MB)")
        wanted = {"filename": path.name, "type": "ephemeral"}
        slot = await self._ask(Slot, "POST", "/v1/uploads", json=wanted)
        if not is_secure(slot.upload_url, self.options.base_url):
            raise ProtocolError("the upload address in the vendor's answer is not https")
        file = await asyncio.to_thread(path.open, "rb")
        try:
            fields: list[tuple[str, Any]] = [(k, (None, v)) for k, v in slot.fields.items()]
            fields.append(("file", (path.name, file, media.mime)))
            with mapped(paid=False):
                response = await self.http.post(
                    slot.upload_url, files=fields, timeout=READ_TIMEOUT, follow_redirects=False
                )
        finally:
            await asyncio.to_thread(file.close)
        if not response.is_success:
            busy = response.status_code == 429 or response.status_code >= 500
            kind = Unavailable if busy else InvalidRequest
            raise kind("the upload was refused", status=response.status_code, body=response.text)
        return slot.runway_uri

    async def _ask(
        self,
        model: type[Answer],
        method: str,
        path: str,
        *,
        paid: bool = False,
        json: object | None = None,
    ) -> Answer:
        key = self.options.secrets[self.facts.keys[0]]
        with redacted([key]):
            answer = await call(
                self.http,
                method,
                f"{self.options.base_url}{path}",
                paid=paid,
                safe=_SAFE,
                refine=lambda response: read_error(response, paid=paid),
                headers={"Authorization": f"Bearer {key}", "X-Runway-Version": VERSION},
                json=json,
            )
            return parse(model, {} if answer is None else answer, paid=paid)


def read_task(task: Task) -> Status:
    """A task as our `Status`; unknown states count as still rendering."""
    phase = _PHASES.get(task.status, Phase.RENDERING)
    cost_micros = task.cost and _micros(task.cost)
    if phase is Phase.SUCCEEDED:
        if not task.output:
            raise ProtocolError("a task that succeeded has no output", body=repr(task))
        return Status(phase=phase, progress=1.0, result_url=task.output[0], cost_micros=cost_micros)
    if phase is Phase.FAILED:
        return _failure(task, cost_micros)
    progress = None if task.progress is None else min(1.0, max(0.0, task.progress))
    return Status(phase=phase, progress=progress, cost_micros=cost_micros)


def _failure(task: Task, cost_micros: int | None) -> Status:
    code = task.failure_code or "INTERNAL"  # documented: a missing code is Runway's own fault
    unknown = (code, Phase.FAILED, False, False)
    _, phase, billed, retryable = next(
        (row for row in _FAILURES if code == row[0] or code.startswith(f"{row[0]}.")), unknown
    )
    return Status(
        phase=phase,
        cost_micros=cost_micros,
        reason=": ".join(part for part in (task.failure_code, task.failure) if part),
        billed=billed if cost_micros is None else cost_micros > 0,
        retryable=retryable,
    )


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """Where the 400's text says more than its status: no credit left, or the model is gone."""
    status = response.status_code
    if status not in (400, 403):
        return None
    text = response.text.lower()
    if "enough credits" in text:
        return OutOfCredit(f"HTTP {status}", status=status, body=response.text)
    if paid and _names_the_model(response, text):
        return RouteGone(f"HTTP {status}", status=status, body=response.text)
    return None


def _names_the_model(response: httpx.Response, text: str) -> bool:
    """A validation issue about `model` itself (the union knows no such member), or such words."""
    try:
        issues: list[dict[str, Any]] = response.json().get("issues") or []
        if any(issue.get("path") == ["model"] for issue in issues):
            return True
    except (ValueError, AttributeError):
        pass
    gone = ("no longer available", "does not exist", "deprecated", "sunset")
    return "model" in text and any(word in text for word in gone)


def _micros(cost: Cost) -> int:
    return round(cost.credits * CREDIT_MICROS)


def _task_path(remote: Remote) -> str:
    return f"/v1/tasks/{quote(remote.remote_id, safe='')}"
