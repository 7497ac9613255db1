"""Kling against a loopback Kling, and its readings against the vendor's documents."""

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
from hypothesis import given
from hypothesis import strategies as st

from providers import errors
from providers._kling_answers import (
    Billing,
    Created,
    LegacyAnswer,
    Tasks,
    billed_micros,
    deducted_micros,
    read_error,
    read_legacy,
    read_task,
)
from providers.base import MediaInput, MediaRole, Options, Phase, Remote, VideoRequest
from providers.kling import Kling, mint_jwt
from tests.standin import kling
from tests.standin.downloading import downloading

KEY, PAIR = "kling-planted-key", ("planted-access", "planted-secret")
SECRETS = {"KLING_API_KEY": KEY}
PAIR_SECRETS = {"KLING_ACCESS_KEY": PAIR[0], "KLING_SECRET_KEY": PAIR[1]}
DATA = Path(__file__).parent / "data" / "kling"
SENT_AT = datetime(2026, 11, 23, tzinfo=UTC)
PICTURE = b"\x89PNG a picture"


def wanted(**changes: Any) -> VideoRequest:
    usual = VideoRequest(
        wire_id="kling-3.0",
        dialect="v3-text-image",
        prompt="a red fox crosses the snow",
        duration_s=5,
        aspect="16:9",
        resolution="720p",
        audio=False,
        correlation_id="job7-1",
    )
    return replace(usual, **changes)


def still(role: MediaRole, path: Path) -> MediaInput:
    path.write_bytes(PICTURE)
    return MediaInput(role=role, mime="image/png", path=path)


def film(role: MediaRole) -> MediaInput:
    return MediaInput(role=role, mime="video/mp4", url="https://cdn.example/dance.mp4")


def document(name: str) -> Any:
    return json.loads((DATA / name).read_text())


@pytest.fixture
async def vendor() -> AsyncIterator[kling.Kling]:
    async with kling.Kling(key=KEY, pair=PAIR, clip=b"kling's clip") as vendor:
        yield vendor


@pytest.fixture
async def client(vendor: kling.Kling) -> AsyncIterator[Kling]:
    async with httpx.AsyncClient() as http:
        yield Kling(http, Options(base_url=vendor.base_url, secrets=SECRETS))


@pytest.fixture
async def legacy(vendor: kling.Kling) -> AsyncIterator[Kling]:
    async with httpx.AsyncClient() as http:
        yield Kling(http, Options(base_url=vendor.base_url, secrets=PAIR_SECRETS))


async def rendered(client: Kling, remote: Remote, request: VideoRequest):
    """Polls to the end, which the stand-in reaches at the second answer."""
    assert (await client.poll(remote, request)).phase is Phase.QUEUED
    return await client.poll(remote, request)


async def test_a_clip_comes_back_and_costs_what_the_vendor_says(
    client: Kling, vendor: kling.Kling, tmp_path: Path
):
    remote = await client.submit(wanted())
    status = await rendered(client, remote, wanted())
    to = tmp_path / "clip.mp4"
    await client.fetch(remote, wanted(), status, to, downloading(client.http, to), lambda _: None)
    assert to.read_bytes() == b"kling's clip"
    assert (status.phase, status.cost_micros) == (Phase.SUCCEEDED, 420_000)
    assert vendor.bill_micros == 420_000
    assert status.expires_at is not None
    assert (status.expires_at - datetime.now(UTC)).days in (29, 30)


async def test_text_is_sent_as_typed_with_nothing_left_to_a_default(
    client: Kling, vendor: kling.Kling
):
    await client.submit(wanted(prompt="  Füchse — «im» Schnee\n", seed=3))
    assert vendor.asked("submit")[0].path == "/text-to-video/kling-3.0"
    assert vendor.submissions == [
        {
            "prompt": "  Füchse — «im» Schnee\n",
            "settings": {
                "resolution": "720p",
                "duration": 5,
                "audio": "off",
                "multi_shot": False,
                "aspect_ratio": "16:9",
            },
            "options": {"external_task_id": "job7-1", "watermark_info": {"enabled": False}},
        }
    ]


