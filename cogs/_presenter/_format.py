"""Small forms that several texts share: prices, lengths, links, and lines that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import discord
from discord.utils import escape_markdown

from bot.jobs import Job
from bot.models import Confidence, Fit, Model
from bot.money import usd
from bot.router import Candidate
from bot.texts import Tongue

MAX_CHARS: Final = 2000
MIB: Final = 1 << 20
_PROMPT_CHARS: Final = 280

Models = Mapping[str, Model]


def fill(t: Tongue, lines: Sequence[str], limit: int = MAX_CHARS) -> str:
    """The lines that are not empty, whole ones only, as many as a message takes."""
    kept, left = "", [line for line in lines if line]
    for index, line in enumerate(left):
        more = "\n" + t("common.more", count=len(left) - index)
        room = limit - len(kept) - 1 - (len(more) if index + 1 < len(left) else 0)
        if len(line) > room:
            return kept + more
        kept += ("\n" if kept else "") + line
    return kept


def dotted(facts: Sequence[str]) -> str:
    return " · ".join(fact for fact in facts if fact)


def bold(text: str) -> str:
    return f"**{escape_markdown(text)}**"


def shortened(prompt: str, chars: int = _PROMPT_CHARS) -> str:
    """A prompt on one line, markup shown as typed."""
    text = " ".join(prompt.split())
    return escape_markdown(text if len(text) <= chars else text[: chars - 1].rstrip() + "…")


def quoted(prompt: str, chars: int = _PROMPT_CHARS) -> str:
    return f"> {shortened(prompt, chars)}"


def format_of(t: Tongue, fit: Fit) -> str:
    sound = t("common.sound" if fit.audio else "common.silent")
    return f"{fit.duration_s} s · {fit.aspect} · {fit.resolution} · {sound}"


def changes(t: Tongue, fit: Fit) -> str:
    if not fit.adapted:
        return ""
    return t("card.adapted", changes="; ".join(t.of(change) for change in fit.adapted))


def price_of(t: Tongue, candidate: Candidate) -> str:
    price = money(t, candidate.price_micros)
    disputed = candidate.confidence is Confidence.DISPUTED
    return t("common.at_most", price=price) if disputed else price


def money(t: Tongue, micros: int) -> str:
    return usd(micros) if micros else t("common.free")


def name_of(model_id: str, models: Models) -> str:
    found = models.get(model_id)
    return escape_markdown(found.name if found else model_id)


def made_with(t: Tongue, job: Job, models: Models) -> str:
    name = f"**{name_of(job.model, models)}**"
    if job.provider == "local":
        return t("common.storyboard", model=name)
    return t("common.via", model=name, provider=job.provider)


def ago(moment: datetime) -> str:
    return discord.utils.format_dt(moment, "R")


def length(t: Tongue, seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    if minutes:
        return t("common.minutes", minutes=minutes, seconds=rest)
    return t("common.seconds", count=rest)


def roughly(t: Tongue, seconds: float) -> str:
    """A length as people say it: five-second steps, whole minutes from two on."""
    if seconds < 120:
        return t("common.seconds", count=max(5, 5 * round(seconds / 5)))
    return f"{round(seconds / 60)} min"


def seconds_of(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def message_link(guild_id: int | None, channel_id: int | None, message_id: int | None) -> str:
    if not message_id:
        return ""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"


def charged(job: Job) -> int:
    """What a delivered clip costs: the vendor's figure, at most the number agreed to."""
    return job.hold_micros if job.cost_micros is None else min(job.cost_micros, job.hold_micros)


def missing_permissions(t: Tongue, names: Sequence[str]) -> str:
    """Which permissions to give before anything can be made here."""
    return t("permissions.missing", names=", ".join(f"**{name}**" for name in names))
