"""Kling's own API: one client, two generations.

With `KLING_API_KEY` it speaks the new generation (a path per model, `settings`, `options`), and the
legacy `/v1` one for what only that can say, a negative prompt; with only the AK/SK pair always the
legacy one, which knows no more than text and image here. Every answer is an envelope whose `code`
decides, whatever the HTTP status. `external_task_id` is unique in the account, so a lost submission
can be looked up by it and a resent one is refused, never made twice.

Not sent, because neither generation has such a field: a seed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from providers._data_uri import data_uri
from providers._http import call, parse
from providers._kling_answers import (
    GONE,
    KEPT,
    Created,
    LegacyAnswer,
    LegacyTask,
    StaleToken,
    Task,
    Tasks,
    is_duplicate,
    read_error,
    read_legacy,
    read_task,
)
from providers._kling_dialects import LEGACY, NEW, VIDEOS, Encoded, legacy_kind, needs_legacy
from providers._trust import redacted
from providers.base import Facts, ImageRules, Provider, Remote, Status, VideoRequest
from providers.errors import (
    AuthenticationFailed,
    InvalidRequest,
    ProviderError,
    RouteGone,
    SubmissionUnknown,
)

__all__ = ["Kling", "mint_jwt"]

Answer = TypeVar("Answer", bound=BaseModel)

_KEY: Final = "KLING_API_KEY"
_PAIR: Final = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")
_NEEDS_KEY: Final = f"needs {_KEY}: the access/secret pair opens only Kling's legacy API"
_TASKS: Final = "tasks"  # `handle["kind"]` of the new generation; the legacy path otherwise
_JWT_LIFE_S: Final = 1800
_IMAGES: Final = ImageRules(
    min_side=300,
    max_bytes=50_000_000,
    ratios=(0.4, 2.5),
    source="kling.ai/document-api: 50 MB, 300 px, 1:2.5 to 2.5:1",
)
_LEGACY_IMAGES: Final = replace(_IMAGES, max_bytes=10_000_000, source="the same for /v1: 10 MB")


class Kling(Provider):
    """`KLING_API_KEY`, or `KLING_ACCESS_KEY` with `KLING_SECRET_KEY`; `KLING_BASE_URL`."""

    id: ClassVar[str] = "kling"
    facts: ClassVar[Facts] = Facts(
        resend_safe=True,
        findable=True,
        cancellable=False,
        cancel_saves=False,
        poll_floor_s=2.0,  # queries are free and uncounted; no floor is documented
        find_after_s=10.0,
        result_ttl_s=int(KEPT.total_seconds()),
        deadline_s=1800,
        concurrency=4,  # the package's figure is visible in the console only
        per_minute=60,
        video_by_url_only=True,
        keys=(_KEY, *_PAIR),
        source="kling.ai/document-api, captured 2026-09-20",
        verified="2026-11-23",
    )

    def refuses(self, dialect: str) -> str:
        """Why this dialect cannot be used with the keys at hand; empty if it can."""
        secrets = self.options.secrets
        if dialect not in NEW:
            return f"Kling has no dialect {dialect!r}"
        if secrets.get(_KEY):
            return ""
        if not all(secrets.get(name) for name in _PAIR):
            return f"set {_KEY}"
        return "" if dialect in LEGACY else _NEEDS_KEY

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        """The smaller file where a request may need the legacy generation."""
        return _LEGACY_IMAGES if self._is_legacy or dialect in LEGACY else _IMAGES

    async def submit(self, request: VideoRequest) -> Remote:
        """The create call. A refusal that may be about our own earlier one is looked up first."""
        if reason := self.refuses(request.dialect):
            raise InvalidRequest(reason)
        legacy = self._is_legacy_for(request)
        dialects = LEGACY if legacy else NEW
        path, body = dialects[request.dialect](request, await _encoded(request))
        try:
            answer = await self._call("POST", path, paid=True, json=body)
        except InvalidRequest as refused:
            return await self._adopt(request, refused)
        if legacy:
            return _legacy_remote(self._read(LegacyAnswer, answer, paid=True).data, request)
        return _remote(self._read(Created, answer, paid=True).data)

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        default = legacy_kind(request) if self._is_legacy_for(request) else _TASKS
        kind = remote.handle.get("kind", default)
        if kind == _TASKS:
            found = await self._tasks("task_ids", remote.remote_id)
            task = next((task for task in found if task.id == remote.remote_id), None)
            return read_task(task) if task else GONE
        legacy = await self._legacy_task(kind, remote.remote_id)
        return read_legacy(legacy) if legacy else GONE

    async def find(self, request: VideoRequest, sent_at: datetime) -> list[Remote]:
        """By `external_task_id`, which is ours and unique in the account."""
        if self._is_legacy_for(request):
            legacy = await self._legacy_task(legacy_kind(request), request.correlation_id)
            return [_legacy_remote(legacy, request)] if legacy else []
        tasks = await self._tasks("external_task_ids", request.correlation_id)
        return [_remote(task) for task in tasks if task.external_id == request.correlation_id]

    async def check(self) -> str:
        """Asks for one task: queries are free, and only a good key may."""
        if self._is_legacy:
            await self._call(
                "GET", "/v1/videos/text2video", params={"pageNum": "1", "pageSize": "1"}
            )
            return "listed the newest task (GET /v1/videos/text2video)"
        await self._tasks("task_ids", "0")
        return "looked up a task that is not there (GET /tasks)"

    @property
    def _is_legacy(self) -> bool:
        return not self.options.secrets.get(_KEY)

    def _is_legacy_for(self, request: VideoRequest) -> bool:
        return self._is_legacy or needs_legacy(request)

    async def _adopt(self, request: VideoRequest, refused: InvalidRequest) -> Remote:
        """The job a refused duplicate stands for; else what the refusal really was."""
        try:
            known = await self.find(request, datetime.now(UTC))
        except ProviderError as lost:
            raise SubmissionUnknown(
                f"refused ({refused.detail}); whether as a duplicate could not be looked up",
                status=refused.status,
                body=refused.body,
            ) from lost
        if known:
            return known[0]
        if is_duplicate(refused):
            raise SubmissionUnknown(
                f"refused as a duplicate ({refused.detail}), and the first is not listed yet",
                status=refused.status,
                body=refused.body,
            )
        raise refused

    async def _tasks(self, key: str, value: str) -> list[Task]:
        try:
            answer = await self._call("GET", "/tasks", params={key: value})
        except RouteGone:
            return []
        return self._read(Tasks, answer).data or []

    async def _legacy_task(self, kind: str, task_id: str) -> LegacyTask | None:
        """Looked up by the vendor's id or by ours; the path takes either."""
        try:
            answer = await self._call("GET", f"/v1/videos/{kind}/{quote(task_id, safe='')}")
        except RouteGone:
            return None
        return self._read(LegacyAnswer, answer).data

    async def _call(
        self,
        method: str,
        path: str,
        *,
        paid: bool = False,
        params: Mapping[str, str] | None = None,
        json: object | None = None,
    ) -> Any:
        """One call; a token the vendor's clock refuses is minted anew by that clock, once.

        Sending again is safe then: the refusal is definite, nothing was accepted.
        """
        try:
            return await self._send(method, path, self._token(None), paid, params, json)
        except StaleToken as stale:
            if not self._is_legacy:
                raise
            token = self._token(stale.vendor_now)
        return await self._send(method, path, token, paid, params, json)

    async def _send(
        self,
        method: str,
        path: str,
        token: str,
        paid: bool,
        params: Mapping[str, str] | None,
        json: object | None,
    ) -> Any:
        with redacted([token, *self.options.secrets.values()]):
            return await call(
                self.http,
                method,
                f"{self.options.base_url}{path}",
                paid=paid,
                refine=lambda response: read_error(response, paid=paid),
                headers={"Authorization": f"Bearer {token}"},
                params=params,
                json=json,
            )

    def _read(self, model: type[Answer], answer: object, *, paid: bool = False) -> Answer:
        with redacted(self.options.secrets.values()):
            return parse(model, answer, paid=paid)

    def _token(self, now: int | None) -> str:
        secrets = self.options.secrets
        if key := secrets.get(_KEY):
            return key
        access, secret = (secrets.get(name, "") for name in _PAIR)
        if not access or not secret:
            raise AuthenticationFailed(f"set {_KEY}")
        return mint_jwt(access, secret, int(time.time()) if now is None else now)


def mint_jwt(access_key: str, secret_key: str, now: int) -> str:
    """The HS256 token of the legacy generation, valid for half an hour (`now` in epoch seconds)."""
    claims = {"iss": access_key, "exp": now + _JWT_LIFE_S, "nbf": now - 5}
    signed = b".".join(_segment(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.digest(secret_key.encode(), signed, hashlib.sha256)
    return b".".join((signed, _base64url(signature))).decode()


def _segment(value: object) -> bytes:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


async def _encoded(request: VideoRequest) -> Encoded:
    """Each still as the vendor takes it: its URL, or the bare base64 of its file."""
    stills = [media for media in request.inputs if media.role not in VIDEOS]
    return {still: still.url or (await data_uri(still)).partition(",")[2] for still in stills}


def _remote(task: Task) -> Remote:
    return Remote(remote_id=task.id, handle={"kind": _TASKS})


def _legacy_remote(task: LegacyTask, request: VideoRequest) -> Remote:
    return Remote(remote_id=task.task_id, handle={"kind": legacy_kind(request)})
