"""What people read on Discord: values in, texts out.

Short lines for a phone, at most 2,000 characters, everything a person typed made harmless. Nothing
here waits, asks or decides; times are Discord's own marks, which a reader's client keeps current.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import discord
from discord.utils import escape_markdown

from bot.brief import GENERAL
from bot.jobs import Job, State
from bot.ledger import settled_micros
from bot.models import Confidence, Fit, Lifecycle, Model, Price
from bot.money import usd
from bot.producer import Listing, Quote
from bot.router import CATEGORY_NAMES, Candidate, Decision
from bot.store import UsageRow

__all__ = [
    "MAX_CHARS",
    "alt_text",
    "card",
    "clip_message",
    "done_line",
    "go_label",
    "job_list",
    "missing_permissions",
    "model_list",
    "status_message",
    "too_large_note",
    "usage_report",
]

MAX_CHARS: Final = 2000
_PROMPT_CHARS: Final = 280
_WORTH_NAMING: Final = 0.1  # the share of a category in what the words ask for
_BAR: Final = 10
_MIB: Final = 1 << 20
_USUAL: Final = ("720p", "1080p", "1024p", "768p")  # whose price stands for a model

_FREE_ONLY: Final = (
    "This server makes free storyboards only: whoever runs this bot has not listed it for spending."
)

Models = Mapping[str, Model]


def card(quote: Quote, note: str = "", *, may_spend: bool = True) -> str:
    """What would be made, why and for how much, before anything is spent."""
    choice, decision = quote.choice, quote.decision
    lines = [
        note,
        f"{_bold(choice.name)} via {choice.provider} · **{_price(choice)}**",
        f"{_format(choice.fit)} · stage {decision.stage.value}",
        _quoted(quote.brief.prompt),
        _demands(decision),
        f"Judged by {escape_markdown(decision.judged_by)}" if decision.judged_by else "",
        _why(quote, asked=not note) if may_spend else _FREE_ONLY,
        _changes(choice.fit),
        _others(quote),
        escape_markdown(decision.doubt),
        f"Tip: {escape_markdown(decision.advice[0])}" if decision.advice else "",
        "Nothing is spent before you press Go." if not quote.free else "",
    ]
    return _fill(lines)


def go_label(quote: Quote) -> str:
    """The number on the button: more than this is never charged."""
    return f"Go · {'free' if quote.free else usd(quote.price_micros)}"


def status_message(
    job: Job, models: Models, *, ahead: int = 0, progress: float | None = None
) -> str:
    """How a job stands: what it is, and one line of news."""
    head = f"{_made_with(job, models)} · {_money(job.hold_micros)}"
    news = _news(job, ahead, progress)
    lines = [head, _format(job.plan.fit), _quoted(job.brief.prompt), _changes(job.plan.fit), news]
    return _fill(lines)


def done_line(job: Job) -> str:
    """The last news of a clip that arrived."""
    took = _length((job.updated_at - job.created_at).total_seconds())
    place = job.place
    if not job.result_message_id:
        return f"Done in {took}."
    link = (
        f"https://discord.com/channels/{place.guild_id}/{place.channel_id}/{job.result_message_id}"
    )
    return f"Done in {took}: [here is the clip]({link})."


def clip_message(job: Job, models: Models, note: str = "") -> str:
    """The words that go with a clip: whose it is, and the recipe to make it again."""
    facts = [
        _made_with(job, models),
        _seconds(job.duration_s),
        job.plan.fit.aspect,
        f"{job.width} x {job.height}",
        f"seed {job.brief.seed}" if job.brief.seed is not None else "",
        _money(_charged(job)),
    ]
    lines = [
        f"<@{job.place.user_id}> here is your clip.",
        _quoted(job.brief.prompt),
        " · ".join(fact for fact in facts if fact),
        note,
        f"Job `{job.id}`",
    ]
    return _fill(lines)


def alt_text(job: Job) -> str:
    """The description of the file, for readers who cannot see it."""
    return discord.utils.remove_markdown(" ".join(job.brief.prompt.split()))[:1000]


def too_large_note(job: Job) -> str:
    """Why there is only a still, and where the clip lies."""
    return (
        f"This is only a still: the clip ({job.size_bytes / _MIB:.1f} MiB) is more than Discord "
        f"takes here, even made smaller. It is kept as `clips/{job.clip}`: ask whoever runs this "
        "bot."
    )


def missing_permissions(names: Sequence[str]) -> str:
    """Which permissions to give before anything can be made here."""
    listed = ", ".join(f"**{name}**" for name in names)
    return (
        f"I cannot post clips here: I lack {listed}. Somebody who manages this server can allow it "
        "(channel settings > Permissions). Nothing was started."
    )


def job_list(jobs: Sequence[Job], models: Models, *, everybody: bool) -> str:
    """The newest jobs, one line each, cut where a message ends."""
    if not jobs:
        return "No jobs yet. Try `/generate` with a few words about what should be seen."
    whose = "Everybody's newest jobs here" if everybody else "Your newest jobs here"
    return _fill([f"**{whose}**", *[_job_line(job, models, everybody) for job in jobs]])


def model_list(listings: Sequence[Listing]) -> str:
    """What can run here now, and the names of what cannot."""
    live = [listing for listing in listings if listing.status is Lifecycle.LIVE]
    off = [listing for listing in listings if listing.status is Lifecycle.OFF]
    retired = [listing for listing in listings if listing.status is Lifecycle.RETIRED]
    lines = ["**Can run here now** (prices per second at 720p or near)"]
    lines += [_model_line(listing) for listing in live]
    if off:
        lines.append(f"Without a key or paused: {_names(off)}")
    lines += [f"Retired: {_names(retired)}"] if retired else []
    return _fill(lines)


def usage_report(
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
    lines = [f"**{_clips(clips)} made here, {usd(micros)} charged.**"]
    if may_spend:
        left = usd(max(0, cap_micros - spent_micros))
        lines.append(
            f"Today: {usd(spent_micros)} of {usd(cap_micros)} spent or on hold, **{left} left** "
            "(until 00:00 UTC)."
        )
    else:
        lines.append(_FREE_ONLY)
    for row in rows:
        key = f"<@{row.key}>" if view == "user" else _name(row.key, models)
        lines.append(f"- {key}: {_clips(row.clips)}, {usd(row.micros)}")
    return _fill(lines)


def _fill(lines: Sequence[str]) -> str:
    """The lines that are not empty, whole ones only, as many as a message takes."""
    kept, left = "", [line for line in lines if line]
    for index, line in enumerate(left):
        more = f"\n... and {len(left) - index} more"
        room = MAX_CHARS - len(kept) - 1 - (len(more) if index + 1 < len(left) else 0)
        if len(line) > room:
            return kept + more
        kept += ("\n" if kept else "") + line
    return kept


def _bold(text: str) -> str:
    return f"**{escape_markdown(text)}**"


def _quoted(prompt: str) -> str:
    text = " ".join(prompt.split())
    short = text if len(text) <= _PROMPT_CHARS else text[: _PROMPT_CHARS - 1].rstrip() + "…"
    return f"> {escape_markdown(short)}"


def _format(fit: Fit) -> str:
    sound = "with sound" if fit.audio else "silent"
    return f"{fit.duration_s} s · {fit.aspect} · {fit.resolution} · {sound}"


def _changes(fit: Fit) -> str:
    return f"Adapted: {'; '.join(fit.adapted)}" if fit.adapted else ""


def _price(candidate: Candidate) -> str:
    bound = "at most " if candidate.confidence is Confidence.DISPUTED else ""
    return bound + _money(candidate.price_micros)


def _money(micros: int) -> str:
    return usd(micros) if micros else "free"


def _why(quote: Quote, *, asked: bool) -> str:
    """Why this model; nothing where we, not the person, have put it in another's place."""
    ours = quote.brief.model is not None and not asked
    return "" if ours else f"Why: {escape_markdown(quote.decision.headline)}"