async def test_frames_travel_as_bare_base64(client: Kling, vendor: kling.Kling, tmp_path: Path):
    first = still(MediaRole.FIRST_FRAME, tmp_path / "a.png")
    last = MediaInput(role=MediaRole.LAST_FRAME, mime="image/png", url="https://cdn.example/b.png")
    await client.submit(wanted(inputs=(last, first)))
    body = vendor.submissions[0]
    assert [item["type"] for item in body["contents"]] == ["prompt", "first_frame", "last_frame"]
    assert base64.b64decode(body["contents"][1]["url"]) == PICTURE
    assert body["contents"][2]["url"] == "https://cdn.example/b.png"
    assert "aspect_ratio" not in body["settings"]


async def test_omni_takes_stills_of_a_character(client: Kling, vendor: kling.Kling, tmp_path: Path):
    stills = tuple(still(MediaRole.REFERENCE, tmp_path / f"{n}.png") for n in range(3))
    omni = wanted(wire_id="kling-3.0-omni", dialect="v3-omni", inputs=stills, audio=True)
    await client.submit(omni)
    body = vendor.submissions[0]
    assert [item["type"] for item in body["contents"]] == ["prompt"] + ["refer_image"] * 3
    assert body["settings"]["audio"] == "native"
    assert body["settings"]["aspect_ratio"] == "16:9"


@pytest.mark.parametrize(
    ("role", "use", "multi_shot"),
    [(MediaRole.SOURCE, "base_video", False), (MediaRole.MOTION, "feature_video", True)],
)
async def test_omni_takes_one_video_to_edit_or_to_follow(
    client: Kling, vendor: kling.Kling, role: MediaRole, use: str, multi_shot: bool
):
    omni = wanted(wire_id="kling-3.0-omni", dialect="v3-omni", inputs=(film(role),))
    await client.submit(omni)
    body = vendor.submissions[0]
    assert body["contents"][1] == {"type": use, "url": "https://cdn.example/dance.mp4"}
    assert body["settings"]["multi_shot"] is multi_shot
    assert ("duration" in body["settings"]) is (role is MediaRole.MOTION)


async def test_motion_control_moves_a_character_like_the_video(
    client: Kling, vendor: kling.Kling, tmp_path: Path
):
    inputs = (film(MediaRole.MOTION), still(MediaRole.REFERENCE, tmp_path / "a.png"))
    await client.submit(wanted(dialect="v3-motion", inputs=inputs))
    assert vendor.asked("submit")[0].path == "/motion-control/kling-3.0"
    assert vendor.submissions[0]["settings"] == {
        "character_orientation": "video",
        "resolution": "720p",
        "audio": "off",
    }


@pytest.mark.parametrize("model", ["kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo"])
async def test_a_model_gets_only_the_settings_it_has(
    client: Kling, vendor: kling.Kling, model: str
):
    await client.submit(wanted(wire_id=model))
    assert len(vendor.submissions) == 1


async def test_a_local_video_is_refused_before_anything_is_sent(
    client: Kling, vendor: kling.Kling, tmp_path: Path
):
    local = MediaInput(role=MediaRole.MOTION, mime="video/mp4", path=tmp_path / "dance.mp4")
    character = still(MediaRole.REFERENCE, tmp_path / "a.png")
    with pytest.raises(errors.InvalidRequest, match=r"https URL only.*dance\.mp4") as refused:
        await client.submit(wanted(dialect="v3-motion", inputs=(local, character)))
    assert str(tmp_path) not in str(refused.value)
    assert vendor.exchanges == []


