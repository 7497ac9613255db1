"""`/compare` and `/audition`: the same shot on several models, blind, and the team's vote.

The face of `bot.comparing`: posts what is to be voted on once, follows it, and tells the end. What
a voter receives is made there; nothing here may add what tells the models apart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import discord
import structlog
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot.brief import Brief, MediaRole, Stage
from bot.client import LOST, Dailies, Interaction, acknowledge
from bot.comparing import (
    AuditionReport,
    Making,
    NoVote,
    Presentation,
    Result,
    model_ids,
)
from bot.jobs import Delivered, Later, Place, Undeliverable
from cogs import _presenter
from cogs._edits import Outcome, Shown
from cogs._inputs import Source, upload_of, with_source
from cogs._options import (
    ASPECTS,
    STAGES,
    Duration,
    Prompt,
    model_choices,
    place_of,
    require_permissions,
)
from cogs._rivals import ITEMS as RIVALS
from cogs._rivals import offer_all
from cogs._spot import of_interaction
from cogs._votes import ITEMS, ballot_view, card_view, reveal_view

__all__ = ["Compare", "setup"]

_SOON: Final = timedelta(seconds=20)
_SEARCHED: Final = 500
_TOO_LARGE: Final = (40005, 50045)
log = structlog.get_logger(__name__)


class Compare(commands.Cog):
    """The commands, and the comparisons' `Face` while this client is connected."""

    def __init__(self, bot: Dailies) -> None:
        self._bot = bot
        self._made: dict[str, Making] = {}  # what is known of those being made
        self._shown: dict[int, str] = {}  # card -> its last words

    async def cog_load(self) -> None:
        self._bot.app.comparing.attach(self)

    async def cog_unload(self) -> None:
        self._bot.app.comparing.detach(self)

    @app_commands.command(description="The same shot on several models, side by side, blind.")
    @app_commands.describe(
        prompt="What should be seen and how it moves, in any language",
        models="Two to four models. Default: the two best of different makers",
        blind="Hide the names until the vote has ended? Default: yes",
        image="A picture the clips start on",
        end_image="A picture the clips end on",
        stage="concept: cheap and fast (default), final: best quality",
        duration="Seconds. Default: the shortest from 5",
        aspect="Default: 16:9, or 9:16 where the words say reel, story or TikTok",
        audio="With sound? Default: no",
    )
    @app_commands.choices(stage=STAGES, aspect=ASPECTS)
    async def compare(
        self,
        interaction: Interaction,
        prompt: Prompt,
        models: str = "",
        blind: bool = True,
        image: discord.Attachment | None = None,
        end_image: discord.Attachment | None = None,
        stage: str | None = None,
        duration: Duration | None = None,
        aspect: str | None = None,
        audio: bool | None = None,
    ) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        brief = Brief(
            prompt=prompt,
            stage=Stage(stage) if stage else None,
            duration_s=duration,
            aspect=aspect,
            audio=audio,
        )
        given = {MediaRole.FIRST_FRAME: image, MediaRole.LAST_FRAME: end_image}
        files = {role: upload_of(file) for role, file in given.items() if file is not None}
        source = Source(uploads=list(files.values()), roles=list(files))
        brief = await with_source(self._bot, brief, source, spot.person)
        proposal = await self._bot.app.comparing.propose(
            brief, spot.place, models=model_ids(models), blind=blind
        )
        await offer_all(spot, proposal)

    @compare.autocomplete("models")
    async def _models(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """The last of several ids is completed, those before it stay."""
        known = model_ids(typed)
        last = "" if typed.endswith((" ", ",")) or not known else known[-1]
        before = known if last == "" else known[:-1]
        place = place_of(interaction)
        choices = model_choices(self._bot.app, place, last, auto=False)
        ahead = "".join(f"{model} " for model in before)
        return [
            Choice(name=f"{ahead}{choice.name}"[:100], value=f"{ahead}{choice.value}"[:100])
            for choice in choices
            if choice.value not in before
        ]

    @app_commands.command(description="Try a model against the one you use: seven prompts, blind.")
    @app_commands.describe(
        model="The model on trial",
        against="Whom it is tried against. Default: the one this server would use now",
        stage="concept: cheap and fast (default), final: best quality",
    )
    @app_commands.choices(stage=STAGES[1:])
    async def audition(
        self,
        interaction: Interaction,
        model: str,
        against: str | None = None,
        stage: str = Stage.CONCEPT.value,
    ) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        app, t = self._bot.app, self._bot.tongue(interaction.user.id)
        trial = await app.comparing.audition.propose(
            model, place_of(interaction), against=against, stage=Stage(stage)
        )
        offer = await app.comparing.audition.offer(trial)
        text = _presenter.trial_card(t, trial, app.catalogue.models)
        await of_interaction(interaction).show(text, card_view(t, offer, trial.total_micros))

    @audition.autocomplete("model")
    @audition.autocomplete("against")
    async def _one_model(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return model_choices(self._bot.app, place_of(interaction), typed, auto=False)

    # the face of comparisons

    async def limit_bytes(self, place: Place) -> int:
        guild = self._bot.get_guild(place.guild_id or 0)
        if guild is None or guild.unavailable:
            guild = await self._bot.fetch_guild(place.guild_id or 0, with_counts=False)
        return guild.filesize_limit

    async def making(self, making: Making) -> None:
        """Its card follows, in the channel's one queue of edits."""
        if making.status_message_id is None or making.place.channel_id is None:
            return
        self._made[making.id] = making
        self._follow(making.place.channel_id, making.status_message_id)

    async def show(self, presentation: Presentation) -> Delivered | Undeliverable | Later:
        """The clips as single attachments, the side-by-side, and the buttons; once."""
        self._made.pop(presentation.id, None)
        return await self._posted(
            presentation.place, presentation.id, lambda: self._show(presentation)
        )

    async def tell(
        self, told: Result | NoVote | AuditionReport
    ) -> Delivered | Undeliverable | Later:
        """The last word, once."""
        key = told.audition.id if isinstance(told, AuditionReport) else told.id
        self._made.pop(key, None)
        return await self._posted(told.place, f"end-{key}", lambda: self._tell(told))

    async def _posted(
        self, place: Place, key: str, send: Callable[[], Awaitable[discord.Message]]
    ) -> Delivered | Undeliverable | Later:
        """What an earlier try has left in the channel, else one post. Its text names the key."""
        try:
            message = await self._earlier(place, key) or await send()
        except discord.RateLimited as error:
            return self._later(str(error))
        except discord.HTTPException as error:
            if error.status in (401, 429) or error.status >= 500:
                return self._later(str(error))
            log.error("comparison not posted", comparison=key, error=str(error))
            return Undeliverable(message=str(error))
        except LOST as error:
            return self._later(repr(error))
        return Delivered(message_id=message.id)

    def _later(self, detail: str) -> Later:
        return Later(due_at=self._bot.app.clock() + _SOON, detail=detail)

    def _place(self, place: Place) -> discord.PartialMessageable:
        return self._bot.get_partial_messageable(place.channel_id or 0, guild_id=place.guild_id)

    async def _earlier(self, place: Place, key: str) -> discord.Message | None:
        try:
            async for message in self._place(place).history(limit=_SEARCHED):
                if message.author == self._bot.user and _mark(key) in message.content:
                    return message
        except discord.Forbidden:
            log.warning("cannot look for an earlier post", comparison=key)
        return None

    async def _show(self, shown: Presentation) -> discord.Message:
        """Without the side-by-side where Discord finds the whole too large."""
        try:
            message = await self._post(shown, together=shown.side_by_side is not None)
        except discord.HTTPException as error:
            if error.status != 413 and error.code not in _TOO_LARGE:
                raise
            message = await self._post(shown, together=False)
        t = self._bot.tongue(shown.place.user_id)
        words = t("compare.shown", link=message.jump_url)
        self._say(shown.place, shown.status_message_id, words)
        return message

    async def _post(self, shown: Presentation, *, together: bool) -> discord.Message:
        t = self._bot.tongue(shown.place.user_id)
        files = [
            discord.File(
                clip.path, clip.file_name, description=t("compare.alt", letter=clip.letter)
            )
            for clip in shown.clips
        ]
        if together and shown.side_by_side is not None:
            name = "together" + shown.side_by_side.suffix
            words = t("compare.together")
            files.append(discord.File(shown.side_by_side, name, description=words))
        return await self._place(shown.place).send(
            f"<@{shown.place.user_id}> {_presenter.ballot(t, shown)}\n{_mark(shown.id)}",
            files=files,
            view=ballot_view(t, shown.id, [clip.letter for clip in shown.clips]),
            nonce=f"vs-{shown.id}",
            allowed_mentions=discord.AllowedMentions(
                everyone=False, roles=False, users=[discord.Object(shown.place.user_id)]
            ),
        )

    async def _tell(self, told: Result | NoVote | AuditionReport) -> discord.Message:
        t = self._bot.tongue(told.place.user_id)
        view = discord.utils.MISSING
        match told:
            case Result():
                key, text = told.id, _presenter.reveal(t, told)
                view = reveal_view(t, [(line.letter, line.job.id) for line in told.lines])
            case NoVote():
                key, text = told.id, _presenter.no_vote(t, told)
                if told.arrived:
                    view = reveal_view(t, [(job.model, job.id) for job in told.arrived])
            case AuditionReport():
                key, text = told.audition.id, _presenter.audition_report(t, told)
        return await self._place(told.place).send(
            f"{text}\n{_mark(f'end-{key}')}"[-2000:], view=view, nonce=f"ve-{key}"
        )

    def _say(self, place: Place, status_message_id: int | None, words: str) -> None:
        """The card's last line: where the clips are."""
        if status_message_id is not None and place.channel_id is not None:
            self._shown[status_message_id] = words
            self._follow(place.channel_id, status_message_id)

    def _follow(self, channel_id: int, message_id: int) -> None:
        self._bot.switchboard.put(
            channel_id,
            f"vs {channel_id} {message_id}",
            message_id,
            render=self._render,
            send=self._edit,
        )

    async def _render(self, key: str) -> Shown[str] | None:
        """How far all comparisons of one card are; an audition has several."""
        message_id = int(key.split()[2])
        made = [one for one in self._made.values() if one.status_message_id == message_id]
        words = self._shown.get(message_id)
        if not made:
            self._shown.pop(message_id, None)
            return Shown(page=words, last=True) if words else None
        first = made[0]
        whole = replace(
            first,
            total=sum(one.total for one in made),
            ready=sum(one.ready for one in made),
            failed=sum(one.failed for one in made),
        )
        plan = await self._bot.app.store.plans.get(first.id)
        t = self._bot.tongue(first.place.user_id)
        prompt = plan.brief.prompt if plan and len(made) == 1 else ""
        return Shown(page=_presenter.comparison_status(t, whole, prompt), last=False)

    async def _edit(self, key: str, page: str) -> Outcome:
        _, channel_id, message_id = key.split()
        message = self._bot.get_partial_messageable(int(channel_id)).get_partial_message(
            int(message_id)
        )
        try:
            await message.edit(content=page, view=None)
        except discord.HTTPException as error:
            return Outcome.GONE if error.status in (403, 404) else Outcome.LOST
        except (discord.RateLimited, *LOST):
            return Outcome.LOST
        return Outcome.SENT


def _mark(key: str) -> str:
    """What finds a post again whose sending was not written down."""
    return f"-# `{key}`"


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(*ITEMS, *RIVALS)
    await bot.add_cog(Compare(bot))
