"""What goes into a Replicate prediction's `input`: request -> fields, one dialect a model. Pure.

Field names and types differ from model to model (captures of each model's own schema). Pictures and
videos come in as addresses: a URL, a data URL or an uploaded file's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers._schema_dialect import SCHEMA, schema_input
from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = ["DIALECTS", "Dialect", "Uris", "create_input"]

Uris = Mapping[MediaInput, str]
Dialect = Callable[[VideoRequest, Uris], dict[str, Any]]

_KLING_MODES: Final = {"720p": "standard", "1080p": "pro", "4k": "4k"}
_MOTION_MODES: Final = {"720p": "std", "1080p": "pro"}
_LTX_SIZES: Final = {"1080p": "1080p", "1440p": "2k", "4k": "4k"}
_SORA_SIZES: Final = {"720p": "standard", "1024p": "high"}
_SORA_ASPECTS: Final = {"16:9": "landscape", "9:16": "portrait"}


def create_input(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """The model's own input. Raises `InvalidRequest` for what the model cannot express."""
    dialect = DIALECTS.get(request.dialect)
    if dialect is None:
        raise InvalidRequest(f"Replicate has no dialect {request.dialect!r}")
    return {name: value for name, value in dialect(request, uris).items() if value is not None}


def _kling_v3(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    return _kling(request, uris) | {
        "negative_prompt": request.negative or None,
        "generate_audio": request.audio,
    }


def _kling_v3_omni(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """A source video is edited ("base"), a motion video is followed ("feature")."""
    _takes(request, *MediaRole)
    references = [uris[image] for image in request.all_of(MediaRole.REFERENCE)]
    fields = _kling(request, uris) | {"reference_images": references or None}
    source, motion = request.of(MediaRole.SOURCE), request.of(MediaRole.MOTION)
    video = source or motion
    if video is None:
        return fields | {"generate_audio": request.audio}
    return fields | {
        "reference_video": uris[video],
        "video_reference_type": "base" if source else "feature",
        "keep_original_sound": request.audio,
        "generate_audio": False,  # not together with a reference video
    }


def _kling(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    first = request.of(MediaRole.FIRST_FRAME)
    return {
        "prompt": request.prompt,
        "start_image": _one(request, uris, MediaRole.FIRST_FRAME),
        "end_image": _end(request, uris),
        "mode": _named(request, "mode", _KLING_MODES),
        "aspect_ratio": None if first else request.aspect,  # ignored beside a first frame
        "duration": request.duration_s,
    }


def _kling_v3_motion(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """As long as its video: up to 30 s facing as in the video, 10 s as in the picture."""
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.REFERENCE, MediaRole.MOTION)
    image = _one(request, uris, MediaRole.FIRST_FRAME, MediaRole.REFERENCE)
    video = _one(request, uris, MediaRole.MOTION)
    if image is None or video is None or len(request.inputs) != 2:
        raise InvalidRequest(f"{request.wire_id} needs one picture and one motion video")
    return {
        "image": image,
        "video": video,
        "prompt": request.prompt,
        "mode": _named(request, "mode", _MOTION_MODES),
        "character_orientation": request.options.get("character_orientation", "video"),
        "keep_original_sound": request.audio,
    }


def _gen45(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    _takes(request, MediaRole.FIRST_FRAME)
    if request.audio:
        raise InvalidRequest(f"{request.wire_id} makes silent clips")
    return {
        "prompt": request.prompt,
        "image": _one(request, uris, MediaRole.FIRST_FRAME),
        "duration": request.duration_s,
        "aspect_ratio": request.aspect,
        "seed": request.seed,
    }


def _veo(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """Veo 3 and 3.1; only the catalogue's 3.1 routes offer a last frame and references."""
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)
    references = [uris[image] for image in request.all_of(MediaRole.REFERENCE)]
    return {
        "prompt": request.prompt,
        "aspect_ratio": request.aspect,
        "duration": request.duration_s,
        "image": _one(request, uris, MediaRole.FIRST_FRAME),
        "last_frame": _end(request, uris),
        "reference_images": references or None,
        "negative_prompt": request.negative or None,
        "resolution": request.resolution,
        "generate_audio": request.audio,
        "seed": request.seed,
    }


def _ltx_pro(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """A source video is made longer at its end."""
    fields = _ltx_fields(request, uris)
    if video := _one(request, uris, MediaRole.SOURCE):
        _takes(request, MediaRole.SOURCE)
        return fields | {"task": "extend", "video": video, "extend_mode": "end"}
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    task = "image_to_video" if fields["image"] else "text_to_video"
    return fields | {"task": task}


def _ltx_fast(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    _takes(request, MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    return _ltx_fields(request, uris)


def _ltx_fields(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    return {
        "prompt": request.prompt,
        "image": _one(request, uris, MediaRole.FIRST_FRAME),
        "last_frame_image": _end(request, uris),
        "resolution": _named(request, "resolution", _LTX_SIZES),
        "duration": request.duration_s,
        "aspect_ratio": request.aspect,
        "fps": int(request.options.get("fps", "25")),
        "camera_motion": "none",
        "generate_audio": request.audio,
    }


def _sora(request: VideoRequest, uris: Uris) -> dict[str, Any]:
    """Sora 2, and Sora 2 Pro, which alone has a resolution."""
    _takes(request, MediaRole.FIRST_FRAME)
    pro = request.wire_id.endswith("-pro")
    return {
        "prompt": request.prompt,
        "seconds": request.duration_s,
        "aspect_ratio": _SORA_ASPECTS.get(request.aspect, request.aspect),
        "resolution": _named(request, "resolution", _SORA_SIZES) if pro else None,
        "input_reference": _one(request, uris, MediaRole.FIRST_FRAME),
    }


DIALECTS: Final[Mapping[str, Dialect]] = {
    "kling-v3": _kling_v3,
    "kling-v3-omni": _kling_v3_omni,
    "kling-v3-motion": _kling_v3_motion,
    "gen-4.5": _gen45,
    "veo": _veo,
    "ltx-pro": _ltx_pro,
    "ltx-fast": _ltx_fast,
    "sora": _sora,
    SCHEMA: schema_input,
}


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
