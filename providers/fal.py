"""fal's queue: other makers' models, one endpoint each.

Contract: fal's documentation on queue, errors and billing, and the official clients (fal-client
1.0.3, @fal-ai/client 1.10.1). The addresses to ask again are those of the submit answer; the key
follows them to fal's own hosts only. A finished request may have failed: then fetching its result
answers with the error. There is no list: a submission whose answer was lost cannot be looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field

from providers._data_uri import chunks, data_uri, encoded_bytes, file_of
from providers._fal_dialects import create
from providers._fal_models import Document, Listed, Listing, described
from providers._http import READ_TIMEOUT, call, error_for, mapped, parse
from providers._trust import before_paying, is_secure, on_host, redacted, same_origin
from providers.base import (
    Described,
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
    ContentRejected,
    InvalidRequest,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    RouteGone,
    Unavailable,
)

__all__ = ["Fal", "Fault", "Submitted", "read_error", "read_fault", "read_result"]

Answer = TypeVar("Answer", bound=BaseModel)

_HOSTS: Final = ("fal.run", "queue.falrun.com")  # and the documented backup domain
_NOBODY: Final = "fal-ai/kling-video/requests/00000000-0000-0000-0000-000000000000/status"
_INLINE_BYTES: Final = 100_000_000  # beyond it the official client uploads in parts
_PLATFORM: Final = "https://api.fal.ai"  # where fal documents its models (docs, "Model search")
_UPLOAD: Final = "/storage/upload/initiate?storage_type=gcs"  # as fal-client 1.0.3 asks
_UPLOAD_TIMEOUT: Final = httpx.Timeout(120.0, connect=10.0)

# Kling's own limits: fal's pages state them for o1 only.
_KLING_IMAGES: Final = ImageRules(
    min_side=300,
    max_bytes=10_000_000,
    ratios=(0.4, 2.5),
    source="fal's Kling o1 page: 10 MB, 300 px, 0.40 to 2.50; taken for v3 and o3 as well",
)

_PHASES: Final = {
    "IN_QUEUE": Phase.QUEUED,
    "IN_PROGRESS": Phase.RENDERING,
    "COMPLETED": Phase.SUCCEEDED,  # or failed: the result tells
}

_CALLS_OWN: Final = frozenset({401, 402, 403, 408, 409, 429})  # statuses about a call, not a job
_REFUSALS: Final = frozenset({"content_policy_violation", "no_media_generated"})
_CANCELLED: Final = frozenset({"client_cancelled"})
_RETRYABLE: Final = frozenset(
    {
        "internal_server_error",
        "generation_timeout",
        "downstream_service_error",
        "downstream_service_unavailable",
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
        "internal_error",
        "concurrent_requests_limit",
    }
)


class Submitted(BaseModel):
    request_id: Annotated[str, Field(min_length=1)]
    status_url: str | None = None
    response_url: str | None = None
    cancel_url: str | None = None


class Queue(BaseModel):
    status: str
    error: Any = None
    error_type: Any = None


class Video(BaseModel):
    url: Annotated[str, Field(min_length=1)]


class Result(BaseModel):
    video: Video


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """fal's account of what went wrong, from a body and headers in either of two shapes."""

    kind: str  # "" where none is named
    text: str
    retryable: bool


class Slot(BaseModel):
    upload_url: str
    file_url: str


