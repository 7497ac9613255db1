"""Why nothing is made, and what is possible instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.lifecycle import offered
from bot.models import Catalogue, Fit, Model
from bot.money import usd
from bot.router.decision import Candidate, Refusal, RefusalCode
from bot.router.ranking import Ask, Ranking
from bot.router.verdicts import LOCAL, Verdict, fit_on, quote, with_words
from bot.texts import Text, join, say

__all__ = ["refuse", "with_other"]


def refuse(ask: Ask, ranking: Ranking, candidates: Mapping[str, Candidate]) -> Refusal | None:
    """None where the model asked for, or any model if none was, can run."""
    asked = ask.brief.model
    if asked is None:
        return None if candidates else _nothing(ask, ranking)
    verdict = ranking.verdicts.get(asked)
    if verdict is None:
        return _unknown(ask.shelf.catalogue, asked)
    if verdict.code is None:
        return None
    if verdict.code is RefusalCode.RETIRED:
        return _retired(ask, ranking, candidates, verdict)
    if verdict.code is RefusalCode.TOO_EXPENSIVE:
        return _too_expensive(candidates, verdict)
    key = "refusal.locked" if verdict.code is RefusalCode.NO_KEY else "refusal.unfit"
    why = say(key, model=verdict.model.name, why=verdict.reason)
    return Refusal(code=verdict.code, message=with_other(why, candidates.values()))


def with_other(message: Text, candidates: Iterable[Candidate]) -> Text:
    """And who could make it, for how much."""
    best = next((one for one in candidates if one.provider != LOCAL), None)
    if best is None:
        return message
    return join(
        " ", [message, say("refusal.instead", model=best.name, quote=quote(best.routes[0]))]
    )


def _unknown(catalogue: Catalogue, asked: str) -> Refusal:
    names = {model.name.lower(): model.id for model in catalogue.models.values()}
    names |= {model_id: model_id for model_id in catalogue.models}
    near = get_close_matches(asked.strip().lower(), names, n=3, cutoff=0.5)
    ids = dict.fromkeys(names[name] for name in near)
    if ids:
        hint = say("refusal.near", models=join(say("off.or"), list(ids)))
    else:
        hint = say("refusal.there_are", models=", ".join(catalogue.models))
    message = say("refusal.unknown", asked=asked[:60], hint=hint)
    return Refusal(code=RefusalCode.UNKNOWN_MODEL, message=message)


def _retired(
    ask: Ask, ranking: Ranking, candidates: Mapping[str, Candidate], verdict: Verdict
) -> Refusal:
    model, heirs = verdict.model, _heirs(ask.shelf.catalogue, verdict.model)
    ended = model.retires is not None and model.retires <= ask.shelf.availability.today
    key = "refusal.retired" if ended else "refusal.unserved"
    gone = say(key, model=model.name, maker=model.maker, day=model.retires)
    able = next((heir for heir in heirs if heir.id in candidates), None)
    if able is not None:
        successor = candidates[able.id]
        named = model.successor_by == "maker" and able.id == model.successor
        by = "refusal.successor" if named else "refusal.in_its_place"
        message = say(by, gone=gone, model=able.name, quote=quote(successor.routes[0]))
        return Refusal(code=RefusalCode.RETIRED, message=message, successor=successor)
    keyed = (heir for heir in heirs if ranking.verdicts[heir.id].code is RefusalCode.NO_KEY)
    heir = next(keyed, heirs[0] if heirs else None)
    if heir is None:
        message = say("refusal.gone", gone=gone, why=verdict.reason)
    else:
        why = ranking.verdicts[heir.id].reason
        message = say("refusal.heir_cannot", gone=gone, model=heir.name, why=why)
    message = with_other(message, candidates.values())
    return Refusal(code=RefusalCode.RETIRED, message=message)


def _heirs(catalogue: Catalogue, model: Model) -> Sequence[Model]:
    """The chain of successors, nearest first."""
    heirs: dict[str, Model] = {}
    heir = catalogue.models.get(model.successor or "")
    while heir is not None and heir.id not in heirs and heir.id != model.id:
        heirs[heir.id] = heir
        heir = catalogue.models.get(heir.successor or "")
    return tuple(heirs.values())


def _too_expensive(candidates: Mapping[str, Candidate], verdict: Verdict) -> Refusal:
    models = [candidate for candidate in candidates.values() if candidate.provider != LOCAL]
    cheapest = min(models, key=lambda candidate: candidate.price_micros, default=None)
    message = say("refusal.dear", model=verdict.model.name, why=verdict.reason)
    if cheapest is not None:
        fits = say("refusal.cheapest", model=cheapest.name, quote=quote(cheapest.routes[0]))
        message = join(" ", [message, fits])
    return Refusal(code=RefusalCode.TOO_EXPENSIVE, message=message, successor=cheapest)


def _nothing(ask: Ask, ranking: Ranking) -> Refusal:
    verdicts = ranking.verdicts.values()
    over = [(plan.price_micros, one.model.name, plan) for one in verdicts for plan in one.over]
    if over:
        _, name, plan = min(over, key=lambda item: item[:2])
        cap = usd(ask.facts.max_price_micros or 0)
        message = say("refusal.all_dear", cap=cap, model=name, quote=quote(plan))
        return Refusal(code=RefusalCode.TOO_EXPENSIVE, message=message)
    locked = [one for one in verdicts if _only_locked(ask, ranking, one)]
    if locked:
        message = say("refusal.all_locked", why=_why(locked))
        return Refusal(code=RefusalCode.NO_KEY, message=message)
    unfit = [one for one in verdicts if one.code is RefusalCode.UNFIT]
    why = _why(unfit) or say("refusal.none_left")
    return Refusal(code=RefusalCode.NOTHING_FITS, message=say("refusal.none_fits", why=why))


def _why(verdicts: Sequence[Verdict]) -> Text:
    reasons = [say("refusal.of", model=one.model.name, why=one.reason) for one in verdicts[:3]]
    return join("; ", reasons)


def _only_locked(ask: Ask, ranking: Ranking, verdict: Verdict) -> bool:
    """It could make this brief if its vendor had a key here."""
    unlocked = replace(ask.shelf.availability, missing={})
    case = with_words(ask.case, ask.brief.prompt)
    return verdict.code is RefusalCode.NO_KEY and any(
        isinstance(fit_on(case, verdict.model, route, ranking.stage), Fit)
        for route in verdict.model.routes
        if not offered(verdict.model, route, unlocked)
    )
