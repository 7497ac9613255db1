"""The refusals Discord answers with: HTTP status, its own code, its words."""

from typing import Any

UNAUTHORIZED = (401, 0, "401: Unauthorized")
NOT_FOUND = (404, 0, "404: Not Found")
UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = (404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
UNKNOWN_USER = (404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = (404, 10063, "Unknown application command")
TOO_MANY_COMMANDS = (400, 30032, "Maximum number of application commands reached (100)")
OLD_MESSAGE_EDITS = (
    429,
    30046,
    "Maximum number of edits to messages older than 1 hour reached. Try again later.",
)
TOO_LARGE = (413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = (400, 40060, "Interaction has already been acknowledged.")
TAG_REQUIRED = (400, 40067, "A tag is required to create a forum post in this channel")
MISSING_ACCESS = (403, 50001, "Missing Access")
NOT_THE_AUTHOR = (403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
NOT_A_TEXT_CHANNEL = (400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
WRONG_CHANNEL_KIND = (400, 50024, "Cannot execute action on this channel type")
INVALID_TOKEN = (401, 50027, "Invalid Webhook Token")
INVALID_FORM = (400, 50035, "Invalid Form Body")
ARCHIVED = (400, 50083, "Thread is archived")
NO_HISTORY_PERMISSION = (
    400,
    160002,
    "You cannot reply without permission to read message history",
)
THREAD_EXISTS = (400, 160004, "A thread has already been created for this message")


class ApiError(Exception):
    """An answer that is a refusal."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: dict[str, Any] | None = None,
        retry_after_s: float = 1.0,
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.body: dict[str, Any] = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors
        if status == 429:
            self.body |= {"retry_after": retry_after_s, "global": False}


def invalid(where: str, code: str, message: str) -> ApiError:
    """400/50035 with the tree that names the field, e.g. `invalid("embeds.0.title", ...)`."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(where.split(".")):
        tree = {key: tree}
    return ApiError(*INVALID_FORM, errors=tree)
