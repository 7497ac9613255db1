"""Shows comparisons on Discord: the clips to vote on once, the last word once, and their card.

The face of `bot.comparing`. What a voter receives is made there; nothing here may add what tells
the models apart: names of files, order, words and times are the same whoever made a clip.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import discord
import structlog

from bot.client import LOST, Dailies
from bot.comparing import AuditionReport, Making, NoVote, Presentation, Result
from bot.jobs import Delivered, Job, Later, Place, Undeliverable
from bot.texts import Tongue
from cogs import _presenter
from cogs._edits import Outcome, Shown
from cogs._votes import ballot_view, reveal_view

__all__ = ["Showing"]

_SOON: Final = timedelta(seconds=20)
_SEARCHED: Final = 500
_TOO_LARGE: Final = (40005, 50045)
_EVERYWHERE: Final = 10 << 20  # what every server takes in one file
_Told = Result | NoVote | AuditionReport
log = structlog.get_logger(__name__)


class Showing:
    """The comparisons' `Face` while a client is connected."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._closed: dict[str, str] = {}  # what a ballot says once its vote has ended

    async def limit_bytes(self, place: Place) -> int:
        """Where Discord does not tell, what fits everywhere: the post finds out the rest."""
        try:
            guild = self._bot.get_guild(place.guild_id or 0)
            if guild is None or guild.unavailable:
                guild = await self._bot.fetch_guild(place.guild_id or 0, with_counts=False)
        except (discord.HTTPException, discord.RateLimited, *LOST) as error:
            log.warning("size limit not known", guild_id=place.guild_id, error=str(error))
            return _EVERYWHERE
        return guild.filesize_limit

    async def making(self, making: Making) -> None:
        """Its card follows, in the channel's one queue of edits."""
        self._follow(making.place, making.status_message_id, making.offer)

    async def show(self, presentation: Presentation) -> Delivered | Undeliverable | Later:
        """The clips as single attachments, the side-by-side, and the buttons; once."""
        shown = presentation
        after, place = shown.status_message_id or 0, shown.place
        posted = await self._posted(place, shown.id, after, lambda: self._show(shown))
        if isinstance(posted, Delivered):
            self._follow(place, shown.status_message_id, shown.offer, ends=True)
        return posted

    async def tell(self, told: _Told) -> Delivered | Undeliverable | Later:
        """The last word, once."""
        key = told.audition.id if isinstance(told, AuditionReport) else told.id
        after = _ballot_of(told) or _card_of(told) or 0
        posted = await self._posted(told.place, f"end-{key}", after, lambda: self._tell(told))
        if isinstance(posted, Delivered) and not isinstance(told, AuditionReport):
            self._follow(told.place, _card_of(told), told.offer, ends=True)
            self._close(told, posted.message_id or 0)
        return posted

    async def _posted(
        self, place: Place, key: str, after: int, send: Callable[[], Awaitable[discord.Message]]
    ) -> Delivered | Undeliverable | Later:
        """What an earlier try has left in the channel, else one post. Its text names the key."""
        try:
            message = await self._earlier(place, key, after) or await send()
        except discord.RateLimited as error:
            return self._later(str(error))
        except discord.HTTPException as error:
            if error.status in (401, 429) or error.status >= 500:
                return self._later(str(error))
            log.error("comparison not posted", comparison=key, error=str(error))
            return Undeliverable(message=str(error))
        except LOST as error:
            return self._later(repr(error))
        except RuntimeError as error:
            if not self._bot.is_closed():
                raise
            return self._later(repr(error))
        return Delivered(message_id=message.id)

    def _later(self, detail: str) -> Later:
        return Later(due_at=self._bot.app.clock() + _SOON, detail=detail)

    def _place(self, place: Place) -> discord.PartialMessageable:
        return self._bot.get_partial_messageable(place.channel_id or 0, guild_id=place.guild_id)

    async def _earlier(self, place: Place, key: str, after: int) -> discord.Message | None:
        """Newest first, no further back than what was there before it; usually one request."""
        try:
            async for message in self._place(place).history(limit=_SEARCHED):
                if message.id <= after:
                    return None
                if message.author == self._bot.user and _mark(key) in message.content:
                    return message
        except discord.Forbidden:
            log.warning("cannot look for an earlier post", comparison=key)
        return None

    async def _show(self, shown: Presentation) -> discord.Message:
        """Without the side-by-side where Discord finds the whole too large."""
        try:
            return await self._post(shown)
        except discord.HTTPException as error:
            if error.status != 413 and error.code not in _TOO_LARGE:
                raise
            return await self._post(replace(shown, side_by_side=None))

    async def _post(self, shown: Presentation) -> discord.Message:
        t = self._bot.tongue(shown.place.user_id)
        files = [
            _file(shown, clip.path, clip.file_name, t("compare.alt", letter=clip.letter))
            for clip in shown.clips
        ]
        if shown.side_by_side is not None:
            name = "together" + shown.side_by_side.suffix
            files.append(_file(shown, shown.side_by_side, name, t("compare.together")))
        called = "" if shown.announced else f"<@{shown.place.user_id}> "
        return await self._place(shown.place).send(
            f"{called}{_presenter.ballot(t, shown)} · {_mark(shown.id)}",
            files=files,
            view=ballot_view(t, shown.id, [clip.letter for clip in shown.clips]),
            nonce=f"vs-{shown.id}",
            allowed_mentions=_only(shown.place),
        )

    async def _tell(self, told: _Told) -> discord.Message:
        """An answer to the clips it is about, where they were shown."""
        t = self._bot.tongue(told.place.user_id)
        key = told.audition.id if isinstance(told, AuditionReport) else told.id
        called = "" if _is_part(told) else f"<@{told.place.user_id}> "
        more: dict[str, Any] = {}
        if ballot_id := _ballot_of(told):
            more["reference"] = discord.MessageReference(
                message_id=ballot_id,
                channel_id=told.place.channel_id or 0,
                guild_id=told.place.guild_id,
                fail_if_not_exists=False,
            )
        return await self._place(told.place).send(
            f"{called}{self._last_word(t, told)}\n-# {_mark(f'end-{key}')}",
            view=reveal_view(t, _to_go_on_with(told), taught=_has_taught(told)),
            nonce=f"ve-{key}",
            allowed_mentions=_only(told.place),
            **more,
        )

    @staticmethod
    def _last_word(t: Tongue, told: _Told) -> str:
        match told:
            case Result():
                return _presenter.reveal(t, told)
            case NoVote():
                return _presenter.no_vote(t, told)
            case AuditionReport():
                return _presenter.audition_report(t, told)

    def _close(self, told: Result | NoVote, told_in: int) -> None:
        """The clips stay; their buttons give way to the end."""
        if not isinstance(told, Result) or not (ballot_id := _ballot_of(told)):
            return
        t, channel_id = self._bot.tongue(told.place.user_id), told.place.channel_id or 0
        link = f"https://discord.com/channels/{told.place.guild_id}/{channel_id}/{told_in}"
        key = f"vsb {channel_id} {ballot_id}"
        self._closed[key] = _presenter.closed_ballot(t, told, link)
        self._bot.switchboard.put(
            channel_id, key, ballot_id, render=self._render_closed, send=self._edit, ends=True
        )

    async def _render_closed(self, key: str) -> Shown[str] | None:
        words = self._closed.get(key)
        return Shown(page=words, last=True) if words else None

    def _follow(
        self, place: Place, message_id: int | None, offer: str, *, ends: bool = False
    ) -> None:
        if message_id is None or place.channel_id is None:
            return
        self._bot.switchboard.put(
            place.channel_id,
            f"vs {place.channel_id} {message_id} {offer}",
            message_id,
            render=self._render,
            send=self._edit,
            ends=ends,
        )

    async def _render(self, key: str) -> Shown[str] | None:
        """How far all is that was agreed to on one card; an audition has several comparisons."""
        progress = await self._bot.app.comparing.progress(key.split()[3])
        t = self._bot.tongue(progress.place.user_id)
        page = _presenter.comparison_status(t, progress)
        return Shown(page=page, last=progress.open == 0)

    async def _edit(self, key: str, page: str) -> Outcome:
        _, channel_id, message_id, *_ = key.split()
        message = self._bot.get_partial_messageable(int(channel_id)).get_partial_message(
            int(message_id)
        )
        try:
            await message.edit(content=page, view=None)
        except discord.HTTPException as error:
            return Outcome.GONE if error.status in (403, 404) else Outcome.LOST
        except (discord.RateLimited, *LOST):
            return Outcome.LOST
        self._closed.pop(key, None)
        return Outcome.SENT