class Fal(Provider):
    """`FAL_KEY`, `FAL_BASE_URL` (without a version)."""

    id: ClassVar[str] = "fal"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=False,
        cancellable=True,
        cancel_saves=False,  # once it runs the signal is best effort
        poll_floor_s=2.0,
        result_ttl_s=3600,  # retention is not documented: fetch at once
        deadline_s=1800,
        concurrency=8,  # requests above the account's own limit wait in fal's queue
        per_minute=300,
        keys=("FAL_KEY",),
        source="fal.ai/docs queue, errors; @fal-ai/client 1.10.1; fal-client 1.0.3",
        verified="2026-11-23",
    )

    async def submit(self, request: VideoRequest) -> Remote:
        """`POST /{endpoint}`; pictures and videos travel inside it."""
        create(request, dict.fromkeys(request.inputs, "data:"))  # refuse before reading any file
        with before_paying():
            uris = {media: await self._place(media) for media in request.inputs}
        new = create(request, uris)
        url = f"{self.options.base_url}/{new.endpoint}"
        answer = await self._ask(Submitted, "POST", url, paid=True, json=new.body)
        urls = answer.model_dump(exclude={"request_id"}, exclude_none=True)
        return Remote(remote_id=answer.request_id, handle=urls | {"endpoint": new.endpoint})

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        try:
            queue = await self._ask(Queue, "GET", self._url(remote, request, "status"))
            phase = _PHASES.get(queue.status, Phase.RENDERING)
            if phase is not Phase.SUCCEEDED:
                return Status(phase=phase)
            return await self._result(self._url(remote, request, "response"), queue)
        except ProtocolError as error:
            if error.status != 404:
                raise
        return Status(phase=Phase.GONE, reason="the vendor does not know this request")

    async def cancel(self, remote: Remote, request: VideoRequest) -> None:
        """A request that has ended or is unknown stays as it is."""
        try:
            await self._ask(Nothing, "PUT", self._url(remote, request, "cancel"))
        except ProtocolError as error:
            if error.status not in (400, 404):
                raise

    async def check(self) -> str:
        """Asks for a request nobody made: with a good key it is unknown, with a bad one refused."""
        url = f"{self.options.base_url}/{_NOBODY}"
        try:
            await self._ask(Nothing, "GET", url)
        except ProtocolError as error:
            if error.status != 404 or "NOT_FOUND" not in error.body:
                raise
        return "asked for the status of an unknown request, which a bad key may not"

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        return _KLING_IMAGES if dialect.startswith("kling") else ImageRules()

    async def describe(self, wire_id: str) -> Described:
        """The endpoint's OpenAPI document and name, from fal's documented list of models."""
        return described(await self._listed(wire_id))

    async def _listed(self, wire_id: str) -> Listed:
        """From the platform API; a server of the operator's may have the bare document only."""
        home = _PLATFORM if self._is_fals else self.options.base_url
        query = f"endpoint_id={quote(wire_id, safe='')}"
        try:
            url = f"{home}/v1/models?{query}&expand=openapi-3.0"
            models = (await self._ask(Listing, "GET", url)).models
            found = next((one for one in models if one.endpoint_id == wire_id), None)
            if found is not None:
                return found
        except ProtocolError as error:
            if error.status != 404:
                raise
            if not self._is_fals:
                return await self._bare(wire_id, f"{home}/api/openapi/queue/openapi.json?{query}")
        raise RouteGone(f"fal knows no endpoint {wire_id}", status=404)

    async def _bare(self, wire_id: str, url: str) -> Listed:
        try:
            document = await self._ask(Document, "GET", url)
        except ProtocolError as error:
            if error.status != 404:
                raise
            raise RouteGone(f"no endpoint {wire_id} is known there", status=404) from None
        return Listed(endpoint_id=wire_id, openapi=document.model_dump())

    @property
    def _is_fals(self) -> bool:
        """Whether we talk to fal itself, not to a server the operator named."""
        return on_host(self.options.base_url, *_HOSTS)

    async def _result(self, url: str, queue: Queue) -> Status:
        """What a completed request left: a clip, or the error its result answers with."""
        with redacted(self.options.secrets.values()):
            with mapped(paid=False):
                response = await self.http.get(
                    url, headers=self._headers(), timeout=READ_TIMEOUT, follow_redirects=False
                )
            return read_result(response, queue)

    def _url(self, remote: Remote, request: VideoRequest, what: str) -> str:
        """The submit answer's address, or the documented one where only the id is known."""
        url = remote.handle.get(f"{what}_url") or self._usual(remote, request, what)
        if same_origin(url, self.options.base_url) or on_host(url, *_HOSTS):
            return url
        raise ProtocolError(f"the {what} address in the vendor's answer is not one of fal's hosts")

    def _usual(self, remote: Remote, request: VideoRequest, what: str) -> str:
        parts = remote.handle.get("endpoint", request.wire_id).split("/")
        app = "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])
        last = {"status": "/status", "response": "", "cancel": "/cancel"}[what]
        request_id = quote(remote.remote_id, safe="")
        return f"{self.options.base_url}/{app}/requests/{request_id}{last}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self.options.secrets[self.facts.keys[0]]}"}

    async def _place(self, media: MediaInput) -> str:
        """Inside the request; to a server the operator named, files are uploaded, if it stores."""
        if media.url is not None:
            return media.url
        if not self._is_fals and (url := await self._upload(media)):
            return url
        if await encoded_bytes(media) > _INLINE_BYTES:
            raise InvalidRequest(f"the {media.role} is too large to send inside a request")
        return await data_uri(media)

    async def _upload(self, media: MediaInput) -> str | None:
        """A slot, then the bytes to where it says, without our key; None where there is none."""
        path = file_of(media)
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        wanted = {"file_name": path.name, "content_type": media.mime}
        try:
            url = f"{self.options.base_url}{_UPLOAD}"
            slot = await self._ask(Slot, "POST", url, json=wanted)
        except ProtocolError as error:
            if error.status != 404:
                raise
            return None
        if not is_secure(slot.upload_url, self.options.base_url):
            raise ProtocolError("the upload address in the vendor's answer is not https")
        with mapped(paid=False):
            response = await self.http.put(
                slot.upload_url,
                content=chunks(path),
                headers={"Content-Type": media.mime, "Content-Length": str(size_bytes)},
                timeout=_UPLOAD_TIMEOUT,
                follow_redirects=False,
            )
        if not response.is_success:
            raise Unavailable(f"the upload was refused: HTTP {response.status_code}")
        return slot.file_url

    async def _ask(
        self,
        model: type[Answer],
        method: str,
        url: str,
        *,
        paid: bool = False,
        json: object | None = None,
    ) -> Answer:
        with redacted(self.options.secrets.values()):
            answer = await call(
                self.http,
                method,
                url,
                paid=paid,
                refine=lambda response: read_error(response, paid=paid),
                headers=self._headers(),
                json=json,
            )
            return parse(model, {} if answer is None else answer, paid=paid)


