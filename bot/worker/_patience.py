"""How long to wait between tries to fetch a clip."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Patience", "growing"]


class Patience(Protocol):
    """How long to wait between tries, in seconds, by how often it was tried."""

    def __call__(self, tries: int, /) -> float: ...


def growing(tries: int) -> float:
    """Seconds: 2, 4, 8 and so on, an hour at most."""
    return min(3600.0, 2.0 * 2 ** min(tries, 11))
