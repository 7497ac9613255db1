"""Commands for the one who operates it: finish, stop, decide, check, run."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from bot import files
from bot.app import App, reading, running, utc_now
from bot.cli._card import result_panel
from bot.cli._make import JsonOption, clip_of, loaded, run_async, show, write_json
from bot.cli._shapes import exit_code, generated
from bot.cli._terminal import Terminal, follow, patience
from bot.config import Settings
from bot.errors import FolderInUse, Refused
from bot.jobs import Job, State
from bot.lifecycle import retiring
from bot.producer import Person
from providers import PROVIDERS
from providers.base import Provider
from providers.errors import AuthenticationFailed, OutOfCredit, ProviderError, Transient

__all__ = ["cancel", "doctor", "resolve", "resume", "run", "sync"]

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, or its beginning.")]
_CANCEL_S: Final = 30.0
_LOW_DISK_BYTES: Final = 1_000_000_000


def resume(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="Default: all.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Finish what a crash or an interruption left. Nothing is ever submitted a second time.

    Looks once at what is uncertain, and exits with 6 if it stays so.
    """
    settings = loaded()

    async def work() -> int:
        terminal = Terminal(utc_now)
        async with running(settings, terminal, what="resume", fetch_patience=patience) as app:
            unfinished = [await app.store.job(job)] if job else await app.store.unfinished()
            open_jobs = [one for one in unfinished if not one.ended]
            ended = await follow(
                app, terminal, open_jobs, console=Console(stderr=True), look_once=True
            )
            left = [one for one in unfinished if one.ended] + ended
            return await _tell(app, terminal, left, as_json=as_json)

    return run_async(work())


def cancel(job: JobArgument) -> int:
    """Ask for a job to be stopped, and say what that saves."""

    async def here(app: App, terminal: Terminal) -> int:
        typer.echo(await app.producer.cancel(job, Person()))
        found = await app.store.job(job)
        if not found.ended:
            (found,) = await follow(
                app, terminal, [found], console=None, look_once=True, at_most_s=_CANCEL_S
            )
        show(result_panel(found, clip_of(app, terminal, found)))
        return 0

    async def beside(app: App) -> int:
        typer.echo(await app.producer.cancel(job, Person()))
        found = await app.store.job(job)
        await app.store.ask(found.id, "cancel", "", app.clock())
        typer.echo(f"Left for {files.in_use_by(app.folder)}, which obeys within seconds.")
        return 0

    return _here_or_beside(loaded(), "cancel", here, beside)


def resolve(
    job: JobArgument,
    remote_id: Annotated[
        str | None, typer.Option("--remote-id", help="The vendor has it under this id: go on.")
    ] = None,
    not_submitted: Annotated[
        bool, typer.Option("--not-submitted", help="The vendor never got it: release the hold.")
    ] = False,
    spent: Annotated[
        bool, typer.Option("--spent", help="The money is gone and no clip will come.")
    ] = False,
) -> int:
    """Decide an uncertain job, once you have looked at the vendor's own list."""
    verdicts = [
        verdict
        for verdict, said in (
            (f"remote:{remote_id}", remote_id is not None),
            ("not-submitted", not_submitted),
            ("spent", spent),
        )
        if said
    ]
    if len(verdicts) != 1:
        raise typer.BadParameter("exactly one of --remote-id ID, --not-submitted, --spent")

    async def here(app: App, terminal: Terminal) -> int:
        decided = await app.producer.resolve(job, verdicts[0])
        (found,) = await follow(
            app, terminal, [decided], console=Console(stderr=True), look_once=True
        )
        clip = clip_of(app, terminal, found)
        show(result_panel(found, clip))
        good = found.state in (State.DONE, State.REFUNDED)
        return 0 if good else exit_code(found)

    async def beside(app: App) -> int:
        found = await app.store.job(job)
        if found.state is not State.UNCERTAIN:
            raise Refused(f"Job {found.id} is {found.state.value}, not uncertain.")
        await app.store.ask(found.id, "resolve", verdicts[0], app.clock())
        typer.echo(f"Left for {files.in_use_by(app.folder)}, which obeys within seconds.")
        return 0

    return _here_or_beside(loaded(), "resolve", here, beside)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    what: str
    good: bool | None  # None: for information
    says: str


def doctor(
    live: Annotated[
        bool, typer.Option("--live", help="Make the free, read-only call that proves each key.")
    ] = False,
) -> int:
    """Check keys, base URLs, disk, database, books and coming retirements. Spends nothing."""
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            findings = [
                *_keys(app),
                *_disk(app),
                *await _database(app),
                *_retirements(app),
                *await _troubles(app),
                *(await _live(app) if live else []),
            ]
        table = Table(box=None, pad_edge=False, show_header=False)
        marks = {True: "[green]ok[/green]", False: "[red]!![/red]", None: "[dim]--[/dim]"}
        for finding in findings:
            table.add_row(marks[finding.good], finding.what, finding.says)
        show(table, out=True)
        return 1 if any(finding.good is False for finding in findings) else 0

    return run_async(work())


