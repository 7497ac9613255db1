"""The companies we call, by name. A vendor is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from providers.base import Provider
from providers.fal import Fal
from providers.google import Google
from providers.kling import Kling
from providers.local import Local
from providers.ltx import LTX
from providers.openai import Gateway, OpenAI
from providers.replicate import Replicate
from providers.runway import Runway

__all__ = ["PROVIDERS"]

PROVIDERS: Final[Mapping[str, type[Provider]]] = {
    provider.id: provider
    for provider in (Local, Kling, Runway, Google, LTX, Replicate, Fal, OpenAI, Gateway)
}
