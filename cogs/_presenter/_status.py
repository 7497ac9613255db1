"""How a job stands: what it is, and one line of news; for several takes, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.jobs import Job, State
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    ago,
    changes,
    dotted,
    fill,
    format_of,
    length,
    made_with,
    message_link,
    money,
    quoted,
    roughly,
)

_BAR: Final = 10


def status_message(
    t: Tongue,
    job: Job,
    models: Models,
    *,
    ahead: int = 0,
    progress: float | None = None,
    expected_s: float | None = None,
    deleted: bool = False,
) -> str:
    """One job: what it is, and one line of news."""
    told = news(t, job, ahead=ahead, progress=progress, expected_s=expected_s)
    lines = [
        f"{made_with(t, job, models)} · {money(t, job.hold_micros)}",
        format_of(t, job.plan.fit),
        quoted(job.brief.prompt),
        changes(t, job.plan.fit),
        t("done.deleted") if deleted else told,
    ]
    return fill(t, lines)


def status_of_takes(
    t: Tongue,
    jobs: Sequence[Job],
    models: Models,
    progress: Sequence[float | None],
    deleted: Sequence[bool] = (),
) -> str:
    """Takes quoted together: the recipe once, then a line for each."""
    first, held = jobs[0], sum(job.hold_micros for job in jobs)
    done = sum(job.state is State.DONE for job in jobs)
    lines = [
        f"{made_with(t, first, models)} · {t('takes', count=len(jobs))} · {money(t, held)}",
        format_of(t, first.plan.fit),
        quoted(first.brief.prompt),
        changes(t, first.plan.fit),
        t("status.of_takes", done=done, count=len(jobs)),
        *[
            f"`{index}` {t('board.deleted') if gone else news(t, job, progress=share)}"
            for index, (job, share, gone) in enumerate(
                zip(jobs, progress, deleted or [False] * len(jobs), strict=True), 1
            )
        ],
    ]
    return fill(t, lines)


def done_line(t: Tongue, job: Job) -> str:
    """The last news of a clip that arrived."""
    took = length(t, (job.updated_at - job.created_at).total_seconds())
    place = job.place
    if not job.result_message_id:
        return t("status.done", time=took)
    link = message_link(place.guild_id, place.channel_id, job.result_message_id)
    return t("status.done_link", time=took, link=link)


def news(
    t: Tongue,
    job: Job,
    *,
    ahead: int = 0,
    progress: float | None = None,
    expected_s: float | None = None,
) -> str:
    """What a job is doing now. What the worker has to say goes before our own words."""
    if job.message:
        return dotted([t.of(job.message), _ahead(t, ahead)])
    match job.state:
        case State.QUEUED:
            return _waiting(t, job, ahead, expected_s)
        case State.SUBMITTING:
            return t("status.sending", provider=job.provider)
        case State.RENDERING:
            begun = job.rendering_since or job.updated_at
            words = t("status.rendering", bar=_bar(progress), when=ago(begun))
            return dotted([words, _usually(t, expected_s)])
        case State.FETCHING:
            key = "status.drawing" if job.provider == "local" else "status.fetching"
            return t(key, bar=_bar(progress))
        case State.DELIVERING:
            return t("status.posting")
        case State.DONE:
            return done_line(t, job)
        case State.UNCERTAIN | State.REFUNDING | State.REFUNDED:
            return reason_of(t, job)


def reason_of(t: Tongue, job: Job) -> str:
    """Why a job did not go straight through, in a word or two."""
    return t(f"reason.{job.reason}") if job.reason else ""


def _waiting(t: Tongue, job: Job, ahead: int, expected_s: float | None) -> str:
    asked = t("status.asked", when=ago(job.created_at))
    return dotted([t("status.waiting"), _ahead(t, ahead), asked, _usually(t, expected_s)])


def _ahead(t: Tongue, ahead: int) -> str:
    return t("status.ahead", count=ahead) if ahead else ""


def _usually(t: Tongue, expected_s: float | None) -> str:
    return "" if expected_s is None else t("status.expected", time=roughly(t, expected_s))


def _bar(progress: float | None) -> str:
    if progress is None:
        return ""
    full = round(min(max(progress, 0.0), 1.0) * _BAR)
    return f" {'▰' * full}{'▱' * (_BAR - full)} {full * 100 // _BAR} %"
