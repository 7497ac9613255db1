"""What headers and moments of an answer mean, however garbled: nothing of them may raise."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers._http import http_date, moment, retry_after_s
from providers._kling_answers import read_error
from providers.errors import AuthenticationFailed, RateLimited
from providers.ltx import Job
from providers.openai import Video, read_video
from providers.replicate import Prediction

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "2500", "retry-after": "60"}, 2.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000"}, 30),  # a date without a zone
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after": "Wed, 99999999999999999999 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_in_every_form_or_not_at_all(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(httpx.Headers(headers), NOON) == seconds


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=40))
def test_no_header_breaks_the_reading(text: str) -> None:
    found = retry_after_s(httpx.Headers({"retry-after": text}), NOON)
    assert found is None or 0 <= found < float("inf")
    date = http_date(text)
    assert date is None or date.tzinfo is not None


@given(st.floats() | st.integers() | st.none())
def test_no_number_of_seconds_breaks_the_reading(value: float | None) -> None:
    found = moment(value)
    assert found is None or found.tzinfo is UTC


def test_a_clock_nobody_can_read_leaves_a_stale_token_one() -> None:
    body = {"code": 1004, "message": "expired"}
    for date in ("", "yesterday", "Wed, 99999999999999999999 Oct 2015 07:28:00 GMT"):
        error = read_error(httpx.Response(401, json=body, headers={"Date": date}), paid=True)
        assert isinstance(error, AuthenticationFailed)


def test_a_rate_limit_with_a_garbled_wait_is_one() -> None:
    headers = {"Retry-After": "Mon, 23 Nov 2026 12:00:30 -0000"}
    error = read_error(httpx.Response(429, json={"code": 1302}, headers=headers), paid=True)
    assert isinstance(error, RateLimited)


@pytest.mark.parametrize("garbled", [1_790_000_000_000, "yesterday", -1, [], {"at": 1}, True])
def test_a_garbled_moment_does_not_hide_a_clip_that_is_paid(garbled: object) -> None:
    video = Video.model_validate(
        {"id": "v", "status": "completed", "created_at": garbled, "expires_at": garbled}
    )
    assert read_video(video).progress == 1.0
    job = {"id": "j", "status": "completed", "result": {"video_url": "u"}, "completed_at": garbled}
    assert Job.model_validate(job).result == {"video_url": "u"}
    for name in ("created_at", "started_at", "completed_at"):
        prediction = {"id": "p", "status": "succeeded", "output": "u", name: garbled}
        assert Prediction.model_validate(prediction).output == "u"


def test_what_must_be_readable_must_be() -> None:
    with pytest.raises(ValidationError):
        Video.model_validate({"id": "v"})
