"""`models add` as an operator runs it: a row, an offer, a clip paid once, and no line of code."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from tests.clips import clip_bytes, still_bytes
from tests.standin.fal import Fal
from tests.standin.replicate import Replicate

SEEDANCE = "replicate:bytedance/seedance-1-pro"
PIXVERSE = "fal:fal-ai/pixverse/v5/image-to-video"
KEY = "key-planted-where-no-output-may-show-it"


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
async def replicate() -> AsyncIterator[Replicate]:
    async with Replicate(clip=clip_bytes(), key=KEY) as vendor:
        yield vendor


@pytest.fixture
async def fal() -> AsyncIterator[Fal]:
    async with Fal(clip=clip_bytes(), key=KEY) as vendor:
        yield vendor


@pytest.fixture
def run(
    replicate: Replicate,
    fal: Fal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """A command beside the vendors; `CATALOGUE` names a file that is not there yet."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", KEY)
    monkeypatch.setenv("REPLICATE_BASE_URL", replicate.base_url)
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("FAL_BASE_URL", fal.base_url)
    monkeypatch.setenv("CATALOGUE", "mine.toml")

    async def run(*args: str) -> Ran:
        code = await asyncio.to_thread(main, args)
        shown = capsys.readouterr()
        assert KEY not in shown.out + shown.err
        return Ran(code=code, out=shown.out, err=shown.err)

    return run


async def _listed(run: Run, model_id: str) -> Any:
    models = (await run("models", "--json")).json
    return next((model for model in models if model["id"] == model_id), None)


async def test_an_added_model_is_live_and_its_clip_is_paid_once(
    run: Run, replicate: Replicate, tmp_path: Path
) -> None:
    added = await run("models", "add", SEEDANCE, "--usd-per-s", "480p=0.03", "--id", "seedance")
    row = await _listed(run, "seedance")
    made = await run(
        *("generate", "a boat", "--model", "seedance", "--duration", "5", "--seed", "7"),
        *("--max-usd", "1", "--json"),
    )

    assert added.code == 0, added.err
    assert "mine.toml" in added.out
    assert row["status"] == "live"
    assert row["routes"][0]["usd_per_s"] == 0.03
    assert made.code == 0, made.err
    assert (made.json["state"], made.json["charged_usd"]) == ("done", 0.15)
    assert (tmp_path / made.json["clip"]).read_bytes() == replicate.clip
    (body,) = replicate.submissions
    assert body["input"] == {
        "prompt": "a boat",
        "duration": 5,
        "aspect_ratio": "16:9",
        "resolution": "480p",
        "seed": 7,
    }


async def test_an_added_fal_endpoint_takes_an_uploaded_image(
    run: Run, fal: Fal, tmp_path: Path
) -> None:
    (tmp_path / "still.png").write_bytes(still_bytes(900, 700))
    added = await run("models", "add", PIXVERSE, "--usd-per-s", "0.05", "--id", "pixverse")
    made = await run(
        *("generate", "a boat", "--model", "pixverse", "--image", "still.png", "--max-usd", "1"),
        "--json",
    )

    assert (added.code, made.code) == (0, 0), made.err
    (body,) = fal.submissions
    assert (body["aspect_ratio"], body["duration"]) == ("auto", "5")
    assert body["generate_audio"] is False
    assert list(fal.files) == [body["image_url"]]


async def test_a_model_without_a_price_is_listed_and_not_offered(run: Run) -> None:
    added = await run("models", "add", SEEDANCE)
    without = await _listed(run, "seedance-1-pro")
    priced = await run("models", "add", SEEDANCE, "--usd-per-s", "0.1", "--replace")
    with_price = await _listed(run, "seedance-1-pro")

    assert (added.code, priced.code) == (0, 0)
    assert "no price, so it is not offered" in added.out
    assert (without["status"], without["routes"][0]["offered"]) == ("off", False)
    assert (with_price["status"], with_price["routes"][0]["offered"]) == ("live", True)


async def test_the_mapping_is_shown_with_what_is_not_mapped(run: Run) -> None:
    shown = await run("models", "add", SEEDANCE, "--usd-per-s", "0.1")
    for words in ("last_frame_image", "2-12 s", "Not mapped", "camera_fixed", "default, 24"):
        assert words in shown.out


