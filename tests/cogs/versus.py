"""What people do in a comparison, and a gateway whose models do not make the same clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.app import reading
from bot.config import Settings
from bot.rules import Rules
from bot.store import Letter
from tests.bot.make import NOW
from tests.clips import clip_bytes
from tests.cogs.conftest import PATIENCE_S, PROMPT, answered, press
from tests.standin.discord import Channel, Discord, Message, User
from tests.standin.openai import Gateway

__all__ = [
    "BOTH",
    "Makers",
    "agreed",
    "answers_all",
    "ballot",
    "ballots",
    "is_reveal",
    "letters_of",
    "reveal",
    "rule",
    "voted",
]

BOTH = {"prompt": PROMPT, "models": "sora-2 sora-2-pro", "duration": 4}


@dataclass(eq=False)
class Makers(Gateway):
    """`make(model, n)` is the n-th clip of a model; `slow` ones take some polls more."""

    make: Callable[[str, int], bytes] = field(default=lambda model, number: clip_bytes())
    slow: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.made: dict[str, bytes] = {}  # by the vendor's own id

    async def _get(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is not None:
            waited = job.notes.setdefault("waited", 0)
            if waited < self.slow.get(job.body["model"], 0):
                job.notes["waited"] += 1
                return web.json_response(self._video(job, "in_progress"))
        return await super()._get(request)

    async def _content(self, request: web.Request) -> web.Response:
        job = self.jobs[request.match_info["id"]]
        if job.id not in self.made:
            number = sum(self.jobs[one].body["model"] == job.body["model"] for one in self.made)
            self.made[job.id] = self.make(job.body["model"], number)
        return web.Response(body=self.made[job.id], content_type="video/mp4")


async def rule(settings: Settings, server: Discord, **rules: Any) -> None:
    """What the managers have decided, written while no bot runs."""
    async with reading(settings.model_copy()) as app:
        await app.store.rules.save(str(server.home().id), Rules(**rules), 1, NOW)


async def agreed(server: Discord, who: User, place: Channel, **more: Any) -> Message:
    """The card of a comparison whose price was agreed to."""
    card = await answered(server, who, place, "compare", **(BOTH | more))
    await press(server, who, card, "Go")
    return card


def ballots(server: Discord, place: Channel) -> list[Message]:
    return [one for one in server.messages(place) if "End the vote" in one.buttons]


async def ballot(server: Discord, place: Channel) -> Message:
    return await server.message_where(
        place, lambda message: "End the vote" in message.buttons, timeout=PATIENCE_S
    )


def is_reveal(message: Message) -> bool:
    return "Spent on all of it" in message.text


async def reveal(server: Discord, place: Channel) -> Message:
    return await server.message_where(place, is_reveal, timeout=PATIENCE_S)


async def voted(server: Discord, who: User, message: Message, label: str) -> Message:
    """What a voter alone is told."""
    return await (await press(server, who, message, label)).answered(PATIENCE_S)


async def letters_of(settings: Settings, server: Discord, comparison_id: str) -> tuple[Letter, ...]:
    """Whose clip is A, B, ...; read beside the running bot."""
    async with reading(settings.model_copy()) as app:
        found = await app.store.comparisons.get(str(server.home().id), comparison_id)
    return found.letters


async def answers_all(server: Discord, who: User, message: Message, label: str) -> Message:
    """The same answer to every question: the first in the channel, the rest where it is asked."""
    private = await voted(server, who, message, label)
    while label in private.buttons:
        known = private.text
        await press(server, who, private, label)
        await server.wait_for(lambda known=known: private.text != known, PATIENCE_S)
    return private
