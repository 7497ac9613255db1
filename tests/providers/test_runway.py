"""Runway's client against a loopback Runway that knows the SDK's types."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import runway
from providers._http import parse
from providers._runway_dialects import RATIOS, create
from providers.base import MediaRole, Options, Phase, Remote, VideoRequest
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
from tests.standin import runway as standin
from tests.standin import schemas
from tests.standin.hosted import problems

KEY = "key_planted-where-no-log-may-see-it"
GEN45: dict[str, Any] = {"wire_id": "gen4.5", "dialect": "gen4.5"}


@dataclass
class Studio:
    vendor: standin.Runway
    client: runway.Runway
    http: httpx.AsyncClient


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    async with standin.Runway(key=KEY) as vendor, a_client() as http:
        options = Options(base_url=vendor.base_url, secrets={"RUNWAYML_API_SECRET": KEY})
        yield Studio(vendor=vendor, client=runway.Runway(http, options), http=http)


async def test_clip_is_fetched_when_the_task_succeeds(studio: Studio, tmp_path: Path) -> None:
    request = a_request(**GEN45, seed=7)
    studio.vendor.polls_until_done = 2
    remote = await studio.client.submit(request)
    phases = [(await studio.client.poll(remote, request)).phase for _ in range(2)]
    status = await studio.client.poll(remote, request)
    to = tmp_path / "clip.mp4"
    await studio.client.fetch(remote, request, status, to, saving(studio.http, to), NO_PROGRESS)
    assert phases == [Phase.QUEUED, Phase.RENDERING]
    assert (status.phase, status.cost_micros) == (Phase.SUCCEEDED, 600_000)
    assert to.read_bytes() == studio.vendor.clip


async def test_create_sends_the_version_and_the_documented_body(studio: Studio) -> None:
    remote = await studio.client.submit(a_request(**GEN45, seed=7))
    asked = studio.vendor.asked("submit")[0]
    assert remote.quoted_micros == 600_000
    assert asked.path == "/v1/text_to_video"
    assert asked.headers["x-runway-version"] == "2024-11-06"
    assert asked.sent == {
        "model": "gen4.5",
        "promptText": "a lighthouse in a storm",
        "ratio": "1280:720",
        "duration": 5,
        "seed": 7,
    }


async def test_throttled_is_waiting(studio: Studio) -> None:
    studio.vendor.throttled = True
    request = a_request(**GEN45)
    remote = await studio.client.submit(request)
    assert (await studio.client.poll(remote, request)).phase is Phase.QUEUED


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (400, InvalidRequest),
        (401, AuthenticationFailed),
        (402, OutOfCredit),
        (403, AuthenticationFailed),
        (404, RouteGone),
        (422, InvalidRequest),
        (429, RateLimited),
        (500, SubmissionUnknown),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (307, InvalidRequest),
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
        await studio.client.submit(a_request(**GEN45))
    assert type(caught.value) is error
    assert KEY not in everything(caught.value)


async def test_submit_is_safe_to_repeat_when_nobody_listens(studio: Studio) -> None:
    options = Options(base_url="http://127.0.0.1:9", secrets={"RUNWAYML_API_SECRET": KEY})
    with pytest.raises(Unavailable):
        await runway.Runway(studio.http, options).submit(a_request(**GEN45))


@pytest.mark.parametrize("operation", ["poll", "cancel", "check", "upload", "store"])
@pytest.mark.parametrize(
    "fault", [400, 401, 403, 409, 422, 429, 500, 503, 307, "reset_before", "garbage", "empty"]
)
async def test_no_error_carries_the_key(
    studio: Studio, tmp_path: Path, operation: str, fault: int | str
) -> None:
    request = a_request(**GEN45)
    remote = await studio.client.submit(request)
    studio.vendor.fail_next(fault, on=operation)
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 4_000_000)
    calls = {
        "poll": lambda: studio.client.poll(remote, request),
        "cancel": lambda: studio.client.cancel(remote, request),
        "check": lambda: studio.client.check(),
        "upload": lambda: studio.client.submit(a_request(**GEN45, inputs=(picture,))),
        "store": lambda: studio.client.submit(a_request(**GEN45, inputs=(picture,))),
    }
    error = await raised(calls[operation])
    assert KEY not in everything(error)
    assert not isinstance(error, SubmissionUnknown)
    assert operation in ("poll", "cancel", "check") or not isinstance(error, ProtocolError)


async def test_wrong_key_is_refused_without_being_shown(studio: Studio) -> None:
    studio.vendor.key = "another"
    with pytest.raises(AuthenticationFailed) as caught:
        await studio.client.check()
    assert KEY not in everything(caught.value)


async def test_options_hide_the_key(studio: Studio) -> None:
    assert KEY not in repr(studio.client.options)


async def test_no_credit_pauses_the_vendor(studio: Studio) -> None:
    studio.vendor.credits = 0
    with pytest.raises(OutOfCredit):
        await studio.client.submit(a_request(**GEN45))
    with pytest.raises(OutOfCredit):
        await studio.client.check()


async def test_check_tells_the_balance(studio: Studio) -> None:
    assert "5000 credits left" in await studio.client.check()


async def test_retired_model_is_a_route_gone(studio: Studio) -> None:
    studio.vendor.models.discard("gen4.5")
    with pytest.raises(RouteGone):
        await studio.client.submit(a_request(**GEN45))


@pytest.mark.parametrize(
    ("code", "phase", "retryable"),
    [
        ("SAFETY.INPUT.IMAGE", Phase.REJECTED, False),
        ("SAFETY.OUTPUT.VIDEO", Phase.REJECTED, False),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", Phase.REJECTED, False),
        ("INPUT_PREPROCESSING.INTERNAL", Phase.FAILED, True),
        ("INTERNAL.BAD_OUTPUT.CODE01", Phase.FAILED, False),
        ("ASSET.INVALID", Phase.FAILED, False),
        ("THIRD_PARTY.UNAVAILABLE", Phase.FAILED, True),
        ("INTERNAL", Phase.FAILED, True),
        (None, Phase.FAILED, True),
        ("UNHEARD_OF.CODE", Phase.FAILED, False),
    ],
)
async def test_failure_code_decides(
    studio: Studio, code: str | None, phase: Phase, retryable: bool
) -> None:
    studio.vendor.failure_code = code
    studio.vendor.fail_next("failed")
    studio.vendor.polls_until_done = 0
    request = a_request(**GEN45)
    status = await studio.client.poll(await studio.client.submit(request), request)
    assert (status.phase, status.retryable, status.cost_micros) == (phase, retryable, 0)
    assert not status.billed


async def test_refused_input_is_billed_as_the_vendor_says(studio: Studio) -> None:
    studio.vendor.fail_next("rejected")
    studio.vendor.polls_until_done = 0
    request = a_request(**GEN45)
    status = await studio.client.poll(await studio.client.submit(request), request)
    assert (status.phase, status.billed, status.cost_micros) == (Phase.REJECTED, True, 600_000)
    assert "SAFETY.INPUT.TEXT" in status.reason


def test_refused_input_is_billed_by_the_table_when_no_figure_is_given() -> None:
    told = runway.Task(status="FAILED", failure_code="SAFETY.INPUT.TEXT")
    free = runway.Task(status="FAILED", failure_code="SAFETY.OUTPUT.VIDEO")
    assert runway.read_task(told).billed
    assert not runway.read_task(free).billed


async def test_cancelled_task_is_gone(studio: Studio) -> None:
    request = a_request(**GEN45)
    remote = await studio.client.submit(request)
    await studio.client.cancel(remote, request)
    await studio.client.cancel(remote, request)
    assert (await studio.client.poll(remote, request)).phase is Phase.GONE


async def test_cancel_spares_a_clip_that_is_already_paid(studio: Studio) -> None:
    request = a_request(**GEN45)
    studio.vendor.polls_until_done = 0
    remote = await studio.client.submit(request)
    await studio.client.cancel(remote, request)
    assert studio.vendor.asked("cancel") == []
    assert (await studio.client.poll(remote, request)).phase is Phase.SUCCEEDED


async def test_id_from_a_person_stays_one_path_segment(studio: Studio) -> None:
    remote = Remote(remote_id="../organization?x=/")
    status = await studio.client.poll(remote, a_request(**GEN45))
    assert status.phase is Phase.GONE


async def test_small_picture_travels_inside_the_body(studio: Studio, tmp_path: Path) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 600)
    await studio.client.submit(a_request(**GEN45, inputs=(picture,)))
    asked = studio.vendor.asked("submit")[0]
    assert asked.path == "/v1/image_to_video"
    assert asked.sent["promptImage"][0]["uri"].startswith("data:image/png;base64,cHBw")
    assert asked.sent["promptImage"][0]["position"] == "first"


async def test_large_picture_is_uploaded_without_our_headers(
    studio: Studio, tmp_path: Path
) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 4_000_000)
    await studio.client.submit(a_request(**GEN45, inputs=(picture,)))
    uri = studio.vendor.submissions[0]["promptImage"][0]["uri"]
    assert studio.vendor.uploads[uri] == b"p" * 4_000_000


async def test_file_is_not_sent_to_an_insecure_address(studio: Studio, tmp_path: Path) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 4_000_000)
    async with standin.Runway() as thief:
        studio.vendor.storage = thief.base_url
        with pytest.raises(InvalidRequest, match="not https"):
            await studio.client.submit(a_request(**GEN45, inputs=(picture,)))
        assert thief.exchanges == []


async def test_missing_file_is_refused_before_anything_is_sent(
    studio: Studio, tmp_path: Path
) -> None:
    picture = a_file(tmp_path, MediaRole.FIRST_FRAME, 10)
    (tmp_path / "frame.png").unlink()
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await studio.client.submit(a_request(**GEN45, inputs=(picture,)))
    assert studio.vendor.exchanges == []


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "🦊" * 501},
        {"seed": 4_294_967_296},
        {"seed": -1},
        {"audio": True},
        {"resolution": "1080p"},
        {"aspect": "4:3"},
        {"inputs": (PICTURE, END)},
        {"inputs": (LOOK,)},
        {"inputs": (MOTION,)},
        {"dialect": "unheard-of"},
    ],
)
async def test_what_gen45_cannot_do_is_refused_before_sending(
    studio: Studio, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        await studio.client.submit(a_request(**GEN45 | changes))
    assert studio.vendor.exchanges == []


@pytest.mark.parametrize(
    "changes",
    [
        {"wire_id": "aleph2", "dialect": "aleph"},
        {"wire_id": "aleph2", "dialect": "aleph", "inputs": (PICTURE,)},
        {"wire_id": "enhance_frame_rate", "dialect": "upscale", "options": {"fps": "48"}},
        {"wire_id": "a", "dialect": "upscale", "inputs": (SOURCE,)},
        {"wire_id": "a", "dialect": "upscale", "inputs": (SOURCE, LOOK), "options": {"fps": "48"}},
    ],
)
async def test_what_makes_a_video_of_a_video_needs_one_and_nothing_else(
    studio: Studio, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        await studio.client.submit(a_request(**changes))
    assert studio.vendor.exchanges == []


async def test_prompt_of_1000_utf16_units_is_accepted(studio: Studio) -> None:
    await studio.client.submit(a_request(**GEN45, prompt="🦊" * 500))
    assert len(studio.vendor.submissions) == 1


OMNI = {"wire_id": "gemini_omni_flash_1.1", "dialect": "omni", "audio": True}
UPSCALER = {
    "wire_id": "magnific_video_upscaler_creative",
    "dialect": "upscale",
    "options": {"resolution.1440p": "2k"},
}
SMOOTHER = {"wire_id": "enhance_frame_rate", "dialect": "upscale", "options": {"fps": "48"}}
KLING_O3 = {"wire_id": "klingO3_standard", "dialect": "kling"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (OMNI, "/v1/text_to_video"),
        ({**OMNI, "inputs": (LOOK,)}, "/v1/text_to_video"),
        ({**OMNI, "inputs": (PICTURE, END), "resolution": "4k"}, "/v1/image_to_video"),
        ({**OMNI, "inputs": (SOURCE, LOOK)}, "/v1/video_to_video"),
        ({**OMNI, "inputs": (SOURCE,), "options": {"mode": "extend"}}, "/v1/video_to_video"),
        ({"wire_id": "kling3.0_standard", "dialect": "kling"}, "/v1/text_to_video"),
        (
            {"wire_id": "kling3.0_pro", "dialect": "kling", "inputs": (PICTURE, END)},
            "/v1/image_to_video",
        ),
        (
            {"wire_id": "kling3.0_4k", "dialect": "kling", "resolution": "4k", "aspect": "1:1"},
            "/v1/text_to_video",
        ),
        ({**KLING_O3, "inputs": (PICTURE, LOOK)}, "/v1/image_to_video"),
        ({**KLING_O3, "inputs": (SOURCE, LOOK)}, "/v1/video_to_video"),
        ({"wire_id": "aleph2", "dialect": "aleph", "inputs": (SOURCE,)}, "/v1/video_to_video"),
        ({**UPSCALER, "resolution": "1440p", "inputs": (SOURCE,)}, "/v1/video_upscale"),
        ({**SMOOTHER, "inputs": (SOURCE,)}, "/v1/video_upscale"),
    ],
)
async def test_hosted_models_take_their_own_fields(
    studio: Studio, changes: dict[str, Any], path: str
) -> None:
    await studio.client.submit(a_request(**changes))
    assert studio.vendor.asked("submit")[0].path == path


def test_veo_says_its_sound_and_what_to_avoid() -> None:
    request = a_request(
        wire_id="veo3.1_fast", dialect="veo", duration_s=8, negative="rain", inputs=(PICTURE, END)
    )
    body = create(request, addresses(request)).body
    assert (body["audio"], body["negativePrompt"]) == (False, "rain")
    assert [image["position"] for image in body["promptImage"]] == ["first", "last"]


def test_every_request_of_the_catalogue_makes_a_documented_body() -> None:
    asked = list(catalogue_requests("runway"))
    wrong = [(request, found) for request in asked if (found := _problems(request))]
    assert len(asked) > 50
    assert wrong == []


def _problems(request: VideoRequest) -> list[Any]:
    made = create(request, addresses(request))
    return problems(standin.BODIES[made.path][made.body["model"]], in_json(made.body))


def test_ratio_tables_hold_only_documented_values() -> None:
    ratios = {
        ratio for sizes in RATIOS.values() for one in sizes.values() for ratio in one.values()
    }
    known = {
        ratio
        for models in standin.BODIES.values()
        for schema in models.values()
        for ratio in schema["properties"].get("ratio", {}).get("enum", [])
    }
    assert ratios <= known


def test_extract_of_the_types_is_current() -> None:
    assert schemas.runway_bodies() == standin.BODIES


ANSWERS = json.loads((Path(__file__).parent / "data" / "runway" / "tasks.json").read_text())


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_documented_answers_are_read(case: dict[str, Any]) -> None:
    status = runway.read_task(parse(runway.Task, case["answer"]))
    read = {name: getattr(status, name) for name in case["read"]}
    assert in_json(read) == case["read"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
FIELDS = ("status", "progress", "output", "failure", "failureCode", "cost", "estimatedCost")


@settings(deadline=None)  # CI machines pause
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON)
    | st.fixed_dictionaries({"status": st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING"])})
)
def test_no_answer_breaks_the_reader(answer: dict[str, Any]) -> None:
    try:
        status = runway.read_task(parse(runway.Task, answer))
    except ProtocolError:
        return
    assert status.progress is None or 0 <= status.progress <= 1
    assert status.cost_micros is None or status.cost_micros >= 0


def test_unreadable_price_does_not_hide_the_paid_task() -> None:
    created = parse(runway.Created, {"id": "t1", "estimatedCost": {"credits": "many"}}, paid=True)
    assert (created.id, created.estimated_cost) == ("t1", None)
