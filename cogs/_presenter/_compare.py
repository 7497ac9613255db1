"""Comparisons: the price for all, the vote, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import discord
from discord.utils import escape_markdown

from bot.brief import GENERAL
from bot.comparing import (
    AuditionReport,
    Making,
    Missing,
    NoVote,
    Presentation,
    Proposal,
    Result,
    Tally,
    Trial,
)
from bot.money import usd
from bot.producer import Quote
from bot.ranking import Ranking, Row
from bot.router import CATEGORY_NAMES
from bot.taste import TasteView
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    bold,
    changes,
    dotted,
    fill,
    format_of,
    money,
    name_of,
    price_of,
    quoted,
    shortened,
)

_MOVES: Final = 6
_RANKS: Final = 4
_PROMPT_CHARS: Final = 160


def comparison_card(t: Tongue, proposal: Proposal, note: str = "") -> str:
    """Who takes part, what was changed for each, and one price for all."""
    blind = t("compare.blind" if proposal.blind else "compare.open")
    count = t("compare.models", count=len(proposal.quotes))
    lines = [
        t.of(note),
        f"{count} · {blind} · **{money(t, proposal.total_micros)}**",
        quoted(proposal.brief.prompt),
        *[_contestant(t, quote) for quote in proposal.quotes],
        *[
            t("compare.left_out", model=escape_markdown(one.model), reason=t.of(one.reason))
            for one in proposal.left_out
        ],
        t("card.before_go") if proposal.total_micros else "",
    ]
    return fill(t, lines)


def trial_card(t: Tongue, trial: Trial, models: Models) -> str:
    """What a model on trial has to show, against whom, and what all of it costs."""
    lines = [
        t(
            "audition.title",
            model=name_of(trial.model, models),
            incumbent=name_of(trial.incumbent, models),
        ),
        dotted(
            [
                t("audition.prompts", count=len(trial.proposals)),
                t("clips", count=sum(len(one.quotes) for one in trial.proposals)),
                f"**{money(t, trial.total_micros)}**",
            ]
        ),
        *[f"- {shortened(one.brief.prompt, 80)}" for one in trial.proposals],
        *[
            t("audition.skipped", prompt=shortened(one.prompt, 60), reason=t.of(one.reason))
            for one in trial.skipped
        ],
        t("audition.then"),
        t("card.before_go") if trial.total_micros else "",
    ]
    return fill(t, lines)


def comparison_status(t: Tongue, making: Making, prompt: str = "") -> str:
    """How far it is: numbers only, for who is ready first would tell."""
    failed = t("compare.failed", count=making.failed) if making.failed else ""
    facts = [t("compare.ready", ready=making.ready, count=making.total), failed]
    by = t("compare.show_by", when=_when(making.show_by))
    return fill(t, [quoted(prompt, _PROMPT_CHARS) if prompt else "", dotted(facts), by])


def ballot(t: Tongue, shown: Presentation) -> str:
    """What stands over the clips that are voted on."""
    missing = t("compare.missing", count=shown.missing) if shown.missing else ""
    lines = [
        t("compare.question" if shown.blind else "compare.question_open"),
        quoted(shown.prompt, _PROMPT_CHARS),
        "" if shown.blind else dotted([f"{clip.letter}: {clip.label}" for clip in shown.clips]),
        t("compare.until", count=shown.quorum, when=_when(shown.deadline_at)),
        dotted([missing, t.of(shown.note)]),
        t("compare.secret") if shown.blind else "",
    ]
    return fill(t, lines)


def question_of(t: Tongue, question: str) -> str:
    """What is asked: overall, or for a category."""
    if question == GENERAL:
        return t("compare.overall")
    return t("compare.best_for", category=t.of(CATEGORY_NAMES[question]))


def my_vote(t: Tongue, votes: Mapping[str, str], questions: Sequence[str]) -> str:
    """One person's own answers, for that person alone."""
    lines = [
        f"{question_of(t, question)}: **{choice_of(t, votes[question])}**"
        for question in questions
        if question in votes
    ]
    return fill(t, [*lines, t("compare.may_change")])


def choice_of(t: Tongue, choice: str) -> str:
    return t(f"compare.{choice}") if choice in ("tie", "none") else choice


