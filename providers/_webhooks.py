"""Is a callback really from the vendor: the Standard Webhooks signature (Kling, OpenAI, Replicate).

Pure; whoever receives the callback keeps the raw body, because one changed byte is another message.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

__all__ = ["verify_standard"]

_TOLERANCE_S: Final = 300


def verify_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether one of the listed signatures is of exactly this body, sent within five minutes.

    `secret` is as the vendor shows it, `whsec_` and base64. Raises `ValueError` where it is not:
    an empty key would let anybody sign.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:
        raise ValueError("the webhook secret is empty")
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not _is_recent(sent_at, now):
        return False
    signed = b".".join((_bytes(message_id), sent_at.encode(), body))
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    listed = given.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, _bytes(one)) for one in listed)


def _is_recent(sent_at: str, now: datetime) -> bool:
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        return False
    return abs(now.timestamp() - int(sent_at)) <= _TOLERANCE_S


def _bytes(header: str) -> bytes:
    """A header as it came over the wire; servers decode stray bytes as surrogates."""
    return header.encode("utf-8", "surrogateescape")
