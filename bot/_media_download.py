"""Brings a URL to a file: checked addresses only, whole or not at all, hashed on the way.

A URL comes from a vendor's answer or from a person, so it may point anywhere. Whether the bytes
are a clip is not asked here. Only https to public addresses is followed, except to loopback
origins that the operator has configured (`loopback_ok`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ipaddress
import os
import socket
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx

from providers.errors import ProtocolError, Unavailable

__all__ = ["DEADLINE_S", "Downloaded", "LoopbackOk", "download", "in_thread", "is_public"]

T = TypeVar("T")
LoopbackOk = Callable[[str], bool]

MIB = 1 << 20
DEADLINE_S = 900
HTTP_TIMEOUT = httpx.Timeout(30, connect=10)
REDIRECT_LIMIT = 5
ADDRESS_LIMIT = 4
TRY_AGAIN = frozenset({408, 425, 429})
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    path: Path
    sha256: str
    size_bytes: int


async def download(
    http: httpx.AsyncClient,
    url: str,
    to: Path,
    headers: Mapping[str, str],
    *,
    max_bytes: int,
    loopback_ok: LoopbackOk,
    deadline_s: float = DEADLINE_S,
) -> Downloaded:
    """See `Media.download`."""
    part = _Part(to, max_bytes)
    try:
        async with asyncio.timeout(deadline_s):
            if url[:5].lower() == "data:":
                await in_thread(lambda: part.write(_data_of(url, max_bytes)))
            else:
                await _fetch(http, url, headers, part, loopback_ok)
            return await in_thread(part.commit)
    except TimeoutError:
        raise Unavailable(f"the download took more than {deadline_s:g} s") from None
    except OSError as error:
        raise Unavailable(f"the download could not be written: {error.strerror}") from error
    finally:
        await in_thread(part.discard)


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet, seen through IPv4 inside IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is None:
            return ip.is_global and ip in GLOBAL_UNICAST
        ip = inner
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


async def in_thread(call: Callable[[], T]) -> T:
    """Like `to_thread`, but a cancelled caller waits for the step on disk that is under way."""
    step = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        await asyncio.wait({step})
        raise


async def _fetch(
    http: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    part: _Part,
    loopback_ok: LoopbackOk,
) -> None:
    """Redirects are followed by hand: each hop is checked like the first."""
    target = _parse(url)
    own_origin = _origin(target)
    for _ in range(REDIRECT_LIMIT + 1):
        addresses = await _checked_addresses(target, loopback_ok)
        keys = headers if _origin(target) == own_origin else None
        response = await _connect(http, target, addresses, keys)
        async with contextlib.aclosing(response):
            if not response.has_redirect_location:
                await _receive(response, target, part)
                return
        target = _parse(response.headers["location"], target)
    raise ProtocolError(f"{_shown(target)} is more than {REDIRECT_LIMIT} redirects away")


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        parsed = base.join(url) if base else httpx.URL(url)
    except httpx.InvalidURL:
        raise ProtocolError("the address of the file is no URL") from None
    if parsed.scheme not in ("https", "http") or not parsed.host or parsed.userinfo:
        raise ProtocolError(f"{_shown(parsed)} is no plain https URL")
    return parsed


def _shown(url: httpx.URL) -> str:
    """Without the query: signed URLs are secrets."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"[:200]


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


async def _checked_addresses(url: httpx.URL, loopback_ok: LoopbackOk) -> list[str]:
    """Where the name leads, if it may be connected to: all public, or all loopback and allowed."""
    local = loopback_ok(_origin(url))
    if url.scheme != "https" and not local:
        raise ProtocolError(f"{_shown(url)} is not https")
    host, port = url.raw_host.decode("ascii"), url.port or 443
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise Unavailable(f"the name of {_shown(url)} cannot be resolved") from None
    except UnicodeError:
        raise ProtocolError(f"{_shown(url)} has no valid host name") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    public = url.scheme == "https" and all(is_public(address) for address in addresses)
    inside = local and all(_is_loopback(address) for address in addresses)
    if not public and not inside:
        raise ProtocolError(f"{_shown(url)} is not on the public internet")
    return addresses[:ADDRESS_LIMIT]


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


async def _connect(
    http: httpx.AsyncClient,
    url: httpx.URL,
    addresses: Sequence[str],
    headers: Mapping[str, str] | None,
) -> httpx.Response:
    """Connects to the very address that was checked, so that no second look-up can differ.

    The URL names the address, the Host header and TLS (name sent and certificate verified) the
    host. The connection is not kept: another host on the same address must not find it in the pool.
    """
    fixed = {
        "Host": url.netloc.decode("ascii"),
        "Connection": "close",
        "Accept-Encoding": "identity",
    }
    trouble = "no address"
    for address in addresses:
        request = http.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**(headers or {}), **fixed},
            timeout=HTTP_TIMEOUT,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        try:
            return await http.send(request, stream=True, auth=None, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            trouble = type(error).__name__
        except httpx.TransportError as error:
            trouble = type(error).__name__
            break
    raise Unavailable(f"{_shown(url)} cannot be reached ({trouble})")


async def _receive(response: httpx.Response, url: httpx.URL, part: _Part) -> None:
    _check_head(response, url, part.max_bytes)
    try:
        async for chunk in response.aiter_raw(MIB):
            await in_thread(lambda data=chunk: part.write(data))
    except httpx.TransportError as error:
        raise Unavailable(f"{_shown(url)} broke off ({type(error).__name__})") from None
    declared = response.headers.get("content-length")
    if declared is not None and part.size_bytes != int(declared):
        raise Unavailable(f"{_shown(url)} sent {part.size_bytes} of {declared} bytes")


def _check_head(response: httpx.Response, url: httpx.URL, max_bytes: int) -> None:
    status = response.status_code
    if status >= 500 or status in TRY_AGAIN:
        raise Unavailable(f"{_shown(url)} answered {status}", status=status)
    if status != 200:
        raise ProtocolError(f"{_shown(url)} answered {status}", status=status)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProtocolError(f"{_shown(url)} sends a compressed file nobody asked for")
    if int(response.headers.get("content-length", 0)) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> ProtocolError:
    return ProtocolError(f"the file is larger than {max_bytes / MIB:.0f} MiB")


def _data_of(url: str, max_bytes: int) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise ProtocolError("the data URL has no data")
    if len(body) > 3 * max_bytes:
        raise _too_large(max_bytes)
    raw = urllib.parse.unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError:
        raise ProtocolError("the data URL is not base64") from None


class _Part:
    """The file while it arrives: `<to>.part`, hashed on the way. Used from threads, in turn."""

    def __init__(self, to: Path, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self._to = to
        self._path = to.with_name(to.name + ".part")
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        self.size_bytes += len(data)
        if self.size_bytes > self.max_bytes:
            raise _too_large(self.max_bytes)
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(data)
        self._hash.update(data)

    def commit(self) -> Downloaded:
        """On disk before it has its name: a name never stands for half a file."""
        self.write(b"")
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._path.replace(self._to)
        folder = os.open(self._to.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        digest = self._hash.hexdigest()
        return Downloaded(path=self._to, sha256=digest, size_bytes=self.size_bytes)

    def discard(self) -> None:
        if self._file:
            self._file.close()
            self._path.unlink(missing_ok=True)
