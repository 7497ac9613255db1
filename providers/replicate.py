"""Replicate: other makers' models behind one predictions API.

Contract: the official OpenAPI document 1.0.0-a1, the official SDKs for files and `Cancel-After`,
and captures of each model's own input schema. Everything of a prediction is deleted an hour after
it ran, so a clip has to be fetched at once. Submissions are listed, newest first: a lost one is
found by its model, time and input.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, Field, WrapValidator

from providers._data_uri import data_uri, encoded_bytes, file_of
from providers._http import call, or_none, parse, retry_after_s
from providers._openapi import fields_of
from providers._replicate_dialects import create_input
from providers._trust import before_paying, on_host, redacted, same_origin
from providers.base import (
    Described,
    Download,
    Facts,
    ImageRules,
    MediaInput,
    Phase,
    Progress,
    Provider,
    Remote,
    Status,
    VideoRequest,
)
from providers.errors import (
    OutOfCredit,
    ProtocolError,
    ProviderError,
    RateLimited,
    RouteGone,
    Unavailable,
)

__all__ = ["Prediction", "Replicate", "read_error", "read_prediction"]

Answer = TypeVar("Answer", bound=BaseModel)

_CANCEL_AFTER: Final = "30m"  # counted from creation; also the vendor's own longest run
_INLINE_BYTES: Final = 256_000  # data URLs are meant for files up to 256 kB
_RETENTION: Final = timedelta(hours=1)
_BILLING: Final = "replicate.com/account/billing"
_CLOCK_SKEW: Final = timedelta(seconds=60)
_LAST_ARRIVAL: Final = timedelta(minutes=5)
_MEDIA: Final = "\0media"  # stands for an address that is not known yet, or not any more
_RESETS_IN: Final = re.compile(r"resets in ~?(\d+(?:\.\d+)?)\s*s")

_PHASES: Final = {
    "starting": Phase.QUEUED,
    "processing": Phase.RENDERING,
    "succeeded": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "canceled": Phase.CANCELLED,
    "aborted": Phase.CANCELLED,  # stopped before it started: not billed
}
_ENDED: Final = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED})

# A refusal is HTTP 200, "failed" and free text. Both kinds of failure end the job without another
# try, so these words decide only what the person is told.
_REFUSALS: Final = ("flagged as sensitive", "(e005)", "moderat", "content policy", "nsfw", "safety")


# From the models' own schemas and listings (contract 2.8); Kling's ratios from Kling's own pages.
_KLING_IMAGES: Final = ImageRules(
    min_side=300,
    max_bytes=10_000_000,
    ratios=(0.4, 2.5),
    source="Replicate's listing of Kling v3 and Kling's own limits: 10 MB, 300 px, 1:2.5 to 2.5:1",
)
_IMAGES: Final[Mapping[str, ImageRules]] = {
    "kling-v3": _KLING_IMAGES,
    "kling-v3-omni": _KLING_IMAGES,
    "kling-v3-motion": ImageRules(
        min_side=340,
        max_side=3850,
        max_bytes=10_000_000,
        ratios=(0.4, 2.5),
        source="Replicate's listing of Kling v3 motion control: 10 MB, 340 to 3850 px",
    ),
    "gen-4.5": ImageRules(ratios=(0.5, 2.0), source="Runway's window for gen4.5"),
}


_Moment = Annotated[AwareDatetime | None, WrapValidator(or_none)]


class Prediction(BaseModel):
    id: Annotated[str, Field(min_length=1)]
    status: str
    model: str | None = None
    input: dict[str, Any] | None = None
    output: Any = None
    error: Any = None
    created_at: _Moment = None
    started_at: _Moment = None
    completed_at: _Moment = None
    data_removed: bool = False
    source: str = "api"


class Created(BaseModel):
    """The part of a fresh prediction that must be readable: it has been paid for."""

    id: Annotated[str, Field(min_length=1)]


class Page(BaseModel):
    results: list[Prediction]
    next: str | None = None


class Account(BaseModel):
    username: str


class Version(BaseModel):
    id: str = ""
    openapi_schema: dict[str, Any]


class Model(BaseModel):
    """`is_official` is newer than the document: where it is missing, the model is taken for one."""

    owner: str
    name: str
    description: str | None = None
    is_official: bool = True
    latest_version: Version | None = None


class FileUrls(BaseModel):
    get: str


class File(BaseModel):
    urls: FileUrls


class Replicate(Provider):
    """`REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL` (with `/v1`)."""

    id: ClassVar[str] = "replicate"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=True,
        cancellable=True,
        cancel_saves=True,  # a cancelled run is billed for what ran
        poll_floor_s=3.0,
        find_after_s=5.0,
        result_ttl_s=3600,
        deadline_s=1860,  # a minute after the vendor's own deadline (Cancel-After)
        concurrency=16,
        per_minute=600,
        credit="no free call shows it. Without a payment method Replicate allows about six creates "
        "a minute and then answers 402: add one at https://replicate.com/account/billing",
        keys=("REPLICATE_API_TOKEN",),
        source="Replicate OpenAPI 1.0.0-a1; SDK 1.0.7 and 2.0.0b4; docs on limits and predictions",
        verified="2026-11-23",
    )

    async def submit(self, request: VideoRequest) -> Remote:
        """`POST /models/{owner}/{name}/predictions`; larger files are uploaded before.

        That path knows official models only: another's route names its version (`POST
        /predictions`).
        """
        create_input(request, dict.fromkeys(request.inputs, _MEDIA))  # refuse before any upload
        with before_paying():
            uris = {media: await self._place(media) for media in request.inputs}
        path, body = f"models/{request.wire_id}/predictions", {"input": create_input(request, uris)}
        if version := request.options.get("version"):
            path, body = "predictions", {"version": version} | body
        url = f"{self.options.base_url}/{path}"
        answer = await self._ask(Created, "POST", url, paid=True, json=body)
        return Remote(remote_id=answer.id)

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        try:
            return read_prediction(await self._ask(Prediction, "GET", self._url_of(remote)))
        except ProtocolError as error:
            if error.status != 404:
                raise
        return Status(phase=Phase.GONE, reason="the vendor does not know this prediction")

    async def cancel(self, remote: Remote, request: VideoRequest) -> None:
        """A prediction that has ended stays as it is."""
        try:
            await self._ask(Prediction, "POST", f"{self._url_of(remote)}/cancel")
        except ProtocolError as error:
            if error.status not in (404, 422):
                raise

    async def fetch(
        self,
        remote: Remote,
        request: VideoRequest,
        status: Status,
        to: Path,
        download: Download,
        progress: Progress,
    ) -> None:
        """Files are documented as needing the token, which goes to Replicate's hosts only."""
        if status.result_url is None:
            status = await self.poll(remote, request)
        url = status.result_url or ""
        await download(url, self._headers() if self._is_theirs(url) else None)

    async def find(self, request: VideoRequest, sent_at: datetime) -> list[Remote]:
        """Predictions of this account for the same model and input, made since then."""
        wanted = create_input(request, dict.fromkeys(request.inputs, _MEDIA))
        matches: list[Prediction] = []
        url: str | None = f"{self.options.base_url}/predictions"
        seen: set[str] = set()
        while url is not None and url not in seen:
            seen.add(url)
            if not self._is_theirs(url):
                raise ProtocolError("the list goes on at an address that is not Replicate's")
            page = await self._ask(Page, "GET", url)
            matches += [
                found for found in page.results if _matches(found, request, wanted, sent_at)
            ]
            dates = [found.created_at for found in page.results if found.created_at]
            past = bool(dates) and min(dates) < sent_at - _CLOCK_SKEW
            url = None if past else page.next
        matches.sort(key=lambda found: found.created_at or sent_at)
        return [Remote(remote_id=found.id) for found in matches]

    async def check(self) -> str:
        """Reads the account: free, and only a good token may."""
        account = await self._ask(Account, "GET", f"{self.options.base_url}/account")
        return f"read the account {account.username} (GET /account)"

    def image_rules(self, dialect: str, aspect: str) -> ImageRules:
        return _IMAGES.get(dialect) or (_sora_images(aspect) if dialect == "sora" else ImageRules())

    async def describe(self, wire_id: str) -> Described:
        """`GET /models/{owner}/{name}`: the schema of the newest version."""
        path = f"/models/{quote(wire_id, safe='/')}"
        try:
            model = await self._ask(Model, "GET", f"{self.options.base_url}{path}")
        except ProtocolError as error:
            if error.status != 404:
                raise
            raise RouteGone(f"Replicate knows no model {wire_id}", status=404) from None
        newest = model.latest_version
        if newest is None:
            raise ProtocolError(f"{wire_id} has no version that could be run")
        document = newest.openapi_schema
        fields, required = fields_of(document, {"$ref": "#/components/schemas/Input"})
        return Described(
            name=model.name,
            maker=model.owner,
            summary=model.description or "",
            fields=fields,
            required=required,
            source=f"Replicate's own schema (GET {path}, version {newest.id[:12] or 'unnamed'})",
            options={} if model.is_official else {"version": newest.id},
        )

    async def _place(self, media: MediaInput) -> str:
        """What the input says for a picture or video: its URL, the file itself, or an upload."""
        if media.url is not None:
            return media.url
        if await encoded_bytes(media) <= _INLINE_BYTES:
            return await data_uri(media)
        path = file_of(media)
        file = await asyncio.to_thread(path.open, "rb")
        try:
            files = {"content": (path.name, file, media.mime)}
            url = f"{self.options.base_url}/files"
            return (await self._ask(File, "POST", url, files=files)).urls.get
        finally:
            await asyncio.to_thread(file.close)

    def _is_theirs(self, url: str) -> bool:
        base_url = self.options.base_url
        return same_origin(url, base_url) or on_host(url, "api.replicate.com", "replicate.delivery")

    def _url_of(self, remote: Remote) -> str:
        return f"{self.options.base_url}/predictions/{quote(remote.remote_id, safe='')}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.options.secrets[self.facts.keys[0]]}"}

    async def _ask(
        self,
        model: type[Answer],
        method: str,
        url: str,
        *,
        paid: bool = False,
        json: object | None = None,
        files: Any = None,
    ) -> Answer:
        deadline = {"Cancel-After": _CANCEL_AFTER} if paid else {}
        with redacted(self.options.secrets.values()):
            answer = await call(
                self.http,
                method,
                url,
                paid=paid,
                refine=read_error,
                headers=self._headers() | deadline,
                json=json,
                files=files,
            )
            return parse(model, answer, paid=paid)


def _sora_images(aspect: str) -> ImageRules:
    """The first frame must have the clip's own ratio."""
    width, height = (int(part) for part in aspect.split(":"))
    return ImageRules(ratios=(width / height, width / height), source="openai/sora-2's own schema")


def read_prediction(found: Prediction) -> Status:
    """A prediction as our `Status`; unknown states count as still rendering."""
    phase = _PHASES.get(found.status, Phase.RENDERING)
    if phase not in _ENDED:
        return Status(phase=phase)
    if phase is Phase.FAILED:
        text = str(found.error or "")
        refused = any(word in text.lower() for word in _REFUSALS)
        return Status(phase=Phase.REJECTED if refused else Phase.FAILED, reason=text)
    if phase is Phase.CANCELLED:
        ran = found.status == "canceled" and found.started_at is not None
        return Status(phase=phase, reason=str(found.error or ""), billed=ran)
    url = _file_in(found.output)
    if url is None and found.data_removed:
        return Status(phase=Phase.GONE, reason="the vendor has deleted the result")
    if url is None:
        raise ProtocolError("a prediction that succeeded has no output", body=repr(found))
    expires_at = found.completed_at and found.completed_at + _RETENTION
    return Status(phase=phase, progress=1.0, result_url=url, expires_at=expires_at)


def _file_in(output: object) -> str | None:
    """The clip's URL: models answer a string, a list of them, or an object around it."""
    match output:
        case str() if output:
            return output
        case list():
            items = cast("list[object]", output)
            return next(filter(None, map(_file_in, items)), None)
        case dict():
            fields = cast("dict[str, object]", output)
            return _file_in(fields.get("video")) or _file_in(fields.get("url"))
        case _:
            return None


def _matches(
    found: Prediction, request: VideoRequest, wanted: Mapping[str, Any], sent_at: datetime
) -> bool:
    if found.model != request.wire_id or found.source != "api":
        return False
    if found.input is None or found.created_at is None:
        return False
    if not sent_at - _CLOCK_SKEW <= found.created_at <= sent_at + _LAST_ARRIVAL:
        return False
    theirs = found.input
    return all(_same(value, theirs.get(name)) for name, value in wanted.items())


def _same(ours: object, theirs: object) -> bool:
    """Equal; media only have to be there, since each upload has an address of its own."""
    if ours == _MEDIA:
        return isinstance(theirs, str) and bool(theirs)
    if isinstance(ours, list):
        items, others = cast("list[object]", ours), cast("list[object]", theirs)
        return isinstance(theirs, list) and len(items) == len(others)
    return ours == theirs


def read_error(response: httpx.Response) -> ProviderError | None:
    """Where more is known than the status: how long to wait, or what the operator can do."""
    status, body = response.status_code, response.text
    if status == 409:
        return Unavailable("HTTP 409", status=status, body=body)
    if status == 402:
        return OutOfCredit(f"HTTP 402: add credit at {_BILLING}", status=status, body=body)
    if status != 429:
        return None
    poor = "payment method" in body.lower()
    hint = f": only a few clips a minute until a payment method is added at {_BILLING}"
    told = _RESETS_IN.search(body)
    wait_s = float(told.group(1)) if told else retry_after_s(response.headers)
    return RateLimited(
        f"HTTP 429{hint if poor else ''}", retry_after_s=wait_s, status=status, body=body
    )
