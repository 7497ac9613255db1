"""A person's still brought within a vendor's limits, in the open: what is done is said on the card.

The limits are the vendor's (`ImageRules`). `suited` says before the price is shown what will be
done to each still on each route, and drops routes that cannot take it, or take no video file;
`fit_still` does it, just before the submit. Both go by the same plan. Decoding is `media`'s
business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from bot.brief import Brief
from bot.media import BadImage, Media, Picture
from bot.models import Unfit
from bot.router.decision import Candidate, Decision, Dropped, Refusal, RefusalCode, RoutePlan
from bot.router.verdicts import quote
from bot.texts import Text, join, restored, say
from providers.base import ImageRules, MediaInput, MediaRole, Provider

__all__ = ["STILLS", "StillPlan", "fit_still", "plan_still", "rules_for", "suited", "taken_in"]

Size = tuple[int, int]  # width, height
ClientOf = Callable[[str], Provider | None]

STILLS: Final = {
    role: say(f"still.{role}")
    for role in (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)
}
_FRAMES: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
_SMALLER: Final = 0.8  # a JPEG that is still too large is scaled by this, again and again
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class StillPlan:
    """What a still becomes; `changes` are words for the card, none where it goes as it is."""

    size: Size
    jpeg: bool = False
    changes: tuple[str, ...] = ()


def taken_in(picture: Picture) -> str:
    """What became of a picture before any vendor's limits: its format and size, "" for no change.

    Every still is written anew without metadata; that a JPEG becomes a PNG is no loss to mention.
    """
    given = (picture.given_width, picture.given_height)
    size = (picture.width, picture.height)
    changes: list[str] = []
    if given != size:
        changes.append(say("still.scaled_from", before=_px(given), after=_px(size)))
    if picture.given not in ("PNG", "JPEG"):
        changes.append(say("still.as_png", kind=picture.given))
    return join(", ", changes) if changes else ""


def rules_for(client: Provider, plan: RoutePlan, role: MediaRole) -> ImageRules:
    """The vendor's limits for one still of this very shot."""
    rules = client.image_rules(plan.dialect, plan.fit.aspect)
    exact = client.frame_size(plan.fit.resolution, plan.fit.aspect) if role in _FRAMES else None
    return replace(rules, exact=exact) if exact else rules


def plan_still(size: Size, size_bytes: int, rules: ImageRules) -> StillPlan | Unfit:
    """What must be done to a picture of `size` pixels, or what it lacks. Pure."""
    if rules.exact is not None:
        if size == rules.exact:
            return StillPlan(size=rules.exact)
        change = say("still.cut_scaled", before=_px(size), after=_px(rules.exact))
        return StillPlan(size=rules.exact, changes=(change,))
    target = _cut(size, rules.ratios)
    changes: tuple[str, ...] = ()
    if target != size:
        changes = (say("still.cut", before=_px(size), after=_px(target)),)
    if rules.max_side and max(target) > rules.max_side:
        scaled = _scaled(target, rules.max_side / max(target))
        target = _cut(scaled, rules.ratios)  # whole pixels may have left the ratio again
        changes = (*changes, say("still.scaled", after=_px(target)))
    if min(target) < rules.min_side:
        key = "still.small" if target == size else "still.small_once_cut"
        return Unfit(reason=say(key, size=_px(size), left=_px(target), needed=_needed(rules)))
    if (limit := _limit(rules)) and size_bytes > limit:
        return StillPlan(size=target, jpeg=True, changes=(*changes, _as_jpeg(limit)))
    return StillPlan(size=target, changes=changes)


async def fit_still(
    media: Media, rules: ImageRules, source: MediaInput, folder: Path
) -> tuple[MediaInput, str]:
    """The still as the vendor takes it, and what was done to it in words ("" for nothing).

    What is made is written beside others in `folder`, under a name that says its pixels, and used
    again by further takes and tries. Raises `BadImage` with what it lacks.
    """
    measured = await _measured(source)
    if measured is None:
        return source, ""
    plan = plan_still(measured.size, measured.size_bytes, rules)
    if isinstance(plan, Unfit):
        raise BadImage(plan.reason)
    if not plan.changes:
        return source, ""
    size, limit = plan.size, _limit(rules)
    while True:
        target = folder / f"{measured.path.stem}-{_px(size, 'x')}.{'jpg' if plan.jpeg else 'png'}"
        if not await asyncio.to_thread(_made_before, target, measured.path):
            await media.prepare_image(measured.path, target, exact=size)
        size_bytes = (await asyncio.to_thread(target.stat)).st_size
        if not limit or size_bytes <= limit:
            mime = "image/jpeg" if plan.jpeg else "image/png"
            return replace(source, path=target, mime=mime), join("; ", plan.changes)
        if not plan.jpeg:
            plan = replace(plan, jpeg=True, changes=(*plan.changes, _as_jpeg(limit)))
            continue
        size = _scaled(size, _SMALLER)
        if rules.exact or min(size) < max(rules.min_side, 1):
            least = rules.exact or rules.min_side
            key = "still.heavy_at" if least else "still.heavy"
            raise BadImage(say(key, limit=f"{limit / 1e6:g}", needed=_needed(rules)))


def _made_before(target: Path, source: Path) -> bool:
    try:
        return target.stat().st_mtime_ns > source.stat().st_mtime_ns
    except FileNotFoundError:
        return False


