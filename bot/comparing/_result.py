"""What came of a comparison, as values: counted from its votes, jobs and the team's ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.jobs import Job, Place
from bot.ledger import settled_micros
from bot.ranking import NONE, TIE, Ranking, Vote
from bot.store import Comparison, Plan

__all__ = [
    "Evidence",
    "Line",
    "Missing",
    "Moved",
    "NoVote",
    "Result",
    "Tally",
    "letter_at",
    "missing_from",
    "moved_by",
    "no_vote",
    "result_of",
]

AUDIBLE = 0.005  # less would not change the second digit


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A measured fact about one clip, for those who want to know why."""

    letter: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One clip with its name. `votes` counts by question; `won` are the questions it won."""

    letter: str
    job: Job
    model: str
    name: str
    price_micros: int  # what was charged for it
    votes: Mapping[str, int]
    won: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The answers to one question."""

    votes: Mapping[str, int]  # by letter
    ties: int
    all_bad: int
    voters: int
    winner: str  # a letter, "" where none has most, or "all bad" has


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A model whose clip was not voted on."""

    model: str
    name: str
    reason: str
    charged_micros: int
    held_micros: int  # still open: uncertain, or on its way
    job: Job  # its clip, if it came too late, is in `job.clip`


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What the votes changed about one model in one category of the team's ranking."""

    category: str
    model: str
    name: str
    before: float
    after: float
    sentence: str  # where that category stands now


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A revealed comparison."""

    id: str
    offer: str
    place: Place
    comparison: Comparison
    prompt: str
    lines: tuple[Line, ...]  # A, B, C ...
    tallies: Mapping[str, Tally]  # by question, as asked
    moved: tuple[Moved, ...]  # empty where the vote was not blind: such votes teach nothing
    missing: tuple[Missing, ...]
    spent_micros: int  # on all of it, what did not arrive included
    note: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class NoVote:
    """A comparison with nothing to choose between: one clip, or none, or no way to show them."""

    id: str
    offer: str
    place: Place
    prompt: str
    arrived: tuple[Job, ...]  # kept and paid; the face shows them as ordinary clips
    names: tuple[str, ...]  # of their models
    missing: tuple[Missing, ...]
    spent_micros: int
    note: str


def result_of(
    plan: Plan,
    comparison: Comparison,
    jobs: Sequence[Job],
    votes: Sequence[Vote],
    names: Mapping[str, str],
    moved: tuple[Moved, ...],
) -> Result:
    by_id = {job.id: job for job in jobs}
    tallies = {question: _tally(comparison, votes, question) for question in comparison.questions}
    return Result(
        id=plan.id,
        offer=plan.offer,
        place=plan.place,
        comparison=comparison,
        prompt=plan.brief.prompt,
        lines=tuple(
            _line(letter_at(at), by_id[letter.job_id], names, tallies)
            for at, letter in enumerate(comparison.letters)
        ),
        tallies=tallies,
        moved=moved,
        missing=missing_from(jobs, {letter.job_id for letter in comparison.letters}, names),
        spent_micros=_spent(jobs),
        note=plan.note,
    )


def no_vote(
    plan: Plan, jobs: Sequence[Job], here: Sequence[Job], names: Mapping[str, str]
) -> NoVote:
    return NoVote(
        id=plan.id,
        offer=plan.offer,
        place=plan.place,
        prompt=plan.brief.prompt,
        arrived=tuple(here),
        names=tuple(names.get(job.model, job.model) for job in here),
        missing=missing_from(jobs, {job.id for job in here}, names),
        spent_micros=_spent(jobs),
        note=plan.note or _why(here, names),
    )


def missing_from(
    jobs: Sequence[Job], shown: set[str], names: Mapping[str, str]
) -> tuple[Missing, ...]:
    """Of the jobs that are not among those shown: why, and what became of the money."""
    return tuple(
        Missing(
            model=job.model,
            name=names.get(job.model, job.model),
            reason=_reason(job),
            charged_micros=settled_micros(job) if job.ended else 0,
            held_micros=0 if job.ended else job.hold_micros,
            job=job,
        )
        for job in jobs
        if job.id not in shown
    )


def moved_by(
    comparison: Comparison, before: Ranking, after: Ranking, names: Mapping[str, str]
) -> tuple[Moved, ...]:
    """What these votes changed for the models shown, in the categories they were asked about."""
    was = {(row.model, row.category): row.value for row in before.rows}
    asked = {name for weights in comparison.questions.values() for name in weights}
    shown = {letter.model for letter in comparison.letters}
    return tuple(
        Moved(
            category=row.category,
            model=row.model,
            name=names.get(row.model, row.model),
            before=start,
            after=row.value,
            sentence=after.sentences.get(row.category, ""),
        )
        for row in after.rows
        if row.model in shown and (row.category in asked)
        for start in (was.get((row.model, row.category), row.prior),)
        if abs(row.value - start) >= AUDIBLE
    )


def letter_at(number: int) -> str:
    return chr(ord("A") + number)


def _line(letter: str, job: Job, names: Mapping[str, str], tallies: Mapping[str, Tally]) -> Line:
    return Line(
        letter=letter,
        job=job,
        model=job.model,
        name=names.get(job.model, job.model),
        price_micros=settled_micros(job),
        votes={question: tally.votes[letter] for question, tally in tallies.items()},
        won=tuple(question for question, tally in tallies.items() if tally.winner == letter),
    )


def _tally(comparison: Comparison, votes: Sequence[Vote], question: str) -> Tally:
    answers = Counter(vote.choice for vote in votes if vote.question == question)
    by_letter = {
        letter_at(at): answers[letter.model] for at, letter in enumerate(comparison.letters)
    }
    most = max(by_letter.values())
    leaders = [letter for letter, count in by_letter.items() if count == most]
    clear = most > 0 and len(leaders) == 1 and most > answers[NONE]
    return Tally(
        votes=by_letter,
        ties=answers[TIE],
        all_bad=answers[NONE],
        voters=answers.total(),
        winner=leaders[0] if clear else "",
    )


def _reason(job: Job) -> str:
    if job.clip:
        return "came too late for the vote; the clip is kept"
    if not job.ended:
        return job.message or "still being made"
    return job.message or job.reason.value or "no clip was made"


def _spent(jobs: Sequence[Job]) -> int:
    return sum(settled_micros(job) for job in jobs if job.ended)


def _why(here: Sequence[Job], names: Mapping[str, str]) -> str:
    if not here:
        return "No clip arrived, so there is nothing to compare."
    (only, *_) = here
    return f"Only {names.get(only.model, only.model)} arrived, so there is nothing to compare."
