"""LTX against a loopback LTX; what passes between them against the vendor's OpenAPI document."""

import json
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import errors
from providers.base import MediaInput, MediaRole, Options, Phase, Remote, VideoRequest
from providers.ltx import LTX, Job, read_error, read_job, size_for
from tests.standin import ltx
from tests.standin.downloading import downloading
from tests.standin.openapi import Contract, specs_folder

KEY = "ltx-planted-key"
DATA = Path(__file__).parent / "data" / "ltx"
SPEC = "ltx.openapi.json"


def wanted(**changes: Any) -> VideoRequest:
    usual = VideoRequest(
        wire_id="ltx-2-3-pro",
        dialect="v2",
        prompt="she turns towards the window",
        duration_s=8,
        aspect="16:9",
        resolution="1080p",
        audio=False,
        correlation_id="job7-1",
    )
    return replace(usual, **changes)


def picture(role: MediaRole, path: Path, size_bytes: int = 100) -> MediaInput:
    path.write_bytes(b"\x89PNG" + bytes(size_bytes - 4))
    return MediaInput(role=role, mime="image/png", path=path)


@pytest.fixture
async def vendor() -> AsyncIterator[ltx.LTX]:
    async with ltx.LTX(key=KEY, clip=b"ltx's clip") as vendor:
        yield vendor


@pytest.fixture
async def client(vendor: ltx.LTX) -> AsyncIterator[LTX]:
    async with httpx.AsyncClient() as http:
        yield LTX(http, Options(base_url=vendor.base_url, secrets={"LTX_API_KEY": KEY}))


async def rendered(client: LTX, remote: Remote, request: VideoRequest):
    assert (await client.poll(remote, request)).phase is Phase.QUEUED
    return await client.poll(remote, request)


async def test_a_clip_comes_back_without_the_key(client: LTX, vendor: ltx.LTX, tmp_path: Path):
    remote = await client.submit(wanted())
    status = await rendered(client, remote, wanted())
    to = tmp_path / "clip.mp4"
    await client.fetch(remote, wanted(), status, to, downloading(client.http, to), lambda _: None)
    assert to.read_bytes() == b"ltx's clip"
    assert vendor.bill_micros == 640_000
    assert status.expires_at is not None
    assert 23 * 3600 < (status.expires_at - datetime.now(UTC)).total_seconds() <= 24 * 3600


async def test_text_is_sent_as_typed_with_nothing_left_to_a_default(client: LTX, vendor: ltx.LTX):
    await client.submit(wanted(prompt=" Füchse\n«im» Schnee ", seed=3, negative="rain"))
    assert vendor.asked("submit")[0].path == "/v2/text-to-video"
    assert vendor.submissions == [
        {
            "prompt": " Füchse\n«im» Schnee ",
            "model": "ltx-2-3-pro",
            "duration": 8,
            "resolution": "1920x1080",
            "fps": 24,
            "generate_audio": False,
        }
    ]


async def test_a_route_may_ask_for_another_frame_rate(client: LTX, vendor: ltx.LTX):
    await client.submit(wanted(options={"fps": "25"}, audio=True, aspect="9:16"))
    sent = vendor.submissions[0]
    assert (sent["fps"], sent["generate_audio"], sent["resolution"]) == (25, True, "1080x1920")


async def test_small_frames_travel_in_the_body(client: LTX, vendor: ltx.LTX, tmp_path: Path):
    frames = (
        picture(MediaRole.FIRST_FRAME, tmp_path / "a.png"),
        picture(MediaRole.LAST_FRAME, tmp_path / "b.png"),
    )
    remote = await client.submit(wanted(inputs=frames))
    sent = vendor.submissions[0]
    assert vendor.asked("submit")[0].path == "/v2/image-to-video"
    assert sent["image_uri"].startswith("data:image/png;base64,iVBOR")
    assert sent["last_frame_uri"].startswith("data:image/png;base64,iVBOR")
    assert (await client.poll(remote, wanted(inputs=frames))).phase is Phase.QUEUED