def _file(shown: Presentation, path: Path, name: str, alt: str) -> discord.File:
    return discord.File(path, name, description=alt, spoiler=shown.spoiler)


def _mark(key: str) -> str:
    """What finds a post again whose sending was not written down."""
    return f"`{key}`"


def _only(place: Place) -> discord.AllowedMentions:
    asker = discord.Object(place.user_id)
    return discord.AllowedMentions(everyone=False, roles=False, replied_user=False, users=[asker])


def _is_part(told: _Told) -> bool:
    """Whether more will be told of the same audition, its report last."""
    return not isinstance(told, AuditionReport) and told.offer != told.id


def _has_taught(told: _Told) -> bool:
    """Whether the ranking is another one now."""
    return isinstance(told, AuditionReport) or (isinstance(told, Result) and bool(told.moved))


def _ballot_of(told: _Told) -> int | None:
    return told.comparison.message_id if isinstance(told, Result) else None


def _card_of(told: _Told) -> int | None:
    return next((job.status_message_id for job in _jobs_of(told)), None)


def _jobs_of(told: _Told) -> list[Job]:
    match told:
        case Result():
            return [*[line.job for line in told.lines], *[one.job for one in told.missing]]
        case NoVote():
            return [*told.arrived, *[one.job for one in told.missing]]
        case AuditionReport():
            return []


def _to_go_on_with(told: _Told) -> list[tuple[str, str]]:
    """(what it is called, job) of every clip that is there, those that came too late included."""
    match told:
        case Result():
            own = [(line.letter, line.job.id) for line in told.lines]
            return own + [(one.name, one.job.id) for one in told.missing if one.job.clip]
        case NoVote():
            return [(name, job.id) for name, job in zip(told.names, told.arrived, strict=True)]
        case AuditionReport():
            return []
