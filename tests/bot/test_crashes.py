"""kill -9 at every state and around every effect: nothing lost, nothing paid twice.

Real processes, against a vendor that takes a client id (Kling), one that can list (the gateway) and
one that has neither (LTX). After the kill the same folder is resumed until nothing moves any more.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.jobs import Job, State
from bot.store import Store
from tests.bot.process import Bot, until
from tests.clips import clip_bytes
from tests.standin.kling import Kling
from tests.standin.loopback import Loopback
from tests.standin.ltx import LTX
from tests.standin.openai import Gateway

PROMPT = "a paper boat crossing a puddle, low angle"
MOVES = 7  # Submit, Accepted, Ticked or Finished ..., Fetched, Posting, Delivered
KILLS = [f"move:{n}:{moment}" for n in range(1, MOVES + 1) for moment in ("before", "after")]
KILLS += ["rename:before", "rename:after"]
AROUND_THE_CALL = ["call:before", "call:after", "call:lost", "call:never"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A vendor, how it is reached, and what can be known after a lost answer."""

    standin: type[Loopback]
    model: str
    key: str
    url: str
    resends: bool = False
    lists: bool = False


CASES = {
    "client id": Case(
        standin=Kling, model="kling-v3", key="KLING_API_KEY", url="KLING_BASE_URL", resends=True
    ),
    "list": Case(
        standin=Gateway,
        model="sora-2",
        key="GATEWAY_API_KEY",
        url="GATEWAY_BASE_URL",
        lists=True,
    ),
    "neither": Case(standin=LTX, model="ltx-2.3-fast", key="LTX_API_KEY", url="LTX_BASE_URL"),
}


@pytest.mark.campaign
@pytest.mark.timeout(280)
@pytest.mark.parametrize("name", list(CASES))
async def test_kill_at_every_point_loses_nothing_and_pays_once(name: str, tmp_path: Path) -> None:
    seats = asyncio.Semaphore(4)

    async def run(kill: str) -> str:
        folder = tmp_path / kill.replace(":", "-")
        folder.mkdir()
        async with seats:
            return await _killed_and_resumed(CASES[name], kill, folder)

    kills = KILLS + AROUND_THE_CALL
    problems = await asyncio.gather(*[run(kill) for kill in kills])

    assert [
        f"{kill}: {problem}" for kill, problem in zip(kills, problems, strict=True) if problem
    ] == []


async def _killed_and_resumed(case: Case, kill: str, folder: Path) -> str:
    """Run, kill, resume; what is wrong afterwards, "" when all is well."""
    async with case.standin(clip=clip_bytes()) as vendor:
        vendor.polls_until_done = 0
        bot = Bot(folder, **{case.key: vendor.key, case.url: vendor.base_url})
        await _run_until_killed(bot, case, vendor, kill)
        resumed = await bot("resume")
        if resumed.code == 6:
            resumed = await bot("resume")
        async with Store.open(folder / "data" / "dailies.db") as store:
            (job,) = await store.recent(None)
            faults = await store.check_ledger()
        return _verdict(case, vendor, job, folder, resumed.code) or "; ".join(map(str, faults))


async def _run_until_killed(bot: Bot, case: Case, vendor: Loopback, kill: str) -> None:
    command = ("generate", PROMPT, "--model", case.model, "--max-usd", "1", "--json")
    kind, _, moment = kill.partition(":")
    if kind != "call":
        await bot(kill, *command, module="tests.bot.crash_run")
        return
    process = await bot.start(*command)
    if moment in ("before", "after"):
        _kill_on_submission(vendor, process, moment)
    else:
        vendor.fail_next("drop_after" if moment == "lost" else "reset_before")
        await until(lambda: len(vendor.asked("submit")) >= 1)
        process.kill()
    await process.communicate()


def _kill_on_submission(vendor: Loopback, process: Process, moment: str) -> None:
    """Let the vendor kill the client while it takes the job: before or after it is booked."""
    accept = vendor.accept

    def killing(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            os.kill(process.pid, signal.SIGKILL)
        job = accept(*args, **kwargs)
        if moment == "after":
            os.kill(process.pid, signal.SIGKILL)
        return job

    vendor.accept = killing  # type: ignore[method-assign]


def _verdict(case: Case, vendor: Loopback, job: Job, folder: Path, code: int) -> str:
    made = len(vendor.jobs)
    if made > 1:
        return f"paid {made} times"
    if job.state is State.UNCERTAIN:
        known = case.resends or (case.lists and made == 1)
        return "uncertain although it can be known" if known or code != 6 else ""
    if job.state is not State.DONE:
        return f"ended {job.state}: {job.message}"
    clip = folder / "data" / "clips" / job.clip
    if made != 1 or clip.read_bytes() != vendor.clip:
        return "done without its clip"
    return ""
