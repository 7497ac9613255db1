"""What the stand-ins of the three hosts (Runway, Replicate, fal) share beyond `Loopback`.

Calls need the key, files want it or must not see it, and bodies are held against the published
field tables. Every scripted error echoes the key, as real vendors have done, so a leak is seen.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any, ClassVar, cast

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.standin.loopback import Handler, Loopback

DATA = Path(__file__).parents[1] / "providers" / "data"


class Hosted(Loopback):
    """`fail_next(307)`, or any 3xx, sends the call elsewhere."""

    scheme: ClassVar[str] = "Bearer"
    operations: ClassVar[tuple[tuple[str, str, str], ...]] = ()  # method, path pattern, operation

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        for verb, pattern, name in self.operations:
            if verb == method and re.fullmatch(pattern, path):
                return name
        return "unknown"

    def refuse(self, status: int, text: str) -> web.Response:
        """An error in the vendor's own shape."""
        raise NotImplementedError

    def error(self, kind: int) -> web.Response:
        answer = self.refuse(kind, f"scripted; your key is {self.key}")
        if 300 <= kind < 400:
            answer.headers["Location"] = f"{self.base_url}/elsewhere"
        return answer

    def keyed(self, handler: Handler) -> Handler:
        """The call as only a good key gets it."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"{self.scheme} {self.key}":
                return self.refuse(401, f"bad key {request.headers.get('Authorization')}")
            return await handler(request)

        return guarded

    def serve_clip(self, request: web.Request, *, keyed: bool) -> web.Response:
        """The finished file; `keyed` says whether the key belongs there, else it must stay away."""
        if ("Authorization" in request.headers) is not keyed:
            return self.refuse(403, "wrong credentials for a file")
        return web.Response(body=self.clip, content_type="video/mp4")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a multipart form."""

    name: str
    filename: str | None
    mime: str
    content: bytes


async def parts(request: web.Request) -> list[Part]:
    """The form's parts in order; [] for what is no form. (The body has been read before.)"""
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + await request.read())
    return [
        Part(
            name=str(part.get_param("name", header="content-disposition")),
            filename=part.get_filename(),
            mime=part.get_content_type(),
            content=cast("bytes", part.get_payload(decode=True)),
        )
        for part in (message.iter_parts() if message.is_multipart() else ())
    ]


def schemas(name: str) -> Any:
    """An extract of a vendor's field tables."""
    return json.loads((DATA / name).read_text())


def problems(schema: Mapping[str, Any], body: Any) -> list[dict[str, Any]]:
    """Where a body is not what the schema says: path and message."""
    found = Draft202012Validator(schema).iter_errors(body)
    return [{"path": list(error.absolute_path), "message": error.message[:300]} for error in found]
