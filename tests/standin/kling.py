"""A loopback Kling: both generations, as the document-api of 2026-09-20 describes them.

A field the contract does not know, or a value it does not allow, is refused with code 1201. A
second `external_task_id` is refused too, as was seen live in September 2026.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any, TypeGuard

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.standin.loopback import Handler, Job, Loopback

STATUS_OF_CODE = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
    **dict.fromkeys((1100, 1101, 1102, 1302, 1303, 1304), 429),
    1103: 403,
    **dict.fromkeys((1200, 1201, 1300, 1301), 400),
    **dict.fromkeys((1202, 1203), 404),
    5000: 500,
    5001: 503,
    5002: 504,
}
CODE_OF_STATUS = {400: 1201, 401: 1002, 403: 1103, 404: 1203, 429: 1302}

SILENT = {"720p": 84_000, "1080p": 112_000, "4k": 420_000}
NATIVE = {"720p": 126_000, "1080p": 168_000, "4k": 420_000}
OMNI_NATIVE = {"720p": 112_000, "1080p": 140_000, "4k": 420_000}
WITH_VIDEO = {"720p": 126_000, "1080p": 168_000, "4k": 420_000}
UNIT_MICROS = 140_000
MOTION_S = 5  # how long every reference video is here

ASPECT = {"enum": ["16:9", "9:16", "1:1"]}
UP_TO_4K = {"enum": ["720p", "1080p", "4k"]}
UP_TO_1080P = {"enum": ["720p", "1080p"]}
SECONDS = {"type": "integer", "minimum": 3, "maximum": 15}
OPTIONS = {
    "type": "object",
    "properties": {
        "callback_url": {"type": "string"},
        "external_task_id": {"type": "string", "minLength": 1},
        "watermark_info": {
            "type": "object",
            "properties": {"enabled": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
NEWEST = {
    "resolution": UP_TO_4K,
    "duration": SECONDS,
    "audio": {"enum": ["native", "off"]},
    "multi_shot": {"type": "boolean"},
}
MODELS: Mapping[str, Mapping[str, Any]] = {
    "kling-3.0": NEWEST,
    "kling-3.0-turbo": {"resolution": UP_TO_1080P, "duration": SECONDS},
    "kling-2.6": {
        "resolution": UP_TO_1080P,
        "duration": {"enum": [5, 10]},
        "audio": {"enum": ["native", "off"]},
    },
    "kling-2.5-turbo": {"resolution": UP_TO_1080P, "duration": {"enum": [5, 10]}},
}
OMNI_MODELS: Mapping[str, Mapping[str, Any]] = {
    "kling-3.0-omni": {
        **NEWEST,
        "audio": {"enum": ["native", "original", "off"]},
        "aspect_ratio": ASPECT,
    },
    "kling-o1": {
        "resolution": UP_TO_1080P,
        "duration": {"type": "integer", "minimum": 3, "maximum": 10},
        "audio": {"enum": ["original", "off"]},
        "aspect_ratio": ASPECT,
    },
}
MOTION = {
    "character_orientation": {"enum": ["image", "video"]},
    "resolution": UP_TO_1080P,
    "audio": {"enum": ["original", "off"]},
}
LEGACY_MODELS = ["kling-v1", "kling-v1-6", "kling-v2-5-turbo", "kling-v2-6", "kling-v3"]
LEGACY = {
    "model_name": {"enum": LEGACY_MODELS},
    "prompt": {"type": "string", "maxLength": 2500},
    "negative_prompt": {"type": "string", "maxLength": 2500},
    "multi_shot": {"type": "boolean"},
    "sound": {"enum": ["on", "off"]},
    "mode": {"enum": ["std", "pro", "4k"]},
    "duration": {"enum": [str(seconds) for seconds in range(3, 16)]},
    "watermark_info": {"type": "object"},
    "callback_url": {"type": "string"},
    "external_task_id": {"type": "string", "minLength": 1},
}
MODES = {"std": "720p", "pro": "1080p", "4k": "4k"}


class Kling(Loopback):
    """`fail_next` takes Kling's own codes too: `fail_next(1303)`."""

    def __init__(self, *, pair: tuple[str, str] = ("ak-test", "sk-test"), **options: Any) -> None:
        super().__init__(**options)
        self.pair = pair
        self.clock_ahead_s = 0  # of this machine's
        self.hidden_lookups = 0  # look-ups by external id that do not show the task yet

    def routes(self) -> list[web.RouteDef]:
        new = "text-to-video|image-to-video|omni-video|motion-control"
        return [
            web.post(f"/{{kind:{new}}}/{{model}}", self._keyed(self._submit)),
            web.post("/v1/videos/{kind:text2video|image2video}", self._keyed(self._submit_legacy)),
            web.get("/tasks", self._keyed(self._tasks)),
            web.get("/v1/videos/{kind}/{name}", self._keyed(self._legacy)),
            web.get("/v1/videos/{kind}", self._keyed(self._list)),
            web.get("/cdn/{id}.mp4", self._clip),
        ]

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        if method == "POST":
            return "submit"
        if path.startswith("/cdn/"):
            return "download"
        if "external_task_ids" in query:
            return "find"
        return "check" if path.count("/") == 3 else "poll"

    def error(self, kind: int) -> web.Response:
        return self.refuse(kind, f"scripted; your key is {self.key}, your pair {self.pair}")

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.key, *self.pair)

    def refuse(self, kind: int, text: str) -> web.Response:
        """An envelope by Kling's code, or by the HTTP status with a code that goes with it."""
        code = kind if kind >= 1000 else CODE_OF_STATUS.get(kind, 5000)
        status = STATUS_OF_CODE.get(code, 400) if kind >= 1000 else kind
        body = {"code": code, "message": text, "request_id": "r-1"}
        return web.json_response(body, status=status, headers={"Date": self._date()})

    def now(self) -> float:
        return time.time() + self.clock_ahead_s

    def _date(self) -> str:
        return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.now()))

    def _keyed(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            refusal = self._refusal(request)
            return self.refuse(refusal, "refused") if refusal else await handler(request)

        return guarded

    def _refusal(self, request: web.Request) -> int:
        """0, or the code that says what is wrong with the Authorization."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return 1001
        if token == self.key:
            return 0
        if not request.path.startswith("/v1/") or token.count(".") != 2:
            return 1002
        return self._judge(token)

    def _judge(self, token: str) -> int:
        signed, _, signature = token.rpartition(".")
        header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
        expected = hmac.new(self.pair[1].encode(), signed.encode(), hashlib.sha256).digest()
        if header != {"alg": "HS256", "typ": "JWT"} or claims.get("iss") != self.pair[0]:
            return 1002
        if not hmac.compare_digest(expected, _unpadded(signature)):
            return 1002
        now = self.now()
        return 1003 if now < claims["nbf"] else 1004 if now >= claims["exp"] else 0

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        kind, model = request.match_info["kind"], request.match_info["model"]
        models = {"omni-video": OMNI_MODELS}.get(kind, MODELS)
        if model not in models:
            return self.refuse(1203, f"model {model} does not exist")
        if found := self._check(kind, model, body):
            return self.refuse(1201, json.dumps(found))
        external = body.get("options", {}).get("external_task_id", "")
        return self._accepted(body, _price(kind, body), "tasks", external)

    async def _submit_legacy(self, request: web.Request) -> web.Response:
        body, kind = await request.json(), request.match_info["kind"]
        if found := self._check_legacy(kind, body):
            return self.refuse(1201, json.dumps(found))
        rates = NATIVE if body.get("sound") == "on" else SILENT
        cost_micros = rates[MODES[body.get("mode", "std")]] * int(body.get("duration", "5"))
        return self._accepted(body, cost_micros, kind, body.get("external_task_id", ""))

    def _accepted(self, body: Any, cost_micros: int, kind: str, external: str) -> web.Response:
        if external and any(job.notes["external"] == external for job in self.jobs.values()):
            return self.refuse(1201, "external_task_id must be unique, it already exists")
        job = self.accept(f"82421037445071{len(self.jobs):04}", body, cost_micros)
        created_ms = int(self.now() * 1000)
        job.notes |= {"external": external, "kind": kind, "created_ms": created_ms}
        task = self._task(job) if kind == "tasks" else self._legacy_task(job)
        return _envelope(task)

    def _check(self, kind: str, model: str, body: Any) -> list[Any]:
        match kind:
            case "text-to-video":
                settings = {**MODELS.get(model, {}), "aspect_ratio": ASPECT}
                found = problems(_body({"prompt": _text(model)}, settings, ["prompt"]), body)
            case "image-to-video":
                found = problems(
                    _body(_contents("first_frame", "last_frame"), MODELS.get(model, {})), body
                )
            case "omni-video":
                types = ("first_frame", "last_frame", "refer_image", "feature_video", "base_video")
                found = problems(_body(_contents(*types), OMNI_MODELS.get(model, {})), body)
            case _:
                schema = _body(_contents("image", "video"), MOTION)
                schema["properties"]["settings"]["required"] = ["character_orientation"]
                found = problems(schema, body)
        if not found and "contents" in body:
            found = [{"message": text} for text in _rules(kind, model, body)]
        return found

    def _check_legacy(self, kind: str, body: Any) -> list[Any]:
        fields = dict(LEGACY)
        if kind == "image2video":
            fields |= {"image": {"type": "string"}, "image_tail": {"type": "string"}}
        else:
            fields |= {"aspect_ratio": ASPECT}
        schema = {"type": "object", "properties": fields, "additionalProperties": False}
        found = problems(schema | {"required": ["model_name", "prompt"]}, body)
        stills = [body[name] for name in ("image", "image_tail") if name in body]
        if kind == "image2video" and not stills:
            found.append({"message": "image or image_tail is required"})
        return found + [{"message": "not an image"} for still in stills if not _is_still(still)]

    async def _tasks(self, request: web.Request) -> web.Response:
        query = request.query
        if len(query) != 1 or not set(query) <= {"task_ids", "external_task_ids"}:
            return self.refuse(1201, "task_ids or external_task_ids")
        if ids := query.get("task_ids"):
            polled = [self.jobs.get(name) for name in ids.split(",")]
            return _envelope([self._task(job, self.step(job)) for job in polled if _is_new(job)])
        names = query["external_task_ids"].split(",")
        found = [self._by_external(name) for name in names]
        return _envelope([self._task(job) for job in found if _is_new(job)])

    async def _legacy(self, request: web.Request) -> web.Response:
        name, kind = request.match_info["name"], request.match_info["kind"]
        if (job := self.jobs.get(name)) and job.notes["kind"] == kind:
            return _envelope(self._legacy_task(job, self.step(job)))
        if (job := self._by_external(name)) and job.notes["kind"] == kind:
            return _envelope(self._legacy_task(job))
        return self.refuse(1203, "task not found")

    def _by_external(self, name: str) -> Job | None:
        if self.hidden_lookups:
            self.hidden_lookups -= 1
            return None
        return next((job for job in self.jobs.values() if job.notes["external"] == name), None)

    async def _list(self, request: web.Request) -> web.Response:
        if set(request.query) - {"pageNum", "pageSize"}:
            return self.refuse(1201, "pageNum, pageSize")
        return _envelope([])

    async def _clip(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            return web.Response(status=400, text="a hotlink-protected address wants no key")
        return web.Response(body=self.clip, content_type="video/mp4")

    def _task(self, job: Job, state: str = "queued") -> dict[str, Any]:
        """A task of the new generation; `job.notes["status"]` stands for what it would say."""
        task = {
            "id": job.id,
            "status": job.notes.get("status") or _state(state, "succeeded"),
            "create_time": job.notes["created_ms"],
            "update_time": job.notes["created_ms"] + 1000,
            "external_id": job.notes["external"],
        }
        if state in ("failed", "rejected"):
            return task | {"message": _message(state) + self.echo, "outputs": [], "billing": []}
        if state != "succeeded":
            return task
        units = job.cost_micros / UNIT_MICROS
        url = f"{self.base_url}/cdn/{job.id}.mp4"
        charge = {"charge_type": "unit", "package_type": "video", "amount": f"{units:.4f}"}
        return task | {
            "message": "",
            "outputs": [
                {"type": "video", "id": "v1", "url": url, "watermark_url": "", "duration": "5.041"}
            ],
            "billing": [charge],
        }

    def _legacy_task(self, job: Job, state: str = "queued") -> dict[str, Any]:
        task = {
            "task_id": job.id,
            "task_status": _state(state, "succeed"),
            "task_info": {"external_task_id": job.notes["external"]},
            "created_at": job.notes["created_ms"],
            "updated_at": job.notes["created_ms"] + 1000,
        }
        if state in ("failed", "rejected"):
            return task | {"task_status_msg": _message(state) + self.echo}
        if state != "succeeded":
            return task
        video = {"id": "v1", "url": f"{self.base_url}/cdn/{job.id}.mp4", "duration": "5.1"}
        units = job.cost_micros / UNIT_MICROS
        return task | {
            "task_status_msg": "",
            "task_result": {"videos": [video]},
            "final_unit_deduction": f"{units:.4f}",
        }


def problems(schema: Mapping[str, Any], body: Any) -> list[Any]:
    found = Draft202012Validator(schema).iter_errors(body)
    return [{"path": list(one.absolute_path), "message": one.message[:300]} for one in found]


def _is_new(job: Job | None) -> TypeGuard[Job]:
    return job is not None and job.notes["kind"] == "tasks"


def _envelope(data: Any) -> web.Response:
    body = {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data}
    return web.json_response(body)


def _state(state: str, done: str) -> str:
    names = {"queued": "submitted", "running": "processing", "succeeded": done}
    return names.get(state, "failed")


def _message(state: str) -> str:
    if state == "rejected":
        return "Failure to pass the risk control system"
    return "generation failed, please try again"


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(model: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 2500 if model < "kling-3" else 3072}


def _body(
    words: Mapping[str, Any], settings: Mapping[str, Any], required: list[str] | None = None
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            **words,
            "settings": {
                "type": "object",
                "properties": dict(settings),
                "additionalProperties": False,
            },
            "options": OPTIONS,
        },
        "required": required or ["contents"],
        "additionalProperties": False,
    }


def _contents(*types: str) -> dict[str, Any]:
    prompt = {
        "type": "object",
        "properties": {"type": {"const": "prompt"}, "text": _text("kling-3.0")},
        "required": ["type", "text"],
        "additionalProperties": False,
    }
    medium = {
        "type": "object",
        "properties": {
            "type": {"enum": list(types)},
            "url": {"type": "string", "minLength": 1},
            "id": {"type": "string"},
        },
        "required": ["type", "url"],
        "additionalProperties": False,
    }
    return {"contents": {"type": "array", "items": {"anyOf": [prompt, medium]}}}


def _rules(kind: str, model: str, body: Any) -> list[str]:
    """What the contract demands of the combination."""
    media: dict[str, list[str]] = {}
    for item in body["contents"]:
        media.setdefault(item["type"], []).append(item.get("url", ""))
    settings = body.get("settings", {})
    videos = [use for use in ("feature_video", "base_video", "video") for _ in media.get(use, [])]
    broken = _media_rules(media, videos)
    if kind == "image-to-video":
        broken += ["a first frame is required"] * ("first_frame" not in media)
        broken += ["no last frame here"] * (model == "kling-3.0-turbo" and "last_frame" in media)
    elif kind == "motion-control":
        broken += ["an image and a video are required"] * (set(media) < {"image", "video"})
    else:
        broken += _omni_rules(media, videos, settings)
    return broken


def _media_rules(media: Mapping[str, list[str]], videos: list[str]) -> list[str]:
    broken = ["a prompt is required"] * (len(media.get("prompt", [])) != 1)
    broken += ["a last frame needs a first one"] * (
        "last_frame" in media and "first_frame" not in media
    )
    broken += ["one video at most"] * (len(videos) > 1)
    for use, urls in media.items():
        if use in videos:
            broken += [f"{use} is taken by URL only"] * (not urls[0].startswith("http"))
        elif use != "prompt":
            broken += [f"{use} is no image" for url in urls if not _is_still(url)]
    return broken


def _omni_rules(
    media: Mapping[str, list[str]], videos: list[str], settings: Mapping[str, Any]
) -> list[str]:
    audio = settings.get("audio", "off")
    rules = {
        "aspect_ratio is required": not videos
        and "first_frame" not in media
        and "aspect_ratio" not in settings,
        "too many images": len(media.get("refer_image", [])) > (4 if videos else 7),
        "audio must be off": "feature_video" in media and audio != "off",
        "no native audio": "base_video" in media and audio == "native",
        "no frames beside a base video": "base_video" in media and "first_frame" in media,
        "no multi_shot": "base_video" in media and settings.get("multi_shot", True),
    }
    return [text for text, is_broken in rules.items() if is_broken]


def _is_still(url: str) -> bool:
    """An address, or bare base64: a data: prefix is refused."""
    if re.match(r"https?://", url):
        return True
    try:
        return bool(base64.b64decode(url, validate=True))
    except ValueError:
        return False


def _price(kind: str, body: Any) -> int:
    settings = body.get("settings", {})
    uses = {item["type"] for item in body.get("contents", [])}
    has_video = bool(uses & {"video", "base_video", "feature_video"})
    native = settings.get("audio") == "native"
    audible = OMNI_NATIVE if kind == "omni-video" else NATIVE
    rates = WITH_VIDEO if has_video else audible if native else SILENT
    return rates[settings.get("resolution", "720p")] * settings.get("duration", MOTION_S)
