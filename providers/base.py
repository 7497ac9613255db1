"""The words every vendor client speaks: a request in, a remote job, its progress, its file.

A provider answers one call and keeps nothing: it never sleeps, loops, stores or retries. When to
call again, and what a lost answer means, is the job machine's business; the facts it needs for
that are declared here per vendor (`Facts`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

import httpx

from providers.errors import InvalidRequest

__all__ = [
    "Described",
    "Download",
    "Facts",
    "ImageRules",
    "MediaInput",
    "MediaRole",
    "Options",
    "Phase",
    "Progress",
    "Provider",
    "Remote",
    "Status",
    "VideoRequest",
]


class MediaRole(StrEnum):
    FIRST_FRAME = "first_frame"  # the clip starts on this still
    LAST_FRAME = "last_frame"  # the clip ends on this still
    REFERENCE = "reference"  # a still that shows a character, product or look
    MOTION = "motion"  # a video whose movement is transferred
    SOURCE = "source"  # a video to extend, edit or upscale


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInput:
    """One picture or video for a vendor: a file of ours, or an https URL it can fetch itself.

    `remote_id` is the vendor's own id of a video it made, for those that take one by its id.
    """

    role: MediaRole
    mime: str
    path: Path | None = None
    url: str | None = None
    remote_id: str | None = None
    note: str = ""  # what was done to it when it was taken in, in words


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoRequest:
    """Resolved parameters for one model on one route; nothing in it is left to a vendor default."""

    wire_id: str  # the vendor's own model id or endpoint path
    dialect: str  # which pure function of the provider builds the body
    prompt: str  # as the person typed it
    duration_s: int
    aspect: str  # "16:9"
    resolution: str  # "480p", "720p", "1080p", "1440p", "4k"
    audio: bool
    correlation_id: str  # ours: "<job>-<attempt>", unique per paid submission
    seed: int | None = None
    negative: str | None = None
    inputs: tuple[MediaInput, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])  # route extras as data

    def of(self, role: MediaRole) -> MediaInput | None:
        """The first input with that role."""
        return next((media for media in self.inputs if media.role is role), None)

    def all_of(self, role: MediaRole) -> tuple[MediaInput, ...]:
        return tuple(media for media in self.inputs if media.role is role)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """The vendor's side of a submission: its id, and what else is needed to ask again.

    `handle` is stored as JSON with the job (fal's URLs, a legacy path); it never holds a secret.
    `quoted_micros` is the vendor's own upper bound where its answer gives one.
    """

    remote_id: str
    handle: Mapping[str, str] = field(default_factory=dict[str, str])
    quoted_micros: int | None = None


class Phase(StrEnum):
    QUEUED = "queued"  # the vendor has not started
    RENDERING = "rendering"  # the vendor is at work
    SUCCEEDED = "succeeded"  # there is a clip to fetch
    REJECTED = "rejected"  # refused for its content
    FAILED = "failed"  # the vendor gave up
    CANCELLED = "cancelled"  # stopped, by us or at the vendor
    GONE = "gone"  # the vendor no longer knows this id


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """One answer to "how is it going?".

    `cost_micros` is the vendor's own final figure (micro-USD), None where it gives none.
    `reason` is the vendor's text, for the log; `billed` is True only where the vendor documents
    that this outcome is charged although there is no clip.
    """

    phase: Phase
    progress: float | None = None  # 0..1
    result_url: str | None = None
    expires_at: datetime | None = None
    cost_micros: int | None = None
    reason: str = ""
    billed: bool = False
    retryable: bool = False  # FAILED only: the vendor calls it its own trouble


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the job machine must know about a vendor, with the contract's word for it."""

    resend_safe: bool  # the same correlation id submitted twice makes one job
    findable: bool  # a lost submission can be looked up
    cancellable: bool
    cancel_saves: bool  # cancelling a running job saves money
    poll_floor_s: float  # fastest allowed poll
    find_after_s: float = 10.0  # how long a list may lag behind a create
    result_ttl_s: int = 3600  # how long a result can be fetched
    deadline_s: int = 1800  # after this a job that never ends is given up
    concurrency: int = 4  # submissions and renders at once per account
    per_minute: int = 60  # calls per minute
    video_by_url_only: bool = False  # a local video file cannot be sent
    credit: str = "no free call of this vendor shows it"  # "" where the check says it
    keys: tuple[str, ...] = ()  # environment variables that hold the key
    source: str = ""  # where these facts are from
    verified: str = ""  # ISO date


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRules:
    """What a still must be for one vendor; what is not said here is not limited."""

    min_side: int = 0  # pixels, the shorter side
    max_side: int = 0  # pixels, the longer side; 0: no limit
    max_bytes: int = 0  # of the file; 0: no limit
    max_encoded_bytes: int = 0  # of the file as base64; 0: no limit
    ratios: tuple[float, float] | None = None  # least and greatest width / height
    exact: tuple[int, int] | None = None  # these pixels and no others
    crops: bool = False  # the vendor cuts a frame to the clip's ratio by itself
    source: str = ""  # where these limits are from


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A model as its host describes it: what its input may say, references followed."""

    name: str
    maker: str
    summary: str
    fields: Mapping[str, Mapping[str, Any]]  # name -> JSON schema, in the host's order
    required: frozenset[str]
    source: str  # what was read
    options: Mapping[str, str] = field(default_factory=dict[str, str])  # what a route needs beside


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How to reach one vendor: its base URL without a trailing slash and its secrets by name."""

    base_url: str
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class Download(Protocol):
    """Stream a URL to the destination file; `headers` go to that URL's own origin only."""

    def __call__(self, url: str, headers: Mapping[str, str] | None = None, /) -> Awaitable[None]:
        """Raises `Unavailable` (try again), `RouteGone` never, `ProtocolError` (not a file)."""
        ...


Progress = Callable[[float], None]  # 0..1, called from the event loop


class Provider(ABC):
    """A company API: `submit / poll / cancel / fetch`, and `find` where it can list."""

    id: ClassVar[str]
    facts: ClassVar[Facts]

    def __init__(self, http: httpx.AsyncClient, options: Options) -> None:
        self.http = http
        self.options = options

    def refuses(self, dialect: str) -> str:
        """Why the keys that are set do not open this dialect, "" where they do."""
        return ""

    def frame_size(self, resolution: str, aspect: str) -> tuple[int, int] | None:
        """Pixels a first frame must have where the vendor demands them exactly; None: any."""
        return None

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        """What stills must be for this dialect, in a clip of this ratio; `exact` is `frame_size`'s.

        Nothing is limited where the vendor documents nothing.
        """
        return ImageRules()

    async def describe(self, wire_id: str) -> Described:
        """Read a hosted model's own description: free.

        Raises `InvalidRequest` where this vendor has none, `RouteGone` for an unknown model, and
        what a read raises.
        """
        raise InvalidRequest(f"{self.id} publishes no schema of its models")

    @abstractmethod
    async def submit(self, request: VideoRequest) -> Remote:
        """The one call that costs money; never retried here.

        Raises any `ProviderError`; `SubmissionUnknown` whenever the request may have arrived and
        the answer does not say what became of it.
        """

    @abstractmethod
    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        """A read, free and repeatable. Raises `Transient`, `AccountProblem`, `ProtocolError`."""

    async def cancel(self, remote: Remote, request: VideoRequest) -> None:  # noqa: B027 - optional
        """Ask the vendor to stop; repeatable. A vendor without cancel does nothing."""

    async def fetch(
        self,
        remote: Remote,
        request: VideoRequest,
        status: Status,
        to: Path,
        download: Download,
        progress: Progress,
    ) -> None:
        """Bring the clip to `to` (a fresh path). Raises `Transient`, `ProtocolError`."""
        if status.result_url is None:
            status = await self.poll(remote, request)
        await download(status.result_url or "", None)

    async def find(self, request: VideoRequest, sent_at: datetime) -> list[Remote]:
        """Submissions at the vendor that may be the lost one, oldest first; [] where none match."""
        return []

    @abstractmethod
    async def check(self) -> str:
        """The free, read-only call that proves the key; says in words what it asked.

        Raises `AccountProblem`, `Transient`.
        """
