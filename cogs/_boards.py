"""A shot's thread and its first message: the board of all takes, drawn and kept current.

The thread is opened from the message of the first take that has a clip; Discord gives it that
message's number, so opening it again after a crash finds the same one. Where threads cannot be
opened, takes and board stay in the channel, as replies.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import discord
import structlog

from bot.client import LOST, Dailies
from bot.media import MediaError
from bot.producer import Person
from bot.shots import Board, Line, Shot, Verdict
from bot.workbench import TakeCell
from cogs import _presenter
from cogs._edits import Outcome, Shown

__all__ = ["BoardPage", "Boards"]

# What a board shows: its shot, its text, and what its picture is drawn from.
BoardPage = tuple[str, str, tuple[TakeCell, ...]]

_THREAD_EXISTS: Final = 160004
_DRAWN: Final = 12
_LOOKED_AT: Final = 20
_GONE: Final = (403, 404)
_ARCHIVED: Final = 50083
_KEEP_THREAD: Final = 10080  # minutes
log = structlog.get_logger(__name__)


class Boards:
    """Renders and sends boards for the scheduler of edits."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    async def render(self, shot_id: str, guild_id: int) -> Shown[BoardPage] | None:
        """The board as it should be now; nothing before the shot has a clip to hang it on."""
        shot = await self._bot.app.workbench.board(shot_id, _reader(guild_id))
        if _first_post(shot) is None and shot.shot.board_message_id is None:
            return None
        t = self._bot.tongue(shot.shot.owner_id)
        text = _presenter.board(t, shot, self._bot.app.catalogue.models)
        return Shown(page=(shot_id, text, self._cells(shot)), last=True)

    async def send(self, guild_id: int, page: BoardPage) -> Outcome:
        """Bring the board to its message, opening thread and message where they are missing."""
        shot_id, text, cells = page
        reader = _reader(guild_id)
        try:
            shot = await self._bot.app.workbench.board(shot_id, reader)
            home = await self._home(shot, reader)
            await self._put_awake(shot, home, text, cells)
        except discord.HTTPException as error:
            gone = error.status in _GONE or error.code == _ARCHIVED
            log.warning("board not shown", shot=shot_id, error=str(error))
            return Outcome.GONE if gone else Outcome.LOST
        except (discord.RateLimited, *LOST) as error:
            log.info("board edit lost", shot=shot_id, error=repr(error))
            return Outcome.LOST
        return Outcome.SENT

    async def _home(self, shot: Board, reader: Person) -> int:
        """Where later takes live: the shot's thread, opened now if it can be; else its channel."""
        if shot.shot.thread_id is not None:
            return shot.shot.thread_id
        first = _first_post(shot)
        if first is None or not self._may_open_threads(first.channel_id):
            return shot.shot.channel_id or 0
        thread_id = await self._open(first, shot.shot.title)
        if thread_id is None:
            return shot.shot.channel_id or 0
        await self._bot.app.workbench.set_thread(shot.shot.id, reader, thread_id)
        return thread_id

    async def _open(self, first: Line, title: str) -> int | None:
        message = self._bot.get_partial_messageable(
            first.channel_id or 0, guild_id=None
        ).get_partial_message(first.result_message_id or 0)
        try:
            thread = await self._bot.http.start_thread_with_message(
                message.channel.id,
                message.id,
                name=title,
                auto_archive_duration=_KEEP_THREAD,
            )
        except discord.HTTPException as error:
            if error.code == _THREAD_EXISTS:
                return message.id
            if error.status not in (*_GONE, 400):
                raise
            log.info("no thread here", channel_id=message.channel.id, error=str(error))
            return None
        return int(thread["id"])

    def _may_open_threads(self, channel_id: int | None) -> bool:
        """Asked of the cache, so that a channel without threads costs no refused call."""
        channel = self._bot.get_channel(channel_id or 0)
        if not isinstance(channel, discord.TextChannel):
            return channel is None  # not known (yet): Discord's answer decides
        granted = channel.permissions_for(channel.guild.me)
        return granted.create_public_threads and granted.send_messages_in_threads

    async def _put_awake(
        self, board: Board, home: int, text: str, cells: tuple[TakeCell, ...]
    ) -> None:
        """Also where the thread sleeps: a message wakes one, an edit has to ask for it."""
        try:
            await self._put(board, home, text, cells)
        except discord.HTTPException as error:
            if error.code != _ARCHIVED:
                raise
            await self._bot.http.edit_channel(home, archived=False)
            await self._put(board, home, text, cells)

    async def _put(self, board: Board, home: int, text: str, cells: tuple[TakeCell, ...]) -> None:
        """Change the board's message, or post the first one."""
        shot, place = board.shot, self._bot.get_partial_messageable(home)
        picture = await self._drawn(shot, cells)
        try:
            message_id = shot.board_message_id or await self._earlier(place, shot)
            files = [self._file(board, picture)] if picture else []
            if message_id is not None:
                message = place.get_partial_message(message_id)
                await message.edit(content=text, attachments=files)
            else:
                message_id = await self._post(place, shot, text, files)
        finally:
            if picture is not None:
                await asyncio.to_thread(picture.unlink, missing_ok=True)
        if message_id != shot.board_message_id:
            reader = _reader(int(shot.scope))
            await self._bot.app.workbench.set_board_message(shot.id, reader, message_id)

    async def _post(
        self, place: discord.PartialMessageable, shot: Shot, text: str, files: list[discord.File]
    ) -> int:
        message = await place.send(text, files=files, nonce=f"board-{shot.id}", silent=True)
        return message.id

    async def _earlier(self, place: discord.PartialMessageable, shot: Shot) -> int | None:
        """A board whose posting was not written down any more."""
        async for message in place.history(limit=_LOOKED_AT, oldest_first=True):
            names = [file.filename.removeprefix("SPOILER_") for file in message.attachments]
            if message.author == self._bot.user and _name(shot) in names:
                return message.id
        return None

    async def _drawn(self, shot: Shot, cells: tuple[TakeCell, ...]) -> Path | None:
        if not any(cell.clip for cell in cells):
            return None
        to = self._bot.app.folder / "tmp" / f"board-{shot.id}.jpg"
        try:
            await self._bot.app.workbench.contact_sheet(cells, to)
        except MediaError as error:
            log.warning("board not drawn", shot=shot.id, error=error.user_message)
            return None
        return to

    def _cells(self, shot: Board) -> tuple[TakeCell, ...]:
        models = self._bot.app.catalogue.models
        return tuple(
            TakeCell(
                number=line.take.number,
                caption=models[line.model].name if line.model in models else line.model,
                clip="" if line.deleted else line.clip,
                picked=line.take.verdict is Verdict.PICKED,
                shape=line.shape,
            )
            for line in shot.lines[-_DRAWN:]
        )

    def _file(self, board: Board, picture: Path) -> discord.File:
        words = self._bot.tongue(board.shot.owner_id)("board.alt")
        name = _name(board.shot)
        return discord.File(picture, name, description=words, spoiler=board.spoiler)


def _reader(guild_id: int) -> Person:
    """The bot itself, looking into one server."""
    return Person(guild_id=guild_id, manager=True)


def _first_post(shot: Board) -> Line | None:
    """The first take that hangs in the shot's channel."""
    return next((line for line in shot.lines if line.result_message_id), None)


def _name(shot: Shot) -> str:
    return f"board-{shot.id}.jpg"
