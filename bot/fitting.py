"""Can this brief be made on this route, as what, for how much - and is the route offered today?

Pure. What is impossible is adapted within reason and said in words (`Fit.adapted`), or refused
with what is possible (`Unfit`); nothing is changed silently. Which of the fitting routes is the
best one is the router's question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from bot._offer import Offer, both, offer_for
from bot.brief import Brief, Stage
from bot.lifecycle import NO_PRICE, Retiring, offered, retiring, status, successor_of
from bot.models import (
    RESOLUTIONS,
    Audio,
    Confidence,
    Extra,
    Fit,
    Model,
    PromptUnit,
    Rate,
    Route,
    Unfit,
)
from bot.texts import Text, join, say
from providers.base import MediaRole

__all__ = [
    "Fit",
    "Retiring",
    "Unfit",
    "Wish",
    "estimate",
    "fit",
    "offered",
    "retiring",
    "status",
    "successor_of",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Hints read from the words: they stand in for our defaults and never refuse anything."""

    duration_s: float | None = None
    aspect: str | None = None


NO_WISH: Final = Wish()
SHORTEST_S: Final = 5  # what a first take is made of, where nothing is said
DRAFT: Final = "480p"
USUAL: Final = "720p"
USUAL_ASPECT: Final = "16:9"
FACTOR: Final = 2  # further away than this, another length is another clip
ROLE_WORDS: Final = {
    role: say(f"fit.{role}")
    for role in (
        MediaRole.FIRST_FRAME,
        MediaRole.LAST_FRAME,
        MediaRole.REFERENCE,
        MediaRole.MOTION,
        MediaRole.SOURCE,
    )
}


def fit(
    model: Model,
    route: Route,
    brief: Brief,
    *,
    stage: Stage,
    want: Wish = NO_WISH,
    video_s: float | None = None,
) -> Fit | Unfit:
    """The brief as this route can make it. `video_s` is the measured length of a video input."""
    offer = offer_for(model, route, brief)
    problem = _prompt_problem(model, route, brief) or _inputs_problem(offer, brief)
    if problem:
        return Unfit(reason=problem)
    notes: list[str] = []
    size = _size(route, offer, brief, stage, notes)
    if isinstance(size, Unfit):
        return size
    duration_s = _duration(offer, size.resolution, brief, want, video_s, notes)
    if isinstance(duration_s, Unfit):
        return duration_s
    aspect = _aspect(offer, brief, want, notes)
    if isinstance(aspect, Unfit):
        return aspect
    _note_extras(offer, brief, notes)
    price_micros = estimate(
        route,
        duration_s=duration_s,
        resolution=size.resolution,
        audio=size.audio,
        has_video_input=offer.has_video,
    )
    if price_micros is None:
        return Unfit(reason=NO_PRICE)
    return Fit(
        duration_s=duration_s,
        aspect=aspect,
        resolution=size.resolution,
        audio=size.audio,
        price_micros=price_micros,
        adapted=tuple(notes),
        confidence=size.confidence,
    )


def estimate(
    route: Route,
    *,
    duration_s: float,
    resolution: str,
    audio: bool,
    has_video_input: bool,
) -> int | None:
    """Micro-USD for such a clip, rounded up; None where it is not sold."""
    price = route.price
    rate = price and price.rate(resolution, has_video_input=has_video_input)
    micros = rate and rate.of(audio)
    if price is None or micros is None:
        return None
    return max(math.ceil(duration_s * micros), price.minimum_micros)


_RANK: Final = {name: rank for rank, name in enumerate(RESOLUTIONS)}
_RATIO: Final = re.compile(r"([1-9]\d{0,4}):([1-9]\d{0,4})")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Size:
    resolution: str
    audio: bool
    confidence: Confidence


def _prompt_problem(model: Model, route: Route, brief: Brief) -> str:
    most = route.max_prompt_chars or model.max_prompt_chars
    length = len(brief.prompt)
    if route.prompt_unit is PromptUnit.UTF16:
        length = len(brief.prompt.encode("utf-16-le", "surrogatepass")) // 2
    if length <= most:
        return ""
    return say("fit.long_prompt", length=f"{length:,}", most=f"{most:,}")


