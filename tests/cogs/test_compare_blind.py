"""A voter on Discord cannot tell the models apart but by picture and sound.

Two makers whose files differ in everything: size, shape, rate, codec, length, loudness, comments,
and the time they take. All that Discord gives a voter is turned into numbers, and a nearest
neighbour and a logistic regression try to learn whose clip is A.
"""

from __future__ import annotations

import random
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from bot.config import Settings
from tests.bot.media_samples import make_clip
from tests.bot.test_blindness import (
    boxes,
    logistic,
    nearest_neighbour,
    numbers,
    scaled,
    told,
    traces,
)
from tests.cogs.conftest import PATIENCE_S, Start, press, until
from tests.cogs.steps import from_channel, words_to
from tests.cogs.versus import Makers, agreed, ballot, letters_of, rule, voted
from tests.standin.discord import Channel, Discord, Message

ROUNDS = 36
AT_ONCE = 9
FIVE_SIGMA = 3.29  # one false alarm in two thousand runs
Features = list[float]


def clip_of(model: str, number: int, folder: Path) -> bytes:
    """Each with its maker's habits, and never twice the same."""
    dice = random.Random(f"{model} {number}")
    colour, more = f"#{dice.randrange(1 << 24):06x}", dice.choice((0.0, 0.1))
    path = folder / f"{model}-{number}.mp4"
    if model == "sora-2":
        make_clip(path, seconds=0.5 + more, fps=30, colour=colour, size=(160, 90), audio="aac",
                  level=0.02, metadata={"comment": "made by sora"})  # fmt: skip
    else:
        make_clip(path, seconds=0.8 + more, fps=24, colour=colour, size=(128, 128), level=0.5,
                  codec="libx265", noise=True, faststart=False, audio="aac")  # fmt: skip
    return path.read_bytes()


def of_file(content: bytes, room: Path) -> Features:
    """What a file tells without its pictures and samples."""
    path = room / "seen.mp4"
    path.write_bytes(content)
    whole = list(boxes(content))
    return [*numbers(path), float(len(whole)), told(whole), told(traces(content))]


def same_words(text: str) -> str:
    """Without what is new in every post: ids, and the moment it ends."""
    return re.sub(r"\b01[0-9a-z]{14}\b|<t:\d+:\w>|\d{15,}", "-", text)


def of_post(server: Discord, card: Message, vote: Message, private: Message) -> Features:
    """The post, its card's every state, and what the voter alone was told."""
    shown: dict[str, Any] = server.world.payloads.message(vote)
    files: list[dict[str, Any]] = shown.pop("attachments")
    ids = [int(file["id"]) for file in files]
    started, posted = card.created_at.timestamp(), vote.created_at.timestamp()
    edits = [edit.at for edit in card.edits]
    plain = [
        {key: file[key] for key in file if key not in ("id", "url", "proxy_url", "size")}
        for file in files
    ]
    return [
        told(same_words(str(shown))),
        told(plain),
        *[float(file["size"]) for file in files],
        *[float(after - before) for before, after in pairwise(ids)],
        float(vote.id & 0xFFF),
        posted - started,
        float(len(edits)),
        *[at - started for at in (edits + edits[-1:] * 4)[:4]],
        told([same_words(edit.text) for edit in card.edits]),
        told(same_words(private.text)),
        float(len(vote.text)),
    ]


@pytest.mark.campaign
@pytest.mark.timeout(600)
async def test_all_that_discord_gives_a_voter_does_not_name_a(
    server: Discord, bot: Start, settings: Settings, tmp_path: Path
) -> None:
    """The same classifiers name A from the originals: they can learn, but nothing is to be."""
    await rule(settings, server, quorum=50)
    ann, seen, own, answers = server.user("ann"), [], [], []
    async with Makers(
        make=lambda model, number: clip_of(model, number, tmp_path), slow={"sora-2-pro": 1}
    ) as vendor:
        changes: dict[str, Any] = {
            "gateway_api_key": SecretStr(vendor.key),
            "gateway_base_url": vendor.base_url,
            "discord_allowed_guilds": frozenset({server.home().id}),
            "daily_usd": Decimal(500),
            "clip_usd": Decimal(5),
        }
        async with bot(**changes):
            for _ in range(ROUNDS // AT_ONCE):
                rooms = [server.channel("take") for _ in range(AT_ONCE)]
                cards = [await agreed(server, ann, room) for room in rooms]
                for card, room in zip(cards, rooms, strict=True):
                    vote = await ballot(server, room)
                    private = await voted(server, ann, vote, "A")
                    await until(server, lambda card=card: "Vote here" in card.text)
                    comparison_id = vote.custom_id("A").split(":")[1]
                    letters = await letters_of(settings, server, comparison_id)
                    originals = [
                        (settings.data_dir / "clips" / f"{one.job_id}.mp4").read_bytes()
                        for one in letters
                    ]
                    post = of_post(server, card, vote, private)
                    files = [of_file(file.data, tmp_path) for file in vote.attachments]
                    seen.append(post + _compared(files))
                    own.append(post + _compared([of_file(one, tmp_path) for one in originals]))
                    answers.append(float(letters[0].model == "sora-2"))
                    assert [file.filename for file in vote.attachments][:2] == ["A.mp4", "B.mp4"]

    labels, groups = np.array(answers), np.arange(ROUNDS)
    by_all = 0.5 + FIVE_SIGMA * 0.5 / np.sqrt(ROUNDS)
    by_half = 0.5 + FIVE_SIGMA * 0.5 / np.sqrt(ROUNDS / 2)
    assert nearest_neighbour(scaled(seen), labels, groups) <= by_all
    assert logistic(scaled(seen), labels, groups) <= by_half
    assert nearest_neighbour(scaled(own), labels, groups) > by_all
    assert logistic(scaled(own), labels, groups) > by_half


def _compared(files: list[Features]) -> Features:
    """All files, and what A has more than B."""
    first, second, *_ = files
    more = [a - b for a, b in zip(first, second, strict=True)]
    return [value for file in files for value in file] + more


async def test_no_way_round_leads_to_a_clip_before_the_vote_has_ended(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any], settings: Settings
) -> None:
    """Buttons forged with a job's id, its lists, and the menu on the clips themselves."""
    ann, cyd = server.user("ann"), server.manager("cyd")
    async with bot(**paying):
        await agreed(server, ann, shots)
        vote = await ballot(server, shots)
        letters = await letters_of(settings, server, vote.custom_id("A").split(":")[1])
        refused = [
            await words_to(server, await from_channel(server, who, shots, f"{kind}:{one.job_id}"))
            for one in letters
            for kind in ("goon", "original")
            for who in (ann, cyd)
        ]
        listed = await (await server.slash(ann, shots, "jobs")).answered(PATIENCE_S)
        menu = await server.context_menu(ann, shots, "Compare on other models", vote)
        menu_words = await words_to(server, menu)
        early = await words_to(server, await press(server, ann, vote, "End the vote"))
        clips = [one for one in server.messages(shots) if one.attachments]

    assert all("voted on blind" in words for words in refused), refused
    assert clips == [vote]
    assert "channels/" not in listed.text
    assert "Where is the clip" in menu_words
    assert "0 of 3 people have voted" in early
