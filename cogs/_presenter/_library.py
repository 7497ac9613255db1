"""Clips that were found again, and how one was made."""

from __future__ import annotations

from typing import Final

import discord

from bot.desk import Recipe, Results
from bot.store import Found, Search
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    ago,
    bold,
    charged,
    dotted,
    fill,
    made_with,
    message_link,
    money,
    name_of,
    quoted,
    seconds_of,
    shortened,
)

_WORDS: Final = 50  # of a prompt in a line of results
_ALL_WORDS: Final = 900


def search_results(t: Tongue, results: Results, models: Models) -> str:
    """What was looked for, and a page of what was found, a line and the words a clip."""
    head = dotted([t("library.title", page=results.page + 1), *_wanted(t, results.search, models)])
    if not results.found:
        key = "library.nothing_more" if results.page else "library.nothing"
        return fill(t, [head, t(key), t("library.hint")])
    return fill(t, [head, *[_line(t, found, models) for found in results.found]])


def clip_option(t: Tongue, found: Found, models: Models) -> tuple[str, str]:
    """(label, description) of a clip in a menu, where markup shows as typed."""
    model = models[found.model].name if found.model in models else found.model
    take = t("library.take", number=found.number) if found.number else ""
    facts = [model, take, f"{found.created_at:%Y-%m-%d}"]
    return " ".join(found.prompt.split())[:100], dotted(facts)[:100]


def recipe(t: Tongue, recipe: Recipe, models: Models) -> str:
    """Everything needed to make a clip again, and where it is."""
    job, posted = recipe.job, recipe.posted
    link = message_link(job.place.guild_id, posted.channel_id, posted.message_id) if posted else ""
    title = bold(recipe.title).strip("*")
    facts = [
        made_with(t, job, models),
        seconds_of(job.duration_s),
        job.plan.fit.aspect,
        f"{job.width} x {job.height}",
        t("clip.seed", seed=job.brief.seed) if job.brief.seed is not None else "",
        money(t, charged(job)),
    ]
    lines = [
        dotted(
            [
                t("clip.take", number=recipe.number, title=title) if recipe.number else "",
                f"**{t('board.picked')}**" if recipe.picked else "",
            ]
        ),
        quoted(job.brief.prompt, _ALL_WORDS),
        _negative(t, recipe),
        _inputs(t, recipe),
        dotted(facts),
        t("library.by", user=f"<@{job.place.user_id}>", when=ago(job.created_at)),
        t("library.link", link=link) if link else "",
        t("clip.job", job=job.id),
    ]
    return fill(t, lines)


def _wanted(t: Tongue, search: Search, models: Models) -> list[str]:
    """The conditions of a search as people name them."""
    words = shortened(search.words, _WORDS)
    return [
        t("library.words", words=words) if words else "",
        name_of(search.model, models) if search.model else "",
        f"<@{search.user_id}>" if search.user_id else "",
        t("library.since", day=search.since) if search.since else "",
        t("library.until", day=search.until) if search.until else "",
        t("board.picked") if search.picked else "",
    ]


def _line(t: Tongue, found: Found, models: Models) -> str:
    link = message_link(found.guild_id, found.channel_id, found.message_id)
    name = t("library.take", number=found.number) if found.number else t("common.clip")
    facts = [
        f"[{name}]({link})" if link else name,
        name_of(found.model, models),
        f"<@{found.user_id}>",
        discord.utils.format_dt(found.created_at, "d"),
        f"**{t('board.picked')}**" if found.picked else "",
    ]
    return f"- {dotted(facts)}\n  {shortened(found.prompt, _WORDS)}"


def _negative(t: Tongue, recipe: Recipe) -> str:
    words = shortened(recipe.job.brief.negative or "")
    return t("library.negative", words=words) if words else ""


def _inputs(t: Tongue, recipe: Recipe) -> str:
    roles = [t(f"media.{media.role}") for media in recipe.job.brief.inputs]
    return t("library.inputs", inputs=", ".join(roles)) if roles else ""