def _inputs_problem(offer: Offer, brief: Brief) -> str:
    for media in brief.inputs:
        if media.role not in offer.inputs:
            able = _either(ROLE_WORDS[role] for role in offer.inputs) or say("fit.text_only")
            key = "fit.not_together" if media.role in offer.alone else "fit.not_used"
            return say(key, media=ROLE_WORDS[media.role], able=able)
    references = sum(media.role is MediaRole.REFERENCE for media in brief.inputs)
    if offer.max_references is not None and references > offer.max_references:
        return say("fit.many_references", given=references, most=offer.max_references)
    absent = [ROLE_WORDS[role] for role in offer.requires if not brief.has(role)]
    return say("fit.needs", media=join(say("off.and"), absent)) if absent else ""


def _size(
    route: Route, offer: Offer, brief: Brief, stage: Stage, notes: list[str]
) -> _Size | Unfit:
    """Sound and resolution together: not every pair of them is sold."""
    price = route.price
    if price is None:
        return Unfit(reason=NO_PRICE)
    rates = {
        name: rate
        for name in offer.resolutions
        if (rate := price.rate(name, has_video_input=offer.has_video)) is not None
    }
    audio = _audio(offer, rates.values(), brief, notes)
    sold = {name: micros for name, rate in rates.items() if (micros := rate.of(audio)) is not None}
    if not sold or not _can(offer, rates.values(), audio):
        return Unfit(reason=say("fit.no_price", why=NO_PRICE))
    resolution = _resolution(offer, sold, brief, stage, notes)
    if isinstance(resolution, Unfit):
        return resolution
    confidence = rates[resolution].confidence or price.confidence
    return _Size(resolution=resolution, audio=audio, confidence=confidence)


def _audio(offer: Offer, rates: Collection[Rate], brief: Brief, notes: list[str]) -> bool:
    wanted = bool(brief.audio)
    if _can(offer, rates, wanted) or not _can(offer, rates, not wanted):
        return wanted
    notes.append(_SILENT if wanted else _LOUD)
    return not wanted


_LOUD: Final = say("fit.loud")
_SILENT: Final = say("fit.silent")


def _can(offer: Offer, rates: Collection[Rate], audio: bool) -> bool:
    ruled_out = Audio.NONE if audio else Audio.ALWAYS
    return offer.audio is not ruled_out and any(rate.of(audio) is not None for rate in rates)


def _resolution(
    offer: Offer, sold: dict[str, int], brief: Brief, stage: Stage, notes: list[str]
) -> str | Unfit:
    asked = brief.resolution
    if asked is None:
        return _usual_resolution(sold, stage)
    if asked in sold:
        return asked
    able = _either(sold)
    if asked not in _RANK:
        return Unfit(reason=say("fit.resolution", asked=asked, able=able))
    higher = [name for name in sold if _RANK[name] > _RANK[asked]]
    found = higher[0] if higher else list(sold)[-1]
    notes.append(_changed(offer, asked, found, able))
    return found


def _changed(offer: Offer, asked: str, found: str, able: str, key: str = "fit.changed") -> Text:
    return say(key, asked=asked, found=found, model=offer.name, able=able)


def _usual_resolution(sold: dict[str, int], stage: Stage) -> str:
    enough = [name for name in sold if _RANK[name] >= _RANK[USUAL]]
    usual = enough[0] if enough else list(sold)[-1]
    draft = stage is not Stage.FINAL and DRAFT in sold and sold[DRAFT] < sold[usual]
    return DRAFT if draft else usual


def _duration(
    offer: Offer,
    resolution: str,
    brief: Brief,
    want: Wish,
    video_s: float | None,
    notes: list[str],
) -> int | Unfit:
    able = offer.durations_s
    for limit in offer.by_size:
        if resolution in limit.at:
            able = both(able, limit.durations_s)
    if not able:
        return Unfit(reason=say("fit.no_length", resolution=resolution))
    if brief.duration_s is not None and not 0 < brief.duration_s < math.inf:
        asked = f"{brief.duration_s:g}"
        return Unfit(reason=say("fit.no_clip", asked=asked, able=_seconds(able)))
    if offer.duration_follows is not None and brief.has(offer.duration_follows):
        return _followed(able, ROLE_WORDS[offer.duration_follows], brief, video_s, notes)
    if brief.duration_s is None and (want.duration_s is None or not want.duration_s > 0):
        return next((s for s in able if s >= SHORTEST_S), able[-1])
    asked = brief.duration_s or want.duration_s or SHORTEST_S
    found = min(able, key=lambda s: (abs(s - asked), -s))
    if found == asked:
        return found
    if brief.duration_s is not None and not 1 / FACTOR <= found / asked <= FACTOR:
        return Unfit(reason=say("fit.length", asked=f"{asked:g}", able=_seconds(able)))
    key = "fit.read" if brief.duration_s is None else "fit.changed"
    notes.append(_changed(offer, f"{asked:g} s", f"{found} s", _seconds(able), key))
    return found


