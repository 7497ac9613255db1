"""Buttons of comparisons: the yes to a price, the vote, its end, and going on with a clip.

A vote's answer is for the voter alone and asks the next question there, so that one message holds
the clips and nobody sees how others vote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self

import discord
from discord import ButtonStyle
from discord.ui import Button, DynamicItem, View

from bot.client import Interaction, Telling, acknowledge, answer
from bot.comparing import Changed
from bot.errors import NotAllowed, Refused
from bot.texts import Tongue
from cogs import _presenter
from cogs._options import person_of, require_permissions
from cogs._press import ID, Press, rows
from cogs._ranking import SeeRanking

__all__ = ["ITEMS", "ballot_view", "card_view", "reveal_view"]

_CHOICES: Final = ("tie", "none")


def card_view(t: Tongue, offer: str, total_micros: int) -> View:
    """Under the price for all."""
    go = AllGo(offer, _presenter.go_label(t, total_micros), row=0)
    return rows([go, AllNo.labelled(offer, t, row=0)])


def ballot_view(t: Tongue, comparison_id: str, letters: Sequence[str]) -> View:
    """Under the clips: the letters, then what else can be said."""
    view = View(timeout=None)
    _add_choices(view, t, comparison_id, 0, letters)
    view.add_item(MyVotes.labelled(comparison_id, t, row=2))
    view.add_item(EndVote.labelled(comparison_id, t, row=2))
    return view


def reveal_view(t: Tongue, jobs: Sequence[tuple[str, str]], *, taught: bool) -> View:
    """Under the result: (letter, job) of each clip one can go on with, and the ranking."""
    view = rows([GoOn(job_id, t("compare.go_on", letter=letter), row=0) for letter, job_id in jobs])
    if taught:
        view.add_item(SeeRanking.labelled("here", t, row=1))
    return view


def _add_choices(
    view: View, t: Tongue, comparison_id: str, question: int, letters: Sequence[str]
) -> None:
    for letter in letters:
        view.add_item(Vote(comparison_id, question, letter, letter, row=0))
    for choice in _CHOICES:
        label = _presenter.choice_of(t, choice)
        view.add_item(Vote(comparison_id, question, choice, label, row=1))


class AllGo(Press, template=f"vsgo:{ID}"):
    """The yes to a comparison or an audition: every hold, or none."""

    kind, words, style = "vsgo", "button.go", ButtonStyle.success

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        require_permissions(interaction)
        message = interaction.message
        try:
            await interaction.client.app.comparing.go(
                self.key,
                person_of(interaction),
                status_message_id=message.id if message else None,
            )
        except Changed as changed:
            await self._offer_again(interaction, changed)
            return
        # The buttons only: the words may already be newer than what was pressed.
        await interaction.edit_original_response(view=None)

    async def _offer_again(self, interaction: Interaction, changed: Changed) -> None:
        """The same at what it would cost now, an audition whole."""
        bot, person = interaction.client, person_of(interaction)
        t, audition = bot.tongue(interaction.user.id), bot.app.comparing.audition
        note = t("compare.changed")
        if trial := await audition.again(self.key, person):
            offer = await audition.offer(trial)
            text = _presenter.trial_card(t, trial, bot.app.catalogue.models, note)
            await answer(interaction, text, card_view(t, offer, trial.total_micros))
            return
        proposal = changed.proposal
        offer = await bot.app.comparing.offer(proposal)
        text = _presenter.comparison_card(t, proposal, note)
        await answer(interaction, text, card_view(t, offer, proposal.total_micros))


class AllNo(Press, template=f"vsno:{ID}"):
    """The no."""

    kind, words = "vsno", "button.not_now"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        bot = interaction.client
        await bot.app.comparing.drop(self.key, person_of(interaction))
        await answer(interaction, bot.tongue(interaction.user.id)("card.not_made"))


class Vote(
    DynamicItem[Button[View]],
    template=r"vote:(?P<id>[0-9a-z]{1,64}):(?P<question>\d):(?P<choice>[A-D]|tie|none)",
):
    """One answer to one question; pressed again, it replaces the one before."""

    style: ClassVar[ButtonStyle] = ButtonStyle.primary

    def __init__(
        self, key: str, question: int, choice: str, label: str = "", *, row: int | None = None
    ) -> None:
        letter = len(choice) == 1
        button: Button[View] = Button(
            label=label or choice,
            style=ButtonStyle.primary if letter else ButtonStyle.secondary,
            custom_id=f"vote:{key}:{question}:{choice}",
            row=row,
        )
        super().__init__(button)
        self.key, self.question, self.choice = key, question, choice

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(match["id"], int(match["question"]), match["choice"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async with Telling(interaction):
            await self.pressed(interaction)

    async def pressed(self, interaction: Interaction) -> None:
        """In the channel a private answer of its own; in that answer, the next question."""
        private = bool(interaction.message and interaction.message.flags.ephemeral)
        await acknowledge(interaction, private=not private, pressed=private)
        bot, person = interaction.client, person_of(interaction)
        voting = await bot.app.comparing.voting(self.key, person)
        question = voting.questions[min(self.question, len(voting.questions) - 1)]
        await bot.app.comparing.vote(self.key, person, question, self.choice)
        await _show_mine(interaction, self.key, self.question + 1)


class MyVotes(Press, template=f"myvotes:{ID}"):
    """What one has answered so far, and the questions again."""

    kind, words = "myvotes", "compare.mine"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        await _show_mine(interaction, self.key, None)


class EndVote(Press, template=f"vsend:{ID}"):
    """The end before the last vote, for who asked; not before the quorum or the deadline."""

    kind, words = "vsend", "compare.end"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        t = bot.tongue(interaction.user.id)
        try:
            await bot.app.comparing.close(self.key, person)
        except NotAllowed:
            raise
        except Refused:
            voting = await bot.app.comparing.voting(self.key, person)
            view = rows([CallOff.labelled(self.key, t)]) if person.manager else None
            await answer(interaction, _presenter.not_yet(t, voting), view)
            return
        await answer(interaction, t("compare.result"))


class CallOff(Press, template=f"vsoff:{ID}"):
    """A manager's way out: it ends now, and its votes teach nothing."""

    kind, words, style = "vsoff", "compare.call_off", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, pressed=True)
        bot = interaction.client
        await bot.app.comparing.call_off(self.key, person_of(interaction))
        await answer(interaction, bot.tongue(interaction.user.id)("compare.called_off"))


