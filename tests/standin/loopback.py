"""What every stand-in for a vendor shares: a loopback server that records, bills, fails on demand.

A vendor's own file adds the contract: paths, fields, error shapes. Nothing is patched; the client
under test talks to it over a real socket.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Canned:
    """One answer word for word, where the vendor's own error shape has many forms."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Fault = str | int | Canned


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One request as it arrived and what it was answered; status 0: nothing was."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    status: int
    answer: bytes

    @property
    def sent(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def answered(self) -> Any:
        return json.loads(self.answer) if self.answer else None


@dataclass(slots=True, kw_only=True)
class Job:
    """A submission the vendor accepted."""

    id: str
    body: Any
    cost_micros: int
    outcome: str = "succeeded"  # or "failed", "rejected", "cancelled"
    polls: int = 0
    notes: dict[str, Any] = field(default_factory=dict[str, Any])


class Loopback:
    """A vendor on 127.0.0.1, as an async context manager.

    `fail_next(kind, on=...)` scripts the next call of one operation ("submit", "poll", "find",
    "upload", "download", "check"): an HTTP status in the vendor's own error shape, or

    - "": nothing is wrong with this one
    - "drop_after": the request is carried out, then the connection is cut without an answer
    - "reset_before": the connection is cut before anything is done
    - "slow": the answer comes `slow_s` later
    - "garbage": the request is carried out, the answer is not JSON
    - "empty": the request is carried out, the answer is an object of nothing it should say
    - "html-502" (any status): an error page of something in between
    - "lost-502" (any status): the same, after the request was carried out
    - "drip": the answer comes byte by byte, one every `slow_s`
    - "cut": half of the answer, and the connection is gone
    - "half": half of the answer, and nothing says that more was meant
    - "rejected", "failed" (submit only): accepted, and ends so

    or a `Canned` answer. Whatever is wrong echoes the `secrets`, as vendors have done.
    `retry_after`, when set, goes with every 429, `echo` with the reason of every job that fails.
    """

    def __init__(self, *, clip: bytes = b"a clip", key: str = "a-key") -> None:
        self.clip = clip
        self.key = key
        self.polls_until_done = 1
        self.polls_queued = 1
        self.slow_s = 0.05
        self.price_factor = 1.0
        self.retry_after = ""
        self.echo = ""
        self.jobs: dict[str, Job] = {}
        self.exchanges: list[Exchange] = []
        self.calls: Counter[str] = Counter()  # how often each operation was asked, answered or not
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def submissions(self) -> list[Any]:
        """The bodies of every accepted paid call, oldest first."""
        return [job.body for job in self.jobs.values()]

    @property
    def bill_micros(self) -> int:
        """What this vendor charges, by its own documents."""
        return sum(self.charge(job) for job in self.jobs.values())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never come back from where we send it."""
        return (self.key,)

    def charge(self, job: Job) -> int:
        """What one job costs as it ended; a refusal and a failure cost nothing at most."""
        return job.cost_micros if job.outcome == "succeeded" else 0

    def fail_next(self, kind: Fault, *, on: str = "submit", times: int = 1) -> None:
        self._faults[on].extend([kind] * times)

    def forget_faults(self) -> None:
        """What was scripted and has not happened will not."""
        self._faults.clear()

    def asked(self, operation: str) -> list[Exchange]:
        """The exchanges of one operation, oldest first."""
        return [x for x in self.exchanges if self.operation(x.method, x.path, x.query) == operation]

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        """Which of the scripted operations a request is."""
        raise NotImplementedError

    def error(self, kind: int) -> web.Response:
        """The vendor's own error answer for a scripted status or code."""
        raise NotImplementedError

    def accept(self, job_id: str, body: Any, cost_micros: int) -> Job:
        """Book a job; a scripted outcome becomes this job's."""
        job = Job(id=job_id, body=body, cost_micros=round(cost_micros * self.price_factor))
        outcomes = self._faults["outcome"]
        job.outcome = str(outcomes.popleft()) if outcomes else job.outcome
        self.jobs[job_id] = job
        return job

    def step(self, job: Job) -> str:
        """One poll further: "queued", "running", or how the job ends."""
        job.polls += 1
        if job.outcome == "cancelled" or job.polls > self.polls_until_done:
            return job.outcome
        return "queued" if job.polls <= self.polls_queued else "running"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._serve], client_max_size=1 << 28)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        response = await self._answer(request, handler)
        answer = response.body if isinstance(response, web.Response) else None
        self.exchanges.append(
            Exchange(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                status=0 if request.transport is None else response.status,
                answer=answer if isinstance(answer, bytes) else b"",
            )
        )
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        operation = self.operation(request.method, request.path, dict(request.query))
        self.calls[operation] += 1
        faults = self._faults[operation]
        fault = faults.popleft() if faults else ""
        answer = await self._faulty(request, handler, fault)
        if answer.status == 429 and self.retry_after:
            answer.headers["Retry-After"] = self.retry_after
        return answer

    async def _faulty(
        self, request: web.Request, handler: Handler, fault: Fault
    ) -> web.StreamResponse:
        if isinstance(fault, int):
            return self.error(fault)
        if isinstance(fault, Canned):
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        if fault in ("rejected", "failed"):
            self._faults["outcome"].append(fault)
        if fault.startswith("html-"):
            return self._page(fault)
        if fault == "reset_before":
            return _cut(request)
        if fault == "slow":
            await asyncio.sleep(self.slow_s)
        response = await _carried_out(handler, request)
        return await self._spoilt(request, response, fault)

    async def _spoilt(
        self, request: web.Request, response: web.StreamResponse, fault: str
    ) -> web.StreamResponse:
        """The answer as a fault leaves it."""
        match fault:
            case "drop_after":
                return _cut(request)
            case "garbage":
                return web.Response(text=f"<ok {' '.join(self.secrets)}>", status=response.status)
            case "empty":
                echo = {"unheard_of": list(self.secrets)}
                return web.json_response(echo, status=response.status)
            case "drip":
                return await _drip(request, response, self.slow_s)
            case "cut":
                return await _cut_short(request, response)
            case "half":
                content = _content(response)
                return web.Response(body=content[: len(content) // 2], status=response.status)
            case _ if fault.startswith("lost-"):
                return self._page(fault)
            case _:
                return response

    def _page(self, fault: str) -> web.Response:
        page = f"<html>bad gateway; you sent {' '.join(self.secrets)}</html>"
        return web.Response(status=int(fault[5:]), text=page, content_type="text/html")


def _content(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


async def _drip(
    request: web.Request, response: web.StreamResponse, every_s: float
) -> web.StreamResponse:
    """Until whoever asked has had enough."""
    dripping = web.StreamResponse(status=response.status)
    dripping.content_type = response.content_type
    content = _content(response)
    dripping.content_length = len(content)
    await dripping.prepare(request)
    for index in range(len(content)):
        await asyncio.sleep(every_s)
        if request.transport is None:
            break
        with suppress(ConnectionError):
            await dripping.write(content[index : index + 1])
    return dripping


async def _cut_short(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    content = _content(response)
    partial = web.StreamResponse(status=response.status)
    partial.content_length = len(content)
    await partial.prepare(request)
    await partial.write(content[: len(content) // 2])
    if request.transport:
        request.transport.close()
    return partial


async def _carried_out(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return web.Response(status=404, text="no such path")


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)
