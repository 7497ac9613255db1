"""The connection every call to a vendor goes through: no answer may take for ever or fill memory.

httpx limits the wait for each next byte only, so a server that drips one now and then would hold
a call for hours. Here the whole exchange has a deadline, and an answer a largest size; both show
as httpx errors, which `_http` reads like any other broken connection. Answers are asked for plain:
a few compressed kilobytes can hold gigabytes, and httpx unpacks what it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Final, cast

import httpx

__all__ = ["Bounded"]

MAX_BYTES: Final = 300 << 20  # Google may send a clip of 200 MiB inside its JSON
_MOST_PACKED: Final = 1032  # deflate makes at most so many bytes of one


class Bounded(httpx.AsyncBaseTransport):
    """`inner` with a limit in seconds and bytes for each exchange."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, limit_s: float, *, max_bytes: int = MAX_BYTES
    ) -> None:
        self._inner = inner
        self._limit_s = limit_s
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        until_s = asyncio.get_running_loop().time() + self._limit_s
        request.headers["Accept-Encoding"] = "identity"
        with _overdue(request):
            async with asyncio.timeout_at(until_s):
                response = await self._inner.handle_async_request(request)
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        max_bytes = self._max_bytes // _MOST_PACKED if packed else self._max_bytes
        stream = cast("httpx.AsyncByteStream", response.stream)
        return httpx.Response(
            status_code=response.status_code,
            headers=response.headers,
            stream=_Stream(stream, request, until_s, max_bytes),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(
        self, inner: httpx.AsyncByteStream, request: httpx.Request, until_s: float, max_bytes: int
    ) -> None:
        self._inner = inner
        self._request = request
        self._until_s = until_s
        self._left = max_bytes

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        chunks = aiter(self._inner)
        while True:
            with _overdue(self._request):
                async with asyncio.timeout_at(self._until_s):
                    chunk = await anext(chunks, None)
            if chunk is None:
                return
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx.ReadError("the answer is too large", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def _overdue(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise httpx.ReadTimeout("the whole answer took too long", request=request) from None