def sync() -> int:
    """Register the slash commands with Discord now."""
    settings = loaded()

    async def work() -> int:
        from bot.client import sync_commands

        count, where = await sync_commands(settings)
        typer.echo(f"{count} commands registered {where}.")
        return 0

    return run_async(work())


def run() -> int:
    """Run the Discord bot until it is stopped."""
    settings = loaded()

    async def work() -> int:
        from bot.client import run_bot

        await run_bot(settings)
        return 0

    return run_async(work())


async def _tell(app: App, terminal: Terminal, left: list[Job], *, as_json: bool) -> int:
    if not left and not as_json:
        typer.echo("Nothing is left to finish.")
    values: list[object] = []
    for job in left:
        clip = clip_of(app, terminal, job)
        values.append(generated(job, clip, await app.producer.decision(job)))
        show(result_panel(job, clip))
    if as_json:
        write_json(values)
    waiting = [job for job in left if job.state is State.DELIVERING]
    if waiting:
        typer.echo(f"{len(waiting)} finished clips are posted when the bot runs: make run")
    return max((exit_code(job) for job in left if job not in waiting), default=0)


def _here_or_beside(
    settings: Settings,
    what: str,
    here: Callable[[App, Terminal], Awaitable[int]],
    beside: Callable[[App], Awaitable[int]],
) -> int:
    """Act with the data folder in hand; beside a running bot leave it a request."""

    async def work() -> int:
        terminal = Terminal(utc_now)
        try:
            async with running(settings, terminal, what=what, fetch_patience=patience) as app:
                return await here(app, terminal)
        except FolderInUse:
            async with reading(settings) as app:
                return await beside(app)

    return run_async(work())


def _keys(app: App) -> list[Finding]:
    found: list[Finding] = []
    for name in PROVIDERS:
        options = app.settings.options(name)
        if name == "local":
            found.append(Finding(what=name, good=True, says="built in, free, needs no key"))
        elif options is None:
            found.append(
                Finding(what=name, good=None, says=f"not offered: {app.settings.missing(name)}")
            )
        else:
            found.append(Finding(what=name, good=True, says=f"key set, {options.base_url}"))
    token = "set" if app.settings.discord_token else "not set: `run` needs DISCORD_TOKEN"
    good = True if app.settings.discord_token else None
    return [*found, Finding(what="discord", good=good, says=f"token {token}")]


def _disk(app: App) -> list[Finding]:
    free = shutil.disk_usage(app.folder).free
    return [
        Finding(
            what="disk",
            good=free > _LOW_DISK_BYTES,
            says=f"{free / 1e9:.1f} GB free for {app.folder}",
        )
    ]


async def _database(app: App) -> list[Finding]:
    damage = await app.store.integrity()
    faults = await app.store.check_ledger()
    books = "the books add up" if not faults else f"{len(faults)} faults: see `ledger check`"
    return [
        Finding(what="database", good=not damage, says=damage or "sound"),
        Finding(what="ledger", good=not faults, says=books),
    ]


def _retirements(app: App) -> list[Finding]:
    ends = retiring(app.catalogue, app.clock().date())
    return [
        Finding(
            what="retires",
            good=False,
            says=f"{end.model}{f' at {end.provider}' if end.provider else ''} on {end.on}",
        )
        for end in ends
    ] or [Finding(what="retires", good=True, says="nothing within 30 days")]


async def _troubles(app: App) -> list[Finding]:
    waits = await app.vendors.left_alone()
    return [
        Finding(what="waits", good=None, says=f"{name} {why}") for name, why in waits.items()
    ] + [
        Finding(
            what="paused" if not trouble.wire_id else "route off",
            good=False,
            says=f"{trouble.provider} {trouble.wire_id}: {trouble.reason} (since "
            f"{trouble.since:%Y-%m-%d %H:%M} UTC)",
        )
        for trouble in await app.store.troubles()
    ]


async def _live(app: App) -> list[Finding]:
    """The free call of every vendor that can be used, one after the other."""
    clients = [client for name in PROVIDERS if (client := app.vendors.client(name)) is not None]
    return [await _proof(client) for client in clients]


async def _proof(client: Provider) -> Finding:
    """What was called, and what its answer proves: a key, hardly ever money."""
    at, keys = client.options.base_url, " or ".join(client.options.secrets)
    good = False
    try:
        done = await client.check()
        says, good = f"key proven: {done} at {at}" if keys else done, True
        if keys and client.facts.credit:
            says += f". Credit is not: {client.facts.credit}"
    except AuthenticationFailed as error:
        says = f"key refused at {at}: {error.detail}. Check {keys}"
    except OutOfCredit as error:
        says = f"key proven at {at}, but there is no credit: {error.detail}"
    except Transient as error:
        says = f"{at} cannot be asked now: {error.detail}. The key is neither proven nor refused"
    except ProviderError as error:
        says = f"{at} answers what cannot be read: {error.detail}. The key is not proven"
    return Finding(what=f"{client.id} live", good=good, says=says)
