"""Why this model, in the terms of the sum that chose it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from bot.brief import GENERAL
from bot.money import usd
from bot.router.decision import CATEGORY_NAMES, Candidate
from bot.router.ranking import FAILURE_WEIGHT, TIE, Ask, Entry, Ranking
from bot.texts import Text, join, say

__all__ = ["MATTERS", "describe", "doubt", "headline", "reason"]

MATTERS: Final = 0.15  # the share of the weights from which a category counts as asked for
CLOSE: Final = 0.06  # closer than this, and hardly any evidence: say so
THIN: Final = 0.4
SOON: Final = timedelta(days=30)
OFTEN: Final = 0.05  # failures worth a word
AUDIBLE: Final = 0.005  # a term that would not round to 0.00
NEARLY: Final = 0.1  # qualities this close are "nearly as good"
HALF: Final = 0.55  # of a price: from here down it is "half", from THIRD down "a third"
THIRD: Final = 0.36
WORDS: Final = 2  # of the prompt, quoted in a reason
LINE: Final = 110  # letters of a reason, else without the words


def describe(ask: Ask, entry: Entry) -> Candidate:
    plan = entry.plan
    return Candidate(
        model=entry.id,
        name=entry.model.name,
        provider=plan.provider,
        wire_id=plan.wire_id,
        dialect=plan.dialect,
        fit=plan.fit,
        price_micros=plan.price_micros,
        confidence=plan.confidence,
        quality=entry.standing.quality,
        wait_s=entry.standing.wait_s,
        failure_rate=entry.standing.failure_rate,
        score=entry.score,
        reasons=_reasons(ask, entry),
        routes=entry.verdict.plans,
    )


def headline(ask: Ask, ranking: Ranking, chosen: Entry) -> str:
    """One line: the choice, the difference to what it is measured against, the team's own word."""
    team = _said_by_team(ask, chosen)
    return f"{_measured(ask, ranking, chosen)}; {team}" if team else _measured(ask, ranking, chosen)


def _said_by_team(ask: Ask, chosen: Entry) -> str:
    """What the team's votes say about this model, in the category asked for most."""
    taught = ask.facts.preferences.get(chosen.id, {})
    for name, weight in sorted(ask.demand.items(), key=lambda pair: -pair[1]):
        if weight >= MATTERS and name in taught and taught[name].voted:
            return taught[name].sentence
    return ""


def _measured(ask: Ask, ranking: Ranking, chosen: Entry) -> str:
    name, models = chosen.model.name, ranking.models
    if chosen.local:
        return f"A free {_storyboard(ask)}"
    if ask.brief.model and ranking.entries[0].local:
        return f"{name}, as you asked; else the storyboard, which is free"
    if ask.brief.model and models[0].id == chosen.id:
        return f"{name}, as you asked; it would be the choice anyway"
    if ask.brief.model:
        return f"{name}, as you asked; else {_over(ask, models[0], chosen)}"
    if len(models) == 1:
        return f"{name}: the only model that can make this here now"
    rival = next((entry for entry in models[1:] if entry.score != chosen.score), models[1])
    return _over(ask, chosen, rival)


def doubt(ranking: Ranking, confidence: float) -> str:
    """Where little is known and two are close, say so instead of pretending."""
    if confidence >= THIN or len(ranking.models) < 2:
        return ""
    first, second = ranking.models[:2]
    if round(abs(first.score - second.score), 6) > CLOSE:
        return ""
    both = usd(first.price_micros + second.price_micros)
    return say("why.doubt", first=first.model.name, second=second.model.name, price=both)


def reason(ask: Ask, ranking: Ranking, chosen: Entry) -> Text:
    """Why this model, for people: what it is good at here, and the trade where it matters."""
    if chosen.local:
        return say("why.storyboard_keyless" if ask.shelf.keyless else "why.storyboard")
    if ask.brief.model:
        return _as_asked(ask, ranking, chosen)
    return _team(ask, chosen) or _own_merit(ask, ranking.models, chosen)


