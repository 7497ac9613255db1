"""What a job costs the engine itself, and what a thousand waiting jobs cost the process.

The vendor, the media worker and the delivery answer at once from this file, so what is left is
ours: the state machine, the store on a real disk, the worker, the lanes.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final

import httpx
from pydantic import SecretStr

from benchmarks.jobs import PROMPT, decision, job, plenty, waiting
from benchmarks.table import Row, show
from bot import app, files
from bot._media_download import LoopbackOk
from bot.brief import Brief
from bot.catalogue import builtin_text, load
from bot.config import Settings
from bot.jobs import Delivered, Job, State
from bot.log import configure
from bot.media import ClipInfo, Downloaded, Media
from bot.pace import Pace
from bot.store import Store
from bot.vendors import Vendors
from bot.worker import Worker
from providers.base import Facts, Options, Phase, Provider, Remote, Status, VideoRequest

JOBS: Final = 300
POLLS: Final = 3
MANY_POLLS: Final = 33  # a render of a minute and a half
NOWHERE: Final = "http://127.0.0.1:9/v1"
WAITING: Final = 1_000
CROWD: Final = 4_000
ROOT: Final = Path(__file__).parents[1]
CLIP: Final = ClipInfo(
    path=Path(),
    size_bytes=4,
    duration_s=5.0,
    width=1280,
    height=720,
    fps=24.0,
    frames=120,
    codec="h264",
    pix_fmt="yuv420p",
    audio_codec=None,
    payload_bytes=4,
    audio_bytes=0,
    brand="isom",
    faststart=True,
    content_credentials=False,
)


def rows() -> list[Row]:
    configure("info", "console", ())
    per_job_ms, commits = asyncio.run(_run_jobs(JOBS, POLLS))
    longer_ms, more_commits = asyncio.run(_run_jobs(JOBS // 5, MANY_POLLS))
    further = MANY_POLLS - POLLS
    idle, full, crowded = (_fresh_process(jobs) for jobs in (0, WAITING, CROWD))
    # From the second thousand on: the first also fills caches, which do not grow with the jobs.
    each_kb = (crowded.rss_mb - full.rss_mb) * 1024 / (CROWD - WAITING)
    return [
        Row(
            what="engine per job",
            budget="<= 3 ms CPU",
            measured=f"{per_job_ms:.1f} ms",
            good=per_job_ms <= 3.0,
            note=f"{POLLS} polls, {commits} commits",
        ),
        Row(
            what="engine per further poll",
            budget="-",
            measured=f"{(longer_ms - per_job_ms) / further:.2f} ms CPU",
            good=None,
            note=f"{(more_commits - commits) / further:g} commits",
        ),
        Row(
            what="memory of an idle bot",
            budget="<= 120 MB",
            measured=f"{idle.rss_mb:.0f} MB",
            good=idle.rss_mb <= 120,
        ),
        Row(
            what="memory per waiting job",
            budget="<= 10 KB",
            measured=f"{each_kb:.1f} KB",
            good=each_kb <= 10,
            note=f"{full.rss_mb:.0f} MB with {WAITING:,}, {crowded.rss_mb:.0f} MB with {CROWD:,}",
        ),
        Row(
            what=f"start to ready with {WAITING:,} unfinished jobs",
            budget="<= 2 s",
            measured=f"{full.cpu_s:.1f} s CPU",
            good=full.cpu_s <= 2.0,
            note=f"{full.wall_s:.1f} s wall; with none {idle.cpu_s:.1f} s CPU, {idle.wall_s:.1f} s"
            " wall; without Discord's handshake",
        ),
    ]


class Instant(Provider):
    """A vendor that accepts at once; the seed says how often it must be asked for the clip."""

    id = "gateway"
    facts: ClassVar[Facts] = Facts(
        resend_safe=False,
        findable=False,
        cancellable=False,
        cancel_saves=False,
        poll_floor_s=0.02,
    )

    def __init__(self, http: httpx.AsyncClient, options: Options) -> None:
        super().__init__(http, options)
        self._looks: dict[str, int] = {}

    async def submit(self, request: VideoRequest) -> Remote:
        return Remote(remote_id=request.correlation_id)

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        look = self._looks[remote.remote_id] = self._looks.get(remote.remote_id, 0) + 1
        if look < (request.seed or 0):
            return Status(phase=Phase.RENDERING, progress=look / 100)
        return Status(phase=Phase.SUCCEEDED, result_url="https://vendor.invalid/clip.mp4")

    async def check(self) -> str:
        return "nothing was asked"


class Quick(Vendors):
    """The real lanes with the instant vendor behind them, and no calls per minute."""

    _instant: Instant | None = None

    def client(self, provider: str) -> Provider | None:
        found = super().client(provider)
        if found is not None and self._instant is None:
            self._instant = Instant(found.http, found.options)
        return self._instant

    async def pace(self, provider: str) -> None:
        return


class Blind(Media):
    """Downloads a few bytes and finds every clip good: no network, no worker process."""

    async def download(
        self,
        url: str,
        to: Path,
        headers: Mapping[str, str] | None = None,
        *,
        max_bytes: int | None = None,
        loopback_ok: LoopbackOk | None = None,
    ) -> Downloaded:
        to.write_bytes(b"clip")
        return Downloaded(path=to, sha256="", size_bytes=4)

    async def examine(
        self, path: Path, *, poster: Path | None = None, last_frame: Path | None = None
    ) -> ClipInfo:
        return replace(CLIP, path=path)


class Silent:
    """Delivery to nobody."""

    async def update(self, job: Job) -> None:
        return

    async def deliver(self, job: Job, clip: Path) -> Delivered:
        return Delivered(message_id=1)


async def _run_jobs(jobs: int, polls: int) -> tuple[float, int]:
    """Milliseconds of CPU per job from its acceptance to its end, and how many commits it took."""
    with tempfile.TemporaryDirectory() as name:
        return await _run_in(Path(name), jobs, Brief(prompt=PROMPT, seed=polls))


async def _run_in(folder: Path, jobs: int, brief: Brief) -> tuple[float, int]:
    files.prepare_folder(folder)
    async with Store.open(folder / "dailies.db") as store, httpx.AsyncClient() as http:
        settings = Settings(
            gateway_api_key=SecretStr("benchmark"),
            gateway_base_url=NOWHERE,
            discord_allowed_guilds=frozenset({1}),
        )
        routes = [
            route for model in load(builtin_text(), None).models.values() for route in model.routes
        ]
        worker = Worker(
            store=store,
            vendors=Quick.connect(settings, http, store, app.utc_now, routes),
            media=Blind(http, folder / "tmp", loopback_ok=lambda _: False),
            folder=folder,
            delivery=Silent(),
            pace=Pace(),
        )
        record = decision()
        before = time.process_time()
        for number in range(jobs):
            queued = job(f"j{number:04}", brief=brief)
            await store.add_jobs([queued], record, plenty(), app.utc_now())
        await worker.run(forever=False)
        cpu_s = time.process_time() - before
        last = await store.job(f"j{jobs - 1:04}")
        assert last.state is State.DONE, last
        assert not await store.check_ledger()
        return cpu_s * 1000 / jobs, len(await store.history(last.id))


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    cpu_s: float
    wall_s: float
    rss_mb: float


def _fresh_process(jobs: int) -> Start:
    """A bot that finds so many unfinished jobs, measured when all of them wait."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_prepare(Path(name), jobs))
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATA_DIR": name,
            "GATEWAY_API_KEY": "benchmark",
            "GATEWAY_BASE_URL": NOWHERE,
        }
        command = [sys.executable, "-m", "benchmarks.waiting_bot"]
        start = time.perf_counter()
        with subprocess.Popen(
            command, cwd=name, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as bot:
            assert bot.stdout is not None
            line = bot.stdout.readline()
            wall_s = time.perf_counter() - start
        assert bot.returncode == 0, line
    said = json.loads(line)
    return Start(cpu_s=said["cpu_s"], wall_s=wall_s, rss_mb=said["rss_mb"])


async def _prepare(folder: Path, jobs: int) -> None:
    files.prepare_folder(folder)
    now = app.utc_now()
    async with Store.open(folder / "dailies.db") as store:
        made = [waiting(f"w{number:04}", now + timedelta(hours=6)) for number in range(jobs)]
        if made:
            await store.add_jobs(made, decision(), plenty(), now)


if __name__ == "__main__":
    show(rows())
