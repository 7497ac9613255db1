"""Google's Gemini Omni through the Interactions API: made in the background, polled.

There is no list and no idempotency key here: a submission whose answer was lost stays unknown. A
finished interaction without a video is how this API refuses. The key is sent to our own base URL
only: a result is a file id, and the address it is fetched from is built here, never taken from an
answer. Not sent, because there is no such field: negative prompt, and audio, which is always on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from providers._data_uri import data_uri
from providers._google_answers import (
    Created,
    File,
    Interaction,
    address,
    file_id,
    read_error,
    read_file,
    read_interaction,
)
from providers._http import call, parse
from providers._trust import redacted
from providers.base import (
    Download,
    Facts,
    ImageRules,
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
    InvalidRequest,
    ProtocolError,
    RouteGone,
)

__all__ = ["Google", "check_inputs", "create_body"]

_IMAGES: Final = ImageRules(
    max_encoded_bytes=9_500_000, source="Omni guide: ten images at most, 100 MB a request"
)
Answer = TypeVar("Answer", bound=BaseModel)

_ROLES: Final = frozenset(
    {MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE, MediaRole.SOURCE}
)


class Google(Provider):
    """`GEMINI_API_KEY`, `GEMINI_BASE_URL` (without a version)."""

    id: ClassVar[str] = "google"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=False,
        cancellable=True,
        cancel_saves=False,  # not documented either way
        poll_floor_s=3.0,  # none is documented; the guide waits 5 s for files
        result_ttl_s=48 * 3600,  # of Files API uploads; of outputs nothing is documented
        deadline_s=900,
        concurrency=4,  # limits are shown in AI Studio only
        per_minute=60,
        keys=("GEMINI_API_KEY",),
        source="google-genai 3.4.0; ai.google.dev Omni guide of 2026-09-24",
        verified="2026-11-23",
    )

    def refuses(self, dialect: str) -> str:
        """Why this dialect cannot be used here; empty if it can."""
        if dialect == "veo":
            return "the Gemini API serves Veo no more: shut down 2026-10-22"
        return "" if dialect == "omni" else f"Google has no dialect {dialect!r}"

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        return _IMAGES

    async def submit(self, request: VideoRequest) -> Remote:
        """`POST /v1beta/interactions`, in the background and stored, so that a restart finds it."""
        if reason := self.refuses(request.dialect):
            raise InvalidRequest(reason)
        check_inputs(request)
        blocks = [await _block(media) for media in _in_order(request)]
        body = create_body(request, blocks)
        answer = await self._call("POST", "/v1beta/interactions", paid=True, json=body)
        return Remote(remote_id=self._read(Created, answer, paid=True).id)

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        """The interaction, and with a finished one whether its file can be fetched yet."""
        interaction = await self._interaction(remote)
        if interaction is None:
            return Status(phase=Phase.GONE, reason="the vendor does not know this interaction")
        status = read_interaction(interaction, request.wire_id, self.options.base_url)
        name = file_id(status.result_url or "")
        if status.phase is not Phase.SUCCEEDED or name is None:
            return status
        return await self._with_file(name, status)

    async def cancel(self, remote: Remote, request: VideoRequest) -> None:
        """`POST …/cancel`; one that has ended, or is gone, is as good as cancelled."""
        try:
            await self._call("POST", f"{_path(remote)}/cancel")
        except RouteGone:
            return
        except ProtocolError as error:
            if error.status not in (400, 409):
                raise

    async def fetch(
        self,
        remote: Remote,
        request: VideoRequest,
        status: Status,
        to: Path,
        download: Download,
        progress: Progress,
    ) -> None:
        """By file id from our own base URL, with the key; inline data is in the interaction."""
        if status.result_url is not None:
            await self._download(status.result_url, download)
            return
        interaction = await self._interaction(remote)
        video = interaction.video() if interaction else None
        if video is None:
            raise ProtocolError("the interaction holds no video any more")
        if video.data:
            await download(f"data:{video.mime_type or 'video/mp4'};base64,{video.data}", None)
        else:
            await self._download(video.uri or "", download)

    async def check(self) -> str:
        """Lists one model: free, and only a good key may."""
        asked = "listed one model (GET /v1beta/models)"
        try:
            await self._call("GET", "/v1beta/models", params={"pageSize": "1"})
        except RouteGone:
            return f"{asked}: this server has no such list, but let the key pass"
        return asked

    async def _interaction(self, remote: Remote) -> Interaction | None:
        try:
            return self._read(Interaction, await self._call("GET", _path(remote)))
        except RouteGone:
            return None

    async def _with_file(self, name: str, status: Status) -> Status:
        try:
            file = self._read(File, await self._call("GET", f"/v1beta/files/{name}"))
        except (RouteGone, AuthenticationFailed) as error:
            if error.status == 401:
                raise
            # The key was good a moment ago: 403 is how Google says "or it may not exist".
            return replace(status, phase=Phase.GONE, reason="the file has expired at the vendor")
        return read_file(file, status)

    async def _download(self, uri: str, download: Download) -> None:
        """A file of theirs from our base URL with the key; any other address without."""
        url = address(uri, self.options.base_url)
        await download(url, self._headers() if file_id(uri) else None)

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self.options.secrets[self.facts.keys[0]]}

    async def _call(
        self,
        method: str,
        path: str,
        *,
        paid: bool = False,
        params: Mapping[str, str] | None = None,
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
                params=params,
                json=json,
            )

    def _read(self, model: type[Answer], answer: object, *, paid: bool = False) -> Answer:
        with redacted(self.options.secrets.values()):
            return parse(model, answer, paid=paid)


def _path(remote: Remote) -> str:
    return f"/v1beta/interactions/{quote(remote.remote_id, safe='')}"


async def _block(media: MediaInput) -> dict[str, str]:
    """A file of ours as a content block, in the body: a `uri` can only be Google's own."""
    if media.path is None:
        raise InvalidRequest("Google takes a file here, not an address")
    kind = "video" if media.role is MediaRole.SOURCE else "image"
    data = (await data_uri(media)).partition(",")[2]
    return {"type": kind, "mime_type": media.mime, "data": data}


