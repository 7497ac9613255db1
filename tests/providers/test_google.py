"""Google against a loopback Gemini API; what passes between them against the document."""

import base64
import json
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from providers import errors
from providers._google_answers import Interaction, file_id, read_error, read_interaction
from providers.base import MediaInput, MediaRole, Options, Phase, Remote, Status, VideoRequest
from providers.google import Google
from tests.standin import google
from tests.standin.downloading import downloading
from tests.standin.openapi import Contract, specs_folder

KEY = "google-planted-key"
DATA = Path(__file__).parent / "data" / "google"
SPEC = "gemini-interactions-video.derived.openapi.yaml"
MODEL = "gemini-omni-1.1-flash"
BASE = "https://generativelanguage.googleapis.com"


def wanted(**changes: Any) -> VideoRequest:
    usual = VideoRequest(
        wire_id=MODEL,
        dialect="omni",
        prompt="the lighthouse lamp starts to turn",
        duration_s=6,
        aspect="16:9",
        resolution="720p",
        audio=True,
        correlation_id="job7-1",
    )
    return replace(usual, **changes)


def picture(role: MediaRole, path: Path, content: bytes = b"\x89PNG a picture") -> MediaInput:
    path.write_bytes(content)
    return MediaInput(role=role, mime="image/png", path=path)


@pytest.fixture
async def vendor() -> AsyncIterator[google.Google]:
    async with google.Google(key=KEY, clip=b"google's clip") as vendor:
        yield vendor


@pytest.fixture
async def client(vendor: google.Google) -> AsyncIterator[Google]:
    async with httpx.AsyncClient() as http:
        yield Google(http, Options(base_url=vendor.base_url, secrets={"GEMINI_API_KEY": KEY}))


async def rendered(client: Google, remote: Remote, request: VideoRequest) -> Status:
    await client.poll(remote, request)
    return await client.poll(remote, request)


async def fetched(client: Google, remote: Remote, status: Status, to: Path) -> bytes:
    download = downloading(client.http, to)
    await client.fetch(remote, wanted(), status, to, download, lambda _: None)
    return to.read_bytes()


async def test_a_clip_comes_back_and_costs_its_tokens(
    client: Google, vendor: google.Google, tmp_path: Path
):
    remote = await client.submit(wanted())
    status = await rendered(client, remote, wanted())
    assert status.phase is Phase.SUCCEEDED
    assert status.cost_micros == vendor.bill_micros == 608_160
    assert status.expires_at == datetime(2026, 11, 25, 10, 0, 0, 123456, UTC)
    assert await fetched(client, remote, status, tmp_path / "a.mp4") == b"google's clip"


async def test_text_is_sent_as_typed_with_nothing_left_to_a_default(
    client: Google, vendor: google.Google
):
    await client.submit(wanted(prompt=" Füchse\n", negative="rain", seed=3))
    assert vendor.submissions == [
        {
            "model": MODEL,
            "background": True,
            "store": True,
            "input": [{"type": "text", "text": " Füchse\n"}],
            "response_format": {
                "type": "video",
                "aspect_ratio": "16:9",
                "resolution": "720p",
                "duration": "6s",
                "delivery": "uri",
            },
            "generation_config": {"video_config": {"task": "text_to_video"}, "seed": 3},
        }
    ]


async def test_frames_stand_before_the_words_first_one_first(
    client: Google, vendor: google.Google, tmp_path: Path
):
    last = picture(MediaRole.LAST_FRAME, tmp_path / "b.png", b"last")
    first = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png", b"first")
    await client.submit(wanted(inputs=(last, first)))
    sent = vendor.submissions[0]
    assert [base64.b64decode(block.get("data", "")) for block in sent["input"]] == [
        *(b"first", b"last", b"")
    ]
    assert sent["generation_config"]["video_config"]["task"] == "image_to_video"


@pytest.mark.parametrize(
    ("role", "mime", "task"),
    [
        (MediaRole.REFERENCE, "image/png", "reference_to_video"),
        (MediaRole.SOURCE, "video/mp4", "extend"),
    ],
)
async def test_references_and_a_clip_to_extend_have_their_own_task(
    client: Google, vendor: google.Google, tmp_path: Path, role: MediaRole, mime: str, task: str
):
    medium = replace(picture(role, tmp_path / "a"), mime=mime)
    await client.submit(wanted(inputs=(medium,)))
    assert vendor.submissions[0]["generation_config"]["video_config"]["task"] == task


@pytest.mark.parametrize(
    "roles",
    [
        ["last_frame"],
        ["motion"],
        ["first_frame", "reference"],
        ["source", "first_frame"],
        ["source", "source"],
    ],
)
async def test_what_no_task_takes_is_refused_before_anything_is_sent(
    client: Google, vendor: google.Google, tmp_path: Path, roles: list[str]
):
    inputs = tuple(picture(MediaRole(role), tmp_path / f"{n}.png") for n, role in enumerate(roles))
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(inputs=inputs))
    assert vendor.exchanges == []


