"""Comparisons from the offer to the last word, over a real database and real clips."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.app import App
from bot.brief import Stage
from bot.client import Switchboard
from bot.comparing import Changed, NoVote, Result, Together, is_compared, model_ids
from bot.comparing._course import End, Show, Wait, letters_of, next_step
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Delivered, Later, Place, Reason, State, Undeliverable
from bot.producer import Person
from bot.ranking import OVERALL
from bot.rules import Rules
from bot.store import Phase, Plan, PlanEntry
from tests.bot.compared import (
    ANN,
    BEN,
    BOSS,
    BRIEF,
    HERE,
    MODELS,
    STRANGER,
    Clock,
    RecordingFace,
    SingleFace,
    agreed,
    arrive,
    fail,
    keyed,
    lose,
    posted,
)
from tests.bot.make import NOW, job, later
from tests.clips import clip_bytes

PEOPLE = [Person(user_id=number, guild_id=1) for number in range(1, 51)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def face() -> RecordingFace:
    return RecordingFace()


@pytest.fixture
async def app(tmp_path: Path, clock: Clock) -> AsyncIterator[App]:
    async with keyed(tmp_path / "data", clock) as app:
        yield app


# offers


async def test_nobody_named_are_the_two_best_of_different_families(app: App) -> None:
    proposal = await app.comparing.propose(BRIEF, HERE)
    models = [app.catalogue.models[quote.choice.model] for quote in proposal.quotes]
    best = (await app.producer.decide(BRIEF, HERE)).candidates[0]

    assert len({model.family or model.maker for model in models}) == len(models) == 2
    assert models[0].id == best.model


async def test_at_stage_concept_they_cost_no_more_than_a_draft(app: App) -> None:
    draft = replace(BRIEF, stage=Stage.CONCEPT)
    proposal = await app.comparing.propose(draft, HERE)
    cheapest = min(one.price_micros for one in (await app.producer.decide(draft, HERE)).candidates)

    assert 2 <= len(proposal.quotes) <= 3
    assert max(quote.price_micros for quote in proposal.quotes) <= 2 * cheapest


async def test_every_adaptation_and_one_price_for_all_are_listed(app: App) -> None:
    brief = replace(BRIEF, duration_s=20)
    proposal = await app.comparing.propose(brief, HERE, models=("kling-v3", "sora-2"))
    changed = dict(proposal.adapted)

    assert any("20 s" in note for note in changed["kling-v3"])
    assert any("sound" in note for note in changed["sora-2"])
    assert proposal.total_micros == sum(quote.price_micros for quote in proposal.quotes)


async def test_who_cannot_take_part_is_named_with_the_reason(app: App) -> None:
    proposal = await app.comparing.propose(BRIEF, HERE, models=(*MODELS, "gen-4.5"))

    assert [quote.choice.model for quote in proposal.quotes] == list(MODELS)
    assert "RUNWAYML_API_SECRET" in proposal.left_out[0].reason


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (("sora-2", "gen-4.5"), "RUNWAYML_API_SECRET"),
        (("sora-2", "sora-2"), "two models"),
        (("sora-3", "gen-9"), "sora-3"),
        (("a", "b", "c", "d", "e"), "At most 4"),
    ],
)
async def test_fewer_than_two_that_can_run_is_said_at_once(
    app: App, models: Sequence[str], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await app.comparing.propose(BRIEF, HERE, models=models)


async def test_models_the_server_does_not_use_are_left_out(app: App) -> None:
    await app.store.rules.save("1", Rules(allowed_models=frozenset(MODELS[1:])), 5, NOW)
    named = await app.comparing.propose(BRIEF, HERE, models=MODELS)
    free = await app.comparing.propose(BRIEF, HERE)

    assert [(one.model, "/settings" in one.reason) for one in named.left_out] == [("sora-2", True)]
    assert {quote.choice.model for quote in free.quotes} == set(MODELS[1:])


def test_models_are_listed_as_people_type_them() -> None:
    assert model_ids(" sora-2, kling-v3  sora-2,") == ("sora-2", "kling-v3")


async def test_a_take_is_compared_on_other_models(app: App) -> None:
    quote = await app.producer.quote(replace(BRIEF, model="kling-v3", seed=7), HERE)
    (take,) = await app.producer.generate(quote, origin="o", start=False)
    proposal = await app.comparing.propose_from(take.id, BEN, replace(HERE, user_id=4))

    assert proposal.brief == replace(BRIEF, seed=None)
    assert "kling-v3" not in {quote.choice.model for quote in proposal.quotes}
    with pytest.raises(NotFound):
        await app.comparing.propose_from(take.id, STRANGER, HERE)


async def test_a_yes_holds_each_job_at_its_own_price(app: App) -> None:
    proposal = await app.comparing.propose(BRIEF, HERE, models=MODELS)
    made = await app.comparing.go(await app.comparing.offer(proposal), ANN, start=False)

    assert {one.model: one.hold_micros for one in made} == {
        quote.choice.model: quote.price_micros for quote in proposal.quotes
    }
    assert len({one.batch for one in made}) == 1
    assert all(is_compared(one) and one.state is State.QUEUED for one in made)
    assert (await app.producer.spent_today(HERE))[0] == proposal.total_micros
    assert await app.store.check_ledger() == []


async def test_a_yes_counts_once_however_often_and_also_after_a_restart(
    app: App, tmp_path: Path, clock: Clock
) -> None:
    offer = await app.comparing.offer(await app.comparing.propose(BRIEF, HERE, models=MODELS))
    pressed = await asyncio.gather(*(app.comparing.go(offer, ANN, start=False) for _ in range(8)))
    async with keyed(tmp_path / "data", clock) as restarted:
        again = await restarted.comparing.go(offer, ANN, start=False)

    ids = {frozenset(one.id for one in made) for made in (*pressed, again)}
    assert len(ids) == 1
    assert len(await app.store.recent("1")) == 3


async def test_only_who_was_asked_says_yes_or_no(app: App) -> None:
    offer = await app.comparing.offer(await app.comparing.propose(BRIEF, HERE, models=MODELS))

    for answer in (app.comparing.go, app.comparing.drop):
        with pytest.raises(NotAllowed):
            await answer(offer, BEN)
        with pytest.raises(NotFound):
            await answer(offer, STRANGER)
    assert await app.store.recent("1") == []


async def test_a_declined_offer_is_closed_and_races_to_one_end(app: App) -> None:
    for _ in range(10):
        offer = await app.comparing.offer(
            await app.comparing.propose(BRIEF, HERE, models=MODELS[:2])
        )
        before = len(await app.store.recent("1"))
        yes, _ = await asyncio.gather(
            app.comparing.go(offer, ANN, start=False),
            app.comparing.drop(offer, ANN),
            return_exceptions=True,
        )
        plans = await app.store.plans.of_offer(offer)
        made = len(await app.store.recent("1")) - before

        assert (made, len(plans)) == ((0, 0) if isinstance(yes, Refused) else (2, 1))


async def test_a_price_that_rose_is_asked_again_with_the_new_one(app: App) -> None:
    proposal = await app.comparing.propose(BRIEF, HERE, models=MODELS[:2])
    first, second = proposal.quotes
    cheap = replace(proposal, quotes=(first, replace(second, price_micros=1)))
    offer = await app.comparing.offer(cheap)

    with pytest.raises(Changed, match="Nothing was spent") as changed:
        await app.comparing.go(offer, ANN, start=False)
    assert changed.value.proposal.total_micros == proposal.total_micros
    assert await app.store.recent("1") == []


async def test_a_model_that_is_gone_by_now_is_asked_again_without_it(app: App) -> None:
    offer = await app.comparing.offer(await app.comparing.propose(BRIEF, HERE, models=MODELS))
    await app.store.add_trouble("ltx", "out of credit", NOW)

    with pytest.raises(Changed) as changed:
        await app.comparing.go(offer, ANN, start=False)
    assert [quote.choice.model for quote in changed.value.proposal.quotes] == list(MODELS[:2])


async def test_a_cap_that_would_break_holds_nothing(tmp_path: Path, clock: Clock) -> None:
    async with keyed(tmp_path / "data", clock, daily_usd=0.5) as app:
        offer = await app.comparing.offer(await app.comparing.propose(BRIEF, HERE, models=MODELS))
        with pytest.raises(Refused, match="DAILY_USD"):
            await app.comparing.go(offer, ANN, start=False)

        assert await app.store.recent("1") == []
        assert (await app.store.plans.of_offer(offer))[0].phase is Phase.OFFERED


# when it is shown, and with what


def _plan(**changes: Any) -> Plan:
    made = Plan(
        id="c1",
        offer="c1",
        place=HERE,
        brief=BRIEF,
        entries=tuple(PlanEntry(model=name, terms="", price_micros=1) for name in MODELS),
        questions={OVERALL: {OVERALL: 1.0}},
        blind=True,
        seed=7,
        patience_s=1200,
        created_at=NOW,
        started_at=NOW,
    )
    return replace(made, **changes)


READY: dict[str, Any] = {"state": State.DONE, "clip": "x.mp4"}
FAILED: dict[str, Any] = {"state": State.REFUNDED, "reason": Reason.FAILED}
AT_WORK: dict[str, Any] = {"state": State.RENDERING}
UNSURE: dict[str, Any] = {"state": State.UNCERTAIN}
UNTIL = Wait(until=later(1200))


@pytest.mark.parametrize(
    ("states", "late", "end"),
    [
        ((READY, READY, READY), False, 3),
        ((READY, READY, FAILED), False, 2),
        ((READY, FAILED, FAILED), False, End()),
        ((FAILED, FAILED, FAILED), False, End()),
        ((READY, READY, AT_WORK), False, UNTIL),
        ((READY, READY, UNSURE), False, UNTIL),
        ((READY, READY, AT_WORK), True, 2),
        ((READY, READY, UNSURE), True, 2),
        ((READY, AT_WORK, FAILED), True, Wait(until=None)),
        ((READY, UNSURE, FAILED), True, End()),
        ((UNSURE, UNSURE, UNSURE), True, End()),
        ((AT_WORK, UNSURE, FAILED), True, Wait(until=None)),
    ],
)
def test_each_way_it_can_go_has_its_end(
    states: Sequence[dict[str, Any]], late: bool, end: object
) -> None:
    made = [replace(job(f"j{n}", model=MODELS[n]), **states[n]) for n in range(3)]
    step = next_step(_plan(), made, later(1200 if late else 1199))

    assert (len(step.jobs) if isinstance(step, Show) else step) == end


def test_the_order_of_letters_is_uniform_over_a_thousand_seeds() -> None:
    made = [job(f"j{n}", model=name) for n, name in enumerate(MODELS)]
    orders = Counter(
        tuple(letter.model for letter in letters_of(_plan(seed=seed), made)) for seed in range(1000)
    )
    expected = 1000 / 6
    chi_square = sum((orders[order] - expected) ** 2 / expected for order in orders)

    assert len(orders) == 6
    assert chi_square < 15.09  # 1 % of uniform orders reach it, at 5 degrees of freedom


def test_neither_arrival_nor_absence_changes_the_order_of_the_rest() -> None:
    made = [job(f"j{n}", model=name) for n, name in enumerate(MODELS)]
    whole = [letter.model for letter in letters_of(_plan(), made)]
    for gone in made:
        rest = [one for one in reversed(made) if one is not gone]
        expected = [model for model in whole if model != gone.model]
        assert [letter.model for letter in letters_of(_plan(), rest)] == expected


async def test_all_are_shown_at_once_when_the_last_has_arrived(
    app: App, face: RecordingFace
) -> None:
    made = await agreed(app, 3)
    app.comparing.attach(face)
    for number, one in enumerate(made):
        await app.comparing.sweep()
        assert face.shown == []
        assert (face.made[-1].ready, face.made[-1].total) == (number, 3)
        await arrive(app, one)
    await app.comparing.sweep()
    (shown,) = face.shown

    assert [clip.file_name for clip in shown.clips] == ["A.mp4", "B.mp4", "C.mp4"]
    assert [clip.label for clip in shown.clips] == ["A", "B", "C"]
    assert shown.side_by_side is not None
    assert shown.status_message_id == 69
    assert shown.questions[0] == OVERALL
    assert (await app.store.comparisons.get("1", shown.id)).message_id == 70


async def test_originals_are_left_as_they_came(app: App, face: RecordingFace) -> None:
    shown = await posted(app, face)
    originals = [path.read_bytes() for path in (app.folder / "clips").glob("*.mp4")]

    assert originals == [clip_bytes()] * 2
    assert clip_bytes() not in [clip.path.read_bytes() for clip in shown.clips]


async def test_without_blindness_names_stand_beside_the_letters(
    app: App, face: RecordingFace
) -> None:
    shown = await posted(app, face, blind=False)

    names = {app.catalogue.models[name].name for name in MODELS[:2]}
    assert {clip.label[4:] for clip in shown.clips} == names
    assert all(clip.path.read_bytes() == clip_bytes() for clip in shown.clips)


async def test_one_that_fails_does_not_hold_up_the_others(app: App, face: RecordingFace) -> None:
    made = await agreed(app, 3)
    await arrive(app, made[0])
    await fail(app, made[1])
    await arrive(app, made[2])
    app.comparing.attach(face)
    await app.comparing.sweep()
    (shown,) = face.shown
    for person in PEOPLE[:3]:
        await app.comparing.vote(shown.id, person, OVERALL, "A")
    await app.comparing.close(shown.id, ANN)
    await app.comparing.sweep()
    (told,) = face.told

    assert (len(shown.clips), shown.missing) == (2, 1)
    assert isinstance(told, Result)
    assert [(one.model, one.reason, one.charged_micros) for one in told.missing] == [
        ("kling-v3", "The vendor refuses this content.", 0)
    ]
    assert told.spent_micros == made[0].hold_micros + made[2].hold_micros


@pytest.mark.parametrize("arriving", [1, 0])
async def test_one_or_none_is_said_and_nobody_votes(
    app: App, face: RecordingFace, arriving: int
) -> None:
    made = await agreed(app, 2)
    await (arrive(app, made[0]) if arriving else fail(app, made[0]))
    await fail(app, made[1])
    app.comparing.attach(face)
    await app.comparing.sweep()
    (told,) = face.told

    assert isinstance(told, NoVote)
    assert [one.id for one in told.arrived] == [made[0].id] * arriving
    assert len(told.missing) == 2 - arriving
    assert "nothing to compare" in told.note
    assert face.shown == []
    assert told.spent_micros == made[0].hold_micros * arriving
    assert await app.store.check_ledger() == []


async def test_after_the_deadline_what_is_there_is_shown_and_the_rest_named_as_late(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    made = await agreed(app, 3)
    app.comparing.attach(face)
    for one in made[:2]:
        await arrive(app, one)
    waits_until = await app.comparing.sweep()
    assert waits_until == later(1200)
    clock.at(1200)
    await app.comparing.sweep()
    await arrive(app, made[2])
    for person in PEOPLE[:3]:
        await app.comparing.vote(face.shown[0].id, person, OVERALL, "B")
    await app.comparing.close(face.shown[0].id, ANN)
    await app.comparing.sweep()
    (told,) = face.told

    assert len(face.shown[0].clips) == 2
    assert isinstance(told, Result)
    assert [(one.model, bool(one.job.clip)) for one in told.missing] == [("ltx-2.3-pro", True)]
    assert "too late" in told.missing[0].reason


async def test_an_uncertain_one_is_waited_for_and_then_named_with_its_hold(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    made = await agreed(app, 2)
    await arrive(app, made[0])
    await lose(app, made[1])
    app.comparing.attach(face)
    await app.comparing.sweep()
    assert face.told == []
    clock.at(1200)
    await app.comparing.sweep()
    (told,) = face.told

    assert isinstance(told, NoVote)
    assert [(one.model, one.held_micros) for one in told.missing] == [
        ("kling-v3", made[1].hold_micros)
    ]


async def test_clips_that_cannot_be_made_alike_are_shown_with_their_names(
    app: App, face: RecordingFace
) -> None:
    made = await agreed(app, 2)
    await arrive(app, made[0])
    await arrive(app, made[1], b"\0\0\0\x18ftypisom broken")
    app.comparing.attach(face)
    await app.comparing.sweep()

    assert face.shown == []
    assert isinstance(face.told[0], NoVote)
    assert len(face.told[0].arrived) == 2
    assert "ready for a vote" in face.told[0].note


async def test_a_post_that_must_wait_is_made_again_with_the_same_letters(
    app: App, face: RecordingFace
) -> None:
    face.answers = [Later(due_at=later(5))]
    first = await posted(app, face)
    assert (await app.store.plans.get(first.id)).phase is Phase.SHOWING  # type: ignore[union-attr]
    await app.comparing.sweep()

    assert [clip.path for clip in face.shown[0].clips] == [
        clip.path for clip in face.shown[1].clips
    ]
    assert (await app.store.plans.get(first.id)).phase is Phase.VOTING  # type: ignore[union-attr]


async def test_a_channel_that_is_gone_ends_it_without_a_result(
    app: App, face: RecordingFace
) -> None:
    face.answers = [Undeliverable(message="gone")]
    shown = await posted(app, face)

    with pytest.raises(Refused):
        await app.comparing.vote(shown.id, ANN, OVERALL, "A")
    assert isinstance(face.told[0], Result)
    assert face.told[0].moved == ()
    assert await app.store.comparisons.votes("1") == []


async def test_a_restart_in_any_phase_goes_on_from_there(
    tmp_path: Path, clock: Clock, face: RecordingFace
) -> None:
    """Each step in a process of its own; the folder of copies is lost in between once."""
    folder = tmp_path / "data"
    async with keyed(folder, clock) as app:
        made = await agreed(app, 2)
    async with keyed(folder, clock) as app:
        for one in made:
            await arrive(app, one)
    face.answers = [Later(due_at=later(5))]
    for _ in range(2):
        async with keyed(folder, clock) as app:
            app.comparing.attach(face)
            await app.comparing.sweep()
        for path in (folder / "comparisons").rglob("*.mp4"):
            path.unlink()
    for person in PEOPLE[:3]:
        async with keyed(folder, clock) as app:
            await app.comparing.vote(face.shown[0].id, person, OVERALL, "A")
    clock.at(120)
    face.answers = [Later(due_at=later(9))]
    for _ in range(3):
        async with keyed(folder, clock) as app:
            app.comparing.attach(face)
            await app.comparing.sweep()
    first, second = face.told

    assert len(face.shown) == 2
    assert isinstance(first, Result)
    assert first == second
    assert first.lines[0].votes[OVERALL] == 3


# voting


async def test_fifty_people_pressing_twice_at_once_count_once_each(
    app: App, face: RecordingFace
) -> None:
    await app.store.rules.save("1", Rules(quorum=50), 5, NOW)
    shown = await posted(app, face)
    presses = [
        app.comparing.vote(shown.id, person, OVERALL, "AB"[person.user_id % 2])
        for person in (*PEOPLE, *PEOPLE)
    ]
    await asyncio.gather(*presses, app.comparing.sweep())
    await app.comparing.close(shown.id, ANN)
    await app.comparing.sweep()
    (told,) = face.told

    assert isinstance(told, Result)
    assert told.tallies[OVERALL].votes == {"A": 25, "B": 25}
    assert told.tallies[OVERALL].winner == ""


async def test_votes_racing_quorum_and_reveal_are_counted_or_refused(
    app: App, face: RecordingFace, tmp_path: Path, clock: Clock
) -> None:
    """From two processes; some presses come from another server, some after a restart."""
    await app.store.rules.save("1", Rules(quorum=10), 5, NOW)
    shown = await posted(app, face)
    async with keyed(tmp_path / "data", clock) as other:
        outcomes = await asyncio.gather(
            *(app.comparing.vote(shown.id, one, OVERALL, "A") for one in PEOPLE[:30]),
            app.comparing.close(shown.id, ANN),
            *(other.comparing.vote(shown.id, one, OVERALL, "B") for one in PEOPLE[20:]),
            *(app.comparing.vote(shown.id, STRANGER, OVERALL, "B") for _ in range(5)),
            app.comparing.close(shown.id, ANN),
            app.comparing.sweep(),
            return_exceptions=True,
        )
    with contextlib.suppress(Refused):
        await app.comparing.close(shown.id, ANN)
    await app.comparing.sweep()
    refused = [one for one in outcomes if isinstance(one, Refused)]
    votes = await app.store.comparisons.votes_of(shown.id)

    assert not [one for one in outcomes if isinstance(one, BaseException) and one not in refused]
    assert len({vote.user_id for vote in votes}) == len(votes) >= 10
    assert sum(type(one) is NotFound for one in refused) == 5
    counted = sum(type(one).__name__ == "Cast" for one in outcomes)
    changed = sum(getattr(one, "changed", False) for one in outcomes)
    assert counted - changed == len(votes)
    (told,) = face.told
    assert isinstance(told, Result)
    assert sum(told.tallies[OVERALL].votes.values()) == len(votes)


async def test_after_the_deadline_no_vote_counts_even_before_it_is_told(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    shown = await posted(app, face)
    await app.comparing.vote(shown.id, ANN, OVERALL, "A")
    clock.now = shown.deadline_at
    outcomes = await asyncio.gather(
        *(app.comparing.vote(shown.id, one, OVERALL, "B") for one in PEOPLE),
        return_exceptions=True,
    )
    await app.comparing.sweep()

    assert {type(one) for one in outcomes} == {Refused}
    assert isinstance(face.told[0], Result)
    assert face.told[0].tallies[OVERALL].votes == {"A": 1, "B": 0}


async def test_a_vote_can_be_changed_and_is_shown_to_its_owner_only(
    app: App, face: RecordingFace
) -> None:
    shown = await posted(app, face)
    first = await app.comparing.vote(shown.id, ANN, OVERALL, "A")
    again = await app.comparing.vote(shown.id, ANN, OVERALL, "tie")

    assert (first.changed, again.changed) == (False, True)
    assert await app.comparing.my_votes(shown.id, ANN) == {OVERALL: "tie"}
    assert await app.comparing.my_votes(shown.id, BEN) == {}
    with pytest.raises(NotFound):
        await app.comparing.my_votes(shown.id, STRANGER)


async def test_nobody_closes_it_before_quorum_or_deadline(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    shown = await posted(app, face)
    await app.comparing.vote(shown.id, ANN, OVERALL, "A")

    for person in (ANN, BOSS):
        with pytest.raises(Refused, match="1 of 3 people"):
            await app.comparing.close(shown.id, person)
    with pytest.raises(NotAllowed):
        await app.comparing.close(shown.id, BEN)
    with pytest.raises(Refused, match="still open"):
        await app.comparing.result(shown.id, BOSS)
    clock.now = shown.deadline_at
    await app.comparing.close(shown.id, ANN)
    assert (await app.comparing.result(shown.id, BEN)).tallies[OVERALL].winner == "A"


async def test_with_its_quorum_it_ends_two_minutes_after_the_last_press(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    shown = await posted(app, face)
    for at, person in enumerate(PEOPLE[:3]):
        clock.at(10 * at)
        await app.comparing.vote(shown.id, person, OVERALL, "A")
    clock.at(100)
    await app.comparing.vote(shown.id, PEOPLE[2], shown.questions[1], "B")

    assert await app.comparing.sweep() == later(220)
    clock.at(219)
    await app.comparing.sweep()
    assert face.told == []
    clock.at(220)
    await app.comparing.sweep()
    assert isinstance(face.told[0], Result)
    assert [tally.voters for tally in face.told[0].tallies.values()][:2] == [3, 1]


async def test_the_servers_settings_decide_quorum_and_time(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    await app.store.rules.save("1", Rules(quorum=2, vote_hours=5), 5, NOW)
    clock.at(600)
    shown = await posted(app, face)
    voting = await app.comparing.voting(shown.id, BEN)

    assert shown.deadline_at == voting.deadline_at == later(600) + timedelta(hours=5)
    assert (voting.quorum, voting.voters, voting.open) == (2, 0, True)
    assert await app.comparing.sweep() == shown.deadline_at


async def test_a_vote_that_is_called_off_teaches_nothing(app: App, face: RecordingFace) -> None:
    shown = await posted(app, face)
    await app.comparing.vote(shown.id, ANN, OVERALL, "A")
    with pytest.raises(NotAllowed):
        await app.comparing.call_off(shown.id, ANN)
    await app.comparing.call_off(shown.id, BOSS)
    await app.comparing.sweep()

    assert isinstance(face.told[0], Result)
    assert "called off" in face.told[0].note
    assert (await app.taste.ranking("1")).votes == 0


async def test_while_it_is_voted_on_no_clip_is_had_by_itself(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    shown = await posted(app, face)
    made = await app.store.recent("1")
    assert all([await app.comparing.hides(one) for one in made])
    with pytest.raises(Refused, match="voted on blind"):
        await app.workbench.original_path(made[0].id, ANN)
    clock.now = shown.deadline_at
    await app.comparing.sweep()

    assert not any([await app.comparing.hides(one) for one in made])
    assert (await app.workbench.original_path(made[0].id, ANN)).read_bytes() == clip_bytes()


# the reveal


async def _voted(app: App, shown_id: str, letter: str, count: int = 3) -> None:
    for person in PEOPLE[:count]:
        await app.comparing.vote(shown_id, person, OVERALL, letter)
    await app.comparing.close(shown_id, ANN)
    await app.comparing.sweep()


async def test_the_reveal_says_names_prices_votes_and_what_they_changed(
    app: App, face: RecordingFace
) -> None:
    shown = await posted(app, face)
    await _voted(app, shown.id, "B")
    (told,) = face.told
    assert isinstance(told, Result)
    first, second = told.lines

    assert {first.model, second.model} == set(MODELS[:2])
    assert {one.price_micros for one in told.lines} == {
        one.hold_micros for one in await app.store.recent("1")
    }
    assert (first.votes[OVERALL], second.votes[OVERALL]) == (0, 3)
    assert second.won == (OVERALL,)
    rose = {(one.model, one.category): one.after - one.before for one in told.moved}
    assert rose[second.model, OVERALL] > 0 > rose[first.model, OVERALL]
    assert told.evidence == ()


async def test_a_vote_with_names_showing_teaches_nothing(app: App, face: RecordingFace) -> None:
    shown = await posted(app, face, blind=False)
    await _voted(app, shown.id, "A")

    assert isinstance(face.told[0], Result)
    assert face.told[0].tallies[OVERALL].winner == "A"
    assert face.told[0].moved == ()
    assert (await app.taste.ranking("1")).votes == 0


async def _teach(app: App, face: RecordingFace, model: str, times: int) -> None:
    """So many comparisons that `model` wins with three votes each, on every question."""
    for _ in range(times):
        shown = await posted(app, face)
        letters = (await app.store.comparisons.get("1", shown.id)).letters
        letter = "AB"[[one.model for one in letters].index(model)]
        for question in shown.questions:
            for person in PEOPLE[:3]:
                await app.comparing.vote(shown.id, person, question, letter)
        await app.comparing.close(shown.id, ANN)
        await app.comparing.sweep()


async def test_votes_steer_the_choice_of_their_server_and_can_be_switched_off(
    app: App, face: RecordingFace
) -> None:
    async def score(model: str, place: Place = HERE) -> float:
        decision = await app.producer.decide(BRIEF, place)
        return next(one.quality for one in decision.candidates if one.model == model)

    before = await score("sora-2")
    await _teach(app, face, "sora-2", 4)
    elsewhere = replace(HERE, guild_id=2)

    assert await score("sora-2") > before
    assert await score("sora-2", elsewhere) == before
    card = await app.producer.decide(replace(BRIEF, model="sora-2"), HERE)
    assert card.choice is not None
    assert any("12 of 12" in reason for reason in card.choice.reasons)
    await app.store.rules.save("1", Rules(votes_steer=False), 5, NOW)
    assert await score("sora-2") == before


async def test_the_explanation_shows_prior_votes_and_posterior(
    app: App, face: RecordingFace
) -> None:
    await _teach(app, face, "sora-2", 1)
    decision = await app.producer.decide(BRIEF, HERE)
    rows = {(one.model, one.category): one for one in await app.taste.explain("1", decision)}
    motion = rows["sora-2", "human_motion"]
    unseen = rows["ltx-2.3-pro", "human_motion"]

    assert motion.prior == app.catalogue.models["sora-2"].strengths["human_motion"].value
    assert (motion.votes, motion.wins) == (3, 3)
    assert motion.low < motion.value < motion.high
    assert motion.value > motion.prior
    assert not motion.separated
    assert (unseen.votes, unseen.value) == (0, unseen.prior)


async def test_taking_a_cheats_votes_out_is_a_recount(app: App, face: RecordingFace) -> None:
    await _teach(app, face, "sora-2", 1)
    before, every = await app.taste.ranking("1"), await app.store.comparisons.votes("1")
    with pytest.raises(NotAllowed):
        await app.comparing.forget_votes(PEOPLE[0].user_id, ANN)
    removed = await app.comparing.forget_votes(PEOPLE[0].user_id, BOSS)
    after = await app.taste.ranking("1")
    rest = [vote for vote in every if vote.user_id != PEOPLE[0].user_id]

    assert removed == len(every) - len(rest) > 0
    assert await app.store.comparisons.votes("1") == rest
    assert (before.voters, after.voters) == (3, 2)
    assert after == app.taste.count(rest)


async def test_a_second_that_won_costs_all_that_was_spent_on_its_model(
    app: App, face: RecordingFace
) -> None:
    await _teach(app, face, "sora-2", 2)
    view = await app.comparing.taste(ANN)
    sora = sum(one.hold_micros for one in await app.store.recent("1") if one.model == "sora-2")

    assert view.per_s_micros("sora-2") == sora / 8
    assert view.per_s_micros("kling-v3") is None
    assert view.ranked.of("human_motion")[0].votes == 6


def test_a_job_made_otherwise_is_not_compared() -> None:
    assert not is_compared(job())


# what passes the worker's delivery by


async def test_clips_of_a_comparison_pass_the_face_for_single_clips_by(
    app: App, face: RecordingFace
) -> None:
    single, moved = SingleFace(), []
    together = Together(single, app.store)
    together.moved = moved.append
    compared, other = (await agreed(app, 2))[0], job("alone")
    for one in (compared, other):
        await together.update(one)
        await together.deliver(one, Path("x.mp4"))

    assert single.delivered == ["alone"]
    assert moved == [compared]


async def test_who_is_ready_first_shows_in_no_message_of_its_own(app: App, clock: Clock) -> None:
    single, switchboard = SingleFace(), Switchboard(clock)
    switchboard.attach(cast(Any, single))  # nothing else of a face is asked for
    for one in ((await agreed(app, 2))[0], job("alone")):
        await switchboard.update(one)

    assert single.updated == ["alone"]


async def test_a_clip_that_comes_after_the_last_word_is_an_ordinary_one(
    app: App, face: RecordingFace, clock: Clock
) -> None:
    made = await agreed(app, 3)
    for one in made[:2]:
        await arrive(app, one)
    app.comparing.attach(face)
    clock.at(1200)
    await app.comparing.sweep()
    clock.now = face.shown[0].deadline_at
    await app.comparing.sweep()
    single = SingleFace()
    late = await Together(single, app.store).deliver(made[2], Path("x.mp4"))

    assert (late, single.delivered) == (Delivered(message_id=5), [made[2].id])


async def test_on_the_command_line_every_job_shows_its_own_progress(app: App) -> None:
    single = SingleFace()
    own = job("mine", origin="compare:c1", place=Place())
    await Together(single, app.store).update(own)
    await Together(single, app.store).deliver(own, Path("x.mp4"))

    assert (single.updated, single.delivered) == (["mine"], ["mine"])
