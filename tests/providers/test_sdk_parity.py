"""The same words as the vendor's own client.

One request is made once with the official SDK and once with ours, over a real socket, and what
arrived is compared field by field. What differs is written down in the test with its reason; a
difference nobody wrote down fails.
"""

import contextlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from aiohttp import web

from providers.base import MediaInput, MediaRole, Options, Remote, Status
from providers.fal import Fal
from providers.google import Google
from providers.openai import OpenAI
from providers.replicate import Replicate
from providers.runway import Runway
from tests.providers.hosts import (
    END,
    NO_PROGRESS,
    PICTURE,
    SOURCE,
    ToLoopback,
    a_client,
    a_file,
    a_request,
)
from tests.standin import fal as loopback_fal
from tests.standin import replicate as loopback_replicate
from tests.standin import runway as loopback_runway
from tests.standin.loopback import Exchange, Loopback

KEY = "a-key"
EXTRA = "the vendors' official clients come with the test extra: pip install '.[test]'"
SIGNIFICANT = (
    "accept",
    "authorization",
    "cancel-after",
    "content-type",
    "prefer",
    "x-goog-api-key",
    "x-runway-version",
)
MADE_UP_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{26,32}")

# All of these servers answer one type only, so we leave the header at httpx's "anything".
ACCEPT = {"header.accept": ("application/json", "*/*")}

Differences = dict[str, tuple[object, object]]


def differences(theirs: Exchange, ours: Exchange) -> Differences:
    """What the two requests do not have in common: name -> (theirs, ours)."""
    left, right = _words(theirs), _words(ours)
    names = sorted(left.keys() | right.keys())
    return {
        name: (left.get(name), right.get(name))
        for name in names
        if left.get(name) != right.get(name)
    }


def _words(exchange: Exchange) -> dict[str, object]:
    words: dict[str, object] = {
        "method": exchange.method,
        "path": MADE_UP_IDS.sub("ID", exchange.path),
        **{f"query.{name}": value for name, value in exchange.query.items()},
    }
    for name in SIGNIFICANT:
        if name in exchange.headers:
            words[f"header.{name}"] = exchange.headers[name].partition(";")[0]
    kind = exchange.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        words |= dict(_form(kind, exchange.body))
    elif exchange.body:
        words |= {f"body.{name}": value for name, value in json.loads(exchange.body).items()}
    return words


def _form(kind: str, body: bytes) -> Iterator[tuple[str, object]]:
    message = BytesParser(policy=policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body
    )
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = MADE_UP_IDS.sub("ID", cast("bytes", part.get_payload(decode=True)).decode())
        yield f"part.{name}", (part.get_filename(), part.get_content_type(), content)


