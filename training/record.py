"""What the artefact remembers of its making, so that a test can tell whether it is up to date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.learned import grams, named, pairs, pieces
from bot.lexicon import LABELS, lexicon
from bot.reading import read
from training.corpus import corpus_rows, fingerprint, parts

__all__ = ["SEED", "record"]

SEED = 20261123
EVERY = 40  # rows whose features are looked at


def record() -> Mapping[str, Any]:
    """The corpus, the seed, the number of rows, and what features the prompts have today."""
    rows, _ = parts(corpus_rows())
    return {
        "corpus": fingerprint(),
        "features": _features([row.prompt for row in rows[::EVERY]]),
        "labels": list(LABELS),
        "rows": len(rows),
        "seed": SEED,
    }


def _features(prompts: list[str]) -> str:
    """Changes when the code or the cue files read these prompts in another way."""
    digest, book = hashlib.sha256(), lexicon()
    for prompt in prompts:
        reading = read(prompt, book)
        found = pieces(reading.tokens)
        said = [gram for piece in found for gram in grams(piece)]
        digest.update(json.dumps([sorted(named(reading)), said, list(pairs(found))]).encode())
    return digest.hexdigest()[:16]
