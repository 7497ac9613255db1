"""Offered, off or retired: judged against the day and the keys that are passed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.catalogue import Availability, Lifecycle, builtin_text, load
from bot.fitting import Retiring, offered, retiring, status, successor_of
from bot.models import PROVIDER_IDS, Model

CATALOGUE = load(builtin_text(), None)
TODAY = date(2026, 11, 23)
PAID = [provider for provider in PROVIDER_IDS if provider != "local"]
NO_KEYS = {provider: f"set {provider.upper()}_API_KEY" for provider in PAID}


def facts(*keys: str, today: date = TODAY, **missing: str) -> Availability:
    """With keys for these vendors; `missing` says otherwise for some."""
    without = {name: why for name, why in NO_KEYS.items() if name not in keys}
    return Availability(today=today, missing=without | missing)


def reason(model_id: str, provider: str, availability: Availability) -> str:
    model = CATALOGUE.models[model_id]
    route = next(route for route in model.routes if route.provider == provider)
    return offered(model, route, availability)


@pytest.mark.parametrize(
    ("model_id", "provider", "words"),
    [
        ("kling-v3", "kling", ""),
        ("local", "local", ""),
        ("kling-v3", "fal", "set FAL_API_KEY"),
        ("kling-v3", "runway", "no price known"),
        ("sora-2-pro", "openai", "retired 2026-09-24"),
        ("veo-3", "google", "retired 2026-06-30"),
        ("veo-3.1", "google", "retired 2026-10-22"),
        ("sora-2", "replicate", "switched off: a proxy of OpenAI's API, which ended on 2026-09-24"),
    ],
)
def test_offered_says_why_not(model_id: str, provider: str, words: str) -> None:
    found = reason(model_id, provider, facts("kling", "openai", "google"))
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_offered_ends_on_the_day_itself() -> None:
    eve, day = date(2026, 9, 23), date(2026, 9, 24)
    assert reason("sora-2", "openai", facts("openai", today=eve)) == ""
    assert reason("sora-2", "openai", facts("openai", today=day)) == "retired 2026-09-24"


def test_offered_hands_on_a_pause_and_a_route_found_gone() -> None:
    paused = facts("kling", kling="paused: no credit")
    assert reason("kling-v3", "kling", paused) == "paused: no credit"
    gone = replace(
        facts("kling"), routes_off={("kling", "kling-3.0", "v3-text-image"): "the vendor said 404"}
    )
    assert reason("kling-v3", "kling", gone) == "the vendor said 404"


def test_offered_nothing_of_a_model_that_is_switched_off() -> None:
    model = replace(CATALOGUE.models["kling-v3"], off="no licence")
    assert offered(model, model.routes[0], facts("kling")) == "switched off: no licence"
    assert status(model, facts("kling")) is Lifecycle.OFF


@pytest.mark.parametrize(
    ("model_id", "keys", "expected"),
    [
        ("local", (), Lifecycle.LIVE),
        ("kling-v3", (), Lifecycle.OFF),  # only a key is missing
        ("kling-v3", ("fal",), Lifecycle.LIVE),
        ("veo-3.1", (), Lifecycle.OFF),
        ("sora-2-pro", (), Lifecycle.RETIRED),
        ("sora-2-pro", ("openai",), Lifecycle.RETIRED),
        ("sora-2-pro", ("replicate", "fal"), Lifecycle.RETIRED),  # proxies of what has ended
        ("sora-2-pro", ("gateway",), Lifecycle.LIVE),  # though its maker retired it
        ("veo-3", (), Lifecycle.RETIRED),
        ("veo-3", ("google",), Lifecycle.RETIRED),
        ("veo-3", ("replicate",), Lifecycle.LIVE),
    ],
)
def test_status_is_what_may_be_run_now(
    model_id: str, keys: tuple[str, ...], expected: Lifecycle
) -> None:
    assert status(CATALOGUE.models[model_id], facts(*keys)) is expected


def test_status_before_the_end_is_not_retired() -> None:
    assert status(CATALOGUE.models["sora-2"], facts(today=date(2026, 9, 1))) is Lifecycle.OFF


def test_status_of_a_paused_vendor_is_off_even_when_the_maker_ended_the_model() -> None:
    paused = facts("gateway", gateway="paused: key refused")
    assert status(CATALOGUE.models["sora-2-pro"], paused) is Lifecycle.OFF
    assert status(CATALOGUE.models["kling-v3"], facts("kling", kling="paused: x")) is Lifecycle.OFF


def test_status_is_retired_when_every_route_was_found_gone() -> None:
    model = CATALOGUE.models["ltx-2.3-pro"]
    gone = {(route.provider, route.wire_id, route.dialect): "gone" for route in model.routes}
    assert status(model, replace(facts("ltx"), routes_off=gone)) is Lifecycle.RETIRED


def test_successor_is_the_first_of_the_line_that_runs() -> None:
    veo = CATALOGUE.models["veo-3"]

    def heir(*keys: str) -> str:
        found = successor_of(CATALOGUE, veo, facts(*keys))
        assert found is not None
        return found.id

    assert heir("runway") == "veo-3.1"
    assert heir("google") == "gemini-omni-1.1"  # its own successor: Veo 3.1 has no key here
    assert heir() == "veo-3.1"  # nothing runs: the first that a key would bring


def test_successor_of_a_model_without_one_is_none() -> None:
    assert successor_of(CATALOGUE, CATALOGUE.models["kling-v3"], facts()) is None


def test_successor_that_is_itself_retired_is_passed_over() -> None:
    omni = replace(CATALOGUE.models["gemini-omni-1.1"], retires=TODAY)
    models = {**CATALOGUE.models, omni.id: omni}
    found = successor_of(replace(CATALOGUE, models=models), models["sora-2"], facts())
    assert found is None


@pytest.mark.parametrize("model", CATALOGUE.models.values(), ids=lambda model: model.id)
def test_every_model_retired_on_the_captured_day_leads_to_one_that_is_not(model: Model) -> None:
    if status(model, facts()) is not Lifecycle.RETIRED:
        return
    heir = successor_of(CATALOGUE, model, facts())
    assert heir is not None
    assert status(heir, facts()) is not Lifecycle.RETIRED


def test_retiring_lists_what_ends_soon_and_nothing_that_has_ended() -> None:
    before = date(2026, 9, 24) - timedelta(days=30)
    soon = retiring(CATALOGUE, before)
    assert {end.on for end in soon} == {date(2026, 9, 24)}
    assert Retiring(model="sora-2", on=date(2026, 9, 24)) in soon
    assert {(end.model, end.provider) for end in soon} == {
        ("sora-2-pro", ""),
        ("sora-2-pro", "openai"),
        ("sora-2", ""),
        ("sora-2", "openai"),
    }
    on_the_day = retiring(CATALOGUE, date(2026, 9, 24))
    assert [(end.model, end.provider) for end in on_the_day] == [("veo-3.1", "google")]
    assert retiring(CATALOGUE, before, within_days=29) == ()


def test_retiring_comes_soonest_first() -> None:
    ends = [end.on for end in retiring(CATALOGUE, date(2026, 6, 1), within_days=365)]
    assert ends == sorted(ends)
    assert ends[0] == date(2026, 6, 30)
