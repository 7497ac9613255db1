"""What the terminal shows: the card before money, the result after it, lists and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.brief import CATEGORIES
from bot.jobs import Job, State
from bot.ledger import settled_micros
from bot.models import Confidence, Lifecycle
from bot.money import usd
from bot.producer import Listing, Quote
from bot.router import CATEGORY_NAMES, Candidate, Decision
from bot.store import AcceptedRow, UsageRow
from bot.taste import Belief

__all__ = [
    "accepted_table",
    "beliefs_table",
    "decision_card",
    "jobs_table",
    "ledger_table",
    "models_table",
    "price_words",
    "quote_card",
    "result_panel",
    "usage_table",
    "with_keys",
]

_SHOWN: Final = 3
_BAR: Final = 12


def quote_card(quote: Quote, takes: int) -> RenderableType:
    """What will be made, by whom, why and for how much."""
    choice, fit = quote.choice, quote.choice.fit
    shot = f"{fit.duration_s} s · {fit.aspect} · {fit.resolution} · "
    shot += "with sound" if fit.audio else "silent"
    lines: list[RenderableType] = [
        Text(quote.decision.headline, style="bold"),
        Text(shot),
        *[Text(f"  adapted: {note}", style="yellow") for note in fit.adapted],
        _demands(quote.decision),
        *[Text(f"  · {reason}", style="dim") for reason in choice.reasons],
    ]
    if others := [other for other in quote.decision.candidates if other.model != choice.model]:
        lines.append(Text("Instead: " + " · ".join(_short(other) for other in others[:2])))
    if quote.decision.judged_by:
        lines.append(Text(f"Judged by {quote.decision.judged_by}", style="dim"))
    if quote.decision.doubt:
        lines.append(Text(quote.decision.doubt, style="cyan"))
    lines += [Text(f"  tip: {tip}", style="cyan") for tip in quote.decision.advice]
    price = price_words(choice)
    if takes > 1:
        price = f"{takes} takes, {usd(quote.price_micros * takes)} in all ({price} each)"
    return Panel(
        Group(*lines),
        title=f"[bold]{choice.name}[/bold] via {choice.provider} · {price}",
        title_align="left",
        border_style="green" if quote.free else "yellow",
    )


def with_keys(decision: Decision) -> RenderableType:
    """What keys would bring: the best candidates with their price and why."""
    best = decision.candidates[:_SHOWN]
    lines = [
        Text(f"  {_short(candidate)}" + (f" - {candidate.reasons[0]}" if candidate.reasons else ""))
        for candidate in best
    ]
    return Group(Text("With a vendor's key these words would go to", style="bold"), *lines)


def decision_card(decision: Decision) -> RenderableType:
    """The whole routing decision: demands, every candidate, everything dropped."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "via", "price", "score", "because"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading == "score" else "left"
        )
    for candidate in decision.candidates:
        chosen = decision.choice is not None and candidate.model == decision.choice.model
        table.add_row(
            candidate.model,
            candidate.provider,
            price_words(candidate),
            f"{candidate.score:.3f}",
            "\n".join(candidate.reasons),
            style="bold green" if chosen else "",
        )
    parts: list[RenderableType] = [
        Text(decision.headline, style="bold"),
        _demands(decision),
        Text(f"Stage: {decision.stage.value} (from {decision.stage_from.value})"),
        Text(),
        table,
    ]
    if decision.refusal:
        parts.append(Text(decision.refusal.message, style="red"))
    if decision.doubt:
        parts.append(Text(decision.doubt, style="cyan"))
    parts += [Text(f"would flip: {flip}", style="dim") for flip in decision.flips]
    if decision.dropped:
        parts += [Text(), Text("Not offered now", style="bold")]
        parts += [Text(f"  {drop.model}: {drop.reason}", style="dim") for drop in decision.dropped]
    parts += [Text(f"tip: {tip}", style="cyan") for tip in decision.advice]
    return Group(*parts)


def result_panel(job: Job, clip: Path | None) -> RenderableType:
    """How a job ended, and where its clip lies."""
    charged = usd(settled_micros(job)) if job.ended else "nothing yet"
    lines = [Text(f"{job.state.value}" + (f" · {job.message}" if job.message else ""))]
    if clip is not None:
        lines.append(Text(f"{clip}", style="bold"))
        lines.append(
            Text(
                f"{job.duration_s:.2f} s · {job.width} x {job.height} · "
                f"{job.size_bytes / 1_000_000:.1f} MB · sha256 {job.sha256[:12]}",
                style="dim",
            )
        )
    lines.append(Text(f"quoted {usd(job.hold_micros)} · charged {charged}"))
    good = job.state is State.DONE
    return Panel(
        Group(*lines),
        title=f"job {job.id}",
        title_align="left",
        border_style="green" if good else "red",
    )


def price_words(candidate: Candidate) -> str:
    """The price as a person reads it; one that sources dispute is a bound."""
    if candidate.price_micros == 0:
        return "free"
    bound = "at most " if candidate.confidence is Confidence.DISPUTED else ""
    return bound + usd(candidate.price_micros)


