"""What a shot's first message and a sheet of takes say; their pictures are drawn elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.jobs import Job, State
from bot.shots import Board, Line, Verdict
from bot.texts import Tongue
from cogs._presenter._format import (
    Models,
    dotted,
    fill,
    message_link,
    money,
    name_of,
    shortened,
)

_SHOWN: Final = 12  # lines of takes; older ones are counted
_STATES_WITHOUT_CLIP: Final = frozenset(State) - {State.DONE}


def board(t: Tongue, shot: Board, models: Models) -> str:
    """A shot at a glance: its takes with model, verdict and money, and the running total."""
    held = t("board.held", price=money(t, shot.held_micros)) if shot.held_micros else ""
    total = t(
        "board.total",
        takes=t("takes", count=len(shot.lines)),
        price=money(t, shot.total_micros),
    )
    older = len(shot.lines) - _SHOWN
    lines = [
        dotted(
            [
                t("board.title", title=shortened(shot.shot.title)),
                t("board.owner", user=f"<@{shot.shot.owner_id}>"),
            ]
        ),
        dotted([total, held]) if shot.lines else t("board.none"),
        t("board.older", count=older) if older > 0 else "",
        *[_line(t, shot, line, models) for line in shot.lines[-_SHOWN:]],
    ]
    return fill(t, lines)


def echo(t: Tongue, shot: Board, by: int) -> str:
    """A pick, told in the channel the shot belongs to."""
    line = shot.picked
    if line is None:
        return ""
    return t(
        "board.echo",
        user=f"<@{by}>",
        number=line.take.number,
        title=shortened(shot.shot.title),
        link=_link(shot, line),
    )


def sheet(t: Tongue, title: str, jobs: Sequence[Job], numbers: Sequence[int]) -> str:
    """Over the pictures of takes that were made together."""
    made = t("takes", count=len(jobs))
    missing = [str(n) for n, job in zip(numbers, jobs, strict=True) if not job.clip]
    lines = [
        t("sheet.title", takes=made, title=shortened(title)),
        t("sheet.missing", numbers=", ".join(missing)) if missing else "",
    ]
    return fill(t, lines)


def _line(t: Tongue, shot: Board, line: Line, models: Models) -> str:
    take = line.take
    state = t(f"state.{line.state}") if line.state in _STATES_WITHOUT_CLIP else ""
    verdict = "" if take.verdict is Verdict.NONE else f"**{t(f'board.{take.verdict}')}**"
    origin = (
        ""
        if take.parent is None
        else t("clip.parent_bare", verb=t(f"verb.{take.verb}"), number=take.parent)
    )
    link = _link(shot, line)
    facts = [
        f"`{take.number}` {name_of(line.model, models)}",
        origin,
        "" if line.state is State.REFUNDED and not line.micros else money(t, line.micros),
        state,
        t("board.deleted") if line.deleted else "",
        verdict,
        f"[{t('common.clip')}]({link})" if link and not line.deleted else "",
    ]
    return dotted(facts)


def _link(shot: Board, line: Line) -> str:
    guild_id = int(shot.shot.scope) if shot.shot.scope.isdecimal() else None
    return message_link(guild_id, line.channel_id, line.result_message_id)
