"""Waiting for something to become true without a sleep loop in every test."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN_S = 0.05  # a predicate may also look at things that do not touch us


class Changes:
    """Wakes whoever waits each time the pretended world moves."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()

    def touch(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float, what: str = "") -> T:
        """The predicate's first truthy value; TimeoutError naming `what` otherwise."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (result := predicate()):
                    moved = self._moved
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN_S):
                            await moved.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {timeout_s} s: {what or predicate}") from None
        return result
