"""`python -m bot demo` in an empty folder: route, draw, verify, book; without any key."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.table import Row, show

ROOT: Final = Path(__file__).parents[1]
BUDGET_S: Final = 10.0


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATA_DIR": f"{name}/data"}
        before, start = _children_cpu_s(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "bot", "demo"],
            cwd=name,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        wall_s, cpu_s = time.perf_counter() - start, _children_cpu_s() - before
        assert list(Path(name, "data", "clips").glob("*.mp4")), "the demo left no clip"
    return [
        Row(
            what="the job of `make demo`",
            budget=f"<= {BUDGET_S:g} s",
            measured=f"{cpu_s:.1f} s CPU",
            good=cpu_s <= BUDGET_S,
            note=f"{wall_s:.1f} s wall; its worker processes are counted",
        )
    ]


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    show(rows())
