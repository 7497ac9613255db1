"""A local file on its way to a vendor: inside a JSON body as a data URI, or piece by piece."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from providers.base import MediaInput
from providers.errors import InvalidRequest

__all__ = ["chunks", "data_uri", "encoded_bytes", "file_of"]

_CHUNK_BYTES: Final = 1 << 20


def file_of(media: MediaInput) -> Path:
    """The input's file. Raises `InvalidRequest` where there is none."""
    if media.path is None:
        raise InvalidRequest(f"the {media.role} has neither a file nor a URL")
    return media.path


async def encoded_bytes(media: MediaInput) -> int:
    """How long the file's data URI would be. Raises `InvalidRequest` where it cannot be read."""
    path = file_of(media)
    try:
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
    except OSError as error:
        raise InvalidRequest(f"the {media.role} cannot be read: {error.strerror}") from error
    return len(f"data:{media.mime};base64,") + (size_bytes + 2) // 3 * 4


async def data_uri(media: MediaInput) -> str:
    """`data:<mime>;base64,<file>`, read and encoded off the loop."""
    try:
        return await asyncio.to_thread(_encode, file_of(media), media.mime)
    except OSError as error:
        raise InvalidRequest(f"the {media.role} cannot be read: {error.strerror}") from error


async def chunks(path: Path) -> AsyncGenerator[bytes]:
    """A file piece by piece, read off the loop."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk


def _encode(path: Path, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode()}"
