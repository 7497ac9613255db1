"""Makes mp4 files of ours equal around their content: lengths, and what tells a rate of bits.

Standard library only. The files are fresh from our own encoder with the index in front and the
content last; anything else is a bug of ours, not of a person's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bot._media_files import Unusable

__all__ = ["even_out"]

CONTAINERS: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"mp4a")
# How far into a box its children begin, beyond the eight bytes of its head.
LEAD: Final = {b"stsd": 8, b"avc1": 78, b"mp4a": 28}
DECODER_CONFIG: Final = 4  # the descriptor inside `esds` that carries bit rates


def even_out(paths: Sequence[Path]) -> int:
    """Bring all files to the length of the longest, and say it.

    The padding lies inside the content box, behind the last sample, where no index points: the
    boxes are the same in number, order and length.
    """
    size_bytes = max(path.stat().st_size for path in paths)
    for path in paths:
        _hide_rates(path)
        _pad(path, size_bytes)
    return size_bytes


def _pad(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        end = path.stat().st_size
        at, length, kind = 0, 0, b""
        while at < end:
            file.seek(at)
            head = file.read(8)
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            at += max(length, 8)
        if kind != b"mdat" or length < 8 or at != end:
            raise Unusable("has its content in an unexpected place")
        file.seek(end - length)
        file.write((length + size_bytes - end).to_bytes(4, "big"))
        file.truncate(size_bytes)


def _hide_rates(path: Path) -> None:
    """The index tells average and peak bit rates; they say how busy picture and sound are."""
    with path.open("r+b") as file:
        kind_at = _index(file.read(1 << 12))
        file.seek(kind_at)
        moov = bytearray(file.read(int.from_bytes(file.read(4), "big") - 4))
        body = memoryview(moov)[4:]
        for kind, box in _boxes(body):
            if kind == b"btrt":
                box[:] = bytes(len(box))
            elif kind == b"esds":
                _clear_decoder_rates(box)
        file.seek(kind_at + 4)
        file.write(moov)


def _index(head: bytes) -> int:
    at = 0
    while at + 8 <= len(head):
        if head[at + 4 : at + 8] == b"moov":
            return at
        at += max(8, int.from_bytes(head[at : at + 4], "big"))
    raise Unusable("has no index in front")


def _boxes(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and body of every box inside, depth first."""
    at = 0
    while at + 8 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if length < 8:
            return
        kind = bytes(body[at + 4 : at + 8])
        inner = body[at + 8 : at + length]
        yield kind, inner
        if kind in CONTAINERS:
            yield from _boxes(inner[LEAD.get(kind, 0) :])
        at += length


def _clear_decoder_rates(box: memoryview) -> None:
    """Version and flags, then nested descriptors: tag, length in 7-bit bytes, content."""
    at = 4
    while at < len(box):
        tag = box[at]
        at += 1
        while box[at] & 0x80:
            at += 1
        at += 1
        if tag == DECODER_CONFIG:
            box[at + 5 : at + 13] = bytes(8)
            return
        at += 3  # of the outer descriptor: its id and flags
