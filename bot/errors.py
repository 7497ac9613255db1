"""What we tell people. The text of a `BotError` is for a person and says what to do next.

BotError
 ├── Refused           nothing was spent, nothing was started
 │    ├── NotAllowed     this person, server or channel may not
 │    └── NotFound       no such job, model or clip here
 ├── ConfigError       the operator: a variable, file or folder is wrong
 │    └── FolderInUse    another process holds the data folder
 └── StoreBroken       the operator: the database cannot be used

Vendors' errors are in `providers/errors.py`; `bot/jobs.py` says what each of them leads to.
"""

from __future__ import annotations

__all__ = [
    "BotError",
    "ConfigError",
    "FolderInUse",
    "NotAllowed",
    "NotFound",
    "Refused",
    "StoreBroken",
]


class BotError(Exception):
    """Something a person can be told in one sentence."""

    def __init__(self, user_message: str) -> None:
        self.user_message = user_message
        super().__init__(user_message)


class Refused(BotError):
    """Refused before anything was spent."""


class NotAllowed(Refused):
    """Not for this person, server or channel."""


class NotFound(Refused):
    """No such thing here."""


class ConfigError(BotError):
    """The operator has to change a setting or a file."""


class FolderInUse(ConfigError):
    """One runner per data folder."""


class StoreBroken(BotError):
    """The database is damaged, newer than this program, or its disk is full."""
