"""Files that must survive a crash: put in their place whole, hashed, and one runner per folder."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.errors import ConfigError, FolderInUse

__all__ = ["copy", "edit", "in_use_by", "keep", "locked", "prepare_folder", "sha256"]

_FOLDERS: Final = ("clips", "tmp", "inputs")


async def keep(part: Path, target: Path) -> None:
    """Give a finished file its name; afterwards it is there whole, or not at all."""
    await asyncio.to_thread(_keep, part, target)


async def copy(source: Path, target: Path) -> None:
    """A copy under another name, whole or not at all. Raises `OSError`."""
    part = target.with_name(target.name + ".part")

    def work() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, part)
            _keep(part, target)
        finally:
            part.unlink(missing_ok=True)

    await asyncio.to_thread(work)


async def edit(path: Path, change: Callable[[str], str]) -> None:
    """Rewrite a text file, whole or not at all, one editor at a time; a missing one is empty.

    Raises `ConfigError` where it cannot be read or written, and what `change` raises.
    """
    await asyncio.to_thread(_edit, path, change)


async def sha256(path: Path) -> str:
    """Hex digest of the bytes on disk."""

    def work() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(work)


def prepare_folder(folder: Path) -> None:
    """Make the data folder and its rooms. Raises `ConfigError` where it cannot be written."""
    try:
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / "tmp") as probe:  # nameless: nobody sweeps it
            probe.write(b"dailies")
            probe.flush()
    except OSError as error:
        raise ConfigError(
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Free some space or fix its permissions, or set DATA_DIR to another folder."
        ) from None


@contextmanager
def locked(folder: Path, what: str) -> Generator[None]:
    """Hold the data folder for this process; `what` tells others who holds it.

    Sweeps `tmp/`. Raises `FolderInUse` naming the holder, `ConfigError` for an unwritable folder.
    """
    prepare_folder(folder)
    path = folder / "lock"
    try:
        file = path.open("a+")
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderInUse(
                f"The data folder {folder} is in use by {in_use_by(folder)}. Let it finish or stop "
                "it, or set DATA_DIR to another folder."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} ({what})")
        file.flush()
        _sweep(folder / "tmp")
        try:
            yield
        finally:
            file.truncate(0)


def in_use_by(folder: Path) -> str:
    """Who holds the folder, in words."""
    try:
        return (folder / "lock").read_text().strip() or "another process"
    except OSError:
        return "another process"


def _keep(part: Path, target: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    room = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(room)
    finally:
        os.close(room)


def _edit(path: Path, change: Callable[[str], str]) -> None:
    target = path.resolve()  # behind a link the file itself is rewritten
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _only_editor(target.parent):
            text = target.read_text(encoding="utf-8") if target.exists() else ""
            part.write_text(change(text), encoding="utf-8")
            if target.exists():
                shutil.copymode(target, part)
            _keep(part, target)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path} cannot be changed: {error}. Nothing was written.") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _only_editor(folder: Path) -> Generator[None]:
    room = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(room, fcntl.LOCK_EX)
        yield
    finally:
        os.close(room)


def _sweep(room: Path) -> None:
    for entry in room.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
