"""A scripted afternoon: three people, two shots, twelve takes, and everything that can go wrong.

The bot is a process that is killed twice; Discord, its gateway and the vendor are real servers on
this machine. What people saw is written down as `docs/screens/afternoon.md`; with WRITE_SCREENS=1
in the environment the file is written anew.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from bot.app import reading
from bot.config import Settings
from bot.jobs import Reason
from bot.shots import Board
from bot.store import Search
from tests.bot.process import Bot
from tests.clips import clip_bytes, still_bytes
from tests.cogs.conftest import PATIENCE_S, press, until
from tests.cogs.steps import board_of, is_clip, running, takes_in
from tests.cogs.transcript import Transcript
from tests.standin.discord import Channel, Discord, Interaction, Message, Upload, User
from tests.standin.openai import Gateway

SCREENS: Final = Path(__file__).parents[2] / "docs" / "screens" / "afternoon.md"
OPENING: Final = (
    "Three people make two shots in one afternoon: ann directs, bob animates, cyd produces. What "
    "follows is what they did and what they saw, recorded by a test that runs the real client "
    "against a loopback Discord and a loopback vendor, and that fails when the screens change. "
    "Sending a command, a form or a message counts as one tap, and so does a button. Ids, links "
    "and times are written as `…`."
)
BOAT: Final = "a paper boat crossing a puddle, low angle"
FOX: Final = "the fox turns its head and looks at us"
LAST: Final = "Too many requests, and a change of mind"


@pytest.fixture
async def vendor() -> AsyncIterator[Gateway]:
    async with Gateway(clip=clip_bytes()) as vendor:
        yield vendor


@pytest.fixture
def program(server: Discord, vendor: Gateway, shots: Channel, tmp_path: Path) -> Bot:
    return Bot(
        tmp_path,
        DISCORD_TOKEN=server.token,
        DISCORD_API_URL=server.api_url,
        DISCORD_GATEWAY_URL=server.gateway_url,
        DISCORD_ALLOWED_GUILDS=str(server.home().id),
        GATEWAY_API_KEY=vendor.key,
        GATEWAY_BASE_URL=vendor.base_url,
        DAILY_USD="20",
        CLIP_USD="5",
    )


@dataclass(kw_only=True)
class Afternoon:
    """Who is there, what they look at, and the record of it."""

    server: Discord
    vendor: Gateway
    shots: Channel
    story: Transcript
    ann: User
    bob: User
    cyd: User
    threads: list[Channel] = field(default_factory=list)

    async def ask(self, who: User, place: Channel, words: str, **options: Any) -> Message:
        """`/generate` and its card."""
        files = {name: value for name, value in options.items() if isinstance(value, Upload)}
        given = {"prompt": words} | {n: v for n, v in options.items() if n not in files}
        asked = await self.server.slash(who, place, "generate", given, files)
        named = " ".join(f"{n}:{_shown(v)}" for n, v in ({"prompt": words} | options).items())
        self.story.did(who.name, f"types `/generate {named}`")
        card = await asked.answered(PATIENCE_S)
        self.story.shows(card)
        return card

    async def tap(self, who: User, message: Message, label: str) -> Interaction:
        pressed = await press(self.server, who, message, label)
        (whole,) = [one for one in message.buttons if one.startswith(label)] or [label]
        self.story.did(who.name, f"presses `{whole}`")
        return pressed

    async def card_in(self, place: Channel, known: Sequence[Message]) -> Message:
        """The next card with a Go that was not there before."""

        def found() -> Message | None:
            new = [m for m in self.server.messages(place) if m not in known]
            cards = [m for m in new if any(label.startswith("Go · ") for label in m.buttons)]
            return cards[0] if cards else None

        card = await until(self.server, found)
        assert card is not None
        self.story.shows(card, "in the thread" if place in self.threads else "")
        return card

    async def clip(self, place: Channel, count: int, *, show: bool = True) -> Message:
        """The newest clip of a place that has so many then."""
        clip = (await takes_in(self.server, place, count))[-1]
        if show:
            self.story.shows(clip, "in the thread" if place in self.threads else "in the channel")
        return clip

    async def done(self, card: Message) -> None:
        await until(self.server, lambda: "Done in" in card.text)

    async def board(self, place: Channel, words: str) -> Message:
        board = await board_of(self.server, place)
        await until(self.server, lambda: words in board.text)
        self.story.shows(board, "the first message of the thread")
        return board

    async def open_thread(self, count: int) -> Channel:
        threads = await until(self.server, lambda: self._threads(count))
        self.threads = threads
        await until(self.server, lambda: self.server.messages(threads[-1]))
        return threads[-1]

    def _threads(self, count: int) -> list[Channel]:
        found = self.server.threads(self.shots)
        return found if len(found) >= count else []


def _shown(value: Any) -> str:
    return value.filename if isinstance(value, Upload) else str(value)


async def _first_shot(day: Afternoon, program: Bot) -> None:
    """Takes 1 and 2 of the boat; the process is killed while the second one renders."""
    server, vendor, story = day.server, day.vendor, day.story
    async with running(program, server) as process:
        story.part("A shot begins")
        card = await day.ask(day.ann, day.shots, BOAT, model="sora-2", duration=4)
        await day.tap(day.ann, card, "Go · $0.40")
        first = await day.clip(day.shots, 1)
        await day.done(card)
        story.shows(card, "the card has become the status")
        thread = await day.open_thread(1)
        story.note("the clip has opened a thread, whose first message is the shot's board")
        story.part("From a result to the next take in one tap")
        vendor.polls_until_done = 10_000
        pressed = await day.tap(day.ann, first, "Again")
        story.shows(await pressed.answered(PATIENCE_S))
        assert story.taps == 1
        await until(server, lambda: len(vendor.jobs) == 2 and vendor.jobs["video_0002"].polls)
        process.kill()
        story.note("the bot's process is killed while the vendor renders, and started again")
    vendor.polls_until_done = 1
    async with running(program, server):
        await day.clip(thread, 1)


async def _six_more(day: Afternoon, program: Bot) -> None:
    """Takes 3 to 8 of the boat: several, picked; continued; changed in words; refused."""
    server, story, thread = day.server, day.story, day.threads[0]
    async with running(program, server):
        first = (await takes_in(server, day.shots, 1))[0]
        story.part("Several at once, side by side")
        asked = await day.tap(day.bob, first, "Several")
        menu = await asked.answered(PATIENCE_S)
        await server.select(day.bob, menu, menu.menus[0], ["3"])
        story.did("bob", "chooses `3 takes`")
        card = await day.card_in(thread, ())
        await day.tap(day.bob, card, "Go · $1.20")
        await day.clip(thread, 4, show=False)
        sheet = await server.message_where(thread, lambda m: "Pick 4" in m.buttons, PATIENCE_S)
        story.shows(sheet, "in the thread, under the three clips")
        await day.tap(day.ann, sheet, "Pick 4")
        await until(server, lambda: _has(server, day.shots, "picked take 4"))
        story.shows(server.messages(day.shots)[-1], "in the channel")

        story.part("On from the last frame")
        fourth = next(m for m in server.messages(thread) if "Take 4" in m.text and is_clip(m))
        known = server.messages(thread)
        await day.tap(day.ann, fourth, "Continue")
        card = await day.card_in(thread, known)
        await day.tap(day.ann, card, "Go · $0.40")
        sixth = await day.clip(thread, 5)

        story.part("In words")
        known = server.messages(thread)
        await server.say(day.ann, thread, "vertical, and hold on the boat", reply_to=sixth)
        story.did("ann", "answers that clip: `vertical, and hold on the boat`")
        card = await day.card_in(thread, known)
        await day.tap(day.ann, card, "Go · $0.40")
        seventh = await day.clip(thread, 6)

        await _refused(day, seventh)


async def _refused(day: Afternoon, take: Message) -> None:
    """Take 8: the vendor refuses what bob wants, and says so in plain words."""
    server, story, thread = day.server, day.story, day.threads[0]
    story.part("The vendor refuses")
    opened = await (await day.tap(day.bob, take, "Change")).acknowledged(PATIENCE_S)
    known = server.messages(thread)
    await server.modal_submit(day.bob, opened, {"prompt": "a famous man sails the paper boat"})
    story.did("bob", "writes into the form `a famous man sails the paper boat` and sends it")
    card = await day.card_in(thread, known)
    day.vendor.fail_next("rejected")
    await day.tap(day.bob, card, "Go · $0.40")
    await until(server, lambda: "refuses this content" in card.text)
    story.shows(card)


async def _after_the_refusal(day: Afternoon, program: Bot) -> None:
    """Take 9, on another model; the process is killed around the post of its clip."""
    server, story, thread = day.server, day.story, day.threads[0]
    async with running(program, server) as process:
        refused = next(m for m in server.messages(thread) if "refuses this content" in m.text)
        known = server.messages(thread)
        await day.tap(day.bob, refused, "Another model")
        card = await day.card_in(thread, known)
        fault = server.fail_next("POST", rf"/channels/{thread.id}/messages$", "drop_after")
        await day.tap(day.bob, card, "Go")
        await until(server, lambda: fault.hits)
        process.kill()
        story.note(
            "the process is killed in the moment the clip is posted, and started again: "
            "the clip is there once"
        )
    async with running(program, server):
        await day.clip(thread, 7)
        await day.done(card)


async def _second_shot(day: Afternoon, program: Bot) -> None:
    """Both takes of the fox, after the gateway has dropped; and a last one that is cancelled."""
    server, vendor, story = day.server, day.vendor, day.story
    async with running(program, server) as process:
        await server.gateway.drop()
        await server.ready(PATIENCE_S)
        story.note("the connection to Discord drops; it comes back by itself")
        story.part("From a picture to a picked final in five taps")
        picture = Upload(filename="fox.png", data=still_bytes(1280, 720, "orange"))
        card = await day.ask(day.bob, day.shots, FOX, image=picture, model="sora-2", duration=4)
        await day.tap(day.bob, card, "Go · $0.40")
        clip = await day.clip(day.shots, 2)
        thread = await day.open_thread(2)
        known = server.messages(thread)
        await day.tap(day.bob, clip, "To final")
        card = await day.card_in(thread, known)
        await day.tap(day.bob, card, "Go")
        final = await day.clip(thread, 1)
        await day.tap(day.bob, final, "Pick")
        assert story.taps <= 5
        await day.board(thread, "**picked**")

        story.part(LAST)
        vendor.retry_after = "600"
        vendor.fail_next(429)
        known = server.messages(day.threads[0])
        await day.tap(day.cyd, (await takes_in(server, day.shots, 1))[0], "Again")
        status = await until(server, lambda: _cancellable(server, day.threads[0], known))
        assert status is not None
        story.shows(status, "in the thread")
        story.shows(await (await day.tap(day.cyd, status, "Cancel")).answered(PATIENCE_S))
        await until(server, lambda: "nothing was charged" in status.text)
        await _the_end(day)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def _the_end(day: Afternoon) -> None:
    story = day.story
    story.part("The end of the day")
    await day.board(day.threads[0], "10 takes")
    asked = await day.server.slash(day.cyd, day.shots, "usage", {"view": "user"})
    story.did("cyd", "types `/usage view:by person`")
    story.shows(await asked.answered(PATIENCE_S))


def _cancellable(server: Discord, place: Channel, known: Sequence[Message]) -> Message | None:
    new = [m for m in server.messages(place) if m not in known and "slow down" in m.text]
    return next((m for m in new if "Cancel" in m.buttons), None)


def _has(server: Discord, place: Channel, words: str) -> bool:
    return any(words in message.text for message in server.messages(place))


async def _boards(settings: Settings, guild_id: int) -> list[Board]:
    """Both shots as the store has them, oldest first."""
    async with reading(settings.model_copy()) as app:
        shots = await app.store.shots.recent(str(guild_id))
        found = [await app.store.shots.board(str(guild_id), shot.id) for shot in reversed(shots)]
    return [board for board in found if board is not None]


@pytest.mark.timeout(400)
async def test_three_people_two_shots_twelve_takes_and_two_kills(
    server: Discord,
    shots: Channel,
    vendor: Gateway,
    program: Bot,
    settings: Settings,
) -> None:
    day = Afternoon(
        server=server,
        vendor=vendor,
        shots=shots,
        story=Transcript(server, "An afternoon", OPENING),
        ann=server.user("ann"),
        bob=server.user("bob"),
        cyd=server.manager("cyd"),
    )
    await _first_shot(day, program)
    await _six_more(day, program)
    await _after_the_refusal(day, program)
    await _second_shot(day, program)
    checked = await program("ledger", "check")

    assert checked.code == 0, checked.out
    assert _unanswered(server) == []
    boat, fox = await _boards(settings, server.home().id)
    _check_boards(boat, fox)
    assert boat.total_micros + fox.total_micros == vendor.bill_micros
    assert len(vendor.submissions) == 11  # the cancelled one never left
    await _check_library(settings, server.home().id)
    _check_screens(day.story.text)


def _unanswered(server: Discord) -> list[str]:
    """What people would have seen as "interaction failed"."""
    return [
        f"{one.data} {one.refusals} {one.ack_ms}"
        for one in server.interactions.values()
        if one.ack_ms is None or one.ack_ms >= 3000 or one.refusals
    ]


def _check_boards(boat: Board, fox: Board) -> None:
    assert [line.take.number for line in boat.lines] == list(range(1, 11))
    parents = [line.take.parent for line in boat.lines]
    assert parents == [None, 1, 1, 1, 1, 4, 6, 7, 8, 1]
    clips = [bool(line.clip) for line in boat.lines]
    assert clips == [True] * 7 + [False, True, False]
    assert boat.picked is not None
    assert boat.picked.take.number == 4
    assert [line.take.number for line in fox.lines] == [1, 2]
    assert fox.picked is not None
    assert fox.picked.take.number == 2
    assert boat.held_micros == fox.held_micros == 0


async def _check_library(settings: Settings, guild_id: int) -> None:
    """All ten clips are found, the picked ones as such; the file of each is there."""
    async with reading(settings.model_copy()) as app:
        boats = await app.store.library.find(str(guild_id), Search(words="paper boat"))
        foxes = await app.store.library.find(str(guild_id), Search(words="fox"))
        picked = await app.store.library.find(str(guild_id), Search(picked=True))
        jobs = await app.store.recent(str(guild_id))
    assert (len(boats), len(foxes), len(picked)) == (8, 2, 2)
    for one in (*boats, *foxes):
        assert (settings.data_dir / "clips" / one.clip).is_file()
        assert one.message_id is not None
    ends = [job.reason for job in reversed(jobs) if job.reason]
    assert ends == [Reason.REJECTED, Reason.CANCELLED]


def _check_screens(text: str) -> None:
    """The committed record is what people see now."""
    if os.environ.get("WRITE_SCREENS"):
        SCREENS.write_text(text, encoding="utf-8")
    assert text == SCREENS.read_text(encoding="utf-8"), "run this test with WRITE_SCREENS=1"
