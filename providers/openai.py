"""The OpenAI `/v1/videos` dialect: OpenAI (shut down 2026-09-24) and any gateway that speaks it.

Contract: the official OpenAPI document (extract of 2026-08-21) and the official SDK 3.54.0, which
always sends multipart; so do we, because a gateway may know nothing else. There is no cancel and
no idempotency key, but a list: a submission whose answer was lost can be looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, RootModel

from providers._http import call, parse
from providers._trust import redacted
from providers.base import (
    Download,
    Facts,
    MediaRole,
    Phase,
    Progress,
    Provider,
    Remote,
    Status,
    VideoRequest,
)
from providers.errors import (
    ContentRejected,
    InvalidRequest,
    OutOfCredit,
    ProviderError,
    RouteGone,
)

__all__ = ["Gateway", "OpenAI", "Video", "create_fields", "read_video", "size_for"]

Answer = TypeVar("Answer", bound=BaseModel)

_CLOCK_SKEW: Final = timedelta(seconds=60)
_LAST_ARRIVAL: Final = timedelta(minutes=5)
_SIZES: Final = {
    "720p": (1280, 720),
    "1024p": (1792, 1024),
    "1080p": (1920, 1080),
}


class VideoError(BaseModel):
    code: str | None = None
    message: str | None = None


class Video(BaseModel):
    """The Video object; real answers leave out keys the document calls required."""

    id: str
    status: str
    model: str = ""
    progress: float | None = None
    created_at: int = 0
    expires_at: int | None = None
    prompt: str | None = None
    size: str = ""
    seconds: str | int = ""
    remixed_from_video_id: str | None = None
    error: VideoError | None = None

    @property
    def made_at(self) -> datetime:
        return datetime.fromtimestamp(self.created_at, UTC)


class VideoList(BaseModel):
    data: list[Video]
    has_more: bool = False


class Anything(RootModel[Any]):
    """An answer that only says yes."""


class OpenAI(Provider):
    """`OPENAI_API_KEY`, `OPENAI_BASE_URL` (with `/v1`)."""

    id: ClassVar[str] = "openai"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=True,
        cancellable=False,
        cancel_saves=False,
        poll_floor_s=2.0,
        find_after_s=3.0,
        result_ttl_s=3600,
        deadline_s=1800,
        concurrency=8,
        per_minute=300,
        keys=("OPENAI_API_KEY",),
        source="openai-openapi 2026-08-21; openai-python 3.54.0; video guide",
        verified="2026-11-23",
    )

    def frame_size(self, resolution: str, aspect: str) -> tuple[int, int] | None:
        return size_for(resolution, aspect) if resolution in _SIZES else None

    async def submit(self, request: VideoRequest) -> Remote:
        """`POST /videos`. Raises any `ProviderError`; 404 and "no such model" are `RouteGone`."""
        fields = [(name, (None, value)) for name, value in create_fields(request).items()]
        files: list[tuple[str, Any]] = list(fields)
        if frame := request.of(MediaRole.FIRST_FRAME):
            if frame.path is None:
                raise InvalidRequest("the first frame must be a file here")
            picture = await asyncio.to_thread(frame.path.read_bytes)
            files.append(("input_reference", (frame.path.name, picture, frame.mime)))
        answer = await self._ask(Video, "POST", "/videos", paid=True, files=files)
        return Remote(remote_id=answer.id)

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        try:
            video = await self._ask(Video, "GET", _path(remote))
        except RouteGone:
            return Status(phase=Phase.GONE, reason="the vendor does not know this video any more")
        return read_video(video)

    async def fetch(
        self,
        remote: Remote,
        request: VideoRequest,
        status: Status,
        to: Path,
        download: Download,
        progress: Progress,
    ) -> None:
        """`GET /videos/{id}/content`; the key goes to the API's own origin only."""
        await download(f"{self.options.base_url}{_path(remote)}/content", self._headers())

    async def find(self, request: VideoRequest, sent_at: datetime) -> list[Remote]:
        """Videos of this account with the same words, model, size and length, made since then."""
        matches: list[Video] = []
        params = {"limit": "100", "order": "desc"}
        while True:
            page = await self._ask(VideoList, "GET", "/videos", params=params)
            matches += [video for video in page.data if _matches(video, request, sent_at)]
            oldest = page.data[-1] if page.data else None
            if oldest is None or not page.has_more or oldest.made_at < sent_at - _CLOCK_SKEW:
                matches.sort(key=lambda video: video.created_at)
                return [Remote(remote_id=video.id) for video in matches]
            params["after"] = oldest.id

    async def check(self) -> str:
        """Lists one video: free, and only a good key may."""
        await self._ask(Anything, "GET", "/videos", params={"limit": "1"})
        return "listed the newest video (GET /videos?limit=1)"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.options.secrets[self.facts.keys[0]]}"}

    async def _ask(
        self,
        model: type[Answer],
        method: str,
        path: str,
        *,
        paid: bool = False,
        params: Mapping[str, str] | None = None,
        files: Any = None,
    ) -> Answer:
        with redacted(self.options.secrets.values()):
            answer = await call(
                self.http,
                method,
                f"{self.options.base_url}{path}",
                paid=paid,
                refine=lambda response: read_error(response, paid=paid),
                headers=self._headers(),
                params=params,
                files=files,
            )
            return parse(model, answer, paid=paid)


