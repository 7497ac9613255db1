"""fal's queue on loopback: submit, status, result, cancel, and each endpoint's input types.

As the real one it validates little at submit: a body its endpoint does not know completes with an
error, which the result then answers with.
"""

from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.standin.hosted import Hosted, problems, schemas
from tests.standin.loopback import Job

INPUTS: dict[str, dict[str, Any]] = schemas("fal/inputs.json")
PRICE_MICROS = 420_000  # of every clip
REQUESTS = "/{owner}/{app}/requests/{id}"


class Fal(Hosted):
    """`elsewhere`, when set, is the origin the submit answer's addresses name."""

    scheme = "Key"
    operations = (
        ("GET", ".+/requests/[^/]+/status", "poll"),
        ("GET", ".+/requests/[^/]+", "result"),
        ("PUT", ".+/requests/[^/]+/cancel", "cancel"),
        ("GET", "/files/.+", "download"),
        ("POST", ".+", "submit"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.elsewhere = ""
        self.endpoints = set(INPUTS)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{REQUESTS}/status", self.keyed(self._status)),
            web.get(REQUESTS, self.keyed(self._result)),
            web.put(f"{REQUESTS}/cancel", self.keyed(self._cancel)),
            web.get("/files/b/{id}/output.mp4", self._clip),
            web.post("/{endpoint:.+}", self.keyed(self._create)),
        ]

    def refuse(self, status: int, text: str) -> web.Response:
        return web.json_response({"detail": text}, status=status)

    async def _create(self, request: web.Request) -> web.Response:
        endpoint = request.match_info["endpoint"]
        if endpoint not in self.endpoints:
            return self.refuse(404, f"Application {endpoint} not found")
        body = await request.json()
        job = self.accept(str(uuid4()), body, PRICE_MICROS)
        app = "/".join(endpoint.split("/")[:2])
        job.notes |= {"endpoint": endpoint, "app": app, "invalid": problems(INPUTS[endpoint], body)}
        url = f"{self.elsewhere or self.base_url}/{app}/requests/{job.id}"
        return web.json_response(
            {
                "request_id": job.id,
                "response_url": url,
                "status_url": f"{url}/status",
                "cancel_url": f"{url}/cancel",
                "queue_position": 0,
            }
        )

    async def _status(self, request: web.Request) -> web.Response:
        job = self._found(request)
        if job is None:
            return web.json_response({"status": "NOT_FOUND"}, status=404)
        state: dict[str, Any] = {"request_id": job.id, "logs": None}
        match self.step(job):
            case "queued":
                return web.json_response({"status": "IN_QUEUE", "queue_position": 0, **state})
            case "running":
                return web.json_response({"status": "IN_PROGRESS", **state})
        kind = _error_type(job)
        told = {"error": f"Invalid status code: {_ERRORS[kind][0]}", "error_type": kind}
        return web.json_response({"status": "COMPLETED", **state, **(told if kind else {})})

    async def _result(self, request: web.Request) -> web.Response:
        job = self._found(request)
        if job is None:
            return web.json_response({"status": "NOT_FOUND"}, status=404)
        if kind := _error_type(job):
            status, text = _ERRORS[kind]
            entry = {"loc": ["body"], "msg": text, "type": kind, "input": job.body}
            headers = {"X-Fal-Error-Type": kind, "X-Fal-Retryable": str(status >= 500).lower()}
            return web.json_response({"detail": [entry]}, status=status, headers=headers)
        url = f"{self.base_url}/files/b/{job.id}/output.mp4"
        return web.json_response({"video": {"url": url, "content_type": "video/mp4"}, "seed": 1})

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._found(request)
        if job is None:
            return web.json_response({"status": "NOT_FOUND"}, status=404)
        if job.polls > self.polls_until_done:
            return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
        job.outcome = "cancelled"
        return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

    async def _clip(self, request: web.Request) -> web.Response:
        return self.serve_clip(request, keyed=False)

    def _found(self, request: web.Request) -> Job | None:
        job = self.jobs.get(request.match_info["id"])
        app = "{owner}/{app}".format(**request.match_info)
        return job if job is not None and job.notes["app"] == app else None


_ERRORS = {
    "client_cancelled": (499, "Request was cancelled"),
    "value_error": (422, "The body is not what the endpoint takes"),
    "content_policy_violation": (422, "The content was flagged by a content checker"),
    "downstream_service_error": (500, "The partner did not answer"),
    "": (200, ""),
}


def _error_type(job: Job) -> str:
    if job.outcome != "cancelled" and job.notes["invalid"]:
        return "value_error"
    return {
        "succeeded": "",
        "rejected": "content_policy_violation",
        "failed": "downstream_service_error",
        "cancelled": "client_cancelled",
    }[job.outcome]