async def test_a_large_frame_is_uploaded_first_without_the_key(
    client: LTX, vendor: ltx.LTX, tmp_path: Path
):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    assert frame.path is not None
    await client.submit(wanted(inputs=(frame,)))
    uri = vendor.submissions[0]["image_uri"]
    assert vendor.stored[uri] == frame.path.read_bytes()
    assert "authorization" not in vendor.asked("store")[0].headers


async def test_an_address_is_passed_on(client: LTX, vendor: ltx.LTX):
    frame = MediaInput(
        role=MediaRole.FIRST_FRAME, mime="image/png", url="https://cdn.example/a.png"
    )
    await client.submit(wanted(inputs=(frame,)))
    assert vendor.submissions[0]["image_uri"] == "https://cdn.example/a.png"


@pytest.mark.parametrize(
    ("dialect", "extra"),
    [("extend", {"mode": "end"}), ("retake", {"mode": "replace_video", "start_time": 1.5})],
)
async def test_a_clip_can_be_extended_or_retaken(
    client: LTX, vendor: ltx.LTX, tmp_path: Path, dialect: str, extra: dict[str, Any]
):
    path = tmp_path / "take.mp4"
    path.write_bytes(b"a take")
    source = MediaInput(role=MediaRole.SOURCE, mime="video/mp4", path=path)
    options = {"start_time_s": "1.5", "mode": str(extra["mode"])}
    request = wanted(dialect=dialect, duration_s=4, inputs=(source,), options=options)
    remote = await client.submit(request)
    sent = vendor.submissions[0]
    assert sent.pop("video_uri").startswith("data:video/mp4;base64,")
    assert sent == {
        "prompt": request.prompt,
        "model": "ltx-2-3-pro",
        "duration": 4,
        **extra,
    }
    assert (await rendered(client, remote, request)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize(
    ("dialect", "roles"),
    [
        ("v2", ["last_frame"]),
        ("v2", ["reference"]),
        ("v2", ["motion"]),
        ("v2", ["first_frame", "first_frame"]),
        ("extend", []),
        ("extend", ["first_frame"]),
        ("v9", []),
    ],
)
async def test_what_no_endpoint_takes_is_refused_before_anything_is_sent(
    client: LTX, vendor: ltx.LTX, dialect: str, roles: list[str]
):
    inputs = tuple(
        MediaInput(role=MediaRole(role), mime="image/png", url="https://cdn.example/x")
        for role in roles
    )
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(dialect=dialect, inputs=inputs))
    assert vendor.exchanges == []


@pytest.mark.parametrize(("resolution", "aspect"), [("480p", "16:9"), ("720p", "1:1")])
def test_a_size_the_vendor_does_not_make_is_refused(resolution: str, aspect: str):
    with pytest.raises(errors.InvalidRequest):
        size_for(resolution, aspect)


STATUSES = [
    (400, errors.InvalidRequest),
    (401, errors.AuthenticationFailed),
    (402, errors.OutOfCredit),
    (404, errors.RouteGone),
    (413, errors.InvalidRequest),
    (422, errors.ContentRejected),
    (429, errors.RateLimited),
    (500, errors.SubmissionUnknown),
    (503, errors.Unavailable),
    (529, errors.Unavailable),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_a_refused_create_says_who_must_act(
    client: LTX, vendor: ltx.LTX, status: int, kind: type[errors.ProviderError]
):
    vendor.fail_next(status)
    with pytest.raises(errors.ProviderError) as caught:
        await client.submit(wanted())
    assert type(caught.value) is kind
    assert vendor.submissions == []


async def test_too_many_jobs_says_how_long_to_wait(client: LTX, vendor: ltx.LTX):
    vendor.fail_next(429)
    with pytest.raises(errors.RateLimited) as caught:
        await client.submit(wanted())
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    "fault", ["drop_after", "reset_before", "html-502", "html-503", "html-504", "garbage", "empty"]
)
async def test_an_unclear_answer_to_a_create_is_unknown(client: LTX, vendor: ltx.LTX, fault: str):
    vendor.fail_next(fault)
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())
    assert len(vendor.asked("submit")) == 1


