"""The OpenAI `/v1/videos` dialect: OpenAI (shut down 2026-09-24) and any gateway that speaks it.

Contract: the official OpenAPI document (extract of 2026-08-21) and the official SDK 3.54.0, which
always sends multipart; so do we, because a gateway may know nothing else. There is no cancel and
no idempotency key, but a list: a submission whose answer was lost can be looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, RootModel, WrapValidator

from providers._data_uri import file_of
from providers._http import call, moment, or_none, parse
from providers._openai_dialects import SIZES, Create, create, size_for
from providers._trust import redacted
from providers.base import (
    Download,
    Facts,
    MediaInput,
    MediaRole,
    Phase,
    Progress,
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
    ProviderError,
    RouteGone,
)

__all__ = ["Gateway", "OpenAI", "Video", "read_video"]

Answer = TypeVar("Answer", bound=BaseModel)

_CLOCK_SKEW: Final = timedelta(seconds=60)
_LAST_ARRIVAL: Final = timedelta(minutes=5)


class VideoError(BaseModel):
    code: str | None = None
    message: str | None = None


_Number = Annotated[float | None, WrapValidator(or_none)]


class Created(BaseModel):
    """The part of a fresh video that must be readable: it has been paid for."""

    id: Annotated[str, Field(min_length=1)]


class Video(BaseModel):
    """The Video object; real answers leave out keys the document calls required."""

    id: str
    status: str
    model: str = ""
    progress: _Number = None
    created_at: _Number = None
    expires_at: _Number = None
    prompt: str | None = None
    size: str = ""
    seconds: str | int = ""
    remixed_from_video_id: str | None = None
    error: VideoError | None = None

    @property
    def made_at(self) -> datetime | None:
        return moment(self.created_at)


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
        return size_for(resolution, aspect) if resolution in SIZES else None

    async def submit(self, request: VideoRequest) -> Remote:
        """`POST /videos`, or one of its paths that begin with a video.

        Raises any `ProviderError`; 404 and "no such model" are `RouteGone`.
        """
        new = create(request)
        try:
            return Remote(remote_id=(await self._pay(new)).id)
        except RouteGone as error:
            if request.of(MediaRole.SOURCE) is None:
                raise
            # It may be the source or this path that is unknown: no reason to give up the model.
            raise InvalidRequest(error.detail, status=error.status, body=error.body) from error

    async def _pay(self, new: Create) -> Created:
        if new.json:
            return await self._ask(Created, "POST", new.path, paid=True, json=dict(new.fields))
        form: list[tuple[str, Any]] = [(name, (None, text)) for name, text in new.fields.items()]
        if new.file:
            name, media = new.file
            path = file_of(media)
            form.append((name, (path.name, await _content(path, media), media.mime)))
        return await self._ask(Created, "POST", new.path, paid=True, files=form)

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
            past = oldest is None or (oldest.made_at or sent_at) < sent_at - _CLOCK_SKEW
            again = oldest is not None and oldest.id == params.get("after")  # it cannot page
            if oldest is None or past or again or not page.has_more:
                matches.sort(key=lambda video: video.created_at or 0)
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
        json: object | None = None,
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
                json=json,
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


async def _content(path: Path, media: MediaInput) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise InvalidRequest(f"the {media.role} cannot be read: {error.strerror}") from error


def read_video(video: Video) -> Status:
    """A Video object as our `Status`; unknown states count as still rendering."""
    match video.status:
        case "completed":
            expires_at = moment(video.expires_at)
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
    if "must be verified" in message:  # the organisation, before it may use a model
        return AuthenticationFailed
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
    made_at = video.made_at
    if made_at is None or not sent_at - _CLOCK_SKEW <= made_at <= sent_at + _LAST_ARRIVAL:
        return False
    if video.prompt not in (None, request.prompt) or video.model != request.wire_id:
        return False
    if source := request.of(MediaRole.SOURCE):  # its size and length are the source's and more
        return video.remixed_from_video_id in (None, source.remote_id)
    fields = create(request).fields
    return (
        str(video.seconds) == fields["seconds"]
        and video.size == fields["size"]
        and video.remixed_from_video_id is None
    )