async def test_an_address_is_refused_because_only_googles_own_are_taken(
    client: Google, vendor: google.Google
):
    frame = MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", url="https://cdn.example/a")
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(inputs=(frame,)))
    assert vendor.exchanges == []


async def test_veo_is_refused_with_the_day_it_ended(client: Google, vendor: google.Google):
    assert "2026-10-22" in client.refuses("veo")
    with pytest.raises(errors.InvalidRequest, match="2026-10-22"):
        await client.submit(wanted(dialect="veo"))
    assert vendor.exchanges == []


STATUSES = [
    (400, errors.InvalidRequest),
    (401, errors.AuthenticationFailed),
    (403, errors.AuthenticationFailed),
    (404, errors.RouteGone),
    (429, errors.RateLimited),
    (500, errors.SubmissionUnknown),
    (503, errors.SubmissionUnknown),
    (504, errors.SubmissionUnknown),
    (408, errors.SubmissionUnknown),
]


@pytest.mark.parametrize("in_array", [False, True])
@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_a_refused_create_says_who_must_act(
    client: Google,
    vendor: google.Google,
    status: int,
    kind: type[errors.ProviderError],
    in_array: bool,
):
    vendor.in_array = in_array
    vendor.fail_next(status)
    with pytest.raises(errors.ProviderError) as caught:
        await client.submit(wanted())
    assert type(caught.value) is kind
    assert len(vendor.asked("submit")) == 1


@pytest.mark.parametrize(
    ("status", "message", "details", "kind"),
    [
        (400, "API key not valid.", [{"reason": "API_KEY_INVALID"}], errors.AuthenticationFailed),
        (400, "The prompt violates our policy.", [], errors.ContentRejected),
        (400, "The model x is no longer available.", [], errors.RouteGone),
        (429, "check your plan and billing details", [], errors.RateLimited),
        (429, "quota", [{"violations": [{"quotaId": "RequestsPerDay"}]}], errors.OutOfCredit),
        (429, "Your prepayment credits are depleted.", [], errors.OutOfCredit),
    ],
)
async def test_words_and_details_tell_refusals_of_one_status_apart(
    client: Google,
    vendor: google.Google,
    status: int,
    message: str,
    details: list[Any],
    kind: type[errors.ProviderError],
):
    vendor.error_message, vendor.error_details = message, details
    vendor.fail_next(status)
    with pytest.raises(errors.ProviderError) as caught:
        await client.submit(wanted())
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("User location is not supported for the API use.", errors.AuthenticationFailed),
        ("Please enable billing.", errors.OutOfCredit),
    ],
)
def test_an_account_that_may_not_is_for_the_operator(
    message: str, kind: type[errors.ProviderError]
):
    error = {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}
    assert type(read_error(httpx.Response(400, json={"error": error}), paid=True)) is kind


def test_the_documented_quota_error_says_how_long_to_wait():
    answer = httpx.Response(429, json=json.loads((DATA / "quota.json").read_text()))
    found = read_error(answer, paid=True)
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after_s == 17.0


@pytest.mark.parametrize(
    "fault", ["drop_after", "reset_before", "html-502", "html-503", "garbage", "empty"]
)
async def test_an_unclear_answer_to_a_create_is_unknown(
    client: Google, vendor: google.Google, fault: str
):
    vendor.fail_next(fault)
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())
    assert len(vendor.asked("submit")) == 1
    assert await client.find(wanted(), datetime.now(UTC)) == []


async def test_completed_without_a_video_is_a_refusal_that_cost_nothing(
    client: Google, vendor: google.Google
):
    vendor.fail_next("rejected")
    status = await rendered(client, await client.submit(wanted()), wanted())
    assert (status.phase, status.cost_micros) == (Phase.REJECTED, 0)
    assert status.reason == "I cannot make this video."


async def test_a_failure_that_is_the_vendors_own_may_be_tried_again(
    client: Google, vendor: google.Google
):
    vendor.fail_next("failed")
    status = await rendered(client, await client.submit(wanted()), wanted())
    assert (status.phase, status.retryable) == (Phase.FAILED, True)


@pytest.mark.parametrize("said", ["requires_action", "requires_continuation", "dreaming"])
async def test_an_unknown_status_is_still_rendering(
    client: Google, vendor: google.Google, said: str
):
    remote = await client.submit(wanted())
    vendor.jobs[remote.remote_id].notes["status"] = said
    assert (await client.poll(remote, wanted())).phase is Phase.RENDERING


async def test_a_forgotten_interaction_is_gone(client: Google):
    assert (await client.poll(Remote(remote_id="v1_x"), wanted())).phase is Phase.GONE


