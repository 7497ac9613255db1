"""How a comparison runs, as pure decisions: who takes part, when it is shown, in what order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from bot.brief import Stage
from bot.jobs import Job, Reason, State
from bot.models import Catalogue
from bot.router import Candidate, Decision
from bot.store import Letter, Plan

__all__ = [
    "ORIGIN",
    "End",
    "Show",
    "Wait",
    "arrived",
    "is_compared",
    "letters_of",
    "model_ids",
    "next_step",
    "plan_id_of",
    "rivals",
    "terms_of",
]

ORIGIN: Final = "compare:"  # what the jobs of a comparison say asked for them
MOST: Final = 4
DRAFTS: Final = 3  # at stage concept one more is cheap, and tells more
DRAFT_PRICE: Final = 2  # times the cheapest: still a draft's price


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Not yet; `until` is when it is shown with what is there, None: until a job moves."""

    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """These clips can be voted on."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """There will be nothing to choose between."""


def is_compared(job: Job) -> bool:
    """Whether a job's clip belongs to a comparison, to be shown with the others only."""
    return job.origin.startswith(ORIGIN)


def plan_id_of(job: Job) -> str:
    return job.origin.removeprefix(ORIGIN).partition("/")[0]


def model_ids(text: str) -> tuple[str, ...]:
    """Model ids as people list them, each once: separated by comma or space."""
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,;]+", text) if part))


def terms_of(candidate: Candidate) -> str:
    """The format a price is for."""
    fit = candidate.fit
    sound = "sound" if fit.audio else "silent"
    return f"{fit.duration_s} s {fit.aspect} {fit.resolution} {sound}"


def rivals(decision: Decision, catalogue: Catalogue) -> tuple[str, ...]:
    """Who is compared when nobody was named: the two best of different families.

    At stage concept up to three that cost little more than the cheapest.
    """
    paid = [one for one in decision.candidates if one.price_micros > 0]
    pool = paid or list(decision.candidates)
    best = _of_different_families(pool, catalogue)[:2]
    if decision.stage is not Stage.CONCEPT or not paid:
        return best
    most = DRAFT_PRICE * min(one.price_micros for one in paid)
    drafts = [one for one in paid if one.price_micros <= most]
    cheap = _of_different_families(drafts, catalogue)[:DRAFTS]
    return cheap if len(cheap) >= 2 else best


def next_step(plan: Plan, jobs: Sequence[Job], now: datetime) -> Wait | Show | End:
    """What becomes of a comparison whose jobs stand like this.

    What nobody can tell the end of (`uncertain`) is waited for until the deadline, not beyond.
    """
    ready, late = arrived(jobs), now >= plan.show_by
    going_on = [job for job in jobs if not job.ended]
    expected = [job for job in going_on if job.state is not State.UNCERTAIN]
    if not going_on or (late and (len(ready) >= 2 or not expected)):
        return Show(jobs=ready) if len(ready) >= 2 else End()
    return Wait(until=None if late else plan.show_by)


def arrived(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Whose clip is on our disk."""
    return tuple(
        job
        for job in jobs
        if job.state is State.DONE and job.clip and job.reason is not Reason.UNDELIVERABLE
    )


def letters_of(plan: Plan, jobs: Sequence[Job]) -> tuple[Letter, ...]:
    """A, B, C ... in an order that only the stored seed decides: not the list, not the arrival."""
    order = [entry.model for entry in plan.entries]
    Random(plan.seed).shuffle(order)
    by_model: Mapping[str, Job] = {job.model: job for job in jobs}
    return tuple(
        Letter(job_id=by_model[model].id, model=model) for model in order if model in by_model
    )


def _of_different_families(
    candidates: Sequence[Candidate], catalogue: Catalogue
) -> tuple[str, ...]:
    """Best first, one of each family; where there is only one family, its own two best."""
    taken: dict[str, str] = {}
    for one in candidates:
        model = catalogue.models[one.model]
        taken.setdefault(model.family or model.maker, one.model)
    if len(taken) >= 2:
        return tuple(taken.values())
    return tuple(one.model for one in candidates[:2])
