"""Takes requests off the wire: reads them whole, applies the fault script, finds the route,
holds question and answer against the contract, and writes the answer down.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from tests.standin.openapi import Violation

from . import directory, interactions, messages, threads
from .calls import Answer, Call, Handler, Routes
from .errors import NOT_FOUND, UNAUTHORIZED, ApiError
from .faults import Fault, Trouble, refused_headers, reset
from .model import Upload
from .payloads import signature

if TYPE_CHECKING:
    from .server import Discord

API = "/api/v10"
ROUTES: Routes = {**directory.ROUTES, **messages.ROUTES, **threads.ROUTES, **interactions.ROUTES}
WITHOUT_BOT_TOKEN = ("/interactions/", "/webhooks/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A line of the log."""

    at: float
    method: str
    path: str
    template: str
    query: Mapping[str, str]
    body: Any
    files: tuple[tuple[str, int], ...]
    status: int
    code: int | None
    trouble: Trouble | None = None


async def serve(discord: "Discord", request: web.Request) -> web.StreamResponse:
    """One REST request from first to last byte."""
    path = request.path.removeprefix(API)
    fault = discord.faults.take(request.method, path)
    if fault is not None and fault.trouble is Trouble.RESET:
        reset(request)
        return web.Response()
    body, files = await read(request)
    if fault is not None and fault.trouble is Trouble.SLOW:
        await asyncio.sleep(fault.delay_s)
    template, params, handler = find_route(discord, request.method, path)
    call = Call(
        discord=discord,
        method=request.method,
        template=template,
        params=params,
        query=dict(request.query),
        body=body,
        files=files,
    )
    answer, headers = _answer(call, path, request.headers.get("Authorization"), handler, fault)
    _record(call, path, answer, fault)
    if fault is not None and fault.trouble is Trouble.DROP_AFTER:
        reset(request)
        return web.Response()
    return _response(answer, headers)


def _answer(
    call: Call, path: str, token: str | None, handler: Handler | None, fault: Fault | None
) -> tuple[Answer, dict[str, str]]:
    if fault is not None and fault.trouble is Trouble.STATUS:
        return Answer(fault.status, fault.body()), fault.headers()
    too_fast, headers, retry_after_s = call.discord.faults.pace(call.method, path)
    if too_fast:
        words = {"message": "You are being rate limited.", "code": 0}
        return Answer(429, words | {"retry_after": retry_after_s, "global": False}), headers
    try:
        if not path.startswith(WITHOUT_BOT_TOKEN) and token != f"Bot {call.discord.token}":
            raise ApiError(*UNAUTHORIZED)
        if handler is None:
            raise ApiError(*NOT_FOUND)
        _check_request(call)
        return handler(call), headers
    except ApiError as error:
        if error.status == 429:
            headers |= refused_headers(error.body["retry_after"])
        return Answer(error.status, error.body), headers


def find_route(
    discord: "Discord", method: str, path: str
) -> tuple[str, dict[str, str], Handler | None]:
    """The route served here, else the documented one, else the path itself."""
    for template, handler in _BY_METHOD.get(method, ()):
        found = _PATTERNS[template].fullmatch(path)
        if found is not None:
            return template, found.groupdict(), handler
    contract = discord.contract
    template = (contract.template(method, path) if contract else None) or path
    documented = template != path
    words = "is documented but not served here" if documented else "is no route of Discord"
    who = "stand-in" if documented else "client"
    discord.violations.append(
        Violation(who=who, method=method, path=template, where="route", message=words)
    )
    return template, {}, None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


_PATTERNS = {template: _pattern(template) for _, template in ROUTES}
_BY_METHOD: Mapping[str, list[tuple[str, Handler]]] = {
    method: sorted(
        ((template, handler) for (verb, template), handler in ROUTES.items() if verb == method),
        key=lambda route: route[0].count("{"),
    )
    for method, _ in ROUTES
}


async def read(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    """The JSON and the files, whichever way they came."""
    files: dict[int, Upload] = {}
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return (json.loads(raw) if raw else None), files
    body: Any = None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        raw, name = bytes(await part.read()), part.name or ""
        number = re.fullmatch(r"files\[(\d+)\]", name)
        if name == "payload_json":
            body = json.loads(raw)
        elif number is not None:
            files[int(number[1])] = Upload(filename=part.filename or "file", data=raw)
    return body, files


def _check_request(call: Call) -> None:
    contract = call.discord.contract
    if contract is not None:
        found = contract.request(call.method, call.template, call.body)
        call.discord.violations.extend(found)


def _record(call: Call, path: str, answer: Answer, fault: Fault | None) -> None:
    discord, body = call.discord, answer.body
    contract = discord.contract
    if contract is not None and contract.knows(call.method, call.template):
        found = contract.response(call.method, call.template, answer.status, body)
        discord.violations.extend(found)
    code: int | None = body.get("code") if answer.status >= 400 else None
    discord.requests.append(
        Request(
            at=discord.clock.time(),
            method=call.method,
            path=path,
            template=call.template,
            query=call.query,
            body=call.body,
            files=tuple((file.filename, len(file.data)) for file in call.files.values()),
            status=answer.status,
            code=code,
            trouble=fault.trouble if fault else None,
        )
    )
    discord.changes.touch()


def _response(answer: Answer, headers: dict[str, str]) -> web.Response:
    """JSON under exactly `application/json`: the client takes anything else for text."""
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    typed = headers | {"Content-Type": "application/json"}
    return web.Response(status=answer.status, body=body, headers=typed)


async def serve_file(discord: "Discord", request: web.Request) -> web.StreamResponse:
    """A stored file under its signed address, for a day."""
    fault = discord.faults.take(request.method, request.path)
    if fault is not None and fault.trouble is Trouble.RESET:
        reset(request)
        return web.Response()
    if fault is not None and fault.trouble is Trouble.STATUS:
        return web.Response(status=fault.status)
    if fault is not None:
        await asyncio.sleep(fault.delay_s)
    file = discord.world.files.get(int(request.match_info["attachment"]))
    expires = request.query.get("ex", "0")
    signed = file is not None and request.query.get("hm") == signature(file.id, expires)
    if file is None or not signed or int(expires, 16) < discord.clock.time():
        return web.Response(status=404, text="This content is no longer available.")
    return web.Response(body=file.data, headers={"Content-Type": file.content_type})
