"""What goes into a Runway create call: request -> path and body, by dialect. Pure.

A body is a union on `model` (official SDK 5.24.0), so a dialect sends only its own models' fields.
Pictures and videos come in as addresses: a URL, a data URI or an upload's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = ["DIALECTS", "RATIOS", "Create", "Dialect", "Uris", "create"]

_SEED_MAX: Final = 4_294_967_295
_PROMPT_UNITS: Final = 1000  # UTF-16 code units, Runway's own models

_WIDE: Final = {"16:9": "1280:720", "9:16": "720:1280"}
_FULL_HD: Final = {"16:9": "1920:1080", "9:16": "1080:1920"}

# What `ratio` may be: by table, resolution and aspect (SDK 5.24.0).
RATIOS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "gen4.5 text": {"720p": _WIDE},
    "gen4.5 image": {
        "720p": {
            **_WIDE,
            "4:3": "1104:832",
            "1:1": "960:960",
            "3:4": "832:1104",
            "21:9": "1584:672",
        }
    },
    "veo": {"720p": _WIDE, "1080p": _FULL_HD},
    "omni": {
        "360p": {"16:9": "640:360", "9:16": "360:640"},
        "720p": _WIDE,
        "1080p": _FULL_HD,
        "4k": {"16:9": "3840:2160", "9:16": "2160:3840"},
    },
    "kling": {
        "720p": {**_WIDE, "1:1": "960:960"},
        "1080p": {**_FULL_HD, "1:1": "1440:1440"},
        "4k": {"16:9": "3840:2160", "9:16": "2160:3840", "1:1": "2880:2880"},
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Create:
    """A paid call: where to, and what."""

    path: str
    body: dict[str, Any]


Uris = Mapping[MediaInput, str]
Dialect = Callable[[VideoRequest, Uris], Create]


def create(request: VideoRequest, uris: Uris) -> Create:
    """The paid call for a request. Raises `InvalidRequest` for what the model cannot express."""
    dialect = DIALECTS.get(request.dialect)
    if dialect is None:
        raise InvalidRequest(f"Runway has no dialect {request.dialect!r}")
    return dialect(request, uris)


def _gen45(request: VideoRequest, uris: Uris) -> Create:
    _takes(request, MediaRole.FIRST_FRAME)
    if request.audio:
        raise InvalidRequest(f"{request.wire_id} makes silent clips")
    if len(request.prompt.encode("utf-16-le", "surrogatepass")) // 2 > _PROMPT_UNITS:
        raise InvalidRequest(f"the prompt is longer than {_PROMPT_UNITS} UTF-16 units")
    images = _prompt_images(request, uris)
    table = "gen4.5 image" if images else "gen4.5 text"
    body = {
        "model": request.wire_id,
        "promptText": request.prompt,
        **images,
        "ratio": _ratio(table, request),
        "duration": request.duration_s,
        **_seed(request),
    }
    return _text_or_image(body)


def _veo(request: VideoRequest, uris: Uris) -> Create:
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    body = {
        "model": request.wire_id,
        "promptText": request.prompt,
        **_prompt_images(request, uris),
        "ratio": _ratio("veo", request),
        "duration": request.duration_s,
        "audio": request.audio,
        **_seed(request),
    }
    if request.negative:
        body["negativePrompt"] = request.negative
    return _text_or_image(body)


def _omni(request: VideoRequest, uris: Uris) -> Create:
    """Sound is always on and has no field. A source video is edited, or as `options.mode` says."""
    body = {"model": request.wire_id, "promptText": request.prompt}
    references = _listed(request, uris, MediaRole.REFERENCE)
    if source := request.of(MediaRole.SOURCE):
        _takes(request, MediaRole.SOURCE, MediaRole.REFERENCE)
        mode = request.options.get("mode", "edit")
        body |= {"videoUri": uris[source], "mode": mode}
        if mode != "edit":  # an edit keeps the shape and length of its source
            body |= {"ratio": _ratio("omni", request), "duration": request.duration_s}
        return Create(path="/v1/video_to_video", body=body | _some("references", references))
    body |= {"ratio": _ratio("omni", request), "duration": request.duration_s}
    if images := _prompt_images(request, uris):
        _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
        return _text_or_image(body | images)
    _takes(request, MediaRole.REFERENCE)
    return _text_or_image(body | _some("references", references))


def _kling(request: VideoRequest, uris: Uris) -> Create:
    """Kling 3.0 and O3: the wire id carries the resolution; O3 also takes references and videos."""
    source = request.of(MediaRole.SOURCE)
    more = (MediaRole.SOURCE, MediaRole.REFERENCE) if request.wire_id.startswith("klingO3") else ()
    _takes(request, *more, *(() if source else (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)))
    references = _some("references", _listed(request, uris, MediaRole.REFERENCE))
    body: dict[str, Any] = {"model": request.wire_id, "promptText": request.prompt, **references}
    if source:
        settings = {"keepOriginalSound": request.audio}
        video = {"promptVideo": uris[source], "providerSettings": settings}
        return Create(path="/v1/video_to_video", body=body | video)
    body |= {"duration": request.duration_s, "audio": request.audio}
    if images := _prompt_images(request, uris):
        return _text_or_image(body | images)  # the first frame decides the ratio
    if references:
        raise InvalidRequest(f"{request.wire_id} takes references only beside a first frame")
    return _text_or_image(body | {"ratio": _ratio("kling", request)})


def _aleph(request: VideoRequest, uris: Uris) -> Create:
    """Edits a video; the output keeps its length and size."""
    _takes(request, MediaRole.SOURCE)
    source = request.of(MediaRole.SOURCE)
    if source is None:
        raise InvalidRequest(f"{request.wire_id} needs a source video")
    body = {
        "model": request.wire_id,
        "promptText": request.prompt,
        "videoUri": uris[source],
        **_seed(request),
    }
    return Create(path="/v1/video_to_video", body=body)


def _upscale(request: VideoRequest, uris: Uris) -> Create:
    """A finished clip made larger or smoother: no words, and sound and length stay.

    The upscaler's sizes are its own words, so a route says what ours mean
    (`options."resolution.1440p" = "2k"`); frames a second are an option of the route too.
    """
    _takes(request, MediaRole.SOURCE)
    source = request.of(MediaRole.SOURCE)
    if source is None:
        raise InvalidRequest(f"{request.wire_id} needs a source video")
    body: dict[str, Any] = {"model": request.wire_id, "videoUri": uris[source]}
    if fps := request.options.get("fps"):
        return Create(path="/v1/video_upscale", body=body | {"targetFramerate": fps})
    size = request.options.get(f"resolution.{request.resolution}")
    if size is None:
        raise InvalidRequest(f"{request.wire_id} has no word for {request.resolution}")
    return Create(path="/v1/video_upscale", body=body | {"resolution": size})


DIALECTS: Final[Mapping[str, Dialect]] = {
    "gen4.5": _gen45,
    "veo": _veo,
    "omni": _omni,
    "kling": _kling,
    "aleph": _aleph,
    "upscale": _upscale,
}


def _text_or_image(body: dict[str, Any]) -> Create:
    path = "/v1/image_to_video" if "promptImage" in body else "/v1/text_to_video"
    return Create(path=path, body=body)


def _prompt_images(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    first, last = request.of(MediaRole.FIRST_FRAME), request.of(MediaRole.LAST_FRAME)
    if last and not first:
        raise InvalidRequest(f"{request.wire_id} takes a last frame only beside a first one")
    placed = ((first, "first"), (last, "last"))
    images = [{"uri": uris[media], "position": where} for media, where in placed if media]
    return _some("promptImage", images)


def _listed(request: VideoRequest, uris: Uris, role: MediaRole) -> list[dict[str, str]]:
    return [{"uri": uris[media]} for media in request.all_of(role)]


def _some(field: str, values: list[Any]) -> dict[str, Any]:
    return {field: values} if values else {}


def _seed(request: VideoRequest) -> dict[str, int]:
    if request.seed is None:
        return {}
    if not 0 <= request.seed <= _SEED_MAX:
        raise InvalidRequest(f"Runway takes seeds from 0 to {_SEED_MAX}")
    return {"seed": request.seed}


def _ratio(table: str, request: VideoRequest) -> str:
    ratio = RATIOS[table].get(request.resolution, {}).get(request.aspect)
    if ratio is None:
        raise InvalidRequest(f"{request.wire_id} has no {request.aspect} at {request.resolution}")
    return ratio


def _takes(request: VideoRequest, *roles: MediaRole) -> None:
    for media in request.inputs:
        if media.role not in roles:
            raise InvalidRequest(f"{request.wire_id} cannot use a {media.role} here")
