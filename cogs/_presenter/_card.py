"""The card before money: what a prompt demands, who would make it, why, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from discord.utils import escape_markdown

from bot.brief import GENERAL
from bot.fitting import ROLE_WORDS
from bot.producer import Quote
from bot.router import CATEGORY_NAMES, Candidate, Decision
from bot.shots import Verb
from bot.texts import Tongue
from cogs._presenter._format import (
    bold,
    changes,
    dotted,
    fill,
    format_of,
    money,
    price_of,
    quoted,
    roughly,
)

_WORTH_NAMING: Final = 0.1  # the share of a category in what the words ask for
_OTHERS: Final = 2
_TIPS: Final = 1  # the most useful; `route` prints them all
_WHOLE_PROMPT: Final = 900  # a changed prompt is shown whole, as far as a message goes


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What a card says beside its quote."""

    note: str = ""
    takes: int = 1
    verb: Verb = Verb.FIRST
    parent: int | None = None
    understood: Sequence[str] = ()  # how words about a take were read
    expected_s: float | None = None
    may_spend: bool = True
    at_once: bool = False  # starts without a question


def card(t: Tongue, quote: Quote, about: Card) -> str:
    """What would be made, why and for how much, before anything is spent."""
    choice, decision = quote.choice, quote.decision
    changed = about.verb is Verb.CHANGE
    lines = [
        t.of(about.note),
        _origin(t, about),
        _head(t, quote, about),
        dotted([format_of(t, choice.fit), t("card.stage", stage=decision.stage.value)]),
        quoted(quote.brief.prompt, _WHOLE_PROMPT) if changed else quoted(quote.brief.prompt),
        _understood(t, about),
        _demands(t, decision),
        t("card.judged", model=escape_markdown(decision.judged_by)) if decision.judged_by else "",
        _why(t, quote, about),
        changes(t, choice.fit),
        _time(t, about),
        _others(t, quote),
        _left_out(t, quote),
        escape_markdown(t.of(decision.doubt)),
        *_tips(t, decision),
        _last(t, quote, about),
    ]
    return fill(t, lines)


def go_label(t: Tongue, micros: int) -> str:
    """The number on the button: more than this is never charged."""
    return t("card.go.label", price=money(t, micros))


def _origin(t: Tongue, about: Card) -> str:
    if about.parent is None:
        return ""
    return t("clip.parent_bare", verb=t(f"verb.{about.verb}"), number=about.parent).capitalize()


def _head(t: Tongue, quote: Quote, about: Card) -> str:
    choice = quote.choice
    price = price_of(t, choice)
    if about.takes > 1:
        takes = t("takes", count=about.takes)
        price = t("card.total", takes=takes, price=money(t, choice.price_micros * about.takes))
    who = t("common.via", model=bold(choice.name), provider=choice.provider)
    return f"{who} · **{price}**"


def _understood(t: Tongue, about: Card) -> str:
    words = "; ".join(t.of(line).rstrip(".") for line in about.understood)
    return t("card.understood", words=escape_markdown(words)) if words else ""


def _why(t: Tongue, quote: Quote, about: Card) -> str:
    """Why this model; nothing where we, not the person, have put it in another's place."""
    if not about.may_spend:
        return t("card.free_only")
    if quote.brief.model is not None and about.note:
        return ""
    reason = quote.decision.reason or quote.decision.headline
    return t("card.why", reason=escape_markdown(t.of(reason)))


def _time(t: Tongue, about: Card) -> str:
    if about.expected_s is None:
        return ""
    return t("card.usual_time", time=roughly(t, about.expected_s))


def _last(t: Tongue, quote: Quote, about: Card) -> str:
    if quote.free:
        return t("card.at_once_free") if about.at_once else ""
    if about.at_once:
        return t("card.at_once", price=money(t, quote.price_micros * about.takes))
    return t("card.before_go")


def _demands(t: Tongue, decision: Decision) -> str:
    """The categories the words ask for, strongest first, with the words."""
    strong = sorted(decision.weights.items(), key=lambda pair: -pair[1])[:3]
    named = [
        t.of(CATEGORY_NAMES[name]) + _because(t, decision.evidence.get(name, ()))
        for name, weight in strong
        if weight >= _WORTH_NAMING and name != GENERAL and decision.evidence.get(name)
    ]
    return t("card.asks", categories=", ".join(named)) if named else ""


def _because(t: Tongue, words: Sequence[str]) -> str:
    return f" ({escape_markdown(', '.join(t.of(word) for word in words[:3]))})"


def others_of(quote: Quote) -> list[Candidate]:
    """The next best models, each once."""
    return [c for c in quote.decision.candidates if c.model != quote.choice.model]


def _others(t: Tongue, quote: Quote) -> str:
    named = [
        f"{escape_markdown(other.name)} {price_of(t, other)}"
        for other in others_of(quote)[:_OTHERS]
    ]
    return t("card.instead", models=" · ".join(named)) if named else ""


def _left_out(t: Tongue, quote: Quote) -> str:
    """Who cannot take what is attached; without attachments nobody asks."""
    if not quote.brief.inputs:
        return ""
    named = [
        f"{escape_markdown(drop.model)} ({escape_markdown(t.of(drop.reason))})"
        for drop in quote.decision.dropped
        if any(words in drop.reason for words in ROLE_WORDS.values())
    ][:_OTHERS]
    return t("card.left_out", models=", ".join(named)) if named else ""


def _tips(t: Tongue, decision: Decision) -> list[str]:
    return [t("card.tip", tip=escape_markdown(t.of(tip))) for tip in decision.advice[:_TIPS]]
