"""What goes wrong on purpose, and the pace the server allows.

A fault is a line in a script: the next N requests that match fail that way. Buckets are Discord's
rate limits, off unless a test sets one.
"""

import re
import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from .clock import Clock
from .model import Json

GENEROUS = 1000


class Trouble(StrEnum):
    """How a request may fail other than by a status."""

    RESET = "reset"  # the connection dies before anything happened
    DROP_AFTER = "drop_after"  # it happened, the answer is lost
    SLOW = "slow"  # it happens, after `delay_s`
    STATUS = "status"  # an answer with that status, and nothing happened


@dataclass(eq=False, slots=True)
class Fault:
    """One line of the script; `hits` counts the requests it has met."""

    method: str
    path: re.Pattern[str]
    trouble: Trouble
    times: int
    status: int = 0
    code: int = 0
    retry_after_s: float = 0.3
    delay_s: float = 0.5
    is_global: bool = False
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        wanted = self.method in ("*", method) and self.path.search(path) is not None
        return wanted and self.hits < self.times

    def body(self) -> Json:
        message = _WORDS.get(self.status, f"{self.status}: made to fail")
        if self.status != 429:
            return {"message": message, "code": self.code}
        body: Json = {"message": message, "retry_after": self.retry_after_s}
        return body | {"global": self.is_global, "code": self.code}

    def headers(self) -> dict[str, str]:
        if self.status != 429:
            return {}
        return refused_headers(self.retry_after_s, is_global=self.is_global)


@dataclass(eq=False, slots=True)
class Bucket:
    """`limit` requests per `per_s` seconds on what matches, each channel for itself."""

    method: str
    path: re.Pattern[str]
    limit: int
    per_s: float
    used: dict[str, list[float]] = field(default_factory=dict)

    def take(self, path: str, now: float) -> tuple[int, float]:
        """Requests left after this one (negative: too many) and seconds until the first is free."""
        key = "/".join(path.split("/")[:3])
        recent = [at for at in self.used.get(key, []) if now - at < self.per_s]
        reset_after_s = self.per_s - (now - recent[0]) if recent else self.per_s
        left = self.limit - len(recent) - 1
        self.used[key] = recent if left < 0 else [*recent, now]
        return left, max(reset_after_s, 0.001)


@dataclass(slots=True)
class Faults:
    """The script and the buckets, asked once per request."""

    clock: Clock
    script: list[Fault] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)

    def take(self, method: str, path: str) -> Fault | None:
        for fault in self.script:
            if fault.meets(method, path):
                fault.hits += 1
                return fault
        return None

    def pace(self, method: str, path: str) -> tuple[bool, dict[str, str], float]:
        """Whether the request is too fast, the headers to send, and when to come back."""
        now = self.clock.time()
        for bucket in self.buckets:
            if bucket.method not in ("*", method) or not bucket.path.search(path):
                continue
            left, reset_after_s = bucket.take(path, now)
            headers = {
                "X-RateLimit-Limit": str(bucket.limit),
                "X-RateLimit-Remaining": str(max(left, 0)),
                "X-RateLimit-Reset": f"{now + reset_after_s:.3f}",
                "X-RateLimit-Reset-After": f"{reset_after_s:.3f}",
                "X-RateLimit-Bucket": f"{id(bucket):x}",
            }
            if left < 0:
                headers |= refused_headers(reset_after_s)
            return left < 0, headers, reset_after_s
        return False, _generous(now), 0.0


def refused_headers(retry_after_s: float, *, is_global: bool = False) -> dict[str, str]:
    """What tells a 429 of the API from a ban by the proxy in front of it."""
    headers = {
        "Via": "1.1 google",
        "Retry-After": f"{retry_after_s:.3f}",
        "X-RateLimit-Scope": "global" if is_global else "user",
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset-After": f"{retry_after_s:.3f}",
    }
    return headers | ({"X-RateLimit-Global": "true"} if is_global else {})


def reset(request: web.Request) -> None:
    """Ends the connection as a crash does: RST, not FIN."""
    transport = request.transport
    if transport is None:
        return
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _generous(now: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(GENEROUS),
        "X-RateLimit-Remaining": str(GENEROUS - 1),
        "X-RateLimit-Reset": f"{now + 1:.3f}",
        "X-RateLimit-Reset-After": "1.000",
    }


_WORDS = {
    403: "Missing Permissions",
    404: "404: Not Found",
    413: "Request entity too large",
    429: "You are being rate limited.",
    500: "500: Internal Server Error",
    503: "upstream connect error or disconnect/reset before headers",
}
