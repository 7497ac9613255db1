"""A finished clip on its way to our disk: fetched whole, verified, and only then given its name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot import files, jobs
from bot.config import is_loopback
from bot.endings import detail_of, expired
from bot.jobs import Job
from bot.media import BadClip, ClipInfo
from bot.texts import say
from bot.worker._desk import Desk
from bot.worker._patience import Patience
from providers.base import Phase, Provider, Remote, Status, VideoRequest
from providers.errors import ProtocolError, ProviderError

__all__ = ["Fetching"]

_FETCH_TRIES: Final = 12
_GONE: Final = frozenset({403, 404, 410})  # of a result's address: 403 is a signature's end
_AT_ONCE: Final = 4  # downloads


class Fetching:
    """From `fetching` to a verified file; tried again with patience while the vendor keeps it."""

    def __init__(self, desk: Desk, patience: Patience) -> None:
        self._desk = desk
        self._patience = patience
        self._downloads = asyncio.Semaphore(_AT_ONCE)
        self._progress: dict[str, float] = {}

    def progress_of(self, job_id: str) -> float | None:
        """How much of the clip is here, 0..1; None while none is on its way."""
        return self._progress.get(job_id)

    async def step(self, job: Job) -> Job:
        clip = self._desk.clips / f"{job.id}.mp4"
        try:
            if await asyncio.to_thread(clip.exists):
                info = await self._desk.media.examine(clip)
            else:
                info = await self._bring(job, clip)
        except BadClip as error:
            if error.conclusive:
                await asyncio.to_thread(clip.unlink, missing_ok=True)
            return await self._fetch_later(job, error.user_message, error.user_message)
        except _NoMore as error:
            return await self._desk.move(job, expired(job, error.detail))
        except ProviderError as error:
            return await self._fetch_later(
                job,
                say("wait.fetch"),
                detail_of(error),
                gone=isinstance(error, ProtocolError) and error.status in _GONE,
            )
        size_bytes = (await asyncio.to_thread(clip.stat)).st_size
        return await self._desk.move(
            job,
            jobs.Fetched(
                clip=clip.name,
                sha256=await files.sha256(clip),
                size_bytes=size_bytes,
                duration_s=info.duration_s,
                width=info.width,
                height=info.height,
            ),
        )

    async def _bring(self, job: Job, clip: Path) -> ClipInfo:
        """Fetch into the temp folder, verify there, and only then give it the clip's name."""
        client = self._desk.vendors.client(job.provider)
        if client is None or job.request is None or job.remote is None:
            raise ProviderError("its vendor's key is not set")
        part = self._desk.tmp / f"{job.id}.mp4"
        status = await self._result(job, client, job.remote, job.request)
        ours = is_loopback(urlsplit(client.options.base_url).hostname or "")

        async def download(url: str, headers: Mapping[str, str] | None = None, /) -> None:
            await self._desk.media.download(url, part, headers, loopback_ok=lambda _origin: ours)

        try:
            async with self._downloads:
                await client.fetch(
                    job.remote,
                    job.request,
                    status,
                    part,
                    download,
                    lambda share: self._show_progress(job.id, share),
                )
            info = await self._desk.media.examine(part)
            await files.keep(part, clip)
            return info
        finally:
            self._progress.pop(job.id, None)
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def _result(
        self, job: Job, client: Provider, remote: Remote, request: VideoRequest
    ) -> Status:
        """Where the clip lies. An address that failed once may have ended: a fresh one is asked."""
        if job.fetch_tries == 0:
            return Status(phase=Phase.SUCCEEDED, result_url=job.result_url)
        await self._desk.vendors.pace(job.provider)
        status = await client.poll(remote, request)
        if status.phase is Phase.GONE and job.fetch_tries > 1:
            raise _NoMore(status.reason or "the vendor does not have the clip any more")
        if status.phase is not Phase.SUCCEEDED:
            raise ProtocolError(f"a finished job is now {status.phase.value} ({status.reason})")
        return status

    def _show_progress(self, job_id: str, share: float) -> None:
        self._progress[job_id] = share

    async def _fetch_later(self, job: Job, message: str, detail: str, *, gone: bool = False) -> Job:
        now = self._desk.now()
        ended = job.result_expires_at is not None and now > job.result_expires_at
        if (ended or gone) and job.fetch_tries >= _FETCH_TRIES:
            return await self._desk.move(job, expired(job, detail))
        due_at = now + timedelta(seconds=self._patience(job.fetch_tries))
        return await self._desk.move(
            job, jobs.FetchLater(due_at=due_at, message=message, detail=detail)
        )


class _NoMore(ProviderError):
    """The vendor says that the finished clip is gone."""