def _as_asked(ask: Ask, ranking: Ranking, chosen: Entry) -> Text:
    first = ranking.entries[0]
    if first.local:
        return say("why.asked_free")
    if first.id == chosen.id:
        best = _best_at(ask, ranking.models, chosen)
        return _worded(ask, best, "why.asked_best") if best else say("why.asked_first")
    rival, price = first.model.name, usd(first.price_micros)
    if first.standing.quality - chosen.standing.quality >= AUDIBLE:
        what = _what(_stronger_at(ask, first, chosen))
        return say("why.asked_stronger", rival=rival, what=what, price=price)
    if first.price_micros < chosen.price_micros:
        return say("why.asked_cheaper", rival=rival, price=price)
    return say("why.asked_rival", rival=rival)


def _team(ask: Ask, chosen: Entry) -> Text | None:
    """What the team's own votes say for it, in what is asked for most."""
    preferences = ask.facts.preferences.get(chosen.id, {})
    for name in _asked_for(ask) or (GENERAL,):
        if name in preferences and preferences[name].votes:
            found = preferences[name]
            model = chosen.model.name
            return say(
                "why.team", model=model, what=_what(name), wins=found.wins, votes=found.votes
            )
    return None


def _own_merit(ask: Ask, models: Sequence[Entry], chosen: Entry) -> Text:
    if len(models) == 1:
        return say("why.only")
    asked = _asked_for(ask)
    if asked and not any(_proven(ask, entry, name) for entry in models for name in asked):
        return say("why.unproven", what=_what(asked[0]))
    rival = max(models, key=lambda entry: entry.standing.quality)
    if rival.standing.quality - chosen.standing.quality >= AUDIBLE:
        return _trade(ask, chosen, rival)
    best = _best_at(ask, models, chosen)
    if best:
        return _worded(ask, best, "why.best")
    if len(asked) > 1:
        both = {"one": CATEGORY_NAMES[asked[0]], "other": CATEGORY_NAMES[asked[1]]}
        return say("why.mix", **both)
    return say("why.all_round")


def _trade(ask: Ask, chosen: Entry, rival: Entry) -> Text:
    """The choice is not the strongest: what is given up, and what is won."""
    name, price = rival.model.name, usd(rival.price_micros)
    gap = rival.standing.quality - chosen.standing.quality
    what = _what(_stronger_at(ask, rival, chosen))
    if chosen.price_micros >= rival.price_micros:
        sooner = chosen.standing.wait_s < rival.standing.wait_s
        return say("why.sooner" if sooner else "why.steadier", rival=name, what=what)
    if gap > NEARLY:
        return say("why.value", rival=name, what=what, price=price)
    share = chosen.price_micros / rival.price_micros
    if share > HALF:
        own = usd(chosen.price_micros)
        return say("why.nearly_cheaper", rival=name, price=own, other=price)
    return say("why.nearly_third" if share <= THIRD else "why.nearly_half", rival=name)


def _asked_for(ask: Ask) -> Sequence[str]:
    """The categories the words ask for, strongest first."""
    named = [name for name, weight in ask.demand.items() if weight >= MATTERS and name != GENERAL]
    return sorted(named, key=lambda name: -ask.demand[name])


def _best_at(ask: Ask, models: Sequence[Entry], chosen: Entry) -> str:
    """What is asked for, known of the choice, and nowhere better; "" for nothing."""
    mine = chosen.standing.beliefs
    best = [
        name
        for name in _asked_for(ask)
        if _proven(ask, chosen, name)
        and all(mine[name] >= entry.standing.beliefs[name] for entry in models)
    ]
    return max(best, key=lambda name: ask.demand[name] * mine[name], default="")


def _stronger_at(ask: Ask, one: Entry, other: Entry) -> str:
    mine, theirs = one.standing.beliefs, other.standing.beliefs
    return max(ask.demand, key=lambda name: ask.demand[name] * (mine[name] - theirs[name]))


def _proven(ask: Ask, entry: Entry, name: str) -> bool:
    taught = name in ask.facts.preferences.get(entry.id, {})
    return taught or name not in ask.shelf.goods[entry.id].unproven


