"""No key of the operator's gets out: not by logs, errors, the database, clips or a redirect.

Keys that cannot occur by chance are planted in every variable; vendors echo them in whatever they
answer. Then everything that was said, kept or sent elsewhere is searched for them.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr

from bot.config import Settings
from bot.jobs import Job, State
from bot.log import configure
from providers import PROVIDERS
from providers.base import Options, Provider, Remote, VideoRequest
from providers.errors import ProviderError
from tests.bot.faulty import PROMPT, SCENES, VENDORS, Studio, studio
from tests.bot.process import Bot
from tests.clips import clip_bytes
from tests.providers.hosts import a_client, catalogue_requests
from tests.standin.kling import Kling
from tests.standin.loopback import Canned, Fault, Loopback

MARKS = (b"planted", b"eyJhbGciOiJIUzI1NiIs")  # a key, and how a token signed with one begins
VARIABLES = [
    name.upper()
    for name, field in Settings.model_fields.items()
    if SecretStr in getattr(field.annotation, "__args__", ())
]
PAIR = "KLING_ACCESS_KEY", "KLING_SECRET_KEY"


class Elsewhere(Loopback):
    """Somebody else's server: keeps what it is sent and has a clip for everybody."""

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._anything)]

    def operation(self, method: str, path: str, query: Mapping[str, str]) -> str:
        return "anything"

    async def _anything(self, request: web.Request) -> web.Response:
        return web.Response(body=self.clip, content_type="video/mp4")

    @property
    def received(self) -> bytes:
        return repr([(x.path, x.query, x.headers, x.body) for x in self.exchanges]).encode()


@pytest.fixture
async def elsewhere():
    async with Elsewhere(clip=clip_bytes()) as server:
        yield server


@pytest.fixture
def loud(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], bytes]]:
    """Everything at level debug; what was said so far."""
    root, said = logging.getLogger(), list[str]()
    before = root.handlers[:], root.level

    def captured() -> bytes:
        said.extend(capsys.readouterr())
        return "".join(said).encode()

    yield captured
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def planted(name: str) -> str:
    return f"planted-id:planted-{name}" if name == "FAL_KEY" else f"planted-{name.lower()}-6f1d"


def leaks(**places: bytes) -> list[str]:
    """Where a planted key can be read, with what stands around it."""
    found = [(place, text.find(mark), text) for place, text in places.items() for mark in MARKS]
    return [f"{place}: {text[max(0, at - 90) : at + 40]!r}" for place, at, text in found if at >= 0]


