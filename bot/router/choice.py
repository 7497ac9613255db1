"""From words, catalogue and facts to a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.advice import MAX_HINTS, advise
from bot.brief import CATEGORIES, GENERAL, Brief, Stage
from bot.classifier import Classification
from bot.fitting import Wish
from bot.models import Audio, Availability, Catalogue
from bot.router.decision import NO_FACTS, Decision, Dropped, Facts, StageFrom
from bot.router.explain import MATTERS, describe, doubt, headline, reason
from bot.router.flips import flips
from bot.router.ranking import Ask, Entry, Ranking, rank, standings
from bot.router.refusal import refuse
from bot.router.verdicts import Shelf, case_of, shelf_of
from bot.texts import say
from providers.base import MediaRole

__all__ = ["choose_stage", "decide"]

IMAGE_SHARE: Final = 0.5  # an attached still is a fact about the brief, not a guess
SILENT: Final = say("tip.silent")
STILLS: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)


def decide(
    brief: Brief,
    classification: Classification,
    catalogue: Catalogue,
    availability: Availability,
    *,
    facts: Facts = NO_FACTS,
) -> Decision:
    """The best candidate, or the model asked for where it can run; else a refusal."""
    stage, stage_from = choose_stage(brief, classification)
    weights = _weights(brief, classification, facts.prior)
    evidence, hints = _evidence(brief, classification), classification.hints
    wish = Wish(duration_s=hints.duration_s, aspect=hints.aspect)
    shelf = shelf_of(catalogue, availability)
    ask = _ask(brief, wish, shelf, _demand(weights), evidence, facts)
    ranking = rank(ask, stage)
    candidates = {entry.id: describe(ask, entry) for entry in ranking.entries}
    refusal = refuse(ask, ranking, candidates)
    chosen = None if refusal else _chosen(brief, ranking)
    free = chosen if brief.model is None else None
    return Decision(
        weights=weights,
        evidence=evidence,
        confidence=classification.confidence,
        stage=stage,
        stage_from=stage_from,
        candidates=tuple(candidates.values()),
        dropped=_dropped(ranking),
        choice=candidates[chosen.id] if chosen else None,
        refusal=refusal,
        headline=refusal.message if refusal else headline(ask, ranking, _chosen(brief, ranking)),
        reason=reason(ask, ranking, chosen) if chosen else "",
        flips=flips(ask, ranking, free) if free else (),
        doubt=doubt(ranking, classification.confidence) if free and not free.local else "",
        advice=_advice(ask, chosen, weights, wants_sound=hints.audio) if chosen else (),
        catalogue_revision=catalogue.revision,
    )


def choose_stage(brief: Brief, classification: Classification) -> tuple[Stage, StageFrom]:
    """The option, else the words (a wish for speed asks for concept), else concept."""
    if brief.stage is not None:
        return brief.stage, StageFrom.OPTION
    if classification.hints.stage is not None:
        return classification.hints.stage, StageFrom.WORDS
    if classification.weights.get("speed", 0.0) >= MATTERS:
        return Stage.CONCEPT, StageFrom.WORDS
    return Stage.CONCEPT, StageFrom.DEFAULT


def _ask(
    brief: Brief,
    wish: Wish,
    shelf: Shelf,
    demand: Mapping[str, float],
    evidence: Mapping[str, tuple[str, ...]],
    facts: Facts,
) -> Ask:
    cap, video_s = facts.max_price_micros, facts.video_s
    return Ask(
        brief=brief,
        case=case_of(shelf, brief, wish, max_price_micros=cap, video_s=video_s),
        facts=facts,
        demand=demand,
        evidence=evidence,
        words={name: f" ({', '.join(words)})" for name, words in evidence.items() if words},
        standings=standings(shelf, demand, facts),
    )


def _chosen(brief: Brief, ranking: Ranking) -> Entry:
    return ranking.entries[0] if brief.model is None else ranking.entry(brief.model)


def _weights(
    brief: Brief, classification: Classification, prior: Mapping[str, float] | None
) -> Mapping[str, float]:
    names = (*CATEGORIES, GENERAL)
    weights = {name: classification.weights.get(name, 0.0) for name in names}
    usual = {name: (prior or {}).get(name, 0.0) for name in names}
    total = sum(usual.values())
    if total > 0:
        trust = classification.confidence
        weights = {
            name: trust * weights[name] + (1 - trust) * (usual[name] / total) for name in names
        }
    image = weights["image_to_video"]
    if _has_still(brief) and image < IMAGE_SHARE:
        shrink = (1 - IMAGE_SHARE) / (1 - image)
        weights = {name: weight * shrink for name, weight in weights.items()}
        weights["image_to_video"] = IMAGE_SHARE
    return weights


def _demand(weights: Mapping[str, float]) -> Mapping[str, float]:
    """Speed moves the stage, not the quality."""
    rest = 1 - weights["speed"]
    if rest < 1e-9:
        return {GENERAL: 1.0}
    return {
        name: weight / rest for name, weight in weights.items() if name != "speed" and weight > 0
    }


def _evidence(brief: Brief, classification: Classification) -> Mapping[str, tuple[str, ...]]:
    evidence = {name: tuple(words) for name, words in classification.evidence.items()}
    if _has_still(brief):
        evidence["image_to_video"] = (
            say("why.attached_image"),
            *evidence.get("image_to_video", ()),
        )
    return evidence


def _has_still(brief: Brief) -> bool:
    return any(brief.has(role) for role in STILLS)


def _dropped(ranking: Ranking) -> tuple[Dropped, ...]:
    return tuple(
        Dropped(model=model_id, reason=verdict.reason)
        for model_id, verdict in ranking.verdicts.items()
        if not verdict.plans
    )


def _advice(
    ask: Ask, chosen: Entry, weights: Mapping[str, float], *, wants_sound: bool | None
) -> tuple[str, ...]:
    brief, found = ask.brief, chosen.plan.fit
    silent = wants_sound and not found.audio and chosen.model.audio is Audio.OPTIONAL
    craft = advise(
        brief.prompt,
        family=chosen.model.family,
        duration_s=found.duration_s,
        has_image=_has_still(brief),
        has_motion=brief.has(MediaRole.MOTION),
        weights=weights,
    )
    return (SILENT, *craft)[:MAX_HINTS] if silent and brief.audio is None else craft
