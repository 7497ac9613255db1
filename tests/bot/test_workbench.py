"""The use cases of a shot, over a real database, real clips and the real router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import jobs
from bot.app import App, reading
from bot.brief import Brief, Stage
from bot.config import Settings
from bot.errors import NotAllowed, NotFound, Refused
from bot.jobs import Job, Place, State
from bot.producer import Instead, Person
from bot.rules import Rules
from bot.shots import Shot, Verb, Verdict
from providers.base import MediaRole, Remote
from tests.bot.make import NOW, later, request
from tests.clips import clip_bytes

ANN = Person(user_id=3, guild_id=1)
BEN = Person(user_id=4, guild_id=1)
BOSS = Person(user_id=5, guild_id=1, manager=True)
STRANGER = Person(user_id=3, guild_id=2, manager=True)
OPERATOR = Person()
HERE = Place(guild_id=1, channel_id=2, user_id=3)
BRIEF = Brief(prompt="a woman in rain", model="sora-2", duration_s=4)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """Quotes and books as in a running bot, with a vendor's key; no job takes a step by itself."""
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "gateway_api_key": "k",
            "gateway_base_url": "http://127.0.0.1:9/v1",
            "discord_allowed_guilds": frozenset({1}),
            "clip_usd": 9,
            "daily_usd": 50,
        }
    )
    async with reading(settings, clock=lambda: NOW) as app:
        yield app


async def _shot(app: App) -> Shot:
    return await app.workbench.start_shot(HERE, BRIEF.prompt, origin="o")


async def _take(app: App, brief: Brief = BRIEF, origin: str = "take:1") -> Job:
    step = await app.workbench.first((await _shot(app)).id, brief, ANN, HERE)
    (made,) = await app.workbench.add_takes(step, origin=origin, start=False)
    return made


async def _clip(app: App, brief: Brief = BRIEF, origin: str = "take:1") -> Job:
    """A take with its clip, as the worker leaves it."""
    current = await _take(app, brief, origin)
    await asyncio.to_thread((app.folder / "clips" / f"{current.id}.mp4").write_bytes, clip_bytes())
    for event in (
        jobs.Submit(request=request()),
        jobs.Accepted(remote=Remote(remote_id=current.id), due_at=later(1), deadline_at=later(9)),
        jobs.Finished(result_url=None, expires_at=None, cost_micros=None),
        jobs.Fetched(
            clip=f"{current.id}.mp4", sha256="ab", size_bytes=9, duration_s=4, width=2, height=2
        ),
        jobs.Posting(),
        jobs.Delivered(message_id=7),
    ):
        after = jobs.apply(current, event, NOW)
        current = await app.store.move(current, after, type(event).__name__, NOW)
    return current


async def test_a_take_is_quoted_then_made_and_numbered(app: App) -> None:
    made = await _take(app)
    board = await app.workbench.board((await _shot(app)).id, ANN)

    assert [(line.take.number, line.take.job_id) for line in board.lines] == [(1, made.id)]
    assert board.total_micros == made.hold_micros > 0
    assert made.state is State.QUEUED


async def test_the_same_press_twice_at_once_is_one_take(app: App) -> None:
    step = await app.workbench.first((await _shot(app)).id, BRIEF, ANN, HERE)
    pressed = await asyncio.gather(
        *(app.workbench.add_takes(step, origin="i:1", start=False) for _ in range(8))
    )
    board = await app.workbench.board(step.shot.id, ANN)

    assert len({one.id for made in pressed for one in made}) == 1
    assert len(board.lines) == 1


async def test_several_are_priced_held_and_numbered_whole(app: App) -> None:
    first = await _take(app)
    step = await app.workbench.several(first.id, 3, ANN, HERE)
    quote_id = await app.workbench.offer(step)
    pressed = await asyncio.gather(
        *(app.workbench.go(quote_id, ANN, start=False) for _ in range(3))
    )
    again = await app.workbench.go(quote_id, ANN, start=False)
    board = await app.workbench.board(step.shot.id, ANN)

    assert step.total_micros == 3 * step.quote.price_micros
    assert {tuple(sorted(one.id for one in made)) for made in (*pressed, again)} == {
        tuple(sorted(one.id for one in again))
    }
    assert [line.take.number for line in board.lines] == [1, 2, 3, 4]
    assert {line.take.parent for line in board.lines[1:]} == {1}
    assert board.held_micros == first.hold_micros + step.total_micros


