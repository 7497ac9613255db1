"""What the choice is worth: never a model that cannot run, and better than choosing blindly.

`python -m benchmarks.pick` decides every fourth development prompt, and `--all` every one, for
every set of vendor keys (each alone, each pair, all of them). On the test part, which no weight was
fitted to, it compares the choice with always taking the same model and with always taking the
cheapest. What a model is worth to a prompt is its strength, from the catalogue's table, in what a
person says the prompt demands; how the classifier read it plays no part in that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations
from statistics import fmean
from typing import Final

from benchmarks.table import Row as Figure
from benchmarks.table import show
from bot.brief import GENERAL, Brief, Stage
from bot.catalogue import builtin_text, load
from bot.classifier import Classification, classify
from bot.fitting import Wish, fit
from bot.lifecycle import offered
from bot.models import PROVIDER_IDS, Availability, Catalogue, Model
from bot.router import Decision, Facts, decide
from training.corpus import Row, corpus_rows, parts

__all__ = ["Asked", "Worth", "asked", "choose", "compare", "faults", "key_sets", "now_with"]

VENDORS: Final = tuple(name for name in PROVIDER_IDS if name != "local")
CAP: Final = Facts(max_price_micros=2_000_000)  # as set from the first key on
PICK, CHEAPEST, BEST = "pick", "cheapest", "best"
FOURTH: Final = 4
UNWEIGHED: Final = "speed"  # moves the stage; no model is better at a picture for it


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt, what a person says it demands, and how it was read."""

    row: Row
    found: Classification


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """Strength 0..1 in what is demanded, and price, a prompt."""

    strength: float
    usd: float


def asked(rows: Sequence[Row]) -> list[Asked]:
    return [Asked(row, classify(row.prompt)) for row in rows]


def key_sets() -> list[tuple[str, ...]]:
    """Each vendor's key alone, each pair, all of them."""
    return [*((name,) for name in VENDORS), *combinations(VENDORS, 2), VENDORS]


def now_with(keys: Sequence[str], day: date) -> Availability:
    missing = {name: "set its key" for name in VENDORS if name not in keys}
    return Availability(today=day, missing=missing)


def faults(decision: Decision, one: Asked, sold: Catalogue, now: Availability) -> Iterator[str]:
    """What is wrong with the model picked: retired, unfit, without a key, or not the best."""
    pick = decision.choice
    if pick is None:
        yield from ([] if decision.refusal else ["neither a choice nor a refusal"])
        return
    if pick != decision.candidates[0]:
        yield "the choice is not the first candidate"
    model, hints = sold.models[pick.model], one.found.hints
    want = Wish(duration_s=hints.duration_s, aspect=hints.aspect)
    ways = {(way.provider, way.wire_id, way.dialect): way for way in model.routes}
    for plan in pick.routes:
        way = ways[plan.provider, plan.wire_id, plan.dialect]
        if reason := now.missing.get(plan.provider) or offered(model, way, now):
            yield f"{model.id} at {plan.provider}: {reason}"
        if (
            fit(model, way, Brief(prompt=one.row.prompt), stage=decision.stage, want=want)
            != plan.fit
        ):
            yield f"{model.id} at {plan.provider}: cannot make this as said"
    if (
        pick.model == "local"
        and decision.stage is not Stage.ANIMATIC
        and len(decision.candidates) > 1
    ):
        yield f"a storyboard, though {decision.candidates[1].model} can run"


def choose(one: Asked, sold: Catalogue, now: Availability, stage: Stage | None = None) -> Decision:
    return decide(Brief(prompt=one.row.prompt, stage=stage), one.found, sold, now, facts=CAP)


def strength(model: Model, row: Row) -> float:
    """In what a fair judge would say the prompt demands; "general" is the mean of all."""
    each = {name: one.value for name, one in model.strengths.items() if name != UNWEIGHED}
    each[GENERAL] = fmean(each.values())
    return fmean([each.get(label, each[GENERAL]) for label in row.acceptable])


def compare(ones: Sequence[Asked], sold: Catalogue, now: Availability) -> Mapping[str, Worth]:
    """What the pick, the cheapest, the best for each prompt and every single model are worth."""
    made = dict[str, list[tuple[float, float]]]()
    for one in ones:
        decision = choose(one, sold, now, Stage.FINAL)
        able = {c.model: c for c in decision.candidates if c.model != "local"}
        if not able or decision.choice is None:
            continue
        worth = {
            name: (strength(sold.models[name], one.row), candidate.price_micros / 1e6)
            for name, candidate in able.items()
        }
        made.setdefault(PICK, []).append(worth[decision.choice.model])
        made.setdefault(CHEAPEST, []).append(min(worth.values(), key=lambda w: (w[1], -w[0])))
        made.setdefault(BEST, []).append(max(worth.values(), key=lambda w: (w[0], -w[1])))
        for name, value in worth.items():
            made.setdefault(name, []).append(value)
    whole = len(made.get(PICK, ()))
    return {
        name: Worth(strength=fmean(w[0] for w in values), usd=fmean(w[1] for w in values))
        for name, values in made.items()
        if len(values) == whole  # a model that cannot make them all is no rule to follow
    }


def rows(every: int = FOURTH) -> list[Figure]:
    """The figures of the common table; of the development part one prompt in so many."""
    develop, test = parts(corpus_rows())
    ones, others = asked(develop[::every]), asked(test)
    sold = load(builtin_text(), None)
    today = datetime.now(UTC).date()
    wrong, count = list[str](), 0
    for keys in key_sets():
        now = now_with(keys, today)
        for one in ones:
            wrong += faults(choose(one, sold, now), one, sold, now)
            count += 1
    safe = Figure(
        what=f"pick: {len(ones)} prompts x {len(key_sets())} sets of keys",
        budget="0 that cannot run",
        measured=f"{len(wrong)} of {count:,}",
        good=not wrong,
        note="; ".join(sorted(set(wrong))[:3]),
    )
    return [safe, *_figures(compare(others, sold, now_with(VENDORS, today)))]


def _figures(found: Mapping[str, Worth]) -> Iterator[Figure]:
    pick = found[PICK]
    singles = [name for name in found if name not in (PICK, CHEAPEST, BEST)]
    same = max(singles, key=lambda name: found[name].strength)
    for title, name in (
        ("the pick", PICK),
        ("always the cheapest", CHEAPEST),
        (f"always {same}, the best single one", same),
        ("the strongest for each, price no object", BEST),
    ):
        worth = found[name]
        gain, paid = pick.strength - worth.strength, pick.usd - worth.usd
        yield Figure(
            what=f"strength and price, stage final, test part: {title}",
            budget="-",
            measured=f"{worth.strength:.3f}, ${worth.usd:.2f}",
            good=None,
            note="" if name == PICK else f"the pick is {gain:+.3f} stronger for ${paid:+.2f}",
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="decide every development prompt")
    show(rows(1 if parser.parse_args().all else FOURTH))
