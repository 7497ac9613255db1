"""An optional second opinion on what a prompt demands, within 1.5 s or not at all.

Never needed: without the three `JUDGE_*` variables, or on any failure, delay or nonsense, the
built-in classifier's answer stands, and nobody has to be told.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from bot.brief import CATEGORIES, GENERAL
from providers.errors import ProviderError

__all__ = ["Judge"]

_DEADLINE_S: Final = 1.5
_REMEMBERED: Final = 512
Ask = Callable[[str, Sequence[str]], Awaitable[Mapping[str, float]]]
log = structlog.get_logger(__name__)


class Judge:
    """Asks the operator's chat model, and remembers what it said about a prompt."""

    def __init__(self, ask: Ask, model: str) -> None:
        self._ask = ask
        self.model = model
        self._said: OrderedDict[str, Mapping[str, float]] = OrderedDict()

    async def opinion(self, prompt: str) -> Mapping[str, float] | None:
        """Weights of all categories, sum 1; None when there is no good answer in time."""
        if prompt in self._said:
            self._said.move_to_end(prompt)
            return self._said[prompt]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                weights = await self._ask(prompt, (*CATEGORIES, GENERAL))
        except (ProviderError, TimeoutError) as error:
            log.info("no second opinion", error=type(error).__name__)
            return None
        self._said[prompt] = weights
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        return weights
