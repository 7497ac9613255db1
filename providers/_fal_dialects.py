"""What goes to fal: request -> endpoint and body, one dialect a model family. Pure.

Field names and types differ by endpoint (type declarations of `@fal-ai/client` 1.10.1): a length is
"5" for Kling, "8s" for Veo, "6" for LTX and Sora. Pictures and videos come in as URLs or data URIs.
A route's `wire_id` is the family's path; tier and last part follow from the request, and a route's
options may say otherwise: `tier.<resolution>`, `resolution.<resolution>`, the last part for `text`,
`image`, `last`, `reference`, `motion`, `edit`, `extend`; `fps`; `duration` = "integer".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers._schema_dialect import SCHEMA, schema_input
from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = ["DIALECTS", "Call", "Dialect", "Uris", "create"]

Uris = Mapping[MediaInput, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A paid call: which endpoint, and its input as it is (fal wraps nothing around it)."""

    endpoint: str
    body: dict[str, Any]


Dialect = Callable[[VideoRequest, Uris], Call]

_TIERS: Final = {"720p": "standard", "1080p": "pro"}
_LTX_SIZES: Final = {"1080p": "1080p", "1440p": "1440p", "4k": "2160p"}
_SORA_SIZES: Final = {"720p": "720p", "1024p": "1080p", "1080p": "true_1080p"}


def create(request: VideoRequest, uris: Uris) -> Call:
    """The paid call for a request. Raises `InvalidRequest` for what the model cannot express."""
    dialect = DIALECTS.get(request.dialect)
    if dialect is None:
        raise InvalidRequest(f"fal has no dialect {request.dialect!r}")
    call = dialect(request, uris)
    body = {name: value for name, value in call.body.items() if value is not None}
    return Call(endpoint=call.endpoint, body=body)


def _kling_v3(request: VideoRequest, uris: Uris) -> Call:
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    body = {
        "prompt": request.prompt,
        "duration": _length(request, str(request.duration_s)),
        "generate_audio": request.audio,
        "negative_prompt": request.negative or None,
    }
    if first := _one(request, uris, MediaRole.FIRST_FRAME):
        frames = {"start_image_url": first, "end_image_url": _end(request, uris)}
        return Call(endpoint=_path(request, "image", "image-to-video"), body=body | frames)
    _end(request, uris)
    shape = {"aspect_ratio": request.aspect}
    return Call(endpoint=_path(request, "text", "text-to-video"), body=body | shape)


def _kling_o3(request: VideoRequest, uris: Uris) -> Call:
    """A source video is edited, a motion video is followed."""
    body = {"prompt": request.prompt, "duration": _length(request, str(request.duration_s))}
    references = [uris[image] for image in request.all_of(MediaRole.REFERENCE)] or None
    if source := _one(request, uris, MediaRole.SOURCE):
        _takes(request, MediaRole.SOURCE, MediaRole.REFERENCE)
        del body["duration"]  # as long as the video
        video = {"video_url": source, "keep_audio": request.audio, "image_urls": references}
        return Call(endpoint=_path(request, "edit", "video-to-video/edit"), body=body | video)
    if motion := _one(request, uris, MediaRole.MOTION):
        _takes(request, MediaRole.MOTION, MediaRole.REFERENCE)
        video = {"video_url": motion, "keep_audio": request.audio, "image_urls": references}
        endpoint = _path(request, "motion", "video-to-video/reference")
        return Call(endpoint=endpoint, body=body | video | {"aspect_ratio": request.aspect})
    return _kling_o3_stills(request, uris, body | {"generate_audio": request.audio}, references)


def _kling_o3_stills(
    request: VideoRequest, uris: Uris, body: dict[str, Any], references: list[str] | None
) -> Call:
    first, end = _one(request, uris, MediaRole.FIRST_FRAME), _end(request, uris)
    shape = {"aspect_ratio": request.aspect}
    if references:
        frames = {"start_image_url": first, "end_image_url": end, "image_urls": references}
        endpoint = _path(request, "reference", "reference-to-video")
        return Call(endpoint=endpoint, body=body | frames | ({} if first else shape))
    if first:
        frames = {"image_url": first, "end_image_url": end}
        return Call(endpoint=_path(request, "image", "image-to-video"), body=body | frames)
    return Call(endpoint=_path(request, "text", "text-to-video"), body=body | shape)


def _kling_motion(request: VideoRequest, uris: Uris) -> Call:
    """As long as its video: up to 30 s facing as in the video, 10 s as in the picture."""
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.REFERENCE, MediaRole.MOTION)
    image = _one(request, uris, MediaRole.FIRST_FRAME, MediaRole.REFERENCE)
    video = _one(request, uris, MediaRole.MOTION)
    if image is None or video is None or len(request.inputs) != 2:
        raise InvalidRequest(f"{request.wire_id} needs one picture and one motion video")
    body = {
        "image_url": image,
        "video_url": video,
        "character_orientation": request.options.get("character_orientation", "video"),
        "keep_original_sound": request.audio,
        "prompt": request.prompt,
    }
    return Call(endpoint=_path(request, "motion", "motion-control"), body=body)


