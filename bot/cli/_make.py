"""Commands that make clips, or say what would be made."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console

from bot.app import App, reading, running, utc_now
from bot.brief import Brief, Stage
from bot.cli._card import (
    beliefs_table,
    decision_card,
    ledger_table,
    quote_card,
    result_panel,
    usage_table,
    with_keys,
)
from bot.cli._shapes import belief_rows, exit_code, generated
from bot.cli._terminal import Terminal, follow, patience
from bot.comparing import model_ids
from bot.config import Settings
from bot.errors import Refused
from bot.jobs import Job, Place, State
from bot.ledger import scope_of
from bot.log import configure
from bot.money import to_micros, usd
from bot.producer import Person, Producer, Quote, new_id
from bot.router import to_json
from providers.base import MediaInput, MediaRole

__all__ = [
    "JsonOption",
    "OutOption",
    "clip_of",
    "compare",
    "demo",
    "generate",
    "loaded",
    "route",
    "run_async",
    "show",
    "write_json",
]

Result = TypeVar("Result")
DEMO_PROMPT: Final = "water pouring into a glass on a wooden table, slow push in, afternoon sun"
PLACE: Final = Place()
_WIDTH: Final = 110  # of text that goes into a file

Prompt = Annotated[str, typer.Argument(help="What should be seen, in any language.")]
StageOption = Annotated[
    Stage | None,
    typer.Option(help="animatic: free storyboard · concept: cheap and fast · final: best quality."),
]
ImageOption = Annotated[
    str | None, typer.Option("--image", help="First frame: a file or an https URL.")
]
EndImageOption = Annotated[
    str | None, typer.Option("--end-image", help="Last frame: a file or an https URL.")
]
ReferenceOption = Annotated[
    list[str] | None,
    typer.Option("--reference", help="Stills that show a character, product or look; several."),
]
MotionOption = Annotated[
    str | None, typer.Option("--motion", help="A video whose movement is transferred.")
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="A video to continue or edit, where a model can.")
]
DurationOption = Annotated[
    float | None, typer.Option("--duration", min=0.1, help="Seconds; default the shortest from 5.")
]
AspectOption = Annotated[str | None, typer.Option("--aspect", help="Such as 16:9, 9:16, 1:1.")]
ResolutionOption = Annotated[str | None, typer.Option("--resolution", help="Such as 720p, 1080p.")]
AudioOption = Annotated[
    bool | None, typer.Option("--audio/--no-audio", help="Sound; default off, always said.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="The same seed, the same.")]
NegativeOption = Annotated[
    str | None, typer.Option("--negative", help="What should not be seen, where a model takes it.")
]
MaxUsdOption = Annotated[
    str | None, typer.Option("--max-usd", metavar="X", help="Never above this price per clip.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before money moves.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also put the untouched clip into this folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]


def generate(
    prompt: Prompt,
    model: Annotated[str, typer.Option(help="A model's id, or auto.")] = "auto",
    stage: StageOption = None,
    image: ImageOption = None,
    end_image: EndImageOption = None,
    reference: ReferenceOption = None,
    motion: MotionOption = None,
    source: SourceOption = None,
    duration: DurationOption = None,
    aspect: AspectOption = None,
    resolution: ResolutionOption = None,
    audio: AudioOption = None,
    seed: SeedOption = None,
    negative: NegativeOption = None,
    takes: Annotated[int, typer.Option(min=1, max=10, help="How many, quoted and held whole.")] = 1,
    max_usd: MaxUsdOption = None,
    yes: YesOption = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a clip: choose the model, show why and for how much, run it, keep it.

    Asks before money moves. In a script, say --yes or --max-usd.

    python -m bot generate "a dancer mid-performance, slow dolly in" --stage final
    """
    settings = loaded()
    limit = _limit(max_usd)
    _demand_consent(yes=yes, limit=limit)

    async def work() -> int:
        terminal = Terminal(utc_now, out)
        async with running(settings, terminal, what="generate", fetch_patience=patience) as app:
            inputs = await _inputs(app.producer, image, end_image, reference, motion, source)
            brief = Brief(
                prompt=prompt,
                model=None if model == "auto" else model,
                stage=stage,
                duration_s=duration,
                aspect=aspect,
                resolution=resolution,
                audio=audio,
                seed=seed,
                negative=negative,
                inputs=inputs,
            )
            quote = await app.producer.quote(brief, PLACE, max_micros=limit)
            show(quote_card(quote, takes))
            _ask(quote, takes, yes=yes, limit=limit)
            made = await app.producer.generate(
                quote, origin=f"cli:{new_id(utc_now())}", takes=takes, start=False
            )
            ended = await _followed(app, terminal, made)
            return await _report(app, terminal, ended, as_json=as_json)

    return run_async(work())


