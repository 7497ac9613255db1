"""The connection to vendors has an end; and whatever httpx raises becomes one of our errors."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from providers._http import call, mapped
from providers.errors import ProtocolError, ProviderError, SubmissionUnknown, Unavailable
from providers.transport import Bounded
from tests.providers.hosts import a_client

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@asynccontextmanager
async def server(answer: bytes, every_s: float = 0.0) -> AsyncIterator[str]:
    """Sends these bytes, byte by byte where it takes its time, and then says nothing more."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for part in [answer[i : i + 1] for i in range(len(answer))] if every_s else [answer]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(every_s)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def bounded(limit_s: float = 0.3, max_bytes: int = 1000) -> httpx.AsyncClient:
    inner = httpx.AsyncHTTPTransport(verify=False)
    return httpx.AsyncClient(transport=Bounded(inner, limit_s, max_bytes=max_bytes))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize(
    ("answer", "every_s"),
    [
        (HEAD % 90 + b"x" * 90, 0.05),  # drips from the first byte of the head on
        (HEAD % 90 + b'{"id":', 0.0),  # stops inside the body
        (b"", 0.0),  # says nothing at all
    ],
)
async def test_an_answer_that_never_ends_has_one(answer: bytes, every_s: float, paid: bool) -> None:
    async with server(answer, every_s) as url, bounded() as http:
        with pytest.raises(SubmissionUnknown if paid else Unavailable):
            await asyncio.wait_for(call(http, "POST", url, paid=paid), 5)


async def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    async with server(HEAD % 5000 + b"x" * 5000) as url, bounded(5.0) as http:
        with pytest.raises(Unavailable):
            await call(http, "GET", url)


PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"


async def test_a_packed_answer_nobody_asked_for_may_not_fill_the_memory() -> None:
    bomb = gzip.compress(b'{"id": "' + b"x" * 10_000_000 + b'"}')
    async with server(PACKED % len(bomb) + bomb) as url, bounded(5.0, 5_000_000) as http:
        with pytest.raises(Unavailable):
            await call(http, "GET", url)
        with pytest.raises(SubmissionUnknown):
            await call(http, "POST", url, paid=True)


async def test_a_small_packed_answer_is_read() -> None:
    body = gzip.compress(b'{"id": "1"}')
    async with server(PACKED % len(body) + body) as url, bounded(5.0, 1 << 20) as http:
        assert await call(http, "GET", url) == {"id": "1"}


async def test_answers_are_asked_for_plain() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Accept-Encoding"])
        return httpx.Response(200, json={})

    transport = Bounded(httpx.MockTransport(answer), 5.0)
    async with httpx.AsyncClient(transport=transport) as http:
        await call(http, "GET", "https://vendor.invalid")
    assert asked == ["identity"]


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("status", [200, 400])
async def test_json_too_deep_to_read_is_an_answer_nobody_can_read(paid: bool, status: int) -> None:
    deep = b"[" * 200_000

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=deep)

    def refine(response: httpx.Response) -> None:
        response.json()

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(SubmissionUnknown if paid else ProtocolError):
            await call(http, "POST", "https://vendor.invalid", paid=paid, refine=refine)


async def test_a_whole_answer_passes() -> None:
    body = b'{"id": "1"}'
    async with server(HEAD % len(body) + body) as url, bounded(5.0) as http:
        assert await call(http, "GET", url) == {"id": "1"}


def _errors(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _errors(child))]


HTTPX = [
    error
    for root in (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
    for error in _errors(root)
]


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("kind", HTTPX, ids=lambda kind: kind.__name__)
def test_nothing_of_httpx_gets_out_and_a_paid_call_is_unknown_once_a_byte_has_left(
    kind: type[Exception], paid: bool
) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "planted")
    with pytest.raises(ProviderError) as raised, mapped(paid=paid):
        raise error

    safe = issubclass(kind, (*NOTHING_SENT, httpx.UnsupportedProtocol, httpx.ProxyError))
    if paid and not safe and kind is not httpx.InvalidURL:
        assert type(raised.value) is SubmissionUnknown
    elif not paid and issubclass(kind, httpx.TooManyRedirects | httpx.DecodingError):
        assert type(raised.value) is ProtocolError
    else:
        assert type(raised.value) is Unavailable


async def test_a_refused_connection_has_cost_nothing() -> None:
    async with server(b"") as url:
        pass
    async with a_client() as http:
        with pytest.raises(Unavailable):
            await call(http, "POST", url, paid=True)
