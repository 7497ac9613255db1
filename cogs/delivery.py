"""Shows jobs to people: status messages while they run, and each finished clip exactly once.

Clips go to the channel with the bot's own token, never through an interaction, whose token dies
after fifteen minutes. When to try again is the worker's business: every try of a job carries the
same nonce, and a try long after the first looks for an earlier one's message before it posts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import discord
import structlog
from discord.ext import commands

from bot.client import LOST, Dailies
from bot.errors import BotError
from bot.jobs import Delivered, Job, Later, Undeliverable
from bot.media import MediaError
from bot.producer import Person
from bot.shots import Board, Shot
from cogs import _presenter
from cogs._boards import Boards
from cogs._edits import Edits, Outcome, Shown
from cogs._offers import view_of
from cogs._sheets import Sheets
from cogs._status import Page, status_page
from cogs._verbs import clip_view

__all__ = ["Delivery", "setup"]

_NONCE_LIFE: Final = timedelta(minutes=2)  # Discord remembers "a few minutes"
_RECENT: Final = timedelta(minutes=10)
_SEARCHED: Final = 500  # messages after the status message
_SOON: Final = timedelta(seconds=2)
_SELDOM: Final = timedelta(minutes=5)
_SKEW: Final = timedelta(minutes=5)
_TOO_LARGE: Final = (40005, 50045)
_ARCHIVED: Final = 50083
_TOO_OLD: Final = 30046  # too many edits of messages older than an hour
_GONE: Final = (403, 404)
_STILL_KEPT: Final = (
    "The clip is made and kept, but Discord does not let me post it where it was asked for. "
    "`/jobs` lists it; ask whoever runs this bot for the file."
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Upload:
    """A file to post, and what to say about what was done to it."""

    path: Path
    size_bytes: int
    note: str = ""


class Delivery(commands.Cog):
    """The worker's `Delivery` while this client is connected, and the keeper of boards."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._boards = Boards(bot)
        self._sheets = Sheets(bot)
        self._edits: Edits[Any] = Edits(self._render, self._bring, bot.app.clock)
        self._stages: dict[str, str] = {}  # of jobs in hand: what is worth an edit when it changes

    async def cog_load(self) -> None:
        self._bot.switchboard.attach(self)

    async def cog_unload(self) -> None:
        self._bot.switchboard.detach(self)
        await self._edits.close()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Bring up to date what an earlier client or process could not show any more."""
        now = self._bot.app.clock()
        for job in await self._bot.app.producer.jobs(Person()):
            if not job.ended or now - job.updated_at < _RECENT:
                await self.update(job)

    async def update(self, job: Job) -> None:
        if job.place.channel_id is None or job.place.guild_id is None:
            return
        stage = _stage_of(job)
        moved = self._stages.get(job.id) != stage
        self._stages[job.id] = stage
        if job.ended:
            del self._stages[job.id]
        if job.status_message_id is not None:
            self._edits.put(
                job.place.channel_id,
                f"job {job.batch}",
                job.status_message_id,
                moved=moved,
                ends=job.ended,
            )
        if moved:
            await self._tell_shot(job, job.place.channel_id, job.place.guild_id)

    async def judged(self, board: Board, by: int) -> None:
        """A pick or its end: the board shows it, and the shot's channel hears of a pick."""
        self._refresh(board.shot)
        picked, shot = board.picked, board.shot
        if picked is None or shot.thread_id is None or shot.channel_id in (None, shot.thread_id):
            return
        t = self._bot.tongue(by)
        try:
            await self._bot.get_partial_messageable(shot.channel_id).send(
                _presenter.echo(t, board, by), nonce=f"pick-{picked.take.job_id}", silent=True
            )
        except (discord.HTTPException, discord.RateLimited, *LOST) as error:
            log.warning("pick not told", shot=shot.id, error=str(error))

    async def removed(self, job: Job) -> None:
        """A clip was deleted by a person: its message goes, the board says so."""
        if job.result_message_id:
            message = self._place(job).get_partial_message(job.result_message_id)
            try:
                await message.delete()
            except (discord.HTTPException, discord.RateLimited, *LOST) as error:
                log.warning("clip message not deleted", job_id=job.id, error=str(error))
        if job.status_message_id and job.place.channel_id:
            key = f"job {job.batch}"
            self._edits.put(job.place.channel_id, key, job.status_message_id, ends=True)
        shot = await self._bot.app.workbench.shot_of_take(job)
        if shot is not None:
            self._refresh(shot)

    async def _tell_shot(self, job: Job, channel_id: int, guild_id: int) -> None:
        """Let the board of a take's shot follow, and show takes side by side once all are there."""
        try:
            shot = await self._bot.app.workbench.shot_of_take(job)
        except BotError as error:
            log.error("board not found", job_id=job.id, error=error.user_message)
            return
        if shot is not None:
            self._refresh(shot)
        if job.ended:
            self._edits.put(channel_id, f"sheet {job.batch}", ends=True)

    def _refresh(self, shot: Shot) -> None:
        channel_id = shot.thread_id or shot.channel_id
        if channel_id is not None:
            key = f"board {shot.scope} {shot.id}"
            self._edits.put(channel_id, key, shot.board_message_id, ends=True)

    async def _render(self, key: str) -> Shown[Any] | None:
        """What a message should show; our own trouble with one holds up no other."""
        try:
            return await self._rendered(key)
        except BotError as error:
            log.error("message not rendered", key=key, error=error.user_message)
            return None

    async def _rendered(self, key: str) -> Shown[Any] | None:
        kind, *rest = key.split()
        if kind == "board":
            return await self._boards.render(rest[1], int(rest[0]))
        jobs = await self._bot.app.producer.batch(rest[0])
        if kind == "sheet":
            return await self._sheets.render(jobs)
        if not jobs:
            return None
        page = await status_page(self._bot, jobs)
        return Shown(page=page, last=all(job.ended for job in jobs))

    async def _bring(self, key: str, page: Any) -> Outcome:
        kind, *rest = key.split()
        if kind == "board":
            return await self._boards.send(int(rest[0]), page)
        if kind == "sheet":
            return await self._sheets.send(page)
        return await self._send_page(rest[0], page)

    async def deliver(self, job: Job, clip: Path) -> Delivered | Undeliverable | Later:
        if job.place.channel_id is None or job.place.guild_id is None:
            return Delivered()  # asked for on the command line: the file is where it was promised
        waited = self._bot.app.clock() - (job.first_post_at or job.updated_at)
        try:
            posted = await self._earlier(job) if waited > _NONCE_LIFE else None
            posted = posted or await self._post(job, clip, job.place.guild_id)
        except (discord.HTTPException, discord.RateLimited) as error:
            return self._refused(job, error, waited)
        except MediaError as error:
            return self._later(waited, error.user_message)
        except LOST as error:
            return self._later(waited, repr(error))
        except RuntimeError as error:
            if not self._bot.is_closed():
                raise
            return self._later(waited, repr(error))
        return Delivered(message_id=posted.id)

    async def _send_page(self, batch: str, page: Page) -> Outcome:
        job = (await self._bot.app.producer.batch(batch))[0]
        message = self._place(job).get_partial_message(job.status_message_id or 0)
        try:
            await message.edit(content=page[0], view=view_of(page))
        except discord.HTTPException as error:
            final = error.status in _GONE or error.code == _ARCHIVED
            if not final and error.code != _TOO_OLD and error.status < 500:
                log.error("status not shown", job_id=job.id, error=str(error))
            return Outcome.GONE if final else Outcome.LOST
        except (discord.RateLimited, *LOST) as error:
            log.info("status edit lost", job_id=job.id, error=repr(error))
            return Outcome.LOST
        return Outcome.SENT

    def _place(self, job: Job) -> discord.PartialMessageable:
        return self._bot.get_partial_messageable(
            job.place.channel_id or 0, guild_id=job.place.guild_id
        )

    async def _earlier(self, job: Job) -> discord.Message | None:
        """The message an earlier try has left in the channel, whose answer was lost."""
        since = job.status_message_id or discord.utils.time_snowflake(job.created_at - _SKEW)
        try:
            history = self._place(job).history(after=discord.Object(since), limit=_SEARCHED)
            async for message in history:
                if message.author == self._bot.user and _carries(message, job):
                    log.info("adopted a post", job_id=job.id, message_id=message.id)
                    return message
        except discord.Forbidden:
            log.warning("cannot look for an earlier post", job_id=job.id)
        return None

    async def _post(self, job: Job, clip: Path, guild_id: int) -> discord.Message:
        """Post the best version the channel takes: smaller, then a still, then words alone."""
        limit = await self._limit(guild_id)
        for shrink in (self._fitted, self._fitted, self._still):
            upload = await shrink(job, clip, limit)
            try:
                return await self._send(job, upload)
            except discord.HTTPException as error:
                if error.status != 413 and error.code not in _TOO_LARGE:
                    raise
                log.info("too large", job_id=job.id, size_bytes=upload.size_bytes)
                limit = min(limit, upload.size_bytes) // 2
            finally:
                if upload.path != clip:
                    await asyncio.to_thread(upload.path.unlink, missing_ok=True)
        return await self._send(job, None)

    async def _send(self, job: Job, upload: _Upload | None) -> discord.Message:
        app, t = self._bot.app, self._bot.tongue(job.place.user_id)
        shot = await self._shot_board(job)
        note = upload.note if upload else _presenter.too_large_note(t, job)
        words = _presenter.clip_message(t, job, app.catalogue.models, note, shot)
        answers = _first_post(job, shot)
        more: dict[str, Any] = {} if answers is None else {"reference": answers}
        if upload is not None:
            more["file"] = _file(job, upload)
        return await self._place(job).send(
            words,
            nonce=job.id,
            allowed_mentions=discord.AllowedMentions(
                everyone=False,
                roles=False,
                replied_user=False,
                users=[discord.Object(job.place.user_id)],
            ),
            view=clip_view(t, job, can_upscale=app.workbench.can_upscale(job)),
            **more,
        )

    async def _shot_board(self, job: Job) -> Board | None:
        shot = await self._bot.app.workbench.shot_of_take(job)
        if shot is None:
            return None
        person = Person(guild_id=job.place.guild_id, manager=True)
        return await self._bot.app.workbench.board(shot.id, person)

    async def _limit(self, guild_id: int) -> int:
        """What the server's level allows; asked for while the gateway has not told us."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable:
            guild = await self._bot.fetch_guild(guild_id, with_counts=False)
        return guild.filesize_limit

    async def _fitted(self, job: Job, clip: Path, limit: int) -> _Upload:
        target = self._bot.app.folder / "tmp" / f"{job.id}.post.mp4"
        try:
            fitted = await self._bot.app.media.fit(clip, target, limit)
        except MediaError as error:
            log.info("clip not fitted", job_id=job.id, error=error.user_message)
            if job.size_bytes > limit:
                return await self._still(job, clip, limit)
            return _Upload(path=clip, size_bytes=job.size_bytes)
        t = self._bot.tongue(job.place.user_id)
        note = t("clip.smaller", note=t.of(fitted.note)) if fitted.note else ""
        return _Upload(path=fitted.path, size_bytes=fitted.size_bytes, note=note)

    async def _still(self, job: Job, clip: Path, limit: int) -> _Upload:
        target = self._bot.app.folder / "tmp" / f"{job.id}.jpg"
        await self._bot.app.media.poster(clip, target)
        size_bytes = (await asyncio.to_thread(target.stat)).st_size
        note = _presenter.too_large_note(self._bot.tongue(job.place.user_id), job)
        return _Upload(path=target, size_bytes=size_bytes, note=note)

    def _refused(
        self, job: Job, error: discord.HTTPException | discord.RateLimited, waited: timedelta
    ) -> Undeliverable | Later:
        """What Discord's no to a post means."""
        if isinstance(error, discord.RateLimited):
            return self._later(timedelta(seconds=2 * error.retry_after), str(error))
        if error.status in (401, 429) or error.status >= 500:
            return self._later(waited, str(error))
        log.error("clip not posted", job_id=job.id, error=str(error))
        return Undeliverable(message=_STILL_KEPT)

    def _later(self, waited: timedelta, detail: str) -> Later:
        """Again after half the time waited so far."""
        pause = min(max(waited / 2, _SOON), _SELDOM)
        return Later(due_at=self._bot.app.clock() + pause, detail=detail)


def _stage_of(job: Job) -> str:
    """What is worth an edit at once when it changes."""
    return f"{job.state} {job.reason} {job.cancel_at is not None} {job.message}"


def _file(job: Job, upload: _Upload) -> discord.File:
    name = f"dailies-{job.id}{upload.path.suffix}"
    alt = _presenter.alt_text(job)
    return discord.File(upload.path, name, description=alt, spoiler=job.brief.spoiler)


def _first_post(job: Job, shot: Board | None) -> discord.MessageReference | None:
    """Where a shot has no thread, its later takes answer its first one."""
    if shot is None or shot.shot.thread_id is not None:
        return None
    for line in shot.lines:
        if line.result_message_id and line.channel_id == job.place.channel_id and line.channel_id:
            return discord.MessageReference(
                message_id=line.result_message_id,
                channel_id=line.channel_id,
                guild_id=job.place.guild_id,
                fail_if_not_exists=False,
            )
    return None


def _carries(message: discord.Message, job: Job) -> bool:
    """Whether a message of ours is the one this job has posted."""
    named = any(job.id in attachment.filename for attachment in message.attachments)
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    ids = {getattr(item, "custom_id", None) for row in rows for item in row.children}
    return named or f"again:{job.id}" in ids


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Delivery(bot))