def check_inputs(request: VideoRequest) -> None:
    """Raises `InvalidRequest` for inputs that no documented task takes together."""
    roles = {media.role for media in request.inputs}
    if not roles <= _ROLES:
        raise InvalidRequest("Gemini Omni takes no motion video")
    if MediaRole.LAST_FRAME in roles and MediaRole.FIRST_FRAME not in roles:
        raise InvalidRequest("Gemini Omni takes a last frame only together with a first one")
    if MediaRole.REFERENCE in roles and len(roles) > 1:
        raise InvalidRequest("Gemini Omni takes references only by themselves")
    if MediaRole.SOURCE in roles and len(request.inputs) > 1:
        raise InvalidRequest("Gemini Omni takes one video and nothing beside it")


def _in_order(request: VideoRequest) -> list[MediaInput]:
    """The first frame before the last one: the task reads them by position."""
    return sorted(request.inputs, key=lambda media: media.role is MediaRole.LAST_FRAME)


def create_body(request: VideoRequest, blocks: list[dict[str, str]]) -> dict[str, Any]:
    """The body of the create call; the words stand after the media, as in every example."""
    config: dict[str, Any] = {"video_config": {"task": _task(request)}}
    if request.seed is not None:
        config["seed"] = request.seed
    return {
        "model": request.wire_id,
        "background": True,
        "store": True,
        "input": [*blocks, {"type": "text", "text": request.prompt}],
        "response_format": {
            "type": "video",
            "aspect_ratio": request.aspect,
            "resolution": request.resolution,
            "duration": f"{request.duration_s}s",
            "delivery": "uri",
        },
        "generation_config": config,
    }


def _task(request: VideoRequest) -> str:
    if request.of(MediaRole.SOURCE):
        return request.options.get("task", "extend")
    if request.of(MediaRole.REFERENCE):
        return "reference_to_video"
    return "image_to_video" if request.inputs else "text_to_video"