async def test_several_that_changed_since_they_were_shown_are_asked_again(app: App) -> None:
    step = await app.workbench.several((await _take(app)).id, 2, ANN, HERE)
    cheaper = replace(step, quote=replace(step.quote, price_micros=step.quote.price_micros - 1))
    quote_id = await app.workbench.offer(cheaper)

    with pytest.raises(Instead, match="Nothing was spent"):
        await app.workbench.go(quote_id, ANN, start=False)
    assert len((await app.workbench.board(step.shot.id, ANN)).lines) == 1


async def test_only_who_was_asked_says_yes(app: App) -> None:
    step = await app.workbench.several((await _take(app)).id, 2, ANN, HERE)
    quote_id = await app.workbench.offer(step)

    with pytest.raises(NotAllowed):
        await app.workbench.go(quote_id, BEN, start=False)
    with pytest.raises(NotFound):
        await app.workbench.go(quote_id, STRANGER, start=False)


async def test_again_is_offered_as_a_child_of_its_take(app: App) -> None:
    first = await _take(app, replace(BRIEF, seed=7))
    step = await app.workbench.again(first.id, ANN, HERE)
    (made,) = await app.workbench.go(await app.workbench.offer(step), ANN, start=False)
    board = await app.workbench.board(step.shot.id, ANN)

    assert (made.brief.seed, made.model) == (None, "sora-2")
    assert (board.lines[1].take.parent, board.lines[1].take.verb) == (1, Verb.AGAIN)


async def test_a_result_from_before_shots_becomes_take_one_of_its_own(app: App) -> None:
    quote = await app.producer.quote(BRIEF, HERE)
    (old,) = await app.producer.generate(quote, origin="old", start=False)
    shots = await asyncio.gather(*(app.workbench.shot_of(old.id, ANN) for _ in range(4)))
    board = await app.workbench.board(shots[0].id, ANN)

    assert len({shot.id for shot in shots}) == 1
    assert [line.take.job_id for line in board.lines] == [old.id]


async def test_longer_is_the_models_next_length(app: App) -> None:
    step = await app.workbench.longer((await _take(app)).id, ANN, HERE)

    assert (step.verb, step.quote.choice.fit.duration_s) == (Verb.LONGER, 8)
    assert step.quote.choice.model == "sora-2"


async def test_the_longest_goes_on_from_its_last_frame(app: App) -> None:
    longest = app.catalogue.models["sora-2"].durations_s[-1]
    take = await _clip(app, replace(BRIEF, duration_s=longest))
    step = await app.workbench.longer(take.id, ANN, HERE)
    (frame,) = step.quote.brief.inputs

    assert (step.verb, frame.role) == (Verb.CONTINUE, MediaRole.FIRST_FRAME)
    assert frame.path is not None
    assert frame.path.read_bytes().startswith(b"\x89PNG")
    assert list((app.folder / "tmp").iterdir()) == []


async def test_a_last_frame_begins_a_clip_of_another_model(app: App) -> None:
    step = await app.workbench.as_first_frame((await _clip(app)).id, "sora-2-pro", ANN, HERE)

    assert step.quote.choice.model == "sora-2-pro"
    assert step.quote.brief.has(MediaRole.FIRST_FRAME)


async def test_a_promotion_is_decided_at_stage_final(app: App) -> None:
    step = await app.workbench.to_final((await _take(app)).id, ANN, HERE)

    assert (step.quote.decision.stage, step.quote.brief.model) == (Stage.FINAL, None)
    assert step.quote.price_micros > 0


async def test_words_change_a_take_and_the_whole_prompt_is_shown(app: App) -> None:
    step = await app.workbench.refine((await _take(app)).id, "slower, 9:16, other model", ANN, HERE)

    assert step.quote.brief.prompt == "a woman in rain, slower"
    assert step.quote.brief.aspect == "9:16"
    assert step.quote.choice.model == "sora-2-pro"
    assert step.refinement is not None
    assert "Added to the prompt: “slower”." in step.refinement.understood


