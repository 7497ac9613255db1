"""The composition root: opens what the application needs in order, and closes it in reverse.

Nothing is built anywhere else and nothing at import. `running` holds the data folder for this
process; `reading` only looks, beside whoever holds it.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx

from bot import catalogue, files
from bot.comparing import Comparing, Together
from bot.config import Settings
from bot.desk import Desk
from bot.errors import ConfigError
from bot.house import Houses
from bot.jobs import Job, Later
from bot.judge import Judge
from bot.media import Media
from bot.models import Catalogue
from bot.notices import Notices
from bot.pace import Clock, Pace, utc_now
from bot.producer import Producer
from bot.store import Store
from bot.taste import Taste
from bot.vendors import Vendors
from bot.workbench import Workbench
from bot.worker import Delivery, Patience, Worker
from providers.chat import ask_weights
from providers.transport import Bounded

__all__ = ["App", "Clock", "load_catalogue", "reading", "running", "utc_now"]


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """Everything a face needs."""

    settings: Settings
    catalogue: Catalogue
    store: Store
    vendors: Vendors
    media: Media
    worker: Worker
    producer: Producer
    workbench: Workbench
    taste: Taste
    comparing: Comparing
    desk: Desk
    houses: Houses
    notices: Notices
    folder: Path
    clock: Clock


@asynccontextmanager
async def running(
    settings: Settings,
    delivery: Delivery,
    *,
    what: str,
    clock: Clock = utc_now,
    pace: Pace | None = None,
    fetch_patience: Patience | None = None,
) -> AsyncGenerator[App]:
    """The application with the data folder in its hands; a `pace` brings its own clock.

    Raises `FolderInUse`, `ConfigError` (settings, catalogue, folder) and `StoreBroken`.
    """
    book = load_catalogue(settings)
    with files.locked(settings.data_dir, what):
        pace = pace or Pace(clock=clock)
        async with _opened(settings, book, delivery, pace, fetch_patience) as app:
            yield app


@asynccontextmanager
async def reading(settings: Settings, *, clock: Clock = utc_now) -> AsyncGenerator[App]:
    """The same without running jobs; allowed beside a running bot, and free to leave requests."""
    book = load_catalogue(settings)
    files.prepare_folder(settings.data_dir)
    async with _opened(settings, book, _Nobody(clock), Pace(clock=clock), None) as app:
        yield app


def load_catalogue(settings: Settings) -> Catalogue:
    """The built-in catalogue with the operator's file over it. Raises `ConfigError`."""
    overlay = None
    if settings.catalogue is not None:
        try:
            overlay = settings.catalogue.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"CATALOGUE {settings.catalogue} cannot be read: {error}") from None
    return catalogue.load(catalogue.builtin_text(), overlay, str(settings.catalogue or ""))


class _Nobody:
    """Delivery of a process that runs no jobs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def update(self, job: Job) -> None:
        return

    async def deliver(self, job: Job, clip: Path) -> Later:
        return Later(due_at=self._clock() + timedelta(hours=1))


@asynccontextmanager
async def _opened(
    settings: Settings,
    book: Catalogue,
    delivery: Delivery,
    pace: Pace,
    fetch_patience: Patience | None,
) -> AsyncGenerator[App]:
    folder, clock = settings.data_dir, pace.clock
    certificates = httpx.create_ssl_context(trust_env=False)
    async with (
        Store.open(folder / "dailies.db") as store,
        _client(_connections(certificates)) as plain,
        _client(Bounded(_connections(certificates), pace.call_s)) as http,
    ):
        routes = [route for model in book.models.values() for route in model.routes]
        vendors = Vendors.connect(settings, http, store, clock, routes)
        media = Media(
            plain,
            folder / "tmp",
            loopback_ok=lambda _origin: False,
            deadline_s=pace.download_s,
        )
        worker, together = _runner(store, vendors, media, folder, delivery, pace, fetch_patience)
        taste = Taste(store, book)
        producer = Producer(
            store=store,
            vendors=vendors,
            catalogue=book,
            media=media,
            worker=worker,
            caps=settings.caps,
            folder=folder,
            clock=clock,
            judge=_judge(settings, http),
            taste=taste,
        )
        comparing = Comparing(
            store=store,
            producer=producer,
            media=media,
            taste=taste,
            catalogue=book,
            folder=folder,
            pace=pace,
        )
        together.moved = comparing.moved
        yield _app(settings, book, store, vendors, media, worker, producer, taste, comparing, clock)


def _runner(
    store: Store,
    vendors: Vendors,
    media: Media,
    folder: Path,
    delivery: Delivery,
    pace: Pace,
    fetch_patience: Patience | None,
) -> tuple[Worker, Together]:
    """The worker, and what stands between it and the face: clips of a comparison wait there."""
    together = Together(delivery, store)
    worker = Worker(
        store=store,
        vendors=vendors,
        media=media,
        folder=folder,
        delivery=together,
        pace=pace,
        **({"fetch_patience": fetch_patience} if fetch_patience else {}),
    )
    return worker, together


def _app(
    settings: Settings,
    book: Catalogue,
    store: Store,
    vendors: Vendors,
    media: Media,
    worker: Worker,
    producer: Producer,
    taste: Taste,
    comparing: Comparing,
    clock: Clock,
) -> App:
    """The use cases that stand on the producer, and everything together."""
    folder = settings.data_dir
    workbench = Workbench(
        store=store,
        producer=producer,
        media=media,
        catalogue=book,
        folder=folder,
        clock=clock,
    )
    desk = Desk(
        store=store,
        producer=producer,
        workbench=workbench,
        vendors=vendors,
        worker=worker,
        catalogue=book,
        clock=clock,
    )
    return App(
        settings=settings,
        catalogue=book,
        store=store,
        vendors=vendors,
        media=media,
        worker=worker,
        producer=producer,
        workbench=workbench,
        desk=desk,
        houses=Houses(store=store, catalogue=book, clock=clock),
        notices=Notices(
            store=store, producer=producer, catalogue=book, caps=settings.caps, clock=clock
        ),
        taste=taste,
        comparing=comparing,
        folder=folder,
        clock=clock,
    )


def _judge(settings: Settings, http: httpx.AsyncClient) -> Judge | None:
    """The optional second opinion; needs all three variables."""
    url, key, model = settings.judge_base_url, settings.judge_api_key, settings.judge_model
    if not (url and key and model):
        return None
    return Judge(partial(ask_weights, http, url, key.get_secret_value(), model), model)


def _connections(certificates: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
    return httpx.AsyncHTTPTransport(verify=certificates, limits=limits, trust_env=False)


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """Without a proxy, which would connect to another address than the one checked."""
    headers = {"User-Agent": "dailies"}
    return httpx.AsyncClient(transport=transport, headers=headers, trust_env=False)
