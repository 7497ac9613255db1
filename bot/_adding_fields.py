"""The words hosts use for what every video model takes, and what their values mean. Pure.

A field is known by its name first and by its values second: a `duration` that counts frames or a
`quality` that is no picture size is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

__all__ = [
    "AUTOMATIC",
    "FIELD_NAMES",
    "REWRITES",
    "aspect_of",
    "enum_of",
    "pixels_of",
    "plain_name",
    "resolution_of",
    "seconds_of",
    "switch_of",
    "usual_aspect",
    "words_of",
]

# What -> names without "_url" and the like, the plainest last: they say least.
FIELD_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("prompt", "text_prompt", "prompt_text", "text"),
    "first_frame": (
        *("first_frame", "first_frame_image", "start_image", "start_frame", "start_frame_image"),
        *("first_image", "image_start", "starting_image", "init_image", "initial_image"),
        *("input_reference", "prompt_image", "input_image", "source_image", "image"),
    ),
    "last_frame": (
        *("last_frame", "last_frame_image", "end_image", "end_frame", "end_frame_image"),
        *("last_image", "image_end", "tail_image", "image_tail", "final_frame", "ending_image"),
    ),
    "reference": (
        *("reference_images", "reference_image", "subject_reference", "subject_images"),
        *("references", "reference", "ref_images", "input_images", "images", "image"),
    ),
    "duration": (
        *("duration", "seconds", "duration_seconds", "duration_s", "video_duration"),
        *("num_seconds", "video_length", "clip_length", "length"),
    ),
    "aspect": (
        *("aspect_ratio", "video_aspect_ratio", "target_aspect_ratio", "aspect", "ratio"),
        *("orientation", "image_size", "video_size", "size"),
    ),
    "resolution": (
        *("resolution", "video_resolution", "output_resolution", "video_quality", "quality"),
        *("definition", "tier", "mode"),
    ),
    "size": ("size", "video_size", "output_size", "dimensions", "resolution", "aspect_ratio"),
    "seed": ("seed", "random_seed", "noise_seed"),
    "audio": (
        *("generate_audio", "enable_audio", "with_audio", "include_audio", "native_audio"),
        *("generate_sound", "enable_sound", "sound", "audio"),
    ),
    "negative": ("negative_prompt", "negative", "neg_prompt"),
}
# Switches by which a host would rewrite the prompt: it is sent as the person typed it.
REWRITES: Final = frozenset(
    {
        *("prompt_optimizer", "enable_prompt_optimizer", "prompt_expansion", "prompt_extend"),
        *("enable_prompt_expansion", "enable_prompt_enhancement", "prompt_enhancement"),
        *("enhance_prompt", "use_prompt_enhancer", "prompt_upsampling", "rewrite_prompt"),
        *("enable_prompt_rewrite", "auto_fix"),
    }
)
AUTOMATIC: Final = ("auto", "adaptive", "keep_ratio", "match_input_image")

_LONGEST_S: Final = 60  # more than this is a count of frames
_ENDINGS: Final = re.compile(r"_(url|urls|uri|uris)$")
_PIXELS: Final = re.compile(r"(\d{3,4})\s*[x*:×]\s*(\d{3,4})")
_RATIO: Final = re.compile(r"(?:(landscape|portrait)_)?(\d{1,2})[:x_](\d{1,2})")
_SHAPES: Final = {"landscape": "16:9", "portrait": "9:16", "square": "1:1", "square_hd": "1:1"}
_USUAL_ASPECTS: Final = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21", "3:2", "2:3")
# Width and height of each name, wide.
_SIZES: Final = {
    "480p": (854, 480),
    "720p": (1280, 720),
    "1024p": (1792, 1024),
    "1080p": (1920, 1080),
    "1440p": (2560, 1440),
    "4k": (3840, 2160),
}
_SIZE_WORDS: Final = {
    "2k": "1440p",
    "4k": "4k",
    "2160p": "4k",
    "hd": "720p",
    "fhd": "1080p",
    "full_hd": "1080p",
    "std": "720p",
    "standard": "720p",
    "pro": "1080p",
    "high": "1080p",
}
_NEAR: Final = 1.5  # as many times the pixels: further apart there is no common name


def plain_name(field: str) -> str:
    return _ENDINGS.sub("", field.lower())


def enum_of(schema: Mapping[str, Any]) -> list[Any]:
    values = schema.get("enum")
    return cast("list[Any]", values) if isinstance(values, list) else []


def words_of(schema: Mapping[str, Any]) -> list[str]:
    return [value for value in enum_of(schema) if isinstance(value, str)]


def seconds_of(value: object) -> tuple[int, str] | None:
    """Whole seconds and what is written behind them: "8s" is (8, "s"); None for no length."""
    found = re.fullmatch(r"(\d{1,3})(?:\.0+)?(\s*s(?:ec(?:onds)?)?)?", str(value))
    if isinstance(value, bool) or found is None or not 0 < int(found[1]) <= _LONGEST_S:
        return None
    return int(found[1]), found[2] or ""


def aspect_of(value: object) -> str | None:
    """A ratio as ours: "landscape" is 16:9, "portrait_4_3" is 3:4."""
    word = str(value).strip().lower()
    if word in _SHAPES:
        return _SHAPES[word]
    found = _RATIO.fullmatch(word)
    if found is None:
        return None
    wide, high = int(found[2]), int(found[3])
    if not wide or not high:
        return None
    if found[1] == "portrait" and wide > high:
        wide, high = high, wide
    return f"{wide}:{high}"


def resolution_of(value: object) -> str | None:
    """The nearest of our names for a size: 768p is made as 720p."""
    word = str(value).strip().lower().replace(" ", "_")
    if word in _SIZE_WORDS:
        return _SIZE_WORDS[word]
    found = re.fullmatch(r"(\d{3,4})p?", word)
    return _nearest(int(found[1]) ** 2 * 16 / 9) if found else None


def pixels_of(value: object) -> tuple[str, str] | None:
    """(resolution, ratio) of a size such as 1280*720; 960x960 has as many pixels, so is 720p."""
    found = _PIXELS.fullmatch(str(value).strip())
    if found is None:
        return None
    width, height = int(found[1]), int(found[2])
    resolution, aspect = _nearest(width * height), usual_aspect(width, height)
    return (resolution, aspect) if resolution and aspect else None


def usual_aspect(width: int, height: int) -> str | None:
    """The ratio people call it by, within 5 %."""

    def off(aspect: str) -> float:
        wide, high = (int(part) for part in aspect.split(":"))
        return abs(width / height * high / wide - 1)

    best = min(_USUAL_ASPECTS, key=off)
    return best if off(best) < 0.05 else None


def switch_of(values: Iterable[object]) -> tuple[str, str] | None:
    """The words for (on, off) where a switch is written as text."""
    words = {str(value).lower(): str(value) for value in values}
    for on, off in (("on", "off"), ("true", "false"), ("yes", "no"), ("enabled", "disabled")):
        if on in words and off in words:
            return words[on], words[off]
    return None


def _nearest(pixels: float) -> str | None:
    def off(name: str) -> float:
        width, height = _SIZES[name]
        return max(width * height, pixels) / max(1.0, min(width * height, pixels))

    best = min(_SIZES, key=off)
    return best if off(best) <= _NEAR else None
