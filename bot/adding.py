"""A model nobody wrote a row for: its host's own schema -> what it can do, and which field says it.

Pure. Everything that was understood, assumed or left alone is listed for the operator to see. What
cannot be known from a schema (a length without a field, above all a price) is asked for, never
guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot._adding_fields import (
    AUTOMATIC,
    FIELD_NAMES,
    REWRITES,
    aspect_of,
    enum_of,
    pixels_of,
    plain_name,
    resolution_of,
    seconds_of,
    switch_of,
    words_of,
)
from bot.brief import MAX_PROMPT_CHARS
from bot.errors import Refused
from bot.models import RESOLUTIONS, Audio, Extra, Limit
from bot.tables import did_you_mean
from providers.base import Described, MediaRole

__all__ = ["NOTHING_SAID", "Line", "Reading", "Said", "listed", "read_schema"]

Schema = Mapping[str, Any]
Fits = Callable[[str, Schema], object]  # (name, schema) -> whether that field is meant

SHAPED: Final = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")  # what a first frame may be
_STILLS: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.REFERENCE)
_MOST_REFERENCES: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What the operator says of a model where its schema is silent, or in its place."""

    durations_s: tuple[int, ...] = ()
    aspects: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    audio: Audio | None = None
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])  # field -> its value in JSON


NOTHING_SAID: Final = Said()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the mapping as it is shown; `field` is "" where the model has none."""

    what: str
    field: str
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a schema came to: capabilities, and the route options that say how to ask for them."""

    lines: tuple[Line, ...]
    left: tuple[Line, ...]  # fields nobody here fills: the vendor's default stands
    options: Mapping[str, str]
    durations_s: tuple[int, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...]
    audio: Audio
    inputs: tuple[MediaRole, ...]
    requires: tuple[MediaRole, ...]
    limits: tuple[Limit, ...]
    extras: tuple[Extra, ...]
    aspect_from: tuple[MediaRole, ...]
    max_references: int | None
    max_prompt_chars: int | None


def read_schema(model: Described, said: Said = NOTHING_SAID) -> Reading:
    """Raises `Refused` for a model that cannot be asked for by a prompt, or not without more."""
    form = _Form(model, said)
    form.fix()
    prompt = form.take(
        "prompt", lambda _, schema: schema.get("type") == "string" and not enum_of(schema)
    )
    if prompt is None:
        raise Refused(f"{model.name} has no field for a prompt: it cannot be added this way.")
    form.say("prompt", prompt, "as typed")
    inputs = tuple(role for role in _STILLS if form.still(role))
    durations_s = _durations(form)
    aspects, resolutions = _shapes(form, inputs)
    audio, extras = _audio(form), tuple(_extras(form))
    form.check_required()
    requires = tuple(role for role in inputs if form.options[f"field.{role}"] in model.required)
    first = MediaRole.FIRST_FRAME
    follows = first in inputs and (form.own_aspect is not None or form.automatic)
    return Reading(
        lines=tuple(form.lines),
        left=tuple(form.left()),
        options=form.options,
        durations_s=durations_s,
        aspects=aspects,
        resolutions=resolutions,
        audio=audio,
        inputs=inputs,
        requires=requires,
        limits=tuple(_limits(form, inputs, requires)),
        extras=extras,
        aspect_from=(first,) if follows else (),
        max_references=form.most_references,
        max_prompt_chars=_longest(model.fields[prompt]),
    )