class Gateway(OpenAI):
    """Any server that speaks the dialect: `GATEWAY_API_KEY`, `GATEWAY_BASE_URL` (with `/v1`)."""

    id: ClassVar[str] = "gateway"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=True,
        cancellable=False,
        cancel_saves=False,
        poll_floor_s=2.0,
        find_after_s=3.0,
        result_ttl_s=3600,
        deadline_s=1800,
        concurrency=8,
        per_minute=300,
        keys=("GATEWAY_API_KEY",),
        source="the OpenAI dialect; a gateway may offer less",
        verified="2026-11-23",
    )


def _path(remote: Remote) -> str:
    return f"/videos/{quote(remote.remote_id, safe='')}"


def create_fields(request: VideoRequest) -> dict[str, str]:
    """The form fields of `POST /videos`; the first frame travels beside them as a file."""
    return {
        "prompt": request.prompt,
        "model": request.wire_id,
        "seconds": str(request.duration_s),
        "size": "{}x{}".format(*size_for(request.resolution, request.aspect)),
    }


def size_for(resolution: str, aspect: str) -> tuple[int, int]:
    """Pixels (width, height) of a named resolution in this dialect, which knows two ratios."""
    if resolution not in _SIZES:
        raise InvalidRequest(f"this dialect has no {resolution}: {', '.join(_SIZES)}")
    wide = _SIZES[resolution]
    return wide if aspect == "16:9" else (wide[1], wide[0])


def read_video(video: Video) -> Status:
    """A Video object as our `Status`; unknown states count as still rendering."""
    match video.status:
        case "completed":
            expires_at = datetime.fromtimestamp(video.expires_at, UTC) if video.expires_at else None
            return Status(phase=Phase.SUCCEEDED, progress=1.0, expires_at=expires_at)
        case "failed":
            return _failure(video.error or VideoError())
        case "cancelled":
            return Status(phase=Phase.CANCELLED)
        case "expired":
            return Status(phase=Phase.GONE, reason="the vendor let the result expire")
        case state:
            progress = None if video.progress is None else min(1.0, max(0.0, video.progress / 100))
            phase = Phase.QUEUED if state == "queued" else Phase.RENDERING
            return Status(phase=phase, progress=progress)


def read_error(response: httpx.Response, *, paid: bool) -> ProviderError | None:
    """The error envelope where its code says more than the HTTP status."""
    if response.is_success or response.status_code >= 500:
        return None
    try:
        error = response.json()["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        code = message = ""
    kind = _kind(response.status_code, code, message.lower(), paid=paid)
    if kind is None:
        return None
    return kind(
        f"HTTP {response.status_code} {code}".strip(),
        status=response.status_code,
        body=response.text,
    )


def _kind(status: int, code: str, message: str, *, paid: bool) -> type[ProviderError] | None:
    gone = ("does not exist", "no longer available", "deprecated", "not found", "shut down")
    if code == "insufficient_quota":
        return OutOfCredit
    if "moderation" in code or "content_policy" in code or "moderation" in message:
        return ContentRejected
    if status in (404, 410):
        return RouteGone
    if paid and code == "model_not_found":
        return RouteGone
    if paid and status == 400 and "model" in message and any(word in message for word in gone):
        return RouteGone
    return None


def _failure(error: VideoError) -> Status:
    code, message = error.code or "", error.message or ""
    refused = "moderation" in code or "moderation" in message.lower() or "policy" in code
    return Status(
        phase=Phase.REJECTED if refused else Phase.FAILED,
        reason=": ".join(part for part in (code, message) if part),
        retryable=code == "processing_error",
    )


def _matches(video: Video, request: VideoRequest, sent_at: datetime) -> bool:
    fields = create_fields(request)
    return (
        video.prompt in (None, fields["prompt"])
        and video.model == fields["model"]
        and str(video.seconds) == fields["seconds"]
        and video.size == fields["size"]
        and video.remixed_from_video_id is None
        and sent_at - _CLOCK_SKEW <= video.made_at <= sent_at + _LAST_ARRIVAL
    )
