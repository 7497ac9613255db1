"""A person's picture made safe, in the worker process: pixels in, pixels out, nothing else."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageCms, ImageOps

from bot._media_files import Unusable

__all__ = ["UNREADABLE", "prepare", "save"]

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")  # Pillow would also open EPS, TIFF and thirty others
PIXEL_LIMIT = 40_000_000
SIDE_LIMIT = 8192
UNREADABLE = (ImageCms.PyCMSError,)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """One frame, upright, sRGB, bounded; text, places and camera data stay behind."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(job["source"], formats=FORMATS) as source:
            _reject(source)
            given = "JPEG" if source.format == "MPO" else source.format
            image = _upright(source)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unusable("has too many pixels") from error
    except Image.UnidentifiedImageError as error:
        raise Unusable("is not a JPEG, PNG, WebP or AVIF file, or is damaged") from error
    was = image.size
    image = _sized(image, job)
    clean = Image.frombytes("RGB", image.size, image.tobytes())
    save(clean, job["to"], jpeg_quality=95)
    size_bytes = Path(job["to"]).stat().st_size
    now = {"width": clean.width, "height": clean.height, "size_bytes": size_bytes}
    return now | {"given": given, "given_width": was[0], "given_height": was[1]}


def save(image: Image.Image, to: str, *, jpeg_quality: int) -> None:
    """PNG or JPEG, as the name says."""
    if to.endswith(".png"):
        image.save(to, "PNG", compress_level=3)
    else:
        image.save(to, "JPEG", quality=jpeg_quality, subsampling=0)


def _reject(source: Image.Image) -> None:
    """Before any pixel is read: a few bytes of file can claim gigabytes of picture."""
    width, height = source.size
    if width * height > PIXEL_LIMIT or max(width, height) > SIDE_LIMIT:
        raise Unusable(
            f"has {width} x {height} pixels; the limit is {PIXEL_LIMIT // 1_000_000} megapixels "
            f"and {SIDE_LIMIT} on a side"
        )
    # A phone's JPEG may carry a depth or gain map as a second frame; it is a still all the same.
    if source.format != "MPO" and getattr(source, "n_frames", 1) > 1:
        raise Unusable("is animated; a still is needed here")


def _upright(source: Image.Image) -> Image.Image:
    profile = source.info.get("icc_profile")
    image = ImageOps.exif_transpose(source)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = image.convert("F").point(lambda level: level / 256).convert("L")
    elif image.mode in ("RGB", "CMYK") and profile:
        image = _srgb(image, profile)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert("RGB")


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as they were meant, since the profile is dropped; a broken profile is ignored."""
    try:
        meant = ImageCms.ImageCmsProfile(BytesIO(profile))
        # littlecms' own type has no stub
        made = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        srgb = cast("ImageCms.ImageCmsProfile", made)
        return ImageCms.profileToProfile(image, meant, srgb, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _sized(image: Image.Image, job: dict[str, Any]) -> Image.Image:
    if job["exact"]:
        return ImageOps.fit(image, tuple(job["exact"]), Image.Resampling.LANCZOS)
    image.thumbnail((job["max_side"], job["max_side"]), Image.Resampling.LANCZOS)
    return image
