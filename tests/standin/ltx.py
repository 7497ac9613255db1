"""A loopback LTX, API version 2: jobs, the upload slot and its storage.

Field tables are those of the vendor's OpenAPI document plus the 2.5 models its documentation names;
a field it does not know is refused as `invalid_request_error`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.standin.loopback import Handler, Job, Loopback

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_funds_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "content_filtered_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "service_unavailable",
    529: "overloaded_error",
}
PER_S = {  # micro-USD by height; sound is included
    "ltx-2-3-fast": {720: 30_000, 1080: 60_000, 1440: 120_000, 2160: 240_000},
    "ltx-2-3-pro": {720: 40_000, 1080: 80_000, 1440: 160_000, 2160: 320_000},
    "ltx-2-5-fast": {720: 90_000, 1080: 130_000, 1440: 190_000, 2160: 300_000},
    "ltx-2-5-pro": {720: 120_000, 1080: 170_000, 1440: 250_000, 2160: 390_000},
}
EDIT_PER_S = 100_000
SIZES = ["1280x720", "1920x1080", "2560x1440", "3840x2160"]
SIZES += ["x".join(reversed(size.split("x"))) for size in SIZES]
INLINE_BYTES = {"image": 7_000_000, "video": 15_000_000}

TEXT = {"type": "string", "minLength": 1}
GENERATE = {
    "prompt": TEXT,
    "model": {"enum": list(PER_S)},
    "duration": {"enum": [2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20]},
    "resolution": {"enum": SIZES},
    "fps": {"enum": [24, 25, 48, 50]},
    "generate_audio": {"type": "boolean"},
    "camera_motion": {"type": "string"},
}
EDIT = {"video_uri": TEXT, "prompt": TEXT, "model": {"const": "ltx-2-3-pro"}}
BODIES: Mapping[str, tuple[Mapping[str, Any], list[str]]] = {
    "text-to-video": (GENERATE, ["prompt", "model", "duration", "resolution"]),
    "image-to-video": (
        {**GENERATE, "image_uri": TEXT, "last_frame_uri": TEXT},
        ["image_uri", "prompt", "model", "duration", "resolution"],
    ),
    "extend": (
        {
            **EDIT,
            "duration": {"type": "number", "minimum": 2, "maximum": 20},
            "mode": {"enum": ["start", "end"]},
            "context": {"type": "number", "maximum": 20},
        },
        ["video_uri", "duration"],
    ),
    "retake": (
        {
            **EDIT,
            "start_time": {"type": "number", "minimum": 0},
            "duration": {"type": "number", "minimum": 2},
            "mode": {"enum": ["replace_audio", "replace_video", "replace_audio_and_video"]},
            "resolution": {"enum": ["1920x1080", "1080x1920"]},
        },
        ["video_uri", "start_time", "duration"],
    ),
}


class LTX(Loopback):
    """`retry_after` goes with every 429; `stored` holds what was uploaded."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.retry_after = "7"
        self.stored: dict[str, bytes] = {}
        self.foreign_storage = ""  # an upload address somewhere else

    def routes(self) -> list[web.RouteDef]:
        kinds = "|".join(BODIES)
        return [
            web.post(f"/v2/{{kind:{kinds}}}", self._keyed(self._submit)),
            web.get(f"/v2/{{kind:{kinds}}}/{{id}}", self._keyed(self._poll)),
            web.post("/v1/upload", self._keyed(self._slot)),
            web.put("/storage/{name}", self._store),
            web.get("/results/{id}.mp4", self._clip),
        ]

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        if path.startswith(("/storage/", "/results/")):
            return "store" if method == "PUT" else "download"
        if path == "/v1/upload":
            return "upload"
        return "submit" if method == "POST" else "poll"

    def error(self, kind: int) -> web.Response:
        return self.refuse(kind, f"scripted; your key is {self.key}")

    def refuse(self, status: int, text: str, kind: str = "") -> web.Response:
        error = {"type": kind or TYPES.get(status, "api_error"), "message": text}
        headers = {"x-request-id": "r-1"}
        return web.json_response({"type": "error", "error": error}, status=status, headers=headers)

    def _keyed(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {self.key}":
                return self.refuse(401, f"bad key {request.headers.get('Authorization')}")
            return await handler(request)

        return guarded

    async def _submit(self, request: web.Request) -> web.Response:
        body, kind = await request.json(), request.match_info["kind"]
        fields, required = BODIES[kind]
        schema = {"type": "object", "properties": fields, "required": required}
        schema["additionalProperties"] = False
        found = [error.message for error in Draft202012Validator(schema).iter_errors(body)]
        found += [problem for name in body if (problem := self._media(name, str(body[name])))]
        if found:
            return self.refuse(400, "; ".join(found)[:500])
        job = self.accept(f"job_{len(self.jobs):04}", body, _price(body))
        job.notes |= {"kind": kind, "created_at": _now()}
        created = {"id": job.id, "created_at": job.notes["created_at"]}
        return web.json_response(created, status=202)

    def _media(self, name: str, uri: str) -> str:
        """What is wrong with a medium, if anything is."""
        if not name.endswith("_uri"):
            return ""
        if uri.startswith("ltx://"):
            return "" if uri in self.stored else f"{name}: nothing was uploaded there"
        if inline := re.match(r"data:(image|video)/[\w.+-]+;base64,", uri):
            too_large = len(uri) > INLINE_BYTES[inline[1]]
            return f"{name}: the data URI is too large" if too_large else ""
        return "" if re.match(r"https://[a-z]", uri) else f"{name}: not https"

    async def _poll(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None or job.notes["kind"] != request.match_info["kind"]:
            return self.refuse(404, "no such job")
        return web.json_response(self._job(job, self.step(job)))

    def _job(self, job: Job, state: str) -> dict[str, Any]:
        """A status answer; `job.notes["status"]` stands for what it would say."""
        names = {"queued": "pending", "running": "processing", "succeeded": "completed"}
        answer = {
            "id": job.id,
            "status": job.notes.get("status") or names.get(state, "failed"),
            "created_at": job.notes["created_at"],
        }
        if state == "succeeded":
            url = f"{self.base_url}/results/{job.id}.mp4"
            return answer | {"completed_at": _now(), "result": {"video_url": url}}
        if state in ("failed", "rejected"):
            kind = "api_error" if state == "failed" else "content_filtered_error"
            error = {"type": kind, "message": "no" + self.echo}
            return answer | {"completed_at": _now(), "error": error}
        return answer

    async def _slot(self, request: web.Request) -> web.Response:
        name = f"upload{len(self.stored)}"
        slot = {
            "upload_url": self.foreign_storage or f"{self.base_url}/storage/{name}?signature=abc",
            "storage_uri": f"ltx://uploads/{name}",
            "expires_at": _now(),
            "required_headers": {"x-goog-content-length-range": "0,104857600"},
        }
        return web.json_response(slot)

    async def _store(self, request: web.Request) -> web.Response:
        """Storage is another house: it wants the slot's headers and must not see the key."""
        allowed = request.headers.get("x-goog-content-length-range") == "0,104857600"
        if not allowed or "Authorization" in request.headers:
            return web.Response(status=403, text="signature does not match")
        if "Content-Length" not in request.headers:
            return web.Response(status=411)
        self.stored[f"ltx://uploads/{request.match_info['name']}"] = await request.read()
        return web.Response()

    async def _clip(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            return web.Response(status=400, text="a signed address wants no key")
        return web.Response(body=self.clip, content_type="video/mp4")


def _price(body: Any) -> int:
    if "resolution" not in body or "video_uri" in body:
        return round(EDIT_PER_S * body["duration"])
    height = min(int(side) for side in body["resolution"].split("x"))
    return PER_S[body["model"]][height] * body["duration"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
