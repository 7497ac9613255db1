"""Takes that were made together, side by side in one picture, with a button to pick each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import discord
import structlog

from bot.client import LOST, Dailies
from bot.jobs import Job
from bot.media import MediaError
from bot.producer import Person
from bot.workbench import TakeCell
from cogs import _presenter
from cogs._edits import Outcome, Shown
from cogs._verbs import sheet_view

__all__ = ["SheetPage", "Sheets"]

SheetPage = tuple[str, str]  # the batch, and "sheet"

_GONE: Final = (403, 404)
log = structlog.get_logger(__name__)


class Sheets:
    """Renders and posts contact sheets for the scheduler of edits; each batch has one, once."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    async def render(self, jobs: Sequence[Job]) -> Shown[SheetPage] | None:
        """Due when all have ended and two or more have clips; never twice."""
        if not all(job.ended for job in jobs) or sum(bool(job.clip) for job in jobs) < 2:
            return None
        if await self._bot.app.workbench.shot_of_take(jobs[0]) is None:
            return None
        batch = jobs[0].batch
        if await self._bot.app.store.people.sheet(batch) is not None:
            return None
        return Shown(page=(batch, "sheet"), last=True)

    async def send(self, page: SheetPage) -> Outcome:
        jobs = await self._bot.app.producer.batch(page[0])
        picture: Path | None = None
        try:
            picture = await self._drawn(jobs)
            message = await self._post(jobs, picture)
        except discord.HTTPException as error:
            log.warning("sheet not shown", batch=page[0], error=str(error))
            return Outcome.GONE if error.status in _GONE else Outcome.LOST
        except MediaError as error:
            log.warning("sheet not drawn", batch=page[0], error=error.user_message)
            return Outcome.GONE
        except (discord.RateLimited, *LOST) as error:
            log.info("sheet lost", batch=page[0], error=repr(error))
            return Outcome.LOST
        finally:
            if picture is not None:
                await asyncio.to_thread(picture.unlink, missing_ok=True)
        await self._bot.app.store.people.set_sheet(page[0], message.id)
        return Outcome.SENT

    async def _drawn(self, jobs: Sequence[Job]) -> Path:
        numbers = await self._numbers(jobs)
        cells = [
            TakeCell(
                number=number,
                caption=f"{job.duration_s:.0f} s" if job.clip else job.reason.value,
                clip=job.clip,
                shape=job.width / job.height if job.height else 16 / 9,
            )
            for number, job in zip(numbers, jobs, strict=True)
        ]
        to = self._bot.app.folder / "tmp" / f"sheet-{jobs[0].batch}.jpg"
        await self._bot.app.workbench.contact_sheet(cells, to)
        return to

    async def _post(self, jobs: Sequence[Job], picture: Path) -> discord.Message:
        first = jobs[0]
        t = self._bot.tongue(first.place.user_id)
        numbers = await self._numbers(jobs)
        shot = await self._bot.app.workbench.shot_of_take(first)
        title = shot.title if shot else first.brief.prompt
        made = [(n, job) for n, job in zip(numbers, jobs, strict=True) if job.clip]
        place = self._bot.get_partial_messageable(
            first.place.channel_id or 0, guild_id=first.place.guild_id
        )
        return await place.send(
            _presenter.sheet(t, title, jobs, numbers),
            file=discord.File(
                picture,
                picture.name,
                description=t("board.alt"),
                spoiler=any(job.brief.spoiler for job in jobs),
            ),
            view=sheet_view(t, made),
            nonce=f"sheet-{first.batch}",
        )

    async def _numbers(self, jobs: Sequence[Job]) -> list[int]:
        """Their numbers in the shot."""
        first = jobs[0]
        person = Person(guild_id=first.place.guild_id, manager=True)
        shot = await self._bot.app.workbench.shot_of_take(first)
        if shot is None:
            return list(range(1, len(jobs) + 1))
        board = await self._bot.app.workbench.board(shot.id, person)
        known = {line.take.job_id: line.take.number for line in board.lines}
        return [known.get(job.id, index) for index, job in enumerate(jobs, 1)]
