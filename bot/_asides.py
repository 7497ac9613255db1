"""What is said to the machine beside the picture: "a corgi in a park, zoom in", "..., anime style".

A sure cue of camera, look or the course of time that has a clause to itself is a demand of its
own, however small a part of the words it is. What else is said is left to `reading.py`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from bot._spotting import Finding
from bot._tokens import Token
from bot.lexicon import Concept

__all__ = ["asides", "short"]

ASIDES: Final = {
    "camera_motion": "alone_camera",
    "style": "alone_style",
    "temporal_coherence": "alone_sequence",
}
SURE: Final = 1.9  # points from which on a single word hardly means anything else
LIKELY: Final = 1.4  # the same where it is not the only word: "pov shot"
ROOM: Final = 1  # words of no meaning to us that may stand with it: "slowly", "shot"
MANY: Final = 6  # clauses from which on each is a detail of a longer tale


def short(tokens: Sequence[Token]) -> bool:
    """Whether a text has the few clauses among which one is an instruction."""
    return 1 < len({token.clause for token in tokens}) < MANY


def asides(
    said: Sequence[Finding],
    tokens: Sequence[Token],
    concepts: Mapping[str, Concept],
    function_words: Container[str],
) -> Iterator[Finding]:
    """A finding for each clause that is such a demand and nothing else."""
    for clause, items in groupby(said, key=lambda item: item.clause):
        cues = list(items)
        demand, points = _demand(cues, concepts)
        if points >= LIKELY:
            words, spare = _words(cues, clause, tokens, function_words)
            if spare <= ROOM and (words > 1 or points >= SURE):
                yield cues[0]._replace(
                    concept=ASIDES[demand], end=cues[-1].end, after=cues[-1].after
                )


def _demand(cues: Sequence[Finding], concepts: Mapping[str, Concept]) -> tuple[str, float]:
    """What all cues of a clause speak for, and the points of the surest."""
    found, most = "", 0.0
    for item in cues:
        scores = concepts[item.concept].scores
        if item.denied or item.force < 1 or not scores:
            return "", 0.0
        label = max(scores, key=lambda name: scores[name])
        if label not in ASIDES or (found and label != found):
            return "", 0.0
        found, most = label, max(most, scores[label])
    return found, most


def _words(
    cues: Sequence[Finding], clause: int, tokens: Sequence[Token], function_words: Container[str]
) -> tuple[int, int]:
    """How many words the clause has beside function words, and how many are no cue."""
    cued = {i for item in cues for i in range(item.first, item.after)}
    first, after = cues[0].first, cues[-1].after
    while first and tokens[first - 1].clause == clause:
        first -= 1
    while after < len(tokens) and tokens[after].clause == clause:
        after += 1
    rest = [i for i in range(first, after) if i not in cued]
    spare = sum(tokens[i].norm not in function_words for i in rest)
    return len(cued) + spare, spare
