"""Models for one person's eyes: what can run here, what cannot and why, and one in detail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from discord.utils import escape_markdown

from bot.desk import ModelCard
from bot.models import Audio, Lifecycle, Price, Rate, Route
from bot.money import usd
from bot.producer import Listing
from bot.router import CATEGORY_NAMES
from bot.texts import Text, Tongue
from cogs._presenter._format import ago, bold, dotted, fill, roughly

_USUAL: Final = ("720p", "1080p", "1024p", "768p")  # whose price stands for a model
_BEST: Final = 2  # strengths in the list
_KNOWN: Final = 6  # strengths of one model
_FOR_GOOD: Final = ("off.retired", "off.no_price", "off.switched_off")


def model_list(t: Tongue, cards: Sequence[ModelCard]) -> str:
    """What can run here now; what cannot, by reason; what has ended, and what came after it."""
    live = [card for card in cards if card.listing.status is Lifecycle.LIVE]
    off = [card.listing for card in cards if card.listing.status is Lifecycle.OFF]
    retired = [card.listing for card in cards if card.listing.status is Lifecycle.RETIRED]
    waits = {name: why for card in live for name, why in card.listing.waits.items()}
    lines = [
        t("models.live") if live else t("models.none_live"),
        *[_live_line(t, card) for card in live],
        *[t("models.waits", provider=name, why=t.of(why)) for name, why in waits.items()],
        t("models.off") if off else "",
        *_off_lines(t, off),
        t("models.retired") if retired else "",
        *[_retired_line(t, listing) for listing in retired],
    ]
    return fill(t, lines)


def model_card(t: Tongue, card: ModelCard) -> str:
    """One model: what it makes, from what, how well, for how much, how fast, until when."""
    listing, model = card.listing, card.listing.model
    ends = t("models.ends", day=listing.ends_on) if listing.ends_on else ""
    lines = [
        dotted([t("models.by", model=bold(model.name), maker=model.maker), f"`{model.id}`", ends]),
        escape_markdown(model.summary),
        _standing(t, listing),
        _formats(t, listing),
        _inputs(t, listing),
        _strengths(t, listing),
        _prices(t, listing),
        t("models.speed", time=roughly(t, card.expected_s)) if card.expected_s else "",
        *[_route_line(t, listing, route, why) for route, why in listing.routes],
        t("models.verified", day=model.verified),
    ]
    return fill(t, lines)


def _live_line(t: Tongue, card: ModelCard) -> str:
    listing, model = card.listing, card.listing.model
    known = [name for name, belief in model.strengths.items() if belief.source != "none"]
    best = sorted(known, key=lambda name: -model.strengths[name].value)[:_BEST]
    time = roughly(t, card.expected_s) if card.expected_s else ""
    facts = [
        bold(model.name),
        _per_second(t, _price_of(listing)),
        t("models.takes_about", time=time) if time else "",
        ", ".join(t.of(CATEGORY_NAMES[name]) for name in best),
        f"**{t('models.ends', day=listing.ends_on)}**" if listing.ends_on else "",
    ]
    return f"- {dotted(facts)}"


def _off_lines(t: Tongue, listings: Sequence[Listing]) -> list[str]:
    """Models under the reason they share."""
    grouped: dict[str, list[str]] = {}
    for listing in listings:
        grouped.setdefault(_why_off(t, listing), []).append(escape_markdown(listing.model.name))
    return [t("models.off_line", names=", ".join(names), why=why) for why, names in grouped.items()]


def _retired_line(t: Tongue, listing: Listing) -> str:
    name = escape_markdown(listing.model.name)
    if listing.successor is None:
        return t("models.retired_bare", name=name)
    return t("models.retired_line", name=name, successor=bold(listing.successor.name))


def _why_off(t: Tongue, listing: Listing) -> str:
    """What stands in the way on the routes somebody could open."""
    mendable = [(route, why) for route, why in listing.routes if _key(why) not in _FOR_GOOD]
    reasons = [_reason(t, listing, route, why) for route, why in mendable or listing.routes]
    return "; ".join(dict.fromkeys(reasons))


def _key(why: str) -> str:
    return why.key if isinstance(why, Text) else ""


def _reason(t: Tongue, listing: Listing, route: Route, why: str) -> str:
    """Why a route is off, and since when where its vendor is paused."""
    words = str(t.of(why))
    if _key(why) != "off.paused":
        return words
    words = escape_markdown(words, as_needed=True)  # the vendor's own are among them
    since = listing.paused_since.get(route.provider)
    return t("models.since", why=words, when=ago(since)) if since else words


def _standing(t: Tongue, listing: Listing) -> str:
    if listing.status is Lifecycle.LIVE:
        words = t("models.can_run")
    elif listing.status is Lifecycle.OFF:
        words = t("models.cannot_run", why=_why_off(t, listing))
    else:
        words = t("models.is_gone")
    heir = listing.successor
    after = t("models.comes_after", successor=bold(heir.name)) if heir else ""
    return " ".join(part for part in (words, after) if part)


def _formats(t: Tongue, listing: Listing) -> str:
    model = listing.model
    sound = {
        Audio.NONE: "models.sound_none",
        Audio.OPTIONAL: "models.sound_optional",
        Audio.ALWAYS: "models.sound_always",
    }
    lengths = ", ".join(str(seconds) for seconds in _thinned(model.durations_s))
    facts = [
        t("models.lengths", lengths=lengths) if lengths else "",
        ", ".join(model.aspects),
        ", ".join(model.resolutions),
        t(sound[model.audio]),
    ]
    return dotted(facts)


def _thinned(seconds: Sequence[int]) -> Iterable[int | str]:
    """Every length, or a run of them as "3-15"."""
    whole = list(range(seconds[0], seconds[-1] + 1)) if seconds else []
    if len(seconds) > 3 and list(seconds) == whole:
        return [f"{seconds[0]}-{seconds[-1]}"]
    return seconds


def _inputs(t: Tongue, listing: Listing) -> str:
    model = listing.model
    takes = ", ".join(t(f"media.{role}") for role in model.inputs)
    needs = ", ".join(t(f"media.{role}") for role in model.requires)
    return dotted(
        [
            t("models.takes", inputs=takes) if takes else "",
            t("models.needs", inputs=needs) if needs else "",
        ]
    )


def _strengths(t: Tongue, listing: Listing) -> str:
    known = [
        (belief.value, name)
        for name, belief in listing.model.strengths.items()
        if belief.source != "none"
    ]
    if not known:
        return t("models.no_evidence")
    named = [
        f"{t.of(CATEGORY_NAMES[name])} {value:.2f}"
        for value, name in sorted(known, key=lambda pair: (-pair[0], pair[1]))[:_KNOWN]
    ]
    return t("models.strengths", strengths=" · ".join(named))


def _prices(t: Tongue, listing: Listing) -> str:
    price = _price_of(listing)
    if price is None:
        return ""
    named = [f"{size} {_rate(t, rate)}" for size, rate in price.per_s.items()]
    return t("models.prices", prices=" · ".join(named))


def _price_of(listing: Listing) -> Price | None:
    """Of the route that would be taken, else of the first that has one."""
    routes = [route for route, why in listing.routes if not why] + [r for r, _ in listing.routes]
    return next((route.price for route in routes if route.price is not None), None)


def _rate(t: Tongue, rate: Rate) -> str:
    silent, sound = rate.silent_micros, rate.audio_micros
    if silent is None or sound is None or silent == sound:
        return _amount(t, silent if silent is not None else sound)
    return t("models.price_silent_sound", silent=_amount(t, silent), sound=_amount(t, sound))


def _amount(t: Tongue, micros: int | None) -> str:
    return usd(micros) if micros else t("common.free")


def _per_second(t: Tongue, price: Price | None) -> str:
    if price is None:
        return ""
    names = [name for name in _USUAL if name in price.per_s] or list(price.per_s)
    rate = price.per_s[names[0]]
    micros = rate.audio_micros if rate.silent_micros is None else rate.silent_micros
    return f"{usd(micros)}/s" if micros else t("common.free")


def _route_line(t: Tongue, listing: Listing, route: Route, why: str) -> str:
    how = _reason(t, listing, route, why) if why else t("models.offered")
    if not why and route.retires:
        how = t("models.route_ends", how=how, day=route.retires)
    return t("models.route", provider=route.provider, how=how)
