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
MODELS: dict[str, Any] = {one["endpoint_id"]: one for one in schemas("fal/models.json")["models"]}
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
        ("GET", "/v1/models", "describe"),
        ("GET", "/api/openapi/.+", "document"),
        ("POST", "/storage/upload/initiate", "upload"),
        ("PUT", "/uploads/.+", "store"),
        ("POST", ".+", "submit"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.elsewhere = ""
        self.stores = True  # whether this server has a storage of its own
        self.lists = True  # whether it has the platform's list of models
        self.files: dict[str, bytes] = {}
        self.endpoints = {*INPUTS, *MODELS}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{REQUESTS}/status", self.keyed(self._status)),
            web.get(REQUESTS, self.keyed(self._result)),
            web.put(f"{REQUESTS}/cancel", self.keyed(self._cancel)),
            web.get("/files/b/{id}/output.mp4", self._clip),
            web.get("/v1/models", self.keyed(self._models)),
            web.get("/api/openapi/queue/openapi.json", self.keyed(self._document)),
            web.post("/storage/upload/initiate", self.keyed(self._slot)),
            web.put("/uploads/{id}", self._store),
            web.post("/{endpoint:.+}", self.keyed(self._create)),
        ]

    def refuse(self, status: int, text: str) -> web.Response:
        return web.json_response({"detail": text}, status=status)

    async def _models(self, request: web.Request) -> web.Response:
        if not self.lists:
            return self.refuse(404, "Not found")
        assert request.query["expand"] == "openapi-3.0"
        found = MODELS.get(request.query["endpoint_id"])
        return web.json_response({"models": [found] if found else [], "has_more": False})

    async def _document(self, request: web.Request) -> web.Response:
        found = MODELS.get(request.query["endpoint_id"])
        return web.json_response(found["openapi"]) if found else self.refuse(404, "Not found")

    async def _slot(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if not self.stores:
            return self.refuse(404, "Not found")
        slot = f"{uuid4().hex}-{wanted['file_name']}"
        url = f"{self.base_url}/uploads/{slot}"
        return web.json_response({"upload_url": url, "file_url": f"{self.base_url}/in/{slot}"})

    async def _store(self, request: web.Request) -> web.Response:
        self.files[f"{self.base_url}/in/{request.match_info['id']}"] = await request.read()
        return web.Response()

    async def _create(self, request: web.Request) -> web.Response:
        endpoint = request.match_info["endpoint"]
        if endpoint not in self.endpoints:
            return self.refuse(404, f"Application {endpoint} not found")
        body = await request.json()
        job = self.accept(str(uuid4()), body, PRICE_MICROS)
        app = "/".join(endpoint.split("/")[:2])
        schema = INPUTS.get(endpoint) or _input_of(endpoint)
        job.notes |= {"endpoint": endpoint, "app": app, "invalid": problems(schema, body)}
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
            entry = {"loc": ["body"], "msg": text + self.echo, "type": kind, "input": job.body}
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


def _input_of(endpoint: str) -> dict[str, Any]:
    """The schema a described endpoint's body is held against."""
    document = MODELS[endpoint]["openapi"]
    return {"$ref": "#/components/schemas/In", "components": document["components"]}


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
