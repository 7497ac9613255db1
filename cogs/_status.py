"""The status message of jobs that were asked for together: its words and its buttons."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client import Dailies
from bot.jobs import Job, Reason, State
from cogs import _presenter

__all__ = ["Page", "retry_after", "status_page"]

Page = tuple[str, tuple[tuple[str, str], ...]]  # text, and (custom id, label) of its buttons

_RETRY = (Reason.FAILED, Reason.CANCELLED, Reason.EXPIRED, Reason.NOT_SUBMITTED)


async def status_page(bot: Dailies, jobs: Sequence[Job]) -> Page:
    """How they stand now, in the language of the person who asked, with the button it takes."""
    first, worker = jobs[0], bot.app.worker
    t = bot.tongue(first.place.user_id)
    deleted = [job.ended and await bot.app.workbench.is_deleted(job) for job in jobs]
    if len(jobs) == 1:
        paid = first.hold_micros > 0 and not first.ended
        text = _presenter.status_message(
            t,
            first,
            bot.app.catalogue.models,
            ahead=worker.ahead_of(first),
            progress=worker.progress_of(first),
            expected_s=await bot.app.workbench.expected_s(first.model) if paid else None,
            deleted=deleted[0],
        )
    else:
        shares = [worker.progress_of(job) for job in jobs]
        text = _presenter.status_of_takes(t, jobs, bot.app.catalogue.models, shares, deleted)
    if any(_can_be_stopped(bot, job) for job in jobs):
        return text, ((f"cancel:{first.id}", t("button.cancel")),)
    if len(jobs) == 1 and retry_after(first):
        return text, ((f"retry:{first.id}", t("button.retry")),)
    if len(jobs) == 1 and first.reason is Reason.REJECTED:
        return text, (
            (f"change:{first.id}", t("button.change")),
            (f"elsewhere:{first.id}", t("button.switch")),
        )
    return text, ()


def retry_after(job: Job) -> bool:
    """Whether the same again may well succeed; a refusal of the content never would."""
    return job.state is State.REFUNDED and job.reason in _RETRY


def _can_be_stopped(bot: Dailies, job: Job) -> bool:
    if job.cancel_at is not None:
        return False
    if job.state is State.RENDERING:
        client = bot.app.vendors.client(job.provider)
        return client is not None and client.facts.cancellable
    return job.state in (State.QUEUED, State.SUBMITTING, State.UNCERTAIN)