def _demands(decision: Decision) -> str:
    """The categories the words ask for, strongest first, with the words."""
    strong = sorted(decision.weights.items(), key=lambda pair: -pair[1])[:3]
    named = [
        CATEGORY_NAMES[name] + _because(decision.evidence.get(name, ()))
        for name, weight in strong
        if weight >= _WORTH_NAMING and name != GENERAL and decision.evidence.get(name)
    ]
    return f"Asks for: {', '.join(named)}" if named else ""


def _because(words: Sequence[str]) -> str:
    return f" ({escape_markdown(', '.join(words[:3]))})"


def _others(quote: Quote) -> str:
    others = [c for c in quote.decision.candidates if c.model != quote.choice.model][:2]
    if not others:
        return ""
    named = " · ".join(f"{escape_markdown(other.name)} {_price(other)}" for other in others)
    return f"Instead: {named} (choose with `model`)"


def _name(model_id: str, models: Models) -> str:
    found = models.get(model_id)
    return escape_markdown(found.name if found else model_id)


def _made_with(job: Job, models: Models) -> str:
    name = f"**{_name(job.model, models)}**"
    return f"{name}, no AI model" if job.provider == "local" else f"{name} via {job.provider}"


def _news(job: Job, ahead: int, progress: float | None) -> str:
    match job.state:
        case State.QUEUED:
            return job.message or _waiting(job, ahead)
        case State.SUBMITTING:
            return f"Asking {job.provider} for it"
        case State.RENDERING:
            since = f" · started {_ago(job.rendering_since or job.updated_at)}"
            return job.message or f"Rendering{_bar(progress)}{since}"
        case State.FETCHING:
            what = "Drawing it" if job.provider == "local" else "Fetching the clip"
            return job.message or what + _bar(progress)
        case State.DELIVERING:
            return "Posting the clip"
        case State.DONE:
            return job.message or done_line(job)
        case State.UNCERTAIN | State.REFUNDING | State.REFUNDED:
            return job.message or job.reason.value


