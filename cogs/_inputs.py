"""Pictures and videos on their way in: attached, in a form, on a message, or behind a link.

A link to a message is followed only for somebody who may read that message, and only within the
same server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

import discord

from bot.brief import Brief, MediaRole
from bot.client import LOST, Dailies
from bot.errors import NotFound, Refused
from bot.producer import Person
from bot.texts import say
from cogs._forms import Upload

__all__ = [
    "Source",
    "is_picture",
    "is_video",
    "links_in",
    "source_at",
    "source_of",
    "upload_of",
    "with_source",
]

_MESSAGE: Final = re.compile(
    r"https://(?:\w+\.)?discord(?:app)?\.com/channels/(?P<guild>\d+)/(?P<channel>\d+)/(?P<id>\d+)"
)
_URL: Final = re.compile(r"<?(https?://[^\s<>]+)>?")
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".avif")
_VIDEOS: Final = (".mp4", ".mov")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What somebody points at: files, and the job of ours whose clip it is."""

    uploads: Sequence[Upload] = ()
    job_id: str | None = None
    hidden: bool = False  # from an age-restricted channel, for one that is none
    roles: Sequence[MediaRole | None] = field(default=())  # None: by what the file is


def upload_of(file: discord.Attachment) -> Upload:
    return Upload(url=file.url, name=file.filename, kind=file.content_type or "")


async def source_of(bot: Dailies, message: discord.Message, person: Person) -> Source:
    """What is on a message: our clip, or any pictures and videos."""
    job = await bot.app.producer.job_of_message(message.id, person)
    files = [upload_of(file) for file in message.attachments]
    return Source(
        uploads=[file for file in files if is_picture(file) or is_video(file)],
        job_id=job.id if job else None,
    )


async def source_at(
    bot: Dailies, link: str, user: discord.Member | discord.User, person: Person
) -> Source:
    """What a link leads to: a message this person may read, or an https file.

    Raises `Refused` with what is wrong with the link.
    """
    if found := _MESSAGE.fullmatch(link.strip("<> ")):
        return await _message_at(bot, found, user, person)
    path = urlsplit(link).path.lower()
    kind = "video/mp4" if path.endswith(_VIDEOS) else "image/*"
    return Source(uploads=[Upload(url=link.strip("<> "), name=path.rpartition("/")[2], kind=kind)])


def links_in(prompt: str) -> tuple[str, list[str]]:
    """A prompt without its links to messages, pictures and videos; and those links."""
    taken: list[str] = []

    def cut(match: re.Match[str]) -> str:
        link = match[1]
        is_file = urlsplit(link).path.lower().endswith((*_PICTURES, *_VIDEOS))
        if not is_file and not _MESSAGE.fullmatch(link):
            return match[0]
        taken.append(link)
        return " "

    words = _URL.sub(cut, prompt)
    return (" ".join(words.split()) if taken else prompt), taken


async def with_source(bot: Dailies, brief: Brief, source: Source, person: Person) -> Brief:
    """The brief with what was pointed at taken in, made safe. Raises `Refused`.

    Our own clip gives its last frame. A picture is the first frame, a second one the last; a video
    is one whose movement is taken over. Nothing is fetched for who may not make clips here.
    """
    if source.job_id is None and not source.uploads:
        return brief
    await bot.app.producer.permit(person)
    if source.job_id is not None:
        bench = bot.app.workbench
        frame = await bench.last_frame(source.job_id, person)
        hidden = source.hidden or (await bench.brief_of(source.job_id, person)).spoiler
        return replace(brief, inputs=(*brief.inputs, frame), spoiler=brief.spoiler or hidden)
    roles = [*source.roles, *[None] * (len(source.uploads) - len(source.roles))]
    for upload, role in zip(source.uploads, roles, strict=True):
        media = await bot.app.producer.add_input(
            role or _role(upload, brief),
            upload.url,
            loopback_ok=lambda _origin: bot.app.settings.discord_on_loopback,
        )
        spoiler = brief.spoiler or upload.spoiler or source.hidden
        brief = replace(brief, inputs=(*brief.inputs, media), spoiler=spoiler)
    return brief


async def _message_at(
    bot: Dailies,
    link: re.Match[str],
    user: discord.Member | discord.User,
    person: Person,
) -> Source:
    missing = NotFound(say("input.no_message"))
    guild = bot.get_guild(int(link["guild"]))
    if guild is None or guild.id != person.guild_id or not isinstance(user, discord.Member):
        raise missing
    try:
        channel = await _channel_at(guild, int(link["channel"]))
        if not isinstance(channel, discord.abc.Messageable) or not _may_read(channel, user, person):
            raise missing
        message = await channel.fetch_message(int(link["id"]))
    except (discord.HTTPException, discord.ClientException, *LOST):
        raise missing from None
    source = await source_of(bot, message, person)
    if not source.uploads:
        raise Refused(say("input.nothing_on_message"))
    return replace(source, hidden=_is_restricted(channel) and not _asked_in_one(guild, person))


def _is_restricted(channel: object) -> bool:
    """Whether only adults see what is in it; a thread is like its channel."""
    return isinstance(channel, discord.TextChannel | discord.Thread) and channel.is_nsfw()


def _asked_in_one(guild: discord.Guild, person: Person) -> bool:
    return any(_is_restricted(guild.get_channel_or_thread(number)) for number in person.channels)


async def _channel_at(guild: discord.Guild, number: int) -> object:
    """From memory, or asked for: the library forgets threads that are archived."""
    return guild.get_channel_or_thread(number) or await guild.fetch_channel(number)


def _may_read(channel: discord.abc.Messageable, user: discord.Member, person: Person) -> bool:
    """A private thread is read by who is in it; that somebody is, we see only where they ask."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    granted = channel.permissions_for(user)
    private = isinstance(channel, discord.Thread) and channel.is_private()
    inside = not private or granted.manage_threads or channel.id in person.channels
    return inside and granted.view_channel and granted.read_message_history


def _role(upload: Upload, brief: Brief) -> MediaRole:
    if is_video(upload):
        return MediaRole.MOTION
    return MediaRole.LAST_FRAME if brief.has(MediaRole.FIRST_FRAME) else MediaRole.FIRST_FRAME


def is_picture(upload: Upload) -> bool:
    return upload.kind.startswith("image/") or upload.name.lower().endswith(_PICTURES)


def is_video(upload: Upload) -> bool:
    return upload.kind.startswith("video/") or upload.name.lower().endswith(_VIDEOS)