def kept(folder: Path) -> bytes:
    """Every name and every byte below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("dailies.db") for path in files)
    return b"\n".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)


# What goes wrong in turn; every job after a submit or a poll that went wrong fails, to save a clip.
SUBMITS: tuple[Fault, ...] = (
    *(400, 401, 402, 404, 429, 500),
    *("garbage", "empty", "html-502", "html-200", "lost-502", "rejected"),
)
POLLS: tuple[Fault, ...] = (401, 429, 500, "garbage", "empty", "html-200")
DOWNLOADS: tuple[Fault, ...] = (401, "html-404")


@pytest.mark.parametrize("name", SCENES)
async def test_faults_leave_no_key_in_logs_or_in_what_is_kept(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loud: Callable[[], bytes],
    elsewhere: Elsewhere,
) -> None:
    for variable in ("DISCORD_TOKEN", "JUDGE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, planted(variable))
    moved = Canned(status=302, body={}, headers={"Location": elsewhere.base_url + "/clip"})
    async with studio(name, tmp_path, monkeypatch) as scene:
        configure("debug", "json", scene.app.settings.secret_values)
        scene.vendor.echo = " ".join(scene.vendor.secrets)
        last = scene.vendor.secrets[-1 if name == "kling-legacy" else 0]
        cut = Canned(status=500, body="x" * 3985 + last)  # a body is kept to 4,000
        for on, faults in (
            ("submit", (*SUBMITS, cut, moved)),
            ("poll", (*POLLS, cut, moved)),
            ("download", (*DOWNLOADS, moved)),
        ):
            for fault in faults:
                await _one_job(scene, on, fault)
        told = "\n".join([*scene.witness.told, *map(repr, scene.witness.moves)])
        told += repr(scene.app.settings) + repr(
            scene.app.vendors.client(name.removesuffix("-legacy"))
        )
        inside = kept(tmp_path / "data")

    assert elsewhere.calls["anything"] == 1
    assert b"submission failed" in loud()
    assert (
        leaks(
            told=told.encode(),
            kept=inside,
            kept_at_the_end=kept(tmp_path / "data"),
            log=loud(),
            elsewhere=elsewhere.received,
        )
        == []
    )


async def _one_job(scene: Studio, on: str, fault: Fault) -> None:
    """As far as it comes; then the vendor is as good as new."""
    scene.vendor.polls_until_done = 0
    scene.vendor.fail_next(fault, on=on)
    if on != "download":
        scene.vendor.fail_next("failed", on="outcome")
    (job,) = await scene.make(origin=f"test {len(scene.witness.moves)}")
    await scene.until(_at_rest, job)
    scene.hands.held = True
    if (await scene.app.store.job(job.id)).state is State.UNCERTAIN:
        await scene.app.producer.resolve(job.id, "not-submitted")
        await scene.until(_at_rest, job)
    scene.hands.held = False
    for trouble in await scene.app.store.troubles():
        await scene.app.store.end_trouble(trouble.provider, trouble.wire_id)
    scene.vendor.forget_faults()


def _at_rest(job: Job) -> bool:
    return job.ended or (job.state is State.UNCERTAIN and job.looks >= 2)


@dataclass(frozen=True, kw_only=True)
class Key:
    """One way into a vendor."""

    standin: type[Loopback]
    secrets: tuple[str, ...]


KEYS = {
    **{
        name: Key(standin=kind.standin, secrets=PROVIDERS[name].facts.keys[:1])
        for name, kind in VENDORS.items()
    },
    "openai": Key(standin=VENDORS["gateway"].standin, secrets=("OPENAI_API_KEY",)),
    "kling's pair": Key(standin=Kling, secrets=PAIR),
}
ANSWERS: tuple[Fault, ...] = (
    *(400, 401, 402, 403, 404, 409, 422, 429, 500, 503),
    *("garbage", "empty", "html-200", "html-403", "html-502"),
)


@pytest.mark.parametrize("name", KEYS)
async def test_no_error_of_any_call_carries_a_key_in_its_text_or_its_causes(
    name: str, elsewhere: Elsewhere
) -> None:
    key = KEYS[name]
    values = {variable: planted(variable) for variable in key.secrets}
    more: dict[str, Any] = {"pair": tuple(values.values())} if key.secrets == PAIR else {}
    async with key.standin(key=planted(key.secrets[0]), **more) as vendor, a_client() as http:
        provider = "kling" if more else name
        client = PROVIDERS[provider](http, Options(base_url=vendor.base_url, secrets=values))
        request = _a_request(client)
        vendor.polls_until_done = 1_000_000
        remote = await client.submit(request)
        moved = Canned(status=307, body={}, headers={"Location": elsewhere.base_url})
        cut = Canned(status=500, body="x" * 3985 + planted(key.secrets[0]))
        said = [repr(client), repr(client.options)]
        for fault in (*ANSWERS, moved, cut):
            for on, call in _calls(client, request, remote).items():
                vendor.fail_next(fault, on=on)
                said += await _whatever(call)
                vendor.forget_faults()

    assert len(said) > len(ANSWERS) * 3
    assert elsewhere.exchanges == []
    assert leaks(said="\n".join(said).encode()) == []


def _a_request(client: Provider) -> VideoRequest:
    requests = catalogue_requests(client.id)
    return next(one for one in requests if not one.inputs and not client.refuses(one.dialect))


def _calls(
    client: Provider, request: VideoRequest, remote: Remote
) -> dict[str, Callable[[], Awaitable[object]]]:
    now = datetime.now(UTC)
    return {
        "submit": lambda: client.submit(request),
        "poll": lambda: client.poll(remote, request),
        "find": lambda: client.find(request, now),
        "check": client.check,
        "cancel": lambda: client.cancel(remote, request),
    }


async def _whatever(call: Callable[[], Awaitable[object]]) -> list[str]:
    """Everything an answer or an error can be made to say."""
    try:
        return [repr(await call())]
    except ProviderError as error:
        parts = [str(error), repr(error), error.detail, error.body, repr(error.args)]
        return ["\n".join([*parts, *traceback.format_exception(error)])]


async def test_processes_that_crash_report_and_list_say_and_keep_no_key(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    async with AsyncExitStack() as stack:
        bot, vendors = Bot(tmp_path, **{name: planted(name) for name in VARIABLES}), {}
        for name, kind in VENDORS.items():
            variable, address = kind.variables.split()
            vendor = await stack.enter_async_context(
                kind.standin(clip=clip_bytes(), key=planted(variable))
            )
            bot.env[address], vendors[name] = vendor.base_url, vendor
            vendor.echo = " ".join(vendor.secrets)
            vendor.polls_until_done = 0
        bot.env |= {
            "OPENAI_BASE_URL": "http://127.0.0.1:9",
            "JUDGE_BASE_URL": "http://127.0.0.1:9",
            "LOG_LEVEL": "debug",
        }
        ran = [await _ran(bot, vendors, *step) for step in _STEPS]

    assert (
        leaks(
            **{" ".join(step[1]): text for step, text in zip(_STEPS, ran, strict=True)},
            kept=kept(tmp_path),
            elsewhere=elsewhere.received,
        )
        == []
    )


_GENERATE = ("generate", PROMPT, "--max-usd", "2", "--json", "--model")
# What the vendors do wrong (vendor, fault, operation), and the command that meets it.
_STEPS: tuple[tuple[tuple[tuple[str, Fault, str], ...], tuple[str, ...]], ...] = (
    (
        (("kling", 401, "submit"), ("fal", 402, "submit"), ("replicate", 404, "submit")),
        (*_GENERATE, "kling-v3"),
    ),
    ((("runway", "rejected", "submit"),), (*_GENERATE, "gen-4.5")),
    ((("ltx", "garbage", "submit"),), (*_GENERATE, "ltx-2.3-fast")),
    ((("gateway", "drop_after", "submit"),), ("crash", "move:2:after", *_GENERATE, "sora-2")),
    ((("gateway", 500, "find"),), ("resume", "--json")),
    (
        (("google", 401, "check"), ("runway", "garbage", "check"), ("gateway", 500, "check")),
        ("doctor", "--live"),
    ),
    ((), ("models", "--json")),
    ((), ("jobs", "--json")),
    ((), ("ledger", "check", "--json")),
)


async def _ran(
    bot: Bot,
    vendors: Mapping[str, Loopback],
    faults: Iterable[tuple[str, Fault, str]],
    command: tuple[str, ...],
) -> bytes:
    for name, fault, on in faults:
        vendors[name].fail_next(fault, on=on)
    crash = command[0] == "crash"
    ran = await bot(*command[crash:], module="tests.bot.crash_run" if crash else "bot")
    assert ran.out or ran.err
    return f"{ran.out}\n{ran.err}".encode()
