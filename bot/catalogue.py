"""Models, routes and prices as dated data: read, check, and lay an operator's file over ours.

Pure: takes text, returns a `Catalogue` of the values in `models`, which are handed on from here.
What can be made with them, what it costs and what is offered today is decided in `fitting`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final

from bot._catalogue_rows import read_model
from bot.errors import ConfigError
from bot.models import (
    PROVIDER_IDS,
    Audio,
    Availability,
    Catalogue,
    Confidence,
    Fit,
    Lifecycle,
    Limit,
    Model,
    Price,
    Rate,
    Route,
    Strength,
    Unfit,
)
from bot.tables import Table, TableError, did_you_mean, read_toml

__all__ = [
    "Audio",
    "Availability",
    "Catalogue",
    "CatalogueError",
    "Confidence",
    "Fit",
    "Lifecycle",
    "Limit",
    "Model",
    "Price",
    "Rate",
    "Route",
    "Strength",
    "Unfit",
    "builtin_text",
    "load",
    "parse",
]

BUILTIN_FILE: Final = "catalogue.toml"


class CatalogueError(ConfigError):
    """A catalogue file is wrong; the message names file, table and key, and what is allowed."""


def builtin_text() -> str:
    """The catalogue that ships with the program."""
    return resources.files("bot").joinpath(BUILTIN_FILE).read_text(encoding="utf-8")


def parse(text: str, *, file: str) -> Catalogue:
    """One complete catalogue file. Raises `CatalogueError`."""
    return _loaded(text, file, None, "")


def load(builtin: str, overlay: str | None, overlay_file: str = "") -> Catalogue:
    """The built-in catalogue with an operator's file laid over it. Raises `CatalogueError`."""
    return _loaded(builtin, BUILTIN_FILE, overlay, overlay_file)


def _loaded(text: str, file: str, overlay: str | None, overlay_file: str) -> Catalogue:
    try:
        tables = _model_tables(text, file)
        if overlay is not None:
            tables = _overlaid(tables, _model_tables(overlay, overlay_file or "CATALOGUE"))
        models = {name: read_model(name, table) for name, table in tables.items()}
        _check_successors(models, tables, file)
    except TableError as error:
        raise CatalogueError(error.user_message) from error
    data = f"{text}\0{overlay or ''}".encode()
    return Catalogue(models=models, revision=hashlib.sha256(data).hexdigest()[:16])


def _model_tables(text: str, file: str) -> dict[str, Table]:
    top = read_toml(text, file=file)
    top.only(("models",))
    models = top.table("models")
    return {name: models.table(name) for name in models.values}


def _overlaid(base: Mapping[str, Table], over: Mapping[str, Table]) -> dict[str, Table]:
    merged = dict(base)
    for name, table in over.items():
        if name in base:
            merged[name] = _overlaid_model(base[name], table)
        elif table.has("maker"):
            merged[name] = table
        else:
            problem = "missing: this is no built-in model, and a new one must be complete"
            raise table.error("maker", problem + did_you_mean(name, base))
    return merged


def _overlaid_model(base: Table, over: Table) -> Table:
    """Given keys replace; strengths are merged one by one, routes matched by what they call."""
    merged = base.overlaid(over)
    if over.has("strengths"):
        strengths = base.table("strengths").overlaid(over.table("strengths"))
        merged = merged.having("strengths", strengths)
    if over.has("routes") and not over.flag("replace_routes"):
        merged = merged.having("routes", _overlaid_routes(base, over))
    return merged


def _overlaid_routes(base: Table, over: Table) -> list[Table]:
    routes = {_route_key(route): route for route in base.tables("routes")}
    new: list[Table] = []
    for route in over.tables("routes"):
        key = _route_key(route)
        if key in routes:
            routes[key] = routes[key].overlaid(route)
        else:
            new.append(route)
    return [*new, *routes.values()]


def _route_key(route: Table) -> tuple[str, str]:
    return route.one_of("provider", PROVIDER_IDS), route.text("wire_id")


def _check_successors(
    models: Mapping[str, Model], tables: Mapping[str, Table], builtin_file: str
) -> None:
    for model in models.values():
        line = [model.id]
        while (heir := models[line[-1]].successor) is not None:
            table = tables[line[-1]]
            if heir not in models:
                problem = f"no model is called {heir!r}{did_you_mean(heir, models)}"
                raise table.error("successor", problem)
            if heir in line:
                places = [tables[name].origin("successor").file for name in line]
                blamed = next((n for n, file in enumerate(places) if file != builtin_file), -1)
                raise tables[line[blamed]].error("successor", "leads back to the model itself")
            line.append(heir)
