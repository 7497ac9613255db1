"""The command that adds a model by its host's own schema: no code, a row in the operator's file."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot import catalogue, files
from bot.adding import Reading, Said, read_schema
from bot.app import reading, utc_now
from bot.cli._make import JsonOption, loaded, run_async, show, write_json
from bot.config import Settings
from bot.errors import Refused
from bot.models import Audio
from bot.overlay import Row, id_for, in_json, priced, row_text, with_row
from providers.base import Described
from providers.errors import AccountProblem, InvalidRequest, ProviderError, RouteGone

__all__ = ["add"]

HOSTS: Final = ("replicate", "fal")
_FILE: Final = "catalogue.toml"  # in the data folder, where no other is named


def add(
    what: Annotated[
        str, typer.Argument(metavar="HOST:MODEL", help="replicate:owner/name or fal:endpoint/id.")
    ],
    usd_per_s: Annotated[
        list[str] | None,
        typer.Option(metavar="X", help="USD per second: 0.10, or 720p=0.10; several."),
    ] = None,
    usd_per_s_audio: Annotated[
        list[str] | None, typer.Option(metavar="X", help="The same for clips with sound.")
    ] = None,
    model_id: Annotated[
        str | None, typer.Option("--id", help="How it is asked for. Default: from its name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="As people call it.")] = None,
    seconds: Annotated[
        str | None, typer.Option(metavar="5,10", help="How long its clips are.")
    ] = None,
    aspect: Annotated[
        str | None, typer.Option(metavar="16:9,9:16", help="Its ratios, if not all of them.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="720p,1080p", help="Its sizes, if not all of them.")
    ] = None,
    audio: Annotated[
        Audio | None, typer.Option(help="Whether clips have sound, where no field says it.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A field's value in every request."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: the file CATALOGUE names.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the model with that id.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Add any model of Replicate or fal: its own schema is read, mapped, shown and written down.

    No price, no offer: say --usd-per-s, which no schema tells. Nothing is submitted.

    python -m bot models add replicate:wan-video/wan-2.5-t2v --usd-per-s 720p=0.10
    """
    provider, wire_id = _target(what)
    said = Said(
        durations_s=_whole_seconds(seconds),
        aspects=_parts(aspect),
        resolutions=_parts(resolution),
        audio=audio,
        fixed=_fixed(fixed or []),
    )
    settings = loaded()
    file = to or settings.catalogue or settings.data_dir / _FILE

    async def work() -> int:
        described = await _described(settings, provider, wire_id)
        found = read_schema(described, said)
        if not as_json:
            show(_mapping(described, found), out=True)
        given = usd_per_s or [] if usd_per_s or usd_per_s_audio else _asked_price(as_json)
        row = Row(
            id=model_id or id_for(provider, wire_id),
            name=name or described.name,
            provider=provider,
            wire_id=wire_id,
            described=described,
            reading=found,
            rates=priced(found, given, usd_per_s_audio or []),
            today=utc_now().date(),
        )
        await _write(row, file, overwrite=overwrite)
        _tell(_Written(row=row, file=file, read=settings.catalogue), as_json=as_json)
        return 0

    return run_async(work())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    row: Row
    file: Path
    read: Path | None  # what CATALOGUE names

    @property
    def is_read(self) -> bool:
        return self.read is not None and self.read.resolve() == self.file.resolve()


async def _described(settings: Settings, provider: str, wire_id: str) -> Described:
    """The host's own words. Raises `Refused` with what to do."""
    unlaid = settings.model_copy(update={"catalogue": None})  # its file may not be there yet
    async with reading(unlaid) as app:
        client = app.vendors.client(provider)
        if client is None:
            raise Refused(f"{provider} cannot be asked: {settings.missing(provider)}.")
        try:
            return await client.describe(wire_id)
        except (RouteGone, InvalidRequest) as error:
            raise Refused(f"{error.detail}. Nothing was written.") from None
        except AccountProblem as error:
            raise Refused(
                f"{provider} does not accept the key ({error.detail}). Nothing was written."
            ) from None
        except ProviderError as error:
            raise Refused(
                f"{provider}'s description of {wire_id} cannot be read now ({error.detail}). "
                "Nothing was written."
            ) from None


