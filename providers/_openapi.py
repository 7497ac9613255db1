"""A hosted model's input as its host publishes it: OpenAPI in, a flat table of fields out. Pure.

Hosts write one field in many ways: behind references, inside `allOf`, as one of several types of
which one is null. Here each becomes one plain JSON schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from providers.errors import ProtocolError

__all__ = ["fields_of", "flat"]

Schema = Mapping[str, Any]

_DEPTH: Final = 12  # a document that refers further than this goes round in circles


def fields_of(document: Schema, schema: object) -> tuple[dict[str, Schema], frozenset[str]]:
    """Each field's own schema, in the host's order, and the names of the required ones.

    Raises `ProtocolError` for a schema without fields.
    """
    whole = flat(document, schema)
    properties = _table(whole.get("properties"))
    if not properties:
        raise ProtocolError("the vendor's description of this model names no fields")
    fields = {name: flat(document, field) for name, field in properties.items()}
    order = [name for name in _list(whole.get("x-fal-order-properties")) if name in fields]
    rank = {name: place for place, name in enumerate(order)}
    names = sorted(fields, key=lambda name: rank.get(name, _order(fields[name])))
    required = frozenset(name for name in _list(whole.get("required")) if isinstance(name, str))
    return {name: fields[name] for name in names}, required


def flat(document: Schema, schema: object, depth: int = 0) -> dict[str, Any]:
    """One schema without references, `allOf`, alternatives and null."""
    if depth > _DEPTH:
        raise ProtocolError("the vendor's description of this model refers to itself")
    found = dict(_table(schema))
    parts = [_referred(document, found.pop("$ref"))] if "$ref" in found else []
    parts += _list(found.pop("allOf", None))
    for key in ("anyOf", "oneOf"):
        parts += _alternative(document, _list(found.pop(key, None)), depth)
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= flat(document, part, depth + 1)
    merged |= found
    if isinstance(kinds := merged.get("type"), list):
        merged["type"] = next((k for k in cast("list[object]", kinds) if k != "null"), "null")
    if "const" in merged:
        merged["enum"] = [merged.pop("const")]
    if isinstance(values := merged.get("enum"), list):
        merged["enum"] = [v for v in cast("list[object]", values) if v is not None]
    return merged


def _alternative(document: Schema, options: Iterable[object], depth: int) -> list[dict[str, Any]]:
    """The one to follow: named values say more than a bare type."""
    kinds = [flat(document, option, depth + 1) for option in options]
    real = [kind for kind in kinds if kind.get("type") != "null"]
    named = [kind for kind in real if kind.get("enum")]
    if len(named) > 1 and len(named) == len(real):
        return [{**named[0], "enum": [value for kind in named for value in kind["enum"]]}]
    return (named or real)[:1]


def _referred(document: Schema, reference: object) -> object:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise ProtocolError(f"the vendor's description refers to {reference!r}, outside itself")
    place: object = document
    for part in reference[2:].split("/"):
        place = _table(place).get(part.replace("~1", "/").replace("~0", "~"))
    if place is None:
        raise ProtocolError(f"the vendor's description lacks {reference}")
    return place


def _order(field: Schema) -> int:
    order = field.get("x-order")
    return order if isinstance(order, int) else 1000


def _table(value: object) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