class _Form:
    """A model's fields while they are being read: each is taken once."""

    def __init__(self, model: Described, said: Said) -> None:
        self.model = model
        self.said = said
        self.options: dict[str, str] = dict(model.options)
        self.lines: list[Line] = []
        self.automatic = False  # the ratio may be left to a first frame
        self.own_aspect: str | None = None  # the one ratio of a model that has no field for it
        self.most_references: int | None = None
        self._free = dict(model.fields)

    def fix(self) -> None:
        """Fields with one value for good: what the operator set, and no rewriting of prompts."""
        for name, value in self.said.fixed.items():
            if name not in self._free:
                hint = did_you_mean(name, self._free)
                raise Refused(f"{self.model.name} has no field {name!r}{hint}")
            self._fix(name, value, "as you set it")
        for name, schema in list(self._free.items()):
            if plain_name(name) in REWRITES and schema.get("type") == "boolean":
                self._fix(name, "false", "the prompt is sent as typed")

    def take(self, what: str, fits: Fits) -> str | None:
        """The field for this, by its names in order, if its schema is right for it."""
        for wanted in FIELD_NAMES[what]:
            for name, schema in self._free.items():
                if plain_name(name) == wanted and fits(name, schema):
                    del self._free[name]
                    self.options[f"field.{what}"] = name
                    return name
        return None

    def schema(self, name: str) -> Schema:
        return self.model.fields[name]

    def say(self, what: str, name: str | None, says: str) -> None:
        self.lines.append(Line(what=what, field=name or "", says=says))

    def still(self, role: MediaRole) -> bool:
        """Whether there is a field for this kind of still: an address, or a list of them."""
        fits = _takes_stills if role is MediaRole.REFERENCE else _takes_still
        name = self.take(role, fits)
        words = role.value.replace("_", " ")
        if name is None:
            self.say(words, None, "not taken")
            return False
        schema = self.schema(name)
        most = 1
        if schema.get("type") == "array":
            self.options[f"type.{role}"] = "list"
            most = schema.get("maxItems") or _MOST_REFERENCES
        if role is MediaRole.REFERENCE:
            self.most_references = most
            words += f", up to {most}"
        self.say(words, name, "required" if name in self.model.required else "may be attached")
        return True

    def check_required(self) -> None:
        """A field that must be filled and that nothing fills stops here, not at the vendor."""
        for name in self.model.required:
            if name in self._free and "default" not in self._free[name]:
                raise Refused(
                    f"{self.model.name} demands {name!r}, which means nothing here: give it a "
                    f"fixed value with --set {name}=VALUE, or write the row by hand."
                )

    def left(self) -> Iterator[Line]:
        for name, schema in self._free.items():
            default = schema.get("default")
            says = "left out" if default is None else f"stays at the vendor's default, {default!r}"
            yield Line(what=str(schema.get("type", "")), field=name, says=says)

    def _fix(self, name: str, value: str, why: str) -> None:
        del self._free[name]
        self.options[f"fixed.{name}"] = value
        self.say("fixed", name, f"{value} ({why})")


def _takes_still(_: str, schema: Schema) -> bool:
    return schema.get("type") == "string" and not enum_of(schema)


def _takes_stills(name: str, schema: Schema) -> bool:
    """A list of addresses; a single one only where its name says that it is no frame."""
    if schema.get("type") == "array":
        return "items" in schema and not enum_of(schema)
    return _takes_still(name, schema) and plain_name(name).startswith(("reference", "subject"))


def _durations(form: _Form) -> tuple[int, ...]:
    name = form.take("duration", lambda _, schema: bool(_lengths(schema)))
    asked = form.said.durations_s
    if name is None:
        if not asked:
            raise Refused(
                f"{form.model.name} has no field for its length. Say how long its clips are, in "
                "seconds: --seconds 5"
            )
        form.say("duration", None, f"always {listed(asked)} s, as you say")
        return asked
    lengths = _lengths(form.schema(name))
    if strange := [second for second in asked if second not in lengths]:
        raise Refused(f"{form.model.name} is not made {listed(strange)} s long: {listed(lengths)}")
    text, suffix = lengths[next(iter(lengths))]
    form.options["type.duration"] = "string" if text else "integer"
    if suffix:
        form.options["suffix.duration"] = suffix
    able = tuple(sorted(asked or lengths))
    ways = [f"{second}{way[1]}" for second, way in lengths.items()]
    unused = _unused(enum_of(form.schema(name)), ways)
    form.say("duration", name, f"{listed(able)} s" + (", as text" if text else "") + unused)
    return able


