"""Ends without a clip: what each is called, what the person reads, and what it costs.

Pure. The rule of money: the vendor's own figure; else what its documents say is billed; a job it
reports as refused or failed costs nothing; what cannot be known is booked at the held amount.
"""

from __future__ import annotations

from bot import jobs
from bot.errors import BotError
from bot.jobs import Job, Reason
from bot.money import usd
from bot.texts import Text, say
from providers.base import Phase, Status
from providers.errors import OutOfCredit, ProviderError

__all__ = [
    "account_reason",
    "account_refused",
    "detail_of",
    "ending",
    "expired",
    "malformed",
    "model_gone",
    "rejected",
    "rejected_at_once",
    "unsendable",
    "unusable",
]

_FREE = say("end.free")
_BODY_CHARS = 500  # of an answer nobody could read: enough to see what it is


def ending(job: Job, status: Status, *, can_stop: bool) -> jobs.Refund:
    """The end a vendor reports; one that can stop a job may forget it then."""
    stopped = job.cancel_sent and can_stop
    if status.phase is Phase.GONE and not stopped:
        return expired(job, status.reason or "the vendor does not know it any more")
    cost, note = _cost(job, status)
    charged = _FREE
    if cost:
        charged = say("end.charged", price=usd(min(cost, job.hold_micros)))
    match status.phase:
        case Phase.REJECTED:
            reason, message = Reason.REJECTED, rejected(job.provider, charged)
        case Phase.CANCELLED | Phase.GONE:
            reason, message = Reason.CANCELLED, say("end.cancelled", charged=charged)
        case _:
            reason = Reason.FAILED
            message = say("end.failed", provider=job.provider, charged=charged)
    return jobs.Refund(
        reason=reason, message=message, cost_micros=cost, cost_note=note, detail=status.reason
    )


def _cost(job: Job, status: Status) -> tuple[int, str]:
    if status.cost_micros is not None:
        return status.cost_micros, "vendor's figure"
    if status.billed:
        return job.hold_micros, "the vendor documents that this is billed"
    if status.phase in (Phase.REJECTED, Phase.FAILED):
        return 0, "no figure from the vendor: to be reconciled"
    if job.progress is not None:
        return job.hold_micros, "stopped while running, no figure from the vendor: the held bound"
    return 0, "stopped before it ran: to be reconciled"


def expired(job: Job, detail: str) -> jobs.Refund:
    """The vendor took it, and what became of it cannot be had or known any more."""
    cost = job.hold_micros if job.cost_micros is None else job.cost_micros
    return jobs.Refund(
        reason=Reason.EXPIRED,
        message=say("end.expired", provider=job.provider, price=usd(min(cost, job.hold_micros))),
        cost_micros=cost,
        cost_note="outcome unknown: the held bound, to be reconciled",
        detail=detail,
    )


def rejected_at_once(job: Job, error: ProviderError) -> jobs.Refund:
    """The paid call itself was refused for its content: no job came to be."""
    return jobs.Refund(
        reason=Reason.REJECTED, message=rejected(job.provider), detail=detail_of(error)
    )


def rejected(provider: str, charged: Text = _FREE) -> Text:
    return say("end.rejected", provider=provider, charged=charged)


def unusable(job: Job, blocked: str) -> jobs.NextRoute:
    """The vendor was paused or lost its key, or the route went off, after the job was accepted."""
    message = say("end.unusable", provider=job.provider, why=blocked)
    return jobs.NextRoute(reason=Reason.FAILED, message=message, detail=blocked)


def unsendable(job: Job, lacks: BotError) -> jobs.NextRoute:
    """A still that this vendor cannot take, however it is adapted."""
    message = say("end.unsendable", why=lacks.user_message, provider=job.provider)
    return jobs.NextRoute(reason=Reason.FAILED, message=message, detail=lacks.user_message)


def account_refused(job: Job, error: ProviderError) -> jobs.NextRoute:
    key = "end.no_credit" if isinstance(error, OutOfCredit) else "end.no_account"
    message = say(key, provider=job.provider)
    return jobs.NextRoute(reason=Reason.FAILED, message=message, detail=error.detail)


def model_gone(job: Job, error: ProviderError) -> jobs.NextRoute:
    message = say("end.model_gone", provider=job.provider)
    return jobs.NextRoute(reason=Reason.FAILED, message=message, detail=error.detail)


def malformed(job: Job, error: ProviderError) -> jobs.NextRoute:
    message = say("end.malformed", provider=job.provider)
    return jobs.NextRoute(reason=Reason.FAILED, message=message, detail=detail_of(error))


def account_reason(error: ProviderError) -> str:
    """Why a vendor is paused, for the operator."""
    credit = isinstance(error, OutOfCredit)
    kind = say("trouble.credit" if credit else "trouble.key")
    return f"{kind} ({error.detail})"


def detail_of(error: ProviderError) -> str:
    """What the operator can look up later: the error, and how its answer began."""
    return f"{error.detail} {error.body[:_BODY_CHARS]}".strip()