async def test_a_file_that_is_not_ready_keeps_the_job_rendering(
    client: Google, vendor: google.Google
):
    vendor.file_waits = 1
    remote = await client.submit(wanted())
    assert (await rendered(client, remote, wanted())).phase is Phase.RENDERING
    assert (await client.poll(remote, wanted())).phase is Phase.SUCCEEDED


async def test_a_file_the_vendor_lost_is_a_failure(client: Google, vendor: google.Google):
    vendor.file_state = "FAILED"
    remote = await client.submit(wanted())
    assert (await rendered(client, remote, wanted())).phase is Phase.FAILED


async def test_an_expired_file_is_gone_not_a_bad_key(client: Google, vendor: google.Google):
    remote = await client.submit(wanted())
    vendor.jobs[remote.remote_id].notes["uri"] = f"{BASE}/v1beta/files/gone1:download?alt=media"
    assert (await rendered(client, remote, wanted())).phase is Phase.GONE


async def test_an_inline_clip_is_fetched_though_a_file_was_asked_for(
    client: Google, vendor: google.Google, tmp_path: Path
):
    vendor.inline = True
    remote = await client.submit(wanted())
    status = await rendered(client, remote, wanted())
    assert (status.phase, status.result_url) == (Phase.SUCCEEDED, None)
    assert await fetched(client, remote, status, tmp_path / "a.mp4") == b"google's clip"
    assert vendor.asked("download") == []


async def test_a_clip_is_fetched_again_after_a_restart_without_a_status(
    client: Google, vendor: google.Google, tmp_path: Path
):
    remote = await client.submit(wanted())
    await rendered(client, remote, wanted())
    blank = Status(phase=Phase.SUCCEEDED)
    assert await fetched(client, remote, blank, tmp_path / "a.mp4") == b"google's clip"


@pytest.mark.parametrize(
    "uri",
    [
        "{thief}/v1beta/files/f0000:download?alt=media",
        "{thief}/anything/files/f0000",
        "files/f0000",
        "https://user:secret@evil.example/files/f0000",
    ],
)
async def test_the_key_goes_to_our_own_base_url_whatever_an_answer_says(
    client: Google, vendor: google.Google, tmp_path: Path, uri: str
):
    async with google.Google(key="of the thief") as thief:
        remote = await client.submit(wanted())
        vendor.jobs[remote.remote_id].notes["uri"] = uri.format(thief=thief.base_url)
        status = await rendered(client, remote, wanted())
        assert await fetched(client, remote, status, tmp_path / "a.mp4") == b"google's clip"
        assert thief.exchanges == []


async def test_a_clip_elsewhere_is_fetched_without_the_key(
    client: Google, vendor: google.Google, tmp_path: Path
):
    async with google.Google(key="of the thief") as thief:
        remote = await client.submit(wanted())
        vendor.jobs[remote.remote_id].notes["uri"] = f"{thief.base_url}/v1beta/models"
        status = await rendered(client, remote, wanted())
        with pytest.raises(httpx.HTTPStatusError):
            await fetched(client, remote, status, tmp_path / "a.mp4")
        assert "x-goog-api-key" not in thief.exchanges[0].headers


async def test_a_redirected_download_leaves_the_key_behind(
    client: Google, vendor: google.Google, tmp_path: Path
):
    async with google.Google(key="of the thief") as thief:
        vendor.moved_to = f"{thief.base_url}/v1beta/models"
        remote = await client.submit(wanted())
        status = await rendered(client, remote, wanted())
        with pytest.raises(httpx.HTTPStatusError):
            await fetched(client, remote, status, tmp_path / "a.mp4")
        assert "x-goog-api-key" not in thief.exchanges[0].headers


async def test_a_running_interaction_is_cancelled(client: Google, vendor: google.Google):
    remote = await client.submit(wanted())
    await client.cancel(remote, wanted())
    await client.cancel(remote, wanted())
    assert (await client.poll(remote, wanted())).phase is Phase.CANCELLED
    assert vendor.bill_micros == 0


@pytest.mark.parametrize("remote_id", ["v1_0000", "v1_none"])
async def test_cancelling_what_has_ended_or_is_gone_is_no_error(
    client: Google, vendor: google.Google, remote_id: str
):
    await rendered(client, await client.submit(wanted()), wanted())
    await client.cancel(Remote(remote_id=remote_id), wanted())
    assert len(vendor.asked("cancel")) == 1


async def test_a_cancel_that_did_not_arrive_is_tried_again(client: Google, vendor: google.Google):
    remote = await client.submit(wanted())
    vendor.fail_next(503, on="cancel")
    with pytest.raises(errors.Unavailable):
        await client.cancel(remote, wanted())


