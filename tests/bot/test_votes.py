"""Votes under pressure: each person counted once, tallies exact, nothing crosses a server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot import jobs
from bot.brief import GENERAL
from bot.errors import NotFound, Refused
from bot.jobs import Job
from bot.limits import Caps
from bot.ranking import NONE, OVERALL, TIE, Vote, questions_of, ranking
from bot.router.verdicts import QUALITIES
from bot.shots import Shot, Verdict
from bot.store import AcceptedRow, Comparison, ComparisonState, Letter, Store
from bot.store._database import migrations
from bot.store._votes import Turnout
from providers.base import Remote
from tests.bot.make import NOW, job, later, request
from tests.bot.process import Bot
from tests.bot.teams import FACES, strengths

CAPS = Caps(clip_micros=2_000_000, daily_micros=50_000_000, allowed_guilds=frozenset({1}))
LETTERS = (Letter(job_id="j1", model="kling-v3"), Letter(job_id="j2", model="sora-2-pro"))
QUESTIONS = questions_of({FACES: 0.8, GENERAL: 0.2})
PEOPLE = range(50)
TABLE = strengths({letter.model: dict.fromkeys(QUALITIES, 0.6) for letter in LETTERS})


def comparison(comparison_id: str = "c1", **changes: Any) -> Comparison:
    made = Comparison(
        id=comparison_id,
        batch=f"batch-{comparison_id}",
        scope="1",
        requester_id=3,
        quorum=100,
        deadline_at=later(3600),
        letters=LETTERS,
        questions=QUESTIONS,
        created_at=NOW,
    )
    return replace(made, **changes)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "dailies.db") as store:
        await store.comparisons.add(comparison())
        yield store


async def cast(
    store: Store, user_id: int, choice: str, *, question: str = OVERALL, to: str = "c1"
) -> None:
    await store.comparisons.cast("1", to, question, user_id, choice, NOW)


async def tally(store: Store, comparison_id: str = "c1") -> Counter[str]:
    votes = await store.comparisons.votes_of(comparison_id)
    assert len({(vote.user_id, vote.question) for vote in votes}) == len(votes)
    return Counter(vote.choice for vote in votes)


async def test_a_comparison_comes_back_as_it_went_in(store: Store) -> None:
    seen = comparison("c2", message_id=1 << 62, channel_id=5, blind=False)
    await store.comparisons.add(seen)

    assert await store.comparisons.get("1", "c2") == seen
    assert await store.comparisons.of_batch("1", seen.batch) == seen
    assert await store.comparisons.of_batch("2", seen.batch) is None


async def test_a_batch_compared_twice_keeps_its_first_order(store: Store) -> None:
    again = comparison("c9", batch="batch-c1", letters=LETTERS[::-1])

    assert await store.comparisons.add(again) == comparison()


async def test_the_message_can_be_told_later(store: Store) -> None:
    await store.comparisons.set_message("c1", 5, 6)

    assert await store.comparisons.get("1", "c1") == comparison(channel_id=5, message_id=6)


async def test_letters_stand_once_somebody_has_voted(store: Store) -> None:
    assert await store.comparisons.set_letters("c1", LETTERS[::-1])
    await cast(store, 1, "A")

    assert not await store.comparisons.set_letters("c1", LETTERS)
    assert await tally(store) == {"sora-2-pro": 1}


async def test_a_vote_carries_what_it_says_about_which_category(store: Store) -> None:
    await cast(store, 1, "A", question=FACES)

    assert await store.comparisons.votes_of("c1") == [
        Vote(
            comparison_id="c1",
            question=FACES,
            user_id=1,
            shown=("kling-v3", "sora-2-pro"),
            choice="kling-v3",
            weights={FACES: 1.0},
        )
    ]


async def test_fifty_people_at_once_count_once_each(store: Store) -> None:
    await asyncio.gather(*(cast(store, user, "A" if user % 3 else "B") for user in PEOPLE))

    assert await tally(store) == {"kling-v3": 33, "sora-2-pro": 17}
    assert (await store.comparisons.turnout("c1")).voters == 50


async def test_pressing_twice_at_once_counts_once(store: Store) -> None:
    await asyncio.gather(*(cast(store, user, "A") for user in (*PEOPLE, *PEOPLE)))

    assert await tally(store) == {"kling-v3": 50}


async def test_the_last_press_counts(store: Store) -> None:
    async def dither(user: int) -> None:
        for choice in ("A", TIE, NONE, "B"):
            await cast(store, user, choice)

    await asyncio.gather(*(dither(user) for user in PEOPLE))

    assert await tally(store) == {"sora-2-pro": 50}


async def test_it_is_said_whether_a_vote_was_changed_and_how_many_have_voted(store: Store) -> None:
    first = await store.comparisons.cast("1", "c1", OVERALL, 7, "A", NOW)
    face = await store.comparisons.cast("1", "c1", FACES, 7, "A", NOW)
    again = await store.comparisons.cast("1", "c1", OVERALL, 7, "B", NOW)

    assert [first.changed, face.changed, again.changed] == [False, False, True]
    assert [first.voters, face.voters, again.voters] == [1, 1, 1]


async def test_votes_racing_the_reveal_count_or_are_refused(store: Store) -> None:
    async def end() -> None:
        await store.comparisons.reveal("c1", NOW)

    presses = [cast(store, user, "A") for user in PEOPLE]
    outcomes = await asyncio.gather(*presses[:20], end(), *presses[20:], return_exceptions=True)
    refused = [outcome for outcome in outcomes if outcome is not None]

    assert {type(outcome) for outcome in refused} == {Refused}
    assert await tally(store) == {"kling-v3": 50 - len(refused)}


@pytest.mark.parametrize("end", ["reveal", "cancel"])
async def test_after_the_end_nothing_counts_and_nothing_changes(store: Store, end: str) -> None:
    await cast(store, 1, "A")
    await getattr(store.comparisons, end)("c1", NOW)
    outcomes = await asyncio.gather(
        *(cast(store, user, "B") for user in PEOPLE), return_exceptions=True
    )

    assert all(type(outcome) is Refused for outcome in outcomes)
    assert await tally(store) == {"kling-v3": 1}


async def test_another_server_can_neither_vote_nor_look(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.comparisons.cast("2", "c1", OVERALL, user, "A", NOW) for user in PEOPLE),
        store.comparisons.get("2", "c1"),
        store.comparisons.cast("1", "c7", OVERALL, 1, "A", NOW),
        return_exceptions=True,
    )

    assert all(isinstance(outcome, NotFound) for outcome in outcomes)
    assert await tally(store) == {}
    assert await store.comparisons.votes("2") == []


@pytest.mark.parametrize(
    ("question", "choice"), [(OVERALL, "C"), (OVERALL, "kling-v3"), ("style", "A"), (OVERALL, "")]
)
async def test_only_what_is_on_offer_can_be_chosen(
    store: Store, question: str, choice: str
) -> None:
    with pytest.raises(Refused, match="does not offer"):
        await cast(store, 1, choice, question=question)

    assert await tally(store) == {}


async def test_a_killed_process_has_every_vote_it_said_it_had(store: Store, tmp_path: Path) -> None:
    process = await Bot(tmp_path).start(str(tmp_path / "dailies.db"), module="tests.bot.vote_run")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        said = {int(await process.stdout.readline()) for _ in range(20)}
    process.kill()
    await process.communicate()
    async with Store.open(tmp_path / "dailies.db") as reopened:
        there = {vote.user_id for vote in await reopened.comparisons.votes_of("c1")}
        await asyncio.gather(*(cast(reopened, user, "A" if user % 3 else "B") for user in PEOPLE))

        assert said <= there
        assert await tally(reopened) == {"kling-v3": 33, "sora-2-pro": 17}


async def test_two_connections_to_one_file_count_each_person_once(
    store: Store, tmp_path: Path
) -> None:
    async with Store.open(tmp_path / "dailies.db") as other:
        await asyncio.gather(
            *(cast(store, user, "A") for user in PEOPLE),
            *(cast(other, user, "A") for user in PEOPLE),
        )

    assert await tally(store) == {"kling-v3": 50}


async def test_a_reveal_happens_once(store: Store) -> None:
    first = await store.comparisons.reveal("c1", later(5))
    again = await store.comparisons.reveal("c1", later(9))
    called_off = await store.comparisons.cancel("c1", later(9))

    assert first == comparison(state=ComparisonState.REVEALED, ended_at=later(5))
    assert first == again == called_off
    with pytest.raises(NotFound):
        await store.comparisons.reveal("c7", NOW)


async def test_the_turnout_is_people_and_the_time_of_the_last_press(store: Store) -> None:
    assert await store.comparisons.turnout("c1") == Turnout(voters=0, last_at=None)
    for at, (user, question) in enumerate(((1, OVERALL), (2, OVERALL), (1, FACES))):
        await store.comparisons.cast("1", "c1", question, user, "A", later(at))

    assert await store.comparisons.turnout("c1") == Turnout(voters=2, last_at=later(2))


async def test_only_blind_revealed_comparisons_of_this_server_teach(store: Store) -> None:
    for changed in (
        comparison("seen", blind=False),
        comparison("off"),
        comparison("open"),
        comparison("far", scope="2"),
    ):
        await store.comparisons.add(changed)
        await store.comparisons.cast(changed.scope, changed.id, OVERALL, 1, "A", NOW)
    await cast(store, 1, "B")
    for revealed in ("c1", "seen", "far"):
        await store.comparisons.reveal(revealed, NOW)
    await store.comparisons.cancel("off", NOW)

    assert [vote.comparison_id for vote in await store.comparisons.votes("1")] == ["c1"]


async def test_taking_a_persons_votes_out_is_as_if_never_cast(store: Store) -> None:
    random, cheat = Random(7), 66
    honest = {(f"x{n}", user): random.choice("AB") for n in range(9) for user in range(4)}
    for n in range(9):
        for one in (comparison(f"x{n}"), comparison(f"y{n}")):
            await store.comparisons.add(one)
    for (name, user), choice in honest.items():
        await cast(store, user, choice, to=name)
        await cast(store, user, choice, to=name.replace("x", "y"))
        await cast(store, cheat, "A", to=name)
    both = [*(f"x{n}" for n in range(9)), *(f"y{n}" for n in range(9))]
    for name in both:
        await store.comparisons.reveal(name, NOW)
    spoilt = ranking(await _of(store, "x"), TABLE)

    assert await store.comparisons.remove_votes_of(cheat, "2") == 0
    assert await store.comparisons.remove_votes_of(cheat, "1") == 9
    cleaned = ranking(await _of(store, "x"), TABLE)
    assert spoilt != cleaned
    assert cleaned == ranking(await _of(store, "y"), TABLE)


async def _of(store: Store, letter: str) -> list[Vote]:
    votes = await store.comparisons.votes("1")
    return [vote for vote in votes if vote.comparison_id.startswith(letter)]


async def _batch(
    store: Store, name: str, costs: dict[str, int], category: str = FACES
) -> tuple[Letter, ...]:
    """Finished clips of four seconds, one of each model, made from one brief."""
    letters = tuple(Letter(job_id=f"{name}-{model}", model=model) for model in costs)
    queued = [job(one.job_id, model=one.model, batch=name) for one in letters]
    decision = f'{{"weights": {{"{category}": 0.5, "speed": 0.6, "style": 0.1}}}}'
    for current in await store.add_jobs(queued, decision, CAPS, NOW):
        await _done(store, current, costs[current.model])
    return letters


async def _done(store: Store, current: Job, cost_micros: int) -> None:
    for event in (
        jobs.Submit(request=request(f"{current.id}-1")),
        jobs.Accepted(remote=Remote(remote_id=current.id), due_at=later(1), deadline_at=later(9)),
        jobs.Finished(result_url=None, expires_at=None, cost_micros=cost_micros),
        jobs.Fetched(
            clip=f"{current.id}.mp4", sha256="a", size_bytes=9, duration_s=4.0, width=2, height=2
        ),
        jobs.Posting(),
        jobs.Delivered(message_id=7),
    ):
        after = jobs.apply(current, event, NOW)
        current = await store.move(current, after, type(event).__name__, NOW)


async def _decided(store: Store, name: str, letters: tuple[Letter, ...], choices: str) -> None:
    words = {"t": TIE, "n": NONE}
    await store.comparisons.add(comparison(name, batch=name, letters=letters))
    for user, choice in enumerate(choices):
        await cast(store, user, words.get(choice, choice), to=name)
    await store.comparisons.reveal(name, NOW)


def _row(model: str, category: str, accepted_s: float, spent_micros: int) -> AcceptedRow:
    return AcceptedRow(
        model=model, category=category, accepted_s=accepted_s, spent_micros=spent_micros
    )


async def test_what_won_is_held_against_all_that_was_spent(store: Store) -> None:
    costs = {"kling-v3": 400_000, "sora-2-pro": 500_000}
    for name, choices, category in (
        ("b1", "AAB", FACES),  # Kling wins
        ("b2", "BBAt", FACES),  # Sora wins
        ("b3", "AABBt", FACES),  # even: nobody wins
        ("b4", "Annt", "style"),  # unusable: nobody wins
        ("b5", "A", "style"),  # one vote is enough
    ):
        await _decided(store, name, await _batch(store, name, costs, category), choices)

    assert await store.comparisons.cost_per_accepted_second("1") == [
        _row("sora-2-pro", "", 4.0, 2_500_000),
        _row("kling-v3", "", 8.0, 2_000_000),
        _row("sora-2-pro", FACES, 4.0, 1_500_000),
        _row("kling-v3", FACES, 4.0, 1_200_000),
        _row("sora-2-pro", "style", 0.0, 1_000_000),
        _row("kling-v3", "style", 4.0, 800_000),
    ]


async def test_a_second_costs_what_all_tries_for_it_cost_together() -> None:
    assert _row("m", "", 4.0, 2_000_000).per_s_micros == 500_000
    assert _row("m", "", 0.0, 2_000_000).per_s_micros is None
    assert _row("local", "", 4.0, 0).per_s_micros == 0


async def test_a_pick_is_accepted_and_a_clip_that_also_won_counts_once(store: Store) -> None:
    letters = await _batch(store, "b1", {"kling-v3": 400_000, "sora-2-pro": 500_000})
    await _decided(store, "b1", letters, "A")
    for number, one in enumerate(letters):
        await store.shots.add(
            Shot(
                id=f"s{number}",
                scope="1",
                origin=f"test:{number}",
                channel_id=2,
                thread_id=None,
                title="a face",
                owner_id=3,
                board_message_id=None,
                created_at=NOW,
            )
        )
        await store.shots.add_takes("1", f"s{number}", [one.job_id])
        await store.shots.judge("1", one.job_id, Verdict.PICKED, 3, NOW)

    rows = await store.comparisons.cost_per_accepted_second("1")
    assert [(row.model, row.accepted_s) for row in rows if not row.category] == [
        ("sora-2-pro", 4.0),
        ("kling-v3", 4.0),
    ]


async def test_before_the_reveal_and_elsewhere_no_winner_shows(store: Store) -> None:
    letters = await _batch(store, "b1", {"kling-v3": 400_000, "sora-2-pro": 500_000})
    await store.comparisons.add(comparison("b1", batch="b1", letters=letters))
    await cast(store, 1, "A", to="b1")

    rows = await store.comparisons.cost_per_accepted_second("1")
    assert [row.accepted_s for row in rows] == [0.0] * 4
    assert await store.comparisons.cost_per_accepted_second("2") == []


async def test_a_database_from_before_votes_learns_its_categories(tmp_path: Path) -> None:
    spine = next(script for number, script in migrations() if number == 1)
    with sqlite3.connect(tmp_path / "dailies.db") as old:
        old.executescript(f"{spine}; PRAGMA user_version=1;")
        rows = [("b1", '{"weights": {"style": 0.2, "speed": 0.7, "general": 0.1}}'), ("b2", "{}")]
        old.executemany("INSERT INTO decision (batch, decision) VALUES (?, ?)", rows)
    old.close()
    async with Store.open(tmp_path / "dailies.db") as store:
        assert await store.decision("b1") == rows[0][1]
    with sqlite3.connect(tmp_path / "dailies.db") as new:
        found = new.execute("SELECT batch, category FROM decision ORDER BY batch").fetchall()
    new.close()

    assert found == [("b1", "style"), ("b2", "")]


async def test_what_was_spent_before_there_were_votes_counts_too(
    store: Store, tmp_path: Path
) -> None:
    """The books of a database from before 0004 come over as if they had been counted all along."""
    letters = await _batch(store, "b1", {"kling-v3": 400_000, "sora-2-pro": 500_000})
    await _decided(store, "b1", letters, "A")
    counted = await store.comparisons.cost_per_accepted_second("1")
    script = next(script for number, script in migrations() if number == 4)
    again = script[script.rindex("INSERT INTO spent_on") :]
    with sqlite3.connect(tmp_path / "dailies.db") as db:
        db.execute("DELETE FROM spent_on")
        db.execute(again)
    db.close()

    assert await store.comparisons.cost_per_accepted_second("1") == counted
    assert counted[0].spent_micros > 0
