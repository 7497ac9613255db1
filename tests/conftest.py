"""Every test: an empty environment, a folder of its own, and no socket beyond this machine."""

from __future__ import annotations

import os
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import settings

from bot.config import Settings

settings.register_profile("dailies", deadline=None)
settings.load_profile("dailies")

_KEPT = {"CONTRACT_SPECS", "DAILIES_EVAL"}


def _loopback_only(event: str, args: tuple[object, ...]) -> None:
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    host = str(args[1][0])
    if host == "localhost":
        return
    try:
        inside = ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise RuntimeError(f"a test tried to reach {host}")


sys.addaudithook(_loopback_only)


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours from outside, no `.env` of the checkout."""
    for name in Settings.model_fields:
        if name.upper() not in _KEPT and name.upper() in os.environ:
            monkeypatch.delenv(name.upper())
    monkeypatch.chdir(tmp_path)