async def test_a_model_that_is_no_longer_served_takes_the_route_off():
    message = "model ltx-2-pro is no longer available"
    error = {"type": "invalid_request_error", "message": message}
    answer = httpx.Response(400, json={"type": "error", "error": error})
    assert isinstance(read_error(answer, paid=True), errors.RouteGone)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.AuthenticationFailed),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
        ("html-502", errors.Unavailable),
        ("garbage", errors.ProtocolError),
        ("empty", errors.ProtocolError),
        ("drop_after", errors.Unavailable),
    ],
)
async def test_trouble_while_polling_is_never_the_end_of_a_job(
    client: LTX, vendor: ltx.LTX, status: int | str, kind: type[errors.ProviderError]
):
    remote = await client.submit(wanted())
    vendor.fail_next(status, on="poll")
    with pytest.raises(kind):
        await client.poll(remote, wanted())
    assert (await client.poll(remote, wanted())).phase in (
        Phase.QUEUED,
        Phase.SUCCEEDED,
        Phase.RENDERING,
    )


@pytest.mark.parametrize("fault", [500, 503, 429, "html-502", "drop_after"])
async def test_a_failed_upload_has_cost_nothing(
    client: LTX, vendor: ltx.LTX, tmp_path: Path, fault: int | str
):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    vendor.fail_next(fault, on="upload")
    with pytest.raises(errors.Transient):
        await client.submit(wanted(inputs=(frame,)))
    assert vendor.asked("submit") == []


@pytest.mark.parametrize("fault", [403, "drop_after"])
async def test_storage_that_refuses_the_bytes_has_cost_nothing(
    client: LTX, vendor: ltx.LTX, tmp_path: Path, fault: int | str
):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    vendor.fail_next(fault, on="store")
    with pytest.raises(errors.Unavailable):
        await client.submit(wanted(inputs=(frame,)))
    assert vendor.asked("submit") == []


@pytest.mark.parametrize("slot", ["garbage", "empty"])
async def test_an_unreadable_slot_is_a_refusal_not_a_lost_submission(
    client: LTX, vendor: ltx.LTX, tmp_path: Path, slot: str
):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    vendor.fail_next(slot, on="upload")
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(inputs=(frame,)))


async def test_media_never_leaves_in_the_clear(client: LTX, vendor: ltx.LTX, tmp_path: Path):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    vendor.foreign_storage = "http://storage.example/put"
    with pytest.raises(errors.InvalidRequest, match="https"):
        await client.submit(wanted(inputs=(frame,)))


async def test_a_missing_file_is_refused_before_anything_is_sent(
    client: LTX, vendor: ltx.LTX, tmp_path: Path
):
    frame = MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", path=tmp_path / "none.png")
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(inputs=(frame,)))
    assert vendor.exchanges == []


@pytest.mark.parametrize(
    ("outcome", "phase", "retryable"),
    [("rejected", Phase.REJECTED, False), ("failed", Phase.FAILED, True)],
)
async def test_a_job_that_ends_badly_says_why(
    client: LTX, vendor: ltx.LTX, outcome: str, phase: Phase, retryable: bool
):
    vendor.fail_next(outcome)
    status = await rendered(client, await client.submit(wanted()), wanted())
    assert (status.phase, status.retryable) == (phase, retryable)
    assert status.reason.endswith("_error: no")
    assert vendor.bill_micros == 0


async def test_an_unknown_status_is_still_rendering(client: LTX, vendor: ltx.LTX):
    remote = await client.submit(wanted())
    vendor.jobs[remote.remote_id].notes["status"] = "upscaling"
    assert (await client.poll(remote, wanted())).phase is Phase.RENDERING


async def test_a_job_forgotten_after_a_day_is_gone(client: LTX, vendor: ltx.LTX):
    remote = await client.submit(wanted())
    vendor.jobs.clear()
    assert (await client.poll(remote, wanted())).phase is Phase.GONE


async def test_an_id_typed_by_a_person_stays_one_part_of_the_path(client: LTX, vendor: ltx.LTX):
    await client.poll(Remote(remote_id="../../v1/upload?x=1"), wanted())
    assert vendor.exchanges[0].path == "/v2/text-to-video/../../v1/upload?x=1"