async def test_words_that_change_nothing_are_refused_with_an_example(app: App) -> None:
    take = await _take(app)
    for words in ("", "hi!"):
        with pytest.raises(Refused, match="for example"):
            await app.workbench.refine(take.id, words, ANN, HERE)


async def test_a_new_pick_takes_the_place_of_the_old(app: App) -> None:
    first, second = await _clip(app), await _clip(app, origin="take:2")
    await app.workbench.pick(first.id, ANN)
    board = await app.workbench.pick(second.id, BOSS)

    assert [line.take.verdict for line in board.lines] == [Verdict.NONE, Verdict.PICKED]
    assert board.picked is not None
    assert (board.picked.take.verdict_by, board.picked.take.verdict_at) == (5, NOW)
    cleared = await app.workbench.unpick(second.id, ANN)
    assert cleared.picked is None


async def test_who_may_decide_is_the_shots_owner_or_a_manager(app: App) -> None:
    take = await _clip(app)
    with pytest.raises(NotAllowed):
        await app.workbench.pick(take.id, BEN)
    rejected = await app.workbench.reject(take.id, ANN)

    assert rejected.lines[0].take.verdict is Verdict.REJECTED


async def test_a_take_without_a_clip_cannot_be_picked(app: App) -> None:
    with pytest.raises(Refused, match="no file"):
        await app.workbench.pick((await _take(app)).id, ANN)


async def test_a_deleted_clip_is_gone_for_all_but_money_and_the_operator(app: App) -> None:
    take = await _clip(app)
    await app.workbench.pick(take.id, ANN)
    for _ in range(2):
        await app.workbench.delete_mine(take.id, ANN)
    board = await app.workbench.board((await _shot(app)).id, ANN)

    assert (board.lines[0].deleted, board.picked) == (True, None)
    assert board.total_micros == take.hold_micros
    assert list((app.folder / "clips").rglob("*.mp4")) == []
    with pytest.raises(Refused, match="was deleted"):
        await app.workbench.original_path(take.id, ANN)
    with pytest.raises(NotAllowed):
        await app.workbench.restore(take.id, BOSS)
    await app.workbench.restore(take.id, OPERATOR)
    path = await app.workbench.original_path(take.id, ANN)
    assert path.read_bytes() == clip_bytes()
    assert await app.store.check_ledger() == []


async def test_nobody_else_deletes_and_nothing_that_runs(app: App) -> None:
    take = await _take(app)
    with pytest.raises(NotAllowed):
        await app.workbench.delete_mine(take.id, BEN)
    with pytest.raises(Refused, match="Cancel it first"):
        await app.workbench.delete_mine(take.id, ANN)


async def test_another_server_reaches_nothing(app: App) -> None:
    take, bench = await _clip(app), app.workbench
    shot = await _shot(app)
    there = Place(guild_id=2, channel_id=9, user_id=3)

    for reach in (
        bench.board(shot.id, STRANGER),
        bench.shot(shot.id, STRANGER),
        bench.shot_of(take.id, STRANGER),
        bench.first(shot.id, BRIEF, STRANGER, there),
        bench.first(shot.id, BRIEF, ANN, there),
        bench.again(take.id, STRANGER, there),
        bench.refine(take.id, "slower", STRANGER, there),
        bench.pick(take.id, STRANGER),
        bench.delete_mine(take.id, STRANGER),
        bench.original_path(take.id, STRANGER),
    ):
        with pytest.raises(NotFound):
            await reach
    await bench.set_thread(shot.id, ANN, 44)
    assert await bench.shot_in(44, STRANGER) is None
    assert await bench.shot_in(44, ANN) is not None


async def test_what_is_free_or_under_the_threshold_starts_at_once(app: App) -> None:
    take = await _take(app)
    asked = await app.workbench.several(take.id, 2, ANN, HERE)
    await app.store.rules.set_just_go("1", 3, asked.total_micros)
    two = await app.workbench.several(take.id, 2, ANN, HERE)
    three = await app.workbench.several(take.id, 3, ANN, HERE)
    drawn = replace(BRIEF, model="local", stage=Stage.ANIMATIC)
    free = await app.workbench.first(asked.shot.id, drawn, ANN, replace(HERE, user_id=4))

    started = [step.starts_at_once for step in (asked, two, three, free)]
    assert started == [False, True, False, True]


