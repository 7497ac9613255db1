"""A loopback gateway that speaks the OpenAI `/v1/videos` dialect, by the official document.

Takes a form or JSON and refuses fields and values the document does not know. `stale_lists` hides
all videos from the list for a number of calls, as an eventually consistent one does; `on_submit`
is called with "before" and "after" around the making of a video.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from aiohttp import web

from tests.standin.loopback import Job, Loopback

SIZES = {"1280x720", "720x1280", "1792x1024", "1024x1792", "1920x1080", "1080x1920"}
SECONDS = {"4", "8", "12", "16", "20"}
PRICE_MICROS = 100_000  # per second of sora-2
PRO_MICROS = {  # per second of sora-2-pro, by its shorter side
    720: 300_000,
    1024: 500_000,
    1080: 700_000,
}


class Gateway(Loopback):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.stale_lists = 0
        self.on_submit: Callable[[str], None] | None = None

    @property
    def base_url(self) -> str:
        return f"{super().base_url}/v1"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/videos", self._create),
            web.post("/v1/videos/{use:extensions|edits}", self._from_source),
            web.post("/v1/videos/{id}/{use:remix}", self._from_source),
            web.get("/v1/videos", self._list),
            web.get("/v1/videos/{id}", self._get),
            web.get("/v1/videos/{id}/content", self._content),
        ]

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        if method == "POST":
            return "submit"
        if path.endswith("/content"):
            return "download"
        return "find" if path == "/v1/videos" else "poll"

    def error(self, kind: int) -> web.Response:
        return self._refusal(kind, f"scripted; your key is {self.key}")

    def _refusal(self, status: int, message: str) -> web.Response:
        error = {"message": message, "type": "error", "param": None, "code": None}
        return web.json_response({"error": error}, status=status)

    async def _create(self, request: web.Request) -> web.Response:
        if self.on_submit:
            self.on_submit("before")
        if not self._is_keyed(request):
            return self._refusal(401, "Incorrect API key provided")
        fields, image = await _read(request)
        if problem := _problem(fields):
            return self._refusal(400, problem)
        cost = int(fields.get("seconds", "4")) * _price_micros(fields)
        job = self.accept(f"video_{len(self.jobs) + 1:04d}", fields, cost)
        job.notes |= {"created_at": int(time.time()), "input_reference": image}
        if self.on_submit:
            self.on_submit("after")
        return web.json_response(self._video(job, "queued"))

    async def _from_source(self, request: web.Request) -> web.Response:
        """Extend, edit or remix: a video of this server's, or one that comes along."""
        if not self._is_keyed(request):
            return self._refusal(401, "Incorrect API key provided")
        use = request.match_info["use"]
        fields, upload = await _read(request)
        named = fields.get("video", {}).get("id", "")
        source = self.jobs.get(request.match_info.get("id") or named)
        if source is None and (upload is None or use == "remix"):
            return self._refusal(404, "Video not found")
        known = {"prompt", "video"} | ({"seconds"} if use == "extensions" else set())
        if unknown := set(fields) - (known if use != "remix" else {"prompt"}):
            return self._refusal(400, f"Unknown parameter: {sorted(unknown)[0]}")
        if use == "extensions" and fields.get("seconds") not in SECONDS:
            return self._refusal(400, "Invalid value for seconds")
        like = source.body if source else {"model": "sora-2", "size": "1280x720", "seconds": "4"}
        seconds = int(fields.get("seconds", "0")) + int(like["seconds"])
        body = {**like, "prompt": fields["prompt"], "seconds": str(seconds)}
        job = self.accept(f"video_{len(self.jobs) + 1:04d}", body, seconds * PRICE_MICROS)
        remixed_from = source.id if source and use == "remix" else None
        job.notes |= {"created_at": int(time.time()), "upload": upload, "from": remixed_from}
        return web.json_response(self._video(job, "queued"))

    async def _list(self, request: web.Request) -> web.Response:
        if not self._is_keyed(request):
            return self._refusal(401, "Incorrect API key provided")
        jobs = list(reversed(self.jobs.values()))
        if self.stale_lists:
            self.stale_lists -= 1
            jobs = []
        limit = int(request.query.get("limit", "20"))
        ids = [job.id for job in jobs]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = jobs[start : start + limit]
        return web.json_response(
            {
                "object": "list",
                "data": [self._video(job, _state(job, self.polls_until_done)) for job in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": start + limit < len(jobs),
            }
        )

    async def _get(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None or not self._is_keyed(request):
            return self._refusal(404, "Video not found")
        self.step(job)
        return web.json_response(self._video(job, _state(job, self.polls_until_done)))

    async def _content(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None or not self._is_keyed(request):
            return self._refusal(404, "Video not found")
        return web.Response(body=self.clip, content_type="video/mp4")

    def _video(self, job: Job, state: str) -> dict[str, Any]:
        """The Video object with every key the document requires."""
        created_at, ended = job.notes["created_at"], state in ("completed", "failed")
        errors = {
            "rejected": {
                "code": "moderation_blocked",
                "message": "blocked by our moderation system" + self.echo,
            },
            "failed": {"code": "processing_error", "message": "please try again" + self.echo},
        }
        return {
            "id": job.id,
            "object": "video",
            "model": job.body["model"],
            "status": state,
            "progress": 100 if ended else min(99, job.polls * 30),
            "created_at": created_at,
            "completed_at": created_at + 1 if ended else None,
            "expires_at": created_at + 3600 if ended else None,
            "prompt": job.body["prompt"],
            "size": job.body["size"],
            "seconds": job.body["seconds"],
            "remixed_from_video_id": job.notes.get("from"),
            "error": errors.get(job.outcome) if state == "failed" else None,
        }

    def _is_keyed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.key}"


def _state(job: Job, polls_until_done: int) -> str:
    if job.polls > polls_until_done:
        return "completed" if job.outcome == "succeeded" else "failed"
    return "in_progress" if job.polls else "queued"


async def _read(request: web.Request) -> tuple[dict[str, Any], bytes | None]:
    """Fields and first frame; the body was read whole before, so the form is taken apart here."""
    if request.content_type == "application/json":
        return await request.json(), None
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = message_from_bytes(head + await request.read(), policy=HTTP)
    fields: dict[str, Any] = {}
    image = None
    for part in form.iter_parts():
        name = part.get_param("name", header="Content-Disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            image = content
        else:
            fields[str(name)] = content.decode()
    return fields, image


def _price_micros(fields: Mapping[str, str]) -> int:
    """Of a second, by the published list."""
    if fields.get("model") != "sora-2-pro":
        return PRICE_MICROS
    shorter = min(int(side) for side in fields.get("size", "720x1280").split("x"))
    return PRO_MICROS[shorter]


def _problem(fields: Mapping[str, Any]) -> str:
    if unknown := set(fields) - {"model", "prompt", "seconds", "size", "input_reference"}:
        return f"Unknown parameter: {sorted(unknown)[0]}"
    if not 1 <= len(fields.get("prompt", "")) <= 32_000:
        return "prompt: 1 to 32000 characters"
    if fields.get("seconds", "4") not in SECONDS or fields.get("size", "720x1280") not in SIZES:
        return "Invalid value for seconds or size"
    return ""
