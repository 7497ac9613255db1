"""The house rules a machine can hold: who may import what, and what must not be forgotten."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import catalogue
from bot.config import Settings
from providers import PROVIDERS
from providers.base import Provider

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for room in ("bot", "cogs", "providers") for path in (ROOT / room).rglob("*.py")
)

# A package -> the only places (path prefixes) that may import it.
ALLOWED = {
    "discord": ("bot/client.py", "cogs/"),
    "cogs": ("cogs/",),
    "httpx": ("providers/", "bot/media", "bot/app.py", "bot/vendors.py"),
    "aiosqlite": ("bot/store/",),
    "sqlite3": ("bot/store/",),
    "av": ("bot/media", "bot/_media", "providers/_animatic/"),
    "PIL": ("bot/media", "bot/_media", "providers/_animatic/"),
    "typer": ("bot/cli/",),
    "rich": ("bot/cli/",),
    "unittest.mock": (),
    "requests": (),
}
ALLOWED["httpx"] += ("bot/_media_download.py",)
# A leaf or pure place -> what of ours it may import.
ONLY = {
    "providers/": ("providers",),
    "cogs/": ("cogs", "bot"),
    "bot/": ("bot", "providers"),
}
PURE = (
    "bot/jobs.py",
    "bot/ledger.py",
    "bot/limits.py",
    "bot/money.py",
    "bot/brief.py",
    "bot/advice.py",
    "bot/router/",
    "bot/fitting.py",
    "bot/lifecycle.py",
    "bot/models.py",
    "bot/shots.py",
    "bot/refine.py",
    "bot/rules.py",
    "bot/ranking.py",
    "bot/_bradley_terry.py",
    "bot/comparing/_course.py",
    "bot/comparing/_result.py",
)
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def _is(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_imports_go_one_way(path: Path) -> None:
    name = _name(path)
    for module in _imports(path):
        for package, places in ALLOWED.items():
            if _is(module, package):
                assert name.startswith(places), f"{name} imports {module}"
        room = next(room for room in ONLY if name.startswith(room))
        if module.split(".")[0] in ("bot", "cogs", "providers", "tests", "benchmarks"):
            assert module.split(".")[0] in ONLY[room], f"{name} imports {module}"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if _name(path).startswith(PURE)], ids=_name
)
def test_pure_modules_have_no_await_and_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef), _name(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            clock = isinstance(owner, ast.Name) and owner.id in ("datetime", "date", "time")
            assert not (clock and node.func.attr in CLOCKS), f"{_name(path)}:{node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
            assert _name(path) == "bot/config.py", f"{_name(path)}:{node.lineno}"


def test_every_provider_says_what_the_job_machine_must_know() -> None:
    for name, kind in PROVIDERS.items():
        assert issubclass(kind, Provider)
        assert kind.id == name
        assert kind.facts.source
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", kind.facts.verified)


def test_every_route_of_the_catalogue_names_a_provider_we_have() -> None:
    book = catalogue.parse(catalogue.builtin_text(), file="catalogue.toml")
    named = {route.provider for model in book.models.values() for route in model.routes}

    assert named <= set(PROVIDERS)
    assert named == set(PROVIDERS)


def test_env_example_names_every_variable_with_a_meaning() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = {line.lstrip("#").split("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)}

    assert names == {name.upper() for name in Settings.model_fields}
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z_]+=", line):
            above = [earlier for earlier in lines[:number] if earlier.startswith("# ")]
            assert above, f"{line} has no line of meaning"


def test_every_package_is_listed_for_installation() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in SOURCES
        if path.name in ("__init__.py", "__main__.py")
    }

    assert set(listed) == found


def test_requirement_files_are_hashed_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-test.txt"):
        text = (ROOT / name).read_text()
        pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line, re.I)]
        assert "://" not in text
        assert "index" not in text.lower().replace("indexed", "")
        assert all("==" in pin for pin in pins)
        assert text.count("--hash=sha256:") >= len(pins)
