"""What the tests of the three hosts share: requests to change, a download, a look for leaks."""

import json
import ssl
import traceback
from collections.abc import Awaitable, Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

import httpx

from bot.brief import Brief, Stage
from bot.catalogue import builtin_text, load
from bot.fitting import Fit, fit
from bot.models import Extra
from providers.base import Download, MediaInput, MediaRole, Progress, VideoRequest
from providers.errors import ProviderError

PICTURE = MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", url="https://x.example/a.png")
END = MediaInput(role=MediaRole.LAST_FRAME, mime="image/png", url="https://x.example/b.png")
LOOK = MediaInput(role=MediaRole.REFERENCE, mime="image/png", url="https://x.example/c.png")
MOTION = MediaInput(role=MediaRole.MOTION, mime="video/mp4", url="https://x.example/d.mp4")
SOURCE = MediaInput(role=MediaRole.SOURCE, mime="video/mp4", url="https://x.example/e.mp4")
NO_PROGRESS: Progress = lambda _: None  # noqa: E731 - a callback that ignores its value


class ToLoopback(httpx.AsyncHTTPTransport):
    """For clients that know a vendor by its own host: the wire is bent to the loopback server."""

    def __init__(self, base_url: str) -> None:
        super().__init__(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self.base_url = httpx.URL(base_url)
        self.hosts: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        request.url = self.base_url.copy_with(raw_path=request.url.raw_path)
        return await super().handle_async_request(request)


def a_client() -> httpx.AsyncClient:
    """A client for loopback: no certificates are read, which is most of what making one costs."""
    return httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def a_request(**changes: Any) -> VideoRequest:
    usual: dict[str, Any] = {
        "wire_id": "",
        "dialect": "",
        "prompt": "a lighthouse in a storm",
        "duration_s": 5,
        "aspect": "16:9",
        "resolution": "720p",
        "audio": False,
        "correlation_id": "job-1",
    }
    return VideoRequest(**usual | changes)


def addresses(request: VideoRequest) -> dict[MediaInput, str]:
    return {media: media.url or "data:" for media in request.inputs}


def a_file(folder: Path, role: MediaRole, size_bytes: int) -> MediaInput:
    path = folder / "frame.png"
    path.write_bytes(b"p" * size_bytes)
    return MediaInput(role=role, mime="image/png", path=path)


def saving(http: httpx.AsyncClient, to: Path) -> Download:
    """A download as the application's: the headers it is given go to that URL."""

    async def download(url: str, headers: Any = None, /) -> None:
        to.write_bytes((await http.get(url, headers=headers)).raise_for_status().content)

    return download


async def raised(call: Callable[[], Awaitable[object]]) -> ProviderError | None:
    """The error of a call that may also go well."""
    try:
        await call()
    except ProviderError as error:
        return error
    return None


def everything(error: ProviderError | None) -> str:
    """All the text an error carries, its causes included."""
    if error is None:
        return ""
    parts = [str(error), repr(error), error.detail, error.body, repr(error.args)]
    return "\n".join([*parts, *traceback.format_exception(error)])


def catalogue_requests(provider: str) -> Iterator[VideoRequest]:
    """Everything the catalogue would let a person ask of a provider, at the ends of each range."""
    known = (PICTURE, END, LOOK, MOTION, SOURCE)
    sets = [tuple(some) for count in range(len(known) + 1) for some in combinations(known, count)]
    for model in load(builtin_text(), None).models.values():
        for route in model.routes:
            if route.provider != provider or route.price is None:
                continue
            lengths = route.durations_s or model.durations_s
            wishes = product(
                sets,
                route.price.per_s,
                {lengths[0], lengths[-1]},
                route.aspects or model.aspects,
                (False, True),
            )
            for inputs, resolution, duration_s, aspect, audio in wishes:
                brief = Brief(
                    prompt="a lighthouse",
                    duration_s=duration_s,
                    aspect=aspect,
                    resolution=resolution,
                    audio=audio,
                    inputs=inputs,
                )
                found = fit(model, route, brief, stage=Stage.FINAL)
                if isinstance(found, Fit):
                    yield a_request(
                        wire_id=route.wire_id,
                        dialect=route.dialect,
                        duration_s=found.duration_s,
                        aspect=found.aspect,
                        resolution=found.resolution,
                        audio=found.audio,
                        inputs=inputs,
                        options=route.options,
                        seed=7 if Extra.SEED in route.extras else None,
                        negative="rain" if Extra.NEGATIVE in route.extras else None,
                    )


def in_json(value: object) -> Any:
    """As it looks after a trip over the wire."""
    return json.loads(json.dumps(value))