def _what(name: str) -> Text:
    if name == GENERAL:
        return CATEGORY_NAMES[GENERAL]
    return say("why.for", category=CATEGORY_NAMES[name])


def _worded(ask: Ask, name: str, key: str) -> Text:
    """With words of the prompt where the line stays short."""
    bare = say(key, what=_what(name))
    if not (quoted := ask.evidence.get(name, ())[:WORDS]):
        return bare
    words = join(", ", quoted)
    what = say("why.for_words", category=CATEGORY_NAMES[name], words=words)
    full = say(key, what=what)
    return full if len(full) <= LINE else bare


def _reasons(ask: Ask, entry: Entry) -> tuple[str, ...]:
    if entry.local:
        return _storyboard(ask), "free, drawn here", *entry.plan.fit.adapted
    return *_strongest(ask, entry), *entry.verdict.said, *_warnings(ask, entry)


def _warnings(ask: Ask, entry: Entry) -> Iterable[str]:
    preferences = ask.facts.preferences.get(entry.id, {})
    unproven = ask.shelf.goods[entry.id].unproven
    for name, weight in ask.demand.items():
        if weight >= MATTERS and name in unproven and name not in preferences:
            yield f"no evidence yet for {CATEGORY_NAMES[name]}, worth a compare"
    if entry.standing.failure_rate >= OFTEN:
        yield f"{entry.standing.failure_rate:.0%} of its recent jobs failed"
    retires = entry.verdict.retires
    if retires and retires - ask.shelf.availability.today <= SOON:
        yield f"retires on {retires.isoformat()}"


def _strongest(ask: Ask, entry: Entry) -> Iterable[str]:
    """The two terms that carry this model's quality, with what speaks for them."""
    demand, beliefs = ask.demand, entry.standing.beliefs
    preferences = ask.facts.preferences.get(entry.id, {})
    for name in sorted(demand, key=lambda name: -demand[name] * beliefs[name])[:2]:
        if demand[name] >= MATTERS:
            team = f": {preferences[name].sentence}" if name in preferences else ""
            yield f"{CATEGORY_NAMES[name]} {beliefs[name]:.2f}{ask.words.get(name, '')}{team}"


def _storyboard(ask: Ask) -> str:
    way_out = "add a key" if ask.shelf.keyless else "choose stage concept for a clip"
    return f"storyboard, no AI model - {way_out}"


def _over(ask: Ask, one: Entry, other: Entry) -> str:
    pair = f"{one.model.name} over {other.model.name}"
    if one.score < other.score:
        prices = f"{usd(one.price_micros)} against {usd(other.price_micros)}"
        return f"{pair}: as good within {TIE}, and cheaper ({prices})"
    return f"{pair}: {', '.join(_terms(ask, one, other)) or 'equal in all that counts here'}"


def _terms(ask: Ask, one: Entry, other: Entry) -> Sequence[str]:
    """The difference of two utilities: the two largest qualities, then price, wait, failures."""
    mine, theirs = one.standing, other.standing
    gains = {
        name: weight * (mine.beliefs[name] - theirs.beliefs[name])
        for name, weight in ask.demand.items()
    }
    order = sorted(gains, key=lambda name: -gains[name])
    said = [name for name in order[:2] if gains[name] >= AUDIBLE]
    if not said and gains[order[-1]] <= -AUDIBLE:
        said = order[-1:]
    parts = [f"{CATEGORY_NAMES[name]} {gains[name]:+.2f}{ask.words.get(name, '')}" for name in said]
    price, wait = other.price_cost - one.price_cost, other.wait_cost - one.wait_cost
    if abs(price) >= AUDIBLE:
        prices = f"{usd(one.price_micros)} against {usd(other.price_micros)}"
        parts.append(f"price {price:+.2f} ({prices})")
    if abs(wait) >= AUDIBLE:
        parts.append(f"wait {wait:+.2f} (about {mine.wait_s:.0f} s against {theirs.wait_s:.0f} s)")
    failures = FAILURE_WEIGHT * (theirs.failure_rate - mine.failure_rate)
    if abs(failures) >= AUDIBLE:
        parts.append(f"recent failures {failures:+.2f}")
    return parts