async def suited(decision: Decision, brief: Brief, client_of: ClientOf) -> Decision:
    """The decision once the inputs were looked at: changes on each card, impossible routes gone."""
    found = [await _measured(media) for media in brief.inputs if media.role in STILLS]
    stills = [still for still in found if still is not None]
    files = [media for media in brief.inputs if media.role not in STILLS and media.url is None]
    if not stills and not files:
        return decision
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for candidate in decision.candidates:
        judged = [_judged(plan, stills, files, client_of) for plan in candidate.routes]
        plans = [plan for plan in judged if isinstance(plan, RoutePlan)]
        reasons = [plan.reason for plan in judged if isinstance(plan, Unfit)]
        if plans:
            kept.append(_with_routes(candidate, plans))
        else:
            reason = join("; ", list(dict.fromkeys(reasons)))
            dropped.append(Dropped(model=candidate.model, reason=reason))
    return _decided(decision, brief, kept, dropped)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    role: MediaRole
    path: Path
    size: Size
    size_bytes: int
    note: str


async def _measured(media: MediaInput) -> _Measured | None:
    """A still of ours with its pixels; None for what is no PNG file."""
    path = media.path
    if path is None:
        return None

    def work() -> _Measured | None:
        try:
            with path.open("rb") as file:
                head = file.read(24)
            size_bytes = path.stat().st_size
        except OSError:
            return None
        if not head.startswith(_PNG) or len(head) < 24:
            return None
        size = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
        return _Measured(
            role=media.role, path=path, size=size, size_bytes=size_bytes, note=restored(media.note)
        )

    return await asyncio.to_thread(work)


def _judged(
    plan: RoutePlan, stills: Sequence[_Measured], files: Sequence[MediaInput], client_of: ClientOf
) -> RoutePlan | Unfit:
    client = client_of(plan.provider)
    if client is None:
        return plan
    if files and client.facts.video_by_url_only:
        return Unfit(reason=say("still.no_files", provider=plan.provider))
    notes: list[str] = []
    for still in stills:
        name, rules = STILLS[still.role], rules_for(client, plan, still.role)
        notes += [say("still.changed", name=name, change=still.note)] if still.note else []
        found = plan_still(still.size, still.size_bytes, rules)
        if isinstance(found, Unfit):
            why = found.reason
            return Unfit(reason=say("still.unfit", provider=plan.provider, name=name, why=why))
        notes += [
            say("still.changed_for", name=name, change=change, provider=plan.provider)
            for change in found.changes
        ]
        if rules.crops and still.role in _FRAMES and not _has_ratio(found.size, plan.fit.aspect):
            aspect = plan.fit.aspect
            notes.append(say("still.cuts", provider=plan.provider, name=name, aspect=aspect))
    return replace(plan, fit=replace(plan.fit, adapted=(*plan.fit.adapted, *notes)))


def _with_routes(candidate: Candidate, plans: Sequence[RoutePlan]) -> Candidate:
    first = plans[0]
    return replace(
        candidate,
        provider=first.provider,
        wire_id=first.wire_id,
        dialect=first.dialect,
        fit=first.fit,
        price_micros=first.price_micros,
        confidence=first.confidence,
        routes=tuple(plans),
    )


def _decided(
    decision: Decision, brief: Brief, kept: Sequence[Candidate], dropped: Sequence[Dropped]
) -> Decision:
    after = replace(decision, candidates=tuple(kept), dropped=(*decision.dropped, *dropped))
    old = decision.choice
    if old is None:
        return after
    again = next((one for one in kept if one.model == old.model), None)
    if again is not None:
        return replace(after, choice=again)
    why = next(one.reason for one in dropped if one.model == old.model)
    if brief.model is None and kept:
        head = f"{kept[0].name}: {old.name} would be the choice, but {why}"
        reason = say("why.second", first=old.name, why=why)
        after = replace(after, choice=kept[0], headline=head, reason=reason)
        return replace(after, flips=(), doubt="", advice=())
    message = say("refusal.unfit", model=old.name, why=why)
    if kept:
        other = say("refusal.instead", model=kept[0].name, quote=quote(kept[0].routes[0]))
        message = join(" ", [message, other])
    refusal = Refusal(code=RefusalCode.UNFIT, message=message)
    after = replace(after, choice=None, refusal=refusal, headline=message, reason="")
    return replace(after, flips=(), doubt="")


def _cut(size: Size, ratios: tuple[float, float] | None) -> Size:
    """As much of the middle as has a ratio that is taken."""
    if ratios is None:
        return size
    width, height = size
    least, most = ratios
    if width > height * most:
        return max(1, int(height * most)), height
    if width < height * least:
        return width, max(1, int(width / least))
    return size


def _scaled(size: Size, factor: float) -> Size:
    return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))


def _limit(rules: ImageRules) -> int:
    """Bytes of the file, 0 for no limit: base64 makes four of three."""
    limits = [n for n in (rules.max_bytes, rules.max_encoded_bytes * 3 // 4) if n]
    return min(limits, default=0)


def _has_ratio(size: Size, aspect: str) -> bool:
    width, height = (int(part) for part in aspect.split(":"))
    return abs(Fraction(*size) * height / width - 1) < Fraction(1, 50)


def _needed(rules: ImageRules) -> str:
    return _px(rules.exact) if rules.exact else say("still.least", side=rules.min_side)


def _as_jpeg(limit: int) -> Text:
    return say("still.as_jpeg", limit=f"{limit / 1e6:g}")


def _px(size: Size, times: str = " x ") -> str:
    return f"{size[0]}{times}{size[1]}"
