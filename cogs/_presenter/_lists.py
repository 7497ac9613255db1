"""Lists for one person's eyes: models, money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.models import Lifecycle, Price
from bot.money import usd
from bot.producer import Listing
from bot.router import CATEGORY_NAMES
from bot.store import UsageRow
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    bold,
    dotted,
    fill,
    name_of,
)

_USUAL: Final = ("720p", "1080p", "1024p", "768p")  # whose price stands for a model
_JOB_WORDS: Final = 60


def model_list(t: Tongue, listings: Sequence[Listing]) -> str:
    """What can run here now, and the names of what cannot."""
    live = [listing for listing in listings if listing.status is Lifecycle.LIVE]
    off = [listing for listing in listings if listing.status is Lifecycle.OFF]
    retired = [listing for listing in listings if listing.status is Lifecycle.RETIRED]
    lines = [t("models.live"), *[_model_line(t, listing) for listing in live]]
    lines += [t("models.off", names=_names(off))] if off else []
    lines += [t("models.retired", names=_names(retired))] if retired else []
    return fill(t, lines)


def usage_report(
    t: Tongue,
    rows: Sequence[UsageRow],
    view: str,
    models: Models,
    *,
    spent_micros: int,
    cap_micros: int,
    may_spend: bool,
) -> str:
    """Clips and money, and what is left of today."""
    clips, micros = sum(row.clips for row in rows), sum(row.micros for row in rows)
    lines = [t("usage.made", clips=t("clips", count=clips), price=usd(micros))]
    if may_spend:
        left = usd(max(0, cap_micros - spent_micros))
        lines.append(t("usage.today", spent=usd(spent_micros), cap=usd(cap_micros), left=left))
    else:
        lines.append(t("card.free_only"))
    for row in rows:
        key = f"<@{row.key}>" if view == "user" else name_of(row.key, models)
        lines.append(f"- {key}: {t('clips', count=row.clips)}, {usd(row.micros)}")
    return fill(t, lines)


def _model_line(t: Tongue, listing: Listing) -> str:
    model = listing.model
    route = next(route for route, reason in listing.routes if not reason)
    known = [name for name, belief in model.strengths.items() if belief.source != "none"]
    best = sorted(known, key=lambda name: -model.strengths[name].value)[:2]
    facts = [
        f"{bold(model.name)} `{model.id}`",
        _per_second(t, route.price),
        ", ".join(t.of(CATEGORY_NAMES[name]) for name in best),
    ]
    return f"- {dotted(facts)}"


def _per_second(t: Tongue, price: Price | None) -> str:
    if price is None:
        return ""
    names = [name for name in _USUAL if name in price.per_s] or list(price.per_s)
    rate = price.per_s[names[0]]
    micros = rate.audio_micros if rate.silent_micros is None else rate.silent_micros
    return f"{usd(micros)}/s" if micros else t("common.free")


def _names(listings: Sequence[Listing]) -> str:
    return ", ".join(bold(listing.model.name).strip("*") for listing in listings)
