"""The shipped rows are whole; an operator's file changes what it says and no more."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.brief import CATEGORIES
from bot.catalogue import Audio, Catalogue, CatalogueError, Confidence, builtin_text, load, parse
from bot.errors import ConfigError
from bot.models import PROVIDER_IDS, Limit, Model, Rate, Route
from providers.base import MediaRole

CAPTURED = date(2026, 11, 23)  # the day the shipped rows were written
SMALL = (Path(__file__).parent / "data" / "catalogue-small.toml").read_text(encoding="utf-8")
GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-model.md"

BUILTIN = load(builtin_text(), None)
MODELS = tuple(BUILTIN.models.values())
ROUTES = tuple((model, route) for model in MODELS for route in model.routes)

every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
every_route = pytest.mark.parametrize(
    ("model", "route"), ROUTES, ids=[f"{m.id}@{r.provider}:{r.wire_id}" for m, r in ROUTES]
)


def laid_over(overlay: str) -> Catalogue:
    return load(SMALL, overlay, "mine.toml")


def test_builtin_offers_every_system_of_the_article_and_its_heirs() -> None:
    wanted = {"sora-2-pro", "sora-2", "kling-v3", "kling-v3-motion-control", "kling-v3-omni"}
    wanted |= {"gen-4.5", "veo-3", "veo-3.1", "gemini-omni-1.1", "ltx-2.3-pro", "ltx-2.3-fast"}
    assert wanted | {"local"} <= set(BUILTIN.models)
    assert {route.provider for _, route in ROUTES} == set(PROVIDER_IDS)


@every_model
def test_builtin_model_has_ten_strengths_with_sources(model: Model) -> None:
    assert tuple(model.strengths) == CATEGORIES
    assert all(
        0 <= strength.value <= 1 and strength.source for strength in model.strengths.values()
    )
    neutral = {strength.value for strength in model.strengths.values() if strength.source == "none"}
    assert neutral <= {model.base}
    assert model.base is None or model.base_source


@every_model
def test_builtin_model_that_its_maker_ended_names_a_living_heir(model: Model) -> None:
    heir = model
    while heir.retires is not None and heir.retires <= CAPTURED:
        assert heir.successor is not None
        assert heir.successor_by in ("maker", "ours")
        heir = BUILTIN.models[heir.successor]


@every_route
def test_builtin_route_sells_exactly_the_sizes_it_offers(model: Model, route: Route) -> None:
    if route.price is None:
        return
    sizes = route.resolutions or model.resolutions
    assert tuple(name for name in model.resolutions if name in route.price.per_s) == sizes
    assert set(route.price.per_s) == set(sizes)
    audio = route.audio or model.audio
    for rate in (*route.price.per_s.values(), *route.price.with_video_input.values()):
        assert audio is not Audio.NONE or rate.audio_micros is None
        assert audio is not Audio.ALWAYS or rate.silent_micros is None


@every_route
def test_builtin_route_is_dated_and_explained(model: Model, route: Route) -> None:
    dates = [route.verified] + ([route.price.verified] if route.price else [])
    assert all(date(2026, 1, 1) <= day <= CAPTURED for day in dates)
    disputed = route.price is not None and route.price.confidence is Confidence.DISPUTED
    assert not disputed or "disagree" in route.price.source  # type: ignore[union-attr]
    assert (route.provider == "local") == (model.id == "local")


@every_route
def test_builtin_limits_leave_something_of_what_the_model_offers(
    model: Model, route: Route
) -> None:
    for limit in (*model.limits, *route.limits):
        assert set(limit.durations_s or model.durations_s) <= set(model.durations_s)
        assert set(limit.aspects or model.aspects) <= set(model.aspects)
        assert set(limit.resolutions or model.resolutions) <= set(model.resolutions)
        assert set(limit.inputs or model.inputs) <= set(model.inputs)


def test_builtin_prices_are_those_of_the_lists() -> None:
    def rate(model: str, provider: str, size: str) -> Rate:
        found = next(r for r in BUILTIN.models[model].routes if r.provider == provider)
        assert found.price is not None
        return found.price.per_s[size]

    assert rate("sora-2-pro", "gateway", "1024p").audio_micros == 500_000
    assert rate("kling-v3", "kling", "720p") == Rate(silent_micros=84_000, audio_micros=126_000)
    assert rate("kling-v3", "replicate", "1080p").silent_micros == 224_000
    assert rate("gemini-omni-1.1", "google", "720p").audio_micros == 101_360
    assert rate("ltx-2.3-fast", "ltx", "4k").silent_micros == 240_000
    assert rate("local", "local", "720p").silent_micros == 0


def test_sora_2_stands_a_step_below_sora_2_pro() -> None:
    step = {1.0: 0.85, 0.85: 0.7, 0.7: 0.5, 0.5: 0.4, 0.4: 0.4}
    pro, base = BUILTIN.models["sora-2-pro"].strengths, BUILTIN.models["sora-2"].strengths
    assert {c: step[s.value] for c, s in pro.items()} == {c: s.value for c, s in base.items()}


def test_parse_reads_every_kind_of_value() -> None:
    alpha = parse(SMALL, file="small.toml").models["alpha"]
    assert alpha.durations_s == (5, 10)
    assert alpha.limits == (
        Limit(attached=(MediaRole.LAST_FRAME,), requires=(MediaRole.FIRST_FRAME,)),
    )
    assert alpha.strengths["style"].value == 0.9
    assert alpha.strengths["environment"].source == "none"
    assert alpha.retires == date(2026, 1, 31)
    assert alpha.routes[0].options == {"text": "t2v"}
    assert alpha.routes[0].price is not None
    assert alpha.routes[0].price.minimum_micros == 500_000


def test_parse_takes_a_span_of_seconds_and_a_byte_order_mark() -> None:
    assert parse("\ufeff" + SMALL, file="s").models["beta"].durations_s == (3, 4, 5, 6)


@given(micros=st.integers(0, 1000 * 10**6))
@settings(max_examples=50)
def test_prices_are_exact_whatever_the_number(micros: int) -> None:
    usd = Decimal(micros) / 10**6
    text = SMALL.replace("silent = 0.15", f"silent = {usd:f}")
    price = parse(text, file="s").models["alpha"].routes[1].price
    assert price is not None
    assert price.per_s["720p"].silent_micros == micros


@given(at=st.integers(0, len(SMALL) - 1), character=st.sampled_from('x"[]{}=.\n0'))
@settings(max_examples=150)
def test_any_slip_of_the_pen_is_read_or_refused_with_the_file(at: int, character: str) -> None:
    text = SMALL[:at] + character + SMALL[at + 1 :]
    refusal = ""
    try:
        parse(text, file="slip.toml")
    except CatalogueError as error:
        refusal = error.user_message
    assert refusal == "" or re.match(r"slip\.toml(: |, line \d+: )", refusal)


def test_revision_changes_with_any_byte() -> None:
    plain, spaced = parse(SMALL, file="s"), parse(SMALL + " ", file="s")
    overlaid = load(SMALL, "", "mine.toml"), load(SMALL, "# x", "mine.toml")
    assert plain.revision == parse(SMALL, file="elsewhere").revision
    assert len({plain.revision, spaced.revision, overlaid[1].revision}) == 3


def test_overlay_replaces_given_keys_and_keeps_the_rest() -> None:
    alpha = laid_over('models.alpha = { name = "Mine", render_s = 5 }').models["alpha"]
    assert (alpha.name, alpha.render_s, alpha.maker) == ("Mine", 5.0, "A")
    assert len(alpha.routes) == 2


def test_overlay_merges_strengths_one_by_one() -> None:
    text = 'models.alpha.strengths.style = { value = 0.2, source = "us" }'
    strengths = laid_over(text).models["alpha"].strengths
    assert (strengths["style"].value, strengths["style"].source) == (0.2, "us")
    assert strengths["speed"].value == 0.8


def test_overlay_changes_a_route_key_by_key() -> None:
    text = '[[models.alpha.routes]]\nprovider = "fal"\nwire_id = "alpha"\ndialect = "other"'
    routes = laid_over(text).models["alpha"].routes
    assert [(r.provider, r.dialect) for r in routes] == [("kling", "d"), ("fal", "other")]
    assert routes[1].resolutions == ("720p",)
    assert routes[1].price is not None


NEW_ROUTE = """
[[models.alpha.routes]]
provider = "gateway"
wire_id = "alpha"
dialect = "videos"
source = "us"
verified = 2026-02-01
"""


def test_overlay_puts_a_new_route_in_front() -> None:
    routes = laid_over(NEW_ROUTE).models["alpha"].routes
    assert [r.provider for r in routes] == ["gateway", "kling", "fal"]
    assert routes[0].price is None


def test_overlay_replaces_all_routes_when_told() -> None:
    text = "[models.alpha]\nreplace_routes = true\n" + NEW_ROUTE
    assert [r.provider for r in laid_over(text).models["alpha"].routes] == ["gateway"]


@pytest.mark.parametrize("none", ["false", '""'])
def test_overlay_brings_a_retired_model_and_route_back(none: str) -> None:
    text = f"""
    [models.alpha]
    retires = {none}
    [[models.alpha.routes]]
    provider = "kling"
    wire_id = "alpha-1"
    retires = {none}
    """
    alpha = laid_over(text).models["alpha"]
    assert alpha.retires is None
    assert alpha.routes[0].retires is None


def test_overlay_switches_off_and_on_again() -> None:
    off = '[models.alpha]\noff = "no licence"\n[[models.alpha.routes]]\nprovider = "fal"\n'
    off += 'wire_id = "alpha"\noff = "too dear"\n'
    alpha = laid_over(off).models["alpha"]
    assert (alpha.off, alpha.routes[1].off) == ("no licence", "too dear")
    on = load(off_by_default(), "[models.alpha]\noff = false", "mine.toml").models["alpha"]
    assert on.off == ""


def off_by_default() -> str:
    return SMALL.replace('name = "Alpha"', 'name = "Alpha"\noff = "not yet"')


def test_overlay_takes_a_price_away_and_a_successor() -> None:
    text = '[models.alpha]\nsuccessor = false\n[[models.alpha.routes]]\nprovider = "fal"\n'
    alpha = laid_over(text + 'wire_id = "alpha"\nprice = false\n').models["alpha"]
    assert (alpha.successor, alpha.successor_by) == (None, "")
    assert alpha.routes[1].price is None


def test_overlay_may_narrow_a_model_whose_routes_said_more() -> None:
    alpha = laid_over('models.alpha.resolutions = ["1080p"]').models["alpha"]
    assert alpha.resolutions == ("1080p",)
    assert alpha.routes[1].resolutions == ("720p",)


def test_overlay_adds_a_whole_model() -> None:
    text = SMALL[SMALL.index("[models.beta]") :].replace("models.beta", "models.gamma")
    assert list(laid_over(text).models) == ["alpha", "beta", "gamma"]


def guide_examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", guide_examples())
def test_examples_of_the_guide_are_accepted(example: str) -> None:
    assert load(builtin_text(), example, "mine.toml").revision != BUILTIN.revision


ROUTE = '[[models.alpha.routes]]\nprovider = "fal"\nwire_id = "alpha"\n'
REFUSED = {
    "top level": ("model.alpha = {}", ("top level", "'model'", "did you mean 'models'?")),
    "unknown key": (
        "models.alpha.durations = [5]",
        ("[models.alpha]", "did you mean 'durations_s"),
    ),
    "category": (
        "models.alpha.strengths.styl = { value = 1, source = 'x' }",
        ("[models.alpha.strengths]", "'styl'", "did you mean 'style'", "human_motion"),
    ),
    "strength key": (
        "models.alpha.strengths.style = { valeu = 1, source = 'x' }",
        ("[models.alpha.strengths.style]", "did you mean 'value'"),
    ),
    "strength range": (
        "models.alpha.strengths.style = { value = 1.5, source = 'x' }",
        ("[models.alpha.strengths.style]", "'value'", "from 0 to 1"),
    ),
    "strength not a number": (
        "models.alpha.strengths.style = { value = nan, source = 'x' }",
        ("'value'", "from 0 to 1"),
    ),
    "bare strength": ("models.alpha.strengths.style = 0.5", ("'style'", "must be a table")),
    "provider": (
        ROUTE.replace("fal", "falai"),
        ("[models.alpha.routes #1]", "'provider'", "gateway", "did you mean 'fal'"),
    ),
    "route key": (ROUTE + "wireid = 'x'", ("[models.alpha.routes #1]", "did you mean 'wire_id'")),
    "routes no list": ("models.alpha.routes = 1", ("[models.alpha]", "'routes'", "list of tables")),
    "route no table": ("models.alpha.routes = [1]", ("'routes'", "must be a table")),
    "no wire id": (
        '[[models.alpha.routes]]\nprovider = "fal"',
        ("[models.alpha.routes #1]", "'wire_id'", "missing"),
    ),
    "new route half done": (
        ROUTE.replace('"alpha"', '"other"'),
        ("[models.alpha.routes #1]", "'dialect'", "missing"),
    ),
    "wrong type": ("models.alpha.name = 5", ("[models.alpha]", "'name'", "must be text")),
    "empty text": ("models.alpha.name = ' '", ("'name'", "must be text")),
    "number as text": ("models.alpha.render_s = '60'", ("'render_s'", "must be a number")),
    "truth as number": ("models.alpha.render_s = true", ("'render_s'", "must be a number")),
    "half a character": ("models.alpha.max_prompt_chars = 1.5", ("must be a whole number",)),
    "date as text": (ROUTE + "retires = 'soon'", ("'retires'", "date without quotes")),
    "date and time": ("models.alpha.verified = 2026-01-01T00:00:00Z", ("'verified'", "date")),
    "audio": ("models.alpha.audio = 'sometimes'", ("'audio'", "none, optional, always")),
    "input": ("models.alpha.inputs = ['fisrt_frame']", ("'inputs'", "did you mean 'first_frame'")),
    "inputs no list": ("models.alpha.inputs = 'motion'", ("'inputs'", "must be a list")),
    "no durations": ("models.alpha.durations_s = []", ("'durations_s'", "seconds from 1 to 600")),
    "endless": ("models.alpha.durations_s = [5, 9000]", ("'durations_s'", "from 1 to 600")),
    "half seconds": ("models.alpha.durations_s = [5, 7.5]", ("'durations_s'", '"3-15"')),
    "true seconds": ("models.alpha.durations_s = [true]", ("'durations_s'", "whole seconds")),
    "backward span": ("models.alpha.durations_s = '9-3'", ("'durations_s'", "from 1 to 600")),
    "no aspects": ("models.alpha.aspects = []", ("'aspects'", "must be ratios")),
    "aspect": ("models.alpha.aspects = ['wide']", ("'aspects'", "not a ratio as 16:9")),
    "resolution": ("models.alpha.resolutions = ['720']", ("480p", "did you mean '720p'")),
    "no resolution": ("models.alpha.resolutions = []", ("'resolutions'", "must name one of")),
    "family": ("models.alpha.family = 'klign'", ("'family'", "did you mean 'kling'")),
    "flag": ("models.alpha.replace_routes = 'yes'", ("'replace_routes'", "true or false")),
    "successor": ("models.alpha.successor = 'bta'", ("[models.alpha]", "did you mean 'beta'")),
    "successor in a ring": (
        "models.beta = { successor = 'alpha', successor_by = 'ours' }",
        ("'successor'", "leads back"),
    ),
    "whose successor": ("models.alpha.successor_by = 'they'", ("'successor_by'", "maker, ours")),
    "unknown model": ("models.alhpa.name = 'x'", ("[models.alhpa]", "did you mean 'alpha'")),
    "model id": ("models.'Big Model' = { maker = 'x' }", ("small letters",)),
    "model no table": ("models.alpha = 5", ("'alpha'", "must be a table")),
    "price key": (ROUTE + "price = { usd = 1 }", ("[models.alpha.routes #1.price]", "'usd'")),
    "price without rates": (
        ROUTE + "price = { confidence = 'listed', source = 's', verified = 2026-01-01 }",
        ("[models.alpha.routes #1.price]", "'per_s'"),
    ),
    "negative price": (ROUTE + "price.per_s.720p.silent = -1", ("per_s.720p]", "'silent'")),
    "price too fine": (ROUTE + "price.per_s.720p.silent = 0.0000001", ("six digits",)),
    "rate of nothing": (ROUTE + "price.per_s.720p = {}", ("per_s.720p]", "'silent'")),
    "rate key": (ROUTE + "price.per_s.720p.loud = 1", ("'loud'", "silent, audio")),
    "rate size": (ROUTE + "price.per_s.721p.silent = 1", ("per_s]", "did you mean '720p'")),
    "confidence": (ROUTE + "price.per_s.720p = { silent = 1, confidence = 'sure' }", ("disputed",)),
    "wider than the model": (
        ROUTE + "durations_s = [5, 15]",
        ("[models.alpha.routes #1]", "'durations_s'", "15 is not among the model's"),
    ),
    "limit without condition": (
        "models.alpha.limits = [{ durations_s = [5] }]",
        ("[models.alpha.limits #1]", "condition"),
    ),
    "limit at a size": (
        "models.alpha.limits = [{ at = ['1080p'], aspects = ['16:9'] }]",
        ("[models.alpha.limits #1]", "'aspects'", "only durations_s"),
    ),
    "base": ("models.alpha.base = false", ("[models.alpha]", "'base'", "missing")),
    "option": (ROUTE + "options.fps = 25", ("[models.alpha.routes #1.options]", "'fps'", "text")),
    "taken away": ("models.alpha.audio = false", ("[models.alpha]", "'audio'", "missing")),
    "extra": (ROUTE + "extras = ['sed']", ("'extras'", "did you mean 'seed'")),
}


@pytest.mark.parametrize(("overlay", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_overlay_is_refused_with_file_table_key_and_what_is_allowed(
    overlay: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(CatalogueError) as caught:
        laid_over(overlay)
    message = caught.value.user_message
    assert message.startswith("mine.toml: ")
    assert [word for word in words if word not in message] == []


def test_two_routes_of_one_name_are_refused() -> None:
    with pytest.raises(CatalogueError, match="kling alpha-1 is there twice"):
        parse(SMALL + SMALL_ROUTE, file="small.toml")


SMALL_ROUTE = """
[[models.beta.routes]]
provider = "kling"
wire_id = "alpha-1"
dialect = "d"
source = "s"
verified = 2026-01-01
[[models.beta.routes]]
provider = "kling"
wire_id = "alpha-1"
dialect = "d"
source = "s"
verified = 2026-01-01
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\nmodels = = 1", 3),
        ("models.alpha.verified = 2026-13-01", 1),
        ("a = 1\nmodels = [", 2),
        ("a = 1\na = 2", 2),
        ("a = 1e99999999999999999999", 1),
        ("a = " + "9" * 5000, 1),
    ],
)
def test_broken_toml_is_refused_with_file_and_line(text: str, line: int) -> None:
    with pytest.raises(CatalogueError, match=rf"^mine\.toml, line {line}: not TOML"):
        laid_over(text)


def test_our_own_mistake_names_our_file_under_an_overlay() -> None:
    with pytest.raises(ConfigError, match=r"^catalogue\.toml: \[models\.alpha\], key 'name'"):
        load(SMALL.replace('name = "Alpha"', "name = 1"), "models.alpha.maker = 'x'", "mine.toml")


def test_unnamed_overlay_is_called_by_its_variable() -> None:
    with pytest.raises(CatalogueError, match=r"^CATALOGUE: "):
        load(SMALL, "x = 1")
