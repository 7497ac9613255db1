"""Runway on loopback: tasks, uploads, the organization, and bodies held against the SDK's types."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.standin.hosted import Hosted, parts, problems, schemas
from tests.standin.loopback import Job

BODIES: dict[str, dict[str, Any]] = schemas("runway/bodies.json")
VERSION = "2024-11-06"
CREDITS_PER_S = 12
CREDIT_MICROS = 10_000


class Runway(Hosted):
    """`failure_code` overrules what a rejected or failed task names; `throttled` starts it so.

    A task that ended tells its cost unless `tells_cost` is off.
    """

    operations = (
        ("POST", "/v1/((text|image|video)_to_video|video_upscale)", "submit"),
        ("GET", "/v1/tasks/.+", "poll"),
        ("DELETE", "/v1/tasks/.+", "cancel"),
        ("POST", "/v1/uploads", "upload"),
        ("POST", "/store/.+", "store"),
        ("GET", "/v1/organization", "check"),
        ("GET", "/clips/.+", "download"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.failure_code: str | None = ""  # "" is the usual one, None leaves it out
        self.throttled = False
        self.tells_cost = True
        self.storage = ""  # where upload slots point; "" is here
        self.credits = 5000
        self.models = {model for models in BODIES.values() for model in models}
        self.uploads: dict[str, bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.post(path, self.keyed(self._create)) for path in BODIES),
            web.get("/v1/tasks/{id}", self.keyed(self._task)),
            web.delete("/v1/tasks/{id}", self.keyed(self._delete)),
            web.post("/v1/uploads", self.keyed(self._slot)),
            web.post("/store/{id}", self._store),
            web.get("/v1/organization", self.keyed(self._organization)),
            web.get("/clips/{id}.mp4", self._clip),
        ]

    def refuse(self, status: int, text: str) -> web.Response:
        return web.json_response({"error": text}, status=status)

    def invalid(self, issues: list[dict[str, Any]]) -> web.Response:
        body = {"error": "Validation of body failed", "issues": issues}
        return web.json_response(body, status=400)

    async def _create(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Runway-Version") != VERSION:
            return self.refuse(400, "This API version is not valid: X-Runway-Version")
        body = await request.json()
        schema = BODIES[request.path].get(body.get("model"))
        if schema is None or body["model"] not in self.models:
            return self.invalid([{"code": "invalid_union", "path": ["model"]}])
        if issues := problems(schema, body) + list(_beyond_the_schema(body)):
            return self.invalid(issues)
        credits = body.get("duration", 5) * CREDITS_PER_S
        if self.credits < credits:
            return self.refuse(400, "You do not have enough credits to run this task.")
        task = self.accept(str(uuid4()), body, credits * CREDIT_MICROS)
        return web.json_response({"id": task.id, "estimatedCost": {"credits": credits}})

    async def _task(self, request: web.Request) -> web.Response:
        task = self.jobs.get(request.match_info["id"])
        if task is None or task.outcome == "cancelled":
            return self.refuse(404, "Task not found")
        state = self._state(task, task.cost_micros // CREDIT_MICROS)
        if not self.tells_cost:
            state.pop("cost", None)
        return web.json_response({"id": task.id, "createdAt": "2026-11-23T10:00:00.000Z", **state})

    def _state(self, task: Job, credits: int) -> dict[str, Any]:
        estimate = {"estimatedCost": {"credits": credits}}
        match self.step(task):
            case "queued":
                return {"status": "THROTTLED" if self.throttled else "PENDING", **estimate}
            case "running":
                return {"status": "RUNNING", "progress": 0.5, **estimate}
            case "succeeded":
                url = f"{self.base_url}/clips/{task.id}.mp4?sig=1"
                return {"status": "SUCCEEDED", "output": [url], "cost": {"credits": credits}}
            case _:
                return self._failed(task)

    def charge(self, job: Job) -> int:
        """Refused inputs are billed, and what was running when it was cancelled."""
        if job.outcome == "cancelled":
            return job.cost_micros if job.notes.get("ran") else 0
        billed = job.outcome == "rejected" and (self._code(job) or "").startswith("SAFETY.INPUT")
        return job.cost_micros if billed else super().charge(job)

    def _code(self, task: Job) -> str | None:
        usual = "SAFETY.INPUT.TEXT" if task.outcome == "rejected" else "INTERNAL.BAD_OUTPUT.01"
        return usual if self.failure_code == "" else self.failure_code

    def _failed(self, task: Job) -> dict[str, Any]:
        rejected, code = task.outcome == "rejected", self._code(task)
        failure = "The input was not acceptable." if rejected else "Something went wrong."
        named = {} if code is None else {"failureCode": code}
        cost = {"credits": self.charge(task) // CREDIT_MICROS}
        return {"status": "FAILED", "failure": failure + self.echo, "cost": cost, **named}

    async def _delete(self, request: web.Request) -> web.Response:
        """Cancels or deletes; either way the task cannot be read any more."""
        task = self.jobs.get(request.match_info["id"])
        if task is None or task.outcome == "cancelled":
            return self.refuse(404, "Task not found")
        task.outcome, task.notes["ran"] = "cancelled", task.polls > self.polls_queued
        return web.Response(status=204)

    async def _slot(self, request: web.Request) -> web.Response:
        body = await request.json()
        if set(body) != {"filename", "type"} or body["type"] != "ephemeral":
            return self.invalid([{"path": []}])
        name = str(uuid4())
        return web.json_response(
            {
                "uploadUrl": f"{self.storage or self.base_url}/store/{name}",
                "fields": {"key": name, "policy": "signed"},
                "runwayUri": f"runway://{name}",
            }
        )

    async def _store(self, request: web.Request) -> web.Response:
        """The storage behind an upload: foreign to Runway, so its headers must stay away."""
        if "Authorization" in request.headers or "X-Runway-Version" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        form = await parts(request)
        if [part.name for part in form] != ["key", "policy", "file"] or not form[-1].filename:
            return web.Response(status=400, text="fields first, file last")
        self.uploads[f"runway://{request.match_info['id']}"] = form[-1].content
        return web.Response(status=204)

    async def _organization(self, request: web.Request) -> web.Response:
        tier = {"maxMonthlyCreditSpend": 10_000, "models": {}}
        usage: dict[str, Any] = {"models": {}}
        return web.json_response(
            {"creditBalance": self.credits, "tier": tier, "usage": usage, "unheard_of": True}
        )

    async def _clip(self, request: web.Request) -> web.Response:
        return self.serve_clip(request, keyed=False)


def _beyond_the_schema(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Limits the documentation states and the types do not."""
    if body["model"] == "gen4.5" and len(body["promptText"].encode("utf-16-le")) > 2000:
        yield {"code": "too_big", "path": ["promptText"]}
    if not 0 <= body.get("seed", 0) <= 4_294_967_295:
        yield {"code": "too_big", "path": ["seed"]}
    images = body.get("promptImage", [])
    if len(str(images)) > 10_000_000 or [one["position"] for one in images] == ["last"]:
        yield {"code": "custom", "path": ["promptImage"]}
