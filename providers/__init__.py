"""The companies we call, by name. A vendor is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from providers.base import Provider
from providers.local import Local
from providers.openai import Gateway, OpenAI

__all__ = ["PROVIDERS"]

PROVIDERS: Final[Mapping[str, type[Provider]]] = {
    provider.id: provider for provider in (Local, OpenAI, Gateway)
}
