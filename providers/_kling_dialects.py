"""What goes into a Kling create call: request -> path and body, in both generations. Pure.

The dialects by the names the catalogue uses: `v3-text-image` (text, first and last frame),
`v3-omni` (the same, stills and one video) and `v3-motion` (the movement of a video on a character).
Stills come in already encoded; videos are taken by URL only, there is nowhere to upload one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = [
    "LEGACY",
    "NEW",
    "VIDEOS",
    "Call",
    "Dialect",
    "Encoded",
    "legacy_kind",
    "needs_legacy",
]

Encoded = Mapping[MediaInput, str]  # a still -> its URL or bare base64
Call = tuple[str, dict[str, Any]]  # path and JSON body
Dialect = Callable[[VideoRequest, Encoded], Call]

VIDEOS: Final = frozenset({MediaRole.MOTION, MediaRole.SOURCE})  # the others are stills
_FRAMES: Final = frozenset({MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME})
_MOTION_INPUTS: Final = frozenset({MediaRole.MOTION, MediaRole.REFERENCE, MediaRole.FIRST_FRAME})

# The settings that not every model has; an unknown id is taken for one as able as the newest.
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {
    "kling-3.0-turbo": frozenset(),
    "kling-2.6": frozenset({"audio"}),
    "kling-2.5-turbo": frozenset(),
    "kling-o1": frozenset({"audio"}),
}
_NEWEST: Final = frozenset({"audio", "multi_shot"})

_LEGACY_MODELS: Final[Mapping[str, str]] = {
    "kling-3.0": "kling-v3",
    "kling-2.6": "kling-v2-6",
    "kling-2.5-turbo": "kling-v2-5-turbo",
}
_LEGACY_MODES: Final[Mapping[str, str]] = {"720p": "std", "1080p": "pro", "4k": "4k"}


def text_or_image(request: VideoRequest, stills: Encoded) -> Call:
    """Text to video, or image to video with a first and perhaps a last frame."""
    _only(request, _FRAMES)
    settings = _settings(request, multi_shot=_wants_shots(request))
    if not request.inputs:
        settings["aspect_ratio"] = request.aspect
        body = {"prompt": request.prompt, "settings": settings, "options": _options(request)}
        return f"/text-to-video/{request.wire_id}", body
    contents = [_prompt(request), *_frames(request, stills)]
    body = {"contents": contents, "settings": settings, "options": _options(request)}
    return f"/image-to-video/{request.wire_id}", body


def omni(request: VideoRequest, stills: Encoded) -> Call:
    """Text, frames, reference stills and at most one video, to edit or to take the feel from."""
    frames = _frames(request, stills)
    references = request.all_of(MediaRole.REFERENCE)
    contents = [_prompt(request), *frames]
    contents += [{"type": "refer_image", "url": stills[still]} for still in references]
    settings = _settings(request, multi_shot=_wants_shots(request))
    if video := _video(request):
        use = _video_use(request, video)
        contents.append({"type": use, "url": _address(video)})
        _obey_video(request, use, settings)
    elif not frames:
        settings["aspect_ratio"] = request.aspect
    body = {"contents": contents, "settings": settings, "options": _options(request)}
    return f"/omni-video/{request.wire_id}", body


def motion(request: VideoRequest, stills: Encoded) -> Call:
    """The movement of a video on the character of a still; the clip is as long as the video."""
    _only(request, _MOTION_INPUTS)
    video = _video(request)
    characters = [media for media in request.inputs if media.role not in VIDEOS]
    if video is None or len(characters) != 1:
        missing = "a motion video" if video is None else "one picture of the character"
        raise InvalidRequest(f"motion control needs {missing}")
    contents = [
        _prompt(request),
        {"type": "image", "url": stills[characters[0]]},
        {"type": "video", "url": _address(video)},
    ]
    settings = {
        "character_orientation": request.options.get("character_orientation", "video"),
        "resolution": request.resolution,
        "audio": "original" if request.audio else "off",
    }
    body = {"contents": contents, "settings": settings, "options": _options(request)}
    return f"/motion-control/{request.wire_id}", body


def legacy_text_or_image(request: VideoRequest, stills: Encoded) -> Call:
    """The same as `text_or_image` in the `/v1` generation, which has no word for a bare still."""
    _only(request, _FRAMES)
    if request.resolution not in _LEGACY_MODES:
        raise InvalidRequest(f"Kling makes no {request.resolution} clips")
    body: dict[str, Any] = {
        "model_name": _legacy_model(request.wire_id),
        "prompt": request.prompt,
        "mode": _LEGACY_MODES[request.resolution],
        "sound": "on" if request.audio else "off",
        "duration": str(request.duration_s),
        "external_task_id": request.correlation_id,
    }
    if request.negative:
        body["negative_prompt"] = request.negative
    if first := request.of(MediaRole.FIRST_FRAME):
        body["image"] = stills[first]
    if last := request.of(MediaRole.LAST_FRAME):
        body["image_tail"] = stills[last]
    if not request.inputs:
        body["aspect_ratio"] = request.aspect
    return f"/v1/videos/{legacy_kind(request)}", body


def needs_legacy(request: VideoRequest) -> bool:
    """Whether only the `/v1` generation can say this: the new one has no negative prompt."""
    known = request.wire_id in _LEGACY_MODELS and request.dialect in LEGACY
    return bool(request.negative) and known


def legacy_kind(request: VideoRequest) -> str:
    """The last part of the `/v1/videos/` path, for the create and for every later question."""
    return "image2video" if request.inputs else "text2video"


NEW: Final[Mapping[str, Dialect]] = {
    "v3-text-image": text_or_image,
    "v3-omni": omni,
    "v3-motion": motion,
}
LEGACY: Final[Mapping[str, Dialect]] = {"v3-text-image": legacy_text_or_image}


def _only(request: VideoRequest, roles: frozenset[MediaRole]) -> None:
    for media in request.inputs:
        if media.role not in roles:
            name = media.role.replace("_", " ")
            raise InvalidRequest(f"{request.wire_id} takes no {name} here")


def _settings(request: VideoRequest, *, multi_shot: bool) -> dict[str, Any]:
    able = _OPTIONAL.get(request.wire_id, _NEWEST)
    settings: dict[str, Any] = {"resolution": request.resolution, "duration": request.duration_s}
    if "audio" in able:
        settings["audio"] = "native" if request.audio else "off"
    if "multi_shot" in able:
        settings["multi_shot"] = multi_shot
    return settings


def _wants_shots(request: VideoRequest) -> bool:
    """The vendor's default is several shots; ours is one continuous take."""
    return request.options.get("multi_shot") == "true"


