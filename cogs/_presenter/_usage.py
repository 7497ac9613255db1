"""What was made and spent, for one person's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.money import usd
from bot.store import UsageRow
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    fill,
    name_of,
)

_USUAL: Final = ("720p", "1080p", "1024p", "768p")  # whose price stands for a model
_JOB_WORDS: Final = 60


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