def _waiting(job: Job, ahead: int) -> str:
    before = f" · {ahead} ahead" if ahead else ""
    return f"Waiting for its turn{before} · asked {_ago(job.created_at)}"


def _bar(progress: float | None) -> str:
    if progress is None:
        return ""
    full = round(min(max(progress, 0.0), 1.0) * _BAR)
    return f" {'▰' * full}{'▱' * (_BAR - full)} {full * 100 // _BAR} %"


def _ago(moment: datetime) -> str:
    return discord.utils.format_dt(moment, "R")


def _length(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _charged(job: Job) -> int:
    """What a delivered clip costs: the vendor's figure, at most the number agreed to."""
    return job.hold_micros if job.cost_micros is None else min(job.cost_micros, job.hold_micros)


def _job_line(job: Job, models: Models, everybody: bool) -> str:
    money = settled_micros(job) if job.ended else job.hold_micros
    words = " ".join(job.brief.prompt.split())
    facts = [
        f"**{_STATES[job.state]}**" + (f" ({job.reason.value})" if job.reason else ""),
        _name(job.model, models),
        _money(money),
        _ago(job.created_at),
        f"<@{job.place.user_id}>" if everybody else "",
        f"`{job.id}`",
    ]
    short = words if len(words) <= 60 else words[:59].rstrip() + "…"
    link = f" {_link(job)}" if job.result_message_id else ""
    return f"- {' · '.join(fact for fact in facts if fact)}{link}\n  {escape_markdown(short)}"


def _link(job: Job) -> str:
    place = job.place
    return (
        f"[clip](https://discord.com/channels/{place.guild_id}/{place.channel_id}/"
        f"{job.result_message_id})"
    )


def _model_line(listing: Listing) -> str:
    model = listing.model
    route = next(route for route, reason in listing.routes if not reason)
    known = [name for name, belief in model.strengths.items() if belief.source != "none"]
    best = sorted(known, key=lambda name: -model.strengths[name].value)[:2]
    facts = [
        f"{_bold(model.name)} `{model.id}`",
        _per_second(route.price),
        ", ".join(CATEGORY_NAMES[name] for name in best),
    ]
    return "- " + " · ".join(fact for fact in facts if fact)


def _per_second(price: Price | None) -> str:
    if price is None:
        return ""
    names = [name for name in _USUAL if name in price.per_s] or list(price.per_s)
    rate = price.per_s[names[0]]
    micros = rate.audio_micros if rate.silent_micros is None else rate.silent_micros
    return "free" if not micros else f"{usd(micros)}/s"


def _names(listings: Sequence[Listing]) -> str:
    return ", ".join(escape_markdown(listing.model.name) for listing in listings)


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


_STATES: Final[Mapping[State, str]] = {
    State.QUEUED: "waiting",
    State.SUBMITTING: "being sent",
    State.UNCERTAIN: "uncertain",
    State.RENDERING: "rendering",
    State.FETCHING: "fetching",
    State.DELIVERING: "being posted",
    State.DONE: "done",
    State.REFUNDING: "ending",
    State.REFUNDED: "no clip",
}
