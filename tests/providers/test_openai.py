"""The OpenAI dialect against a loopback gateway: what is sent, found again, and made of a video."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers._openai_dialects import create
from providers.base import MediaInput, MediaRole, Options, Phase
from providers.errors import (
    AuthenticationFailed,
    InvalidRequest,
    RouteGone,
    SubmissionUnknown,
)
from providers.openai import Gateway
from tests.providers.hosts import LOOK, PICTURE, SOURCE, a_client, a_file, a_request
from tests.standin import openai as standin
from tests.standin import schemas
from tests.standin.hosted import problems
from tests.standin.loopback import Canned

SORA: dict[str, Any] = {"wire_id": "sora-2", "dialect": "videos", "duration_s": 8, "audio": True}


@dataclass
class Studio:
    vendor: standin.Gateway
    client: Gateway


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with standin.Gateway() as vendor, a_client() as http:
        secrets = {"GATEWAY_API_KEY": vendor.key}
        yield Studio(vendor, Gateway(http, Options(base_url=vendor.base_url, secrets=secrets)))


def a_source(remote_id: str | None = None, path: Path | None = None) -> MediaInput:
    return MediaInput(role=MediaRole.SOURCE, mime="video/mp4", path=path, remote_id=remote_id)


@pytest.mark.parametrize(
    ("use", "path", "length_s"),
    [
        ("extend", "/v1/videos/extensions", "16"),
        ("edit", "/v1/videos/edits", "8"),
        ("remix", "/v1/videos/video_0001/remix", "8"),
    ],
)
async def test_a_video_of_the_server_is_extended_edited_or_remixed(
    studio: Studio, use: str, path: str, length_s: str
) -> None:
    first = await studio.client.submit(a_request(**SORA))
    source = a_source(first.remote_id)
    request = a_request(**SORA, prompt="and on", inputs=(source,), options={"source": use})
    remote = await studio.client.submit(request)
    made = studio.vendor.jobs[remote.remote_id]

    assert studio.vendor.asked("submit")[1].path == path
    assert (made.body["prompt"], made.body["seconds"]) == ("and on", length_s)
    assert (await studio.client.poll(remote, request)).phase in (Phase.QUEUED, Phase.RENDERING)


@pytest.mark.parametrize(
    ("use", "path"),
    [
        ("extend", "/videos/extensions"),
        ("edit", "/videos/edits"),
        ("remix", "/videos/{video_id}/remix"),
    ],
)
def test_a_video_is_named_as_the_document_says(use: str, path: str) -> None:
    """The official SDK refuses an id here, so the document is the judge."""
    source = a_source("video_01")
    made = create(a_request(**SORA, inputs=(source,), options={"source": use}))

    assert made.path == path.format(video_id="video_01")
    assert problems(schemas.openai_json_bodies()[path], dict(made.fields)) == []


@pytest.mark.parametrize("use", ["extend", "edit"])
async def test_a_file_of_ours_can_be_the_source(studio: Studio, tmp_path: Path, use: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a clip of ours")
    request = a_request(**SORA, inputs=(a_source(path=path),), options={"source": use})
    remote = await studio.client.submit(request)

    assert studio.vendor.jobs[remote.remote_id].notes["upload"] == b"a clip of ours"


@pytest.mark.parametrize("use", ["extend", "edit", "remix"])
async def test_a_lost_submission_from_a_video_is_found_again(studio: Studio, use: str) -> None:
    first = await studio.client.submit(a_request(**SORA))
    source = a_source(first.remote_id)
    request = a_request(**SORA, prompt="and on", inputs=(source,), options={"source": use})
    sent_at = datetime.now(UTC)
    studio.vendor.fail_next("drop_after")
    with pytest.raises(SubmissionUnknown):
        await studio.client.submit(request)

    found = await studio.client.find(request, sent_at)
    assert [remote.remote_id for remote in found] == ["video_0002"]


async def test_a_remix_is_not_taken_for_a_new_video(studio: Studio) -> None:
    first = await studio.client.submit(a_request(**SORA))
    remix = a_request(**SORA, inputs=(a_source(first.remote_id),), options={"source": "remix"})
    await studio.client.submit(remix)

    found = await studio.client.find(a_request(**SORA), datetime.now(UTC))
    assert [remote.remote_id for remote in found] == ["video_0001"]


async def test_an_unknown_source_does_not_take_the_route_off(studio: Studio) -> None:
    request = a_request(**SORA, inputs=(a_source("video_9999"),))
    with pytest.raises(InvalidRequest):
        await studio.client.submit(request)
    studio.vendor.fail_next(404)
    with pytest.raises(RouteGone):
        await studio.client.submit(a_request(**SORA))


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": (LOOK,)},
        {"inputs": (PICTURE,)},  # an address, where the dialect takes a file
        {"inputs": (SOURCE,)},
        {"inputs": (a_source("video_1"), PICTURE)},
        {"inputs": (a_source("video_1"),), "options": {"source": "upscale"}},
        {"inputs": (a_source(path=Path("clip.mp4")),), "options": {"source": "remix"}},
        {"inputs": (a_source(path=Path("no such file.mp4")),)},
        {"resolution": "480p"},
    ],
)
async def test_what_the_dialect_cannot_say_is_refused_before_sending(
    studio: Studio, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        await studio.client.submit(a_request(**SORA | changes))
    assert studio.vendor.exchanges == []


async def test_a_first_frame_travels_beside_the_fields(studio: Studio, tmp_path: Path) -> None:
    frame = a_file(tmp_path, MediaRole.FIRST_FRAME, 600)
    remote = await studio.client.submit(a_request(**SORA, inputs=(frame,)))
    job = studio.vendor.jobs[remote.remote_id]

    assert job.body == {
        "prompt": "a lighthouse in a storm",
        "model": "sora-2",
        "seconds": "8",
        "size": "1280x720",
    }
    assert job.notes["input_reference"] == b"p" * 600


async def test_a_list_is_read_to_the_submission_and_no_further(studio: Studio) -> None:
    sent_at = datetime.now(UTC)
    for _ in range(120):
        await studio.client.submit(a_request(**SORA, prompt="another"))
    await studio.client.submit(a_request(**SORA))
    found = await studio.client.find(a_request(**SORA), sent_at)

    assert [remote.remote_id for remote in found] == ["video_0121"]
    assert len(studio.vendor.asked("find")) == 2


async def test_a_list_that_cannot_page_is_read_once_more_and_left(studio: Studio) -> None:
    now = int(datetime.now(UTC).timestamp())
    video = {"id": "v", "status": "queued", "created_at": now, "model": "another"}
    page = Canned(status=200, body={"data": [video], "has_more": True})
    studio.vendor.fail_next(page, on="find", times=9)

    assert await studio.client.find(a_request(**SORA), datetime.now(UTC)) == []
    assert len(studio.vendor.asked("find")) == 2


async def test_a_paid_answer_needs_no_more_than_an_id(studio: Studio) -> None:
    studio.vendor.fail_next(Canned(status=200, body={"id": "video_7", "created_at": "now"}))
    assert (await studio.client.submit(a_request(**SORA))).remote_id == "video_7"


async def test_an_organisation_that_must_be_verified_is_the_operators_affair(
    studio: Studio,
) -> None:
    text = "Your organization must be verified to use the model `sora-2`."
    studio.vendor.fail_next(Canned(status=400, body={"error": {"message": text, "code": None}}))
    with pytest.raises(AuthenticationFailed):
        await studio.client.submit(a_request(**SORA))
