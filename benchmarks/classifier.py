"""How well prompts are understood: cues alone, learned weights alone, and both.

`python -m benchmarks.classifier` scores the test part of the corpus, which no weight was fitted
to and no one reads; `--open PATH` scores a JSON-lines file of prompts from elsewhere. Fitted anew,
which needs numpy and scipy and takes a quarter of an hour each: `--authors` and `--files` hold out
authors and files of the corpus whole, a sixth of them at a time, `--curve` trains on ever more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

from benchmarks import route
from benchmarks.table import Row as Figure
from benchmarks.table import show
from bot import learned as learned_module
from bot.brief import GENERAL
from bot.classifier import classify, cue_points
from bot.lexicon import lexicon
from bot.reading import read
from training.corpus import Row, corpus_rows, parts, read_rows

SORA: Final = frozenset(("temporal_coherence", "fluid_physics", "camera_motion", "environment"))
BINS: Final = 10
SHARPNESS: Final = 2.5  # how the cues alone share the weights out, before anything was learnt
DOUBT: Final = 0.25  # points "general" has from the start, so that no cue means general
FEW: Final = 8  # rows below which a line says nothing
SIZE_MB, LOAD_S, MEMORY_MB = 3.0, 0.15, 25.0

PEER: Final = """\
Measured before, on rows of their own (accuracy / decision):
  rules v2                  sealed .41 / .65  public .84 / .94 (tuned there)  .45 ms p50
  semantic-router, MiniLM   sealed .47 / .71  public .52 / .76                4-9 ms p50, 290 MB
  first n-gram model        sealed .78 / .86  public .64 / .82"""

ANEW: Final = {
    "authors": "hold out the authors of the corpus, in six groups",
    "files": "hold out the files of the corpus, in six groups",
    "curve": "train on 60, 80, 90 and 100 % of the corpus",
}

Weights = Mapping[str, float]
Judge = Callable[[Sequence[Row]], Sequence[Weights]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    count: int
    accuracy: float
    macro_f1: float
    decision: float
    ece: float

    def __str__(self) -> str:
        return f"{self.accuracy:.3f} {self.macro_f1:.3f} {self.decision:.3f} {self.ece:.3f}"


def score(rows: Sequence[Row], said: Sequence[Weights]) -> Score:
    tops = [max(weights, key=lambda label: weights[label]) for weights in said]
    right = [top in row.acceptable for row, top in zip(rows, tops, strict=True)]
    decided = [one for row, top in zip(rows, tops, strict=True) for one in _decided(row, top)]
    sure = [weights[top] for weights, top in zip(said, tops, strict=True)]
    return Score(
        count=len(rows),
        accuracy=fmean(right),
        macro_f1=_macro_f1(rows, tops),
        decision=fmean(decided) if decided else float("nan"),
        ece=_ece(right, sure),
    )


def _decided(row: Row, top: str) -> Iterator[float]:
    """Whether the family of models is right, where the acceptable labels agree on one."""
    sides = {None if label == GENERAL else label in SORA for label in row.acceptable}
    if len(sides) == 1 and None not in sides:
        yield 0.5 if top == GENERAL else float((top in SORA) in sides)


def _macro_f1(rows: Sequence[Row], tops: Sequence[str]) -> float:
    """An acceptable answer counts as the label itself."""
    said = [
        row.label if top in row.acceptable else top for row, top in zip(rows, tops, strict=True)
    ]
    each = list[float]()
    for label in sorted({row.label for row in rows}):
        true = sum(row.label == label == top for row, top in zip(rows, said, strict=True))
        whole = sum(row.label == label for row in rows) + said.count(label)
        each.append(2 * true / whole)
    return fmean(each)


def _ece(right: Sequence[bool], sure: Sequence[float]) -> float:
    bins: list[list[float]] = [[] for _ in range(BINS)]
    for ok, share in zip(right, sure, strict=True):
        bins[min(int(share * BINS), BINS - 1)].append(ok - share)
    return sum(abs(sum(gaps)) for gaps in bins) / len(right)


def both(rows: Sequence[Row]) -> Sequence[Weights]:
    return [classify(row.prompt).weights for row in rows]


def cues_alone(rows: Sequence[Row]) -> Sequence[Weights]:
    book = lexicon()
    return [_sharpened(cue_points(read(row.prompt, book).findings, book)) for row in rows]


def _sharpened(points: Weights) -> Weights:
    powers = {
        label: (value + DOUBT * (label == GENERAL)) ** SHARPNESS for label, value in points.items()
    }
    whole = sum(powers.values())
    return {label: power / whole for label, power in powers.items()}


def report(title: str, rows: Sequence[Row], judges: Mapping[str, Judge]) -> None:
    print(f"\n{title}: {len(rows)} prompts (accuracy, macro-F1, decision, ECE)")
    said = {name: judge(rows) for name, judge in judges.items()}
    print("".join([" " * 30, *(f"{name:26}" for name in said)]).rstrip())
    for kind, of in GROUPS.items():
        for name in sorted({name for row in rows for name in of(row)}):
            places = [i for i, row in enumerate(rows) if name in of(row)]
            if len(places) < FEW:
                continue
            some = [rows[i] for i in places]
            cells = (f"{score(some, [one[i] for i in places])!s:26}" for one in said.values())
            print(f"{kind:6}{name[:18]:18}{len(places):5} {''.join(cells)}".rstrip())


GROUPS: Final[Mapping[str, Callable[[Row], Iterable[str]]]] = {
    "all": lambda row: ("",),
    "label": lambda row: (row.label,),
    "lang": lambda row: (row.lang,),
    "tag": lambda row: row.tags,
    "author": lambda row: (row.author,),
    "file": lambda row: (row.file,),
}


def rows() -> Sequence[Figure]:
    """The figures of the common table."""
    _, test = parts(corpus_rows())
    found = score(test, both(test))
    size_mb = Path(learned_module.__file__).with_name("classifier.bin").stat().st_size / 1e6
    load_s, memory_mb = _first_answer()
    what = f"classify: {len(test)} prompts kept aside"

    def figure(name: str, budget: str, value: float, good: bool, note: str = "") -> Figure:
        return Figure(
            what=f"{what}, {name}", budget=budget, measured=f"{value:.2f}", good=good, note=note
        )

    return [
        figure("accuracy", ">= .85", found.accuracy, found.accuracy >= 0.85),
        figure("decision", ">= .93", found.decision, found.decision >= 0.93),
        figure("calibration error", "<= .06", found.ece, found.ece <= 0.06),
        figure("artefact in MB", "<= 3", size_mb, size_mb <= SIZE_MB),
        figure("import, load and first answer, s CPU", "<= .15", load_s, load_s <= LOAD_S),
        figure("memory added in MB", "<= 25", memory_mb, memory_mb <= MEMORY_MB),
    ]


_FIRST = """
import time, bot.brief, providers.base, json, re, tomllib, unicodedata
from pathlib import Path
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
before = time.process_time(), resident()
from bot.classifier import classify
classify("water poured into a glass")
print(time.process_time() - before[0], resident() - before[1])
"""


def _first_answer() -> tuple[float, float]:
    """CPU seconds and memory of a process of its own, up to its first answer; the best of three."""
    told = [
        subprocess.run([sys.executable, "-c", _FIRST], capture_output=True, check=True, text=True)
        for _ in range(3)
    ]
    seconds, megabytes = zip(*(map(float, one.stdout.split()) for one in told), strict=True)
    return min(seconds), min(megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=Path, help="prompts from elsewhere, a JSON object a line")
    for name, what in ANEW.items():
        parser.add_argument(f"--{name}", action="store_true", help=what)
    asked = parser.parse_args()
    develop, test = parts(corpus_rows())
    anew = [name for name in ANEW if getattr(asked, name)]
    if anew:
        _fit_anew(anew, develop)
        return
    judges: dict[str, Judge] = {"cues alone": cues_alone}
    if importlib.util.find_spec("scipy"):
        from benchmarks.fitted import fitted  # needs numpy and scipy

        judges["learned alone"] = fitted(develop, concepts=False)
    judges["both"] = both
    if asked.open:
        report(asked.open.name, _open_rows(asked.open), judges)
    else:
        report("Test part", test, judges)
    print(f"\n{PEER}\n")
    show([*rows(), *route.rows()])


def _fit_anew(names: Sequence[str], develop: Sequence[Row]) -> None:
    from benchmarks import fitted  # needs numpy and scipy

    if "authors" in names:
        judges = {"cues alone": cues_alone, "both": fitted.without(develop, "author")}
        report("Authors held out", develop, judges)
    if "files" in names:
        report("Files held out", develop, {"both": fitted.without(develop, "file")})
    if "curve" in names:
        print("\nLearning curve (share of the rows trained on, their number, then as above):")
        for share, count, judge, held in fitted.curve(develop):
            print(f"{share:5.0%}{count:7}   {score(held, judge(held))}", flush=True)


def _open_rows(path: Path) -> Sequence[Row]:
    """Rows with the place they come from as their file."""
    sources = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Row(
            prompt=row.prompt,
            label=row.label,
            acceptable=row.acceptable,
            lang=row.lang,
            tags=row.tags,
            file=source.get("source", row.file),
        )
        for row, source in zip(read_rows(path), sources, strict=True)
    ]


if __name__ == "__main__":
    main()
