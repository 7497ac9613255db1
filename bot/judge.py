"""An optional second opinion on what a prompt demands, within 1.5 s or not at all.

Never needed: without the three `JUDGE_*` variables, or on any failure, delay or nonsense, the
built-in classifier's answer stands, and nobody has to be told.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import httpx
import structlog

from bot.brief import CATEGORIES, GENERAL
from bot.config import Settings
from providers.chat import ask_weights
from providers.errors import ProviderError

__all__ = ["Judge"]

_DEADLINE_S: Final = 1.5
_REMEMBERED: Final = 512
log = structlog.get_logger(__name__)


class Judge:
    """Asks the operator's chat model, and remembers what it said about a prompt."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, key: str, model: str) -> None:
        self._http = http
        self._base_url = base_url
        self._key = key
        self.model = model
        self._said: OrderedDict[str, Mapping[str, float]] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: Settings, http: httpx.AsyncClient) -> Judge | None:
        """None unless all three variables are set."""
        url, key, model = settings.judge_base_url, settings.judge_api_key, settings.judge_model
        return cls(http, url, key.get_secret_value(), model) if url and key and model else None

    async def opinion(self, prompt: str) -> Mapping[str, float] | None:
        """Weights of all categories, sum 1; None when there is no good answer in time."""
        if prompt in self._said:
            self._said.move_to_end(prompt)
            return self._said[prompt]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                weights = await ask_weights(
                    self._http,
                    self._base_url,
                    self._key,
                    self.model,
                    prompt,
                    (*CATEGORIES, GENERAL),
                )
        except (ProviderError, TimeoutError) as error:
            log.info("no second opinion", error=type(error).__name__)
            return None
        self._said[prompt] = weights
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        return weights
