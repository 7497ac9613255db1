"""Writes the model as the JSON Discord sends. Reads only; nothing here changes the world."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .clock import Clock, iso
from .model import (
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Message,
    Permission,
    Role,
    User,
)

URL_LIFE_S = 24 * 3600
USER_CONTENT = ("content", "embeds", "attachments", "components")


@dataclass(slots=True)
class Payloads:
    """What every payload needs to know: who the bot is, where files lie, what time it is."""

    clock: Clock
    bot: User
    application_id: int
    cdn_url: str = ""

    def user(self, user: User) -> Json:
        payload: Json = {
            "id": str(user.id),
            "username": user.name,
            "global_name": None if user.bot else user.name.title(),
            "avatar": None,
            "discriminator": "0",
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }
        return payload | ({"bot": True} if user.bot else {})

    def member(self, member: Member, *, with_user: bool = True) -> Json:
        payload: Json = {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None,
            "flags": 0,
            "joined_at": iso(member.joined_at),
            "nick": member.nick,
            "pending": False,
            "premium_since": None,
            "roles": [str(role.id) for role in member.roles],
            "mute": False,
            "deaf": False,
        }
        return payload | ({"user": self.user(member.user)} if with_user else {})

    def role(self, role: Role) -> Json:
        payload: Json = {
            "id": str(role.id),
            "name": role.name,
            "permissions": str(int(role.permissions)),
            "position": role.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": role.bot_id is not None,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        return payload | ({"tags": {"bot_id": str(role.bot_id)}} if role.bot_id else {})

    def channel(self, channel: Channel) -> Json:
        payload: Json = {
            "id": str(channel.id),
            "type": int(channel.kind),
            "flags": channel.flags,
            "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
        }
        if channel.guild is None:
            recipients = [self.user(channel.recipient)] if channel.recipient else []
            return payload | {"recipients": recipients}
        payload |= {
            "name": channel.name,
            "guild_id": str(channel.guild.id),
            "parent_id": str(channel.parent.id) if channel.parent else None,
            "rate_limit_per_user": channel.slowmode_s,
        }
        return payload | (self._thread(channel) if channel.thread else self._place(channel))

    def _place(self, channel: Channel) -> Json:
        payload: Json = {
            "position": channel.position,
            "topic": channel.topic,
            "nsfw": channel.nsfw,
            "permission_overwrites": self._overwrites(channel),
            "last_pin_timestamp": None,
            "default_auto_archive_duration": 1440,
        }
        if channel.kind is not ChannelKind.FORUM:
            return payload
        return payload | {
            "available_tags": [
                {
                    "id": str(tag_id),
                    "name": name,
                    "moderated": False,
                    "emoji_id": None,
                    "emoji_name": None,
                }
                for tag_id, name in channel.tags
            ],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }

    def _overwrites(self, channel: Channel) -> list[Json]:
        """The overwrite for the bot that makes its moved permissions true."""
        if channel.app_permissions is None or channel.guild is None:
            return []
        usual = channel.guild.permissions(self.bot.id)
        allow = int(channel.app_permissions) & ~int(usual)
        deny = int(usual) & ~int(channel.app_permissions)
        return [{"id": str(self.bot.id), "type": 1, "allow": str(allow), "deny": str(deny)}]

    def _thread(self, channel: Channel) -> Json:
        thread = channel.thread
        assert thread is not None
        payload: Json = {
            "owner_id": str(thread.owner_id),
            "thread_metadata": {
                "archived": thread.archived,
                "archive_timestamp": iso(thread.archive_at),
                "auto_archive_duration": thread.auto_archive_minutes,
                "locked": thread.locked,
                "create_timestamp": iso(thread.created_at),
            },
            "message_count": len([m for m in channel.messages.values() if not m.deleted]),
            "member_count": len(thread.member_ids),
            "total_message_sent": thread.total_sent,
        }
        if thread.tags:
            payload["applied_tags"] = [str(tag) for tag in thread.tags]
        if self.bot.id in thread.member_ids:
            payload["member"] = self.thread_member(channel, self.bot.id)
        return payload

    def thread_member(self, channel: Channel, user_id: int) -> Json:
        assert channel.thread is not None
        return {
            "id": str(channel.id),
            "user_id": str(user_id),
            "join_timestamp": iso(channel.thread.created_at),
            "flags": 0,
        }

    def guild(self, guild: Guild) -> Json:
        return {
            "id": str(guild.id),
            "name": guild.name,
            "owner_id": str(guild.owner_id),
            "roles": [self.role(role) for role in guild.roles],
            "premium_tier": guild.tier,
            "preferred_locale": guild.locale,
            **_DULL_GUILD_FIELDS,
            "features": [],
            "emojis": [],
            "stickers": [],
        }

    def guild_create(self, guild: Guild, channels: list[Channel]) -> Json:
        """The guild with everything in it, as the gateway hands it over after READY."""
        places = [c for c in channels if not c.is_thread]
        threads = [c for c in channels if c.thread and not c.thread.archived]
        return self.guild(guild) | {
            "joined_at": iso(guild.joined_at),
            "large": False,
            "unavailable": False,
            "member_count": len(guild.members),
            "members": [self.member(guild.members[self.bot.id])],
            "channels": [self.channel(channel) for channel in places],
            "threads": [self.channel(thread) for thread in threads],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def attachment(self, file: Attachment) -> Json:
        url = self.attachment_url(file)
        payload: Json = {
            "id": str(file.id),
            "filename": file.filename,
            "size": len(file.data),
            "url": url,
            "proxy_url": url,
            "content_type": file.content_type,
        }
        optional = {
            "description": file.description,
            "width": file.width,
            "height": file.height,
            "ephemeral": file.ephemeral or None,
        }
        return payload | {key: value for key, value in optional.items() if value is not None}

    def attachment_url(self, file: Attachment) -> str:
        """Signed and good for a day, made fresh for every payload."""
        folder = "ephemeral-attachments" if file.ephemeral else "attachments"
        expires = f"{int(self.clock.time()) + URL_LIFE_S:x}"
        issued = f"{int(self.clock.time()):x}"
        path = f"{folder}/{file.channel_id}/{file.id}/{quote(file.filename)}"
        return f"{self.cdn_url}/{path}?ex={expires}&is={issued}&hm={signature(file.id, expires)}&"

    def message(self, message: Message, *, nested: bool = False) -> Json:
        """A message as REST answers it, or inside a reply (`nested`) without what it replies to."""
        payload: Json = {
            "id": str(message.id),
            "type": int(message.kind),
            "channel_id": str(message.channel.id),
            "author": self.user(message.author),
            "content": message.content,
            "timestamp": iso(message.created_at),
            "edited_timestamp": iso(message.edited_at) if message.edited_at else None,
            "tts": False,
            "pinned": False,
            "flags": message.flags,
            "mentions": [self.user(user) for user in message.pinged],
            "mention_roles": [str(role) for role in message.pinged_roles],
            "mention_everyone": message.pings_everyone,
            "attachments": [self.attachment(file) for file in message.attachments if file.shown],
            "embeds": message.embeds,
            "components": message.components,
        }
        payload |= self._message_extras(message)
        if message.reply_to is not None and not nested:
            original = message.reply_to
            payload["referenced_message"] = (
                None if original.deleted else self.message(original, nested=True)
            )
        return payload

    def _message_extras(self, message: Message) -> Json:
        extras: Json = {
            "nonce": message.nonce,
            "message_reference": message.reference,
            "thread": self.channel(message.thread) if message.thread else None,
            "reactions": self._reactions(message) or None,
        }
        if message.interaction is not None:
            extras |= message.interaction
            extras["application_id"] = str(self.application_id)
            extras["webhook_id"] = str(self.application_id)
        elif message.author is self.bot:
            extras["application_id"] = str(self.application_id)
        return {key: value for key, value in extras.items() if value is not None}

    def _reactions(self, message: Message) -> list[Json]:
        return [
            {
                "emoji": {"id": None, "name": emoji},
                "count": len(user_ids),
                "count_details": {"burst": 0, "normal": len(user_ids)},
                "burst_colors": [],
                "me_burst": False,
                "me": self.bot.id in user_ids,
            }
            for emoji, user_ids in message.reactions.items()
            if user_ids
        ]

    def message_event(self, message: Message, *, with_content: bool) -> Json:
        """A message as the gateway sends it: with its guild and the author's membership."""
        payload = self.message(message)
        guild = message.channel.guild
        if guild is not None:
            payload["guild_id"] = str(guild.id)
            member = guild.members.get(message.author.id)
            if member is not None and message.interaction is None:
                payload["member"] = self.member(member, with_user=False)
        return payload if with_content or self.readable(message) else without_content(payload)

    def readable(self, message: Message) -> bool:
        """Whether the bot sees the words without the privileged intent."""
        if message.author is self.bot or message.channel.guild is None:
            return True
        if self.bot.mention in message.content or f"<@!{self.bot.id}>" in message.content:
            return True
        original = message.reply_to
        replied_to_plain = original is not None and original.interaction is None
        return replied_to_plain and self.bot in message.pinged


def without_content(payload: Json) -> Json:
    """What an app without the message-content intent gets."""
    return {k: v for k, v in payload.items() if k != "poll"} | {
        key: "" if key == "content" else [] for key in USER_CONTENT
    }


def signature(attachment_id: int, expires: str) -> str:
    return hashlib.sha256(f"{attachment_id}:{expires}".encode()).hexdigest()


def permission_text(permissions: Permission) -> str:
    return str(int(permissions))


_DULL_GUILD_FIELDS: dict[str, Any] = {
    "icon": None,
    "description": None,
    "home_header": None,
    "splash": None,
    "discovery_splash": None,
    "banner": None,
    "application_id": None,
    "region": "deprecated",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_id": None,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 1,
    "default_message_notifications": 1,
    "mfa_level": 0,
    "explicit_content_filter": 0,
    "max_presences": None,
    "max_members": 500_000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "vanity_url_code": None,
    "premium_subscription_count": 0,
    "rules_channel_id": None,
    "safety_alerts_channel_id": None,
    "public_updates_channel_id": None,
    "premium_progress_bar_enabled": False,
    "nsfw": False,
    "nsfw_level": 0,
    "incidents_data": None,
}