def compare(
    prompt: Prompt,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="2 to 4 models, by id; default the best of two families."),
    ] = None,
    stage: StageOption = None,
    image: ImageOption = None,
    end_image: EndImageOption = None,
    reference: ReferenceOption = None,
    motion: MotionOption = None,
    source: SourceOption = None,
    duration: DurationOption = None,
    aspect: AspectOption = None,
    resolution: ResolutionOption = None,
    audio: AudioOption = None,
    seed: SeedOption = None,
    negative: NegativeOption = None,
    max_usd: MaxUsdOption = None,
    yes: YesOption = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make the same shot on 2 to 4 models at once, and put the clips side by side.

    python -m bot compare "a crowd idling" --models kling-v3 veo-3.1 --max-usd 1
    """
    ids = model_ids(" ".join(models or ()))
    if models and not 2 <= len(ids) <= 4:
        raise typer.BadParameter("two to four different models", param_hint="--models")
    settings = loaded()
    limit = _limit(max_usd)
    _demand_consent(yes=yes, limit=limit)

    async def work() -> int:
        terminal = Terminal(utc_now, out)
        async with running(settings, terminal, what="compare", fetch_patience=patience) as app:
            inputs = await _inputs(app.producer, image, end_image, reference, motion, source)
            brief = Brief(
                prompt=prompt,
                stage=stage,
                duration_s=duration,
                aspect=aspect,
                resolution=resolution,
                audio=audio,
                seed=seed,
                negative=negative,
                inputs=inputs,
            )
            proposal = await app.comparing.propose(
                brief, PLACE, models=ids, blind=False, max_micros=limit
            )
            for one in proposal.left_out:
                typer.secho(f"Left out: {one.model}: {one.reason}", err=True)
            for quote in proposal.quotes:
                show(quote_card(quote, 1))
            _ask_total(proposal.total_micros, yes=yes, limit=limit)
            offer = await app.comparing.offer(proposal)
            made = await app.comparing.go(offer, Person(), start=False)
            ended = await _followed(app, terminal, made)
            grid = await app.comparing.finish(offer)
            return await _report_comparison(app, terminal, offer, ended, grid, as_json=as_json)

    return run_async(work())


def route(
    prompt: Prompt,
    model: Annotated[str, typer.Option(help="A model's id, or auto.")] = "auto",
    stage: StageOption = None,
    duration: DurationOption = None,
    aspect: AspectOption = None,
    resolution: ResolutionOption = None,
    audio: AudioOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="What the catalogue says, and what votes made of it.")
    ] = False,
    server: Annotated[
        int | None, typer.Option("--server", help="With the votes of this server, by its id.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Say what a prompt demands and which model would make it, for how much. Spends nothing.

    python -m bot route "a martial artist executing a technique"
    """
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            brief = Brief(
                prompt=prompt,
                model=None if model == "auto" else model,
                stage=stage,
                duration_s=duration,
                aspect=aspect,
                resolution=resolution,
                audio=audio,
            )
            place = PLACE if server is None else Place(guild_id=server)
            decision = await app.producer.decide(brief, place)
            beliefs = await app.taste.explain(scope_of(place), decision) if explain else ()
        if as_json:
            value = to_json(decision)
            write_json(value | {"explain": belief_rows(beliefs)} if explain else value)
        else:
            show(decision_card(decision), out=True)
            if explain:
                show(beliefs_table(beliefs), out=True)
        return 0 if decision.choice else 3

    return run_async(work())


def demo(
    prompt: Annotated[str, typer.Argument(help="What should be seen.")] = DEMO_PROMPT,
) -> int:
    """Show the whole line without a key: route a prompt, draw its storyboard, keep the books."""
    settings = loaded()

    async def work() -> int:
        terminal = Terminal(utc_now)
        async with running(settings, terminal, what="demo", fetch_patience=patience) as app:
            brief = Brief(prompt=prompt, stage=Stage.ANIMATIC)
            quote = await app.producer.quote(brief, PLACE)
            show(quote_card(quote, 1))
            show(with_keys(app.producer.decide_with_every_key(Brief(prompt=prompt))))
            made = await app.producer.generate(
                quote, origin=f"cli:{new_id(utc_now())}", start=False
            )
            (job,) = await _followed(app, terminal, made)
            show(result_panel(job, app.folder / "clips" / job.clip if job.clip else None))
            show(ledger_table(await app.store.lines(job.id)))
            show(usage_table(await app.producer.usage("model"), "model"))
        if job.state is not State.DONE:
            return exit_code(job)
        typer.echo(f"Your clip: {app.folder / 'clips' / job.clip}")
        typer.echo(
            "It is a storyboard, drawn here for nothing. Put a vendor's key into .env "
            "(see .env.example) and the same words become a real clip."
        )
        return 0

    return run_async(work())


def loaded() -> Settings:
    """The settings, with logging set up to hide their secrets. Raises `ConfigError`."""
    settings = Settings.load()
    configure(settings.log_level, settings.log_format, settings.secret_values)
    return settings


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command; an interruption leaves its job resumable and says how."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        typer.secho("\nInterrupted. What was begun is kept: python -m bot resume", err=True)
        raise


