"""What a server's managers have decided: who may make what, where, and what may start at once.

Pure values and questions; the store keeps them as one row a server. What money allows is the
business of `limits`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import Field

from bot.brief import Brief, Stage
from bot.models import Catalogue
from bot.texts import say

__all__ = ["OPEN", "Rules", "may", "permitted", "starts_at_once", "with_default_stage"]

Micros = Annotated[int, Field(ge=0, le=1_000_000_000)]
Id = Annotated[int, Field(gt=0)]
Voters = Annotated[int, Field(ge=1, le=100)]
Hours = Annotated[int, Field(ge=1, le=336)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The settings of one server; None means everything, everywhere, everybody."""

    allowed_models: frozenset[str] | None = None
    allowed_channels: frozenset[Id] | None = None  # a thread counts as its channel
    default_stage: Stage | None = None  # where neither option nor words say one
    just_go_micros: Micros = 0  # a price at or under it starts without asking
    log_channel_id: Id | None = None
    who_may_generate: frozenset[Id] | None = None  # roles
    who_may_spend: frozenset[Id] | None = None  # roles; free clips need only the above
    log_above_micros: Micros = 1_000_000  # a job that may cost more is told in the log channel
    quorum: Voters = 3  # so many people have to vote before a comparison may end early
    vote_hours: Hours = 24  # it ends then in any case
    votes_steer: bool = True  # the team's ranking takes the place of the built-in strengths


OPEN: Final = Rules()


def may(
    person_roles: Collection[int],
    channel: Collection[int],
    settings: Rules,
    *,
    manager: bool = False,
    model: str | None = None,
    price_micros: int = 0,
) -> str:
    """Why a person may not make this here, "" when they may.

    `channel` is the place and, for a thread, its parent. Managers need no role; where and with
    which models holds for them too.
    """
    places, models = settings.allowed_channels, settings.allowed_models
    if places is not None and places.isdisjoint(channel):
        return say("rules.other_channels", channels=_channels(places))
    if model is not None and models is not None and model not in models:
        listed = ", ".join(sorted(models)) or say("rules.none")
        return say("rules.other_models", model=model, models=listed)
    if not _has_role(person_roles, settings.who_may_generate, manager):
        return say("rules.needs_role", roles=_roles(settings.who_may_generate))
    if price_micros and not _has_role(person_roles, settings.who_may_spend, manager):
        return say("rules.spending_needs_role", roles=_roles(settings.who_may_spend))
    return ""


def starts_at_once(price_micros: int, threshold_micros: int) -> bool:
    """Whether a price needs no yes of its own. What is free never does."""
    return price_micros <= max(0, threshold_micros)


def permitted(catalogue: Catalogue, rules: Rules) -> Catalogue:
    """The catalogue as this server sees it: models it does not allow are off, with the reason."""
    if rules.allowed_models is None:
        return catalogue
    models = {
        name: model
        if name in rules.allowed_models or model.off
        else replace(model, off=say("rules.off"))
        for name, model in catalogue.models.items()
    }
    return replace(catalogue, models=models)


def with_default_stage(brief: Brief, rules: Rules, said: Stage | None) -> Brief:
    """The server's stage where neither the option nor the words (`said`) name one."""
    if brief.stage is not None or said is not None:
        return brief
    return replace(brief, stage=rules.default_stage)


def _has_role(roles: Collection[int], needed: frozenset[int] | None, manager: bool) -> bool:
    return needed is None or manager or not needed.isdisjoint(roles)


def _channels(ids: Collection[int]) -> str:
    return ", ".join(f"<#{number}>" for number in sorted(ids)) or say("rules.none_yet")


def _roles(ids: Collection[int] | None) -> str:
    return ", ".join(f"<@&{number}>" for number in sorted(ids or ())) or say("rules.none_yet")
