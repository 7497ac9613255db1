"""Over all sets of vendor keys no model is picked that cannot run, and the pick is worth it."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.pick import Asked, asked, choose, compare, faults, key_sets, now_with
from bot.catalogue import builtin_text, load
from bot.models import PROVIDER_IDS
from training.corpus import corpus_rows, parts

SOLD = load(builtin_text(), None)
DEVELOP, TEST = parts(corpus_rows())
EVERY = 1_000  # the benchmark decides many more, or all


@pytest.fixture(scope="module")
def some() -> list[Asked]:
    return asked(DEVELOP[::EVERY])


def test_sets_of_keys_are_each_vendor_each_pair_and_all() -> None:
    vendors = len(PROVIDER_IDS) - 1
    assert len(key_sets()) == len(set(key_sets())) == vendors + vendors * (vendors - 1) // 2 + 1


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2026, 3, 1), date(2026, 11, 23)])
@pytest.mark.parametrize("keys", key_sets(), ids="+".join)
def test_no_retired_unfit_or_keyless_model_is_ever_picked(
    some: list[Asked], keys: tuple[str, ...], day: date
) -> None:
    now = now_with(keys, day)
    wrong = [fault for one in some for fault in faults(choose(one, SOLD, now), one, SOLD, now)]
    assert not wrong
    picks = {choose(one, SOLD, now).choice is not None for one in some}
    assert True in picks


def test_a_pick_that_cannot_run_would_be_seen(some: list[Asked]) -> None:
    decided, asked_later = (
        now_with(("kling",), date(2026, 3, 1)),
        now_with(("fal",), date(2026, 3, 1)),
    )
    for one in some:
        assert list(faults(choose(one, SOLD, decided), one, SOLD, asked_later))


def test_without_any_key_a_storyboard_is_drawn(some: list[Asked]) -> None:
    now = now_with((), date(2026, 3, 1))
    picks = {pick.model for one in some if (pick := choose(one, SOLD, now).choice)}
    assert picks == {"local"}


def test_the_pick_is_worth_more_than_any_rule_of_thumb() -> None:
    now = now_with(key_sets()[-1], date(2026, 3, 1))
    worth = dict(compare(asked(TEST[::12]), SOLD, now))
    pick, best = worth.pop("pick"), worth.pop("best")
    assert pick.strength >= best.strength - 0.05
    assert all(pick.strength >= other.strength + 0.05 for other in worth.values())
