"""`python -m benchmarks [NAME...]`: every benchmark, or those named, in one table."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from benchmarks import (
    ack,
    books,
    classifier,
    demo,
    engine,
    media,
    pick,
    ranking,
    route,
    vendor_seen,
)
from benchmarks.table import Row, show

ALL: Final[Mapping[str, Callable[[], Sequence[Row]]]] = {
    "route": route.rows,
    "classifier": classifier.rows,
    "pick": pick.rows,
    "engine": engine.rows,
    "vendor_seen": vendor_seen.rows,
    "ack": ack.rows,
    "books": books.rows,
    "demo": demo.rows,
    "media": media.rows,
    "ranking": ranking.rows,
}
STOPPED: Final = "stopped"


def main(names: Sequence[str]) -> int:
    if unknown := [name for name in names if name not in ALL]:
        print(f"No benchmark {', '.join(unknown)}; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    rows = [row for name in names or ALL for row in _rows(name)]
    show(rows)
    return int(any(row.measured == STOPPED for row in rows))


def _rows(name: str) -> Sequence[Row]:
    """One that goes wrong leaves a row that says so, and the others go on."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        return ALL[name]()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        traceback.print_exc()
        return [Row(what=name, budget="-", measured=STOPPED, good=None, note=repr(error)[:80])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
