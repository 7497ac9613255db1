"""What people read, in their language: one catalogue of sentences, a file a language.

`say` makes an English sentence that still knows its key and values, so that a face can say it
again in the reader's language; code that only speaks English treats it as any other string. A
language is complete when it has every key of `en.toml` (a test holds that); where it lacks one,
English stands in. Adding a language is adding a file. Pure; the files are read once.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final, Self, cast

__all__ = [
    "ENGLISH",
    "Text",
    "Tongue",
    "catalogue",
    "in_section",
    "join",
    "languages",
    "plain",
    "recognised",
    "restored",
    "say",
    "stored",
]

ENGLISH: Final = "en"
_ONE, _OTHER = "one", "other"  # forms of a sentence that counts something

Sentence = str | Mapping[str, str]


class Text(str):
    """An English string and what it was made of. Joined texts keep their parts."""

    __slots__ = ("key", "parts", "values")
    key: str
    values: Mapping[str, Any]
    parts: Sequence[str]

    def __new__(
        cls,
        words: str,
        *,
        key: str = "",
        values: Mapping[str, Any] | None = None,
        parts: Sequence[str] = (),
    ) -> Self:
        text = super().__new__(cls, words)
        text.key, text.values, text.parts = key, values or {}, parts
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are plain words."""
        return str, (str(self),)


class Tongue:
    """Speaks one language; `tongue("card.go", price="$1")`."""

    def __init__(self, locale: str) -> None:
        self.language = _nearest(locale)

    def __call__(self, key: str, /, **values: Any) -> str:
        """A sentence of the catalogue. Values that are `Text` are said in the same language.

        Raises `KeyError` for a key English does not have.
        """
        own = {name: self.of(value) for name, value in values.items()}
        sentence = catalogue(self.language).get(key) or catalogue(ENGLISH)[key]
        return _form(sentence, own).format(**own)

    def of(self, words: Any) -> Any:
        """A `Text` in this language; anything else as it is."""
        if not isinstance(words, Text) or self.language == ENGLISH:
            return words
        if words.key:
            return self(words.key, **words.values)
        return "".join(self.of(part) for part in words.parts) if words.parts else str(words)


def say(key: str, /, **values: Any) -> Text:
    """The English sentence of a key. Raises `KeyError` for a key the catalogue does not have."""
    return Text(Tongue(ENGLISH)(key, **values), key=key, values=values)


def join(separator: str, texts: Sequence[str]) -> Text:
    """Texts one after the other, each still to be said in any language."""
    parts: list[str] = []
    for text in texts:
        parts += [separator, text] if parts else [text]
    return Text("".join(parts), parts=parts)


def in_section(words: str, section: str) -> str | None:
    """The key of English words that stand in a section of the catalogue, None elsewhere."""
    return _by_words(section).get(words)


@cache
def _by_words(section: str) -> Mapping[str, str]:
    return {
        words: key
        for key, words in catalogue(ENGLISH).items()
        if key.startswith(f"{section}.") and isinstance(words, str)
    }


def recognised(words: str, section: str) -> str:
    """English words as a `Text` where they stand in a section of the catalogue.

    What a vendor said about it, in brackets behind the words, stays as it is.
    """
    head, bracket, tail = words.partition(" (")
    key = in_section(head, section)
    if key is None:
        return words
    return join("", [say(key), bracket + tail]) if bracket else say(key)


def plain(text: str) -> str:
    """Only the English words."""
    return str(text)


def stored(words: str) -> str:
    """For the database: a `Text` with all it was made of; other words stay as they are."""
    if not isinstance(words, Text) and not words.startswith(_MARK):
        return words
    return _MARK + json.dumps(_packed(words), ensure_ascii=False)


def restored(kept: str) -> str:
    """What `stored` has kept. Where the catalogue has changed since, the English words of then."""
    if not kept.startswith(_MARK):
        return kept
    return _unpacked(json.loads(kept.removeprefix(_MARK)))


_MARK: Final = "\x1etext "  # no sentence begins with a control character


def _packed(value: Any) -> Any:
    if not isinstance(value, Text):
        return value if isinstance(value, int | float | None) else str(value)
    packed: dict[str, Any] = {"words": str(value)}
    if value.key:
        values = {name: _packed(one) for name, one in value.values.items()}
        packed |= {"key": value.key, "values": values}
    if value.parts:
        packed["parts"] = [_packed(part) for part in value.parts]
    return packed


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    packed = cast("dict[str, Any]", value)
    words, key = packed["words"], packed.get("key", "")
    values = {name: _unpacked(one) for name, one in packed.get("values", {}).items()}
    if key and not _sayable(key, values):
        return words
    return Text(words, key=key, values=values, parts=[*map(_unpacked, packed.get("parts", ()))])


def _sayable(key: str, values: Mapping[str, Any]) -> bool:
    try:
        say(key, **values)
    except (KeyError, ValueError):
        return False
    return True


def languages() -> tuple[str, ...]:
    """The languages there are files for, English among them."""
    files = resources.files("bot").joinpath("locales").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


@cache
def catalogue(language: str) -> Mapping[str, Sentence]:
    """All sentences of a language by key ("card.go"); a counted one is a table of its forms."""
    text = resources.files("bot").joinpath("locales", f"{language}.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Sentence]]:
    for name, value in table.items():
        if isinstance(value, str) or _OTHER in value:
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


def _form(sentence: Sentence, values: Mapping[str, Any]) -> str:
    if isinstance(sentence, str):
        return sentence
    return sentence.get(_ONE if values["count"] == 1 else _OTHER, sentence[_OTHER])


def _nearest(locale: str) -> str:
    """`de` for `de-AT`; English for what we do not speak."""
    wanted = (locale, locale.split("-")[0])
    return next((name for name in wanted if name in _known()), ENGLISH)


@cache
def _known() -> tuple[str, ...]:
    return languages()
