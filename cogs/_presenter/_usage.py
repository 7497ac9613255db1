"""What was made and spent, for one person's eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.money import usd
from bot.store import UsageRow
from bot.texts import Tongue
from cogs._presenter._format import Models, dotted, fill, name_of


def usage_report(
    t: Tongue,
    rows: Sequence[UsageRow],
    view: str,
    models: Models,
    *,
    spent_micros: int,
    cap_micros: int,
    may_spend: bool,
    kept_second_micros: Mapping[str, float] | None = None,
) -> str:
    """Clips and money, what is left of today, and what a second that was kept has cost by model."""
    clips, micros = sum(row.clips for row in rows), sum(row.micros for row in rows)
    lines = [t("usage.made", clips=t("clips", count=clips), price=usd(micros))]
    if may_spend:
        left = usd(max(0, cap_micros - spent_micros))
        lines.append(t("usage.today", spent=usd(spent_micros), cap=usd(cap_micros), left=left))
    else:
        lines.append(t("card.free_only"))
    for row in rows:
        key = f"<@{row.key}>" if view == "user" else name_of(row.key, models)
        kept = (kept_second_micros or {}).get(row.key)
        facts = [
            f"{t('clips', count=row.clips)}, {usd(row.micros)}",
            t("ranking.kept_second", price=usd(round(kept))) if kept else "",
        ]
        lines.append(f"- {key}: {dotted(facts)}")
    return fill(t, lines)
