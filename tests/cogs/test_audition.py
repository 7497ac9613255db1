"""An audition from its card to its report, with clips that fail and one nobody knows the end of."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.config import Settings
from bot.jobs import State
from tests.cogs.conftest import PATIENCE_S, BotClock, Start, answered, press, until
from tests.cogs.steps import all_jobs, ledger_sound
from tests.cogs.versus import answers_all, ballots, is_reveal, letters_of, rule
from tests.standin.discord import Channel, Discord, Message, User
from tests.standin.openai import Gateway

TRIED, INCUMBENT = "sora-2", "sora-2-pro"


@pytest.fixture
def rich(paying: dict[str, Any]) -> dict[str, Any]:
    return paying | {"daily_usd": Decimal(500), "clip_usd": Decimal(9)}


def _next(server: Discord, place: Channel) -> Message | None:
    """A pair to vote on, or the end of all that could be voted on."""
    return next(iter(ballots(server, place)), None)


def _told(server: Discord, place: Channel) -> int:
    return len([m for m in server.messages(place) if is_reveal(m)])


async def _judge(server: Discord, settings: Settings, vote: Message, jury: User) -> None:
    """The model on trial is the better one in every question, whatever its letter."""
    letters = await letters_of(settings, server, vote.custom_id("A").split(":")[1])
    letter = "AB"[[one.model for one in letters].index(TRIED)]
    await answers_all(server, jury, vote, letter)
    await press(server, jury, vote, "End the vote")
    await until(server, lambda: vote.buttons == {})


@pytest.mark.timeout(400)
async def test_from_the_card_to_the_report_with_failures_and_the_money_right(
    server: Discord,
    shots: Channel,
    bot: Start,
    vendor: Gateway,
    rich: dict[str, Any],
    settings: Settings,
    clock: BotClock,
) -> None:
    await rule(settings, server, quorum=1)
    boss, votes, called = server.manager("boss"), list[Message](), list[bool]()
    words: list[str] = []
    for fault in ("failed", "rejected", "reset_before"):
        vendor.fail_next(fault)
    async with bot(**rich):
        card = await answered(server, boss, shots, "audition", model=TRIED, against=INCUMBENT)
        offered = card.text
        await press(server, boss, card, "Go")
        while _told(server, shots) < 6:  # the seventh waits for what is uncertain
            vote = await until(server, lambda: _next(server, shots) or _told(server, shots) == 6)
            if isinstance(vote, Message):
                words.append(vote.text)
                votes.append(vote)
                called.append(vote.pinged == [boss])
                await _judge(server, settings, vote, boss)
        waiting = card.text
        clock.ahead = timedelta(hours=1)
        report = await server.message_where(
            shots, lambda message: "The trial is over" in message.text, timeout=PATIENCE_S
        )
    jobs = await all_jobs(settings)
    done = [job for job in jobs if job.state is State.DONE]
    (unsure,) = [job for job in jobs if job.state is State.UNCERTAIN]

    assert "**Sora 2** on trial against **Sora 2 Pro**" in offered
    assert "7 prompts · 14 clips · **$27.20**" in offered
    assert (len(jobs), len(done), len(vendor.submissions)) == (14, 11, 13)
    assert all(re.search(r"Pair \d of 7", shown) for shown in words)
    assert "pairs are there to be voted on" in waiting
    assert called[0]
    assert sum(called) < len(called)  # nobody is called again while one waits for a vote
    assert f"{len(votes)} of 7 pairs were voted on." in report.text
    assert report.pinged == [boss]
    for model, name in ((TRIED, "Sora 2"), (INCUMBENT, "Sora 2 Pro")):
        own = [job for job in done if job.model == model]
        paid = sum(job.hold_micros for job in own) / 1e6
        line = f"**{name}**: {len(own)} of 7 clips, ${paid:.2f}"
        held = f" · ${unsure.hold_micros / 1e6:.2f} on hold" if unsure.model == model else ""
        assert line + held in report.text
    assert sum(job.hold_micros for job in done) == vendor.bill_micros
    assert f"- Sora 2: {len(votes)} of {len(votes)} votes" in report.text
    assert await ledger_sound(settings)
