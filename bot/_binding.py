"""Who does what in a prompt: binds deeds to their doers, tells one character from several, and
what happens from the place it happens in.

It only changes how much of a finding counts; what is named and denied comes from `reading.py`.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bot._spotting import Finding
from bot._tokens import CLAUSES, Token
from bot.lexicon import Concept

__all__ = ["HUMAN", "bind"]

HUMAN: Final = frozenset(("person", "pronoun", "group", "pair"))
ACTORS: Final = HUMAN | {"animal", "machine"}
COUNTABLE: Final = frozenset(("person", "group", "animal"))
TOGETHER: Final = frozenset(("group", "pair", "mutual"))
BEHIND: Final = frozenset(("place", "weather", "matter"))
ON_THE_MOVE: Final = ACTORS | {"camera", "place"}
GLIDING: Final = frozenset(("animal", "machine", "place"))
FACE: Final = "facial_expression"
BEFORE_A_PLACE: Final = ("human_motion", FACE, "camera_motion", "style")
SEVERAL: Final = "several"
STORY: Final = 3  # different words like "then" that make a sequence
COUNTED: Final = 3  # words from a number to what it counts
SIDE_BY_SIDE: Final = 2  # words between two people: "a boy and a girl"
SAME_STEM: Final = 4  # letters: words that begin alike are forms of one word

# How much counts of ...
BY_ANYTHING_ELSE: Final = 0.15  # a deed no human does
BY_NOBODY_NAMED: Final = 0.8  # a deed without a doer
WITH_AN_ANIMAL: Final = 0.6  # a deed after a human and an animal
ON_AN_ANIMAL: Final = 0.4  # a face where no human is
ALONE: Final = 0.4  # what takes two, where one is named
PERHAPS: Final = 0.5  # a second person who may be the first again
BACKDROP: Final = 0.4  # a place or the weather behind what happens
CROWDED: Final = 0.25  # how much less each further part of a view counts
FOREGROUND: Final = 1.2  # points from which on something happens


def bind(
    named: Sequence[Finding], tokens: Sequence[Token], concepts: Mapping[str, Concept]
) -> Iterator[Finding]:
    """The findings with the force they have in this scene, and who else is in it."""
    scene = _Scene(named, tokens, concepts)
    bound = [scene.acted(item) for item in named]
    bound += scene.several
    busy = any(_happens(item, concepts[item.concept]) for item in bound)
    parts = list[str]()  # of the view
    for item in bound:
        role = concepts[item.concept].role
        if item.denied or role not in BEHIND:
            yield item
            continue
        force = item.force * (BACKDROP if busy else 1.0)
        if role == "place":  # one demand, however many parts of a view are named
            if item.concept not in parts:
                parts.append(item.concept)
            force /= 1 + parts.index(item.concept) * (1.0 if busy else CROWDED)
        yield item._replace(force=force)


def _happens(item: Finding, concept: Concept) -> bool:
    """Whether this is what the clip shows, rather than where it is or who is there."""
    if item.denied or concept.role in BEHIND:
        return False
    if concept.role == "deed" and item.force >= 1.0:
        return True
    points = max(concept.scores.get(category, 0.0) for category in BEFORE_A_PLACE)
    return points * item.force >= FOREGROUND


class _Scene:
    """The actors of a text and what they do to each other."""

    def __init__(
        self, named: Sequence[Finding], tokens: Sequence[Token], concepts: Mapping[str, Concept]
    ) -> None:
        self.concepts = concepts
        stated = [item for item in named if not item.denied]
        self.actors = sorted(
            (item.first, item.clause, role)
            for item in stated
            if (role := concepts[item.concept].role) in ON_THE_MOVE
        )
        self.acting = self._acting()
        self.roles = {concepts[item.concept].role for item in stated}
        self.anyone = not HUMAN.isdisjoint(self.roles)
        self.other = not ACTORS.isdisjoint(self.roles - HUMAN)
        self.several = _several(stated, tokens, concepts)
        steps = {tokens[i.first].norm for i in stated if concepts[i.concept].role == "step"}
        self.story = len(steps) >= STORY
        people = [item for item in stated if concepts[item.concept].role in ("person", "pronoun")]
        self.alone = bool(people) and not self.several and self.roles.isdisjoint(TOGETHER)

    def acted(self, item: Finding) -> Finding:
        """The finding, weaker when it is not a human who does it."""
        concept = self.concepts[item.concept]
        if item.denied:
            return item
        if concept.role == "deed":
            return item._replace(force=item.force * self._humanity(item))
        if concept.role == "dealing" and self.alone:
            return item._replace(force=item.force * ALONE)
        if concept.role == "glide":
            return item._replace(force=item.force * self._filmed(item))
        if concept.role == "step" and not self.story:
            return item._replace(force=0.0)
        if FACE in concept.scores and not concept.role and self.other and not self.anyone:
            return item._replace(force=item.force * ON_AN_ANIMAL)
        return item

    def _filmed(self, move: Finding) -> float:
        """Whether it is the camera that glides or rises, not what is named right before it."""
        before = self.actors[: bisect(self.actors, (move.first,))]
        _, clause, role = before[-1] if before else (0, -1, "")
        return BY_ANYTHING_ELSE if clause == move.clause and role in GLIDING else 1.0

    def _humanity(self, deed: Finding) -> float:
        """How human the doer is: the nearest one named before the deed, else right after it."""
        acting = self.acting.get(deed.sentence)
        if not acting:
            return 1.0 if self.anyone else BY_ANYTHING_ELSE if self.other else BY_NOBODY_NAMED
        k = bisect(acting, (deed.first,))
        _, role, human = acting[k - 1] if k else (*acting[0][:2], False)
        if role in HUMAN:
            return 1.0
        if not human:
            return BY_ANYTHING_ELSE
        # "a woman by her car stretches", "a man on a horse jumps"
        return 1.0 if role == "machine" else WITH_AN_ANIMAL

    def _acting(self) -> dict[int, list[tuple[int, str, bool]]]:
        """The actors of each sentence in order, and whether a human is among them so far."""
        found = dict[int, list[tuple[int, str, bool]]]()
        for first, clause, role in self.actors:
            if role in ACTORS:
                others = found.setdefault(clause // CLAUSES, [])
                human = role in HUMAN or bool(others and others[-1][2])
                others.append((first, role, human))
        return found


def _several(
    stated: Iterable[Finding], tokens: Sequence[Token], concepts: Mapping[str, Concept]
) -> list[Finding]:
    """Two people named apart, or a number of anything that acts, are several characters."""
    stated = list(stated)
    people, count = list[Finding](), None
    for item in stated:
        role = concepts[item.concept].role
        if role == "count":
            count = item
        elif count and role in COUNTABLE and _counts(count, item):
            return [item._replace(concept=SEVERAL, force=PERHAPS if role == "animal" else 1.0)]
        if role in ("person", "pronoun"):
            people.append(item)
    second = next((p for p in people if _apart(people[0], p, tokens, concepts)), None)
    if second is None:
        return []
    doings = [item.first for item in stated if _doing(concepts[item.concept])]
    each = any(people[0].first < i < second.first for i in doings) and doings[-1] > second.first
    apart = {item.concept for item in people if _apart(people[0], item, tokens, concepts)}
    sure = each or len(apart) > 1 or second.first - people[0].after <= SIDE_BY_SIDE
    return [second._replace(concept=SEVERAL, force=1.0 if sure else PERHAPS)]


def _counts(count: Finding, item: Finding) -> bool:
    return count.clause == item.clause and 0 < item.first - count.first <= COUNTED


def _apart(
    one: Finding, other: Finding, tokens: Sequence[Token], concepts: Mapping[str, Concept]
) -> bool:
    """Whether two words can hardly name the same person."""
    pronouns = [concepts[item.concept].role == "pronoun" for item in (one, other)]
    if any(pronouns):
        return all(pronouns) and one.concept != other.concept
    words = ["".join(t.norm for t in tokens[x.first : x.after]) for x in (one, other)]
    return words[0][:SAME_STEM] != words[1][:SAME_STEM]


def _doing(concept: Concept) -> bool:
    return concept.role == "deed" or (not concept.role and FACE in concept.scores)
