"""The corpus of labelled prompts: reading it, its development and test part, its fingerprint.

Rows next to each other in a file were written in one breath, so parts and folds are drawn by
groups of rows, and files (one author or one sitting each) are held out whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "Row", "corpus_rows", "fingerprint", "fold", "parts", "read_rows"]

FOLDER = Path(__file__).parent / "corpus"
SPLIT = Path(__file__).parent / "split.json"
GROUP = 4  # rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    prompt: str
    label: str
    acceptable: tuple[str, ...]
    lang: str = "en"
    tags: tuple[str, ...] = ()
    file: str = ""
    group: str = ""

    @property
    def author(self) -> str:
        """Whose the file is: its name begins with that, but for those that were there first."""
        name, _, rest = self.file.partition("_")
        return name if rest else "first"

    @property
    def key(self) -> str:
        return hashlib.sha256(self.prompt.encode()).hexdigest()[:12]


def corpus_rows(folder: Path = FOLDER) -> list[Row]:
    rows = list[Row]()
    for path in sorted(folder.glob("*.jsonl")):
        rows += read_rows(path)
    for path in sorted(folder.glob("*.json")):
        table: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
        said = [{"prompt": p, "label": label} for label, ps in table.items() for p in ps]
        rows += _rows(said, path.stem)
    return rows


def read_rows(path: Path) -> list[Row]:
    lines = path.read_text("utf-8").splitlines()
    return _rows([json.loads(line) for line in lines if line.strip()], path.stem)


def _rows(found: Iterable[dict[str, Any]], file: str) -> list[Row]:
    return [
        Row(
            prompt=row["prompt"],
            label=row["label"],
            acceptable=tuple(row.get("acceptable", (row["label"],))),
            lang=row.get("lang", "en"),
            tags=tuple(row.get("tags", (row["kind"],) if "kind" in row else ())),
            file=file,
            group=f"{file} {i // GROUP}",
        )
        for i, row in enumerate(found)
    ]


def parts(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Development rows, and the test rows that are scored rarely and never read."""
    test = frozenset(json.loads(SPLIT.read_text("utf-8"))["test"])
    return [r for r in rows if r.key not in test], [r for r in rows if r.key in test]


def fold(row: Row, seed: int, count: int) -> int:
    """Which fold a row's group belongs to."""
    return int.from_bytes(hashlib.sha256(f"{seed} {row.group}".encode()).digest()[:4]) % count


def fingerprint(folder: Path = FOLDER) -> str:
    """Changes with any file of the corpus and with the split."""
    digest = hashlib.sha256()
    for path in (*sorted(folder.glob("*.json*")), SPLIT):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