async def test_the_mapping_is_one_json_value_for_scripts(run: Run) -> None:
    value = (await run("models", "add", SEEDANCE, "--usd-per-s", "0.1", "--json")).json
    fields = {line["what"]: line["field"] for line in value["mapping"]}

    assert set(value) == {"id", "file", "offered", "mapping", "not_mapped", "row"}
    assert value["offered"] is True
    assert fields["first frame"] == "image"
    assert value["not_mapped"] == ["fps", "camera_fixed"]
    assert "seedance-1-pro" in tomllib.loads(value["row"])["models"]


async def test_without_catalogue_it_says_what_to_set(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CATALOGUE")
    added = await run("models", "add", SEEDANCE, "--usd-per-s", "0.1")

    assert "Set CATALOGUE=data/catalogue.toml" in added.out
    assert "seedance-1-pro" in (tmp_path / "data" / "catalogue.toml").read_text()


async def test_rows_of_others_stay_and_two_at_once_lose_nothing(run: Run, tmp_path: Path) -> None:
    mine = '# by hand\n[models."veo-3.1"]\noff = "not cleared" # yet\n'
    (tmp_path / "mine.toml").write_text(mine)
    (tmp_path / "mine.toml").chmod(0o600)
    await run("models")  # the database is there
    codes = await asyncio.gather(
        *(
            asyncio.to_thread(main, ("models", "add", SEEDANCE, "--id", name))
            for name in ("one", "two")
        )
    )
    text = (tmp_path / "mine.toml").read_text()

    assert codes == [0, 0]
    assert text.startswith(mine)
    assert set(tomllib.loads(text)["models"]) == {"veo-3.1", "one", "two"}
    assert (tmp_path / "mine.toml").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


async def test_over_a_built_in_model_only_when_asked(run: Run) -> None:
    refused = await run("models", "add", SEEDANCE, "--usd-per-s", "0.1", "--id", "kling-v3")
    taken = await run(
        *("models", "add", SEEDANCE, "--usd-per-s", "0.1", "--id", "kling-v3", "--replace")
    )
    row = await _listed(run, "kling-v3")

    assert (refused.code, taken.code) == (3, 0)
    assert "--id" in refused.err
    assert [route["wire_id"] for route in row["routes"]] == ["bytedance/seedance-1-pro"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("bytedance/seedance-1-pro",), 2, "replicate:owner/name"),
        (("runway:gen4.5/x",), 2, "replicate:owner/name"),
        (("replicate:a/b/c",), 2, "replicate:owner/name"),
        (("replicate:../account",), 2, "replicate:owner/name"),
        (("fal:a/../../v1",), 2, "owner/endpoint"),
        ((SEEDANCE, "--seconds", "soon"), 2, "whole seconds"),
        ((SEEDANCE, "--set", "fps"), 2, "FIELD=VALUE"),
        (("replicate:nobody/knows",), 3, "knows no model nobody/knows"),
        (("fal:fal-ai/nobody/knows",), 3, "no endpoint"),
        (("fal:fal-ai/flux/dev",), 3, "makes no video"),
        (("replicate:tencent/hunyuan-video",), 3, "--seconds 5"),
        ((SEEDANCE, "--usd-per-s", "cheap"), 3, "USD per second"),
        ((SEEDANCE, "--usd-per-s", "4k=1"), 3, "480p, 720p, 1080p"),
        ((SEEDANCE, "--id", "My Model"), 3, "small letters"),
        ((SEEDANCE, "--to", "still.png"), 3, "still.png"),
        ((SEEDANCE, "--to", "broken.toml"), 3, "broken.toml"),
    ],
)
async def test_what_cannot_be_added_is_said_and_nothing_is_written(
    run: Run, tmp_path: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "still.png").write_bytes(still_bytes())
    (tmp_path / "broken.toml").write_text("[models.x")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    refused = await run("models", "add", *args)

    assert refused.code == code
    assert words in refused.err
    assert "Traceback" not in refused.err
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before


@pytest.mark.parametrize(
    ("fault", "words"), [(401, "does not accept the key"), (503, "cannot be read now")]
)
async def test_a_host_in_trouble_is_named(
    run: Run, replicate: Replicate, fault: int, words: str
) -> None:
    replicate.fail_next(fault, on="describe")
    refused = await run("models", "add", SEEDANCE)
    assert (refused.code, words in refused.err) == (3, True)


async def test_without_a_key_the_variable_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    refused = await run("models", "add", SEEDANCE)
    assert (refused.code, "REPLICATE_API_TOKEN" in refused.err) == (3, True)
