"""One model's tables -> `Model`: every key known, every value in range, or a `TableError`.

What an operator's file changes has been laid over the table before it comes here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final

from bot.brief import CATEGORIES, MAX_PROMPT_CHARS
from bot.models import (
    PROVIDER_IDS,
    RESOLUTIONS,
    Audio,
    Confidence,
    Extra,
    Limit,
    Model,
    Price,
    PromptUnit,
    Rate,
    Route,
    Strength,
)
from bot.tables import Table
from providers.base import MediaRole

__all__ = ["read_model"]

_CAPABILITIES: Final = (
    "durations_s",
    "aspects",
    "resolutions",
    "audio",
    "inputs",
    "max_references",
    "duration_follows",
)
_MODEL_KEYS: Final = (
    "name",
    "maker",
    "family",
    "summary",
    *_CAPABILITIES,
    "requires",
    "upscales",
    "aspect_from",
    "limits",
    "max_prompt_chars",
    "render_s",
    "base",
    "base_source",
    "strengths",
    "released",
    "retires",
    "successor",
    "successor_by",
    "off",
    "source",
    "verified",
    "routes",
    "replace_routes",
)
_ROUTE_KEYS: Final = (
    "provider",
    "wire_id",
    "dialect",
    *(key for key in _CAPABILITIES if key != "duration_follows"),
    "limits",
    "extras",
    "max_prompt_chars",
    "prompt_unit",
    "options",
    "price",
    "retires",
    "off",
    "source",
    "verified",
)
_LIMIT_KEYS: Final = ("attached", "missing", "at", *_CAPABILITIES, "requires", "extras")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]*")
_LONGEST_S: Final = 600


def read_model(name: str, table: Table) -> Model:
    table.only(_MODEL_KEYS)
    table.flag("replace_routes")
    if not _ID.fullmatch(name):
        raise table.error("models", f"{name!r}: ids are small letters, digits, '.' and '-'")
    model = Model(
        id=name,
        name=table.text("name"),
        maker=table.text("maker"),
        family=table.one_of("family", ("sora", "kling")) if table.has("family") else "",
        summary=table.text("summary"),
        durations_s=_durations(table),
        aspects=_aspects(table),
        resolutions=_resolutions(table, "resolutions"),
        audio=table.choice("audio", Audio),
        inputs=table.choices("inputs", MediaRole),
        requires=_roles(table, "requires"),
        strengths=_strengths(table),
        render_s=float(table.number("render_s", low=Decimal("0.1"), high=Decimal(7200))),
        routes=(),
        source=table.text("source"),
        verified=table.day("verified"),
        released=table.day_or_none("released"),
        retires=table.day_or_none("retires"),
        successor=table.text("successor") if table.has("successor") else None,
        successor_by=_successor_by(table),
        max_prompt_chars=_count(table, "max_prompt_chars") or MAX_PROMPT_CHARS,
        off=table.text_or("off", ""),
        base=_base(table),
        base_source=table.text("base_source") if table.has("base") else "",
        limits=tuple(_limit(limit) for limit in table.tables("limits")),
        max_references=_count(table, "max_references"),
        duration_follows=_role(table, "duration_follows"),
        aspect_from=_roles(table, "aspect_from"),
        upscales=table.has("upscales") and table.flag("upscales"),
    )
    return _with_routes(model, table)


def _with_routes(model: Model, table: Table) -> Model:
    routes = tuple(_route(route, table, model) for route in table.tables("routes"))
    keys = [(route.provider, route.wire_id) for route in routes]
    for key in keys:
        if keys.count(key) > 1:
            raise table.error("routes", f"{key[0]} {key[1]} is there twice")
    return replace(model, routes=routes)


def _route(table: Table, model_table: Table, model: Model) -> Route:
    table.only(_ROUTE_KEYS)
    route = Route(
        provider=table.one_of("provider", PROVIDER_IDS),
        wire_id=table.text("wire_id"),
        dialect=table.text("dialect"),
        source=table.text("source"),
        verified=table.day("verified"),
        price=_price(table.table("price")) if table.has("price") else None,
        retires=table.day_or_none("retires"),
        off=table.text_or("off", ""),
        durations_s=_durations(table) if table.has("durations_s") else None,
        aspects=_aspects(table) if table.has("aspects") else None,
        resolutions=_resolutions(table, "resolutions") if table.has("resolutions") else None,
        audio=table.choice("audio", Audio) if table.has("audio") else None,
        inputs=table.choices("inputs", MediaRole) if table.has("inputs") else None,
        options=_options(table.table("options")),
        limits=tuple(_limit(limit) for limit in table.tables("limits")),
        extras=table.choices("extras", Extra) if table.has("extras") else (),
        max_references=_count(table, "max_references"),
        max_prompt_chars=_count(table, "max_prompt_chars"),
        prompt_unit=(
            table.choice("prompt_unit", PromptUnit)
            if table.has("prompt_unit")
            else PromptUnit.CHARACTERS
        ),
    )
    _check_narrower(table, route, model_table, model)
    return route


def _limit(table: Table) -> Limit:
    table.only(_LIMIT_KEYS)
    limit = Limit(
        attached=_roles(table, "attached"),
        missing=_roles(table, "missing"),
        at=_resolutions(table, "at") if table.has("at") else (),
        durations_s=_durations(table) if table.has("durations_s") else None,
        aspects=_aspects(table) if table.has("aspects") else None,
        resolutions=_resolutions(table, "resolutions") if table.has("resolutions") else None,
        audio=table.choice("audio", Audio) if table.has("audio") else None,
        inputs=table.choices("inputs", MediaRole) if table.has("inputs") else None,
        requires=_roles(table, "requires"),
        max_references=_count(table, "max_references"),
        duration_follows=_role(table, "duration_follows"),
        extras=table.choices("extras", Extra) if table.has("extras") else None,
    )
    if not (limit.attached or limit.missing or limit.at):
        raise table.error("attached", "a limit needs a condition: attached, missing or at")
    late = [key for key in _LIMIT_KEYS[3:] if table.has(key) and key not in ("durations_s",)]
    if limit.at and late:
        raise table.error(late[0], "with 'at' only durations_s can be limited")
    return limit


def _check_narrower(table: Table, route: Route, model_table: Table, model: Model) -> None:
    """What a model cannot do no route of it can: else one of the two is a typing mistake."""
    wider = {
        "durations_s": set(route.durations_s or ()) - set(model.durations_s),
        "aspects": set(route.aspects or ()) - set(model.aspects),
        "resolutions": set(route.resolutions or ()) - set(model.resolutions),
        "inputs": set(route.inputs or ()) - set(model.inputs),
    }
    for key, values in wider.items():
        if values and not _narrowed_later(model_table, table, key):
            words = ", ".join(str(value) for value in sorted(values, key=str))
            raise table.error(key, f"{words} is not among the model's: narrow this or widen that")


def _narrowed_later(model_table: Table, table: Table, key: str) -> bool:
    """An operator narrowed the model; routes that say more were written before that."""
    file = model_table.origin(key).file
    return file != model_table.place.file and file != table.origin(key).file


def _price(table: Table) -> Price:
    table.only(("per_s", "with_video_input", "minimum_usd", "confidence", "source", "verified"))
    price = Price(
        per_s=_rates(table.table("per_s")),
        confidence=table.choice("confidence", Confidence),
        source=table.text("source"),
        verified=table.day("verified"),
        minimum_micros=_micros(table, "minimum_usd") or 0,
        with_video_input=_rates(table.table("with_video_input")),
    )
    if not price.per_s:
        raise table.error("per_s", "missing: USD per second for each resolution")
    return price


def _rates(table: Table) -> dict[str, Rate]:
    table.only(RESOLUTIONS)
    return {name: _rate(table.table(name)) for name in table.values if table.has(name)}


def _rate(table: Table) -> Rate:
    table.only(("silent", "audio", "confidence"))
    rate = Rate(
        silent_micros=_micros(table, "silent"),
        audio_micros=_micros(table, "audio"),
        confidence=(table.choice("confidence", Confidence) if table.has("confidence") else None),
    )
    if rate.silent_micros is None and rate.audio_micros is None:
        raise table.error("silent", "missing: say silent, audio or both, in USD per second")
    return rate


def _micros(table: Table, key: str) -> int | None:
    """USD as written -> exact integer micro-USD."""
    if not table.has(key):
        return None
    micros = table.number(key, low=Decimal(0), high=Decimal(1000)) * 1_000_000
    if micros != int(micros):
        raise table.error(key, "must be whole micro-USD: six digits after the point at most")
    return int(micros)


def _strengths(table: Table) -> dict[str, Strength]:
    given = table.table("strengths")
    given.only(CATEGORIES)
    base = _base(table)
    return {category: _strength(table, given, category, base) for category in CATEGORIES}


def _strength(table: Table, given: Table, category: str, base: float | None) -> Strength:
    if not given.has(category):
        if base is None:
            raise table.error("base", f"missing, and strengths.{category} is not given either")
        return Strength(value=base, source="none")
    entry = given.table(category)
    entry.only(("value", "source"))
    value = float(entry.number("value", low=Decimal(0), high=Decimal(1)))
    return Strength(value=value, source=entry.text("source"))


def _base(table: Table) -> float | None:
    if not table.has("base"):
        return None
    return float(table.number("base", low=Decimal(0), high=Decimal(1)))


def _durations(table: Table) -> tuple[int, ...]:
    """A list of whole seconds, or "3-15" for every second of a range."""
    value = table.need("durations_s")
    if isinstance(value, str) and (span := re.fullmatch(r"(\d{1,3})-(\d{1,3})", value)):
        seconds = list(range(int(span[1]), int(span[2]) + 1))
    else:
        seconds = [n for n in table.items("durations_s") if type(n) is int]
        if len(seconds) != len(table.items("durations_s")):
            raise table.error("durations_s", 'must be whole seconds, as [5, 10] or "3-15"')
    if not seconds or min(seconds) < 1 or max(seconds) > _LONGEST_S:
        raise table.error("durations_s", f"must name seconds from 1 to {_LONGEST_S}")
    return tuple(sorted(set(seconds)))


def _aspects(table: Table) -> tuple[str, ...]:
    aspects = table.items("aspects")
    texts = [aspect for aspect in aspects if isinstance(aspect, str)]
    if not texts or len(texts) != len(aspects):
        raise table.error("aspects", 'must be ratios, as ["16:9", "9:16"]')
    for text in texts:
        if not re.fullmatch(r"[1-9]\d{0,4}:[1-9]\d{0,4}", text):
            raise table.error("aspects", f"{text!r} is not a ratio as 16:9")
    return tuple(texts)


def _resolutions(table: Table, key: str) -> tuple[str, ...]:
    named = table.some_of(key, RESOLUTIONS)
    if not named:
        raise table.error(key, f"must name one of {', '.join(RESOLUTIONS)}")
    return tuple(name for name in RESOLUTIONS if name in named)


def _roles(table: Table, key: str) -> tuple[MediaRole, ...]:
    return table.choices(key, MediaRole) if table.has(key) else ()


def _role(table: Table, key: str) -> MediaRole | None:
    return table.choice(key, MediaRole) if table.has(key) else None


def _count(table: Table, key: str) -> int | None:
    return table.whole(key, low=1, high=1_000_000) if table.has(key) else None


def _options(table: Table) -> dict[str, str]:
    return {key: table.text_or(key, "") for key in table.values}


def _successor_by(table: Table) -> str:
    return table.one_of("successor_by", ("maker", "ours")) if table.has("successor") else ""
