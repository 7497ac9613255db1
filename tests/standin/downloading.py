"""The bot's download, cut down to its promise to a provider: keys go to the first origin only."""

import base64
from collections.abc import Mapping
from pathlib import Path

import httpx

from providers.base import Download


def downloading(http: httpx.AsyncClient, to: Path) -> Download:
    async def download(url: str, headers: Mapping[str, str] | None = None, /) -> None:
        if url.startswith("data:"):
            to.write_bytes(base64.b64decode(url.partition(",")[2]))
            return
        first, target = httpx.URL(url), httpx.URL(url)
        answer = await http.get(first, headers=headers)
        while answer.has_redirect_location:
            target = target.join(answer.headers["location"])
            same = (target.host, target.port) == (first.host, first.port)
            answer = await http.get(target, headers=headers if same else None)
        answer.raise_for_status()
        to.write_bytes(answer.content)

    return download
