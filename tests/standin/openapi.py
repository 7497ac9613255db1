"""Holds what passes over the wire against Discord's own OpenAPI file.

The stand-in and the client are checked by the same third party, so neither can drift into fiction.
The file is not part of the repository: CONTRACT_SPECS names its folder, and without it there is no
check (`load` answers None), which the tests say aloud. Gateway events are outside the file.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = "discord.openapi.json"
DOCUMENT_URI = "urn:discord"
NUMBER_FOR_ID = "an id as a number: Discord takes it, its file says text"
ID_KEYS = frozenset({"users", "roles", "recipient_id", "message_id", "channel_id", "guild_id"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One place where a body or a route is not what Discord documents."""

    who: str  # "client" for a request, "stand-in" for an answer
    method: str
    path: str
    where: str
    message: str

    @property
    def known(self) -> bool:
        """The one habit of discord.py that Discord accepts and its file does not."""
        return self.who == "client" and self.message == NUMBER_FOR_ID


@dataclass(slots=True)
class Contract:
    """The document with one compiled validator per route and status, made when first needed."""

    document: Mapping[str, Any]
    _registry: Registry[Any] = field(init=False)
    _validators: dict[str, Draft202012Validator] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        resource = Resource(contents=self.document, specification=DRAFT202012)
        self._registry = Registry().with_resource(DOCUMENT_URI, resource)

    def knows(self, method: str, template: str) -> bool:
        return method.lower() in self.document["paths"].get(template, {})

    def template(self, method: str, path: str) -> str | None:
        """The documented route a concrete path belongs to; literal segments win."""
        found = [t for t in self.document["paths"] if _matches(t, path) and self.knows(method, t)]
        return min(found, key=lambda template: template.count("{"), default=None)

    def request(self, method: str, template: str, body: Any) -> Iterator[Violation]:
        pointer = self._request_pointer(method, template)
        if pointer is None or body is None:
            return
        problem = self._problem(pointer, body)
        if problem is None:
            return
        harmless = self._problem(pointer, _with_text_ids(body)) is None
        yield Violation(
            who="client",
            method=method,
            path=template,
            where=problem.json_path,
            message=NUMBER_FOR_ID if harmless else problem.message[:300],
        )

    def response(self, method: str, template: str, status: int, body: Any) -> Iterator[Violation]:
        """Checks an answer; server errors are undocumented by nature and left alone."""
        if status >= 500:
            return
        if status == 400 and isinstance(body, dict):
            # The file wants numbers for the codes inside `errors`; Discord's prose shows words.
            body = {key: value for key, value in body.items() if key != "errors"}
        where, message = self._disagreement(method, template, status, body)
        if message:
            yield Violation(
                who="stand-in", method=method, path=template, where=where, message=message
            )

    def _disagreement(self, method: str, template: str, status: int, body: Any) -> tuple[str, str]:
        responses = self._operation(method, template)["responses"]
        key = next((k for k in (str(status), f"{status // 100}XX") if k in responses), None)
        if key is None:
            return "$", f"status {status} is not documented"
        pointer = self._response_pointer(method, template, key)
        if pointer is None:
            return "$", "" if body is None else f"status {status} has no body"
        problem = self._problem(pointer, body)
        return (problem.json_path, problem.message[:300]) if problem else ("$", "")

    def _operation(self, method: str, template: str) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self.document["paths"][template][method.lower()])

    def _request_pointer(self, method: str, template: str) -> str | None:
        content = self._operation(method, template).get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return None
        route = template.replace("~", "~0").replace("/", "~1")
        return f"#/paths/{route}/{method.lower()}/requestBody/content/application~1json/schema"

    def _response_pointer(self, method: str, template: str, key: str) -> str | None:
        response = self._operation(method, template)["responses"][key]
        base = f"#/paths/{template.replace('/', '~1')}/{method.lower()}/responses/{key}"
        if "$ref" in response:
            base = response["$ref"]
            response = self.document["components"]["responses"][base.rsplit("/", 1)[1]]
        if "application/json" not in response.get("content", {}):
            return None
        return f"{base}/content/application~1json/schema"

    def _problem(self, pointer: str, body: Any) -> ValidationError | None:
        validator = self._validators.get(pointer)
        if validator is None:
            schema = {"$ref": f"{DOCUMENT_URI}{pointer}"}
            validator = Draft202012Validator(schema, registry=self._registry)
            self._validators[pointer] = validator
        if validator.is_valid(body):
            return None
        return cast("ValidationError | None", best_match(validator.iter_errors(body)))


def specs_folder() -> Path:
    beside_the_repository = Path(__file__).parents[2].parent / "shared" / "contracts" / "specs"
    return Path(os.environ.get("CONTRACT_SPECS") or beside_the_repository)


@cache
def load(folder: Path) -> Contract | None:
    """The contract in that folder, read once a process; None where the file is missing."""
    file = folder / FILE
    if not file.is_file():
        return None
    return Contract(json.loads(file.read_text(encoding="utf-8")))


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def _with_text_ids(value: Any, key: str = "") -> Any:
    """The same body with numbers as text wherever an id stands (a component's id is a number)."""
    if isinstance(value, dict):
        inside = "attachment" if key in ("attachments", "default_values") else ""
        return {k: _with_text_ids(v, inside if k == "id" else k) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_text_ids(entry, key) for entry in value]
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number and (key in ID_KEYS or key == "attachment") else value
