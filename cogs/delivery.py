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
from typing import Final

import discord
import structlog
from discord.ext import commands

from bot.client import LOST, Dailies
from bot.jobs import Delivered, Job, Later, Undeliverable
from bot.media import MediaError
from bot.producer import Person
from cogs import _presenter
from cogs._edits import Edits, Outcome
from cogs._views import Page, again_view, status_page, view_of

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
    """The worker's `Delivery` while this client is connected."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._edits: Edits[Page] = Edits(self._render, self._send_page, bot.app.clock)

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
        if job.place.channel_id is not None and job.status_message_id is not None:
            self._edits.put(job.place.channel_id, job)

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

    def _render(self, job: Job) -> Page:
        return status_page(self._bot, job)

    async def _send_page(self, job: Job, page: Page) -> Outcome:
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
        """Post the best version the channel takes; what is too large gets smaller, then a still."""
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
        raise AssertionError("unreachable")

    async def _send(self, job: Job, upload: _Upload) -> discord.Message:
        words = _presenter.clip_message(job, self._bot.app.catalogue.models, upload.note)
        name = f"dailies-{job.id}{upload.path.suffix}"
        return await self._place(job).send(
            words,
            file=discord.File(upload.path, name, description=_presenter.alt_text(job)),
            nonce=job.id,
            allowed_mentions=discord.AllowedMentions(
                everyone=False,
                roles=False,
                replied_user=False,
                users=[discord.Object(job.place.user_id)],
            ),
            view=again_view(job),
        )

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
        note = f"For Discord {fitted.note}; the original is kept." if fitted.note else ""
        return _Upload(path=fitted.path, size_bytes=fitted.size_bytes, note=note)

    async def _still(self, job: Job, clip: Path, limit: int) -> _Upload:
        target = self._bot.app.folder / "tmp" / f"{job.id}.jpg"
        await self._bot.app.media.poster(clip, target)
        size_bytes = (await asyncio.to_thread(target.stat)).st_size
        return _Upload(path=target, size_bytes=size_bytes, note=_presenter.too_large_note(job))

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


def _carries(message: discord.Message, job: Job) -> bool:
    """Whether a message of ours is the one this job has posted."""
    named = any(job.id in attachment.filename for attachment in message.attachments)
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    ids = {getattr(item, "custom_id", None) for row in rows for item in row.children}
    return named or f"again:{job.id}" in ids


async def setup(bot: Dailies) -> None:
    await bot.add_cog(Delivery(bot))
