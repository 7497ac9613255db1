"""The command line: the same core as the Discord commands, for people and scripts.

Exit codes: 0 done · 2 bad arguments · 3 refused before anything was spent · 4 the vendor refused
the content · 5 failed, hold released · 6 uncertain, hold kept · 130 interrupted. Results and JSON
go to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import typer

from bot.cli import _adding, _books, _make, _operate
from bot.errors import BotError

__all__ = ["main"]

_MANY: Final = ("--models", "--reference")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = _spread(list(sys.argv[1:] if argv is None else argv))
    try:
        application()(arguments, prog_name="python -m bot")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BotError as error:
        typer.secho(error.user_message, err=True, fg=typer.colors.RED)
        return 3
    return 0


def application() -> typer.Typer:
    """All commands with their help."""
    app = typer.Typer(
        name="dailies",
        help="Dailies: a prompt becomes a clip that cannot be lost, on the best model for it.",
        epilog="Start with: python -m bot demo",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        result_callback=_finish,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    make, books, operate = "Make clips", "Look", "Operate"
    app.command(rich_help_panel=make)(_make.demo)
    app.command(rich_help_panel=make)(_make.generate)
    app.command(rich_help_panel=make)(_make.compare)
    app.command(rich_help_panel=make)(_make.route)
    models = typer.Typer(invoke_without_command=True, callback=_books.models)
    models.command("add")(_adding.add)
    app.add_typer(models, name="models", rich_help_panel=books)
    app.command(rich_help_panel=books)(_books.usage)
    app.command(rich_help_panel=books)(_books.jobs)
    app.command(rich_help_panel=operate)(_operate.resume)
    app.command(rich_help_panel=operate)(_operate.cancel)
    app.command(rich_help_panel=operate)(_operate.resolve)
    app.command(rich_help_panel=operate)(_operate.doctor)
    app.command(rich_help_panel=operate)(_operate.sync)
    app.command(rich_help_panel=operate)(_operate.run)
    ledger = typer.Typer(help="The books: holds, settlements, releases.", no_args_is_help=True)
    ledger.command("check")(_books.check)
    app.add_typer(ledger, name="ledger", rich_help_panel=books)
    return app


def _finish(code: int) -> None:
    """What a command returns is the exit code."""
    raise typer.Exit(code)


def _spread(arguments: list[str]) -> list[str]:
    """`--models a b` and `--reference x y` take all that follows: repeat the option for each."""
    spread: list[str] = []
    option = ""
    for argument in arguments:
        if argument.startswith("-"):
            option = argument if argument in _MANY else ""
            spread.append(argument)
        elif option and spread[-1] != option:
            spread += [option, argument]
        else:
            spread.append(argument)
    return spread