async def test_the_free_check_proves_the_key(client: LTX, vendor: ltx.LTX):
    assert "not there" in await client.check()
    vendor.key = "another"
    with pytest.raises(errors.AuthenticationFailed):
        await client.check()
    assert vendor.submissions == []


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("pending", Phase.QUEUED),
        ("processing", Phase.RENDERING),
        ("completed", Phase.SUCCEEDED),
        ("failed", Phase.REJECTED),
    ],
)
def test_the_documented_answers_are_read(name: str, phase: Phase):
    job = Job.model_validate_json((DATA / f"{name}.json").read_text())
    assert read_job(job).phase is phase


def test_a_completed_job_without_a_clip_is_no_answer():
    with pytest.raises(errors.ProtocolError):
        read_job(Job(id="a", status="completed", result={"exr_frames_url": "https://x"}))


ANSWERS = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error", "type", "message"]), inner)
    ),
)


@given(body=ANSWERS, status=st.sampled_from([400, 429, 503]))
def test_no_answer_breaks_the_reading_of_errors(body: Any, status: int):
    found = read_error(httpx.Response(status, json=body), paid=True)
    assert found is None or isinstance(found, errors.ProviderError)


FAULTS = [400, 401, 429, 500, 503, "html-502", "garbage", "drop_after", "reset_before"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["submit", "poll", "upload"])
async def test_no_error_carries_the_key(
    client: LTX, vendor: ltx.LTX, tmp_path: Path, fault: str | int, call: str
):
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", 5_300_000)
    remote = await client.submit(wanted())
    calls = {
        "submit": lambda: client.submit(wanted()),
        "poll": lambda: client.poll(remote, wanted()),
        "upload": lambda: client.submit(wanted(inputs=(frame,))),
    }
    vendor.fail_next(fault, on=call)
    with pytest.raises(errors.ProviderError) as caught:
        await calls[call]()
    error = caught.value
    told = "".join(
        [
            *(repr(error), repr(error.args), error.detail, error.body, repr(client.options)),
            *traceback.format_exception(error),
        ]
    )
    assert KEY not in told


async def test_what_passes_over_the_wire_is_what_the_vendor_documents(
    client: LTX, vendor: ltx.LTX, tmp_path: Path
):
    file = specs_folder() / SPEC
    if not file.is_file():
        pytest.skip(f"{SPEC} is not at hand: set CONTRACT_SPECS to the folder of vendor documents")
    contract = Contract(json.loads(file.read_text()))
    await _everything(client, vendor, tmp_path)
    assert len(vendor.exchanges) > 20
    assert [found for one in vendor.exchanges for found in _violations(contract, one)] == []


async def _everything(client: LTX, vendor: ltx.LTX, tmp_path: Path) -> None:
    """One of each request and each answer this client can meet."""
    small = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png")
    large = picture(MediaRole.LAST_FRAME, tmp_path / "b.png", 5_300_000)
    source = replace(small, role=MediaRole.SOURCE, mime="video/mp4")
    requests = [
        wanted(),
        wanted(inputs=(small, large), resolution="4k", aspect="9:16"),
        wanted(dialect="extend", inputs=(source,)),
        wanted(dialect="retake", inputs=(source,), options={"start_time_s": "2"}),
    ]
    for outcome in ("succeeded", "rejected", "failed"):
        for request in requests:
            if outcome != "succeeded":
                vendor.fail_next(outcome)
            await rendered(client, await client.submit(request), request)
    for status in (400, 401, 402, 422, 429, 500, 503):
        vendor.fail_next(status)
        with pytest.raises(errors.ProviderError):
            await client.submit(wanted())
    await client.check()


def _violations(contract: Contract, exchange: Any) -> list[str]:
    template = contract.template(exchange.method, exchange.path)
    if template is None:
        return [] if exchange.path.startswith("/storage/") else [exchange.path]
    found = [*contract.request(exchange.method, template, exchange.sent)]
    found += contract.response(exchange.method, template, exchange.status, exchange.answered)
    return [f"{one.path} {one.where}: {one.message}" for one in found]
