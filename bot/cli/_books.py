"""Commands that only look: models, usage, jobs, and whether the books add up."""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from typing import Annotated

import typer

from bot.app import reading
from bot.cli._card import accepted_table, jobs_table, models_table, usage_table
from bot.cli._make import JsonOption, loaded, run_async, show, write_json
from bot.cli._shapes import accepted_rows, job_row, model_row, usd_number
from bot.producer import Person

__all__ = ["check", "jobs", "models", "usage"]


class By(StrEnum):
    USER = "user"
    MODEL = "model"
    DAY = "day"


def models(context: typer.Context, as_json: JsonOption = False) -> int:
    """What is offered: strengths, price, lifecycle, and why a route is off."""
    if context.invoked_subcommand:
        return 0
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            listings = await app.producer.models()
        if as_json:
            write_json([model_row(listing) for listing in listings])
        else:
            show(models_table(listings), out=True)
        return 0

    return run_async(work())


def usage(
    by: Annotated[By, typer.Option(help="One row per user, model or day.")] = By.MODEL,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
    as_json: JsonOption = False,
) -> int:
    """What was made and spent."""
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            rows = await app.producer.usage(by.value)
            costs = await app.store.comparisons.cost_per_accepted_second(None)
        values = [
            {by.value: row.key, "clips": row.clips, "usd": usd_number(row.micros)} for row in rows
        ]
        if as_json:
            total = usd_number(sum(row.micros for row in rows))
            accepted = accepted_rows(costs)
            write_json({"rows": values, "total_usd": total, "accepted": accepted})
        elif as_csv:
            writer = csv.DictWriter(sys.stdout, [by.value, "clips", "usd"])
            writer.writeheader()
            writer.writerows(values)
        else:
            show(usage_table(rows, by.value), out=True)
            if any(row.accepted_s for row in costs):
                show(accepted_table(costs), out=True)
        return 0

    return run_async(work())


def jobs(as_json: JsonOption = False) -> int:
    """The newest jobs and their states."""
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            rows = await app.producer.jobs(Person())
            clips = app.folder / "clips"
        if as_json:
            write_json([job_row(job, clips) for job in rows])
        elif rows:
            show(jobs_table(rows), out=True)
        else:
            typer.echo('No jobs yet. Try: python -m bot generate "a dancer in the rain"')
        return 0

    return run_async(work())


def check(as_json: JsonOption = False) -> int:
    """Prove the books: every hold settled or released, every balance the sum of its lines."""
    settings = loaded()

    async def work() -> int:
        async with reading(settings) as app:
            faults = await app.store.check_ledger()
        if as_json:
            write_json(
                [{"rule": fault.what, "where": fault.where, "is": fault.detail} for fault in faults]
            )
        elif not faults:
            typer.echo("The books add up.")
        else:
            for fault in faults:
                typer.echo(f"{fault.where}: {fault.detail} (rule: {fault.what})")
        return 1 if faults else 0

    return run_async(work())
