"""Draws the test part: `python -m training.split`. Groups once drawn stay drawn.

About a tenth of every file's groups, chosen by hash; run again after rows were added, it only
adds. Nothing of the test part may be trained on, tuned on or read.
"""

from __future__ import annotations

import json

from training.corpus import SPLIT, Row, corpus_rows, fold

SEED = 2026
TENTH = 10


def main() -> None:
    kept = json.loads(SPLIT.read_text("utf-8"))["test"] if SPLIT.exists() else []
    drawn = [row.key for row in corpus_rows() if _drawn(row)]
    test = sorted({*kept, *drawn})
    SPLIT.write_text(json.dumps({"seed": SEED, "test": test}, indent=0) + "\n", "utf-8")


def _drawn(row: Row) -> bool:
    return row.file != "exemplars" and fold(row, SEED, TENTH) == 0


if __name__ == "__main__":
    main()
