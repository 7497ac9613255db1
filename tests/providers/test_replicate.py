"""Replicate's client against a loopback Replicate that knows each model's input schema."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import replicate
from providers._http import parse
from providers._replicate_dialects import create_input
from providers.base import MediaRole, Options, Phase, Remote, Status
from providers.errors import (
    AuthenticationFailed,
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
from tests.standin import replicate as standin
from tests.standin import schemas
from tests.standin.hosted import problems

KEY = "r8_planted-where-no-log-may-see-it"
KLING: dict[str, Any] = {"wire_id": "kwaivgi/kling-v3-video", "dialect": "kling-v3"}
OMNI: dict[str, Any] = {"wire_id": "kwaivgi/kling-v3-omni-video", "dialect": "kling-v3-omni"}


@dataclass
class Studio:
    vendor: standin.Replicate
    client: replicate.Replicate
    http: httpx.AsyncClient


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with standin.Replicate(key=KEY, page=2) as vendor, a_client() as http:
        options = Options(base_url=vendor.base_url, secrets={"REPLICATE_API_TOKEN": KEY})
        yield Studio(vendor=vendor, client=replicate.Replicate(http, options), http=http)


async def _ended(studio: Studio, **changes: Any) -> Status:
    """How a new prediction ends."""
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING | changes)
    return await studio.client.poll(await studio.client.submit(request), request)


@pytest.mark.parametrize("output", ["string", "list", "object"])
async def test_clip_is_fetched_with_the_token(studio: Studio, tmp_path: Path, output: str) -> None:
    studio.vendor.output = output
    status = await _ended(studio)
    to = tmp_path / "clip.mp4"
    download = saving(studio.http, to)
    await studio.client.fetch(Remote(remote_id="p"), a_request(), status, to, download, NO_PROGRESS)
    assert status.phase is Phase.SUCCEEDED
    assert to.read_bytes() == studio.vendor.clip


async def test_result_expires_an_hour_after_it_was_made(studio: Studio) -> None:
    status = await _ended(studio)
    assert status.expires_at is not None
    assert (
        timedelta(hours=1) < status.expires_at - datetime.now(UTC) < timedelta(hours=1, minutes=2)
    )


@pytest.mark.parametrize(
    ("url", "keyed"),
    [
        ("https://replicate.delivery/x/output.mp4", True),
        ("https://pbxt.replicate.delivery/x/output.mp4", True),
        ("https://api.replicate.com/v1/files/x", True),
        ("http://replicate.delivery/x/output.mp4", False),
        ("https://replicate.delivery:8443/x/output.mp4", False),
        ("https://evilreplicate.delivery/x", False),
        ("https://replicate.delivery.example/x", False),
        ("https://replicate.delivery@evil.example/x", False),
        ("https://user:pass@replicate.delivery/x/output.mp4", False),
        ("https://[broken", False),
    ],
)
async def test_token_goes_to_replicates_hosts_only(
    studio: Studio, tmp_path: Path, url: str, keyed: bool
) -> None:
    sent: dict[str, Any] = {}

    async def download(url: str, headers: Any = None, /) -> None:
        sent[url] = headers

    status = Status(phase=Phase.SUCCEEDED, result_url=url)
    await studio.client.fetch(
        Remote(remote_id="p"), a_request(), status, tmp_path / "c", download, NO_PROGRESS
    )
    assert (sent[url] is not None) is keyed


async def test_create_names_the_model_and_a_deadline(studio: Studio) -> None:
    request = a_request(**KLING, options={"mode.720p": "standard"})
    await studio.client.submit(request)
    asked = studio.vendor.asked("submit")[0]
    assert asked.path == "/v1/models/kwaivgi/kling-v3-video/predictions"
    assert asked.headers["cancel-after"] == "30m"
    assert asked.sent == {
        "input": {
            "prompt": "a lighthouse in a storm",
            "mode": "standard",
            "aspect_ratio": "16:9",
            "duration": 5,
            "generate_audio": False,
        }
    }


async def test_create_body_is_what_the_document_says(studio: Studio) -> None:
    await studio.client.submit(a_request(**KLING))
    assert problems(schemas.replicate_request(), studio.vendor.submissions[0]) == []


async def test_a_model_is_described_by_its_newest_version(studio: Studio) -> None:
    told = await studio.client.describe("bytedance/seedance-1-pro")
    assert (told.name, told.maker, told.options) == ("seedance-1-pro", "bytedance", {})
    assert told.required == {"prompt"}
    assert told.fields["resolution"]["enum"] == ["480p", "720p", "1080p"]
    assert told.fields["resolution"]["default"] == "1080p"
    assert list(told.fields)[:3] == ["prompt", "image", "last_frame_image"]
    assert "GET /models/bytedance/seedance-1-pro" in told.source


@pytest.mark.parametrize(
    ("model", "fault", "error"),
    [
        ("nobody/knows", "", RouteGone),
        ("bytedance/seedance-1-pro", 401, AuthenticationFailed),
        ("bytedance/seedance-1-pro", 503, Unavailable),
        ("bytedance/seedance-1-pro", "garbage", ProtocolError),
        ("bytedance/seedance-1-pro", "empty", ProtocolError),
    ],
)
async def test_a_model_that_cannot_be_described_says_why(
    studio: Studio, model: str, fault: int | str, error: type[ProviderError]
) -> None:
    if fault:
        studio.vendor.fail_next(fault, on="describe")
    caught = await raised(lambda: studio.client.describe(model))
    assert type(caught) is error
    assert KEY not in everything(caught)


async def test_a_community_model_runs_by_version_and_is_found_again(studio: Studio) -> None:
    told = await studio.client.describe("tencent/hunyuan-video")
    options = {**told.options, "field.prompt": "prompt"}
    request = a_request(wire_id="tencent/hunyuan-video", dialect="schema", options=options)
    remote = await studio.client.submit(request)
    assert studio.vendor.asked("submit")[0].path == "/v1/predictions"
    assert studio.vendor.submissions[0]["version"] == told.options["version"]
    assert await studio.client.find(request, datetime.now(UTC)) == [remote]


async def test_phases_follow_the_prediction(studio: Studio) -> None:
    studio.vendor.polls_until_done = 2
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    phases = [(await studio.client.poll(remote, request)).phase for _ in range(3)]
    assert phases == [Phase.QUEUED, Phase.RENDERING, Phase.SUCCEEDED]


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
        (503, SubmissionUnknown),
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


@pytest.mark.parametrize("operation", ["poll", "cancel", "find", "check", "upload"])
@pytest.mark.parametrize("fault", [401, 402, 404, 422, 429, 500, 307, "reset_before", "garbage"])
async def test_no_error_carries_the_key(
    studio: Studio, tmp_path: Path, operation: str, fault: int | str
) -> None:
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    studio.vendor.fail_next(fault, on=operation)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000)
    calls = {
        "poll": lambda: studio.client.poll(remote, request),
        "cancel": lambda: studio.client.cancel(remote, request),
        "find": lambda: studio.client.find(request, datetime.now(UTC)),
        "check": lambda: studio.client.check(),
        "upload": lambda: studio.client.submit(a_request(**KLING, inputs=(picture,))),
    }
    error = await raised(calls[operation])
    assert KEY not in everything(error)
    assert not isinstance(error, SubmissionUnknown)
    assert operation != "upload" or not isinstance(error, ProtocolError)


async def test_wait_is_read_from_the_throttling_text(studio: Studio) -> None:
    studio.vendor.fail_next(429)
    with pytest.raises(RateLimited) as caught:
        await studio.client.submit(a_request(**KLING))
    assert caught.value.retry_after_s == 30


async def test_check_names_the_account(studio: Studio) -> None:
    assert "studio" in await studio.client.check()


async def test_refusal_and_failure_are_told_apart(studio: Studio) -> None:
    studio.vendor.fail_next("rejected")
    refused = await _ended(studio)
    studio.vendor.fail_next("failed")
    failed = await _ended(studio)
    assert (refused.phase, failed.phase) == (Phase.REJECTED, Phase.FAILED)
    assert not refused.retryable
    assert not failed.retryable


async def test_deleted_result_is_gone(studio: Studio) -> None:
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    studio.vendor.removed.add(remote.remote_id)
    assert (await studio.client.poll(remote, request)).phase is Phase.GONE


async def test_unknown_prediction_is_gone(studio: Studio) -> None:
    status = await studio.client.poll(Remote(remote_id="../account"), a_request(**KLING))
    assert status.phase is Phase.GONE


async def test_cancelled_run_is_billed_for_what_ran(studio: Studio) -> None:
    studio.vendor.polls_until_done = 5
    request = a_request(**KLING)
    waiting, running = [await studio.client.submit(request) for _ in range(2)]
    for _ in range(2):
        await studio.client.poll(running, request)
    for remote in (waiting, running, running):
        await studio.client.cancel(remote, request)
    ran = await studio.client.poll(running, request)
    assert (ran.phase, ran.billed) == (Phase.CANCELLED, True)
    aborted = parse(replicate.Prediction, {"id": "p", "status": "aborted"})
    assert not replicate.read_prediction(aborted).billed


async def test_cancel_leaves_a_finished_clip_alone(studio: Studio) -> None:
    studio.vendor.polls_until_done = 0
    request = a_request(**KLING)
    remote = await studio.client.submit(request)
    await studio.client.poll(remote, request)
    await studio.client.cancel(remote, request)
    assert (await studio.client.poll(remote, request)).phase is Phase.SUCCEEDED


async def test_lost_submission_is_found_on_a_later_page(studio: Studio) -> None:
    sent_at = datetime.now(UTC)
    request = a_request(**KLING)
    studio.vendor.fail_next("drop_after")
    with pytest.raises(SubmissionUnknown):
        await studio.client.submit(request)
    lost = next(iter(studio.vendor.jobs))
    for prompt in "abc":
        await studio.client.submit(a_request(**KLING, prompt=prompt))
    assert await studio.client.find(request, sent_at) == [Remote(remote_id=lost)]


async def test_identical_takes_are_all_found_oldest_first(studio: Studio) -> None:
    sent_at = datetime.now(UTC)
    request = a_request(**KLING)
    made = [await studio.client.submit(request) for _ in range(3)]
    assert await studio.client.find(request, sent_at) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "another"},
        {"duration_s": 6},
        {"audio": True},
        {"resolution": "1080p"},
        {"inputs": (PICTURE,)},
        {"wire_id": "kwaivgi/kling-v3-omni-video", "dialect": "kling-v3-omni"},
    ],
)
async def test_other_submissions_are_not_taken_for_ours(
    studio: Studio, changes: dict[str, Any]
) -> None:
    sent_at = datetime.now(UTC)
    await studio.client.submit(a_request(**KLING))
    assert await studio.client.find(a_request(**KLING | changes), sent_at) == []


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": datetime.now(UTC) - timedelta(hours=1)},
        {"created_at": datetime.now(UTC) + timedelta(hours=1)},
        {"source": "web"},
    ],
)
async def test_submissions_of_other_times_and_people_are_not_ours(
    studio: Studio, change: dict[str, Any]
) -> None:
    sent_at = datetime.now(UTC)
    remote = await studio.client.submit(a_request(**KLING))
    studio.vendor.jobs[remote.remote_id].notes |= change
    assert await studio.client.find(a_request(**KLING), sent_at) == []


async def test_list_is_not_read_beyond_the_submission(studio: Studio) -> None:
    request = a_request(**KLING)
    for _ in range(8):
        remote = await studio.client.submit(request)
        studio.vendor.jobs[remote.remote_id].notes["created_at"] -= timedelta(hours=2)
    assert await studio.client.find(request, datetime.now(UTC)) == []
    assert len(studio.vendor.asked("find")) == 1


async def test_submission_with_uploaded_media_is_found(studio: Studio, tmp_path: Path) -> None:
    sent_at = datetime.now(UTC)
    looks = tuple(a_file(tmp_path, MediaRole.REFERENCE, 300_000) for _ in range(2))
    request = a_request(**OMNI, inputs=looks)
    remote = await studio.client.submit(request)
    assert await studio.client.find(request, sent_at) == [remote]
    assert await studio.client.find(a_request(**OMNI, inputs=looks[:1]), sent_at) == []


async def test_list_that_leads_elsewhere_does_not_get_the_token(studio: Studio) -> None:
    request = a_request(**KLING)
    for _ in range(3):
        await studio.client.submit(request)
    async with standin.Replicate(key=KEY) as thief:
        studio.vendor.following = thief.base_url
        with pytest.raises(ProtocolError):
            await studio.client.find(request, datetime.now(UTC))
        assert thief.exchanges == []


async def test_small_file_is_a_data_url_and_a_large_one_is_uploaded(
    studio: Studio, tmp_path: Path
) -> None:
    await studio.client.submit(
        a_request(**KLING, inputs=(a_file(tmp_path, MediaRole.FIRST_FRAME, 1000),))
    )
    await studio.client.submit(
        a_request(**KLING, inputs=(a_file(tmp_path, MediaRole.FIRST_FRAME, 300_000),))
    )
    small, large = (one["input"]["start_image"] for one in studio.vendor.submissions)
    assert small.startswith("data:image/png;base64,")
    assert studio.vendor.files == {large: b"p" * 300_000}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dialect": "unheard-of"}, "no dialect"),
        ({"resolution": "480p"}, "not made at"),
        ({"inputs": (END,)}, "beside a first"),
        ({"inputs": (LOOK,)}, "cannot use a reference"),
        ({"dialect": "gen-4.5", "audio": True}, "silent"),
        ({"dialect": "kling-v3-motion", "inputs": (MOTION,)}, "one picture and one motion"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_sending(
    studio: Studio, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        await studio.client.submit(a_request(**KLING | changes))
    assert studio.vendor.exchanges == []


async def test_videos_travel_by_the_models_own_fields(studio: Studio) -> None:
    for video in (MOTION, SOURCE):
        await studio.client.submit(a_request(**OMNI, inputs=(video,)))
    kinds = [one["input"]["video_reference_type"] for one in studio.vendor.submissions]
    assert kinds == ["feature", "base"]


async def test_source_video_is_extended_by_ltx(studio: Studio) -> None:
    request = a_request(
        wire_id="lightricks/ltx-2.3-pro",
        dialect="ltx-pro",
        duration_s=6,
        resolution="1080p",
        inputs=(SOURCE,),
    )
    await studio.client.submit(request)
    assert studio.vendor.submissions[0]["input"]["task"] == "extend"


def test_every_request_of_the_catalogue_makes_a_documented_body() -> None:
    asked = list(catalogue_requests("replicate"))
    wrong = [
        (request, found)
        for request in asked
        if (
            found := problems(
                standin.INPUTS[request.wire_id],
                in_json(create_input(request, addresses(request))),
            )
        )
    ]
    assert len(asked) > 200
    assert wrong == []


ANSWERS = json.loads(
    (Path(__file__).parent / "data" / "replicate" / "predictions.json").read_text()
)


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_documented_answers_are_read(case: dict[str, Any]) -> None:
    status = replicate.read_prediction(parse(replicate.Prediction, case["answer"]))
    read = {name: getattr(status, name) for name in case["read"]}
    assert in_json(read) == case["read"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["video", "url", "x"]), inner)
    ),
    max_leaves=6,
)


@settings(deadline=None)  # CI machines pause
@given(
    st.fixed_dictionaries(
        {"id": st.text(max_size=3), "status": st.sampled_from(["succeeded", "failed", "odd"])},
        optional={"output": JSON, "error": JSON, "data_removed": st.booleans(), "input": JSON},
    )
)
def test_no_answer_breaks_the_reader(answer: dict[str, Any]) -> None:
    try:
        status = replicate.read_prediction(parse(replicate.Prediction, answer))
    except ProtocolError:
        return
    assert status.phase is not Phase.SUCCEEDED or status.result_url
