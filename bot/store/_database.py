"""The SQLite file: opening, migrating, one writer, transactions that always end.

WAL with `synchronous=FULL`: a committed intent must survive a power cut, or it is paid twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from bot.errors import StoreBroken
from bot.store._transaction import transact

__all__ = ["Database", "migrations", "opened"]

Result = TypeVar("Result")
Work = Callable[[aiosqlite.Connection], Coroutine[Any, Any, Result]]

_PRAGMAS: Final = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
_WAL_TRIES: Final = 250  # in 5 s, as long as everything else waits for a lock
_WAL_EVERY_S: Final = 0.02


class Database:
    """Two connections to one file: a writer behind a lock, and a reader."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()

    async def write(self, work: Work[Result]) -> Result:
        """Run `work` in one transaction: all of it is committed, or none; also when cancelled.

        Raises `StoreBroken` for a full disk or a damaged file, and what `work` raises.
        """
        return await self._uncut(self._transaction(work))

    async def write_one(self, work: Work[Result]) -> Result:
        """Run a `work` of one statement, which is a transaction by itself. Raises as `write`."""
        return await self._uncut(self._alone(work))

    async def read(self, work: Work[Result]) -> Result:
        """Run a read; it sees the last commit. Raises `StoreBroken`."""
        with _faults():
            return await work(self._reader)

    async def data_version(self) -> int:
        """Changes when another process has committed."""
        with _faults():
            row = await (await self._writer.execute("PRAGMA data_version")).fetchone()
        return int(row[0]) if row else 0

    async def _uncut(self, work: Coroutine[Any, Any, Result]) -> Result:
        """To its end, also when the caller is cancelled meanwhile."""
        inner = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(inner)
        except asyncio.CancelledError:
            await asyncio.wait([inner])
            raise

    async def _alone(self, work: Work[Result]) -> Result:
        async with self._lock:
            with _faults():
                return await work(self._writer)

    async def _transaction(self, work: Work[Result]) -> Result:
        async with self._lock:
            with _faults():
                return await transact(self._writer, work)


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[Database]:
    """The database at `path`, made and migrated when needed; closed at the end.

    Raises `StoreBroken` for a file that is no database, or one a newer version has written.
    """
    with _faults(path):
        writer = await aiosqlite.connect(path, isolation_level=None)
    try:
        with _faults(path):
            writer.row_factory = sqlite3.Row
            for pragma in _PRAGMAS:
                await writer.execute(pragma)
            await _write_ahead(writer)
            await _migrate(writer, path)
            reader = await aiosqlite.connect(path, isolation_level=None)
        try:
            reader.row_factory = sqlite3.Row
            await reader.execute("PRAGMA busy_timeout=5000")
            await reader.execute("PRAGMA query_only=ON")
            yield Database(writer, reader)
        finally:
            await reader.close()
    finally:
        await writer.close()


def migrations() -> list[tuple[int, str]]:
    """The numbered scripts in order: (version, SQL)."""
    folder = files("bot") / "migrations"
    scripts = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [(int(entry.name[:4]), entry.read_text(encoding="utf-8")) for entry in scripts]


async def _write_ahead(db: aiosqlite.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait here for others who open the file."""
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            await db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not tries_left:
                raise
            await asyncio.sleep(_WAL_EVERY_S)


async def _migrate(db: aiosqlite.Connection, path: Path) -> None:
    """Bring the file to the newest version: all scripts it lacks in one transaction, or none.

    The version that counts is read under the write lock: of two processes that start at once on a
    new file, the second finds the first one's work.
    """
    scripts = migrations()
    newest = scripts[-1][0]

    async def work(db: aiosqlite.Connection) -> None:
        version = await _version(db)
        for number, script in scripts:
            if number > version:
                for statement in _statements(script):
                    await db.execute(statement)
                await db.execute(f"PRAGMA user_version={number}")

    version = await _version(db)
    if version > newest:
        raise StoreBroken(
            f"{path} was written by a newer version of Dailies (schema {version}, this one knows "
            f"{newest}). Update Dailies, or point DATA_DIR at another folder."
        )
    if version < newest:
        await transact(db, work)


async def _version(db: aiosqlite.Connection) -> int:
    (row,) = await db.execute_fetchall("PRAGMA user_version")
    return int(row[0])


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would commit first, and so give up the lock."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _faults(path: Path | None = None) -> Generator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise StoreBroken(_explain(str(error), path)) from error


def _explain(text: str, path: Path | None) -> str:
    where = str(path) if path else "the database"
    if "full" in text or "disk I/O" in text:
        return f"The disk is full or failing: {where} cannot be written. Free space, then go on."
    if "readonly" in text or "unable to open" in text:
        return f"{where} cannot be written: check the folder's owner and permissions."
    if "not a database" in text or "malformed" in text or "corrupt" in text:
        return (
            f"{where} is damaged ({text}). Stop Dailies, keep a copy of the file, and restore "
            "the last backup, or point DATA_DIR at another folder. The clips are untouched."
        )
    return f"{where} cannot be used: {text}."