@pytest.mark.parametrize(
    ("dialect", "roles", "audio"),
    [
        ("v3-text-image", ["reference"], False),
        ("v3-text-image", ["last_frame"], False),
        ("v3-omni", ["last_frame"], False),
        ("v3-omni", ["source", "motion"], False),
        ("v3-omni", ["source", "first_frame"], False),
        ("v3-omni", ["motion"], True),
        ("v3-motion", ["reference"], False),
        ("v3-motion", ["motion"], False),
        ("v3-motion", ["motion", "reference", "first_frame"], False),
        ("v9", [], False),
    ],
)
async def test_what_no_model_takes_is_refused_before_anything_is_sent(
    client: Kling, vendor: kling.Kling, dialect: str, roles: list[str], audio: bool
):
    inputs = tuple(
        MediaInput(role=MediaRole(role), mime="image/png", url="https://cdn.example/x")
        for role in roles
    )
    with pytest.raises(errors.InvalidRequest):
        await client.submit(wanted(dialect=dialect, inputs=inputs, audio=audio))
    assert vendor.exchanges == []


CODES = [
    (1000, errors.AuthenticationFailed),
    (1001, errors.AuthenticationFailed),
    (1002, errors.AuthenticationFailed),
    (1003, errors.AuthenticationFailed),
    (1004, errors.AuthenticationFailed),
    (1100, errors.OutOfCredit),
    (1101, errors.OutOfCredit),
    (1102, errors.OutOfCredit),
    (1103, errors.RouteGone),
    (1202, errors.InvalidRequest),
    (1203, errors.RouteGone),
    (1300, errors.ContentRejected),
    (1301, errors.ContentRejected),
    (1302, errors.RateLimited),
    (1303, errors.RateLimited),
    (1304, errors.AuthenticationFailed),
    (5000, errors.SubmissionUnknown),
    (5001, errors.SubmissionUnknown),
    (5002, errors.SubmissionUnknown),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
async def test_a_create_is_judged_by_its_code_not_by_its_status(
    client: Kling, vendor: kling.Kling, code: int, kind: type[errors.ProviderError]
):
    vendor.fail_next(code)
    with pytest.raises(kind):
        await client.submit(wanted())
    assert len(vendor.asked("submit")) == 1


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_counts_with_http_200_too(code: int, kind: type[errors.ProviderError]):
    answer = httpx.Response(200, json={"code": code, "message": "no", "request_id": "r"})
    assert isinstance(read_error(answer, paid=True), kind)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1102, errors.OutOfCredit),
        (1201, errors.ProtocolError),
        (1301, errors.ProtocolError),
        (1303, errors.RateLimited),
        (5000, errors.Unavailable),
    ],
)
async def test_a_poll_is_judged_by_its_code_too(
    client: Kling, vendor: kling.Kling, code: int, kind: type[errors.ProviderError]
):
    remote = await client.submit(wanted())
    vendor.fail_next(code, on="poll")
    with pytest.raises(kind):
        await client.poll(remote, wanted())


def test_the_vendors_own_example_of_too_many_tasks_is_a_rate_limit():
    answer = httpx.Response(429, json=document("too_many.json"))
    assert isinstance(read_error(answer, paid=True), errors.RateLimited)


def test_a_discontinued_model_takes_the_route_off():
    words = "The model 'kling-v1' has been discontinued and is no longer available."
    answer = httpx.Response(400, json={"code": 1201, "message": words, "request_id": "r"})
    assert isinstance(read_error(answer, paid=True), errors.RouteGone)


ANSWERS = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["code", "message"]), inner),
)


@given(body=ANSWERS)
def test_no_answer_breaks_the_reading_of_errors(body: Any):
    for status in (200, 400, 503):
        found = read_error(httpx.Response(status, json=body), paid=True)
        assert found is None or isinstance(found, errors.ProviderError)


@pytest.mark.parametrize("fault", ["drop_after", "html-502", "html-504", "garbage", "empty", 5002])
async def test_an_unclear_answer_to_a_create_is_unknown_and_can_be_found(
    client: Kling, vendor: kling.Kling, fault: str | int
):
    vendor.fail_next(fault)
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())
    found = await client.find(wanted(), SENT_AT)
    assert [remote.remote_id for remote in found] == list(vendor.jobs)


async def test_a_connection_cut_before_the_answer_is_unknown(client: Kling, vendor: kling.Kling):
    vendor.fail_next("reset_before")
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())
    assert await client.find(wanted(), SENT_AT) == []


