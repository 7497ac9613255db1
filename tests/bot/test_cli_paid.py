"""The paid path as a user runs it: a real process, a real socket, a vendor that misbehaves."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.process import Bot, until
from tests.clips import clip_bytes, still_bytes
from tests.standin.openai import Gateway

PROMPT = "a paper boat crossing a puddle, low angle"
GENERATE = ("generate", PROMPT, "--model", "sora-2", "--duration", "4", "--max-usd", "1", "--json")


@pytest.fixture
async def vendor() -> AsyncIterator[Gateway]:
    async with Gateway(clip=clip_bytes()) as vendor:
        yield vendor


@pytest.fixture
def bot(vendor: Gateway, tmp_path: Path) -> Bot:
    return Bot(tmp_path, GATEWAY_API_KEY=vendor.key, GATEWAY_BASE_URL=vendor.base_url)


async def _books_are_clean(bot: Bot) -> bool:
    ran = await bot("ledger", "check")
    return ran.code == 0


async def test_a_paid_clip_arrives_unchanged_and_is_settled(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    made = await bot(*GENERATE, "--out", "out")
    value = made.json

    assert made.code == 0, made.err
    assert (value["state"], value["provider"], value["remote_id"]) == (
        "done",
        "gateway",
        "video_0001",
    )
    assert (tmp_path / value["clip"]).read_bytes() == vendor.clip
    assert (value["quoted_usd"], value["charged_usd"]) == (0.4, 0.4)
    assert [body["prompt"] for body in vendor.submissions] == [PROMPT]
    assert await _books_are_clean(bot)


async def test_the_first_frame_is_brought_to_the_exact_size(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "still.png").write_bytes(still_bytes(900, 700))
    made = await bot(*GENERATE, "--image", "still.png")
    picture = vendor.jobs["video_0001"].notes["input_reference"]

    assert made.code == 0, made.err
    assert picture[16:24] == (1280).to_bytes(4, "big") + (720).to_bytes(4, "big")


async def test_a_refused_prompt_exits_4_and_costs_nothing(bot: Bot, vendor: Gateway) -> None:
    vendor.fail_next("rejected")
    made = await bot(*GENERATE)

    assert made.code == 4
    assert made.json["charged_usd"] == 0
    assert "refuses this content" in made.json["reason"]
    assert await _books_are_clean(bot)


async def test_a_failed_render_exits_5_and_releases_the_hold(bot: Bot, vendor: Gateway) -> None:
    vendor.fail_next("failed")
    made = await bot(*GENERATE)

    assert (made.code, made.json["state"], made.json["charged_usd"]) == (5, "refunded", 0)
    assert await _books_are_clean(bot)


async def test_a_lost_answer_is_found_in_the_list_and_paid_once(bot: Bot, vendor: Gateway) -> None:
    vendor.fail_next("drop_after")
    vendor.stale_lists = 1
    made = await bot(*GENERATE)

    assert made.code == 0, made.err
    assert len(vendor.submissions) == 1


@pytest.mark.parametrize("fault", [500, 502, "garbage", "empty"])
async def test_an_answer_that_says_nothing_is_looked_up_and_never_resent(
    bot: Bot, vendor: Gateway, fault: int | str
) -> None:
    vendor.fail_next(fault)
    process = await bot.start(*GENERATE)
    if isinstance(fault, int):
        await until(lambda: len(vendor.asked("find")) >= 2)
        process.send_signal(signal.SIGINT)
        await process.communicate()
        resumed = await bot("resume", "--json")

        assert process.returncode == 130
        assert resumed.code == 6
        assert resumed.json[0]["state"] == "uncertain"
    else:
        await process.communicate()
        assert process.returncode == 0
    assert len(vendor.asked("submit")) == 1
    assert await _books_are_clean(bot)


async def test_a_connection_cut_before_anything_happened_stays_uncertain_until_decided(
    bot: Bot, vendor: Gateway
) -> None:
    vendor.fail_next("reset_before")
    process = await bot.start(*GENERATE)
    await until(lambda: len(vendor.asked("find")) >= 1)
    process.kill()
    await process.communicate()
    job = (await bot("jobs", "--json")).json[0]
    decided = await bot("resolve", job["job"], "--not-submitted")
    after = (await bot("jobs", "--json")).json[0]

    assert job["state"] == "uncertain"
    assert (decided.code, after["state"]) == (0, "refunded")
    assert await _books_are_clean(bot)


async def test_too_many_requests_is_waited_out(bot: Bot, vendor: Gateway) -> None:
    vendor.retry_after = "0"
    vendor.fail_next(429, times=2)
    made = await bot(*GENERATE)

    assert made.code == 0, made.err
    assert len(vendor.submissions) == 1


@pytest.mark.parametrize(("status", "words"), [(401, "account"), (404, "no longer serves")])
async def test_a_vendor_that_will_not_have_us_is_named_and_not_asked_again(
    bot: Bot, vendor: Gateway, status: int, words: str
) -> None:
    vendor.fail_next(status)
    first = await bot(*GENERATE)
    second = await bot(*GENERATE)

    assert (first.code, second.code) == (5, 3)
    assert words in first.json["reason"]
    assert len(vendor.asked("submit")) == 1
    assert await _books_are_clean(bot)


async def test_a_file_that_is_no_clip_is_fetched_five_times_and_kept_resumable(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    good, vendor.clip = vendor.clip, b"<html>expired</html>" * 99
    made = await bot(*GENERATE)
    left = [path.name for path in (tmp_path / "data").rglob("*.mp4")]
    fetches = len(vendor.asked("download"))
    vendor.clip = good
    resumed = await bot("resume", made.json["job"], "--json")

    assert (made.code, made.json["remote_id"], left) == (5, "video_0001", [])
    assert fetches == 5
    assert (resumed.code, resumed.json[0]["state"]) == (0, "done")
    assert len(vendor.submissions) == 1
    assert await _books_are_clean(bot)


async def test_four_identical_jobs_two_of_them_lost_adopt_no_sibling(
    bot: Bot, vendor: Gateway
) -> None:
    vendor.polls_until_done = 3
    vendor.fail_next("drop_after", times=2)
    process = await bot.start(*GENERATE, "--takes", "4")
    await until(lambda: len(vendor.asked("download")) >= 2 and len(vendor.asked("find")) >= 4)
    process.kill()
    await process.communicate()
    resumed = await bot("resume", "--json")
    jobs = (await bot("jobs", "--json")).json
    known = [job["remote_id"] for job in jobs if job["remote_id"]]

    assert resumed.code == 6
    assert sorted(job["state"] for job in jobs) == ["done", "done", "uncertain", "uncertain"]
    assert len(set(known)) == 2
    assert len(vendor.submissions) == 4
    assert await _books_are_clean(bot)


async def test_nobody_to_ask_and_no_limit_spends_nothing(bot: Bot, vendor: Gateway) -> None:
    made = await bot("generate", PROMPT, "--model", "sora-2")

    assert made.code == 3
    assert "--max-usd" in made.err
    assert vendor.exchanges == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CLIP_USD": "0.10"}, "CLIP_USD"),
        ({"DAILY_USD": "0.10"}, "DAILY_USD"),
    ],
)
async def test_a_cap_refuses_before_money_moves(
    bot: Bot, vendor: Gateway, changes: dict[str, str], words: str
) -> None:
    bot.env |= changes
    made = await bot(*GENERATE)

    assert made.code == 3
    assert words in made.err
    assert vendor.exchanges == []


async def test_a_locked_folder_names_its_holder_and_cancel_leaves_a_request(
    bot: Bot, vendor: Gateway
) -> None:
    vendor.polls_until_done = 10_000
    process = await bot.start(*GENERATE)
    await until(lambda: len(vendor.asked("poll")) >= 1)
    second = await bot(*GENERATE)
    job = (await bot("jobs", "--json")).json[0]
    cancelled = await bot("cancel", job["job"])
    process.kill()
    await process.communicate()

    assert second.code == 3
    assert f"process {process.pid}" in second.err
    assert cancelled.code == 0
    assert "cannot stop a running job" in cancelled.out


async def test_a_disk_that_is_full_keeps_the_paid_clip_for_later(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    padding = b"\0" * 3_000_000
    vendor.clip += (len(padding) + 8).to_bytes(4, "big") + b"free" + padding
    made = await bot("disk:2000000", *GENERATE, module="tests.bot.crash_run")
    resumed = await bot("resume", "--json")

    assert made.code == 5, made.err
    assert (resumed.code, resumed.json[0]["state"]) == (0, "done")
    assert (tmp_path / resumed.json[0]["clip"]).read_bytes() == vendor.clip
    assert len(vendor.submissions) == 1
    assert await _books_are_clean(bot)


async def test_a_disk_too_full_for_the_database_is_named(bot: Bot, vendor: Gateway) -> None:
    made = await bot("disk:20000", *GENERATE, module="tests.bot.crash_run")

    assert made.code == 3
    assert "disk" in made.err
    assert "Traceback" not in made.err
    assert vendor.exchanges == []


async def test_compare_makes_each_clip_and_one_side_by_side(
    bot: Bot, vendor: Gateway, tmp_path: Path
) -> None:
    bot.env["CLIP_USD"] = "3"
    made = await bot(
        *("compare", PROMPT, "--models", "sora-2", "sora-2-pro", "--duration", "4"),
        *("--max-usd", "3", "--json"),
    )
    value = made.json

    assert made.code == 0, made.err
    assert [job["model"] for job in value["jobs"]] == ["sora-2", "sora-2-pro"]
    assert (tmp_path / value["side_by_side"]).stat().st_size > 1000
    assert await _books_are_clean(bot)
