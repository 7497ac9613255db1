"""`python -m benchmarks [NAME...]`: every benchmark, or those named, in one table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from benchmarks import ack, books, demo, engine, media, route, vendor_seen
from benchmarks.table import Row, show

ALL: Final[Mapping[str, Callable[[], Sequence[Row]]]] = {
    "route": route.rows,
    "engine": engine.rows,
    "vendor_seen": vendor_seen.rows,
    "ack": ack.rows,
    "books": books.rows,
    "demo": demo.rows,
    "media": media.rows,
}


def main(names: Sequence[str]) -> int:
    if unknown := [name for name in names if name not in ALL]:
        print(f"No benchmark {', '.join(unknown)}; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in names or ALL:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += ALL[name]()
    show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
