"""What the loopback vendors share: a real socket, a key, a record of requests, scripted faults.

A vendor answers by its contract and refuses what its contract does not know. `fail_next` makes the
next call of a kind go wrong: an HTTP status, or one of the words in `Fault`. Every scripted error
echoes the credentials it was sent, as real vendors have done, so that a test sees them leak.
"""

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import web
from jsonschema import Draft202012Validator

DATA = Path(__file__).parents[1] / "providers" / "data"
CLIP = b"\x00\x00\x00\x18ftypisom" + b"a clip of this test"


class Fault(StrEnum):
    RESET_BEFORE = "reset_before"  # the connection is cut, nothing has happened
    DROP_AFTER = "drop_after"  # the job is made, then the connection is cut
    GARBAGE = "garbage"  # the job is made, the answer is a page of HTML
    EMPTY = "empty"  # the job is made, the answer is an empty object
    REDIRECT = "redirect"  # the call is sent elsewhere


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"  # refused for its content
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One request as it arrived."""

    operation: str
    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True, slots=True)
class Submission:
    """One job somebody pays for, and how far it is."""

    remote_id: str
    path: str
    headers: Mapping[str, str]
    body: Any
    outcome: Outcome
    polls: int = 0
    cancelled: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Vendor:
    """One vendor on a loopback port, for the time of an `async with`."""

    scheme: ClassVar[str] = "Bearer"
    prefix: ClassVar[str] = ""  # part of the base URL
    open_to_all: ClassVar[frozenset[str]] = frozenset({"clip", "store"})  # calls without a key

    def __init__(
        self,
        *,
        clip: bytes = CLIP,
        key: str = "key-of-this-test",
        outcome: Outcome | str = Outcome.SUCCEEDED,
        polls: int = 1,
    ) -> None:
        self.clip = clip
        self.key = key
        self.outcome = Outcome(outcome)  # of the submissions to come
        self.polls = polls  # unfinished answers before a job has ended
        self.requests: list[Seen] = []
        self.submissions: list[Submission] = []
        self.origin = ""
        self._faults: dict[str, deque[Fault | int]] = defaultdict(deque)

    @property
    def base_url(self) -> str:
        return self.origin + self.prefix

    def fail_next(self, kind: Fault | int | str, *, on: str = "submit", times: int = 1) -> None:
        """Let the next `times` calls of a kind fail, with a status or one of the `Fault` words."""
        fault = kind if isinstance(kind, int) else Fault(kind)
        self._faults[on].extend([fault] * times)

    def seen(self, operation: str) -> list[Seen]:
        return [seen for seen in self.requests if seen.operation == operation]

    def submission(self, remote_id: str) -> Submission | None:
        return next((one for one in self.submissions if one.remote_id == remote_id), None)

    def routes(self) -> list[web.RouteDef]:
        """The vendor's calls; a route's `name` is its operation."""
        raise NotImplementedError

    def error(self, status: int, text: str) -> web.Response:
        """An error in the vendor's own shape."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._around], client_max_size=64 * 2**20)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        operation = request.match_info.route.name or "unknown"
        self.requests.append(
            Seen(
                operation=operation,
                method=request.method,
                path=request.path_qs,
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        faults = self._faults[operation]
        fault = faults.popleft() if faults else None
        if isinstance(fault, int):
            return self.error(fault, f"scripted; you sent {request.headers.get('Authorization')}")
        if fault is Fault.RESET_BEFORE:
            return _cut(request)
        if operation not in self.open_to_all and not self._is_keyed(request):
            return self.error(401, f"bad credentials {request.headers.get('Authorization')}")
        answer = await handler(request)
        match fault:
            case Fault.DROP_AFTER:
                return _cut(request)
            case Fault.GARBAGE:
                return web.Response(text="<html>busy</html>", content_type="text/html")
            case Fault.EMPTY:
                return web.json_response({})
            case Fault.REDIRECT:
                return web.Response(status=307, headers={"Location": f"{self.origin}/elsewhere"})
            case _:
                return answer

    def _is_keyed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"{self.scheme} {self.key}"

    def serve_clip(self, request: web.Request, *, keyed: bool) -> web.Response:
        """The finished file; `keyed` says whether the key belongs there, else it must stay away."""
        if ("Authorization" in request.headers) is not keyed:
            return self.error(403, "wrong credentials for a file")
        return web.Response(body=self.clip, content_type="video/mp4")


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def problems(schema: Mapping[str, Any], body: Any) -> list[dict[str, Any]]:
    """Where a body is not what the schema says: path and message."""
    found = Draft202012Validator(schema).iter_errors(body)
    return [{"path": list(error.absolute_path), "message": error.message[:300]} for error in found]
