"""The status message of jobs that were asked for together: its words and its buttons."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client import Dailies
from bot.desk import can_be_stopped, worth_retrying
from bot.jobs import Job, Reason
from cogs import _presenter

__all__ = ["Page", "status_page"]

Page = tuple[str, tuple[tuple[str, str], ...]]  # text, and (custom id, label) of its buttons


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
    if any(can_be_stopped(job, bot.app.vendors) for job in jobs):
        return text, ((f"cancel:{first.id}", t("button.cancel")),)
    if len(jobs) == 1 and worth_retrying(first):
        return text, ((f"retry:{first.id}", t("button.retry")),)
    if len(jobs) == 1 and first.reason is Reason.REJECTED:
        return text, (
            (f"change:{first.id}", t("button.change")),
            (f"elsewhere:{first.id}", t("button.switch")),
        )
    return text, ()