class Recorder(Loopback):
    """Gives every call the same answer and writes down what arrived."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(key=KEY)
        self.always = answer

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        return f"{method} {path}"

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{any:.*}", self._answered)]

    async def _answered(self, request: web.Request) -> web.Response:
        return web.json_response(self.always)


async def test_runway_creates() -> None:
    runwayml = pytest.importorskip("runwayml", reason=EXTRA)
    prompt = "a lighthouse in a storm"
    veo = {"wire_id": "veo3.1", "dialect": "veo", "duration_s": 8, "negative": "rain"}
    async with (
        loopback_runway.Runway() as vendor,
        a_client() as http,
        runwayml.AsyncRunwayML(api_key=KEY, base_url=vendor.base_url, max_retries=0) as sdk,
    ):
        client = _ours(Runway, http, vendor, "RUNWAYML_API_SECRET")
        await sdk.text_to_video.create(
            model="gen4.5", prompt_text=prompt, ratio="1280:720", duration=5, seed=7
        )
        await client.submit(a_request(wire_id="gen4.5", dialect="gen4.5", seed=7))
        await sdk.image_to_video.create(
            model="veo3.1",
            prompt_text=prompt,
            prompt_image=[
                {"uri": PICTURE.url, "position": "first"},
                {"uri": END.url, "position": "last"},
            ],
            ratio="1280:720",
            duration=8,
            audio=False,
            negative_prompt="rain",
        )
        await client.submit(a_request(**veo, inputs=(PICTURE, END)))
        await sdk.video_to_video.create(
            model="aleph2", prompt_text=prompt, video_uri=SOURCE.url, seed=7
        )
        await client.submit(a_request(wire_id="aleph2", dialect="aleph", seed=7, inputs=(SOURCE,)))
        upscaler = "magnific_video_upscaler_creative"
        await sdk.video_upscale.create(model=upscaler, video_uri=SOURCE.url, resolution="2k")
        size = {"resolution.1440p": "2k"}
        await client.submit(
            a_request(
                wire_id=upscaler,
                dialect="upscale",
                resolution="1440p",
                options=size,
                inputs=(SOURCE,),
            )
        )
        made = vendor.asked("submit")
    pairs = list(zip(made[::2], made[1::2], strict=True))
    assert [differences(*pair) for pair in pairs] == [ACCEPT] * 4
    assert {one.status for one in made} == {200}


async def test_runway_reads_cancels_and_uploads(tmp_path: Path) -> None:
    runwayml = pytest.importorskip("runwayml", reason=EXTRA)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 4_000_000)
    request = a_request(wire_id="gen4.5", dialect="gen4.5")
    async with (
        loopback_runway.Runway() as vendor,
        a_client() as http,
        runwayml.AsyncRunwayML(api_key=KEY, base_url=vendor.base_url, max_retries=0) as sdk,
    ):
        client = _ours(Runway, http, vendor, "RUNWAYML_API_SECRET")
        first, second = [await client.submit(request) for _ in range(2)]
        await sdk.tasks.retrieve(first.remote_id)
        await sdk.tasks.delete(first.remote_id)
        await sdk.organization.retrieve()
        await sdk.uploads.create_ephemeral(file=picture.path)
        await client.cancel(second, request)  # looks before it deletes
        await client.check()
        await client.submit(a_request(wire_id="gen4.5", dialect="gen4.5", inputs=(picture,)))
        pairs = {name: vendor.asked(name) for name in ("poll", "cancel", "check", "upload")}
        stored = vendor.asked("store")
    assert differences(*pairs["poll"]) == ACCEPT
    assert differences(*pairs["check"]) == ACCEPT
    assert differences(*pairs["upload"]) == ACCEPT
    # The SDK names a type on its empty DELETE and takes any answer; there is neither.
    assert differences(*pairs["cancel"]) == {"header.content-type": ("application/json", None)}
    assert differences(*stored) == {}  # the storage is somebody else's: no key on either side
    assert "header.authorization" not in _words(stored[1])


async def test_replicate_speaks_as_its_own_client(tmp_path: Path) -> None:
    replicate = pytest.importorskip("replicate", reason=EXTRA)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000)
    request = a_request(wire_id="kwaivgi/kling-v3-video", dialect="kling-v3")
    async with loopback_replicate.Replicate() as vendor, a_client() as http:
        client = _ours(Replicate, http, vendor, "REPLICATE_API_TOKEN")
        sdk = replicate.Client(api_token=KEY, base_url=vendor.base_url.removesuffix("/v1"))
        made = await sdk.models.predictions.async_create(
            ("kwaivgi", "kling-v3-video"),
            input={
                "prompt": "a lighthouse in a storm",
                "mode": "standard",
                "aspect_ratio": "16:9",
                "duration": 5,
                "generate_audio": False,
            },
        )
        await (await sdk.predictions.async_get(made.id)).async_cancel()
        await sdk.predictions.async_list()
        await sdk.files.async_create(picture.path)
        with contextlib.suppress(ValueError):  # our stand-in tells no more of a model than we read
            await sdk.models.async_get("bytedance/seedance-1-pro")
        await sdk._async_client.aclose()
        remote = await client.submit(request)
        await client.poll(remote, request)
        await client.cancel(remote, request)
        await client.find(request, datetime.now(UTC))
        await client.describe("bytedance/seedance-1-pro")
        await client.submit(
            a_request(wire_id=request.wire_id, dialect=request.dialect, inputs=(picture,))
        )
        pairs = {
            name: vendor.asked(name)[:2]
            for name in ("submit", "poll", "cancel", "find", "upload", "describe")
        }
    # SDK 1.0.7 is older than the Cancel-After header; 2.x sends it. It bounds what a job may cost.
    cancel_after = {"header.cancel-after": (None, "30m")}
    assert differences(*pairs["submit"]) == cancel_after
    assert differences(*pairs["poll"]) == {}
    assert differences(*pairs["cancel"]) == {}
    assert differences(*pairs["find"]) == {}
    assert differences(*pairs["upload"]) == {}
    assert differences(*pairs["describe"]) == {}


async def test_fal_speaks_as_its_own_client() -> None:
    fal_client = pytest.importorskip("fal_client", reason=EXTRA)
    request = a_request(wire_id="fal-ai/kling-video/v3", dialect="kling-v3")
    async with loopback_fal.Fal() as vendor, a_client() as http:
        client = _ours(Fal, http, vendor, "FAL_KEY")
        sdk = fal_client.AsyncClient(key=KEY)
        async with await sdk._client as wire:
            wire._transport = ToLoopback(vendor.base_url)
            handle = await sdk.submit(
                "fal-ai/kling-video/v3/standard/text-to-video",
                arguments={
                    "prompt": "a lighthouse in a storm",
                    "duration": "5",
                    "aspect_ratio": "16:9",
                    "generate_audio": False,
                },
            )
            await handle.cancel()
            await handle.status()
            vendor.jobs[handle.request_id].outcome = "succeeded"
            await handle.get()
        remote = await client.submit(request)
        vendor.polls_until_done = 0
        await client.poll(remote, request)
        await client.cancel(remote, request)
        theirs = [vendor.asked(name)[0] for name in ("submit", "poll", "result", "cancel")]
        ours = [vendor.asked(name)[-1] for name in ("submit", "poll", "result", "cancel")]
    found = [differences(*pair) for pair in zip(theirs, ours, strict=True)]
    # The SDK says `logs=false`, which is the documented default.
    assert found == [{}, {"query.logs": ("false", None)}, {}, {}]


async def test_fal_uploads_as_its_own_client(tmp_path: Path) -> None:
    fal_client = pytest.importorskip("fal_client", reason=EXTRA)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 600)
    request = a_request(wire_id="fal-ai/kling-video/v3", dialect="kling-v3", inputs=(picture,))
    async with loopback_fal.Fal() as vendor, a_client() as http:
        sdk = fal_client.AsyncClient(key=KEY)
        async with await sdk._client as wire:
            wire._transport = ToLoopback(vendor.base_url)
            content = b"p" * 600
            await sdk.upload(content, "image/png", "frame.png", repository="fal")
        await _ours(Fal, http, vendor, "FAL_KEY").submit(request)
        slots, stored = vendor.asked("upload"), vendor.asked("store")
    assert differences(*slots) == ACCEPT
    assert [one.body for one in stored] == [content, content]
    assert {one.headers["content-type"] for one in stored} == {"image/png"}
    # The SDK's client carries its key to the storage too; an address out of an answer gets none.
    assert ["authorization" in one.headers for one in stored] == [True, False]


INTERACTION = {
    "id": "v1_7f3",
    "object": "interaction",
    "model": "gemini-omni-1.1-flash",
    "status": "in_progress",
    "created": "2026-11-23T10:00:00Z",
    "updated": "2026-11-23T10:00:00Z",
}


async def test_google_speaks_as_its_own_client(tmp_path: Path) -> None:
    genai = pytest.importorskip("google.genai", reason=EXTRA)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 600)
    request = a_request(
        wire_id="gemini-omni-1.1-flash", dialect="omni", audio=True, inputs=(picture,)
    )
    async with Recorder(INTERACTION) as vendor, a_client() as http:
        client = _ours(Google, http, vendor, "GEMINI_API_KEY")
        remote = await client.submit(request)
        await client.poll(remote, request)
        await client.cancel(remote, request)
        ours = list(vendor.exchanges)
        body = ours[0].sent
        options = {"base_url": vendor.base_url, "api_version": "v1beta"}
        sdk = genai.Client(api_key=KEY, http_options=options)
        await sdk.aio.interactions.create(**body)
        await sdk.aio.interactions.get(remote.remote_id)
        await sdk.aio.interactions.cancel(remote.remote_id)
        await sdk.aio.aclose()
        sdk.close()
        theirs = vendor.exchanges[len(ours) :]
    made, read, cancelled = (differences(*pair) for pair in zip(theirs, ours, strict=True))
    # The SDK takes our block list and wraps it into one user_input step; the API takes both.
    wrapped = [{"type": "user_input", "content": body["input"]}]
    assert made == {**ACCEPT, "body.input": (wrapped, body["input"])}
    # `stream=false` is the default; a type is named on calls without a body.
    typed = {"header.content-type": ("application/json", None)}
    assert read == {**ACCEPT, **typed, "query.stream": ("false", None)}
    assert cancelled == {**ACCEPT, **typed}


VIDEO = {
    "id": "video_01",
    "object": "video",
    "model": "sora-2",
    "status": "queued",
    "progress": 0,
    "created_at": 1_790_000_000,
    "completed_at": None,
    "expires_at": None,
    "prompt": "a lighthouse in a storm",
    "size": "1280x720",
    "seconds": "8",
    "remixed_from_video_id": None,
    "error": None,
    "data": [],
}


async def test_openai_speaks_as_its_own_client(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai", reason=EXTRA)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 600)
    fields = {"prompt": VIDEO["prompt"], "model": "sora-2", "seconds": "8", "size": "1280x720"}
    async with Recorder(VIDEO) as vendor, a_client() as http:
        base_url = f"{vendor.base_url}/v1"
        async with openai.AsyncOpenAI(api_key=KEY, base_url=base_url, max_retries=0) as sdk:
            with _deprecated():
                await sdk.videos.create(**fields)
                await sdk.videos.create(**fields, input_reference=picture.path)
                await sdk.videos.retrieve("video_01")
                await sdk.videos.list(limit=100, order="desc")
                await sdk.videos.download_content("video_01")
                await sdk.videos.extend(video=picture.path, prompt="and on", seconds="8")
                await sdk.videos.edit(video=picture.path, prompt="and on")
                await sdk.videos.remix("video_01", prompt="and on")
        theirs = list(vendor.exchanges)
        secrets = {"OPENAI_API_KEY": KEY}
        await _openai_calls(OpenAI(http, Options(base_url=base_url, secrets=secrets)), picture)
        ours = vendor.exchanges[len(theirs) :]
    found = [differences(*pair) for pair in zip(theirs, ours, strict=True)]
    binary = {"header.accept": ("application/binary", "*/*")}
    assert found == [ACCEPT, ACCEPT, ACCEPT, ACCEPT, binary, *[ACCEPT] * 3]


async def _openai_calls(client: OpenAI, picture: MediaInput) -> None:
    plain = a_request(wire_id="sora-2", dialect="videos", duration_s=8)
    framed = a_request(wire_id="sora-2", dialect="videos", duration_s=8, inputs=(picture,))
    remote = await client.submit(plain)
    await client.submit(framed)
    status = await client.poll(remote, plain)
    await client.find(plain, datetime.now(UTC))
    await _fetched(client, remote, status)
    made = MediaInput(role=MediaRole.SOURCE, mime="video/mp4", remote_id="video_01")
    ours = replace(picture, role=MediaRole.SOURCE)
    for source, use in ((ours, "extend"), (ours, "edit"), (made, "remix")):
        options = {"source": use}
        await client.submit(replace(plain, prompt="and on", inputs=(source,), options=options))


async def _fetched(client: OpenAI, remote: Remote, status: Status) -> None:
    async def download(url: str, headers: Mapping[str, str] | None = None, /) -> None:
        await client.http.get(url, headers=headers)

    await client.fetch(remote, a_request(), status, Path("clip.mp4"), download, NO_PROGRESS)


@contextmanager
def _deprecated() -> Iterator[None]:
    """The SDK marks every video method as deprecated, with the day OpenAI's own API ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _ours(kind: Any, http: httpx.AsyncClient, vendor: Loopback, variable: str) -> Any:
    return kind(http, Options(base_url=vendor.base_url, secrets={variable: KEY}))
