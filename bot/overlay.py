"""A model's row as text: the price as the operator gives it, the tables, their place in a file.

Pure. Whether the rows of others stay as they were is not hoped but compared: a file that cannot be
edited so that they do is left alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from bot.adding import Reading, listed
from bot.errors import ConfigError, Refused
from bot.models import Audio, Limit, Rate
from providers._schema_dialect import SCHEMA
from providers.base import Described

__all__ = ["Row", "id_for", "in_json", "priced", "row_text", "with_row"]

_SUMMARY_CHARS: Final = 120
_RENDER_S: Final = 120
_HEADER: Final = re.compile(r"""\s*\[\[?[^\[\]]+\]\]?\s*(#.*)?$""")
# What an added row leaves unsaid; over a built-in model it must not keep ours.
_UNSAID: Final = (
    *("family", "requires", "max_prompt_chars", "max_references", "duration_follows"),
    *("aspect_from", "limits", "released", "retires", "successor", "off"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A model to be written down. `over` is set where it is laid over a built-in one."""

    id: str
    name: str
    provider: str
    wire_id: str
    described: Described
    reading: Reading
    rates: Mapping[str, Rate]  # {}: no price, not offered
    today: date
    over: bool = False


def id_for(provider: str, wire_id: str) -> str:
    """ "replicate", "wan-video/wan-2.5-t2v" -> "wan-2.5-t2v"; fal's families keep their path."""
    owner, _, rest = wire_id.partition("/")
    plain = rest if provider == "replicate" or owner == "fal-ai" else wire_id
    return re.sub(r"[^a-z0-9.]+", "-", plain.lower()).strip("-.")


def priced(reading: Reading, silent: Sequence[str], sound: Sequence[str]) -> dict[str, Rate]:
    """Prices as given: "0.10" for every size, "720p=0.10" for one; {} where none is given.

    A model that always makes sound has one price, given either way. Raises `Refused`.
    """
    if reading.audio is Audio.NONE and sound:
        raise Refused("This model makes no sound, so there is no price with sound. See --audio.")
    one, other = _amounts(reading, silent), _amounts(reading, sound)
    if reading.audio is Audio.ALWAYS:
        return {
            name: Rate(silent_micros=None, audio_micros=other.get(name, one.get(name)))
            for name in reading.resolutions
            if name in one or name in other
        }
    return {
        name: Rate(silent_micros=one.get(name), audio_micros=other.get(name))
        for name in reading.resolutions
        if name in one or name in other
    }


def row_text(row: Row) -> str:
    """The tables of one model, complete."""
    return "\n".join([*_model_lines(row), "", *_route_lines(row)]) + "\n"


def with_row(text: str, row: Row, *, replace: bool, file: str) -> str:
    """The file's text with this model in it, every other row untouched.

    Raises `Refused` for an id the file has already, unless `replace`; `ConfigError` for a file that
    is no TOML, or is written so that one model cannot be changed alone.
    """
    before = _parsed(text, file)
    known = row.id in _models(before)
    if known and not replace:
        raise Refused(f"{file} has a model {row.id} already: say --replace, or another --id.")
    kept = _without(text, row.id) if known else text
    after = "\n\n".join(part for part in (kept.rstrip(), row_text(row)) if part)
    if not _only_changed(before, after, row.id):
        raise ConfigError(
            f"{file} cannot be changed without touching other rows. Move [models.{row.id}] out of "
            "it by hand, or name another file with --to."
        )
    return after


def _amounts(reading: Reading, given: Sequence[str]) -> dict[str, int]:
    """Resolution -> micro-USD per second."""
    found: dict[str, int] = {}
    for text in given:
        size, _, amount = text.rpartition("=")
        if size and size not in reading.resolutions:
            able = listed(reading.resolutions)
            raise Refused(f"There is no {size!r} to give a price for; the model is made at {able}.")
        micros = _micros(amount)
        for name in (size,) if size else reading.resolutions:
            found[name] = micros
    return found


def _micros(text: str) -> int:
    try:
        usd = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        usd = Decimal(-1)
    if not usd.is_finite() or not 0 <= usd <= 1000 or usd * 1_000_000 != int(usd * 1_000_000):
        raise Refused(f"{text!r} is no price: USD per second, such as 0.10 or 720p=0.10.")
    return int(usd * 1_000_000)


def in_json(text: str) -> str:
    """A value as typed on a command line, in JSON: what is no JSON is text."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)


def _model_lines(row: Row) -> Iterator[str]:
    reading = row.reading
    said: dict[str, str] = {
        "name": _text(row.name),
        "maker": _text(row.described.maker or "unknown"),
        "summary": _text(_summary(row.described)),
        "durations_s": _array(reading.durations_s),
        "aspects": _array(reading.aspects),
        "resolutions": _array(reading.resolutions),
        "audio": _text(reading.audio),
        "inputs": _array(reading.inputs),
        "render_s": f"{_RENDER_S} # a planning figure until this installation has measured its own",
        "base": "0.5",
        "base_source": _text("nobody has rated it: the middle"),
        "source": _text(f"{row.described.source}, read by `models add`"),
        "verified": row.today.isoformat(),
    }
    if reading.requires:
        said["requires"] = _array(reading.requires)
    if reading.limits:
        said["limits"] = f"[{', '.join(map(_limit_text, reading.limits))}]"
    if reading.aspect_from:
        said["aspect_from"] = _array(reading.aspect_from)
    if reading.max_references:
        said["max_references"] = str(reading.max_references)
    if reading.max_prompt_chars:
        said["max_prompt_chars"] = str(reading.max_prompt_chars)
    if row.over:
        said |= {key: "false" for key in _UNSAID if key not in said} | {"replace_routes": "true"}
    yield f"[models.{_key(row.id)}]"
    yield from (f"{key} = {value}" for key, value in said.items())


def _route_lines(row: Row) -> Iterator[str]:
    reading = row.reading
    yield f"[[models.{_key(row.id)}.routes]]"
    yield f"provider = {_text(row.provider)}"
    yield f"wire_id = {_text(row.wire_id)}"
    yield f"dialect = {_text(SCHEMA)}"
    if 0 < len(row.rates) < len(reading.resolutions):
        yield f"resolutions = {_array(row.rates)}"
    if reading.extras:
        yield f"extras = {_array(reading.extras)}"
    yield f"source = {_text(row.described.source)}"
    yield f"verified = {row.today.isoformat()}"
    yield from (f"options.{_key(key)} = {_text(value)}" for key, value in reading.options.items())
    if not row.rates:
        yield "# no price: not offered until somebody knows it"
        return
    yield 'price.confidence = "listed"'
    yield 'price.source = "given by the operator with `models add`"'
    yield f"price.verified = {row.today.isoformat()}"
    yield from (f"price.per_s.{name} = {_rate_text(rate)}" for name, rate in row.rates.items())


def _rate_text(rate: Rate) -> str:
    amounts = {"silent": rate.silent_micros, "audio": rate.audio_micros}
    parts = [f"{name} = {_usd(n)}" for name, n in amounts.items() if n is not None]
    return f"{{ {', '.join(parts)} }}"


def _usd(micros: int) -> str:
    return f"{Decimal(micros) / 1_000_000:f}"


def _limit_text(limit: Limit) -> str:
    said = {
        "attached": limit.attached,
        "missing": limit.missing,
        "requires": limit.requires,
        "aspects": limit.aspects or (),
    }
    parts = [f"{name} = {_array(values)}" for name, values in said.items() if values]
    return f"{{ {', '.join(parts)} }}"


def _summary(model: Described) -> str:
    """The first sentence of what the host says."""
    first = re.split(r"(?<=[.!?])\s", " ".join(model.summary.split()))[0]
    if len(first) > _SUMMARY_CHARS:
        first = first[:_SUMMARY_CHARS].rsplit(" ", 1)[0] + " ..."
    return first.rstrip(".") or model.name


def _array(values: Iterable[object]) -> str:
    words = (str(value) if type(value) is int else _text(str(value)) for value in values)
    return f"[{', '.join(words)}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    """A basic TOML string: JSON's escapes, and nothing a terminal would act on."""
    plain = "".join(char for char in value if char.isprintable())
    return json.dumps(plain.encode("utf-8", "replace").decode(), ensure_ascii=False)


def _without(text: str, model_id: str) -> str:
    """The text without that model's tables; comments above the next table stay with it."""
    kept: list[str] = []
    block: list[str] | None = None
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line):
            if block is not None:
                kept += _trailing(block)
            block = [] if _is_header_of(line, model_id) else None
        if block is None:
            kept.append(line)
        else:
            block.append(line)
    return "".join(kept + _trailing(block or []))


def _trailing(block: Sequence[str]) -> list[str]:
    last = max(
        (n for n, line in enumerate(block) if line.strip() and line.strip()[0] != "#"), default=0
    )
    return list(block[last + 1 :])


def _is_header_of(line: str, model_id: str) -> bool:
    name = re.escape(model_id)
    return bool(re.match(rf"""\s*\[\[?\s*models\s*\.\s*["']?{name}["']?\s*[.\]]""", line))


def _only_changed(before: Mapping[str, Any], text: str, model_id: str) -> bool:
    try:
        after = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    others = [
        {name: table for name, table in _models(file).items() if name != model_id}
        for file in (before, after)
    ]
    return others[0] == others[1] and model_id in _models(after)


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}. Nothing was written.") from None


def _models(file: Mapping[str, Any]) -> dict[str, Any]:
    models = file.get("models")
    return cast("dict[str, Any]", models) if isinstance(models, dict) else {}