def _lengths(schema: Schema) -> dict[int, tuple[bool, str]]:
    """Seconds -> (is text, suffix), of one way of writing: the first value's."""
    default = schema.get("default")
    values = enum_of(schema) or list(_range(schema)) or ([] if default is None else [default])
    found = [(seconds_of(value), isinstance(value, str)) for value in values]
    lengths = [(pair, text) for pair, text in found if pair]
    return {
        pair[0]: (text, pair[1])
        for pair, text in lengths
        if (text, pair[1]) == (lengths[0][1], lengths[0][0][1])
    }


def _range(schema: Schema) -> Iterator[int]:
    low, high = schema.get("minimum", 1), schema.get("maximum")
    step = schema.get("multipleOf", 1)
    numbers = (int, float)
    if schema.get("type") not in ("integer", "number") or not isinstance(high, numbers):
        return
    whole = isinstance(low, numbers) and isinstance(step, numbers) and step >= 1
    if whole and high <= 60:
        yield from range(max(1, int(low)), int(high) + 1, int(step))


def _shapes(form: _Form, inputs: Collection[MediaRole]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ratios and resolutions: of one field in pixels, or of one each, or assumed."""
    if name := form.take("size", lambda _, schema: any(map(pixels_of, words_of(schema)))):
        return _pixel_sizes(form, name)
    return _aspects(form, inputs), _resolutions(form)


def _pixel_sizes(form: _Form, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every resolution in every ratio, or it is not offered: a pair must not fail at the vendor."""
    words = {pair: v for v in words_of(form.schema(name)) if (pair := pixels_of(v))}
    by_size: dict[str, set[str]] = {}
    for resolution, aspect in words:
        by_size.setdefault(resolution, set()).add(aspect)
    wanted = [size for size in by_size if size in form.said.resolutions] or list(by_size)
    aspects = set[str].intersection(*(by_size[size] for size in wanted))
    if not aspects:
        wanted = [max(wanted, key=lambda size: len(by_size[size]))]
        aspects = by_size[wanted[0]]
    for size in wanted:
        form.options |= {f"size.{size}.{aspect}": words[size, aspect] for aspect in aspects}
    able = tuple(aspect for _, aspect in words if aspect in aspects)
    sizes = tuple(size for size in RESOLUTIONS if size in wanted)
    form.say("ratio and size", name, f"{listed(dict.fromkeys(able))} at {listed(sizes)}")
    return tuple(dict.fromkeys(able)), sizes


def _aspects(form: _Form, inputs: Collection[MediaRole]) -> tuple[str, ...]:
    name = form.take("aspect", lambda _, schema: any(map(aspect_of, words_of(schema))))
    asked = form.said.aspects
    if name is None:
        form.own_aspect = (*asked, "16:9")[0]
        assumed = _assumed(asked[:1], "16:9")
        if MediaRole.FIRST_FRAME in inputs:
            form.say("ratio", None, f"the first frame's; without one {assumed}")
            return tuple(dict.fromkeys((form.own_aspect, *SHAPED)))
        form.say("ratio", None, f"{assumed}: another with --aspect")
        return (form.own_aspect,)
    values = words_of(form.schema(name))
    words = {ours: value for value in values if (ours := aspect_of(value))}
    form.options |= {f"aspect.{ours}": word for ours, word in words.items() if ours != word}
    automatic = next((value for value in values if value in AUTOMATIC), None)
    if automatic and MediaRole.FIRST_FRAME in inputs:
        form.automatic = True
        form.options["aspect.image"] = automatic
    able = tuple(ours for ours in words if not asked or ours in asked)
    if not able:
        raise Refused(f"{form.model.name} is not made in {listed(asked)}: {listed(words)}")
    form.say("ratio", name, listed(able) + _unused(values, (*words.values(), *AUTOMATIC)))
    return able


def _resolutions(form: _Form) -> tuple[str, ...]:
    name = form.take("resolution", lambda _, schema: _names_sizes(words_of(schema)))
    asked = form.said.resolutions
    if name is None:
        form.say("resolution", None, _assumed(asked[:1], "720p") + ": another with --resolution")
        return asked[:1] or ("720p",)
    words: dict[str, str] = {}
    for value in words_of(form.schema(name)):
        ours = resolution_of(value)
        if ours and (ours not in words or value.lower() == ours):
            words[ours] = value
    form.options |= {f"resolution.{ours}": word for ours, word in words.items() if ours != word}
    able = tuple(size for size in RESOLUTIONS if size in words and (not asked or size in asked))
    if not able:
        raise Refused(f"{form.model.name} is not made at {listed(asked)}: {listed(words)}")
    said = [size if size == words[size] else f"{size} as {words[size]!r}" for size in able]
    unused = _unused(enum_of(form.schema(name)), words.values())
    form.say("resolution", name, listed(said) + unused)
    return able


def _names_sizes(values: Sequence[object]) -> bool:
    """At least half of the values: of "low, medium, high" one word alone says nothing."""
    known = sum(resolution_of(value) is not None for value in values)
    return known > 0 and 2 * known >= len(values)


def _audio(form: _Form) -> Audio:
    name = form.take("audio", lambda _, schema: _is_switch(schema))
    if name is None:
        audio = form.said.audio or Audio.NONE
        words = "no switch; " + ("as you say" if form.said.audio else "taken as silent")
        form.say("sound", None, f"{words}: {audio.value} (another with --audio)")
        if audio is Audio.OPTIONAL:
            raise Refused(f"{form.model.name} has no switch for sound: say --audio none or always.")
        return audio
    if words := switch_of(words_of(form.schema(name))):
        form.options |= {"audio.on": words[0], "audio.off": words[1]}
    form.say("sound", name, "on or off, always said")
    return form.said.audio or Audio.OPTIONAL


def _is_switch(schema: Schema) -> bool:
    if enum_of(schema):
        return switch_of(words_of(schema)) is not None
    return schema.get("type") == "boolean"


def _extras(form: _Form) -> Iterator[Extra]:
    kinds = {Extra.SEED: ("integer", "number"), Extra.NEGATIVE: ("string",)}
    for extra, types in kinds.items():
        name = form.take(
            extra.value,
            lambda _, schema, types=types: schema.get("type") in types and not enum_of(schema),
        )
        form.say("negative prompt" if extra is Extra.NEGATIVE else "seed", name, _or_none(name))
        if name is not None:
            yield extra


def _or_none(name: str | None) -> str:
    return "sent where given" if name else "not taken"


def _limits(
    form: _Form, inputs: Collection[MediaRole], requires: Collection[MediaRole]
) -> Iterator[Limit]:
    first, last = MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME
    if last in inputs and first in inputs and first not in requires:
        yield Limit(attached=(last,), requires=(first,))
    if form.own_aspect and first in inputs and first not in requires:
        yield Limit(missing=(first,), aspects=(form.own_aspect,))


def _unused(values: Collection[object], used: Collection[str]) -> str:
    """What the host offers beyond what is understood here."""
    left = [str(value) for value in values if str(value) not in used]
    return f" (not used: {listed(left)})" if left else ""


def _longest(schema: Schema) -> int | None:
    most = schema.get("maxLength")
    return most if isinstance(most, int) and 0 < most < MAX_PROMPT_CHARS else None


def _assumed(asked: Sequence[str], usual: str) -> str:
    return f"{listed(asked)}, as you say" if asked else f"assumed {usual}"


def listed(values: Collection[object]) -> str:
    """3, 4, 5, 6 is 3-6."""
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(str(value) for value in values)
