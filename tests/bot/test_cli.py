"""The command line's promises that need no vendor: shapes, exit codes, and clear refusals."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from bot.brief import CATEGORIES
from bot.cli import main
from tests.clips import still_bytes

DRAFT = ("--stage", "animatic", "--duration", "1", "--resolution", "480p", "--yes")
KEYS = {
    "KLING_API_KEY": "k-secret",
    "RUNWAYML_API_SECRET": "r-secret",
    "GEMINI_API_KEY": "g-secret",
    "LTX_API_KEY": "l-secret",
}


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> Result:
        code = main(args)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def test_the_embedded_default_makes_a_clip_tracks_it_and_keeps_the_books(
    run: Any, tmp_path: Path
) -> None:
    made = run("generate", "ein Papierboot auf einer Pfütze", *DRAFT, "--json").json

    assert (made["state"], made["model"], made["charged_usd"]) == ("done", "local", 0)
    assert (made["width"], made["height"], made["duration_s"]) == (854, 480, 1.0)
    assert (tmp_path / made["clip"]).read_bytes()[4:8] == b"ftyp"
    assert set(made) == {
        *("job", "state", "reason", "model", "provider", "remote_id", "clip", "sha256"),
        *("duration_s", "width", "height", "quoted_usd", "charged_usd", "route"),
    }
    assert run("ledger", "check").code == 0
    assert run("usage", "--json").json["rows"] == [{"model": "local", "clips": 1, "usd": 0.0}]
    assert "1 clip made" in run("usage").out
    (job,) = run("jobs", "--json").json
    assert (job["job"], job["state"], job["prompt"]) == (
        made["job"],
        "done",
        "ein Papierboot auf einer Pfütze",
    )


def test_takes_and_out_give_files_side_by_side(run: Any, tmp_path: Path) -> None:
    (tmp_path / "still.png").write_bytes(still_bytes())
    made = run(
        *("generate", "a boat", *DRAFT, "--image", "still.png", "--takes", "2", "--seed", "7"),
        *("--out", "out", "--json"),
    )

    clips = [tmp_path / take["clip"] for take in made.json["takes"]]
    assert made.code == 0
    assert all(clip.parent == tmp_path / "out" for clip in clips)
    assert clips[0].read_bytes() != clips[1].read_bytes()


def test_demo_shows_card_clip_ledger_and_usage(run: Any) -> None:
    shown = run("demo", "a dancer mid-performance")

    assert shown.code == 0
    assert "Your clip: data/clips/" in shown.out
    assert "human movement" in shown.err
    assert "settle" in shown.err


def test_route_prints_the_promised_shape(run: Any, keys: None) -> None:
    value = run("route", "a dancer mid-performance", "--json").json

    assert set(value) == {
        *("weights", "evidence", "stage", "choice", "candidates", "dropped", "advice")
    }
    assert set(value["weights"]) == {*CATEGORIES, "general"}
    assert abs(sum(value["weights"].values()) - 1) < 1e-6
    assert value["choice"]["model"].startswith("kling")
    assert "dancer" in value["evidence"]["human_motion"]
    assert len(value["advice"]) <= 3


def test_models_prints_the_promised_shape(run: Any, keys: None) -> None:
    models = {model["id"]: model for model in run("models", "--json").json}
    wanted = {
        *("sora-2-pro", "sora-2", "kling-v3", "kling-v3-motion-control", "kling-v3-omni"),
        *("gen-4.5", "veo-3", "veo-3.1", "gemini-omni-1.1", "ltx-2.3-pro", "ltx-2.3-fast"),
        "local",
    }

    assert wanted <= set(models)
    assert models["kling-v3"]["status"] == "live"
    assert models["sora-2-pro"]["status"] == "retired"
    assert models["sora-2-pro"]["successor"] in models
    assert set(models["local"]["strengths"]) == set(CATEGORIES)
    assert set(models["kling-v3"]["routes"][0]) == {
        *("provider", "wire_id", "offered", "reason", "usd_per_s", "retires")
    }


@pytest.mark.parametrize("command", [("models",), ("jobs",), ("usage", "--csv"), ("doctor",)])
def test_lists_work_in_an_empty_folder_and_show_no_secret(
    run: Any, keys: None, command: tuple[str, ...]
) -> None:
    shown = run(*command)

    assert shown.code == 0
    assert shown.out
    assert "secret" not in (shown.out + shown.err).replace("RUNWAYML_API_SECRET", "").lower()


def test_resume_with_nothing_left_is_fine(run: Any) -> None:
    assert run("resume").code == 0
    assert run("resume", "--json").json == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("generate", ""), "no prompt"),
        (("generate", " \n "), "no prompt"),
        (("generate", "x" * 10_000), "10,000 characters; 4,000"),
        (("generate", "x", "--model", "klingv3"), "kling-v3"),
        (("generate", "x", "--model", "gen-4.5"), "RUNWAYML_API_SECRET"),
        (("generate", "x", "--duration", "500", "--stage", "animatic"), " s"),
        (("generate", "x", "--aspect", "banana", "--stage", "animatic"), "16:9"),
        (("generate", "x", "--resolution", "banana", "--stage", "animatic"), "720p"),
        (("generate", "x", "--image", "nowhere.png"), "no file nowhere.png"),
        (("generate", "x", "--image", "http://x.example/a.png"), "https"),
        (("generate", "x", "--image", "broken.png"), "picture"),
        (("generate", "x", "--image", "bomb.png"), "picture"),
        (("generate", "x", "--motion", "broken.png"), "MP4 or MOV"),
        (("generate", "x", "--source", "broken.png"), "MP4 or MOV"),
        (("compare", "x", "--models", "local", "nonsense"), "nonsense"),
        (("cancel", "nosuchjob"), "no job"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_nothing_is_left(
    run: Any, tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 9)
    (tmp_path / "bomb.png").write_bytes(_bomb())
    refused = run(*args, *(() if args[0] == "cancel" else ("--yes",)))

    assert refused.code == 3
    assert words in refused.err
    assert "Traceback" not in refused.err
    assert run("jobs", "--json").json == []


def test_a_retired_model_names_its_successor_and_price(run: Any, keys: None) -> None:
    refused = run("generate", "a boat", "--model", "sora-2", "--yes")

    assert refused.code == 3
    assert "gemini-omni-1.1" in refused.err.lower() or "Gemini Omni" in refused.err
    assert "$" in refused.err


@pytest.mark.parametrize(
    "args",
    [
        ("generate",),
        ("nonsense",),
        ("generate", "x", "--stage", "banana"),
        ("generate", "x", "--duration", "soon"),
        ("generate", "x", "--takes", "99"),
        ("generate", "x", "--max-usd", "much"),
        ("compare", "x", "--models", "local"),
        ("resolve", "j1"),
        ("resolve", "j1", "--spent", "--not-submitted"),
    ],
)
def test_bad_arguments_exit_2(run: Any, args: tuple[str, ...]) -> None:
    assert run(*args).code == 2


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KLING_BASE_URL", "http://vendor.example", "https is needed"),
        ("GATEWAY_BASE_URL", "ftp://127.0.0.1", "https://"),
        ("OPENAI_BASE_URL", "https://user:pass@vendor.example", "without user name"),
        ("DAILY_USD", "plenty", "DAILY_USD"),
        ("CLIP_USD", "-1", "CLIP_USD"),
        ("DISCORD_GUILD_IDS", "my server", "DISCORD_GUILD_IDS"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
        ("CATALOGUE", "nowhere.toml", "nowhere.toml"),
        ("CATALOGUE", "broken.toml", "broken.toml"),
        ("DATA_DIR", "broken.toml/data", "DATA_DIR"),
    ],
)
def test_a_wrong_setting_is_named(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    value: str,
    words: str,
) -> None:
    (tmp_path / "broken.toml").write_text("[models.kling-v3\nname = 3", encoding="utf-8")
    monkeypatch.setenv(variable, value)
    refused = run("generate", "a boat", *DRAFT)

    assert refused.code == 3
    assert words in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(("content", "words"), [(b"no database" * 999, "damaged"), (b"", "newer")])
def test_a_database_that_cannot_be_used_is_named(
    run: Any, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "data" / "dailies.db"
    path.parent.mkdir()
    path.write_bytes(content)
    if not content:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 999")
        db.close()
    refused = run("generate", "a boat", *DRAFT)

    assert refused.code == 3
    assert words in refused.err


def test_help_teaches_every_command(run: Any) -> None:
    shown = run("--help").out
    for command in (
        *("generate", "compare", "route", "models", "usage", "jobs", "resume", "cancel"),
        *("resolve", "ledger", "doctor", "sync", "run", "demo"),
    ):
        assert command in shown
        assert run(command, "--help").code == 0


def _bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few kilobytes."""
    side = 30_000

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