def reveal(t: Tongue, result: Result) -> str:
    """Names, prices, votes, and what they did to the ranking."""
    lines = [
        t("compare.result"),
        quoted(result.prompt, _PROMPT_CHARS),
        *[
            dotted(
                [
                    f"**{line.letter}** {bold(line.name)}",
                    t("compare.via", provider=line.job.provider),
                    money(t, line.price_micros),
                    _won(t, line.won),
                ]
            )
            for line in result.lines
        ],
        *[_tally(t, question, tally) for question, tally in result.tallies.items()],
        *[_missing(t, one) for one in result.missing],
        t("compare.spent", price=money(t, result.spent_micros)),
        *_moved(t, result),
        t.of(result.note),
        *[f"{one.letter}: {escape_markdown(t.of(one.text))}" for one in result.evidence],
    ]
    return fill(t, lines)


def no_vote(t: Tongue, told: NoVote) -> str:
    """A comparison without a choice: what came, what did not, and the money."""
    lines = [
        t("compare.no_vote"),
        quoted(told.prompt, _PROMPT_CHARS),
        t.of(told.note),
        *[_missing(t, one) for one in told.missing],
        t("compare.spent", price=money(t, told.spent_micros)),
    ]
    return fill(t, lines)


def audition_report(t: Tongue, report: AuditionReport) -> str:
    """How the model on trial did, by category, and what it has cost."""
    lines = [
        t("audition.over"),
        t("audition.voted", voted=report.voted, prompts=report.prompts),
        *[
            t(
                "audition.used",
                model=bold(one.name),
                arrived=one.arrived,
                asked=one.asked,
                price=money(t, one.charged_micros),
            )
            for one in report.used
        ],
        *_ranks(t, report.ranked, None),
    ]
    return fill(t, lines)


def ranking_text(t: Tongue, view: TasteView, models: Models) -> str:
    """The server's own ranking in words; its picture hangs below."""
    ranked = view.ranked
    if not ranked.votes:
        return t("ranking.none")
    lines = [
        t("ranking.title"),
        t("ranking.votes", votes=ranked.votes, people=ranked.voters),
        t("ranking.steers" if view.steers else "ranking.off"),
        *_ranks(t, ranked, view),
    ]
    return fill(t, lines)


def _ranks(t: Tongue, ranked: Ranking, view: TasteView | None) -> list[str]:
    lines: list[str] = []
    for category, sentence in ranked.sentences.items():
        rows = [row for row in ranked.of(category) if row.votes]
        lines.append(f"**{question_of(t, category)}**: {escape_markdown(t.of(sentence))}")
        lines += [_rank(t, row, view) for row in rows[:_RANKS]]
    return lines


def _rank(t: Tongue, row: Row, view: TasteView | None) -> str:
    facts = [
        f"- {escape_markdown(row.name)} {row.value:.2f} ({row.low:.2f}-{row.high:.2f})",
        t("ranking.row", wins=row.wins, votes=row.votes),
        _kept_second(t, row, view),
    ]
    return dotted(facts)


def _kept_second(t: Tongue, row: Row, view: TasteView | None) -> str:
    if view is None:
        return ""
    micros = view.per_s_micros(row.model, "" if row.category == GENERAL else row.category)
    return "" if micros is None else t("ranking.kept_second", price=usd(round(micros)))


def _contestant(t: Tongue, quote: Quote) -> str:
    choice = quote.choice
    who = t("common.via", model=bold(choice.name), provider=choice.provider)
    return dotted(
        [f"- {who}", format_of(t, choice.fit), price_of(t, choice), changes(t, choice.fit)]
    )


def _won(t: Tongue, questions: Sequence[str]) -> str:
    if not questions:
        return ""
    return t("compare.won", questions=", ".join(question_of(t, one) for one in questions))


def _tally(t: Tongue, question: str, tally: Tally) -> str:
    counts = [f"{letter} {count}" for letter, count in tally.votes.items()]
    counts += [f"{t('compare.tie')} {tally.ties}"] if tally.ties else []
    counts += [f"{t('compare.none')} {tally.all_bad}"] if tally.all_bad else []
    return f"{question_of(t, question)}: {dotted(counts)}"


def _missing(t: Tongue, one: Missing) -> str:
    held = t("compare.held", price=money(t, one.held_micros)) if one.held_micros else ""
    charged = usd(one.charged_micros) if one.charged_micros else t("compare.not_charged")
    reason = escape_markdown(t.of(one.reason)).rstrip(".")
    return dotted([f"{bold(one.name)}: {reason}", held or charged])


def _moved(t: Tongue, result: Result) -> list[str]:
    lines = [
        t(
            "compare.moved",
            category=question_of(t, one.category),
            model=escape_markdown(one.name),
            before=f"{one.before:.2f}",
            after=f"{one.after:.2f}",
        )
        for one in result.moved[:_MOVES]
    ]
    return [t("compare.ranking"), *lines] if lines else []


def _when(moment: datetime) -> str:
    return discord.utils.format_dt(moment, "R")