async def test_the_servers_rules_are_asked(app: App) -> None:
    await app.store.rules.save("1", Rules(who_may_spend=frozenset({80})), 5, NOW)
    producer, shot = app.producer, await _shot(app)

    await producer.permit(ANN)
    await producer.permit(replace(ANN, roles=frozenset({80})), price_micros=1)
    await producer.permit(BOSS, price_micros=1)
    with pytest.raises(NotAllowed, match="<@&80>"):
        await app.workbench.first(shot.id, BRIEF, ANN, HERE)


async def test_rules_that_changed_after_the_card_hold_at_go(app: App) -> None:
    step = await app.workbench.first((await _shot(app)).id, BRIEF, ANN, HERE)
    quote_id = await app.workbench.offer(step)
    await app.store.rules.save("1", Rules(allowed_channels=frozenset({99})), 5, NOW)

    with pytest.raises(NotAllowed, match="<#99>"):
        await app.workbench.go(quote_id, ANN)
    assert await app.producer.jobs(BOSS, everybody=True) == []


async def test_the_expected_time_is_the_catalogues_until_there_is_a_history(app: App) -> None:
    assert await app.workbench.expected_s("sora-2") == app.catalogue.models["sora-2"].render_s
    for n in range(3):
        await _clip(app, origin=f"take:{n}")

    assert await app.workbench.expected_s("sora-2") == 0.0


UPSCALER = """
[models.upscaler]
name = "Upscaler"
maker = "Somebody"
summary = "more pixels for a finished clip"
upscales = true
durations_s = "1-30"
aspects = ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"]
resolutions = ["1440p"]
audio = "none"
inputs = ["source"]
requires = ["source"]
duration_follows = "source"
aspect_from = ["source"]
render_s = 60
base = 0.5
base_source = "none"
source = "ours"
verified = 2026-11-23

[[models.upscaler.routes]]
provider = "runway"
wire_id = "magnific_video_upscaler_creative"
dialect = "upscale"
options."resolution.1440p" = "2k"
source = "ours"
verified = 2026-11-23
price.confidence = "listed"
price.source = "ours"
price.verified = 2026-11-23
price.per_s.1440p = { silent = 0.10 }
"""


async def test_a_picked_take_is_upscaled_where_the_operator_gives_a_route_a_price(
    tmp_path: Path,
) -> None:
    overlay = tmp_path / "mine.toml"
    overlay.write_text(UPSCALER)
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "catalogue": overlay,
            "gateway_api_key": "k",
            "gateway_base_url": "http://127.0.0.1:9/v1",
            "runwayml_api_secret": "k",
            "discord_allowed_guilds": frozenset({1}),
            "clip_usd": 9,
        }
    )
    async with reading(settings, clock=lambda: NOW) as app:
        take = await _clip(app)
        with pytest.raises(Refused, match="Press Pick on it first"):
            await app.workbench.upscale(take.id, ANN, HERE)
        await app.workbench.pick(take.id, ANN)
        step = await app.workbench.upscale(take.id, ANN, HERE)
        words = await app.producer.quote(Brief(prompt="a woman in rain"), HERE)

    assert app.workbench.can_upscale(take)
    assert (step.verb, step.parent) == (Verb.UPSCALE, 1)
    assert step.quote.choice.model == "upscaler"
    assert step.quote.choice.fit.resolution == "1440p"
    assert not step.starts_at_once
    assert step.quote.price_micros > 0
    assert "upscaler" not in [one.model for one in words.decision.candidates]


async def test_without_such_a_route_no_clip_offers_it(app: App) -> None:
    take = await _clip(app)
    await app.workbench.pick(take.id, ANN)

    assert not app.workbench.can_upscale(take)
    with pytest.raises(Refused, match="No model that upscales"):
        await app.workbench.upscale(take.id, ANN, HERE)
