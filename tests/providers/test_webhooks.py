from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._webhooks import verify_standard

# The vendor's own test vector (kling.ai document-api, callback page).
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
HEADERS = {
    "Webhook-Id": "9876543210",
    "Webhook-Timestamp": "1781080794",
    "Webhook-Signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
THEN = datetime.fromtimestamp(1781080794, UTC)


def test_the_vendors_vector_is_genuine():
    assert verify_standard(SECRET, HEADERS, BODY, THEN)


def test_one_good_signature_among_several_is_enough_while_a_secret_rotates():
    signatures = "v1,bm90IHRoaXMgb25l v2,whatever " + HEADERS["Webhook-Signature"]
    assert verify_standard(SECRET, HEADERS | {"Webhook-Signature": signatures}, BODY, THEN)


@given(at=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_any_other_body_is_not(at: int, flip: int):
    other = BODY[:at] + bytes([BODY[at] ^ flip]) + BODY[at + 1 :]
    assert not verify_standard(SECRET, HEADERS, other, THEN)


@pytest.mark.parametrize(
    ("late_s", "genuine"), [(300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_replayed_callback_is_not(late_s: int, genuine: bool):
    now = THEN + timedelta(seconds=late_s)
    assert verify_standard(SECRET, HEADERS, BODY, now) is genuine


@given(name=st.sampled_from(sorted(HEADERS)), value=st.text(max_size=40))
def test_other_headers_are_not_and_do_not_break(name: str, value: str):
    changed = HEADERS | {name: value}
    assert verify_standard(SECRET, changed, BODY, THEN) is (changed == HEADERS)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_missing_header_is_not(name: str):
    fewer = {key: value for key, value in HEADERS.items() if key != name}
    assert not verify_standard(SECRET, fewer, BODY, THEN)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!"])
def test_a_secret_that_is_none_is_an_error(secret: str):
    with pytest.raises(ValueError):
        verify_standard(secret, HEADERS, BODY, THEN)
