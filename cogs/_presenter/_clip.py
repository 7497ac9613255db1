"""The words that go with a clip: whose it is, what it came from, and the recipe."""

from __future__ import annotations

import discord

from bot.jobs import Job
from bot.shots import Board, Line
from bot.texts import Tongue
from cogs._presenter._format import (
    MIB,
    Models,
    bold,
    charged,
    dotted,
    fill,
    made_with,
    message_link,
    money,
    quoted,
    seconds_of,
)


def clip_message(
    t: Tongue,
    job: Job,
    models: Models,
    note: str = "",
    shot: Board | None = None,
    by: int | None = None,
) -> str:
    """Whose clip it is (`by`: who shows it again), its place in the shot, and the recipe."""
    user = f"<@{job.place.user_id}>"
    facts = [
        made_with(t, job, models),
        seconds_of(job.duration_s),
        job.plan.fit.aspect,
        f"{job.width} x {job.height}",
        t("clip.seed", seed=job.brief.seed) if job.brief.seed is not None else "",
        money(t, charged(job)),
    ]
    lines = [
        t("clip.shown", by=f"<@{by}>", user=user) if by else t("clip.here", user=user),
        _take(t, job, shot),
        quoted(job.brief.prompt),
        dotted(facts),
        note,
        _origin_note(t, job),
        t("clip.job", job=job.id),
    ]
    return fill(t, lines)


def alt_text(job: Job) -> str:
    """The description of the file, for readers who cannot see it."""
    return discord.utils.remove_markdown(" ".join(job.brief.prompt.split()))[:1000]


def too_large_note(t: Tongue, job: Job) -> str:
    """Why there is only a still, and where the clip lies."""
    return t("clip.too_large", size=f"{job.size_bytes / MIB:.1f}", clip=job.clip)


def _origin_note(t: Tongue, job: Job) -> str:
    """That no camera made this; a storyboard is no AI model's work either."""
    if job.provider == "local":
        return f"-# {t('clip.storyboard_note')}"
    return f"-# {t('clip.ai')} {t('clip.credentials')}"


def _take(t: Tongue, job: Job, shot: Board | None) -> str:
    line = _line_of(shot, job.id)
    if shot is None or line is None:
        return ""
    take = t("clip.take", number=line.take.number, title=bold(shot.shot.title).strip("*"))
    return dotted([take, _parent(t, shot, line)])


def _parent(t: Tongue, shot: Board, line: Line) -> str:
    parent = next((one for one in shot.lines if one.take.number == line.take.parent), None)
    if parent is None:
        return ""
    verb = t(f"verb.{line.take.verb}")
    guild_id = int(shot.shot.scope) if shot.shot.scope.isdecimal() else None
    link = message_link(guild_id, parent.channel_id, parent.result_message_id)
    if not link:
        return t("clip.parent_bare", verb=verb, number=parent.take.number)
    return t("clip.parent", verb=verb, number=parent.take.number, link=link)


def _line_of(shot: Board | None, job_id: str) -> Line | None:
    return next((line for line in shot.lines if line.take.job_id == job_id), None) if shot else None
