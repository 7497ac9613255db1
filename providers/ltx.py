"""LTX by Lightricks, API version 2: a job is accepted with 202 and polled; kept for 24 hours.

There is no list, no cancel and no idempotency key: a submission whose answer was lost stays
unknown. Not sent, because no such field exists: seed and negative prompt. Stills go inside the body
while they are small, else through an upload slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, Field, WrapValidator

from providers._data_uri import chunks, data_uri, encoded_bytes, file_of
from providers._http import call, error_for, mapped, or_none, parse, retry_after_s
from providers._trust import before_paying, is_secure, redacted
from providers.base import (
    Facts,
    ImageRules,
    MediaInput,
    MediaRole,
    Phase,
    Provider,
    Remote,
    Status,
    VideoRequest,
)
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
    "LTX",
    "Job",
    "check_inputs",
    "create_body",
    "endpoint_for",
    "read_error",
    "read_job",
    "size_for",
]

Answer = TypeVar("Answer", bound=BaseModel)

_KEPT: Final = timedelta(hours=24)
_INLINE_BYTES: Final = {"image": 7_000_000, "video": 15_000_000}  # as a data URI
_UPLOAD_BYTES: Final = 100_000_000
_UPLOAD_TIMEOUT: Final = httpx.Timeout(90.0, connect=10.0)  # a slot may take over 30 s
_FPS: Final = "24"  # what the OpenAPI document has for a default; some pages say 25

_SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "1440p": (2560, 1440),
    "4k": (3840, 2160),
}
_FIELDS: Final[Mapping[MediaRole, str]] = {
    MediaRole.FIRST_FRAME: "image_uri",
    MediaRole.LAST_FRAME: "last_frame_uri",
    MediaRole.SOURCE: "video_uri",
}
_ROLES: Final[Mapping[str, frozenset[MediaRole]]] = {
    "v2": frozenset({MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME}),
    "extend": frozenset({MediaRole.SOURCE}),
    "retake": frozenset({MediaRole.SOURCE}),
}

_PHASES: Final[Mapping[str, Phase]] = {
    "pending": Phase.QUEUED,
    "processing": Phase.RENDERING,
    "completed": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
}

# error.type -> (our error on the paid call, our error on a read). The vendor calls 503 and 529 safe
# to repeat and 500 on a create not; a bare 503 of something in between is not its word.
_ERRORS: Final[Mapping[str, tuple[type[ProviderError], type[ProviderError]]]] = {
    "invalid_request_error": (InvalidRequest, ProtocolError),
    "authentication_error": (AuthenticationFailed, AuthenticationFailed),
    "insufficient_funds_error": (OutOfCredit, OutOfCredit),
    "not_found_error": (RouteGone, RouteGone),
    "request_too_large": (InvalidRequest, ProtocolError),
    "content_filtered_error": (ContentRejected, ProtocolError),
    "rate_limit_error": (RateLimited, RateLimited),
    "concurrency_limit_error": (RateLimited, RateLimited),
    "api_error": (SubmissionUnknown, Unavailable),
    "service_unavailable": (Unavailable, Unavailable),
    "overloaded_error": (Unavailable, Unavailable),
}
_GONE_WORDS: Final = ("does not exist", "no longer available", "deprecated", "removed")
_THEIR_TROUBLE: Final = frozenset({"api_error", "service_unavailable", "overloaded_error"})


_Id = Annotated[str, Field(min_length=1)]
_Moment = Annotated[AwareDatetime | None, WrapValidator(or_none)]


class JobError(BaseModel):
    type: str = ""
    message: str = ""


class Job(BaseModel):
    """The status of a job; `result` names an URL per kind of output."""

    id: _Id
    status: str
    completed_at: _Moment = None
    result: dict[str, str] | None = None
    error: JobError | None = None


class _Created(BaseModel):
    id: _Id


class _Slot(BaseModel):
    upload_url: str
    storage_uri: str
    required_headers: dict[str, str]


class LTX(Provider):
    """`LTX_API_KEY`, `LTX_BASE_URL` (without a version)."""

    id: ClassVar[str] = "ltx"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=False,
        cancellable=False,
        cancel_saves=False,
        poll_floor_s=3.0,  # the documents say 5 s, the vendor's own application uses 3 s
        result_ttl_s=int(_KEPT.total_seconds()),
        deadline_s=900,
        concurrency=2,  # running jobs per account by default
        per_minute=60,
        keys=("LTX_API_KEY",),
        source="LTX OpenAPI 3.1 of July 2026; docs.ltx.video; LTX-Desktop 2026-08-20",
        verified="2026-11-23",
    )

    def refuses(self, dialect: str) -> str:
        """Why this dialect cannot be used here; empty if it can."""
        return "" if dialect in _ROLES else f"LTX has no dialect {dialect!r}"

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        return ImageRules(max_bytes=_UPLOAD_BYTES, source="docs.ltx.video: uploads to 100 MB")

    async def submit(self, request: VideoRequest) -> Remote:
        """Uploads what is too large to send inline, then the one paid call."""
        if reason := self.refuses(request.dialect):
            raise InvalidRequest(reason)
        check_inputs(request)
        endpoint = endpoint_for(request)
        with before_paying():
            media = {item.role: await self._uri(item) for item in request.inputs}
        body = create_body(request, media)
        answer = await self._call("POST", f"/v2/{endpoint}", paid=True, json=body)
        return Remote(
            remote_id=self._read(_Created, answer, paid=True).id, handle={"endpoint": endpoint}
        )

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        endpoint = remote.handle.get("endpoint") or endpoint_for(request)
        try:
            answer = await self._call("GET", _job_path(endpoint, remote.remote_id))
        except RouteGone:
            return Status(phase=Phase.GONE, reason="the vendor keeps a job for 24 hours only")
        return read_job(self._read(Job, answer))

    async def check(self) -> str:
        """Asks for a job that is not there: the key is looked at before the job."""
        with suppress(RouteGone):
            await self._call("GET", _job_path("text-to-video", "dailies-check"))
        return "asked for a job that is not there (GET /v2/text-to-video/…)"

    async def _uri(self, media: MediaInput) -> str:
        """The input as the body takes it: its URL, a data URI, or an uploaded object."""
        if media.url:
            return media.url
        limit_bytes = _INLINE_BYTES["image" if media.mime.startswith("image/") else "video"]
        if await encoded_bytes(media) <= limit_bytes:
            return await data_uri(media)
        return await self._upload(file_of(media))

    async def _upload(self, path: Path) -> str:
        """A slot from the vendor, then the bytes to its storage: without our key."""
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        if size_bytes > _UPLOAD_BYTES:
            raise InvalidRequest(f"{path.name} is larger than the 100 MB LTX takes")
        slot = await self._slot()
        if not is_secure(slot.upload_url, self.options.base_url):
            raise ProtocolError("the upload address is not https")
        with mapped(paid=False):
            answer = await self.http.put(
                slot.upload_url,
                content=chunks(path),
                headers={**slot.required_headers, "content-length": str(size_bytes)},
                timeout=_UPLOAD_TIMEOUT,
                follow_redirects=False,
            )
        if not answer.is_success:
            raise Unavailable(f"the upload was refused: HTTP {answer.status_code}")
        return slot.storage_uri

    async def _slot(self) -> _Slot:
        with redacted(self.options.secrets.values()):
            with mapped(paid=False):
                answer = await self.http.post(
                    f"{self.options.base_url}/v1/upload",
                    headers=self._headers(),
                    timeout=_UPLOAD_TIMEOUT,
                    follow_redirects=False,
                )
            error = read_error(answer, paid=False) or error_for(answer, paid=False)
            if error:
                raise error
            return parse(_Slot, _json(answer))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.options.secrets[self.facts.keys[0]]}"}

    async def _call(
        self,
        method: str,
        path: str,
        *,
        paid: bool = False,
        json: object | None = None,
    ) -> Any:
        with redacted(self.options.secrets.values()):
            return await call(
                self.http,
                method,
                f"{self.options.base_url}{path}",
                paid=paid,
                refine=lambda response: read_error(response, paid=paid),
                headers=self._headers(),
                json=json,
            )

    def _read(self, model: type[Answer], answer: object, *, paid: bool = False) -> Answer:
        with redacted(self.options.secrets.values()):
            return parse(model, answer, paid=paid)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as broken:
        raise ProtocolError("the upload slot is not JSON", body=answer.text) from broken


def _job_path(endpoint: str, remote_id: str) -> str:
    return f"/v2/{endpoint}/{quote(remote_id, safe='')}"


def endpoint_for(request: VideoRequest) -> str:
    """The part of the path that says what is made; the status is asked under the same name."""
    if request.dialect != "v2":
        return request.dialect
    return "image-to-video" if request.inputs else "text-to-video"


def check_inputs(request: VideoRequest) -> None:
    """Raises `InvalidRequest` for a combination the endpoint does not take, before any upload."""
    roles = [media.role for media in request.inputs]
    for role in roles:
        if role not in _ROLES[request.dialect] or roles.count(role) > 1:
            raise InvalidRequest(f"LTX does not take this {role.replace('_', ' ')} here")
    if MediaRole.LAST_FRAME in roles and MediaRole.FIRST_FRAME not in roles:
        raise InvalidRequest("LTX takes a last frame only together with a first one")
    if request.dialect != "v2" and not roles:
        raise InvalidRequest(f"a video to {request.dialect} is missing")


def create_body(request: VideoRequest, media: Mapping[MediaRole, str]) -> dict[str, Any]:
    """The body of the create call; `media` are the inputs as URIs, by role."""
    inputs = {_FIELDS[role]: uri for role, uri in media.items()}
    body = {"prompt": request.prompt, "model": request.wire_id, "duration": request.duration_s}
    if request.dialect == "extend":
        return body | inputs | {"mode": request.options.get("mode", "end")}
    if request.dialect == "retake":
        start_s = float(request.options.get("start_time_s", "0"))
        mode = request.options.get("mode", "replace_audio_and_video")
        return body | inputs | {"start_time": start_s, "mode": mode}
    return (
        body
        | inputs
        | {
            "resolution": size_for(request.resolution, request.aspect),
            "fps": int(request.options.get("fps", _FPS)),
            "generate_audio": request.audio,
        }
    )


def size_for(resolution: str, aspect: str) -> str:
    """`WxH` of a named resolution; the vendor knows two ratios."""
    if resolution not in _SIZES or aspect not in ("16:9", "9:16"):
        raise InvalidRequest(f"LTX makes no {resolution} clips in {aspect}")
    width, height = _SIZES[resolution]
    return f"{width}x{height}" if aspect == "16:9" else f"{height}x{width}"


def read_job(job: Job) -> Status:
    """A job as our `Status`; unknown states count as still rendering."""
    phase = _PHASES.get(job.status, Phase.RENDERING)
    if phase is Phase.SUCCEEDED:
        url = (job.result or {}).get("video_url")
        if url is None:
            raise ProtocolError("the job is completed but names no video_url", body=str(job.result))
        expires_at = job.completed_at + _KEPT if job.completed_at else None
        return Status(phase=phase, progress=1.0, result_url=url, expires_at=expires_at)
    if phase is Phase.FAILED:
        return _failure(job.error or JobError())
    return Status(
        phase=phase, reason="" if job.status in _PHASES else f"unknown status {job.status!r}"
    )


def _failure(error: JobError) -> Status:
    refused = error.type == "content_filtered_error"
    return Status(
        phase=Phase.REJECTED if refused else Phase.FAILED,
        reason=": ".join(part for part in (error.type, error.message) if part),
        retryable=error.type in _THEIR_TROUBLE,
    )


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """The error envelope's type as our error; None where there is no envelope or it is unknown."""
    if response.is_success:
        return None
    try:
        error = response.json()["error"]
        kind = _ERRORS[str(error["type"])][0 if paid else 1]
        message = str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if kind is InvalidRequest and _says_gone(message.lower()):
        kind = RouteGone
    detail = f"HTTP {response.status_code}: {message}"
    status, body = response.status_code, response.text
    if issubclass(kind, RateLimited):
        wait_s = retry_after_s(response.headers)
        return kind(detail, retry_after_s=wait_s, status=status, body=body)
    return kind(detail, status=status, body=body)


def _says_gone(message: str) -> bool:
    return "model" in message and any(word in message for word in _GONE_WORDS)
