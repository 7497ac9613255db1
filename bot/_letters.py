"""Letters: what a word is in every script, and the one spelling cues and texts are compared in."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["ASCII_TOKEN", "INTRICATE", "ONLY_JOINED", "TOKEN", "alphabet", "fold", "fold_letters"]

# Letters with the marks Python's \w leaves out (Devanagari vowel signs, Arabic harakat) and the
# invisible characters people paste along; scripts written without spaces; emoji; clause ends.
_HIDDEN: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0e\ufe0f"
_JOINED: Final = (
    "\u0e01-\u0e7f\u1100-\u11ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0002ffff"
)
_LETTER: Final = (
    "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u0589\u0591-\u05ff"
    "\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u0963\u0966-\u0e00\u0e80-\u10ff"
    "\u1200-\u1fff\u2c00-\u2dff\ua640-\uabff\ufb1d-\ufdfc\ufe70-\ufefc\uff10-\uff5a"
)
_EMOJI: Final = (
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
)
_APOSTROPHES: Final = "'’ʼ"


def _word(letter: str, *, more: str = "", apostrophes: str = "'") -> str:
    """Letters, with what is cut off before a vowel (l'eau) as a word of its own."""
    return (
        rf"(?P<word>(?:[{letter}]{{1,2}}|qu|un|[ADNS]?all|[adns]?all|dell|nell|sull|quell|jusqu)"
        rf"[{apostrophes}](?=[{letter}]{{3}})"
        rf"|[{letter}][{letter}{more}]*(?:[{apostrophes}][{letter}]+)*)"
    )


TOKEN: Final = re.compile(
    rf"(?P<joined>[{_JOINED}][{_JOINED}{_HIDDEN}]*)"
    rf"|{_word(_LETTER, more=_HIDDEN, apostrophes=_APOSTROPHES)}"
    rf"|(?P<emoji>[{_EMOJI}])"
    '|(?P<stop>[.!?…;:,。！？；：，、·|()\\[\\]{}\n\r—–/؟،؛।«»“”"「」『』《》]|(?<= )- )'
)
# The same for a text that is all ASCII, in half the time.
ASCII_TOKEN: Final = re.compile(
    rf"{_word('0-9A-Za-z')}|(?P<stop>[.!?;:,|()\[\]{{}}\n\r/\"]|(?<= )- )"
)
ONLY_JOINED: Final = re.compile(f"[{_JOINED}]+")
_HIDDEN_OR_VOWEL: Final = re.compile(f"[{_HIDDEN}\u0640\u064b-\u065f\u0670]")
_MARKS: Final = re.compile("[\u0300-\u036f]+")
# A phrase that has to be cut up like a text: with signs in it, or in a script without spaces.
INTRICATE: Final = re.compile(f"[!-)+./:-@\\[-`{{-~’ʼ{_JOINED}-]")
_SAME: Final = str.maketrans(
    {"ł": "l", "ı": "i", "ø": "o", "đ": "d", "ð": "d", "œ": "oe", "æ": "ae", "’": "'", "ʼ": "'"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"}
    | {"ё": "е", "ґ": "г"}
)


def alphabet(word: str) -> int:
    """Which alphabet a folded word begins in: Unicode keeps each in blocks of its own."""
    return ord(word[0]) >> 7


def fold(word: str, *, accents: bool = False) -> str:
    """Lower case, no accents, one spelling for look-alikes: how cues and texts are compared."""
    word = word.casefold()
    if not word.isascii():
        word = fold_letters(word, accents=accents)
    return word.rstrip("'")


def fold_letters(text: str, *, accents: bool) -> str:
    text = _HIDDEN_OR_VOWEL.sub("", text)
    if accents:
        return unicodedata.normalize("NFC", text)
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_SAME)))
    return unicodedata.normalize("NFC", text).translate(_SAME)