async def test_nobody_listening_is_known_to_have_cost_nothing():
    options = Options(base_url="http://127.0.0.1:1", secrets=SECRETS)
    async with httpx.AsyncClient() as http:
        with pytest.raises(errors.Unavailable):
            await Kling(http, options).submit(wanted())


async def test_a_resent_submission_is_adopted_not_made_twice(client: Kling, vendor: kling.Kling):
    vendor.fail_next("drop_after")
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())
    remote = await client.submit(wanted())
    assert [remote.remote_id] == list(vendor.jobs)


async def test_a_duplicate_that_is_not_listed_yet_stays_unknown(client: Kling, vendor: kling.Kling):
    await client.submit(wanted())
    vendor.hidden_lookups = 1
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())


async def test_a_duplicate_that_cannot_be_looked_up_stays_unknown(
    client: Kling, vendor: kling.Kling
):
    await client.submit(wanted())
    vendor.fail_next(5001, on="find")
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(wanted())


async def test_a_refused_field_is_our_bug_not_a_duplicate(client: Kling, vendor: kling.Kling):
    with pytest.raises(errors.InvalidRequest, match="code 1201"):
        await client.submit(wanted(duration_s=99))
    assert vendor.submissions == []


async def test_a_model_the_vendor_does_not_know_takes_the_route_off(client: Kling):
    with pytest.raises(errors.RouteGone):
        await client.submit(wanted(wire_id="kling-9.9"))


@pytest.mark.parametrize(
    ("outcome", "phase"), [("rejected", Phase.REJECTED), ("failed", Phase.FAILED)]
)
async def test_a_task_that_ends_badly_says_why_and_costs_nothing(
    client: Kling, vendor: kling.Kling, outcome: str, phase: Phase
):
    vendor.fail_next(outcome)
    status = await rendered(client, await client.submit(wanted()), wanted())
    assert status.phase is phase
    assert status.reason
    assert status.cost_micros is None
    assert vendor.bill_micros == 0


async def test_an_unknown_status_is_still_rendering(client: Kling, vendor: kling.Kling):
    remote = await client.submit(wanted())
    vendor.jobs[remote.remote_id].notes["status"] = "upscaling"
    status = await client.poll(remote, wanted())
    assert status.phase is Phase.RENDERING
    assert "upscaling" in status.reason


async def test_a_task_the_vendor_forgot_is_gone(client: Kling, legacy: Kling):
    assert (await client.poll(Remote(remote_id="1"), wanted())).phase is Phase.GONE
    assert (await legacy.poll(Remote(remote_id="1"), wanted())).phase is Phase.GONE


def test_the_documented_answers_are_read():
    assert Created.model_validate(document("created.json")).data.external_id == "job-7f2a"
    task = Tasks.model_validate(document("tasks.json")).data
    assert task is not None
    status = read_task(task[0])
    assert status.result_url == "https://cdn.example/v.mp4"
    assert status.cost_micros == 560_000
    assert status.expires_at == datetime(2026, 7, 10, 8, 41, 34, 151000, UTC)
    legacy = read_legacy(LegacyAnswer.model_validate(document("legacy.json")).data)
    assert (legacy.result_url, legacy.cost_micros) == ("https://cdn.example/v.mp4", 420_000)


def test_a_success_without_a_video_is_no_answer():
    task = Tasks.model_validate(document("tasks.json")).data
    assert task is not None
    with pytest.raises(errors.ProtocolError):
        read_task(task[0].model_copy(update={"outputs": []}))


