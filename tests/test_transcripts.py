"""The screens in the documents are the screens people get."""

from __future__ import annotations

from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.transcripts import Stage
from tests.transcripts.__main__ import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_of_screens_is_what_is_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    async with Stage(tmp_path) as stage:
        shown = await PAGES[name](stage)
        violations = [one for one in stage.server.violations if not one.known]
    committed = (FOLDER / f"{name}.md").read_text(encoding="utf-8")

    assert violations == []
    assert shown == committed, "run: python -m tests.transcripts"
