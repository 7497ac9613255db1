"""Every system the product must offer, walked against the catalogue: it or its heir is reachable.

What the list says of each is the product's knowledge of 2026; what is offered is the catalogue's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from bot.brief import Brief
from bot.catalogue import Availability, Lifecycle, builtin_text, load
from bot.classifier import classify
from bot.lifecycle import offered, status, successor_of
from bot.models import PROVIDER_IDS
from bot.router import Decision, Facts, decide
from providers.base import MediaInput
from tests.providers.hosts import END, LOOK, MOTION, PICTURE, SOURCE

TODAY = date(2026, 11, 23)
BOOK = load(builtin_text(), None)
Needs = tuple[MediaInput, ...]


@dataclass(frozen=True, kw_only=True)
class System:
    """One line of the list: what it must take, who serves it, and what follows where it ended."""

    model: str
    needs: tuple[Needs, ...]
    through: tuple[str, ...]  # vendors that serve it today
    heir: str = ""  # where its maker has ended it


SYSTEMS = {
    "Sora 2 Pro": System(
        model="sora-2-pro",
        needs=((), (PICTURE,)),
        through=("gateway",),
        heir="gemini-omni-1.1",
    ),
    "Sora 2": System(
        model="sora-2", needs=((), (PICTURE,)), through=("gateway",), heir="gemini-omni-1.1"
    ),
    "Kling v3 Video": System(
        model="kling-v3",
        needs=((), (PICTURE,), (PICTURE, END)),
        through=("kling", "fal", "replicate"),
    ),
    "Kling V3 Motion Control": System(
        model="kling-v3-motion-control",
        needs=((PICTURE, MOTION),),
        through=("kling", "replicate", "fal"),
    ),
    "Kling V3 Omni Video": System(
        model="kling-v3-omni",
        needs=((), (LOOK,), (PICTURE,), (LOOK, MOTION), (SOURCE,)),
        through=("kling",),
    ),
    "Gen-4.5": System(model="gen-4.5", needs=((), (PICTURE,)), through=("runway", "replicate")),
    "Veo 3": System(
        model="veo-3", needs=((), (PICTURE,)), through=("fal", "replicate"), heir="veo-3.1"
    ),
    "Veo 3.1": System(
        model="veo-3.1", needs=((), (PICTURE, END)), through=("runway", "fal", "replicate")
    ),
    "LTX-2.3-Pro": System(
        model="ltx-2.3-pro", needs=((), (PICTURE, END)), through=("ltx", "fal", "replicate")
    ),
}
NEEDS = [(name, needs) for name, system in SYSTEMS.items() for needs in system.needs]


def with_keys(*names: str) -> Availability:
    return Availability(
        today=TODAY, missing={name: "no key" for name in PROVIDER_IDS if name not in names}
    )


def decided(model: str, needs: Needs, available: Availability, book=BOOK) -> Decision:
    brief = Brief(prompt="a dancer turns in the rain", model=model, inputs=needs)
    facts = Facts(max_price_micros=20_000_000, video_s=5.0)
    return decide(brief, classify(brief.prompt), book, available, facts=facts)


@pytest.mark.parametrize(("name", "needs"), NEEDS, ids=lambda value: str(value)[:40])
def test_every_system_is_reachable_with_all_it_needs(name: str, needs: Needs) -> None:
    system = SYSTEMS[name]
    choice = decided(system.model, needs, with_keys(*PROVIDER_IDS)).choice

    assert choice is not None
    assert choice.model == system.model
    assert choice.provider in system.through


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_vendor_that_serves_a_system_suffices_by_itself(name: str) -> None:
    system = SYSTEMS[name]
    for vendor in system.through:
        choice = decided(system.model, system.needs[0], with_keys(vendor)).choice
        assert choice is not None
        assert (choice.model, choice.provider) == (system.model, vendor)


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.heir])
def test_a_system_its_maker_has_ended_says_so_and_leads_to_one_that_runs(name: str) -> None:
    system = SYSTEMS[name]
    model = BOOK.models[system.model]
    others = with_keys(*(vendor for vendor in PROVIDER_IDS if vendor not in system.through))
    decision = decided(system.model, (), others)

    assert model.retires is not None
    assert model.retires <= TODAY
    assert status(model, others) is Lifecycle.RETIRED
    heir = successor_of(BOOK, model, others)
    assert heir is not None
    assert heir.id == system.heir
    assert status(heir, others) is Lifecycle.LIVE
    assert decision.choice is None
    assert decision.refusal is not None
    assert decision.refusal.successor is not None
    assert decision.refusal.successor.model == system.heir
    assert str(model.retires) in decision.refusal.message


@pytest.mark.parametrize(
    ("model", "provider", "wire_id", "key"),
    [
        ("sora-2-pro", "openai", "sora-2-pro", "retires"),
        ("sora-2-pro", "replicate", "openai/sora-2-pro", "off"),
        ("sora-2", "fal", "fal-ai/sora-2", "off"),
        ("veo-3.1", "google", "veo-3.1-generate-preview", "retires"),
    ],
)
def test_one_row_of_the_operators_brings_a_route_back(
    model: str, provider: str, wire_id: str, key: str
) -> None:
    row = f'[[models."{model}".routes]]\nprovider = "{provider}"\nwire_id = "{wire_id}"\n'
    book = load(builtin_text(), f"{row}{key} = false\n", "mine.toml")
    named = (provider, wire_id)
    routes = book.models[model].routes
    route = next(route for route in routes if (route.provider, route.wire_id) == named)

    assert offered(book.models[model], route, with_keys(provider)) == ""
    choice = decided(model, (), with_keys(provider), book).choice
    assert choice is not None
    assert choice.provider == provider


@pytest.mark.parametrize("provider", ["replicate", "fal"])
def test_any_model_of_a_many_model_platform_is_a_row(provider: str) -> None:
    """What `models add` writes; that it writes it from the host's own schema is shown there."""
    row = f"""
    [models.another]
    name = "Another"
    maker = "somebody"
    summary = "one of many"
    durations_s = [5]
    aspects = ["16:9"]
    resolutions = ["720p"]
    audio = "none"
    inputs = []
    render_s = 60
    source = "its own schema"
    verified = 2026-11-23
    base = 0.5
    base_source = "none"
    [[models.another.routes]]
    provider = "{provider}"
    wire_id = "somebody/another"
    dialect = "schema"
    options."field.prompt" = "prompt"
    source = "its own schema"
    verified = 2026-11-23
    price.confidence = "listed"
    price.source = "given"
    price.verified = 2026-11-23
    price.per_s.720p = {{ silent = 0.05 }}
    """
    choice = decided("another", (), with_keys(provider), load(builtin_text(), row, "m")).choice
    assert choice is not None
    assert (choice.model, choice.provider) == ("another", provider)