async def _write(row: Row, file: Path, *, overwrite: bool) -> None:
    """Into the file, once it is known that the whole catalogue loads with it."""
    builtin = catalogue.builtin_text()
    ours = row.id in catalogue.parse(builtin, file=catalogue.BUILTIN_FILE).models
    if ours and not overwrite:
        raise Refused(
            f"The catalogue has a model {row.id} already: say --id for another name, or --replace "
            "to lay this one over it."
        )

    def change(text: str) -> str:
        after = with_row(text, replace(row, over=ours), replace=overwrite, file=str(file))
        catalogue.load(builtin, after, str(file))
        return after

    await files.edit(file, change)


def _tell(written: _Written, *, as_json: bool) -> None:
    row, file = written.row, written.file
    if as_json:
        write_json(
            {
                "id": row.id,
                "file": str(file),
                "offered": bool(row.rates) and written.is_read,
                "mapping": [
                    {"what": line.what, "field": line.field or None, "says": line.says}
                    for line in row.reading.lines
                ],
                "not_mapped": [line.field for line in row.reading.left],
                "row": row_text(row),
            }
        )
        return
    typer.echo(f"{row.id} is written to {file}.")
    if not written.is_read:
        typer.echo(f"Set CATALOGUE={file} (in .env), or nothing reads it.")
    typer.echo("A running bot reads it at its next start.")
    if row.rates:
        typer.echo(f'Then: python -m bot generate "..." --model {row.id} --max-usd 1')
    else:
        typer.echo(
            "It has no price, so it is not offered. Say it once you know it: the same command with "
            "--usd-per-s X --replace"
        )


def _mapping(model: Described, found: Reading) -> RenderableType:
    """What was understood, and what was not."""
    table = Table(box=None, pad_edge=False)
    for heading in ("ours", "its field", "means"):
        table.add_column(heading, overflow="fold")
    for line in found.lines:
        style = "" if line.field else "dim"
        table.add_row(line.what, Text(line.field or "none"), Text(line.says), style=style)
    parts: list[RenderableType] = [
        Text(f"{model.name} by {model.maker or 'unknown'}", style="bold"),
        Text(model.source, style="dim"),
        table,
    ]
    if "version" in model.options:
        parts.append(
            Text("A community model: it is billed by machine time, so a price is an estimate.")
        )
    if found.left:
        parts.append(Text("Not mapped (fix a value with --set FIELD=VALUE)", style="bold"))
        parts += [Text(f"  {line.field} ({line.what}): {line.says}") for line in found.left]
    return Group(*parts)


def _asked_price(as_json: bool) -> list[str]:
    """Ask the person; without one, or without an answer, there is no price."""
    if as_json or not sys.stdin.isatty():
        return []
    try:
        answer = typer.prompt(
            "USD per second (empty: not offered yet)", default="", show_default=False, err=True
        )
    except typer.Abort:
        raise typer.Exit(130) from None
    return [str(answer)] if str(answer).strip() else []


def _target(what: str) -> tuple[str, str]:
    provider, _, wire_id = what.partition(":")
    parts = wire_id.split("/")
    named = all(parts) and len(parts) >= 2 and not set(wire_id) & set(" ?#:@\\")
    dots = any(part in (".", "..") for part in parts)
    if provider not in HOSTS or not named or dots or (provider == "replicate" and len(parts) != 2):
        raise typer.BadParameter(
            "replicate:owner/name or fal:owner/endpoint", param_hint="HOST:MODEL"
        )
    return provider, wire_id


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").replace(",", " ").split() if part)


def _whole_seconds(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in _parts(text)}))
    except ValueError:
        raise typer.BadParameter("whole seconds, as 5 or 5,10", param_hint="--seconds") from None


def _fixed(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        field, equals, value = text.partition("=")
        if not field or not equals:
            raise typer.BadParameter(f"FIELD=VALUE, not {text!r}", param_hint="--set")
        found[field] = in_json(value)
    return found
