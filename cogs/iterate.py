"""A shot goes on: the buttons under a clip, forms, `/refine`, and plain words to the bot.

Words reach us without a privileged intent where they answer or mention the bot; with
DISCORD_MESSAGE_CONTENT the owner of a shot may simply speak in its thread.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.brief import Brief
from bot.client import LOST, Dailies, Interaction, Telling, acknowledge
from bot.errors import BotError, Refused
from bot.jobs import Place
from bot.producer import Person
from bot.texts import say
from bot.workbench import Next
from cogs._forms import Filled, Upload, filled
from cogs._inputs import Source, is_picture, is_video, source_at, source_of, with_source
from cogs._offers import offer
from cogs._options import Prompt, person_of, require, require_permissions
from cogs._rivals import offer_all
from cogs._spot import Spot, in_thread, of_interaction
from cogs._verbs import ITEMS
from cogs.generate import make
from cogs.help import help_text

__all__ = ["Iterate", "setup"]

_MENTION: Final = re.compile(r"<@[!&]?\d+>")
log = structlog.get_logger(__name__)


class Iterate(commands.Cog):
    def __init__(self, bot: Dailies) -> None:
        self._bot = bot

    @app_commands.command(description="Change the newest take of this shot in words.")
    @app_commands.describe(words="What should be different: slower, and hold on her face")
    async def refine(self, interaction: Interaction, words: Prompt) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        await offer(spot, await self._refined(spot, words))

    async def _refined(self, spot: Spot, words: str, job_id: str | None = None) -> Next:
        bench = spot.bot.app.workbench
        if job_id is None:
            shot = await bench.shot_in(spot.place.channel_id or 0, spot.person)
            if shot is None:
                raise Refused(say("refine.which"))
            job_id = await bench.latest(shot.id, spot.person)
        return await bench.refine(job_id, words, spot.person, spot.place)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Dailies]) -> None:
        """A form that was sent, whichever process opened it."""
        form = filled(interaction)
        if form is None or form.kind not in _FORMS:
            return
        async with Telling(interaction):
            await _FORMS[form.kind](interaction, form)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Words that answer a clip or mention us in a shot; all others are not for us."""
        if message.author.bot or message.guild is None or self._bot.user is None:
            return
        person = _person_of(message)
        spoken_to = self._bot.user in message.mentions
        if not spoken_to and not await self._owner_speaks(message, person):
            return
        spot = Spot(
            bot=self._bot,
            person=person,
            place=Place(
                guild_id=message.guild.id, channel_id=message.channel.id, user_id=message.author.id
            ),
            t=self._bot.tongue(message.author.id),
            origin=f"message:{message.id}",
            under=message,
        )
        await self._answered(spot, message)

    async def _owner_speaks(self, message: discord.Message, person: Person) -> bool:
        """Only with the operator's intent, only in a shot's thread, only its owner."""
        if not self._bot.app.settings.discord_message_content or not message.content.strip():
            return False
        if not isinstance(message.channel, discord.Thread) or message.reference is not None:
            return False
        shot = await self._bot.app.workbench.shot_in(message.channel.id, person)
        return shot is not None and shot.owner_id == message.author.id

    async def _answered(self, spot: Spot, message: discord.Message) -> None:
        """The step the words ask for, as a card under them; what goes wrong is said there too."""
        try:
            _require_permissions(spot, message)
            if _is_bare(message):
                await _said(message, help_text(self._bot, spot.t, spot.place))
                return
            step = await self._step(spot, message)
            await offer(spot, step)
            if spot.under is None and spot.message is not None:
                await _said(message, spot.t("card.in_thread", link=spot.message.jump_url))
        except BotError as error:
            await _said(message, spot.t.of(error.user_message))
        except (discord.HTTPException, *LOST) as error:
            log.warning("words not answered", message_id=message.id, error=str(error))

    async def _step(self, spot: Spot, message: discord.Message) -> Next:
        bench, words = spot.bot.app.workbench, _MENTION.sub(" ", message.content).strip()
        job_id = await self._job_meant(message, spot.person)
        source = await source_of(spot.bot, message, spot.person)
        if job_id is None and not isinstance(message.channel, discord.Thread):
            raise Refused(say("refine.which"))
        if job_id is not None:
            shot = await bench.shot_of(job_id, spot.person)
            place_id = shot.thread_id or spot.place.channel_id
            if place_id != spot.place.channel_id:
                spot.under, spot.instead = None, message
                spot.place = replace(spot.place, channel_id=place_id)
        if not source.uploads:
            return await self._refined(spot, words, job_id)
        return await self._from_picture(spot, words, job_id, source)

    async def _from_picture(
        self, spot: Spot, words: str, job_id: str | None, source: Source
    ) -> Next:
        """The take's words, or these, from the picture that came with them."""
        bench = spot.bot.app.workbench
        if job_id is None:
            shot = await bench.shot_in(spot.place.channel_id or 0, spot.person)
            if shot is None:
                raise Refused(say("refine.which"))
            job_id = await bench.latest(shot.id, spot.person)
        brief = _from(await bench.brief_of(job_id, spot.person), words)
        brief = await with_source(spot.bot, brief, source, spot.person)
        return await bench.rebrief(job_id, brief, spot.person, spot.place)

    async def _job_meant(self, message: discord.Message, person: Person) -> str | None:
        """The job whose clip a message answers."""
        if message.reference is None or message.reference.message_id is None:
            return None
        job = await self._bot.app.producer.job_of_message(message.reference.message_id, person)
        return job.id if job else None


