"""Downloads over real loopback sockets: what is fetched, what is refused, what is left behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from bot.media import Media, is_public
from providers.errors import ProtocolError, ProviderError, Unavailable

BODY = bytes(range(256)) * 40
SECRET = "X-Signature=s3cret"


class Origin:
    """A tiny HTTP server: whole raw answers by path, and the requests it saw."""

    def __init__(self, url: str, answers: dict[str, bytes]) -> None:
        self.url = url
        self.answers = answers
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests.append(head)
        writer.write(self.answers[head.split()[1].partition("?")[0]])
        await writer.drain()
        writer.close()


def answer(body: bytes = BODY, status: str = "200 OK", headers: str | None = None) -> bytes:
    fields = f"Content-Length: {len(body)}\r\n" if headers is None else headers
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body


def moved(to: str) -> bytes:
    return answer(b"", "302 Found", f"Location: {to}\r\nContent-Length: 0\r\n")


@pytest.fixture
async def origin() -> AsyncIterator[Callable[..., object]]:
    async with AsyncExitStack() as stack:

        async def start(**answers: bytes) -> Origin:
            server = Origin("", {f"/{name}": raw for name, raw in answers.items()})
            listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
            await stack.enter_async_context(listener)
            server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            return server

        yield start


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[Media]:
    async with httpx.AsyncClient() as http:
        yield Media(http, tmp_path, loopback_ok=lambda _: True)


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_download_when_whole_is_hashed_and_named(media, origin, tmp_path):
    server = await origin(clip=answer())
    got = await media.download(f"{server.url}/clip?{SECRET}", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == BODY
    assert (got.sha256, got.size_bytes) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert left_in(tmp_path) == ["clip.mp4"]


async def test_download_when_chunked_is_whole(media, origin, tmp_path):
    chunked = answer(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", headers="Transfer-Encoding: chunked\r\n")
    server = await origin(clip=chunked)
    await media.download(f"{server.url}/clip", tmp_path / "clip")
    assert (tmp_path / "clip").read_bytes() == b"abcde"


async def test_headers_when_redirected_to_another_origin_stay_home(media, origin, tmp_path):
    there = await origin(clip=answer())
    here = await origin(clip=moved(f"{there.url}/clip"))
    await media.download(f"{here.url}/clip", tmp_path / "clip", {"X-Goog-Api-Key": "k3y"})
    assert "k3y" in here.requests[0]
    assert "k3y" not in there.requests[0]


async def test_headers_when_redirected_inside_go_along(media, origin, tmp_path):
    server = await origin(clip=moved("/file"), file=answer())
    await media.download(f"{server.url}/clip", tmp_path / "clip", {"Authorization": "k3y"})
    assert all("k3y" in request for request in server.requests)
    assert len(server.requests) == 2


async def test_host_when_a_name_is_used_is_the_name(media, origin, tmp_path):
    server = await origin(clip=answer())
    port = server.url.rpartition(":")[2]
    await media.download(f"http://localhost:{port}/clip", tmp_path / "clip")
    assert f"Host: localhost:{port}\r\n" in server.requests[0]


async def test_tls_when_the_address_is_fixed_still_names_the_host(media, tmp_path):
    hellos: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hellos.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await media.download(f"https://localhost:{port}/clip", tmp_path / "clip")
    assert b"localhost" in hellos[0]


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:192.168.0.1]/x",
        "https://[fe80::1]/x",
        "http://93.184.216.34/plain",
        "https://user:word@93.184.216.34/x",
        "file:///etc/passwd",
        "ftp://93.184.216.34/x",
        "https://",
        "//",
    ],
)
async def test_redirect_when_it_leads_inside_is_refused(media, origin, tmp_path, target):
    server = await origin(clip=moved(target))
    with pytest.raises(ProtocolError):
        await media.download(f"{server.url}/clip", tmp_path / "clip")
    assert left_in(tmp_path) == []


async def test_redirects_when_endless_stop_after_five(media, origin, tmp_path):
    server = await origin(clip=moved("/clip"))
    with pytest.raises(ProtocolError, match="redirects"):
        await media.download(f"{server.url}/clip", tmp_path / "clip")
    assert len(server.requests) == 6


async def test_loopback_when_not_configured_is_refused(origin, tmp_path):
    allowed, other = await origin(clip=answer()), await origin(clip=answer())
    async with httpx.AsyncClient() as http:
        media = Media(http, tmp_path, loopback_ok=lambda url: url == allowed.url)
        await media.download(f"{allowed.url}/clip", tmp_path / "clip")
        with pytest.raises(ProtocolError):
            await media.download(f"{other.url}/clip", tmp_path / "other")
        with pytest.raises(ProtocolError):
            await media.download(f"{other.url.replace('http', 'https')}/clip", tmp_path / "other")
    assert other.requests == []


async def test_loopback_rule_when_given_with_the_call_replaces_the_general_one(
    media, origin, tmp_path
):
    server = await origin(clip=answer())
    with pytest.raises(ProtocolError):
        await media.download(f"{server.url}/clip", tmp_path / "c", loopback_ok=lambda _: False)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (answer(status="404 Not Found"), ProtocolError),
        (answer(status="403 Forbidden"), ProtocolError),
        (answer(status="206 Partial Content"), ProtocolError),
        (answer(status="304 Not Modified", headers=""), ProtocolError),
        (answer(headers="Content-Encoding: gzip\r\nContent-Length: 10240\r\n"), ProtocolError),
        (answer(headers="Content-Length: 99999999\r\n"), ProtocolError),
        (answer(bytes(70_000), headers="Connection: close\r\n"), ProtocolError),
        (answer(status="503 Service Unavailable"), Unavailable),
        (answer(status="500 Internal Server Error"), Unavailable),
        (answer(status="429 Too Many Requests"), Unavailable),
        (answer(status="408 Request Timeout"), Unavailable),
        (answer(headers="Content-Length: 20000\r\n"), Unavailable),
        (answer(b"ff\r\nabc", headers="Transfer-Encoding: chunked\r\n"), Unavailable),
        (b"", Unavailable),
        (b"not http at all\r\n\r\n", Unavailable),
    ],
)
async def test_download_when_it_goes_wrong_says_who_must_act(
    media, origin, tmp_path, raw, error: type[ProviderError]
):
    server = await origin(clip=raw)
    url = f"{server.url}/clip?{SECRET}"
    with pytest.raises(error) as caught:
        await media.download(url, tmp_path / "clip", max_bytes=50_000)
    assert SECRET not in str(caught.value)
    assert left_in(tmp_path) == []


async def test_download_when_nobody_listens_is_unavailable(media, origin, tmp_path):
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        await media.download(f"http://127.0.0.1:{port}/clip?{SECRET}", tmp_path / "clip")
    assert SECRET not in str(caught.value)


async def test_download_when_cancelled_leaves_nothing(media, tmp_path):
    started = asyncio.Event()

    async def dawdle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(bytes(2 << 20), headers="Content-Length: 9000000\r\n"))
        await writer.drain()
        started.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(dawdle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/clip"
        download = asyncio.ensure_future(media.download(url, tmp_path / "clip"))
        await started.wait()
        for _ in range(1000):  # until the first part has reached the disk
            if left_in(tmp_path):
                break
            await asyncio.sleep(0.01)
        assert left_in(tmp_path) == ["clip.part"]
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
    assert left_in(tmp_path) == []


async def test_download_when_the_disk_refuses_can_be_tried_again(media, origin, tmp_path):
    server = await origin(clip=answer())
    with pytest.raises(Unavailable, match="written"):
        await media.download(f"{server.url}/clip", tmp_path / "no such folder" / "clip")


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("data:video/mp4;base64," + base64.b64encode(BODY).decode(), BODY),
        ("data:text/plain,a%20b", b"a b"),
        ("DATA:;base64,YWI%3D", b"ab"),
    ],
)
async def test_data_url_when_sound_becomes_a_file(media, tmp_path, url, body):
    await media.download(url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == body


@pytest.mark.parametrize("url", ["data:", "data:;base64,%%%", "data:,123456789", "data:;base64,a"])
async def test_data_url_when_broken_or_too_large_is_refused(media, tmp_path, url):
    with pytest.raises(ProtocolError):
        await media.download(url, tmp_path / "file", max_bytes=8)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"],
)
def test_address_when_public_is_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "198.18.0.1",
        "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "fc00::1", "fd12::1",
        "fe80::1%eth0", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_address_when_not_public_is_refused(address):
    assert not is_public(address)
