"""How a key is cut out of a text that somebody else wrote: vendors echo what they were sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["masked"]

_KEY: Final = "[key]"
_TELLING: Final = 4  # characters of a key from which on its beginning is one


def masked(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, nor the beginning of one where it was cut off."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _KEY)
        for length in range(min(len(secret) - 1, len(text)), _TELLING - 1, -1):
            if text.endswith(secret[:length]):
                text = text[:-length] + _KEY
                break
    return text
