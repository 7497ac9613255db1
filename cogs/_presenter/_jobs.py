"""Jobs for one person's eyes: the list, a line in its menu, and the card of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord

from bot.desk import JobCard
from bot.jobs import Job
from bot.ledger import settled_micros
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    ago,
    changes,
    dotted,
    fill,
    format_of,
    made_with,
    message_link,
    money,
    name_of,
    quoted,
    shortened,
)
from cogs._presenter._status import news, reason_of

_JOB_WORDS: Final = 60
_STATIONS: Final = 12


def job_list(t: Tongue, jobs: Sequence[Job], models: Models, *, everybody: bool) -> str:
    """The newest jobs, one line each, cut where a message ends."""
    if not jobs:
        return t("jobs.none")
    whose = t("jobs.everybody" if everybody else "jobs.mine")
    return fill(t, [f"**{whose}**", *[_job_line(t, job, models, everybody) for job in jobs]])


def job_option(t: Tongue, job: Job, models: Models) -> tuple[str, str]:
    """(label, description) of a job in a menu, where markup shows as typed."""
    found = models.get(job.model)
    facts = [t(f"state.{job.state}"), found.name if found else job.model, job.id]
    return " ".join(job.brief.prompt.split())[:100], dotted(facts)[:100]


def job_card(t: Tongue, card: JobCard, models: Models) -> str:
    """One job with everything there is to say about it."""
    job = card.job
    state = f"**{t(f'state.{job.state}')}**" + _because(t, job)
    posted = card.posted
    link = message_link(job.place.guild_id, posted.channel_id, posted.message_id) if posted else ""
    lines = [
        dotted([state, f"{made_with(t, job, models)}", _money(t, card)]),
        format_of(t, job.plan.fit),
        quoted(job.brief.prompt),
        changes(t, job.plan.fit),
        news(t, job, ahead=card.ahead, progress=card.progress, expected_s=card.expected_s),
        t("jobs.link", link=link) if link and not _told_by_news(card) else "",
        dotted([t("status.asked", when=ago(job.created_at)), _asker(job), f"`{job.id}`"]),
        _history(t, card),
    ]
    return fill(t, lines)


def _told_by_news(card: JobCard) -> bool:
    """Whether the last news of a clip name the same message."""
    posted = card.posted
    return posted is not None and posted.message_id == card.job.result_message_id


def _job_line(t: Tongue, job: Job, models: Models, everybody: bool) -> str:
    micros = settled_micros(job) if job.ended else job.hold_micros
    place = job.place
    link = message_link(place.guild_id, place.channel_id, job.result_message_id)
    facts = [
        f"**{t(f'state.{job.state}')}**" + _because(t, job),
        name_of(job.model, models),
        money(t, micros),
        ago(job.created_at),
        _asker(job) if everybody else "",
        f"`{job.id}`",
    ]
    shown = f" [{t('common.clip')}]({link})" if link else ""
    return f"- {dotted(facts)}{shown}\n  {shortened(job.brief.prompt, _JOB_WORDS)}"


def _because(t: Tongue, job: Job) -> str:
    return f" ({reason_of(t, job)})" if job.reason else ""


def _asker(job: Job) -> str:
    return f"<@{job.place.user_id}>"


def _money(t: Tongue, card: JobCard) -> str:
    held = card.job.hold_micros
    if not held:
        return t("common.free")
    if card.charged_micros is None:
        return t("jobs.on_hold", price=money(t, held))
    if not card.charged_micros:
        return t("jobs.nothing_charged", price=money(t, held))
    return t("jobs.charged", price=money(t, card.charged_micros))


def _history(t: Tongue, card: JobCard) -> str:
    """Its states with the times they began; a reader's client shows them in their zone."""
    stations = [
        f"{discord.utils.format_dt(at, 'T')} {t(f'state.{state}')}"
        for state, at in card.history[-_STATIONS:]
    ]
    return f"-# {' → '.join(stations)}" if stations else ""
