"""What a prompt could still say for the chosen family of models: three hints at most, never a gate.

Each hint names what is missing and why. A check that reads words only speaks when the prompt is
English; the others rest on facts that hold in any language (length, picture, category weights).
Which model is chosen, and what the categories weigh, is decided elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bot.texts import Text, join, say

__all__ = ["MAX_HINTS", "advise"]

MAX_HINTS: Final = 3

LONG_TAKE_S: Final = 10  # where the sora family's coherence pays off
SHORT_TAKE_S: Final = 5  # what a first try on the kling family should cost
MATTERS: Final = 0.2  # a category's weight from which its craft is worth a hint
SHORT_PROMPT: Final = 30  # letters, a Han character counting as three: too little in any script


def advise(
    prompt: str,
    *,
    family: str,
    duration_s: int,
    has_image: bool,
    weights: Mapping[str, float],
    has_motion: bool = False,
) -> tuple[str, ...]:
    """Hints for this family ("sora", "kling"), most useful first; none for a family unknown."""
    craft = CRAFT.get(family)
    if craft is None:
        return ()
    words = tuple(WORD.findall(prompt.lower()))
    text = _Prompt(
        length=_length(prompt.strip()),
        words=words,
        vocabulary=frozenset(words),
        english=_is_english(prompt, words),
        duration_s=duration_s,
        has_image=has_image,
        has_motion=has_motion,
        weights=weights,
    )
    return tuple(islice(craft(text), MAX_HINTS))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prompt:
    length: int
    words: tuple[str, ...]
    vocabulary: frozenset[str]
    english: bool
    duration_s: int
    has_image: bool
    has_motion: bool
    weights: Mapping[str, float]

    def weighs(self, *categories: str) -> bool:
        return sum(self.weights.get(category, 0.0) for category in categories) >= MATTERS

    def first(self, vocabulary: frozenset[str]) -> int | None:
        """Where the first of these words stands."""
        return next((at for at, word in enumerate(self.words) if word in vocabulary), None)


def _sora(text: _Prompt) -> Iterator[str]:
    if text.english:
        yield from _product(text)
        yield from _setting_first(text)
    elif text.length < SHORT_PROMPT:
        yield say("tip.short")
    if text.duration_s < LONG_TAKE_S:
        yield say("tip.long_take", least=LONG_TAKE_S, seconds=text.duration_s)
    if text.english:
        yield from _physical(text)
        yield from _camera(text)


def _product(text: _Prompt) -> Iterator[str]:
    at = text.first(PRODUCT)
    if at is None:
        return
    missing = [name for name, words in PRODUCT_CRAFT.items() if not words & text.vocabulary]
    if missing:
        listed = _listed([say(f"tip.{name}") for name in missing])
        yield say("tip.product", product=text.words[at], missing=listed)


def _setting_first(text: _Prompt) -> Iterator[str]:
    setting, light, action = _setting_at(text), text.first(LIGHT), _action_at(text)
    missing = [name for name, at in (("setting", setting), ("light", light)) if at is None]
    if missing:
        named = join(say("off.or"), [say(f"tip.{name}") for name in missing])
        yield say("tip.unnamed", missing=named)
    elif action is not None and action < min(at for at in (setting, light) if at is not None):
        yield say("tip.action_first", action=text.words[action])


def _setting_at(text: _Prompt) -> int | None:
    """A word of place that says where: neither "push in" nor "in slow motion"."""
    words = ("", *text.words, "")
    for at, (before, word, after) in enumerate(zip(words, words[1:], words[2:], strict=False)):
        if word in PLACE and after and before not in CAMERA and after not in NOT_PLACES:
            return at
    return None


def _action_at(text: _Prompt) -> int | None:
    for at, word in enumerate(text.words):
        if word in ACTIONS or (word.endswith("ing") and len(word) > 4 and word not in NOT_ACTIONS):
            return at
    return None


def _physical(text: _Prompt) -> Iterator[str]:
    if text.weighs("fluid_physics", "environment") and not PHYSICAL & text.vocabulary:
        yield say("tip.force")


def _camera(text: _Prompt) -> Iterator[str]:
    if not CAMERA & text.vocabulary and not text.weighs("camera_motion"):
        yield say("tip.camera")
    elif len(moves := [move for move in MOVES if move in text.vocabulary]) > 2:
        yield say("tip.moves", number=len(moves), moves=", ".join(moves))


def _kling(text: _Prompt) -> Iterator[str]:
    if text.english and text.weighs("human_motion") and not BODY & text.vocabulary:
        yield say("tip.body")
    if text.duration_s > SHORT_TAKE_S:
        yield say("tip.short_first", short=SHORT_TAKE_S, seconds=text.duration_s)
    if text.weighs("human_motion", "multi_character") and not text.has_motion:
        yield say("tip.motion")
    if not text.has_image:
        yield say("tip.still")


def _length(prompt: str) -> int:
    if prompt.isascii():
        return len(prompt)
    return sum(3 if unicodedata.east_asian_width(char) in "WF" else 1 for char in prompt)


def _is_english(prompt: str, words: tuple[str, ...]) -> bool:
    """More English than foreign signs; a prompt that gives no sign counts as not English."""
    if not prompt.isascii():
        letters = "".join(filter(str.isalpha, prompt))
        if len(letters.encode("ascii", "ignore")) < 0.97 * len(letters):
            return False
    english = sum(word in ENGLISH or (word.endswith("ing") and len(word) > 4) for word in words)
    return english > sum(word in FOREIGN for word in words)


def _listed(names: list[Text]) -> Text:
    *rest, last = names
    return join(say("off.and"), [join(", ", rest), last]) if rest else last


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

ENGLISH: Final = _set(
    "the of with and into from over through at by her his its their she he they is are an as while"
    " under toward towards onto slowly across behind then who that this shot"
)
FOREIGN: Final = _set(
    "el la los las una un uno con del por para en que se y le les des du une et dans sur avec au"
    " der das die und ein eine einen einem mit im auf von den dem ist il di che della nel per su"
    " gli sul um uma em com na da dos het een van met op ve bir ile bu w z je jest och med ett og"
)

PLACE: Final = _set(
    "in on at inside outside under beneath beside near against outdoors indoors underwater"
    " upon along above"
)
NOT_PLACES: Final = _set("slow focus motion real")
LIGHT: Final = _set(
    "light lights lighting lit backlit sun sunlight sunlit sunny sunset sunrise sunbeam dawn dusk"
    " noon golden-hour golden moonlight moonlit moon lamp lamplight neon candle candlelight"
    " candlelit shadow shadows glow glowing overcast daylight morning afternoon evening night"
    " nighttime spotlight firelight rim-lit twilight lantern softbox"
)
ACTIONS: Final = _set(
    "walks runs jumps pours falls turns spins dances climbs flies drives looks smiles opens tips"
    " spills moves rises drops rolls drifts slides floats swims throws catches leaps crashes"
    " explodes melts flows splashes"
)
NOT_ACTIONS: Final = _set(
    "morning evening building ceiling lighting clothing painting string spring during wedding"
    " dining setting something nothing everything anything tracking panning wing king ring"
)
PHYSICAL: Final = _set(
    "left right upward upwards downward downwards sideways drift drifts drifting wind windy breeze"
    " gust gusts thick thin heavy viscous syrupy splash splashes splashing droplets drops ripple"
    " ripples rippling foam steam current currents gravity weight swirl swirls swirling turbulent"
    " gentle gently falling rising curling"
)
CAMERA: Final = _set(
    "camera push pushes dolly pan pans panning tilt tilts zoom zooms tracking orbit orbits crane"
    " focus shot handheld close-up closeup static locked locked-off pull pulls steadicam drone"
    " aerial truck trucks"
)
MOVES: Final = ("push", "dolly", "pan", "tilt", "zoom", "orbit", "crane", "truck", "whip")
BODY: Final = _set(
    "weight weight-shift lean leans leaning stride strides swing swings swinging hip hips heel"
    " heels knee knees shoulders balance balances momentum posture torso spine footwork"
    " gait ankle ankles wrist wrists elbow elbows asymmetry asymmetric"
)
PRODUCT: Final = _set(
    "product bottle perfume watch sneaker sneakers lipstick cream serum jar packaging handbag"
    " cosmetics beverage whisky whiskey beer soda cocktail jewellery jewelry necklace earrings"
    " smartphone headphones sunglasses flacon"
)
PRODUCT_CRAFT: Final[Mapping[str, frozenset[str]]] = {
    "material": _set(
        "glass metal metallic steel leather plastic wood wooden ceramic gold silver brushed"
        " aluminium aluminum chrome fabric silk rubber paper crystal marble copper brass titanium"
        " velvet canvas"
    ),
    "translucency": _set(
        "translucent translucency transparent clear frosted opaque see-through tinted amber"
        " cloudy milky"
    ),
    "weight": _set(
        "heavy heavily weight weighty solid thick dense sturdy delicate lightweight massive"
    ),
    "light": LIGHT
    | _set(
        "reflection reflections reflects reflective refraction refracts highlight highlights"
        " gleam gleams gleaming sparkle sparkles sparkling caustics glint glints"
    ),
}

CRAFT: Final[Mapping[str, Callable[[_Prompt], Iterator[str]]]] = {"sora": _sora, "kling": _kling}
