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
    Missing,
    Moved,
    NoVote,
    Presentation,
    Progress,
    Proposal,
    Result,
    Tally,
    Trial,
    Used,
    Voting,
)
from bot.money import usd
from bot.producer import Quote
from bot.ranking import Ranking, Row
from bot.router import CATEGORY_NAMES
from bot.store import ComparisonState
from bot.taste import TasteView
from bot.texts import Tongue
from cogs._presenter._format import (
    MAX_CHARS,
    Models,
    bold,
    changes,
    dotted,
    fill,
    format_of,
    message_link,
    money,
    name_of,
    price_of,
    quoted,
    shortened,
)

_MOVES: Final = 3
_RANKS: Final = 4
_PROMPT_CHARS: Final = 160
_MARK_CHARS: Final = 80  # whom it calls, and what finds the message again


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


def trial_card(t: Tongue, trial: Trial, models: Models, note: str = "") -> str:
    """What a model on trial has to show, against whom, and what all of it costs."""
    lines = [
        note,
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


def comparison_status(t: Tongue, progress: Progress) -> str:
    """The card while clips are made, numbers only, for who is ready first would tell; then where
    they are."""
    failed = t("compare.failed", count=progress.failed) if progress.failed else ""
    ready = t("compare.ready", ready=progress.ready, count=progress.total)
    lines = [quoted(progress.prompt, _PROMPT_CHARS) if progress.prompt else ""]
    if progress.open:
        return fill(t, [*lines, dotted([ready, failed]), *_while_made(t, progress)])
    return fill(t, [*lines, dotted([ready, failed]), _where(t, progress)])


def _while_made(t: Tongue, progress: Progress) -> list[str]:
    when = _when(progress.show_by)
    if progress.parts == 1:
        return [t("compare.show_by", when=when)]
    return [t("audition.as_ready", shown=progress.shown, parts=progress.parts)]


def _where(t: Tongue, progress: Progress) -> str:
    """Below the card everything can be found; one ballot is linked."""
    place = progress.place
    link = message_link(place.guild_id, place.channel_id, progress.message_id)
    if link:
        return t("compare.shown", link=link)
    return t("compare.below") if progress.shown else t("compare.nothing")


def ballot(t: Tongue, shown: Presentation) -> str:
    """What stands over the clips that are voted on: what to do first, the rest in small."""
    missing = t("compare.missing", count=shown.missing) if shown.missing else ""
    part = t("audition.part", part=shown.part, parts=shown.parts) if shown.parts > 1 else ""
    names = [f"{clip.letter}: {escape_markdown(clip.label)}" for clip in shown.clips]
    order = "compare.order_together" if shown.side_by_side else "compare.order"
    small = [
        part,
        t(order, letters=", ".join(clip.letter for clip in shown.clips)),
        t("compare.hidden") if shown.blind else "",
        t("compare.until", count=shown.quorum, when=_when(shown.deadline_at)),
        missing,
        t.of(shown.note).rstrip("."),
    ]
    lines = [
        t("compare.question"),
        quoted(shown.prompt, _PROMPT_CHARS),
        "" if shown.blind else dotted(names),
        f"-# {_sentence(dotted(small))}",
    ]
    return fill(t, lines, MAX_CHARS - _MARK_CHARS)


def closed_ballot(t: Tongue, result: Result, link: str) -> str:
    """What stands over the clips once the vote has ended."""
    return fill(
        t,
        [_verdict(t, result), quoted(result.prompt, _PROMPT_CHARS), t("compare.closed", link=link)],
    )


def question_of(t: Tongue, question: str) -> str:
    """What is asked: overall, or for a category."""
    if question == GENERAL:
        return t("compare.overall")
    return t("compare.best_for", category=t.of(CATEGORY_NAMES[question]))


def my_vote(t: Tongue, votes: Mapping[str, str], voting: Voting, asked: str | None) -> str:
    """One person's own answers, for that person alone, and the question asked next or the end."""
    lines = [
        t("compare.yours", question=question_of(t, question), choice=choice_of(t, votes[question]))
        for question in voting.questions
        if question in votes
    ]
    if not voting.open:
        lines.append(t("compare.result"))
    elif asked is None:
        lines.append(_thanks(t, voting))
    else:
        lines.append(t("compare.next", question=question_of(t, asked)))
    return fill(t, lines)


def not_yet(t: Tongue, voting: Voting) -> str:
    """How far a vote is that cannot be ended."""
    when = _when(voting.deadline_at)
    return t("compare.not_yet", voters=voting.voters, count=voting.quorum, when=when)


def _thanks(t: Tongue, voting: Voting) -> str:
    when = _when(voting.deadline_at)
    missing = voting.quorum - voting.voters
    if missing > 0:
        return t("compare.thanks", count=missing, when=when)
    return t("compare.thanks_last", when=when)


def choice_of(t: Tongue, choice: str) -> str:
    return t(f"compare.{choice}") if choice in ("tie", "none") else choice


def reveal(t: Tongue, result: Result) -> str:
    """Who has won; then names, prices, votes, and what they did to the ranking."""
    called_off = result.comparison.state is ComparisonState.CANCELLED
    lines = [
        _verdict(t, result),
        quoted(result.prompt, _PROMPT_CHARS),
        *[
            dotted(
                [
                    f"**{line.letter}** {bold(line.name)}",
                    t("compare.via", provider=line.job.provider),
                    money(t, line.price_micros),
                ]
            )
            for line in result.lines
        ],
        *[_missing(t, one) for one in result.missing],
        *[_tally(t, question, tally) for question, tally in result.tallies.items() if tally.voters],
        t("compare.spent", price=money(t, result.spent_micros)),
        *_moved(t, result),
        t.of(result.note) if called_off else "",
        *[f"{one.letter}: {escape_markdown(t.of(one.text))}" for one in result.evidence],
    ]
    return fill(t, lines, MAX_CHARS - _MARK_CHARS)


def _verdict(t: Tongue, result: Result) -> str:
    """The first line: what the question about everything came to."""
    tally = result.tallies.get(GENERAL)
    if result.comparison.state is ComparisonState.CANCELLED:
        return t("compare.called_off")
    if tally is None or not tally.voters:
        return t("compare.nobody")
    for line in result.lines:
        if line.letter == tally.winner:
            won, count = tally.votes[line.letter], tally.voters
            return t(
                "compare.winner",
                letter=line.letter,
                name=escape_markdown(line.name),
                won=won,
                of=count,
            )
    return t("compare.no_winner")


def no_vote(t: Tongue, told: NoVote) -> str:
    """A comparison without a choice: what came, what did not, and the money."""
    lines = [
        t("compare.no_vote"),
        quoted(told.prompt, _PROMPT_CHARS),
        t.of(told.note),
        *[_missing(t, one) for one in told.missing],
        t("compare.spent", price=money(t, told.spent_micros)),
    ]
    return fill(t, lines, MAX_CHARS - _MARK_CHARS)


def audition_report(t: Tongue, report: AuditionReport) -> str:
    """How the model on trial did, by category, and what it has cost."""
    tried, incumbent = report.used
    names = {"model": escape_markdown(tried.name), "incumbent": escape_markdown(incumbent.name)}
    lines = [
        t("audition.over", **names),
        t("audition.voted", voted=report.voted, prompts=report.prompts),
        *_ranks(t, report.ranked, None),
        *[_used(t, one) for one in report.used],
        *[
            t("audition.skipped", prompt=shortened(one.prompt, 60), reason=t.of(one.reason))
            for one in report.audition.skipped
        ],
    ]
    return fill(t, lines, MAX_CHARS - _MARK_CHARS)


def _used(t: Tongue, one: Used) -> str:
    facts = [
        t(
            "audition.used",
            model=bold(one.name),
            arrived=one.arrived,
            asked=one.asked,
            price=money(t, one.charged_micros),
        ),
        t("compare.held", price=money(t, one.held_micros)) if one.held_micros else "",
    ]
    return dotted(facts)


def ranking_text(t: Tongue, view: TasteView, news: str = "") -> str:
    """The server's own ranking in words; its picture hangs below."""
    ranked = view.ranked
    if not ranked.votes:
        return fill(t, [news, t("ranking.none")])
    lines = [
        news,
        t("ranking.title"),
        dotted([t("ranking.votes", count=ranked.votes), t("ranking.people", count=ranked.voters)]),
        t("ranking.steers" if view.steers else "ranking.off"),
        *_ranks(t, ranked, view),
    ]
    return fill(t, lines)


def _ranks(t: Tongue, ranked: Ranking, view: TasteView | None) -> list[str]:
    """The news of each category; who is how far ahead, where it is more than a guess."""
    lines: list[str] = []
    for category, sentence in ranked.sentences.items():
        rows = [row for row in ranked.of(category) if row.votes]
        lines.append(f"**{escape_markdown(_sentence(t.of(sentence)))}**")
        if rows[0].separated or category == GENERAL:
            lines += [_rank(t, row, view) for row in rows[:_RANKS]]
    return lines


def _rank(t: Tongue, row: Row, view: TasteView | None) -> str:
    """Votes first, for they are what people remember; then what they are worth."""
    facts = [
        f"- {escape_markdown(row.name)}: {t('ranking.row', wins=row.wins, votes=row.votes)}",
        f"{row.value:.2f} ({row.low:.2f}-{row.high:.2f})",
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
    """By category, overall first, then where most has changed."""
    by_category: dict[str, list[Moved]] = {}
    for one in result.moved:
        by_category.setdefault(one.category, []).append(one)
    order = sorted(by_category, key=lambda name: (name != GENERAL, -_change(by_category[name])))
    lines = [_moved_line(t, name, by_category[name]) for name in order[:_MOVES]]
    return [t("compare.ranking"), *lines] if lines else []


def _change(moved: Sequence[Moved]) -> float:
    return sum(abs(one.after - one.before) for one in moved)


def _moved_line(t: Tongue, category: str, moved: Sequence[Moved]) -> str:
    changes = [
        t(
            "compare.moved",
            model=escape_markdown(one.name),
            before=f"{one.before:.2f}",
            after=f"{one.after:.2f}",
        )
        for one in sorted(moved, key=lambda one: -one.after)
    ]
    return f"- {_category(t, category)}: {dotted(changes)}"


def _category(t: Tongue, category: str) -> str:
    return _sentence(t.of(CATEGORY_NAMES[category]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _when(moment: datetime) -> str:
    return discord.utils.format_dt(moment, "R")
