"""What goes into a paid call of the OpenAI dialect: request -> path, fields, file. Pure.

From text or a first frame a video is made; from a source video it is extended, edited or remixed,
as the route's `options.source` says. A source is a video the same server made, by its id, or (not
for a remix) a file of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from providers.base import MediaInput, MediaRole, VideoRequest
from providers.errors import InvalidRequest

__all__ = ["SIZES", "Create", "create", "size_for"]

SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "720p": (1280, 720),
    "1024p": (1792, 1024),
    "1080p": (1920, 1080),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Create:
    """A paid call: where to and what. A form, as the official SDK sends it; JSON where `json`.

    That SDK cannot name a video by its id; the document describes it in JSON only.
    """

    path: str
    fields: Mapping[str, Any]
    file: tuple[str, MediaInput] | None = None  # the form's name for it
    json: bool = False


def create(request: VideoRequest) -> Create:
    """The paid call for a request. Raises `InvalidRequest` for what the dialect cannot express."""
    source = request.of(MediaRole.SOURCE)
    if source is None:
        return _new(request)
    if len(request.inputs) > 1:
        raise InvalidRequest("this dialect takes one source video and nothing beside it")
    use = request.options.get("source", "extend")
    if use not in _FROM_SOURCE:
        raise InvalidRequest(f"this dialect cannot {use} a video: {', '.join(_FROM_SOURCE)}")
    return _FROM_SOURCE[use](request, source)


def size_for(resolution: str, aspect: str) -> tuple[int, int]:
    """Pixels (width, height) of a named resolution in this dialect, which knows two ratios."""
    if resolution not in SIZES:
        raise InvalidRequest(f"this dialect has no {resolution}: {', '.join(SIZES)}")
    wide = SIZES[resolution]
    return wide if aspect == "16:9" else (wide[1], wide[0])


def _new(request: VideoRequest) -> Create:
    frame = request.of(MediaRole.FIRST_FRAME)
    for media in request.inputs:
        if media is not frame:
            raise InvalidRequest(f"this dialect takes no {media.role.replace('_', ' ')}")
    if frame and frame.path is None:
        raise InvalidRequest("the first frame must be a file here")
    fields = {
        "prompt": request.prompt,
        "model": request.wire_id,
        "seconds": str(request.duration_s),
        "size": "{}x{}".format(*size_for(request.resolution, request.aspect)),
    }
    return Create(path="/videos", fields=fields, file=frame and ("input_reference", frame))


def _extend(request: VideoRequest, source: MediaInput) -> Create:
    """`seconds` is the length of what is added."""
    fields = {"prompt": request.prompt, "seconds": str(request.duration_s)}
    return _with_source("/videos/extensions", fields, source)


def _edit(request: VideoRequest, source: MediaInput) -> Create:
    return _with_source("/videos/edits", {"prompt": request.prompt}, source)


def _remix(request: VideoRequest, source: MediaInput) -> Create:
    """The older word for an edit, of a video the server has made."""
    if source.remote_id is None:
        raise InvalidRequest("only a video that this server made can be remixed")
    path = f"/videos/{quote(source.remote_id, safe='')}/remix"
    return Create(path=path, fields={"prompt": request.prompt}, json=True)


def _with_source(path: str, fields: Mapping[str, str], source: MediaInput) -> Create:
    if source.remote_id is not None:
        return Create(path=path, fields={**fields, "video": {"id": source.remote_id}}, json=True)
    if source.path is None:
        raise InvalidRequest("the source video must be a file here, or one this server made")
    return Create(path=path, fields=fields, file=("video", source))


_FROM_SOURCE: Final[Mapping[str, Callable[[VideoRequest, MediaInput], Create]]] = {
    "extend": _extend,
    "edit": _edit,
    "remix": _remix,
}
