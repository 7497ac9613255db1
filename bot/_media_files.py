"""What a file is, told by its bytes alone: its type, and whether an mp4 is whole.

Standard library only: both the bot and the worker process import it. Nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Boxes", "Unusable", "sniff", "walk_boxes"]

UNKNOWN = "application/octet-stream"
C2PA_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
BOX_LIMIT = 100_000  # a fragmented clip has two boxes per fragment; more than this is an attack
STILL_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
}


class Unusable(Exception):
    """Why a file cannot be used, in plain words that follow "the clip" or "the picture".

    Not `conclusive` means that nobody could look properly: the file itself may be good.
    """

    def __init__(self, reason: str, *, conclusive: bool = True) -> None:
        super().__init__(reason)
        self.conclusive = conclusive


@dataclass(frozen=True, kw_only=True, slots=True)
class Boxes:
    """What the outermost structure of an mp4 tells."""

    brand: str
    size_bytes: int
    faststart: bool  # the index stands before the pictures
    content_credentials: bool  # a C2PA manifest is there; says nothing about its validity


def sniff(path: Path) -> str:
    """The media type by its first bytes; names and headers lie."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[4:8] == b"ftyp":
        return _sniff_brand(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    signs = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF8": "image/gif",
        b"\x1aE\xdf\xa3": "video/webm",
    }
    return next((mime for sign, mime in signs.items() if head.startswith(sign)), UNKNOWN)


def _sniff_brand(head: bytes) -> str:
    brand = head[8:12]
    if brand == b"mif1" and b"avif" in head[16:]:
        return "image/avif"
    if brand == b"qt  ":
        return "video/quicktime"
    return STILL_BRANDS.get(brand, "video/mp4")


def walk_boxes(path: Path) -> Boxes:
    """Walk an mp4's outermost boxes; raises `Unusable` where it is none or is cut short.

    Costs a few reads whatever the size, and finds what a decoder does not: a clip whose index
    stands in front opens well and only breaks where its bytes end.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if size_bytes == 0:
            raise Unusable("is empty")
        if head[4:8] != b"ftyp" or sniff(path).startswith("image/"):
            raise Unusable("is not an mp4 video")
        seen: list[bytes] = []
        credentials = False
        for kind, body_at in _boxes(file, size_bytes):
            seen.append(kind)
            if kind == b"uuid":
                file.seek(body_at)
                credentials = credentials or file.read(16) == C2PA_ID
    if b"moov" not in seen or b"mdat" not in seen:
        raise Unusable("is cut short")
    return Boxes(
        brand=head[8:12].decode("latin-1"),
        size_bytes=size_bytes,
        faststart=seen.index(b"moov") < seen.index(b"mdat"),
        content_credentials=credentials,
    )


def _boxes(file: BinaryIO, size_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Kind and start of the body of each box."""
    at = 0
    for _ in range(BOX_LIMIT):
        if at == size_bytes:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            raise Unusable("is cut short")
        length, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, header = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = size_bytes - at
        if length < header or at + length > size_bytes:
            raise Unusable("is cut short")
        yield kind, at + header
        at += length
    raise Unusable("has too many parts")