async def _edited(interaction: Interaction, form: Filled) -> None:
    """An offer in other words: the same card, quoted afresh."""
    await acknowledge(interaction, pressed=True)
    spot = of_interaction(interaction)
    brief = await _with_form(spot, interaction, Brief(prompt=form.prompt), form)
    bench = spot.bot.app.workbench
    await offer(spot, await bench.reword(form.key, brief, spot.person))


async def _changed(interaction: Interaction, form: Filled) -> None:
    """A take in other words."""
    await acknowledge(interaction, private=not in_thread(interaction))
    require_permissions(interaction)
    bench, person = interaction.client.app.workbench, person_of(interaction)
    spot = of_interaction(interaction, await bench.shot_of(form.key, person))
    made = _from(await bench.brief_of(form.key, person), form.prompt)
    given = await _with_form(spot, interaction, made, form)
    if not given.inputs:
        step = await bench.change(form.key, form.prompt, spot.person, spot.place)
    else:
        step = await bench.rebrief(form.key, given, spot.person, spot.place)
    await offer(spot, step)


def _from(made: Brief, words: str) -> Brief:
    """What a take of another picture keeps: its format, its stage, and that it is hidden."""
    return Brief(
        prompt=words or made.prompt,
        aspect=made.aspect,
        stage=made.stage,
        spoiler=made.spoiler,
    )


async def _with_form(spot: Spot, interaction: Interaction, brief: Brief, form: Filled) -> Brief:
    brief = await with_source(spot.bot, brief, Source(uploads=form.files), spot.person)
    if form.link:
        source = await source_at(spot.bot, form.link, interaction.user, spot.person)
        brief = await with_source(spot.bot, brief, source, spot.person)
    return brief


async def _animated(interaction: Interaction, form: Filled) -> None:
    """A picture on somebody's message, and what should happen in it."""
    await acknowledge(interaction)
    require_permissions(interaction)
    spot = of_interaction(interaction)
    pictures = [file for file in await _kept(spot, form) if is_picture(file)]
    if not pictures:
        raise Refused(say("input.no_picture"))
    await make(spot, Brief(prompt=form.prompt), Source(uploads=pictures[:1]), interaction.user)


async def _compared(interaction: Interaction, form: Filled) -> None:
    """A picture on somebody's message, on several models side by side."""
    await acknowledge(interaction)
    require_permissions(interaction)
    spot = of_interaction(interaction)
    pictures = [file for file in await _kept(spot, form) if is_picture(file)]
    if not pictures:
        raise Refused(say("input.no_picture"))
    source = Source(uploads=pictures[:1])
    brief = await with_source(spot.bot, Brief(prompt=form.prompt), source, spot.person)
    await offer_all(spot, await spot.bot.app.comparing.propose(brief, spot.place))


async def _continued(interaction: Interaction, form: Filled) -> None:
    """A video on somebody's message, and what happens next."""
    await acknowledge(interaction)
    require_permissions(interaction)
    spot = of_interaction(interaction)
    videos = [file for file in await _kept(spot, form) if is_video(file)]
    if not videos:
        raise Refused(say("input.no_clip"))
    frame = await spot.bot.app.workbench.last_frame_at(
        videos[0].url, loopback_ok=spot.bot.app.settings.discord_on_loopback
    )
    brief = Brief(prompt=form.prompt, inputs=(frame,), spoiler=videos[0].spoiler)
    await make(spot, brief, Source(), interaction.user)


async def _kept(spot: Spot, form: Filled) -> list[Upload]:
    """The files of the message whose menu opened the form."""
    people, scope = spot.bot.app.store.people, str(spot.place.guild_id)
    files = await people.files_on(scope, int(form.key)) if form.key.isdecimal() else []
    return [Upload(url=url, name=name, kind=kind) for url, name, kind in files]


def _is_bare(message: discord.Message) -> bool:
    """We are named, and nothing is said, shown or answered."""
    words = _MENTION.sub(" ", message.content).strip()
    return not words and not message.attachments and message.reference is None


def _person_of(message: discord.Message) -> Person:
    author, channel = message.author, message.channel
    member = author if isinstance(author, discord.Member) else None
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    return Person(
        user_id=author.id,
        guild_id=message.guild.id if message.guild else None,
        manager=bool(member and member.guild_permissions.manage_guild),
        roles=frozenset(role.id for role in member.roles) if member else frozenset(),
        channels=tuple(number for number in (channel.id, parent_id) if number),
    )


def _require_permissions(spot: Spot, message: discord.Message) -> None:
    """As for a command. Raises `NotAllowed`; what is not known (yet), Discord's answer decides."""
    channel, guild = message.channel, message.guild
    if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return
    in_thread = isinstance(channel, discord.Thread)
    if in_thread and channel.parent is None:
        return
    require(channel.permissions_for(guild.me), spot.t, in_thread=in_thread)


async def _said(message: discord.Message, text: str) -> None:
    try:
        await message.reply(text, mention_author=False)
    except (discord.HTTPException, *LOST) as error:
        log.warning("the person could not be told", message_id=message.id, error=str(error))


_FORMS: Final = {
    "edit": _edited,
    "change": _changed,
    "animate": _animated,
    "extend": _continued,
    "versus": _compared,
}


async def setup(bot: Dailies) -> None:
    bot.add_dynamic_items(*ITEMS)
    await bot.add_cog(Iterate(bot))