class GoOn(Press, template=f"goon:{ID}"):
    """Make a compared clip an ordinary one: posted with its recipe, its buttons and a thread."""

    kind, words, style = "goon", "compare.go_on", ButtonStyle.primary

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        require_permissions(interaction)
        bot, person = interaction.client, person_of(interaction)
        job = await bot.app.producer.job(self.key, person)
        link = await bot.switchboard.post_here(job, interaction.channel_id or 0)
        t = bot.tongue(interaction.user.id)
        await answer(interaction, t("card.in_thread", link=link))


async def _show_mine(interaction: Interaction, comparison_id: str, following: int | None) -> None:
    """One's own answers, and the next question as buttons; None: the first one open, else all
    over again."""
    bot, person = interaction.client, person_of(interaction)
    t, comparing = bot.tongue(interaction.user.id), bot.app.comparing
    voting = await comparing.voting(comparison_id, person)
    mine = await comparing.my_votes(comparison_id, person)
    if following is None:
        unanswered = [at for at, name in enumerate(voting.questions) if name not in mine]
        following = unanswered[0] if unanswered else 0
    if following >= len(voting.questions) or not voting.open:
        await answer(interaction, _presenter.my_vote(t, mine, voting, None))
        return
    view = View(timeout=None)
    _add_choices(view, t, voting.id, following, voting.letters)
    asked = voting.questions[following]
    await answer(interaction, _presenter.my_vote(t, mine, voting, asked), view)


ITEMS: Final = (AllGo, AllNo, Vote, MyVotes, EndVote, CallOff, GoOn)