async def test_the_free_check_proves_the_key(client: Google, vendor: google.Google):
    assert await client.check() == "listed one model (GET /v1beta/models)"
    vendor.fail_next(404, on="check")
    assert "let the key pass" in await client.check()
    vendor.key = "another"
    with pytest.raises(errors.AuthenticationFailed):
        await client.check()
    assert vendor.submissions == []


def test_the_documented_answers_are_read():
    done = Interaction.model_validate_json((DATA / "completed.json").read_text())
    status = read_interaction(done, MODEL, BASE)
    assert status.result_url == f"{BASE}/v1beta/files/abc123:download?alt=media"
    assert status.cost_micros == 506_800
    refused = Interaction.model_validate_json((DATA / "refused.json").read_text())
    status = read_interaction(refused, MODEL, BASE)
    assert (status.phase, status.cost_micros) == (Phase.REJECTED, 0)
    assert status.reason == "I cannot show recognizable people."


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        ({"status": "completed", "output_video": {"uri": "files/x"}}, Phase.SUCCEEDED),
        ({"status": "completed"}, Phase.REJECTED),
        ({"status": "incomplete"}, Phase.FAILED),
        ({"status": "budget_exceeded"}, Phase.FAILED),
        ({"status": "cancelled"}, Phase.CANCELLED),
        ({"status": "failed", "errors": [{"code": "SAFETY", "message": "no"}]}, Phase.REJECTED),
        ({"status": "failed", "steps": [{"type": "x", "error": {"code": 14}}]}, Phase.FAILED),
        ({"status": "queued", "usage": None}, Phase.QUEUED),
    ],
)
def test_every_ending_has_one_meaning(answer: Any, phase: Phase):
    assert read_interaction(Interaction.model_validate(answer), MODEL, BASE).phase is phase


def test_a_model_without_a_known_token_price_has_no_cost():
    done = Interaction.model_validate_json((DATA / "completed.json").read_text())
    assert read_interaction(done, "gemini-omni-9", BASE).cost_micros is None


@given(st.text())
def test_a_file_id_never_leads_out_of_its_place_in_a_path(uri: str):
    name = file_id(f"files/{uri}")
    assert name is None or not set(name) & set("/:?#.%\\ ")


ANSWERS = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["error", "status", "message", "details"]), inner)
    ),
)


@given(body=ANSWERS, status=st.sampled_from([400, 429, 503]))
def test_no_answer_breaks_the_reading_of_errors(body: Any, status: int):
    found = read_error(httpx.Response(status, json=body), paid=True)
    assert found is None or isinstance(found, errors.ProviderError)


FAULTS = [400, 401, 403, 404, 429, 500, 503, "html-502", "garbage", "drop_after", "reset_before"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["submit", "poll", "file", "check"])
async def test_no_error_carries_the_key(
    client: Google, vendor: google.Google, fault: str | int, call: str
):
    remote = await client.submit(wanted())
    vendor.polls_until_done = 0
    calls = {
        "submit": lambda: client.submit(wanted()),
        "poll": lambda: client.poll(remote, wanted()),
        "file": lambda: client.poll(remote, wanted()),
        "check": client.check,
    }
    vendor.fail_next(fault, on=call)
    try:
        told = repr(await calls[call]())
    except errors.ProviderError as error:
        told = "".join(
            [
                *(repr(error), repr(error.args), error.detail, error.body),
                *traceback.format_exception(error),
            ]
        )
    assert KEY not in told
    assert KEY not in repr(client.options)


async def test_what_passes_over_the_wire_is_what_the_document_says(
    client: Google, vendor: google.Google, tmp_path: Path
):
    file = specs_folder() / SPEC
    if not file.is_file():
        pytest.skip(f"{SPEC} is not at hand: set CONTRACT_SPECS to the folder of vendor documents")
    contract = Contract(yaml.safe_load(file.read_text()))
    frame = picture(MediaRole.FIRST_FRAME, tmp_path / "a.png")
    for outcome in ("succeeded", "rejected", "failed"):
        for request in (wanted(), wanted(inputs=(frame,), seed=3, resolution="4k")):
            if outcome != "succeeded":
                vendor.fail_next(outcome)
            await rendered(client, await client.submit(request), request)
    await client.cancel(await client.submit(wanted()), wanted())
    vendor.fail_next(429)
    with pytest.raises(errors.RateLimited):
        await client.submit(wanted())
    assert len(vendor.exchanges) > 20
    assert [found for one in vendor.exchanges for found in _violations(contract, one)] == []


def _violations(contract: Contract, exchange: Any) -> list[str]:
    template = contract.template(exchange.method, exchange.path)
    if template is None:
        return [exchange.path]
    found = [*contract.request(exchange.method, template, exchange.sent)]
    found += contract.response(exchange.method, template, exchange.status, exchange.answered)
    return [f"{one.path} {one.where}: {one.message}" for one in found]
