"""The settings, read once from the environment and `.env`; the only place that reads either.

An unset or empty variable means its default. Secrets stay `SecretStr` until a vendor client gets
them. Base URLs are https, or anything on a loopback address.
"""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ConfigError
from bot.limits import Caps
from bot.money import to_micros
from bot.texts import join, say
from providers.base import Options

__all__ = ["Settings", "is_loopback"]

_DEFAULT_URLS = {
    "kling": "https://api-singapore.klingai.com",
    "runway": "https://api.dev.runwayml.com",
    "google": "https://generativelanguage.googleapis.com",
    "ltx": "https://api.ltx.video",
    "replicate": "https://api.replicate.com/v1",
    "fal": "https://queue.fal.run",
    "openai": "https://api.openai.com/v1",
}
_URL_FIELDS = {
    "kling": "kling_base_url",
    "runway": "runwayml_base_url",
    "google": "gemini_base_url",
    "ltx": "ltx_base_url",
    "replicate": "replicate_base_url",
    "fal": "fal_base_url",
    "openai": "openai_base_url",
    "gateway": "gateway_base_url",
}
# Any one of these sets opens the vendor; the first is the one named when all are missing.
_KEY_SETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "local": ((),),
    "kling": (("KLING_API_KEY",), ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")),
    "runway": (("RUNWAYML_API_SECRET",),),
    "google": (("GEMINI_API_KEY",),),
    "ltx": (("LTX_API_KEY",),),
    "replicate": (("REPLICATE_API_TOKEN",),),
    "fal": (("FAL_KEY",),),
    "openai": (("OPENAI_API_KEY",),),
    "gateway": (("GATEWAY_API_KEY", "GATEWAY_BASE_URL"),),
}

Ids = Annotated[frozenset[int] | None, NoDecode]


class Settings(BaseSettings):
    """Field names are the variables' names in lower case; `.env.example` says what each means."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    discord_token: SecretStr | None = None
    discord_api_url: str | None = None
    discord_gateway_url: str | None = None
    discord_guild_ids: Ids = None
    discord_allowed_guilds: Ids = None
    discord_message_content: bool = False
    daily_usd: Decimal = Field(default=Decimal(5), ge=0, le=100_000)
    clip_usd: Decimal = Field(default=Decimal(2), ge=0, le=10_000)
    data_dir: Path = Path("data")
    catalogue: Path | None = None
    originals_url: str | None = None

    kling_api_key: SecretStr | None = None
    kling_access_key: SecretStr | None = None
    kling_secret_key: SecretStr | None = None
    runwayml_api_secret: SecretStr | None = None
    gemini_api_key: SecretStr | None = None
    ltx_api_key: SecretStr | None = None
    replicate_api_token: SecretStr | None = None
    fal_key: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    gateway_api_key: SecretStr | None = None

    kling_base_url: str | None = None
    runwayml_base_url: str | None = None
    gemini_base_url: str | None = None
    ltx_base_url: str | None = None
    replicate_base_url: str | None = None
    fal_base_url: str | None = None
    openai_base_url: str | None = None
    gateway_base_url: str | None = None

    judge_base_url: str | None = None
    judge_api_key: SecretStr | None = None
    judge_model: str | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises `ConfigError` naming the variable and what is wrong."""
        try:
            settings = cls()
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"The .env file cannot be read: {error}") from None
        if settings.discord_allowed_guilds is None and "DISCORD_ALLOWED_GUILDS" in os.environ:
            return settings.model_copy(update={"discord_allowed_guilds": frozenset[int]()})
        return settings

    @field_validator("discord_guild_ids", "discord_allowed_guilds", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError("a comma-separated list of server ids, digits only")
        return frozenset(int(part) for part in parts)

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator(
        "discord_api_url", "discord_gateway_url", "judge_base_url", *_URL_FIELDS.values()
    )
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("https", "wss", "http", "ws") or not parts.hostname:
            raise ValueError("an https:// address")
        if parts.scheme in ("http", "ws") and not is_loopback(parts.hostname):
            raise ValueError("https is needed: plain http is accepted on loopback addresses only")
        if parts.username or parts.password:
            raise ValueError("an address without user name and password in it")
        return value.rstrip("/")

    @cached_property
    def caps(self) -> Caps:
        guilds = self.discord_allowed_guilds
        if guilds is None:
            guilds = self.discord_guild_ids or frozenset()
        return Caps(
            clip_micros=to_micros(self.clip_usd),
            daily_micros=to_micros(self.daily_usd),
            allowed_guilds=guilds,
        )

    def options(self, provider: str) -> Options | None:
        """How to reach a vendor, or None while its key (or the gateway's URL) is not set."""
        for names in _KEY_SETS.get(provider, ()):
            secrets = {name: self._plain(name) for name in names}
            if all(secrets.values()):
                url = self._base_url(provider)
                return Options(base_url=url, secrets={k: v for k, v in secrets.items() if v})
        return None

    def missing(self, provider: str) -> str:
        """What to set so that a vendor can be used, "" when nothing is missing."""
        if self.options(provider) is not None:
            return ""
        sets = _KEY_SETS.get(provider)
        if not sets:
            return say("off.no_client", provider=provider)
        ways = [
            join(say("off.and"), [name for name in names if not self._plain(name)])
            for names in sets
        ]
        return say("off.set", names=join(say("off.or"), ways))

    @property
    def secret_values(self) -> list[str]:
        """Every secret in plain text, for hiding it in logs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    @property
    def discord_on_loopback(self) -> bool:
        """Whether attachments may come from a loopback address: only with such a Discord."""
        return is_loopback(urlsplit(self.discord_api_url or "").hostname or "")

    def _base_url(self, provider: str) -> str:
        field = _URL_FIELDS.get(provider, "")
        return (getattr(self, field) if field else None) or _DEFAULT_URLS.get(provider, "")

    def _plain(self, name: str) -> str:
        value: Any = getattr(self, name.lower())
        return value.get_secret_value() if isinstance(value, SecretStr) else (value or "")


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine, without asking DNS."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]).upper()
    text = str(first["msg"]).removeprefix("Value error, ")
    return f"{name} cannot be used: {text}. See .env.example."
