"""What fal publishes on the models it hosts: an endpoint's OpenAPI document, read. Pure.

Source: fal's documentation, "Model search" of the platform API (`GET /v1/models`, `expand` with
`openapi-3.0`). A document describes a whole queue: the body of the POST, and the result's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from providers._openapi import fields_of, flat
from providers.base import Described
from providers.errors import InvalidRequest, ProtocolError

__all__ = ["Document", "Listed", "Listing", "described"]


class Metadata(BaseModel):
    display_name: str = ""
    description: str | None = None


class Listed(BaseModel):
    endpoint_id: str
    metadata: Metadata = Metadata()
    openapi: dict[str, Any] | None = None


class Listing(BaseModel):
    models: list[Listed]


class Document(BaseModel):
    """An OpenAPI document by itself."""

    openapi: str
    paths: dict[str, Any]
    components: dict[str, Any] = {}


def described(listed: Listed) -> Described:
    """Raises `ProtocolError` without a readable schema, `InvalidRequest` for what is no video."""
    endpoint, document = listed.endpoint_id, listed.openapi
    if document is None:
        raise ProtocolError(f"fal publishes no schema of {endpoint}")
    fields, required = fields_of(document, _asked(document, endpoint))
    answers = flat(document, _answered(document, endpoint)).get("properties")
    if answers and "video" not in answers:
        raise InvalidRequest(f"{endpoint} makes no video: it answers {', '.join(answers)}")
    owner, _, rest = endpoint.partition("/")
    return Described(
        name=listed.metadata.display_name or endpoint,
        maker=rest.partition("/")[0] if owner == "fal-ai" else owner,
        summary=listed.metadata.description or "",
        fields=fields,
        required=required,
        source="fal's own schema (GET /v1/models?expand=openapi-3.0)",
    )


def _asked(document: Mapping[str, Any], endpoint: str) -> object:
    """The schema of the body that is posted to the endpoint."""
    try:
        body = document["paths"][f"/{endpoint}"]["post"]["requestBody"]
        return body["content"]["application/json"]["schema"]
    except (KeyError, TypeError):
        raise ProtocolError(f"fal's document of {endpoint} says nothing of its input") from None


def _answered(document: Mapping[str, Any], endpoint: str) -> object:
    """The schema of its result, {} where the document says none."""
    try:
        result = document["paths"][f"/{endpoint}/requests/{{request_id}}"]["get"]["responses"]
        return result["200"]["content"]["application/json"]["schema"]
    except (KeyError, TypeError):
        return {}
