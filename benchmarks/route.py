"""CPU of classifying a prompt and choosing a model for it, with the keys of all vendors set.

Real prompts come from `training/corpus`, or from DAILIES_EVAL: a JSON-lines file, or a folder of
them, with a "prompt" in each line.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
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
    router, long = _Router(), _long(every)
    cold_ms = _cpu_ms(router.whole, prompts[0])
    usual, longest = _each(router.whole, prompts), _each(router.whole, long)
    read = percentile(_each(classify, prompts), 0.5)
    p50, p99, long_p99 = (
        percentile(values, share)
        for values, share in ((usual, 0.5), (usual, 0.99), (longest, 0.99))
    )
    return [
        Row(
            what=what,
            budget="p50 <= 0.5 ms CPU",
            measured=f"{p50:.2f} ms",
            good=p50 <= 0.5,
            note=f"classify {read:.2f}, decide {p50 - read:.2f}; the very first {cold_ms:.0f} ms",
        ),
        Row(what=what, budget="-", measured=f"p99 {p99:.2f} ms", good=None),
        Row(
            what=f"route {len(long)} prompts of {LONG:,} characters",
            budget="p99 <= 3 ms CPU",
            measured=f"{long_p99:.2f} ms",
            good=long_p99 <= 3.0,
        ),
    ]


class _Router:
    """As the producer calls it, at the usual cap, with every vendor's key."""

    def __init__(self) -> None:
        self._catalogue = load(builtin_text(), None)
        self._now = Availability(today=datetime.now(UTC).date(), missing={})
        self._facts = Facts(max_price_micros=2_000_000)

    def whole(self, prompt: str) -> None:
        brief = Brief(prompt=prompt)
        decide(brief, classify(prompt), self._catalogue, self._now, facts=self._facts)


def _prompts() -> Sequence[str]:
    place = Path(os.environ.get("DAILIES_EVAL", CORPUS))
    files = sorted(place.rglob("*.jsonl")) if place.is_dir() else [place]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    return [text for line in lines if isinstance(text := json.loads(line).get("prompt"), str)]


def _long(prompts: Sequence[str]) -> Sequence[str]:
    """Real prompts strung together, cut at the length."""
    parts = len(" ".join(prompts)) // LONG
    whole = " ".join(prompts)
    return [whole[LONG * part : LONG * (part + 1)] for part in range(parts)]


def _each(work: Callable[[str], object], prompts: Sequence[str]) -> Sequence[float]:
    """Per prompt the median of a few rounds, so that one interruption is not a figure."""
    rounds = [[_cpu_ms(work, prompt) for prompt in prompts] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def _cpu_ms(work: Callable[[str], object], prompt: str) -> float:
    before = time.process_time_ns()
    work(prompt)
    return (time.process_time_ns() - before) / 1e6


if __name__ == "__main__":
    show(rows())