def models_table(listings: Sequence[Listing]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "now", "best at", "routes (USD per second)"):
        table.add_column(heading, overflow="fold")
    colours = {Lifecycle.LIVE: "green", Lifecycle.OFF: "yellow", Lifecycle.RETIRED: "red"}
    for listing in listings:
        model = listing.model
        best = sorted(CATEGORIES, key=lambda name: -model.strengths[name].value)
        known = [name for name in best if model.strengths[name].source != "none"][:_SHOWN]
        now = Text(listing.status.value, style=colours[listing.status])
        if model.successor and listing.status is Lifecycle.RETIRED:
            now.append(f"\n-> {model.successor}", style="")
        table.add_row(
            Text(f"{model.id}\n") + Text(f"{model.name}, {model.maker}", style="dim"),
            now,
            "\n".join(f"{CATEGORY_NAMES[name]} {model.strengths[name].value:.2f}" for name in known)
            or "no evidence yet",
            Group(*[_route_line(listing, index) for index in range(len(listing.routes))]),
        )
    return table


def usage_table(rows: Sequence[UsageRow], by: str) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    table.add_column(by)
    table.add_column("clips", justify="right")
    table.add_column("charged", justify="right")
    for row in rows:
        table.add_row(row.key, str(row.clips), usd(row.micros))
    clips, micros = sum(row.clips for row in rows), sum(row.micros for row in rows)
    noun = "clip" if clips == 1 else "clips"
    return Group(table, Text(f"{clips} {noun} made, {usd(micros)} charged.", style="bold"))


def accepted_table(costs: Sequence[AcceptedRow]) -> RenderableType:
    """What a second that was kept has cost: all money over picked and winning seconds."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "for", "kept", "charged", "per kept second"):
        table.add_column(heading, justify="left" if heading in ("model", "for") else "right")
    for row in costs:
        per_s = row.per_s_micros
        table.add_row(
            row.model,
            CATEGORY_NAMES.get(row.category, row.category or "all"),
            f"{row.accepted_s:.1f} s",
            usd(row.spent_micros),
            "none kept yet" if per_s is None else f"${per_s / 1_000_000:.3f}",
        )
    return Group(Text(), table)


def beliefs_table(beliefs: Sequence[Belief]) -> RenderableType:
    """Prior, votes and posterior of every candidate, by what the brief asks for."""
    table = Table(box=None, pad_edge=False)
    for heading in ("asked for", "model", "catalogue", "votes", "with votes", "90 % interval"):
        table.add_column(heading, overflow="fold")
    for one in beliefs:
        ties = f" ({one.ties} tied)" if one.ties else ""
        table.add_row(
            f"{CATEGORY_NAMES[one.category]} {one.weight:.0%}",
            one.model,
            f"{one.prior:.2f}",
            f"{one.wins} of {one.votes}{ties}" if one.votes else "none",
            f"{one.value:.2f}" + ("" if one.separated or not one.votes else " (not enough yet)"),
            f"{one.low:.2f} - {one.high:.2f}" if one.votes else "",
        )
    return Group(Text(), table)


def jobs_table(rows: Sequence[Job]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "state", "model", "via", "made", "prompt"):
        table.add_column(heading, no_wrap=heading != "prompt", overflow="ellipsis")
    for job in rows:
        table.add_row(
            job.id,
            job.state.value,
            job.model,
            job.provider,
            f"{job.created_at:%Y-%m-%d %H:%M}",
            Text(" ".join(job.brief.prompt.split())[:80]),
        )
    return table


def ledger_table(rows: Sequence[tuple[str, str, str, int, str]]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("ledger", "from", "to", "amount", "note"):
        table.add_column(heading, justify="right" if heading == "amount" else "left")
    for kind, debit, credit, micros, note in rows:
        table.add_row(kind, debit, credit, usd(micros), note)
    return table


def _demands(decision: Decision) -> RenderableType:
    """The categories with their weight as a bar and the words that caused them."""
    table = Table(box=None, pad_edge=False, show_header=False)
    ranked = sorted(decision.weights.items(), key=lambda pair: -pair[1])
    for name, weight in ranked[:_SHOWN]:
        if weight < 0.05:
            continue
        words = ", ".join(f"“{word}”" for word in decision.evidence.get(name, ())[:5])
        table.add_row(
            CATEGORY_NAMES.get(name, name),
            Text("█" * max(1, round(weight * _BAR)), style="magenta"),
            f"{weight:.0%}",
            Text(words, style="italic"),
        )
    return table


def _short(candidate: Candidate) -> str:
    return f"{candidate.name} via {candidate.provider}, {price_words(candidate)}"


def _route_line(listing: Listing, index: int) -> Text:
    route, reason = listing.routes[index]
    line = Text(f"{route.provider} ", style="" if not reason else "dim")
    if route.price is not None:
        rates: list[str] = []
        for resolution, rate in route.price.per_s.items():
            micros = rate.audio_micros if rate.silent_micros is None else rate.silent_micros
            rates.append(f"{resolution} {(micros or 0) / 1_000_000:g}")
        line.append(" ".join(rates))
    if route.retires:
        line.append(f" until {route.retires}")
    if reason or route.provider in listing.waits:
        line.append(f" ({reason or listing.waits[route.provider]})")
    return line


def stderr_console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=False)