class Nothing(BaseModel):
    """An answer that only says yes."""


def read_result(response: httpx.Response, queue: Queue) -> Status:
    """A completed request's result, which is its clip or its error.

    Raises what the *call's* own failure means (key, rate, an ingress error without fal's words): it
    says nothing about the request, whose clip may be paid and waiting.
    """
    told = bool(queue.error or queue.error_type)
    if response.is_success and not told:
        try:
            answer = response.json()
        except ValueError:
            raise ProtocolError("the result is not JSON", body=response.text) from None
        url = parse(Result, answer).video.url
        return Status(phase=Phase.SUCCEEDED, progress=1.0, result_url=url)
    fault = read_fault(response)
    if not told and not _is_the_requests(response, fault):
        error = read_error(response, paid=False) or error_for(response, paid=False)
        raise error or ProtocolError("the result cannot be read", body=response.text)
    kind = str(queue.error_type or fault.kind)
    text = fault.text or str(queue.error or "")
    return _failure(kind, text, retryable=fault.retryable if fault.kind else kind in _RETRYABLE)


def _is_the_requests(response: httpx.Response, fault: Fault) -> bool:
    """Whether an error answer is the request's own, not that of the call which asked for it."""
    if response.status_code < 400 or response.status_code in _CALLS_OWN:
        return False
    if response.status_code == 404 and "NOT_FOUND" in response.text:
        return False
    return bool(fault.kind) or (response.status_code < 500 and bool(fault.text))


def _failure(kind: str, text: str, *, retryable: bool) -> Status:
    reason = ": ".join(part for part in (kind, text) if part)
    if kind in _REFUSALS:
        return Status(phase=Phase.REJECTED, reason=reason)
    if kind in _CANCELLED:
        return Status(phase=Phase.CANCELLED, reason=reason)
    return Status(phase=Phase.FAILED, reason=reason, retryable=retryable)


def read_fault(response: httpx.Response) -> Fault:
    """The body's `error_type`, else the header's, else the first detail's `type`; the header
    `X-Fal-Retryable` overrules the documented table."""
    try:
        answer: object = response.json()
    except ValueError:
        answer = None
    body = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    detail = body.get("detail")
    entries = cast("list[Any]", detail) if isinstance(detail, list) else []
    first = entries[0] if entries else None
    named: Mapping[str, Any] = cast("dict[str, Any]", first) if isinstance(first, dict) else {}
    kind = body.get("error_type") or response.headers.get("X-Fal-Error-Type") or named.get("type")
    text: object = named.get("msg", detail)
    return Fault(
        kind=str(kind or ""),
        text=text if isinstance(text, str) else "",
        retryable=_is_retryable(str(kind or ""), response.headers),
    )


def _is_retryable(kind: str, headers: httpx.Headers) -> bool:
    told = headers.get("X-Fal-Retryable", headers.get("X-Fal-Needs-Retry", "")).lower()
    if told in ("true", "false"):
        return told == "true"
    if kind == "request_timeout" and headers.get("X-Fal-Request-Timeout-Type") == "user":
        return False
    return kind in _RETRYABLE


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """Where fal's words say more than the status: a locked account, refused content, a conflict."""
    status, body = response.status_code, response.text
    if response.is_success or status >= 500:
        return None
    fault = read_fault(response)
    if status == 403 and any(word in fault.text.lower() for word in ("balance", "locked")):
        return OutOfCredit("HTTP 403: the account is locked", status=status, body=body)
    if paid and fault.kind in _REFUSALS:
        return ContentRejected(f"HTTP {status} {fault.kind}", status=status, body=body)
    if status == 409:
        return Unavailable("HTTP 409", status=status, body=body)
    return None
