"""CPU of classifying a prompt and choosing a model for it, with the keys of all vendors set.

Real prompts come from `training/corpus`, or from DAILIES_EVAL: a JSON-lines file, or a folder of
them, with a "prompt" in each line.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.table import Row, percentile, show
from bot.brief import Brief
from bot.catalogue import builtin_text, load
from bot.classifier import classify
from bot.models import Availability
from bot.router import Facts, decide

CORPUS: Final = Path(__file__).parents[1] / "training" / "corpus"
ENOUGH: Final = 300
MOST: Final = 600
LONG: Final = 2_000  # characters
ROUNDS: Final = 3


def rows() -> list[Row]:
    every = _prompts()
    prompts = every[:: len(every) // MOST + 1]
    what = f"route a prompt: {len(prompts)} real ones"
    if len(prompts) < ENOUGH:
        note = f"{len(prompts)} prompts found, {ENOUGH} needed: set DAILIES_EVAL"
        return [Row(what=what, budget="p50 <= 0.5 ms", measured="-", good=None, note=note)]
    router = _Router()
    first = router.cost(prompts[0])
    usual, long = _costs(router, prompts), _costs(router, _long(every))
    p50, p99 = (percentile([cost.whole_ms for cost in usual], share) for share in (0.5, 0.99))
    long_p99 = percentile([cost.whole_ms for cost in long], 0.99)
    return [
        Row(
            what=what,
            budget="p50 <= 0.5 ms CPU",
            measured=f"{p50:.2f} ms",
            good=p50 <= 0.5,
            note=f"{_parts(usual, 0.5)}; p99 {p99:.2f}; the very first {first.whole_ms:.0f} ms",
        ),
        Row(
            what=f"route {len(long)} prompts of {LONG:,} characters",
            budget="p99 <= 3 ms CPU",
            measured=f"{long_p99:.2f} ms",
            good=long_p99 <= 3.0,
            note=_parts(long, 0.99),
        ),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """CPU milliseconds of one prompt."""

    classify_ms: float
    decide_ms: float

    @property
    def whole_ms(self) -> float:
        return self.classify_ms + self.decide_ms


class _Router:
    """As the producer calls it, at the usual cap, with every vendor's key."""

    def __init__(self) -> None:
        self._catalogue = load(builtin_text(), None)
        self._now = Availability(today=datetime.now(UTC).date(), missing={})
        self._facts = Facts(max_price_micros=2_000_000)

    def cost(self, prompt: str) -> Cost:
        start = time.process_time_ns()
        found = classify(prompt)
        between = time.process_time_ns()
        decide(Brief(prompt=prompt), found, self._catalogue, self._now, facts=self._facts)
        end = time.process_time_ns()
        return Cost(classify_ms=(between - start) / 1e6, decide_ms=(end - between) / 1e6)


def _prompts() -> Sequence[str]:
    place = Path(os.environ.get("DAILIES_EVAL", CORPUS))
    files = sorted(place.rglob("*.jsonl")) if place.is_dir() else [place]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    return [text for line in lines if isinstance(text := json.loads(line).get("prompt"), str)]


def _long(prompts: Sequence[str]) -> Sequence[str]:
    """Real prompts strung together, cut at the length."""
    whole = " ".join(prompts)
    return [whole[LONG * part : LONG * (part + 1)] for part in range(len(whole) // LONG)]


def _costs(router: _Router, prompts: Sequence[str]) -> Sequence[Cost]:
    """Per prompt the middle one of a few rounds, so that one interruption is not a figure."""
    rounds = [[router.cost(prompt) for prompt in prompts] for _ in range(ROUNDS)]
    return [
        sorted(costs, key=lambda cost: cost.whole_ms)[ROUNDS // 2]
        for costs in zip(*rounds, strict=True)
    ]


def _parts(costs: Sequence[Cost], share: float) -> str:
    read = percentile([cost.classify_ms for cost in costs], share)
    chosen = percentile([cost.decide_ms for cost in costs], share)
    return f"classify {read:.2f}, decide {chosen:.2f}"


if __name__ == "__main__":
    show(rows())
