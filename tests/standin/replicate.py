"""Replicate on loopback: predictions, their list, files, and each model's input schema."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.standin.hosted import Hosted, parts, problems, schemas
from tests.standin.loopback import Job

INPUTS: dict[str, dict[str, Any]] = schemas("replicate/inputs.json")
MODELS: dict[str, dict[str, Any]] = schemas("replicate/models.json")  # as `GET /models` tells them
PRICE_MICROS = 840_000  # of every clip
_POOR = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per "
    "minute with a burst of 1 requests until you add a payment method."
)
BODY_FIELDS = {"input", "webhook", "webhook_events_filter", "stream"}


class Replicate(Hosted):
    """`output` says how a clip is answered: "string", "list" or "object".

    With a `clock` the account has no payment method: it may create little, by that clock.
    """

    operations = (
        ("POST", "/v1/models/.+/predictions", "submit"),
        ("GET", "/v1/predictions", "find"),
        ("GET", "/v1/predictions/[^/]+", "poll"),
        ("POST", "/v1/predictions/[^/]+/cancel", "cancel"),
        ("POST", "/v1/files", "upload"),
        ("POST", "/v1/predictions", "submit"),
        ("GET", "/v1/models/.+", "describe"),
        ("GET", "/v1/account", "check"),
        ("GET", "/delivery/.+", "download"),
    )

    def __init__(self, *, page: int = 100, **options: Any) -> None:
        super().__init__(**options)
        self.page = page
        self.output = "string"
        self.clock: Callable[[], datetime] | None = None
        self._next_create: datetime | None = None
        self.models = set(INPUTS)
        self.following = ""  # where the list says it goes on; "" is here
        self.removed: set[str] = set()  # ids whose data was deleted
        self.files: dict[str, bytes] = {}

    @property
    def base_url(self) -> str:
        return f"{super().base_url}/v1"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/models/{owner}/{name}/predictions", self.keyed(self._create)),
            web.post("/v1/predictions", self.keyed(self._create_version)),
            web.get("/v1/models/{owner}/{name}", self.keyed(self._model)),
            web.get("/v1/predictions", self.keyed(self._list)),
            web.get("/v1/predictions/{id}", self.keyed(self._get)),
            web.post("/v1/predictions/{id}/cancel", self.keyed(self._cancel)),
            web.post("/v1/files", self.keyed(self._upload)),
            web.get("/v1/account", self.keyed(self._account)),
            web.get("/delivery/{id}/output.mp4", self._clip),
        ]

    def refuse(self, status: int, text: str) -> web.Response:
        body: dict[str, Any] = {"detail": text, "status": status}
        if status == 402:
            body |= {"title": "Insufficient credit", "detail": f"Insufficient credit. {text}"}
        if status == 429 and not text.startswith(_POOR):
            body["detail"] = f"Request was throttled. Your rate limit resets in ~30s. {text}"
        return web.json_response(body, status=status)

    async def _model(self, request: web.Request) -> web.Response:
        owner, name = request.match_info["owner"], request.match_info["name"]
        told = MODELS.get(f"{owner}/{name}")
        if told is None:
            return self.refuse(404, "The requested resource could not be found.")
        newest = {"id": told["version"], "openapi_schema": told["openapi_schema"]}
        words = {"description": told["description"], "is_official": told["is_official"]}
        return web.json_response({"owner": owner, "name": name, "latest_version": newest, **words})

    async def _create(self, request: web.Request) -> web.Response:
        """Official models, by name."""
        model = "{owner}/{name}".format(**request.match_info)
        official = MODELS[model]["is_official"] if model in MODELS else model in self.models
        if not official:
            return self.refuse(404, "The requested resource could not be found.")
        return self._accepted(model, await request.json(), BODY_FIELDS)

    async def _create_version(self, request: web.Request) -> web.Response:
        """Any model, by version."""
        body = await request.json()
        versions = {told["version"]: model for model, told in MODELS.items()}
        if body.get("version") not in versions:
            return self.refuse(422, "- version: does not exist")
        return self._accepted(versions[body["version"]], body, BODY_FIELDS | {"version"})

    def _accepted(self, model: str, body: dict[str, Any], known: set[str]) -> web.Response:
        if unknown := set(body) - known:
            return self.refuse(422, f"- input: unknown fields {sorted(unknown)}")
        if wait_s := self._throttled_s():
            return self.refuse(429, f"{_POOR} Your rate limit resets in ~{wait_s}s.")
        if found := problems(INPUTS.get(model) or _input_of(model), body["input"]):
            return web.json_response(
                {"title": "Input validation failed", "detail": str(found), "status": 422},
                status=422,
            )
        job = self.accept(uuid4().hex[:26], body, PRICE_MICROS)
        job.notes |= {"model": model, "created_at": datetime.now(UTC)}
        return web.json_response(self.prediction(job), status=201)

    def _throttled_s(self) -> int:
        """Six creates a minute, one at a time: seconds until the next, 0 for now."""
        if self.clock is None:
            return 0
        now = self.clock()
        wait = self._next_create - now if self._next_create else timedelta()
        if wait > timedelta():
            return ceil(wait.total_seconds())
        self._next_create = now + timedelta(seconds=10)
        return 0

    def prediction(self, job: Job) -> dict[str, Any]:
        """The prediction object as it stands."""
        created_at: datetime = job.notes["created_at"]
        status = self._status(job)
        ended = status in ("succeeded", "failed", "canceled")
        removed = job.id in self.removed
        url = f"{self.base_url}/predictions/{job.id}"
        return {
            "id": job.id,
            "model": job.notes["model"],
            "version": "hidden",
            "input": {} if removed else job.body["input"],
            "output": self._output(job) if status == "succeeded" and not removed else None,
            "logs": "",
            "error": _error(job) + self.echo if status == "failed" else None,
            "status": status,
            "source": job.notes.get("source", "api"),
            "created_at": _text(created_at),
            "started_at": _text(created_at) if job.polls > self.polls_queued else None,
            "completed_at": _text(created_at + timedelta(seconds=90)) if ended else None,
            "data_removed": removed,
            "metrics": {},
            "urls": {"get": url, "cancel": f"{url}/cancel"},
        }

    def charge(self, job: Job) -> int:
        """A cancelled run is billed for what ran: half, here."""
        stopped = job.outcome == "cancelled" and job.polls > self.polls_queued
        return job.cost_micros // 2 if stopped else super().charge(job)

    def _status(self, job: Job) -> str:
        if job.outcome == "cancelled":
            return "canceled"
        if job.polls <= self.polls_until_done:
            return "processing" if job.polls > self.polls_queued else "starting"
        return "succeeded" if job.outcome == "succeeded" else "failed"

    def _output(self, job: Job) -> Any:
        url = f"{super().base_url}/delivery/{job.id}/output.mp4"
        return {"string": url, "list": [url], "object": {"video": {"url": url}}}[self.output]

    async def _list(self, request: web.Request) -> web.Response:
        start = int(request.query.get("cursor", "0"))
        newest_first = list(self.jobs.values())[::-1]
        end = start + self.page
        following = f"{self.following or self.base_url}/predictions?cursor={end}"
        return web.json_response(
            {
                "results": [self.prediction(one) for one in newest_first[start:end]],
                "next": following if end < len(newest_first) else None,
                "previous": None,
            }
        )

    async def _get(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return self.refuse(404, "Prediction not found")
        self.step(job)
        return web.json_response(self.prediction(job))

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return self.refuse(404, "Prediction not found")
        if job.polls <= self.polls_until_done:
            job.outcome = "cancelled"
        return web.json_response(self.prediction(job))

    async def _upload(self, request: web.Request) -> web.Response:
        content = next((part for part in await parts(request) if part.name == "content"), None)
        if content is None or not content.filename:
            return self.refuse(400, "Missing content")
        url = f"{self.base_url}/files/{uuid4().hex}"
        self.files[url] = content.content
        digest = sha256(content.content).hexdigest()
        made_at = datetime.now(UTC)
        return web.json_response(
            {
                "id": url[-32:],
                "name": content.filename,
                "content_type": content.mime,
                "size": len(content.content),
                "etag": digest[:32],
                "checksums": {"sha256": digest},
                "metadata": {},
                "created_at": _text(made_at),
                "expires_at": _text(made_at + timedelta(days=1)),
                "urls": {"get": url},
            },
            status=201,
        )

    async def _account(self, request: web.Request) -> web.Response:
        return web.json_response({"type": "user", "username": "studio", "name": "A studio"})

    async def _clip(self, request: web.Request) -> web.Response:
        return self.serve_clip(request, keyed=True)


def _input_of(model: str) -> dict[str, Any]:
    """The schema a described model's input is held against."""
    components = MODELS[model]["openapi_schema"]["components"]
    return {"$ref": "#/components/schemas/Input", "components": components}


def _error(job: Job) -> str:
    if job.outcome == "rejected":
        return "The input or output was flagged as sensitive. Please try again. (E005)"
    return "Prediction failed: the upstream model did not answer"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
