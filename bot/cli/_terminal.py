"""The terminal as a face: progress bars on stderr, clips on the disk, no answer left unsaid."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot import files, jobs
from bot.app import App, Clock
from bot.jobs import Job, State

__all__ = ["Terminal", "follow", "patience"]

_LOOK_S: Final = 90.0
_FETCH_TRIES: Final = 5
_REDRAW_S: Final = 0.25

_WORDS: Final[Mapping[State, str]] = {
    State.QUEUED: "waiting",
    State.SUBMITTING: "submitting",
    State.UNCERTAIN: "looking for it at the vendor",
    State.RENDERING: "rendering",
    State.FETCHING: "fetching",
    State.DELIVERING: "saving",
    State.DONE: "done",
    State.REFUNDING: "stopping",
    State.REFUNDED: "stopped",
}


def patience(tries: int) -> float:
    """Seconds before another try at a result: five tries within a minute."""
    return 2.0 * 2 ** (tries % _FETCH_TRIES)


class Terminal:
    """Delivery to this machine: the clip stays in `clips/`, and goes to `out` when asked."""

    def __init__(self, clock: Clock, out: Path | None = None) -> None:
        self.seen: dict[str, Job] = {}
        self.changed = asyncio.Event()
        self._clock = clock
        self._out = out

    async def update(self, job: Job) -> None:
        self.seen[job.id] = job
        self.changed.set()

    async def deliver(self, job: Job, clip: Path) -> jobs.Delivered | jobs.Later:
        """Copy to `out`; a clip that belongs to a channel waits for the bot."""
        if job.place.channel_id is not None:
            return jobs.Later(
                due_at=self._clock() + timedelta(hours=1),
                message="The clip is here; the bot posts it when it runs.",
            )
        if target := self.target(job):
            await files.copy(clip, target)
        return jobs.Delivered()

    def target(self, job: Job) -> Path | None:
        return self._out / f"{job.id}.mp4" if self._out else None


async def follow(
    app: App,
    terminal: Terminal,
    wanted: Collection[Job],
    *,
    console: Console | None,
    look_once: bool = False,
    at_most_s: float | None = None,
) -> list[Job]:
    """Run these jobs until each has ended or cannot be brought further now; their last state.

    `look_once` gives an uncertain job one look instead of 90 s. Shows bars on `console`.
    """
    stops = [_Stop(app, job, look_once=look_once) for job in wanted]
    runner = asyncio.ensure_future(app.worker.run(resume=False))
    until = None if at_most_s is None else time.monotonic() + at_most_s
    await asyncio.sleep(0)
    try:
        with _Bars(app, console) as bars:
            for job in wanted:
                terminal.seen.setdefault(job.id, job)
                app.worker.start(job)
                if job.state is State.FETCHING:
                    app.worker.wake(job.id)
            while until is None or time.monotonic() < until:
                if runner.done():
                    runner.result()
                current = [terminal.seen[job.id] for job in wanted]
                bars.draw(current)
                if all(stop.reached(job) for stop, job in zip(stops, current, strict=True)):
                    break
                terminal.changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(terminal.changed.wait(), _REDRAW_S)
    finally:
        runner.cancel()
        with suppress(asyncio.CancelledError):
            await runner
    return [await app.store.job(job.id) for job in wanted]


class _Stop:
    """When one job cannot be brought further by waiting."""

    def __init__(self, app: App, job: Job, *, look_once: bool) -> None:
        self._app = app
        self._looks = job.looks if job.state is State.UNCERTAIN else 0
        self._fetches = job.fetch_tries
        self._look_once = look_once
        self._uncertain_since: float | None = None

    def reached(self, job: Job) -> bool:
        if job.ended:
            return True
        if job.state is State.UNCERTAIN:
            return self._looked_enough(job)
        self._uncertain_since = None
        if job.state is State.FETCHING:
            return job.fetch_tries >= self._fetches + _FETCH_TRIES
        return (
            job.state is State.DELIVERING and job.place.channel_id is not None and bool(job.message)
        )

    def _looked_enough(self, job: Job) -> bool:
        client = self._app.vendors.client(job.provider)
        if client is None or not (client.facts.findable or client.facts.resend_safe):
            return True
        if self._look_once:
            return job.looks > self._looks
        self._uncertain_since = self._uncertain_since or time.monotonic()
        return time.monotonic() - self._uncertain_since > _LOOK_S


class _Bars:
    """One bar a job; nothing at all without a console."""

    def __init__(self, app: App, console: Console | None) -> None:
        self._app = app
        self._rows: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            disable=console is None or not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def draw(self, current: list[Job]) -> None:
        for job in current:
            share = self._app.worker.progress_of(job)
            text = f"{job.model} via {job.provider}: {_WORDS[job.state]}"
            if ahead := self._app.worker.ahead_of(job):
                text += f", {ahead} before it"
            if job.id not in self._rows:
                self._rows[job.id] = self._progress.add_task(text, total=1.0)
            self._progress.update(
                self._rows[job.id],
                description=text,
                completed=1.0 if job.state is State.DONE else (share or 0.0),
            )
