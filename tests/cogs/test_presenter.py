"""Every text fits into a message, keeps what people typed harmless, and says the number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from discord.utils import escape_mentions
from hypothesis import given
from hypothesis import strategies as st

from bot import catalogue
from bot.brief import Brief
from bot.jobs import Job, Reason, State
from bot.models import RESOLUTIONS
from bot.store import UsageRow
from bot.texts import Tongue
from cogs import _presenter
from cogs._options import ASPECTS, RESOLUTION_CHOICES
from tests.bot.make import NOW, job

EN = Tongue("en")
MODELS = catalogue.parse(catalogue.builtin_text(), file="catalogue.toml").models
prompts = st.text(min_size=1, max_size=4000)


def _ended(state: State, **changes: object) -> Job:
    took = timedelta(seconds=72)
    return replace(job(state=state, updated_at=NOW + took), **changes)


@given(prompts, st.sampled_from(State))
def test_a_status_fits_into_a_message(prompt: str, state: State) -> None:
    text = _presenter.status_message(EN, job(state=state, brief=Brief(prompt=prompt)), MODELS)
    assert len(text) <= _presenter.MAX_CHARS
    assert text.count("\n>") == 1


@given(prompts)
def test_a_clips_words_fit_into_a_message_and_end_with_the_job(prompt: str) -> None:
    text = _presenter.clip_message(EN, job(brief=Brief(prompt=prompt, seed=7)), MODELS, "a note")
    assert len(text) <= _presenter.MAX_CHARS
    assert text.endswith("Job `j1`")


@pytest.mark.parametrize(
    "prompt", ["[free](https://x.example)", "# big", "**bold**", "> quote", "`code`", "||hidden||"]
)
def test_markup_in_a_prompt_is_shown_as_typed(prompt: str) -> None:
    line = _presenter.status_message(EN, job(brief=Brief(prompt=prompt)), MODELS).splitlines()[2]
    assert line.startswith("> ")
    assert line != f"> {prompt}"
    assert line.replace("\\", "") == f"> {prompt}"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (job(), "Waiting for its turn · 2 ahead"),
        (job(state=State.SUBMITTING), "Asking gateway for it"),
        (job(state=State.RENDERING), "Rendering ▰▰▰▰▱▱▱▱▱▱ 40 %"),
        (job(state=State.FETCHING), "Fetching the clip"),
        (job(state=State.DELIVERING), "Posting the clip"),
        (_ended(State.DONE, result_message_id=9), "Done in 1 min 12 s: [here is the clip]"),
        (_ended(State.REFUNDED, reason=Reason.FAILED, message="It broke."), "It broke."),
    ],
)
def test_the_news_are_words(made: Job, words: str) -> None:
    text = _presenter.status_message(EN, made, MODELS, ahead=2, progress=0.4)
    assert text.splitlines()[-1].startswith(words)


def test_the_price_of_a_clip_is_the_vendors_figure_but_never_above_the_button() -> None:
    assert "$0.30" in _presenter.clip_message(EN, job(cost_micros=300_000), MODELS)
    assert "$0.50" in _presenter.clip_message(EN, job(cost_micros=900_000), MODELS)
    assert "$0.50" in _presenter.clip_message(EN, job(), MODELS)
    assert "free" in _presenter.clip_message(EN, job(hold_micros=0), MODELS)


def test_a_long_list_of_jobs_is_cut_between_lines_and_says_so() -> None:
    jobs = [job(f"j{n}", brief=Brief(prompt="rain " * 40)) for n in range(25)]
    text = _presenter.job_list(EN, jobs, MODELS, everybody=True)
    assert len(text) <= _presenter.MAX_CHARS
    assert text.splitlines()[-1].startswith("... and ")


def test_usage_names_clips_beside_money_and_what_is_left() -> None:
    rows = [UsageRow(key="sora-2", clips=3, micros=1_200_000), UsageRow(key="x", clips=1, micros=0)]
    text = _presenter.usage_report(
        EN, rows, "model", MODELS, spent_micros=1_700_000, cap_micros=5_000_000, may_spend=True
    )
    assert "4 clips made here, $1.20 charged" in text
    assert "**$3.30 left**" in text
    assert "- Sora 2: 3 clips, $1.20" in text


def test_a_missing_permission_is_named() -> None:
    assert "**Attach Files**" in _presenter.missing_permissions(EN, ["Attach Files"])


def test_every_format_of_the_catalogue_can_be_chosen() -> None:
    offered = {ratio for model in MODELS.values() for ratio in model.aspects}
    assert offered <= {choice.value for choice in ASPECTS}
    assert {choice.value for choice in RESOLUTION_CHOICES} == set(RESOLUTIONS)


def test_what_people_typed_pings_nobody_in_a_description() -> None:
    text = _presenter.alt_text(job(brief=Brief(prompt="**@everyone** " * 200)))
    assert len(text) <= 1000
    assert "*" not in escape_mentions(text)