@pytest.mark.parametrize(
    ("charge", "micros"),
    [
        (
            {"charge_type": "cash", "amount": "0.42", "list_price": "0.5", "currency": "USD"},
            420_000,
        ),
        ({"charge_type": "cash", "amount": "3", "list_price": "3", "currency": "CNY"}, None),
        ({"charge_type": "unit", "amount": "3"}, 420_000),
        ({"charge_type": "unit", "amount": "4", "list_price": "0.56", "currency": "USD"}, 560_000),
        ({"charge_type": "unit", "amount": "3", "list_price": "3", "currency": "CNY"}, 420_000),
        ({"charge_type": "unit", "amount": "0.0000001"}, 1),
        ({"charge_type": "unit", "amount": "NaN"}, None),
        ({"charge_type": "unit", "amount": "-1"}, None),
        ({}, None),
    ],
)
def test_a_charge_is_read_in_dollars_or_not_at_all(charge: Any, micros: int | None):
    assert billed_micros([Billing.model_validate(charge)]) == micros


def test_several_charges_add_up_only_if_all_can_be_read():
    known, unknown = Billing(charge_type="unit", amount="1"), Billing()
    assert billed_micros([known, known]) == 280_000
    assert billed_micros([known, unknown]) is None
    assert billed_micros([]) is None


@given(units=st.none() | st.text() | st.floats() | st.integers(), paid=st.none() | st.text())
def test_no_legacy_figure_breaks_the_books(units: Any, paid: str | None):
    micros = deducted_micros(units, paid)
    assert micros is None or (isinstance(micros, int) and micros >= 0)


def test_the_token_of_the_legacy_generation_is_the_documented_one():
    assert mint_jwt("ak-test", "sk-test", 1_700_000_000) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJpc3MiOiJhay10ZXN0IiwiZXhwIjoxNzAwMDAxODAwLCJuYmYiOjE2OTk5OTk5OTV9."
        "tMljlG8Xy1G8AKj5WkEZRcRIADvbH0FP6wgzpwHAfs4"
    )


async def test_a_key_pair_makes_a_clip_through_the_legacy_api(
    legacy: Kling, vendor: kling.Kling, tmp_path: Path
):
    request = wanted(negative="rain", audio=True)
    remote = await legacy.submit(request)
    assert vendor.asked("submit")[0].path == "/v1/videos/text2video"
    assert vendor.submissions == [
        {
            "model_name": "kling-v3",
            "prompt": request.prompt,
            "mode": "std",
            "sound": "on",
            "duration": "5",
            "external_task_id": "job7-1",
            "negative_prompt": "rain",
            "aspect_ratio": "16:9",
        }
    ]
    status = await rendered(legacy, remote, request)
    assert (status.phase, status.cost_micros) == (Phase.SUCCEEDED, vendor.bill_micros)


async def test_what_only_the_legacy_api_can_say_goes_there_with_the_key_too(
    client: Kling, vendor: kling.Kling
):
    request = wanted(negative="rain")
    vendor.fail_next("drop_after")
    with pytest.raises(errors.SubmissionUnknown):
        await client.submit(request)
    (remote,) = await client.find(request, SENT_AT)
    status = await rendered(client, remote, request)

    assert vendor.submissions[0]["negative_prompt"] == "rain"
    assert (status.phase, status.cost_micros) == (Phase.SUCCEEDED, vendor.bill_micros)
    assert vendor.asked("submit")[0].headers["authorization"] == f"Bearer {KEY}"
    assert {one.path.rpartition("/")[0] for one in vendor.exchanges} == {
        "/v1/videos",
        "/v1/videos/text2video",
    }


async def test_a_model_the_legacy_api_lacks_is_asked_for_without_a_negative_prompt(
    client: Kling, vendor: kling.Kling
):
    await client.submit(wanted(wire_id="kling-3.0-turbo", negative="rain"))
    assert vendor.asked("submit")[0].path == "/text-to-video/kling-3.0-turbo"


async def test_a_key_pair_animates_a_still_too(legacy: Kling, vendor: kling.Kling, tmp_path: Path):
    frames = (
        still(MediaRole.FIRST_FRAME, tmp_path / "a.png"),
        still(MediaRole.LAST_FRAME, tmp_path / "b.png"),
    )
    request = wanted(inputs=frames, resolution="1080p")
    remote = await legacy.submit(request)
    body = vendor.submissions[0]
    assert (body["mode"], base64.b64decode(body["image_tail"])) == ("pro", PICTURE)
    assert (await legacy.find(request, SENT_AT)) == [remote]