def _options(request: VideoRequest) -> dict[str, Any]:
    return {
        "external_task_id": request.correlation_id,
        "watermark_info": {"enabled": False},
    }


def _prompt(request: VideoRequest) -> dict[str, str]:
    return {"type": "prompt", "text": request.prompt}


def _frames(request: VideoRequest, stills: Encoded) -> list[dict[str, str]]:
    first, last = request.of(MediaRole.FIRST_FRAME), request.of(MediaRole.LAST_FRAME)
    if last and not first:
        raise InvalidRequest("Kling takes a last frame only together with a first one")
    found = (("first_frame", first), ("last_frame", last))
    return [{"type": kind, "url": stills[frame]} for kind, frame in found if frame]


def _legacy_model(wire_id: str) -> str:
    if wire_id.startswith("kling-v"):
        return wire_id
    if wire_id not in _LEGACY_MODELS:
        raise InvalidRequest(f"{wire_id} needs KLING_API_KEY: the legacy API has no such model")
    return _LEGACY_MODELS[wire_id]


def _video(request: VideoRequest) -> MediaInput | None:
    videos = [media for media in request.inputs if media.role in VIDEOS]
    if len(videos) > 1:
        raise InvalidRequest("Kling takes one video at most")
    return videos[0] if videos else None


def _video_use(request: VideoRequest, video: MediaInput) -> str:
    """`base_video` is edited; from a `feature_video` the model takes motion, style, or goes on."""
    usual = "base_video" if video.role is MediaRole.SOURCE else "feature_video"
    return request.options.get("video", usual)


def _obey_video(request: VideoRequest, use: str, settings: dict[str, Any]) -> None:
    """The documented rules of a clip made with a video; its shape follows that video."""
    if use == "base_video":
        if request.of(MediaRole.FIRST_FRAME):
            raise InvalidRequest("Kling takes no frames beside a video to edit")
        settings["audio"] = "original" if request.audio else "off"
        del settings["duration"]  # as long as the video
    elif request.audio:
        raise InvalidRequest("Kling makes no sound with a reference video: switch audio off")
    settings["multi_shot"] = use != "base_video"


def _address(video: MediaInput) -> str:
    if video.url:
        return video.url
    name = video.path.name if video.path else "none given"
    raise InvalidRequest(
        f"Kling takes a video by https URL only, not as a file ({name}); nothing was sent"
    )