def _veo(request: VideoRequest, uris: Uris) -> Call:
    """`auto_fix` would let the vendor rewrite the prompt; it is sent as typed."""
    first, last = _one(request, uris, MediaRole.FIRST_FRAME), _end(request, uris)
    references = [uris[image] for image in request.all_of(MediaRole.REFERENCE)]
    body = {
        "prompt": request.prompt,
        "aspect_ratio": request.aspect,
        "duration": f"{request.duration_s}s",
        "resolution": request.resolution,
        "generate_audio": request.audio,
        "auto_fix": False,
    }
    if references:
        _takes(request, MediaRole.REFERENCE)
        endpoint = _path(request, "reference", "reference-to-video")
        return Call(endpoint=endpoint, body=body | {"image_urls": references})
    body |= {"negative_prompt": request.negative or None, "seed": request.seed}
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.SOURCE)
    if source := _one(request, uris, MediaRole.SOURCE):
        _takes(request, MediaRole.SOURCE)
        endpoint = _path(request, "extend", "extend-video")
        return Call(endpoint=endpoint, body=body | {"video_url": source})
    if last:
        endpoint = _path(request, "last", "first-last-frame-to-video")
        frames = {"first_frame_url": first, "last_frame_url": last}
        return Call(endpoint=endpoint, body=body | frames)
    if first:
        endpoint = _path(request, "image", "image-to-video")
        return Call(endpoint=endpoint, body=body | {"image_url": first})
    return Call(endpoint=_path(request, "text", ""), body=body)


def _ltx(request: VideoRequest, uris: Uris) -> Call:
    """A source video is made longer at its end."""
    if source := _one(request, uris, MediaRole.SOURCE):
        _takes(request, MediaRole.SOURCE)
        body: dict[str, Any] = {
            "video_url": source,
            "prompt": request.prompt,
            "duration": request.duration_s,
            "mode": "end",
        }
        return Call(endpoint=_path(request, "extend", "extend-video"), body=body)
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    body = {
        "prompt": request.prompt,
        "duration": _length(request, str(request.duration_s)),
        "resolution": _named(request, "resolution", _LTX_SIZES),
        "aspect_ratio": request.aspect,
        "fps": request.options.get("fps", "25"),
        "generate_audio": request.audio,
        "end_image_url": _end(request, uris),
    }
    if first := _one(request, uris, MediaRole.FIRST_FRAME):
        endpoint = _path(request, "image", "image-to-video")
        return Call(endpoint=endpoint, body=body | {"image_url": first})
    return Call(endpoint=_path(request, "text", "text-to-video"), body=body)


def _sora(request: VideoRequest, uris: Uris) -> Call:
    _takes(request, MediaRole.FIRST_FRAME)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "duration": _length(request, str(request.duration_s)),
        "resolution": _named(request, "resolution", _SORA_SIZES),
        "aspect_ratio": request.aspect,
    }
    if first := _one(request, uris, MediaRole.FIRST_FRAME):
        endpoint = _path(request, "image", "image-to-video")
        return Call(endpoint=endpoint, body=body | {"image_url": first})
    return Call(endpoint=_path(request, "text", "text-to-video"), body=body)


def _schema(request: VideoRequest, uris: Uris) -> Call:
    """A model added by its own schema: the wire id is the whole endpoint."""
    return Call(endpoint=request.wire_id, body=schema_input(request, uris))


DIALECTS: Final[Mapping[str, Dialect]] = {
    "kling-v3": _kling_v3,
    "kling-o3": _kling_o3,
    "kling-motion": _kling_motion,
    "veo": _veo,
    "ltx": _ltx,
    "sora": _sora,
    SCHEMA: _schema,
}


def _path(request: VideoRequest, kind: str, usual: str) -> str:
    """The endpoint: the family's path, for Kling the tier, and the last part for this kind."""
    tier = request.options.get(f"tier.{request.resolution}", "")
    if not tier and request.dialect.startswith("kling"):
        tier = _named(request, "tier", _TIERS)
    last = request.options.get(kind, usual)
    return "/".join(part for part in (request.wire_id, tier, last) if part)


def _length(request: VideoRequest, text: str) -> str | int:
    """Text as the type declarations say; some model pages show a number, so a route may ask."""
    return request.duration_s if request.options.get("duration") == "integer" else text


def _one(request: VideoRequest, uris: Uris, *roles: MediaRole) -> str | None:
    return next((uris[media] for media in request.inputs if media.role in roles), None)


def _end(request: VideoRequest, uris: Uris) -> str | None:
    if request.of(MediaRole.LAST_FRAME) and not request.of(MediaRole.FIRST_FRAME):
        raise InvalidRequest(f"{request.wire_id} takes a last frame only beside a first one")
    return _one(request, uris, MediaRole.LAST_FRAME)


def _named(request: VideoRequest, field: str, names: Mapping[str, str]) -> str:
    """The vendor's word for our resolution: the route's own option, else the usual one."""
    word = request.options.get(f"{field}.{request.resolution}") or names.get(request.resolution)
    if word is None:
        raise InvalidRequest(f"{request.wire_id} is not made at {request.resolution}")
    return word


def _takes(request: VideoRequest, *roles: MediaRole) -> None:
    for media in request.inputs:
        if media.role not in roles:
            raise InvalidRequest(f"{request.wire_id} cannot use a {media.role} here")
