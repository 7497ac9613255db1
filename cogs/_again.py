"""A finished clip shown once more, where the person is; and what of a server a person can see."""

from __future__ import annotations

import discord

from bot.client import Dailies, Interaction, acknowledge, answer
from cogs import _presenter
from cogs._options import person_of, require_permissions
from cogs._press import ID, Press

HasAge = (
    discord.TextChannel
    | discord.ForumChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.Thread
)

__all__ = ["HasAge", "PostHere", "hidden_channels", "is_restricted"]


def hidden_channels(interaction: Interaction) -> frozenset[int]:
    """The channels and open threads of this server the person does not see, as far as we know.

    From memory. Who is in a private thread we are not told: its clips are for who asked for them.
    """
    guild, user = interaction.guild, interaction.user
    if guild is None or not isinstance(user, discord.Member):
        return frozenset()
    hidden = {
        channel.id for channel in guild.channels if not channel.permissions_for(user).view_channel
    }
    threads = {one.id for one in guild.threads if one.is_private() or one.parent_id in hidden}
    return frozenset(hidden | threads)


def is_restricted(bot: Dailies, channel_id: int) -> bool | None:
    """Whether a channel or thread is for adults only; None where it is not there (any more)."""
    channel = bot.get_channel(channel_id)
    return channel.is_nsfw() if isinstance(channel, HasAge) else None


class PostHere(Press, template=f"posthere:{ID}"):
    """The clip in the channel where the person is, also when its own is gone."""

    kind, words = "posthere", "button.post_here"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        require_permissions(interaction)
        bot, person = interaction.client, person_of(interaction)
        here = interaction.channel_id or 0
        job, clip = await bot.app.desk.to_post(
            self.key,
            person,
            here,
            restricted=lambda channel_id: is_restricted(bot, channel_id),
            hidden=hidden_channels(interaction),
        )
        nonce = f"show-{interaction.id}"
        message_id = await bot.switchboard.post(job, clip, here, person.user_id, nonce)
        await bot.app.desk.posted(job, here, message_id)
        link = _presenter.message_link(person.guild_id, here, message_id)
        await answer(interaction, bot.tongue(interaction.user.id)("done.posted_here", link=link))
