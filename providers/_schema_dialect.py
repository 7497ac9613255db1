"""The dialect of models nobody wrote one for: the route's options say which field means what. Pure.

`python -m bot models add` writes these options from the model's own schema:

    field.<what>          the field for prompt, first_frame, last_frame, reference, duration,
                          aspect, resolution, size, seed, audio, negative; absent: there is none
    type.<what>           duration: integer or string; a still's field: list
    suffix.duration       what follows the number in text ("s")
    resolution.<ours>, aspect.<ours>, size.<resolution>.<ratio>, audio.on, audio.off
                          the model's word where it is not ours
    aspect.image          what the ratio's field says beside a first frame
    fixed.<field>         a value in JSON that is always sent
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = ["SCHEMA", "schema_input"]

SCHEMA: Final = "schema"  # its name in the catalogue

Uris = Mapping[MediaInput, str]

_STILLS: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)


def schema_input(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """The model's input. Raises `InvalidRequest` for what none of its fields can say."""
    fixed = {
        name.removeprefix("fixed."): _json(request, name, value)
        for name, value in request.options.items()
        if name.startswith("fixed.")
    }
    return {
        **fixed,
        **_said(request, "prompt", request.prompt),
        **_stills(request, uris),
        **_said(request, "duration", _duration(request)),
        **_said(request, "aspect", _aspect(request)),
        **_said(request, "resolution", _word(request, "resolution", request.resolution)),
        **_size(request),
        **_said(request, "seed", request.seed),
        **_said(request, "audio", _audio(request)),
        **_said(request, "negative", request.negative or None),
    }


def _said(request: VideoRequest, what: str, value: object) -> dict[str, Any]:
    field = request.options.get(f"field.{what}")
    return {field: value} if field and value is not None else {}


def _stills(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role in dict.fromkeys(media.role for media in request.inputs):
        field = request.options.get(f"field.{role}") if role in _STILLS else None
        if field is None:
            raise InvalidRequest(f"{request.wire_id} has no field for a {role}")
        addresses = [uris[media] for media in request.all_of(role)]
        listed = request.options.get(f"type.{role}") == "list"
        if len(addresses) > 1 and not listed:
            raise InvalidRequest(f"{request.wire_id} takes one {role}")
        found[field] = addresses if listed else addresses[0]
    return found


def _duration(request: VideoRequest) -> int | str:
    if request.options.get("type.duration") != "string":
        return request.duration_s
    return f"{request.duration_s}{request.options.get('suffix.duration', '')}"


def _aspect(request: VideoRequest) -> str:
    by_image = request.options.get("aspect.image")
    if by_image and request.of(MediaRole.FIRST_FRAME):
        return by_image
    return _word(request, "aspect", request.aspect)


def _size(request: VideoRequest) -> dict[str, Any]:
    if "field.size" not in request.options:
        return {}
    word = request.options.get(f"size.{request.resolution}.{request.aspect}")
    if word is None:
        raise InvalidRequest(
            f"{request.wire_id} is not made in {request.aspect} at {request.resolution}"
        )
    return _said(request, "size", word)


def _audio(request: VideoRequest) -> bool | str:
    return request.options.get("audio.on" if request.audio else "audio.off") or request.audio


def _word(request: VideoRequest, what: str, ours: str) -> str:
    return request.options.get(f"{what}.{ours}", ours)


def _json(request: VideoRequest, name: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise InvalidRequest(f"{request.wire_id}: option {name} is not JSON") from None
