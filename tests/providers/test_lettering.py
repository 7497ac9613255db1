"""The card's lettering: scripts, reading order, line breaks, and the camera words of a prompt."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers._animatic.camera import Move, ease, move_for, pose
from providers._animatic.lettering import Letterer, Spot, ink
from providers._animatic.overlay import DISPLAY
from providers._animatic.reading import breakable, clean, is_rtl, letters, visual_runs


@cache
def letterer() -> Letterer:
    return Letterer(DISPLAY)


def glyphs(text: str) -> list[int]:
    return [glyph.number for glyph in letterer().line(text).glyphs]


@pytest.mark.parametrize(
    ("text", "face"),
    [
        ("Ein Wal taucht auf, Łódź, nước", "InterDisplay"),
        ("Кот идёт по крыше", "InterDisplay"),
        ("Η γάτα περπατά", "InterDisplay"),
        ("雨中的上海小巷，鏡頭慢慢推近。", "NotoSansCJK"),
        ("夕暮れの東京、カメラ", "NotoSansCJK"),
        ("비 오는 서울 골목길", "NotoSansCJK"),
        ("سلام، لقطة بطيئة", "NotoSansArabic"),
        ("הים בשקיעה", "NotoSansHebrew"),
        ("हिन्दी में क्षत्रिय", "NotoSansDevanagari"),
        ("বৃষ্টির মধ্যে", "NotoSansBengali"),
        ("மழையில் குழந்தை", "NotoSansTamil"),
        ("น้ำใสยามเช้า", "NotoSansThai"),
        ("ნიავი ზღვაზე", "NotoSansGeorgian"),
        ("መልካም ቀን", "NotoSansEthiopic"),
    ],
)
def test_every_script_has_its_letters(text: str, face: str) -> None:
    shaped = letterer().line(text).glyphs
    assert shaped
    assert all(glyph.number for glyph in shaped)
    assert any(glyph.face.startswith(face) for glyph in shaped)


def test_arabic_letters_join() -> None:
    alone = [glyphs(letter)[0] for letter in "سلام"]
    joined = glyphs("سلام")
    assert len(joined) == 3  # lam and alef are one
    assert joined[-1] not in alone  # the seen that begins the word, drawn last: at the right


def test_hindi_vowel_goes_before_its_consonant_and_the_conjunct_joins() -> None:
    assert glyphs("हि")[-1] == glyphs("ह")[0]
    assert glyphs("न्द")[0] != glyphs("न")[0]
    assert len(glyphs("न्द")) == 2  # half na and da, no virama left


def test_mixed_directions_are_read_in_order() -> None:
    assert visual_runs("abc שלום 12", rtl=False) == [("abc ", 0), ("12", 2), ("שלום ", 1)]
    assert visual_runs("سلام DP", rtl=True) == [("DP", 2), ("سلام ", 1)]


def test_direction_is_the_first_letter_s() -> None:
    assert is_rtl("12 — سلام cat")
    assert not is_rtl("12 — cat سلام")


def test_emoji_sequence_becomes_one_box() -> None:
    assert len(glyphs("\U0001f468\u200d\U0001f469\u200d\U0001f467")) == 1
    assert 0 not in glyphs("\U0001f525 \U0001f44d\U0001f3fd ☀\ufe0f")


def test_clean_drops_controls_and_keeps_joiners() -> None:
    assert clean("a\x00b\t\u202ec\r\n\n d \ud800e") == "ab c\nd e"
    assert clean("می\u200cخواهم") == "می\u200cخواهم"


def test_lines_break_where_readers_expect() -> None:
    assert list(breakable("two words")) == ["two ", "words"]
    assert list(breakable("「東京」へ。")) == ["「東", "京」", "へ。"]
    assert list(breakable("서울 골목")) == ["서울 ", "골목"]
    assert list(letters("क्षत्")) == ["क्ष", "त्"]


def test_short_prompt_is_set_large_and_without_a_lonely_last_word() -> None:
    block = letterer().fit("one two three four five six seven eight", (900, 400), 68, 23)
    widths = [line.width for line in block.lines]
    assert block.size == 68
    assert min(widths) > 0.5 * max(widths)


def test_long_prompt_shrinks_and_then_ends_in_an_ellipsis() -> None:
    shorter = letterer().fit("a quiet harbour at dawn " * 20, (900, 300), 68, 23)
    longest = letterer().fit("a quiet harbour at dawn " * 166, (900, 300), 68, 23)
    assert 23 < shorter.size < 68
    assert (shorter.cut, longest.cut, longest.size) == (False, True, 23)
    assert longest.lines[-1].glyphs[-1].number == glyphs("…")[0]


MIXED = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.text(st.characters(min_codepoint=0x590, max_codepoint=0x8FF), max_size=12),
        st.sampled_from(["abc ", "12 ", "(", "\u200d", "\u202e", "क्ष", "ا", "\n", "🔥", "\ud800"]),
    ),
    max_size=10,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(MIXED)
def test_any_text_fits_its_box_and_has_a_shape(text: str) -> None:
    block = letterer().fit(clean(text), (300, 120), 40, 12)
    assert all(glyph.number for line in block.lines for glyph in line.glyphs)
    assert block.width <= 300.01
    assert len(block.lines) == 1 or block.height <= 120


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_reading_order_loses_no_character(text: str) -> None:
    for rtl in (False, True):
        runs = visual_runs(clean(text), rtl=rtl)
        assert sorted("".join(part for part, _ in runs)) == sorted(clean(text))


def test_ink_covers_letters_and_nothing_else() -> None:
    mask = ink((200, 100), [Spot(letterer().line("■"), 40, 70, 60)], letterer())
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    assert 40 <= left < right <= 110
    assert 10 <= top < bottom <= 80
    assert mask.getpixel(((left + right) // 2, (top + bottom) // 2)) == 255


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("slow push in, afternoon sun", Move.PUSH_IN),
        ("the camera slowly pushes in on her face", Move.PUSH_IN),
        ("dolly-out from the window", Move.PULL_BACK),
        ("camera pans gently to the left", Move.PAN_LEFT),
        ("trucking right along the wall", Move.PAN_RIGHT),
        ("tilt up to the stars", Move.TILT_UP),
        ("crane shot over the market", Move.CRANE_UP),
        ("the camera slowly orbits the dancer", Move.ORBIT),
        ("Handheld, grainy", Move.HANDHELD),
        ("no zoom in, locked-off", Move.LOCKED),
        ("pan left, then push in", Move.PAN_LEFT),
    ],
)
def test_prompt_names_the_camera_move(prompt: str, move: Move) -> None:
    assert move_for(prompt, Random(1)) == (move, True)


@pytest.mark.parametrize(
    "prompt",
    [
        "a child pushing a cart in the rain",
        "people moving in a dark street",
        "a truck left the station, tracks left in the snow",
        "a satellite orbits the moon",
        "without zooming out",
        "he speaks into a handheld radio",
    ],
)
def test_movement_of_things_is_no_camera_move(prompt: str) -> None:
    assert not move_for(prompt, Random(1))[1]


def test_silent_prompt_gets_a_move_by_the_seed() -> None:
    moves = {move_for("a cat on the roof", Random(seed)) for seed in range(40)}
    assert len(moves) == 6
    assert not any(named for _, named in moves)


@pytest.mark.parametrize("move", Move)
def test_camera_moves_without_a_jump(move: Move) -> None:
    path = [pose(move, step / 120) for step in range(121)]
    for before, after in pairwise(path):
        assert all(abs(a - b) < 0.012 for a, b in zip(before, after, strict=True))
    assert (ease(0), ease(0.5), ease(1)) == (0, 0.5, 1)
