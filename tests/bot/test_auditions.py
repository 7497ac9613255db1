"""A model on trial: the prompts that tell models apart, held whole, judged by what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app import App, running
from bot.comparing import PROMPTS, AuditionReport, NoVote, Presentation, Result
from bot.config import Settings
from bot.errors import NotFound, Refused
from bot.jobs import State
from bot.pace import utc_now
from bot.producer import Person
from bot.ranking import OVERALL
from tests.bot.compared import (
    ANN,
    BRIEF,
    HERE,
    STRANGER,
    Clock,
    RecordingFace,
    SingleFace,
    keyed,
    posted,
)
from tests.clips import clip_bytes
from tests.standin.openai import Gateway

TRIED, INCUMBENT = "sora-2", "sora-2-pro"
JURY = [Person(user_id=number, guild_id=1) for number in (11, 12, 13)]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with keyed(tmp_path / "data", Clock()) as app:
        yield app


async def test_the_incumbent_is_whom_the_choice_falls_on_without_it(app: App) -> None:
    trial = await app.comparing.audition.propose("ltx-2.3-pro", HERE)
    usual = [
        next(one.model for one in decision.candidates if one.model != "ltx-2.3-pro")
        for decision in [
            await app.producer.decide(proposal.brief, HERE) for proposal in trial.proposals
        ]
    ]

    assert trial.incumbent == max(set(usual), key=usual.count)
    assert [proposal.brief.prompt for proposal in trial.proposals] == list(PROMPTS)
    assert all(proposal.blind for proposal in trial.proposals)


async def test_the_teams_own_last_winners_are_asked_too(app: App) -> None:
    face = RecordingFace()
    shown = await posted(app, face)
    for person in JURY:
        await app.comparing.vote(shown.id, person, OVERALL, "A")
    await app.comparing.close(shown.id, ANN)
    await app.comparing.sweep()
    trial = await app.comparing.audition.propose("ltx-2.3-pro", HERE)
    elsewhere = await app.comparing.audition.propose("ltx-2.3-pro", replace(HERE, guild_id=2))

    assert [one.brief.prompt for one in trial.proposals] == [*PROMPTS, BRIEF.prompt]
    assert len(elsewhere.proposals) == len(PROMPTS)


async def test_a_model_nobody_can_run_is_refused_with_the_reason(app: App) -> None:
    with pytest.raises(Refused, match="RUNWAYML_API_SECRET"):
        await app.comparing.audition.propose("gen-4.5", HERE)
    with pytest.raises(Refused, match="against itself"):
        await app.comparing.audition.propose(TRIED, HERE, against=TRIED)


async def test_it_is_held_whole_or_not_at_all(tmp_path: Path) -> None:
    async with keyed(tmp_path / "data", Clock(), daily_usd=5) as app:
        trial = await app.comparing.audition.propose(TRIED, HERE, against=INCUMBENT)
        offer = await app.comparing.audition.offer(trial)
        with pytest.raises(Refused, match="DAILY_USD"):
            await app.comparing.go(offer, ANN, start=False)
        assert await app.store.recent("1") == []
    async with keyed(tmp_path / "data", Clock()) as app:
        pressed = await asyncio.gather(
            *(app.comparing.go(offer, ANN, start=False) for _ in range(4))
        )
        again = await app.comparing.go(offer, ANN, start=False)

        assert {frozenset(one.id for one in made) for made in pressed} == {
            frozenset(one.id for one in again)
        }
        assert len(again) == 2 * len(PROMPTS)
        assert len({one.batch for one in again}) == len(PROMPTS)
        assert (await app.producer.spent_today(HERE))[0] == trial.total_micros
        assert await app.store.check_ledger() == []


async def test_a_declined_audition_leaves_nothing(app: App) -> None:
    trial = await app.comparing.audition.propose(TRIED, HERE, against=INCUMBENT)
    offer = await app.comparing.audition.offer(trial)
    assert (await app.comparing.audition.report(offer, ANN)).open == len(PROMPTS)
    with pytest.raises(NotFound):
        await app.comparing.audition.report(offer, STRANGER)
    await app.comparing.drop(offer, ANN)

    with pytest.raises(NotFound):
        await app.comparing.audition.report(offer, ANN)
    with pytest.raises(NotFound):
        await app.comparing.go(offer, ANN, start=False)


@dataclass
class Ahead:
    """The real clock, and as far ahead of it as a test says."""

    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.by


@asynccontextmanager
async def at_work(folder: Path, vendor: Gateway, clock: Ahead) -> AsyncIterator[App]:
    """A bot at work, as in Discord, with its loops."""
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "gateway_api_key": vendor.key,
            "gateway_base_url": vendor.base_url,
            "discord_allowed_guilds": frozenset({1}),
            "clip_usd": 9,
            "daily_usd": 500,
        }
    )
    async with running(settings, SingleFace(), what="test", clock=clock) as app:
        loops = [
            asyncio.ensure_future(app.worker.run()),
            asyncio.ensure_future(app.comparing.run()),
        ]
        await asyncio.sleep(0)
        try:
            yield app
        finally:
            for loop in loops:
                loop.cancel()
                with suppress(asyncio.CancelledError):
                    await loop


async def _judged(app: App, shown: Presentation) -> None:
    """Three people find the model on trial better, whatever its letter."""
    letters = (await app.store.comparisons.get("1", shown.id)).letters
    letter = "AB"[[one.model for one in letters].index(TRIED)]
    for question in shown.questions:
        for person in JURY:
            await app.comparing.vote(shown.id, person, question, letter)
    await app.comparing.close(shown.id, ANN)


async def test_seven_prompts_on_two_models_with_two_failing_and_one_uncertain(
    tmp_path: Path,
) -> None:
    face, clock = RecordingFace(), Ahead()
    async with (
        Gateway(clip=clip_bytes()) as vendor,
        at_work(tmp_path / "data", vendor, clock) as app,
    ):
        for fault in ("failed", "rejected", "reset_before"):
            vendor.fail_next(fault)
        trial = await app.comparing.audition.propose(TRIED, HERE, against=INCUMBENT)
        offer = await app.comparing.audition.offer(trial)
        app.comparing.attach(face)
        await app.comparing.go(offer, ANN)
        # Each prompt ends by itself, but the one whose submission is uncertain.
        await face.until(lambda: len(face.shown) + len(face.told) == len(PROMPTS) - 1)
        for shown in face.shown:
            await _judged(app, shown)
        await face.until(lambda: len(face.told) == len(PROMPTS) - 1)
        clock.by = timedelta(hours=1)
        app.comparing.moved((await app.store.recent("1"))[0])  # the loop looks at the new time
        await face.until(lambda: any(isinstance(one, AuditionReport) for one in face.told))
        jobs = await app.store.recent("1")
        books = await app.store.check_ledger()
        (unsure,) = [one for one in jobs if one.state is State.UNCERTAIN]
        await app.producer.resolve(unsure.id, "not-submitted")
        async with asyncio.timeout(30):
            while not (await app.store.job(unsure.id)).ended:
                await asyncio.sleep(0)
        after = await app.comparing.audition.report(offer, ANN)
    report = face.told[-1]
    assert isinstance(report, AuditionReport)
    done = [one for one in jobs if one.state is State.DONE]

    assert len(vendor.submissions) == 13  # one never arrived, and none was sent twice
    assert (len(done), len(jobs)) == (11, 14)
    assert report.voted == len(face.shown)
    assert report.voted + report.without_vote == len(PROMPTS)
    assert report.open == 0
    assert [type(one) for one in face.told].count(NoVote) == report.without_vote
    assert [type(one) for one in face.told].count(Result) == report.voted
    assert sum(one.arrived for one in report.used) == 11
    assert report.charged_micros == sum(one.hold_micros for one in done)
    assert (report.held_micros, after.held_micros) == (unsure.hold_micros, 0)
    assert after.charged_micros == report.charged_micros
    assert books == []
    overall = report.ranked.of(OVERALL)
    assert [(one.model, one.wins, one.votes) for one in overall] == [
        (TRIED, 3 * report.voted, 3 * report.voted),
        (INCUMBENT, 0, 3 * report.voted),
    ]
    assert {row.category for row in report.ranked.rows} > {OVERALL}