def show(what: object, *, out: bool = False) -> None:
    """For people: to stderr, or to stdout where it is the command's result."""
    console = Console(stderr=not out, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=not out, highlight=False, width=_WIDTH)
    console.print(what)


def write_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


async def _followed(app: App, terminal: Terminal, made: Sequence[Job]) -> list[Job]:
    try:
        return await follow(app, terminal, made, console=Console(stderr=True))
    except asyncio.CancelledError:
        for job in made:
            typer.secho(
                f"\nJob {job.id} is kept as it is. Go on with: python -m bot resume {job.id}",
                err=True,
            )
        raise


async def _report(app: App, terminal: Terminal, ended: Sequence[Job], *, as_json: bool) -> int:
    values: list[dict[str, Any]] = []
    for job in ended:
        clip = clip_of(app, terminal, job)
        values.append(generated(job, clip, await app.producer.decision(job)))
        show(result_panel(job, clip))
        _say_what_next(job)
        if clip and not as_json:
            typer.echo(str(clip))
    if as_json:
        write_json(values[0] if len(values) == 1 else values[0] | {"takes": values})
    return max(exit_code(job) for job in ended)


async def _report_comparison(
    app: App,
    terminal: Terminal,
    offer: str,
    ended: Sequence[Job],
    grid: Path | None,
    *,
    as_json: bool,
) -> int:
    values: list[dict[str, Any]] = []
    for job in ended:
        clip = clip_of(app, terminal, job)
        values.append(generated(job, clip, await app.producer.decision(job)))
        show(result_panel(job, clip))
        _say_what_next(job)
    if as_json:
        write_json(
            {
                "comparison": offer,
                "jobs": values,
                "side_by_side": str(grid) if grid else None,
            }
        )
    elif grid:
        typer.echo(str(grid))
    return max(exit_code(job) for job in ended)


def clip_of(app: App, terminal: Terminal, job: Job) -> Path | None:
    """Where the person finds the clip: in `--out`, or in our folder."""
    if not job.clip:
        return None
    return terminal.target(job) or app.folder / "clips" / job.clip


def _say_what_next(job: Job) -> None:
    if job.state is State.UNCERTAIN:
        typer.secho(
            f"The hold of {usd(job.hold_micros)} stays. Look again with: python -m bot resume "
            f"{job.id}\nOr decide it, once you have looked at the vendor's own list: python -m bot "
            f"resolve {job.id} --remote-id ID | --not-submitted | --spent",
            err=True,
        )
    elif job.state is State.FETCHING:
        typer.secho(
            f"The vendor has made it (id {job.remote.remote_id if job.remote else '?'}), but what "
            f"it sends is not a clip. Fetch it again with: python -m bot resume {job.id}",
            err=True,
        )


def _limit(max_usd: str | None) -> int | None:
    if max_usd is None:
        return None
    try:
        amount = Decimal(max_usd.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter("an amount in USD such as 0.50", param_hint="--max-usd")
    return to_micros(amount)


def _demand_consent(*, yes: bool, limit: int | None) -> None:
    if not yes and limit is None and not sys.stdin.isatty():
        raise Refused(
            "Nobody is here to be asked about the price. Say --yes, or --max-usd X to set a limit."
        )


def _ask(quote: Quote, takes: int, *, yes: bool, limit: int | None) -> None:
    _ask_total(quote.price_micros * takes, yes=yes, limit=limit)


def _ask_total(total_micros: int, *, yes: bool, limit: int | None) -> None:
    if total_micros == 0 or yes or (limit is not None and not sys.stdin.isatty()):
        return
    try:
        agreed = typer.confirm(f"Spend up to {usd(total_micros)}?", err=True)
    except typer.Abort:
        raise typer.Exit(130) from None
    if not agreed:
        raise Refused("Nothing was made and nothing was spent.")


async def _inputs(
    producer: Producer,
    image: str | None,
    end_image: str | None,
    reference: Sequence[str] | None,
    motion: str | None,
    source: str | None,
) -> tuple[MediaInput, ...]:
    given = [(MediaRole.FIRST_FRAME, image), (MediaRole.LAST_FRAME, end_image)]
    given += [(MediaRole.REFERENCE, value) for value in reference or ()]
    given += [(MediaRole.MOTION, motion), (MediaRole.SOURCE, source)]
    return tuple(
        [
            await producer.add_input(role, _source(value))
            for role, value in given
            if value is not None
        ]
    )


def _source(value: str) -> Path | str:
    if value.startswith("http://"):
        raise Refused("Pictures and videos are fetched over https only.")
    if value.startswith("https://"):
        return value
    path = Path(value).expanduser()
    if not path.is_file():
        raise Refused(f"There is no file {value}.")
    return path
