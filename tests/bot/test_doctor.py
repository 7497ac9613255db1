"""`doctor --live`: what was called at each vendor, and what that proves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.cli import main
from tests.standin.fal import Fal
from tests.standin.loopback import Loopback
from tests.standin.openai import Gateway
from tests.standin.replicate import Replicate
from tests.standin.runway import Runway

KEY = "key-planted-where-no-output-may-show-it"
CALLS = {
    "replicate": "GET /account",
    "runway": "GET /v1/organization",
    "gateway": "GET /videos?limit=1",
    "fal": "status of an unknown request",
}


@pytest.fixture
async def vendors(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Loopback]]:
    async with (
        Replicate(key=KEY) as replicate,
        Runway(key=KEY) as runway,
        Gateway(key=KEY) as gateway,
        Fal(key=KEY) as fal,
    ):
        for name, value in {
            "REPLICATE_API_TOKEN": KEY,
            "REPLICATE_BASE_URL": replicate.base_url,
            "RUNWAYML_API_SECRET": KEY,
            "RUNWAYML_BASE_URL": runway.base_url,
            "GATEWAY_API_KEY": KEY,
            "GATEWAY_BASE_URL": gateway.base_url,
            "FAL_KEY": KEY,
            "FAL_BASE_URL": fal.base_url,
        }.items():
            monkeypatch.setenv(name, value)
        yield {"replicate": replicate, "runway": runway, "gateway": gateway, "fal": fal}


async def _findings(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """The exit code, and per line of the report its mark and words, wrapped lines joined."""
    code = await asyncio.to_thread(main, ("doctor", "--live"))
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    found: dict[str, str] = {}
    name = ""
    for line in shown.out.splitlines():
        if first := re.match(r"(\S\S)\s+(.+?)\s{2,}(.*)", line):
            name = first[2]
            found[name] = f"{first[1]} {first[3].strip()}"
        else:
            found[name] += f" {line.strip()}"
    return code, found


async def test_a_good_key_is_proven_by_a_named_call_and_credit_is_not(
    vendors: dict[str, Loopback], capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = await _findings(capsys)
    assert code == 0
    for name, call in CALLS.items():
        text = found[f"{name} live"]
        assert text.startswith("ok")
        assert "key proven" in text
        assert call in text
        assert vendors[name].base_url in text
        assert ("Credit is not" in text) is (name != "runway")
        assert [exchange.status for exchange in vendors[name].exchanges] != []
    assert "replicate.com/account/billing" in found["replicate live"]
    assert "5000 credits left" in found["runway live"]
    assert "renders here" in found["local live"]


async def test_a_bad_key_names_its_variable(
    vendors: dict[str, Loopback],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "wrong")
    code, found = await _findings(capsys)
    assert code == 1
    assert found["replicate live"].startswith("!!")
    assert "key refused" in found["replicate live"]
    assert "Check REPLICATE_API_TOKEN" in found["replicate live"]
    assert "key proven" in found["fal live"]


@pytest.mark.parametrize("fault", [503, "reset_before", 429])
async def test_a_vendor_that_is_down_proves_nothing(
    vendors: dict[str, Loopback], capsys: pytest.CaptureFixture[str], fault: int | str
) -> None:
    vendors["gateway"].fail_next(fault, on="find")
    code, found = await _findings(capsys)
    assert code == 1
    assert "neither proven nor refused" in found["gateway live"]


async def test_an_empty_account_has_a_proven_key(
    vendors: dict[str, Loopback], capsys: pytest.CaptureFixture[str]
) -> None:
    vendors["runway"].credits = 0  # type: ignore[attr-defined]
    code, found = await _findings(capsys)
    assert code == 1
    assert "key proven" in found["runway live"]
    assert "no credit" in found["runway live"]


async def test_an_answer_nobody_can_read_proves_nothing(
    vendors: dict[str, Loopback], capsys: pytest.CaptureFixture[str]
) -> None:
    vendors["replicate"].fail_next("garbage", on="check")
    code, found = await _findings(capsys)
    assert (code, "not proven" in found["replicate live"]) == (1, True)
