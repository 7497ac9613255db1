"""What a voter receives names nobody: only picture and sound are left to judge by.

Two "models" whose own files could not be told apart more easily: another size, rate, codec, length,
loudness and comment. Everything of a presentation but the pictures and the samples is turned into
numbers, and a nearest neighbour and a logistic regression try to learn whose clip is whose.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from bot._media_blind import loudness
from bot._media_plan import canvases_for, rate_for
from bot.comparing import Presentation
from bot.media import Media
from tests.bot.compared import Clock, RecordingFace, agreed, arrive, keyed
from tests.bot.media_samples import make_clip

ROUNDS = 12
NESTED = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf")
OF_THE_PICTURE = (b"stsz", b"stco")  # how many bytes each picture takes, and so where each lies
Features = list[float]


@pytest.fixture
async def media(tmp_path: Path) -> Media:
    return Media(httpx.AsyncClient(), tmp_path, loopback_ok=lambda _: False)


def clip_of(model: str, folder: Path, number: int) -> bytes:
    """Each with its maker's habits, and never twice the same."""
    dice = random.Random(number)
    colour = f"#{dice.randrange(1 << 24):06x}"
    seconds = dice.choice((0.5, 0.6))
    path = folder / f"{model}-{number}.mp4"
    if model == "sora-2":
        make_clip(path, seconds=seconds, fps=30, colour=colour, size=(160, 90), audio="aac",
                  metadata={"comment": "made by sora"})  # fmt: skip
    else:
        make_clip(path, seconds=seconds + 0.25, fps=24, colour=colour, size=(128, 128),
                  codec="libx265", noise=True, faststart=False, audio="aac")  # fmt: skip
    return path.read_bytes()


def boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Every box's kind with its bytes, without the pictures and the tables of their sizes."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + length]
        hidden = kind in (b"mdat", *OF_THE_PICTURE, *NESTED)
        yield kind, len(body).to_bytes(8, "big") + (b"" if hidden else body)
        if kind in NESTED:
            yield from boxes(data, at + 8, at + length)
        at += length


def traces(data: bytes) -> bytes:
    """What the encoder says of itself in front of the first picture."""
    start = data.find(b"x264 - core")
    return data[start : data.find(b"\0", start)] if start >= 0 else b""


def numbers(path: Path) -> Features:
    """What a player's own inspector tells."""
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        sound = clip.streams.audio[0] if clip.streams.audio else None
        return [
            float(clip.size),
            float(clip.duration or 0),
            float(len(clip.streams)),
            float(len(clip.metadata)),
            float(video.average_rate or 0),
            float(video.frames),
            float(video.width),
            float(video.height),
            float(video.time_base or 0),
            float(video.codec_context.has_b_frames),
            float(sound.frames if sound else -1),
            float(sum(packet.is_keyframe for packet in clip.demux(video))),
        ]


def told(value: object) -> float:
    return float(int(hashlib.sha256(repr(value).encode()).hexdigest()[:8], 16)) / (1 << 32)


def features(shown: Presentation, at: int) -> Features:
    """All of one clip of a post but its place: its file, and the post's own words.

    Its names follow from its place alone, and the order of places is judged by itself, over a
    thousand seeds.
    """
    clip = shown.clips[at]
    data = clip.path.read_bytes()
    whole = list(boxes(data))
    return [
        *numbers(clip.path),
        float(len(whole)),
        told(whole),
        told(traces(data)),
        told(
            [name.replace("AB"[at], "?") for name in (clip.label, clip.file_name, clip.path.name)]
        ),
        told((shown.note, shown.missing, shown.quorum, shown.questions, shown.status_message_id)),
        told(shown.clips[at].letter == "AB"[at]),
    ]


def own_features(content: bytes, path: Path) -> Features:
    path.write_bytes(content)
    whole = list(boxes(content))
    return [*numbers(path), float(len(whole)), told(whole), told(traces(content))]