async def test_a_lost_legacy_submission_is_adopted_when_resent(legacy: Kling, vendor: kling.Kling):
    vendor.fail_next("drop_after")
    with pytest.raises(errors.SubmissionUnknown):
        await legacy.submit(wanted())
    remote = await legacy.submit(wanted())
    assert [remote.remote_id] == list(vendor.jobs)
    assert (await legacy.poll(remote, wanted())).phase is Phase.QUEUED


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
async def test_a_wrong_clock_here_is_put_right_by_the_vendors(
    legacy: Kling, vendor: kling.Kling, ahead_s: int
):
    vendor.clock_ahead_s = ahead_s
    await legacy.submit(wanted())
    assert len(vendor.asked("submit")) == 2
    assert len(vendor.submissions) == 1


async def test_a_token_is_minted_anew_only_once(legacy: Kling, vendor: kling.Kling):
    vendor.fail_next(1004, times=3)
    with pytest.raises(errors.AuthenticationFailed, match="clock"):
        await legacy.submit(wanted())
    assert len(vendor.asked("submit")) == 2


@pytest.mark.parametrize("dialect", ["v3-omni", "v3-motion"])
async def test_what_the_legacy_api_cannot_do_names_the_variable(
    legacy: Kling, vendor: kling.Kling, dialect: str
):
    assert "KLING_API_KEY" in legacy.refuses(dialect)
    with pytest.raises(errors.InvalidRequest, match="KLING_API_KEY"):
        await legacy.submit(wanted(dialect=dialect))
    assert vendor.exchanges == []


async def test_a_model_the_legacy_api_lacks_names_the_variable(legacy: Kling):
    with pytest.raises(errors.InvalidRequest, match="KLING_API_KEY"):
        await legacy.submit(wanted(wire_id="kling-3.0-turbo"))


@pytest.mark.parametrize("secrets", [{}, {"KLING_ACCESS_KEY": "half"}, {"KLING_API_KEY": ""}])
async def test_without_a_key_every_dialect_says_which_to_set(secrets: dict[str, str]):
    async with httpx.AsyncClient() as http:
        bare = Kling(http, Options(base_url="http://127.0.0.1:1", secrets=secrets))
        assert bare.refuses("v3-text-image") == "set KLING_API_KEY"


async def test_the_free_check_proves_a_key(client: Kling, legacy: Kling, vendor: kling.Kling):
    assert "GET /tasks" in await client.check()
    assert "GET /v1/videos" in await legacy.check()
    vendor.key = "another"
    with pytest.raises(errors.AuthenticationFailed):
        await client.check()
    assert vendor.submissions == []


FAULTS = [400, 401, 429, 500, 1003, 1201, "html-502", "garbage", "drop_after", "reset_before"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["submit", "poll", "find"])
@pytest.mark.parametrize("secrets", [SECRETS, PAIR_SECRETS])
async def test_no_error_carries_a_key(
    vendor: kling.Kling, fault: str | int, call: str, secrets: dict[str, str]
):
    async with httpx.AsyncClient() as http:
        client = Kling(http, Options(base_url=vendor.base_url, secrets=secrets))
        remote = await client.submit(wanted(correlation_id="other"))
        calls = {
            "submit": lambda: client.submit(wanted()),
            "poll": lambda: client.poll(remote, wanted()),
            "find": lambda: client.find(wanted(), SENT_AT),
        }
        for operation in calls:
            vendor.fail_next(fault, on=operation, times=2)
        with pytest.raises(errors.ProviderError) as caught:
            await calls[call]()
    error = caught.value
    told = [
        repr(error),
        str(error),
        repr(error.args),
        error.detail,
        error.body,
        repr(client.options),
    ]
    told = "".join([*told, *traceback.format_exception(error)])
    tokens = [exchange.headers["authorization"][7:] for exchange in vendor.exchanges]
    assert [secret for secret in (*secrets.values(), *tokens) if secret in told] == []
