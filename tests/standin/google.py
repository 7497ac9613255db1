"""A loopback Gemini API: interactions that make video, and the files they end in.

The body is held against the derived Interactions document; unknown fields and whatever the guide
calls unsupported for Omni are refused as INVALID_ARGUMENT.
"""

import base64
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.standin.loopback import Handler, Job, Loopback

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MODEL = "gemini-omni-1.1-flash"
TOKENS_PER_S = {"360p": 1_930, "720p": 5_792, "1080p": 8_571, "4k": 17_142}

TASKS = ["text_to_video", "image_to_video", "reference_to_video", "edit", "extend"]
TEXT_BLOCK = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string", "minLength": 1}},
    "required": ["type", "text"],
    "additionalProperties": False,
}
IMAGE_TYPES = [f"image/{kind}" for kind in ("png", "jpeg", "webp", "heic", "heif")]
IMAGE_BLOCK = {
    "type": "object",
    "properties": {
        "type": {"const": "image"},
        "mime_type": {"enum": IMAGE_TYPES},
        "data": {"type": "string", "minLength": 1},
    },
    "required": ["type", "mime_type", "data"],
    "additionalProperties": False,
}
VIDEO_BLOCK = {
    "type": "object",
    "properties": {
        "type": {"const": "video"},
        "mime_type": {"type": "string", "pattern": "^video/"},
        "data": {"type": "string"},
        "uri": {"type": "string"},
    },
    "required": ["type"],
    "additionalProperties": False,
}
CREATE = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "background": {"const": True},
        "store": {"const": True},
        "input": {
            "type": "array",
            "items": {"anyOf": [TEXT_BLOCK, IMAGE_BLOCK, VIDEO_BLOCK]},
            "minItems": 1,
        },
        "response_format": {
            "type": "object",
            "properties": {
                "type": {"const": "video"},
                "aspect_ratio": {"enum": ["16:9", "9:16"]},
                "resolution": {"enum": list(TOKENS_PER_S)},
                "duration": {"type": "string", "pattern": "^([3-9]|10)s$"},
                "delivery": {"enum": ["inline", "uri"]},
            },
            "required": ["type"],
            "additionalProperties": False,
        },
        "generation_config": {
            "type": "object",
            "properties": {
                "seed": {"type": "integer"},
                "video_config": {
                    "type": "object",
                    "properties": {"task": {"enum": TASKS}},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
    },
    "required": ["model", "input"],
    "additionalProperties": False,
}


class Google(Loopback):
    """`inline` sends the clip in the interaction; `file_waits` is how often a file is not ready."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inline = False
        self.file_waits = 0
        self.file_state = "ACTIVE"
        self.error_details: list[dict[str, Any]] = []
        self.error_message = ""
        self.in_array = False  # the error envelope inside a one-element array
        self.moved_to = ""  # a download is redirected there

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1beta/interactions", self._keyed(self._create)),
            web.get("/v1beta/interactions/{id}", self._keyed(self._get)),
            web.post("/v1beta/interactions/{id}/cancel", self._keyed(self._cancel)),
            web.get("/v1beta/files/{id:[^:/]+}", self._keyed(self._file)),
            web.get("/v1beta/files/{id:[^:/]+}:download", self._keyed(self._download)),
            web.get("/v1beta/models", self._keyed(self._models)),
        ]

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        if path.endswith(":download"):
            return "download"
        if path.startswith("/v1beta/files/"):
            return "file"
        if path == "/v1beta/models":
            return "check"
        if path.endswith("/cancel"):
            return "cancel"
        return "submit" if method == "POST" else "poll"

    def error(self, kind: int) -> web.Response:
        return self.refuse(kind, self.error_message or f"scripted; your key is {self.key}")

    def refuse(self, status: int, text: str, reason: str = "") -> web.Response:
        error: dict[str, Any] = {"code": status, "message": text}
        error["status"] = reason or STATUSES.get(status, "UNKNOWN")
        if self.error_details:
            error["details"] = self.error_details
        envelope = {"error": error}
        return web.json_response([envelope] if self.in_array else envelope, status=status)

    def _keyed(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if "key" in request.query:
                return self.refuse(400, "a key in the address leaks into logs")
            if request.headers.get("x-goog-api-key") != self.key:
                return self._bad_key()
            return await handler(request)

        return guarded

    def _bad_key(self) -> web.Response:
        """How Google really says it: HTTP 400, and the reason in the details."""
        kept, self.error_details = self.error_details, [{"reason": "API_KEY_INVALID"}]
        answer = self.refuse(400, "API key not valid. Please pass a valid API key.")
        self.error_details = kept
        return answer

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        found = [error.message for error in Draft202012Validator(CREATE).iter_errors(body)]
        if found or (found := _misuses(body)):
            return self.refuse(400, "; ".join(found)[:500])
        if body["model"] != MODEL:
            return self.refuse(404, f"models/{body['model']} is not found")
        answer = body["response_format"]
        tokens = TOKENS_PER_S[answer["resolution"]] * int(answer["duration"][:-1])
        job = self.accept(f"v1_{len(self.jobs):04}", body, tokens * 35 // 2)
        job.notes |= {"tokens": job.cost_micros * 2 // 35}
        return web.json_response(self._interaction(job, "running"))

    async def _get(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return self.refuse(404, "interaction not found")
        return web.json_response(self._interaction(job, self.step(job)))

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return self.refuse(404, "interaction not found")
        if job.polls > self.polls_until_done:
            return self.refuse(400, "the interaction has ended", "FAILED_PRECONDITION")
        job.outcome = "cancelled"
        return web.json_response(self._interaction(job, "cancelled"))

    def _interaction(self, job: Job, state: str) -> dict[str, Any]:
        """An interaction; `job.notes["status"]` stands for what it would say."""
        names = {"running": "in_progress", "succeeded": "completed", "rejected": "completed"}
        answer: dict[str, Any] = {
            "id": job.id,
            "object": "interaction",
            "model": job.body["model"],
            "status": job.notes.get("status") or names.get(state, state),
            "created": "2026-11-23T10:00:00Z",
        }
        if state == "succeeded":
            content = [self._video(job)]
            tokens = [{"modality": "video", "tokens": job.notes["tokens"]}]
        elif state == "rejected":
            content = [{"type": "text", "text": "I cannot make this video." + self.echo}]
            tokens = []
        elif state == "failed":
            return answer | {"errors": [{"code": "INTERNAL", "message": "try again" + self.echo}]}
        else:
            return answer
        thought = {"type": "thought", "summary": [{"type": "text", "text": "…"}]}
        steps = [thought, {"type": "model_output", "content": content}]
        usage = {"total_output_tokens": 0, "output_tokens_by_modality": tokens}
        return answer | {"updated": "2026-11-23T10:01:20Z", "steps": steps, "usage": usage}

    def _video(self, job: Job) -> dict[str, Any]:
        video: dict[str, Any] = {"type": "video", "mime_type": "video/mp4"}
        if self.inline:
            return video | {"data": base64.b64encode(self.clip).decode()}
        address = f"https://generativelanguage.googleapis.com/v1beta/files/f{job.id[3:]}"
        return video | {"uri": job.notes.get("uri") or f"{address}:download?alt=media"}

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if f"v1_{name[1:]}" not in self.jobs:
            return self.refuse(403, "You do not have permission, or it may not exist.")
        state = self.file_state
        if self.file_waits:
            self.file_waits -= 1
            state = "PROCESSING"
        file = {"name": f"files/{name}", "mimeType": "video/mp4", "state": state}
        return web.json_response(file | {"expirationTime": "2026-11-25T10:00:00.123456Z"})

    async def _download(self, request: web.Request) -> web.Response:
        if request.query.get("alt") != "media":
            return self.refuse(400, "alt=media is missing")
        if self.moved_to:
            return web.Response(status=302, headers={"Location": self.moved_to})
        return web.Response(body=self.clip, content_type="video/mp4")

    async def _models(self, request: web.Request) -> web.Response:
        if set(request.query) - {"pageSize", "pageToken"}:
            return self.refuse(400, "unknown parameter")
        return web.json_response({"models": [{"name": f"models/{MODEL}"}]})


def _misuses(body: Any) -> list[str]:
    """What the guide demands of the media and the words."""
    kinds = [block["type"] for block in body["input"]]
    images, task = kinds.count("image"), body["generation_config"]["video_config"]["task"]
    rules = {
        "the words stand last, once": kinds[-1] != "text" or kinds.count("text") != 1,
        "text_to_video takes no media": task == "text_to_video" and len(kinds) > 1,
        "image_to_video takes one or two images": task == "image_to_video"
        and (images not in (1, 2) or "video" in kinds),
        "at most ten images": images > 10,
        "a video is missing": task in ("edit", "extend") and kinds.count("video") != 1,
    }
    return [text for text, is_broken in rules.items() if is_broken]
