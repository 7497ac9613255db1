"""The newest prompts of every server in memory, for suggestions while somebody types.

Bounded a server; holds only words whose clip is there. Suggestions cost no look into the database.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from bot.store import Asked

__all__ = ["Recent"]

PER_SERVER: Final = 200


class Recent:
    """Newest last a server; the oldest goes when there are too many."""

    def __init__(self, per_server: int = PER_SERVER) -> None:
        self._per_server = per_server
        self._asked: dict[str, dict[str, Asked]] = {}

    def put(self, asked: Asked) -> None:
        known = self._asked.setdefault(asked.scope, {})
        known.pop(asked.job_id, None)
        known[asked.job_id] = asked
        while len(known) > self._per_server:
            del known[next(iter(known))]

    def drop(self, scope: str, job_id: str) -> None:
        """Its clip is deleted."""
        self._asked.get(scope, {}).pop(job_id, None)

    def matching(
        self, scope: str, typed: str, user_id: int, hidden: Collection[int], limit: int = 25
    ) -> list[str]:
        """Prompts with every word typed, newest first, each once; none of a hidden channel unless
        they are the person's own.
        """
        words = typed.lower().split()
        found: dict[str, None] = {}
        for asked in reversed(self._asked.get(scope, {}).values()):
            seen = asked.user_id == user_id or set(hidden).isdisjoint(asked.channels)
            line = " ".join(asked.prompt.split())
            if seen and all(word in line.lower() for word in words):
                found.setdefault(line)
            if len(found) == limit:
                break
        return list(found)
