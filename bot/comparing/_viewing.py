"""The files people see of a comparison, and what is posted with them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.comparing._face import Shown
from bot.comparing._result import letter_at
from bot.media import CannotFit, Media
from bot.store import Letter, Plan

__all__ = ["Viewing"]

REQUEST_BYTES: Final = 24 << 20  # of a whole message, with some room left for its text
GRID: Final = "side-by-side.mp4"
MUTED: Final = "All clips are silent here, because one of them has no sound."
AS_LONG: Final = "Each is shown as long as the shortest."


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    clips: tuple[Shown, ...]
    side_by_side: Path | None
    note: str


class Viewing:
    """Makes and finds the copies in `comparisons/<id>/`; originals are only read."""

    def __init__(self, media: Media, folder: Path) -> None:
        self._media = media
        self._clips = folder / "clips"
        self._folder = folder / "comparisons"

    async def make(
        self, plan: Plan, letters: Sequence[Letter], names: Mapping[str, str], limit_bytes: int
    ) -> Files:
        """Fresh copies in the order of the letters, and all in one picture.

        Raises `MediaError` where not even one version of each can be made.
        """
        room = self._folder / plan.id
        await asyncio.to_thread(_empty, room)
        each = min(limit_bytes, REQUEST_BYTES // (len(letters) + 1))
        labels = self._labels(plan, letters, names)
        originals = [self._clips / f"{letter.job_id}.mp4" for letter in letters]
        targets = [room / f"{letter_at(at)}.mp4" for at in range(len(letters))]
        note = ""
        if plan.blind:
            made = await self._media.blind_copies(originals, targets, limit_bytes=each)
            paths, note = list(made.paths), " ".join([AS_LONG] * made.cut + [MUTED] * made.muted)
        else:
            pairs = zip(originals, targets, strict=True)
            paths = [(await self._media.fit(one, to, each)).path for one, to in pairs]
        grid = await self._grid(paths, labels, room / GRID, each)
        return Files(clips=_shown(paths, labels), side_by_side=grid, note=note)

    async def find(
        self, plan: Plan, letters: Sequence[Letter], names: Mapping[str, str]
    ) -> Files | None:
        """What was made before for these letters; None where a file of it is gone."""
        room = self._folder / plan.id
        paths = [room / f"{letter_at(at)}.mp4" for at in range(len(letters))]
        if not plan.blind:
            originals = [self._clips / f"{letter.job_id}.mp4" for letter in letters]
            paths = await asyncio.to_thread(_first_there, paths, originals)
        if not await asyncio.to_thread(_all_there, paths):
            return None
        grid = room / GRID
        there = await asyncio.to_thread(grid.is_file)
        return Files(
            clips=_shown(paths, self._labels(plan, letters, names)),
            side_by_side=grid if there else None,
            note=plan.note,
        )

    async def forget(self, plan: Plan) -> None:
        """The copies are of no use once the last word is out."""
        await asyncio.to_thread(shutil.rmtree, self._folder / plan.id, ignore_errors=True)

    async def together(self, plan: Plan, letters: Sequence[Letter], limit_bytes: int) -> Path:
        """The originals in one picture under their models' ids. Raises `MediaError`."""
        target = self._folder / plan.id / GRID
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        fitted = await self._media.side_by_side(
            [self._clips / f"{letter.job_id}.mp4" for letter in letters],
            [letter.model for letter in letters],
            target,
            limit_bytes=limit_bytes,
        )
        return fitted.path

    async def _grid(
        self, paths: Sequence[Path], labels: Sequence[str], to: Path, limit_bytes: int
    ) -> Path | None:
        """Made of what is posted, so that it tells no more; without it nothing is lost."""
        try:
            fitted = await self._media.side_by_side(paths, labels, to, limit_bytes=limit_bytes)
        except CannotFit:
            return None
        return fitted.path

    def _labels(
        self, plan: Plan, letters: Sequence[Letter], names: Mapping[str, str]
    ) -> tuple[str, ...]:
        return tuple(
            letter_at(at) if plan.blind else f"{letter_at(at)} · {names[letter.model]}"
            for at, letter in enumerate(letters)
        )


def _shown(paths: Sequence[Path], labels: Sequence[str]) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            letter=letter_at(at),
            label=label,
            path=path,
            file_name=f"{letter_at(at)}.mp4",
        )
        for at, (path, label) in enumerate(zip(paths, labels, strict=True))
    )


def _empty(room: Path) -> None:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)


def _all_there(paths: Sequence[Path]) -> bool:
    return all(path.is_file() for path in paths)


def _first_there(copies: Sequence[Path], originals: Sequence[Path]) -> list[Path]:
    """A copy that was needed, else the original that fitted as it was."""
    pairs = zip(copies, originals, strict=True)
    return [copy if copy.is_file() else original for copy, original in pairs]