def scaled(rows: list[Features]) -> np.ndarray:
    table = np.array(rows)
    spread = table.std(axis=0)
    return (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def nearest_neighbour(table: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """Right answers, each from all other comparisons; a draw between both is half right."""
    right = 0.0
    for row in range(len(table)):
        others = groups != groups[row]
        away = np.abs(table[others] - table[row]).sum(axis=1)
        near = labels[others][np.isclose(away, away.min())]
        share = (near == labels[row]).mean()
        right += 0.5 if share == 0.5 else float(share > 0.5)
    return right / len(table)


def logistic(table: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """The same by a fitted line: half of the comparisons to learn from, half to be judged."""
    learn = groups < groups.max() / 2
    inputs = np.column_stack([table, np.ones(len(table))])
    weights = np.zeros(inputs.shape[1])
    for _ in range(400):
        guess = 1 / (1 + np.exp(-np.clip(inputs[learn] @ weights, -30, 30)))
        slope = inputs[learn].T @ (guess - labels[learn]) / learn.sum() + 0.01 * weights
        weights -= 0.5 * slope
    score = inputs[~learn] @ weights
    right = np.where(np.isclose(score, 0), 0.5, (score > 0) == labels[~learn])
    return float(right.mean())


async def test_nothing_but_picture_and_sound_names_the_model(tmp_path: Path) -> None:
    """The same classifiers name every original: they can learn, but there is nothing to learn."""
    posts: list[Features] = []
    originals: list[Features] = []
    labels: list[float] = []
    groups: list[int] = []
    face = RecordingFace()
    async with keyed(tmp_path / "data", Clock()) as app:
        app.comparing.attach(face)
        for number in range(ROUNDS):
            behind: dict[str, str] = {}
            for job in await agreed(app, 2):  # Sora is always asked, ready and paid first
                content = clip_of(job.model, tmp_path, number)
                behind[job.id] = job.model
                await arrive(app, job, content)
                await app.comparing.sweep()
                originals.append(own_features(content, tmp_path / "own.mp4"))
            shown = face.shown[-1]
            letters = (await app.store.comparisons.get("1", shown.id)).letters
            for at, letter in enumerate(letters):
                posts.append(features(shown, at))
                labels.append(float(letter.model == "sora-2"))
                groups.append(number)
            assert [behind[one.job_id] for one in letters] == [one.model for one in letters]
    answers, rounds = np.array(labels), np.array(groups)
    first = np.array([1.0, 0.0] * ROUNDS)

    chance = 0.5 + 2.58 * 0.5 / np.sqrt(len(answers))
    assert nearest_neighbour(scaled(posts), answers, rounds) <= chance
    assert logistic(scaled(posts), answers, rounds) <= chance
    assert nearest_neighbour(scaled(originals), first, rounds) == 1.0
    assert logistic(scaled(originals), first, rounds) == 1.0


async def test_the_files_of_a_post_are_equal_byte_for_byte_around_their_pictures(
    media: Media, tmp_path: Path
) -> None:
    sources = [tmp_path / "x.mp4", tmp_path / "y.mp4", tmp_path / "z.mp4"]
    for number, (path, model) in enumerate(zip(sources, ("sora-2", "b", "b"), strict=True)):
        path.write_bytes(clip_of(model, tmp_path, number))
    targets = [tmp_path / f"{letter}.mp4" for letter in "ABC"]
    made = await media.blind_copies(sources, targets, limit_bytes=1 << 20)
    files = [path.read_bytes() for path in made.paths]

    assert {len(data) for data in files} == {made.size_bytes}
    assert len({tuple(boxes(data)) for data in files}) == 1
    assert len({traces(data) for data in files}) == 1
    assert traces(files[0])
    assert b"made by sora" in sources[0].read_bytes()
    assert not any(b"sora" in data for data in files)


async def test_copies_last_as_long_as_the_shortest_and_play_to_their_end(
    media: Media, tmp_path: Path
) -> None:
    sources = [
        make_clip(tmp_path / "x.mp4", seconds=1.0, fps=30, size=(320, 180)),
        make_clip(tmp_path / "y.mp4", seconds=2.0, fps=24, size=(180, 320), colour="lime"),
    ]
    made = await media.blind_copies(
        sources, [tmp_path / "A.mp4", tmp_path / "B.mp4"], limit_bytes=1 << 20
    )
    infos = [await media.examine(path) for path in made.paths]

    assert {(info.duration_s, info.frames, info.fps) for info in infos} == {(1.0, 60, 60.0)}
    assert {(info.width, info.height) for info in infos} == {made.shape}
    assert not made.muted


def loudness_of(path: Path) -> float:
    heard = loudness(str(path))
    return -99.0 if heard is None else heard[0]


async def test_copies_are_as_loud_as_each_other(media: Media, tmp_path: Path) -> None:
    sources = [
        make_clip(tmp_path / "x.mp4", seconds=2, audio="aac", level=0.02),
        make_clip(tmp_path / "y.mp4", seconds=2, audio="aac", level=0.5),
    ]
    before = [loudness_of(path) for path in sources]
    made = await media.blind_copies(
        sources, [tmp_path / "A.mp4", tmp_path / "B.mp4"], limit_bytes=1 << 20
    )
    after = [loudness_of(path) for path in made.paths]

    assert abs(before[0] - before[1]) > 20
    assert after[0] == pytest.approx(after[1], abs=0.5)
    assert after[0] == pytest.approx(-18, abs=1)
    assert not made.muted


@pytest.mark.parametrize("silent", [{"audio": None}, {"audio": "aac", "level": 0.0001}])
async def test_where_one_is_silent_all_are(
    media: Media, tmp_path: Path, silent: dict[str, object]
) -> None:
    sources = [
        make_clip(tmp_path / "x.mp4", audio="aac"),
        make_clip(tmp_path / "y.mp4", **silent),  # type: ignore[arg-type]
    ]
    made = await media.blind_copies(
        sources, [tmp_path / "A.mp4", tmp_path / "B.mp4"], limit_bytes=1 << 20
    )

    assert made.muted
    assert [loudness_of(path) for path in made.paths] == [-99.0, -99.0]
    assert {info.audio_codec for info in await media.probe(*made.paths)} == {"aac"}


async def test_what_does_not_fit_is_made_smaller_for_all(media: Media, tmp_path: Path) -> None:
    sources = [
        make_clip(tmp_path / "x.mp4", seconds=2, noise=True),
        make_clip(tmp_path / "y.mp4", seconds=2),
    ]
    made = await media.blind_copies(
        sources, [tmp_path / "A.mp4", tmp_path / "B.mp4"], limit_bytes=200_000
    )

    assert made.size_bytes <= 200_000
    assert {path.stat().st_size for path in made.paths} == {made.size_bytes}


@pytest.mark.parametrize(
    ("rates", "rate"), [((24, 24), 24), ((23.976, 24), 24), ((24, 30), 60), ((16, 24), 60)]
)
def test_rates_that_differ_meet_where_no_picture_is_lost(
    rates: tuple[float, ...], rate: int
) -> None:
    assert rate_for(rates) == rate


def test_the_canvas_is_as_large_as_the_largest() -> None:
    assert canvases_for([(640, 360), (1280, 720), (720, 720)])[0] == (1280, 720)
