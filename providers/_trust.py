"""Where a key may go, and that it stays out of what we keep.

A vendor's answer may name further URLs; a key follows them to hosts we chose, never to a host an
answer chose. And an error body may echo what we sent, so the key is masked before it is kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Final

import httpx

from providers.errors import InvalidRequest, ProtocolError, ProviderError
from providers.secrecy import masked

__all__ = ["before_paying", "is_secure", "on_host", "redacted", "same_origin"]

_PORTS: Final = {"http": 80, "https": 443}


def same_origin(url: str, base_url: str) -> bool:
    """Whether `url` is on the scheme, host and port of our own base URL."""
    origin = _origin(url)
    return origin is not None and origin == _origin(base_url)


def on_host(url: str, *domains: str) -> bool:
    """Whether `url` is https on one of these domains or below it, on the usual port."""
    origin = _origin(url)
    if origin is None or origin[0] != "https" or origin[2] != 443:
        return False
    return any(origin[1] == domain or origin[1].endswith(f".{domain}") for domain in domains)


def is_secure(url: str, base_url: str) -> bool:
    """Whether media may be sent there: https, or on our own base URL's origin."""
    origin = _origin(url)
    return origin is not None and (origin[0] == "https" or same_origin(url, base_url))


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    scheme, host = parsed.scheme.lower(), parsed.host.lower()
    if scheme not in _PORTS or not host or parsed.userinfo:
        return None
    return scheme, host, parsed.port or _PORTS[scheme]


@contextmanager
def redacted(secrets: Iterable[str]) -> Generator[None]:
    """Mask our keys in whatever `ProviderError` passes through; vendors do echo them."""
    try:
        yield
    except ProviderError as error:
        keys = tuple(secrets)
        error.detail, error.body = masked(error.detail, keys), masked(error.body, keys)
        error.args = (error.detail,)
        raise


@contextmanager
def before_paying() -> Generator[None]:
    """Before the paid call an unreadable answer is a refusal, not a lost submission."""
    try:
        yield
    except ProtocolError as error:
        raise InvalidRequest(
            f"preparing the media failed: {error.detail}", status=error.status, body=error.body
        ) from error