def _followed(
    able: Sequence[int], video: str, brief: Brief, video_s: float | None, notes: list[str]
) -> int | Unfit:
    """As long as the video it follows; one nobody has measured is priced at the longest."""
    length = video_s if video_s is not None else brief.duration_s
    if length is None:
        notes.append(say("fit.follows_longest", video=video, longest=able[-1]))
        return able[-1]
    if not able[0] <= length <= able[-1]:
        return Unfit(reason=say("fit.must_last", video=video, least=able[0], most=able[-1]))
    found = next(s for s in able if s >= length)
    asked = brief.duration_s
    follows = say("fit.follows", video=video)
    if asked is not None and asked != found:
        follows = join("", [f"{asked:g} s -> {found} s: ", follows])
    notes.append(follows)
    return found


def _aspect(offer: Offer, brief: Brief, want: Wish, notes: list[str]) -> str | Unfit:
    if not offer.aspects:
        return Unfit(reason=say("fit.no_ratio"))
    asked = brief.aspect
    hint = want.aspect if want.aspect is not None and _ratio(want.aspect) else None
    if offer.shaped:
        if asked is not None:
            notes.append(say("fit.shaped", asked=asked))
        usable = asked if asked is not None and _ratio(asked) else hint
        return usable or _usual_aspect(offer)
    if asked is None:
        return _hinted_aspect(offer, hint, notes)
    able = _either(offer.aspects)
    if not _ratio(asked):
        return Unfit(reason=say("fit.not_ratio", asked=asked, able=able))
    found = _nearest_aspect(offer.aspects, asked)
    if found is None:
        return Unfit(reason=say("fit.ratio", asked=asked, able=able))
    if _ratio(found) != _ratio(asked):
        notes.append(_changed(offer, asked, found, able))
    return found


def _hinted_aspect(offer: Offer, hint: str | None, notes: list[str]) -> str:
    if hint is None:
        return _usual_aspect(offer)
    found = _nearest_aspect(offer.aspects, hint) or _usual_aspect(offer)
    if _ratio(found) != _ratio(hint):
        able = _either(offer.aspects)
        notes.append(_changed(offer, hint, found, able, "fit.read"))
    return found


def _usual_aspect(offer: Offer) -> str:
    return USUAL_ASPECT if USUAL_ASPECT in offer.aspects else offer.aspects[0]


def _nearest_aspect(able: Sequence[str], asked: str) -> str | None:
    """The nearest ratio of the same orientation: landscape, portrait or square."""
    target = _ratio(asked)
    same = [name for name in able if _lies(_ratio(name)) == _lies(target)]
    return min(same, key=lambda name: abs(math.log(_ratio(name) / target)), default=None)


def _ratio(text: str) -> Fraction:
    """Width / height; 0 for what is no ratio."""
    found = _RATIO.fullmatch(text.strip())
    return Fraction(int(found[1]), int(found[2])) if found else Fraction(0)


def _lies(ratio: Fraction) -> int:
    return (ratio > 1) - (ratio < 1)


def _note_extras(offer: Offer, brief: Brief, notes: list[str]) -> None:
    if brief.seed is not None and Extra.SEED not in offer.extras:
        notes.append(say("fit.no_seed"))
    if brief.negative and Extra.NEGATIVE not in offer.extras:
        notes.append(say("fit.no_negative"))


def _either(names: Iterable[str]) -> Text:
    listed = list(names)
    ends = [join(", ", listed[:-1]), listed[-1]] if len(listed) > 1 else listed
    return join(say("off.or"), ends)


def _seconds(able: Sequence[int]) -> Text:
    """3, 4, 5, 6, 8 -> "3-6 or 8 s"."""
    runs: list[list[int]] = [[able[0]]]
    for before, second in pairwise(able):
        if second == before + 1:
            runs[-1].append(second)
        else:
            runs.append([second])
    words = [
        part
        for run in runs
        for part in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(s) for s in run])
    ]
    return join("", [_either(words), " s"])
