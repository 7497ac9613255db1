"""Read TOML written by people: typed values, and errors that name file, table and key.

A `Table` remembers where each of its keys was written, so that laying one file over another does
not blur whose mistake it is. What the keys mean is the caller's business.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar, cast

from bot.errors import ConfigError

__all__ = ["Table", "TableError", "did_you_mean", "read_toml"]

E = TypeVar("E", bound=StrEnum)


class TableError(ConfigError):
    """A data file is not as it must be; the message says where and what is allowed."""


def read_toml(text: str, *, file: str) -> Table:
    """The whole file as one table. Raises `TableError` with file and line."""
    text = text.removeprefix("\ufeff")
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise TableError(f"{file}, line {_line(error, text)}: not TOML: {error}") from error
    return Table.of(raw, file=file, name="")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?", or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    table: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `false` stands for "none" wherever a key may be left out."""

    place: Place
    values: Mapping[str, object]
    origins: Mapping[str, Place]

    @classmethod
    def of(cls, raw: Mapping[str, object], *, file: str, name: str) -> Table:
        place = Place(file, name)
        return cls(place=place, values=raw, origins=dict.fromkeys(raw, place))

    def overlaid(self, over: Table) -> Table:
        """The same table with the other's keys in place of its own."""
        return replace(
            self,
            values={**self.values, **over.values},
            origins={**self.origins, **over.origins},
        )

    def having(self, key: str, value: object) -> Table:
        return replace(self, values={**self.values, key: value})

    def without(self, key: str) -> Table:
        return replace(self, values={k: v for k, v in self.values.items() if k != key})

    def origin(self, key: str) -> Place:
        """Where the key was written; for one nobody wrote, where it should have been."""
        return self.origins.get(key, self.place)

    def error(self, key: str, problem: str) -> TableError:
        place = self.origin(key)
        table = f"[{place.table}]" if place.table else "the top level"
        return TableError(f"{place.file}: {table}, key '{key}': {problem}")

    def only(self, allowed: Collection[str]) -> None:
        """Refuse keys nobody reads: a typing mistake must not pass as "not said"."""
        for key in self.values:
            if key not in allowed:
                hint = did_you_mean(key, allowed)
                raise self.error(key, f"unknown; allowed are {', '.join(allowed)}{hint}")

    def has(self, key: str) -> bool:
        return self.values.get(key, False) is not False

    def need(self, key: str) -> object:
        if not self.has(key):
            raise self.error(key, "missing")
        return self.values[key]

    def table(self, key: str) -> Table:
        """The sub-table, empty when left out."""
        return self._wrap(key, self.values[key], key) if self.has(key) else self._wrap(key, {}, key)

    def tables(self, key: str) -> tuple[Table, ...]:
        """An array of tables, numbered from 1 in errors; empty when left out."""
        if not self.has(key):
            return ()
        entries = self.values[key]
        if not isinstance(entries, list):
            raise self.error(key, f"must be a list of tables, not {entries!r}")
        items = cast("list[object]", entries)
        return tuple(self._wrap(key, item, f"{key} #{n}") for n, item in enumerate(items, 1))

    def _wrap(self, key: str, value: object, name: str) -> Table:
        if isinstance(value, Table):
            return value
        if not isinstance(value, dict):
            raise self.error(key, f"must be a table, not {value!r}")
        place = self.origin(key)
        inner = f"{place.table}.{name}" if place.table else name
        return Table.of(cast("dict[str, object]", value), file=place.file, name=inner)

    def text(self, key: str) -> str:
        value = self.need(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"must be text, not {value!r}")
        return value

    def text_or(self, key: str, default: str) -> str:
        return self.text(key) if self.has(key) and self.values[key] != "" else default

    def number(self, key: str, *, low: Decimal, high: Decimal) -> Decimal:
        value = self.need(key)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.error(key, f"must be a number, not {value!r}")
        number = Decimal(value)
        if not number.is_finite() or not low <= number <= high:
            raise self.error(key, f"must be from {low} to {high}, not {number}")
        return number

    def whole(self, key: str, *, low: int, high: int) -> int:
        number = self.number(key, low=Decimal(low), high=Decimal(high))
        if number != int(number):
            raise self.error(key, f"must be a whole number, not {number}")
        return int(number)

    def day(self, key: str) -> date:
        value = self.need(key)
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self.error(key, f"must be a date without quotes, as 2026-09-24, not {value!r}")
        return value

    def day_or_none(self, key: str) -> date | None:
        return self.day(key) if self.has(key) and self.values[key] != "" else None

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {value!r}")
        return value

    def items(self, key: str) -> Sequence[object]:
        value = self.need(key)
        if not isinstance(value, list):
            raise self.error(key, f"must be a list, not {value!r}")
        return cast("list[object]", value)

    def choice(self, key: str, kind: type[E]) -> E:
        return self._member(key, self.need(key), kind)

    def choices(self, key: str, kind: type[E]) -> tuple[E, ...]:
        return tuple(self._member(key, item, kind) for item in self.items(key))

    def one_of(self, key: str, allowed: Collection[str]) -> str:
        return self._known(key, self.need(key), allowed)

    def some_of(self, key: str, allowed: Collection[str]) -> tuple[str, ...]:
        return tuple(self._known(key, item, allowed) for item in self.items(key))

    def _member(self, key: str, value: object, kind: type[E]) -> E:
        return kind(self._known(key, value, [str(member) for member in kind]))

    def _known(self, key: str, value: object, allowed: Collection[str]) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
        raise self.error(key, f"{value!r} is not one of {', '.join(allowed)}{hint}")


_AT_LINE: Final = re.compile(r"at line (\d+)")


def _line(error: Exception, text: str) -> int:
    found = _AT_LINE.search(str(error))
    return int(found.group(1)) if found else max(1, len(text.splitlines()))
