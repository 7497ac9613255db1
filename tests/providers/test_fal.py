"""fal's client against a loopback queue that knows each endpoint's input types."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import fal
from providers._fal_dialects import create
from providers.base import MediaRole, Options, Phase, Remote, Status, VideoRequest
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
from tests.providers.hosts import (
    END,
    LOOK,
    MOTION,
    NO_PROGRESS,
    PICTURE,
    SOURCE,
    ToLoopback,
    a_client,
    a_file,
    a_request,
    addresses,
    catalogue_requests,
    everything,
    in_json,
    raised,
    saving,
)
from tests.standin import fal as standin
from tests.standin import schemas
from tests.standin.hosted import problems

KEY = "key-id:planted-where-no-log-may-see-it"
KLING: dict[str, Any] = {"wire_id": "fal-ai/kling-video/v3", "dialect": "kling-v3"}
O3: dict[str, Any] = {"wire_id": "fal-ai/kling-video/o3", "dialect": "kling-o3"}
VEO: dict[str, Any] = {"wire_id": "fal-ai/veo3.1", "dialect": "veo", "duration_s": 8}
LTX: dict[str, Any] = {
    "wire_id": "fal-ai/ltx-2.3",
    "dialect": "ltx",
    "duration_s": 6,
    "resolution": "4k",
}


@dataclass
class Studio:
    vendor: standin.Fal
    client: fal.Fal
    http: httpx.AsyncClient


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with standin.Fal(key=KEY) as vendor, a_client() as http:
        options = Options(base_url=vendor.base_url, secrets={"FAL_KEY": KEY})
        yield Studio(vendor=vendor, client=fal.Fal(http, options), http=http)


async def _ended(studio: Studio, **changes: Any) -> Status:
    """How a new request ends."""
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING | changes)
    return await studio.client.poll(await studio.client.submit(request), request)


async def test_clip_is_fetched_without_the_key(studio: Studio, tmp_path: Path) -> None:
    studio.vendor.polls_until_done = 2
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    phases = [(await studio.client.poll(remote, request)).phase for _ in range(2)]
    status = await studio.client.poll(remote, request)
    to = tmp_path / "clip.mp4"
    await studio.client.fetch(remote, request, status, to, saving(studio.http, to), NO_PROGRESS)
    assert phases == [Phase.QUEUED, Phase.RENDERING]
    assert to.read_bytes() == studio.vendor.clip


async def test_input_is_the_body_and_the_endpoint_the_path(studio: Studio) -> None:
    await studio.client.submit(a_request(**KLING))
    asked = studio.vendor.asked("submit")[0]
    assert asked.path == "/fal-ai/kling-video/v3/standard/text-to-video"
    assert asked.sent == {
        "prompt": "a lighthouse in a storm",
        "duration": "5",
        "aspect_ratio": "16:9",
        "generate_audio": False,
    }


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (400, InvalidRequest),
        (401, AuthenticationFailed),
        (402, OutOfCredit),
        (403, AuthenticationFailed),
        (404, RouteGone),
        (409, Unavailable),
        (422, InvalidRequest),
        (429, RateLimited),
        (500, SubmissionUnknown),
        (504, SubmissionUnknown),
        (307, InvalidRequest),
        ("html-502", SubmissionUnknown),
        ("drop_after", SubmissionUnknown),
        ("reset_before", SubmissionUnknown),
        ("garbage", SubmissionUnknown),
        ("empty", SubmissionUnknown),
    ],
)
async def test_submit_says_what_became_of_the_money(
    studio: Studio, fault: int | str, error: type[ProviderError]
) -> None:
    studio.vendor.fail_next(fault)
    with pytest.raises(error) as caught:
        await studio.client.submit(a_request(**KLING))
    assert type(caught.value) is error
    assert KEY not in everything(caught.value)


@pytest.mark.parametrize("operation", ["poll", "result", "cancel", "check"])
@pytest.mark.parametrize(
    "fault", [401, 402, 403, 429, 500, 503, 307, "html-502", "reset_before", "garbage"]
)
async def test_no_error_carries_the_key(studio: Studio, operation: str, fault: int | str) -> None:
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    studio.vendor.fail_next(fault, on="poll" if operation == "check" else operation)
    calls = {
        "poll": lambda: studio.client.poll(remote, request),
        "result": lambda: studio.client.poll(remote, request),
        "cancel": lambda: studio.client.cancel(remote, request),
        "check": lambda: studio.client.check(),
    }
    error = await raised(calls[operation])
    assert error is not None or operation == "cancel"
    assert KEY not in everything(error)


async def test_check_knows_a_good_key_from_a_bad_one(studio: Studio) -> None:
    assert "unknown request" in await studio.client.check()
    studio.vendor.key = "another"
    with pytest.raises(AuthenticationFailed):
        await studio.client.check()


async def test_locked_account_is_out_of_credit() -> None:
    body = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}
    error = fal.read_error(httpx.Response(403, json=body), paid=True)
    assert isinstance(error, OutOfCredit)


async def test_refused_content_at_submit_is_the_persons() -> None:
    body = {"detail": [{"loc": ["body"], "msg": "no", "type": "content_policy_violation"}]}
    error = fal.read_error(httpx.Response(422, json=body), paid=True)
    assert isinstance(error, ContentRejected)


async def test_completed_may_have_failed(studio: Studio) -> None:
    studio.vendor.fail_next("rejected")
    refused = await _ended(studio)
    studio.vendor.fail_next("failed")
    failed = await _ended(studio)
    assert (refused.phase, refused.retryable) == (Phase.REJECTED, False)
    assert "content_policy_violation" in refused.reason
    assert (failed.phase, failed.retryable) == (Phase.FAILED, True)


async def test_trouble_while_asking_for_a_result_does_not_end_the_job(studio: Studio) -> None:
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    for fault in ("html-502", 500, 429):
        studio.vendor.fail_next(fault, on="result")
        with pytest.raises((Unavailable, RateLimited)):
            await studio.client.poll(remote, request)
    assert (await studio.client.poll(remote, request)).phase is Phase.SUCCEEDED


async def test_cancelled_request_says_so(studio: Studio) -> None:
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    await studio.client.cancel(remote, request)
    assert (await studio.client.poll(remote, request)).phase is Phase.CANCELLED


async def test_cancel_leaves_what_has_ended_alone(studio: Studio) -> None:
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    await studio.client.poll(remote, request)
    await studio.client.cancel(remote, request)
    await studio.client.cancel(Remote(remote_id="unheard-of"), request)
    assert (await studio.client.poll(remote, request)).phase is Phase.SUCCEEDED


async def test_unknown_request_is_gone(studio: Studio) -> None:
    status = await studio.client.poll(Remote(remote_id="../x"), a_request(**KLING))
    assert status.phase is Phase.GONE


async def test_id_alone_is_enough_to_ask_again(studio: Studio) -> None:
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    status = await studio.client.poll(Remote(remote_id=remote.remote_id), request)
    assert status.phase is Phase.QUEUED


async def test_key_does_not_follow_an_answer_to_another_host(studio: Studio) -> None:
    async with standin.Fal(key=KEY) as thief:
        studio.vendor.elsewhere = thief.base_url
        request = a_request(**KLING)
        remote = await studio.client.submit(request)
        with pytest.raises(ProtocolError):
            await studio.client.poll(remote, request)
        with pytest.raises(ProtocolError):
            await studio.client.cancel(remote, request)
        assert thief.exchanges == []


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://queue.fal.run/fal-ai/veo3/requests/1", True),
        ("https://queue.falrun.com/fal-ai/veo3/requests/1", True),
        ("http://queue.fal.run/fal-ai/veo3/requests/1", False),
        ("https://fal.run.example/fal-ai/veo3/requests/1", False),
        ("https://notfal.run/fal-ai/veo3/requests/1", False),
        ("https://queue.fal.run@evil.example/x", False),
        ("https://queue.fal.run:8443/x", False),
        ("//queue.fal.run/x", False),
    ],
)
async def test_only_fals_own_addresses_are_followed(
    studio: Studio, url: str, allowed: bool
) -> None:
    remote = Remote(remote_id="1", handle={"status_url": url})
    # Nothing leaves this machine: the allowed ones meet the tests' ban on other hosts.
    with pytest.raises((ProtocolError, RuntimeError, Unavailable)) as caught:
        await studio.client.poll(remote, a_request(**KLING))
    assert ("not one of fal's hosts" in str(caught.value)) is not allowed


def test_retry_header_overrules_the_table() -> None:
    body = {"detail": "busy", "error_type": "internal_server_error"}
    told = httpx.Response(500, json=body, headers={"X-Fal-Retryable": "false"})
    older = httpx.Response(500, json=body, headers={"X-Fal-Needs-Retry": "0"})
    assert not fal.read_fault(told).retryable
    assert fal.read_fault(older).retryable


@pytest.mark.parametrize(("by", "retryable"), [("user", False), ("", True)])
def test_timeout_we_asked_for_is_not_retried(by: str, retryable: bool) -> None:
    headers = {"X-Fal-Request-Timeout-Type": by} if by else {}
    body = {"detail": "too late", "error_type": "request_timeout"}
    assert fal.read_fault(httpx.Response(504, json=body, headers=headers)).retryable is retryable


def test_error_type_is_read_from_body_then_header_then_detail() -> None:
    detail = [{"msg": "m", "type": "missing"}]
    header = {"X-Fal-Error-Type": "value_error"}
    by_detail = httpx.Response(422, json={"detail": detail})
    by_header = httpx.Response(422, json={"detail": detail}, headers=header)
    by_body = httpx.Response(422, json={"detail": "m", "error_type": "one_of"}, headers=header)
    answers = (by_detail, by_header, by_body)
    assert [fal.read_fault(answer).kind for answer in answers] == [
        "missing",
        "value_error",
        "one_of",
    ]


async def test_files_travel_to_fal_itself_as_data_uris(studio: Studio, tmp_path: Path) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000)
    async with httpx.AsyncClient(transport=ToLoopback(studio.vendor.base_url)) as http:
        options = Options(base_url="https://queue.fal.run", secrets={"FAL_KEY": KEY})
        await fal.Fal(http, options).submit(a_request(**KLING, inputs=(picture,)))
    assert studio.vendor.submissions[0]["start_image_url"].startswith("data:image/png;base64,cHBw")
    assert studio.vendor.asked("upload") == []


async def test_files_are_uploaded_to_a_server_of_the_operators(
    studio: Studio, tmp_path: Path
) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 3_000_000)
    await studio.client.submit(a_request(**KLING, inputs=(picture,)))
    (slot,) = studio.vendor.asked("upload")
    sent = studio.vendor.submissions[0]["start_image_url"]
    assert slot.query == {"storage_type": "gcs"}
    assert slot.sent == {"file_name": "frame.png", "content_type": "image/png"}
    assert studio.vendor.files[sent] == b"p" * 3_000_000
    (stored,) = studio.vendor.asked("store")
    assert stored.headers["content-type"] == "image/png"
    assert "authorization" not in stored.headers


async def test_a_server_without_storage_gets_data_uris(studio: Studio, tmp_path: Path) -> None:
    studio.vendor.stores = False
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000)
    await studio.client.submit(a_request(**KLING, inputs=(picture,)))
    assert studio.vendor.submissions[0]["start_image_url"].startswith("data:image/png;base64,cHBw")


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        ("upload", 401, AuthenticationFailed),
        ("upload", 500, Unavailable),
        ("upload", "garbage", InvalidRequest),
        ("store", 500, Unavailable),
        ("store", "reset_before", Unavailable),
    ],
)
async def test_an_upload_that_fails_costs_nothing(
    studio: Studio,
    tmp_path: Path,
    operation: str,
    fault: int | str,
    error: type[ProviderError],
) -> None:
    studio.vendor.fail_next(fault, on=operation)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000)
    caught = await raised(lambda: studio.client.submit(a_request(**KLING, inputs=(picture,))))
    assert type(caught) is error
    assert KEY not in everything(caught)
    assert studio.vendor.submissions == []


async def test_an_endpoint_is_described_by_fals_list(studio: Studio) -> None:
    told = await studio.client.describe("fal-ai/pixverse/v5/image-to-video")
    assert (told.name, told.maker) == ("PixVerse v5", "pixverse")
    assert list(told.fields)[:2] == ["prompt", "aspect_ratio"]
    assert told.required == {"prompt", "image_url"}
    assert told.fields["duration"]["enum"] == ["5", "8"]
    assert told.fields["seed"]["type"] == "integer"


async def test_an_endpoint_is_described_by_its_bare_document_elsewhere(studio: Studio) -> None:
    studio.vendor.lists = False
    told = await studio.client.describe("fal-ai/pixverse/v5/image-to-video")
    assert told.required == {"prompt", "image_url"}


async def test_fal_itself_is_asked_on_its_platform(studio: Studio) -> None:
    wire = ToLoopback(studio.vendor.base_url)
    async with httpx.AsyncClient(transport=wire) as http:
        options = Options(base_url="https://queue.fal.run", secrets={"FAL_KEY": KEY})
        await fal.Fal(http, options).describe("fal-ai/pixverse/v5/image-to-video")
    assert wire.hosts == ["api.fal.ai"]


@pytest.mark.parametrize(
    ("endpoint", "fault", "error"),
    [
        ("fal-ai/nobody/knows", "", RouteGone),
        ("fal-ai/flux/dev", "", InvalidRequest),
        ("fal-ai/pixverse/v5/image-to-video", 401, AuthenticationFailed),
        ("fal-ai/pixverse/v5/image-to-video", "garbage", ProtocolError),
        ("fal-ai/pixverse/v5/image-to-video", "empty", ProtocolError),
    ],
)
async def test_an_endpoint_that_cannot_be_described_says_why(
    studio: Studio, endpoint: str, fault: int | str, error: type[ProviderError]
) -> None:
    if fault:
        studio.vendor.fail_next(fault, on="describe")
    caught = await raised(lambda: studio.client.describe(endpoint))
    assert type(caught) is error
    assert KEY not in everything(caught)


@pytest.mark.parametrize(
    ("changes", "endpoint"),
    [
        ({**KLING, "resolution": "1080p"}, "kling-video/v3/pro/text-to-video"),
        ({**KLING, "inputs": (PICTURE, END)}, "kling-video/v3/standard/image-to-video"),
        (O3, "kling-video/o3/standard/text-to-video"),
        ({**O3, "inputs": (PICTURE,)}, "kling-video/o3/standard/image-to-video"),
        ({**O3, "inputs": (LOOK,)}, "kling-video/o3/standard/reference-to-video"),
        ({**O3, "inputs": (PICTURE, LOOK)}, "kling-video/o3/standard/reference-to-video"),
        ({**O3, "inputs": (SOURCE, LOOK)}, "kling-video/o3/standard/video-to-video/edit"),
        ({**O3, "inputs": (MOTION,)}, "kling-video/o3/standard/video-to-video/reference"),
        (
            {**KLING, "dialect": "kling-motion", "inputs": (PICTURE, MOTION)},
            "kling-video/v3/standard/motion-control",
        ),
        (VEO, "veo3.1"),
        ({**VEO, "inputs": (PICTURE,), "seed": 7}, "veo3.1/image-to-video"),
        ({**VEO, "inputs": (PICTURE, END)}, "veo3.1/first-last-frame-to-video"),
        ({**VEO, "inputs": (LOOK, LOOK)}, "veo3.1/reference-to-video"),
        ({**VEO, "inputs": (SOURCE,), "duration_s": 7}, "veo3.1/extend-video"),
        (LTX, "ltx-2.3/text-to-video"),
        ({**LTX, "inputs": (PICTURE, END)}, "ltx-2.3/image-to-video"),
        ({**LTX, "inputs": (SOURCE,)}, "ltx-2.3/extend-video"),
        (
            {**LTX, "options": {"text": "text-to-video/fast"}},
            "ltx-2.3/text-to-video/fast",
        ),
        (
            {"wire_id": "fal-ai/sora-2", "dialect": "sora", "duration_s": 8},
            "sora-2/text-to-video",
        ),
    ],
)
async def test_each_kind_has_its_endpoint_and_fields(
    studio: Studio, changes: dict[str, Any], endpoint: str
) -> None:
    remote = await studio.client.submit(a_request(**changes))
    made = studio.vendor.jobs[remote.remote_id].notes
    assert (made["endpoint"], made["invalid"]) == (f"fal-ai/{endpoint}", [])


def test_first_frame_decides_the_ratio_whatever_was_asked() -> None:
    for inputs in ((PICTURE,), (PICTURE, LOOK)):
        request = a_request(**O3, aspect="4:3", inputs=inputs)
        assert "aspect_ratio" not in create(request, addresses(request)).body


def test_veo_keeps_the_prompt_as_typed() -> None:
    assert create(a_request(**VEO), {}).body["auto_fix"] is False


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dialect": "unheard-of"}, "no dialect"),
        ({"resolution": "4k"}, "not made at"),
        ({"inputs": (END,)}, "beside a first"),
        ({"inputs": (LOOK,)}, "cannot use a reference"),
        ({"dialect": "kling-motion", "inputs": (PICTURE,)}, "one picture and one motion"),
        ({"dialect": "veo", "inputs": (PICTURE, SOURCE)}, "cannot use a first_frame"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_sending(
    studio: Studio, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        await studio.client.submit(a_request(**KLING | changes))
    assert studio.vendor.exchanges == []


def test_route_may_ask_for_the_length_as_a_number() -> None:
    request = a_request(**LTX, options={"duration": "integer"})
    assert create(request, {}).body["duration"] == 6


def test_every_request_of_the_catalogue_makes_a_documented_body() -> None:
    asked = [request for request in catalogue_requests("fal") if "ltx-2.5" not in request.wire_id]
    wrong = [(request, found) for request in asked if (found := _problems(request))]
    assert len(asked) > 200
    assert wrong == []


def _problems(request: VideoRequest) -> list[Any]:
    made = create(request, addresses(request))
    return problems(standin.INPUTS[made.endpoint], in_json(made.body))


def test_extract_of_the_types_is_current() -> None:
    assert schemas.fal_inputs() == standin.INPUTS


ANSWERS = json.loads((Path(__file__).parent / "data" / "fal" / "results.json").read_text())


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_documented_answers_are_read(case: dict[str, Any]) -> None:
    response = httpx.Response(case["http"], json=case["answer"], headers=case.get("headers"))
    status = fal.read_result(response, fal.Queue(status="COMPLETED", **case.get("told", {})))
    read = {name: getattr(status, name) for name in case["read"]}
    assert in_json(read) == case["read"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["video", "url", "detail", "type", "msg"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # CI machines pause
@given(st.sampled_from([200, 202, 302, 400, 404, 422, 500, 504]), JSON, st.none() | st.text())
def test_no_answer_breaks_the_reader(status: int, answer: Any, told: str | None) -> None:
    response = httpx.Response(status, content=json.dumps(answer))
    try:
        read = fal.read_result(response, fal.Queue(status="COMPLETED", error=told))
    except ProviderError:
        return
    assert read.phase is not Phase.SUCCEEDED or read.result_url
