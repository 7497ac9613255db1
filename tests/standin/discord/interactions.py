"""One press, command or form of a person, and the routes the bot answers it by.

The first answer is due in 3 s, the token dies after 15 min, both by the stand-in's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from .calls import Answer, Call, Routes
from .composing import Body, write
from .errors import (
    ALREADY_ACKNOWLEDGED,
    INVALID_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    ApiError,
    invalid,
)
from .model import Channel, Json, Message, MessageFlag, MessageKind, User

if TYPE_CHECKING:
    from .server import Discord

DEADLINE_S, TOKEN_LIFE_S = 3.0, 15 * 60.0
MAX_CHOICES = 25


class InteractionKind(IntEnum):
    """What the person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """How the bot may answer first."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


# What each kind of interaction may be answered with.
ALLOWED = {
    InteractionKind.COMMAND: {Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL},
    InteractionKind.COMPONENT: set(Callback) - {Callback.CHOICES},
    InteractionKind.AUTOCOMPLETE: {Callback.CHOICES},
    InteractionKind.MODAL: set(Callback) - {Callback.CHOICES, Callback.MODAL},
}


@dataclass(eq=False, slots=True)
class Interaction:
    """The handle a test holds on something a person did."""

    discord: "Discord"
    id: int
    token: str
    kind: InteractionKind
    user: User
    channel: Channel
    data: Json
    metadata: Json
    limit_bytes: int
    started_at: float
    source: Message | None = None
    ack_at: float | None = None
    response: Json | None = None
    message: Message | None = None
    followups: list[Message] = field(default_factory=list)
    refusals: list[tuple[int, int]] = field(default_factory=list)

    @property
    def ack_ms(self) -> float | None:
        """Milliseconds of the clock between the event's dispatch and its first answer."""
        return None if self.ack_at is None else (self.ack_at - self.started_at) * 1000

    @property
    def callback(self) -> Callback | None:
        return None if self.response is None else Callback(self.response["type"])

    @property
    def choices(self) -> list[Json]:
        """What autocomplete offered."""
        return list(((self.response or {}).get("data") or {}).get("choices") or [])

    @property
    def modal(self) -> Json:
        """The form that was opened."""
        if self.callback is not Callback.MODAL or self.response is None:
            raise LookupError(f"no form was opened, the answer was {self.response}")
        form: Json = self.response["data"]
        return form

    def original(self) -> Message | None:
        """The first answer, as a message, once there is one."""
        return self.message

    @property
    def text(self) -> str:
        """All words of the first answer, empty while there is none."""
        return self.message.text if self.message else ""

    async def acknowledged(self, timeout: float = 5.0) -> "Interaction":
        await self._until(lambda: self.response is not None, timeout, "an acknowledgement")
        return self

    async def answered(self, timeout: float = 10.0) -> Message:
        """The original message, once it is more than "thinking"."""

        def finished() -> bool:
            return self.message is not None and not self.message.loading

        await self._until(finished, timeout, "an answer")
        assert self.message is not None
        return self.message

    async def _until(self, predicate: Callable[[], Any], timeout: float, what: str) -> None:
        named = f"{what} to {self.kind.name} {self.data.get('name', self.data.get('custom_id'))}"
        await self.discord.changes.wait_for(predicate, timeout, named)

    def age_s(self) -> float:
        return self.discord.clock.time() - self.started_at


def respond(call: Call) -> Answer:
    """The first answer, once and in time."""
    interaction = call.discord.interactions.get(call.number("interaction_id"))
    if interaction is None or interaction.token != call.params["interaction_token"]:
        raise ApiError(*UNKNOWN_INTERACTION)
    try:
        _accept(call, interaction)
    except ApiError as error:
        interaction.refusals.append((error.status, error.body["code"]))
        raise
    if call.query.get("with_response") not in ("1", "true", "True"):
        return Answer(204)
    return Answer(200, _callback_answer(call, interaction))


def _accept(call: Call, interaction: Interaction) -> None:
    if interaction.response is not None:
        raise ApiError(*ALREADY_ACKNOWLEDGED)
    if interaction.age_s() > DEADLINE_S:
        raise ApiError(*UNKNOWN_INTERACTION)
    if call.json.get("type") not in ALLOWED[interaction.kind]:
        raise invalid("type", "BASE_TYPE_CHOICES", "Not a type that answers this interaction.")
    callback = Callback(call.json["type"])
    _EFFECTS[callback](call, interaction, call.json.get("data") or {})
    interaction.response = call.json
    interaction.ack_at = call.world.clock.time()


def _send(call: Call, interaction: Interaction, data: Json) -> None:
    message = _draft(call, interaction, data)
    write(call.world, message, _body(call, interaction, data))
    interaction.message = call.world.post(message)


def _defer(call: Call, interaction: Interaction, data: Json) -> None:
    message = _draft(call, interaction, data)
    message.flags |= MessageFlag.LOADING
    interaction.message = call.world.post(message)


def _keep(call: Call, interaction: Interaction, data: Json) -> None:
    interaction.message = _source(interaction)


def _update(call: Call, interaction: Interaction, data: Json) -> None:
    message = _source(interaction)
    write(call.world, message, _body(call, interaction, data))
    call.world.edited(message)
    interaction.message = message


def _offer(call: Call, interaction: Interaction, data: Json) -> None:
    choices: list[Json] = data.get("choices") or []
    if len(choices) > MAX_CHOICES:
        raise invalid("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    if any(not 1 <= len(choice["name"]) <= 100 for choice in choices):
        raise invalid("data.choices", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100.")


def _open(call: Call, interaction: Interaction, data: Json) -> None:
    if not 1 <= len(data.get("title") or "") <= 45:
        raise invalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
    if not 1 <= len(data.get("components") or ()) <= 5:
        raise invalid("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5.")


_EFFECTS: dict[Callback, Callable[[Call, Interaction, Json], None]] = {
    Callback.MESSAGE: _send,
    Callback.DEFERRED_MESSAGE: _defer,
    Callback.DEFERRED_UPDATE: _keep,
    Callback.UPDATE: _update,
    Callback.CHOICES: _offer,
    Callback.MODAL: _open,
}


def _source(interaction: Interaction) -> Message:
    """The message a component or form belongs to; a form of a command has none."""
    if interaction.source is None or interaction.source.deleted:
        raise invalid("type", "BASE_TYPE_CHOICES", "There is no message to update.")
    return interaction.source


def _draft(call: Call, interaction: Interaction, data: Json) -> Message:
    """An empty message that knows whose answer it is."""
    message = call.world.new_message(interaction.channel, call.world.bot)
    message.flags = int(data.get("flags") or 0) & MessageFlag.EPHEMERAL
    message.interaction = interaction.metadata
    message.interaction_token = interaction.token
    message.kind = MessageKind.REPLY
    if interaction.kind is InteractionKind.COMMAND:
        plain = interaction.data.get("type", 1) == 1
        message.kind = MessageKind.CHAT_INPUT_COMMAND if plain else MessageKind.CONTEXT_MENU_COMMAND
    elif interaction.source is not None:
        message.reply_to = interaction.source
        message.reference = call.world.reply_reference(interaction.source)
    return message


def _body(call: Call, interaction: Interaction, data: Json) -> Body:
    limit = interaction.limit_bytes
    return Body(data=data, files=call.files, limit_bytes=limit, by_webhook=True)


def _callback_answer(call: Call, interaction: Interaction) -> Json:
    about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    about["channel_id"] = str(interaction.channel.id)
    if interaction.channel.guild is not None:
        about["guild_id"] = str(interaction.channel.guild.id)
    message = interaction.message
    if message is None:
        return {"interaction": about}
    about["response_message_id"] = str(message.id)
    about["response_message_loading"] = message.loading
    about["response_message_ephemeral"] = message.ephemeral
    if interaction.callback not in (Callback.MESSAGE, Callback.UPDATE):
        return {"interaction": about}
    assert interaction.callback is not None
    shown = call.world.payloads.message(message)
    return {
        "interaction": about,
        "resource": {"type": int(interaction.callback), "message": shown},
    }


def follow_up(call: Call) -> Answer:
    """A further message; the first one after a deferral fills the loading message instead."""
    interaction = _by_token(call)
    first = interaction.message
    if first is not None and first.loading:
        return _rewrite(call, interaction, first)
    message = _draft(call, interaction, call.json)
    message.kind = MessageKind.REPLY
    if first is not None:
        message.reply_to, message.reference = first, call.world.reply_reference(first)
    write(call.world, message, _body(call, interaction, call.json))
    interaction.followups.append(call.world.post(message))
    return Answer(200, call.world.payloads.message(message))


def get(call: Call) -> Answer:
    return Answer(200, call.world.payloads.message(_own_message(call, _by_token(call))))


def edit(call: Call) -> Answer:
    interaction = _by_token(call)
    return _rewrite(call, interaction, _own_message(call, interaction))


def delete(call: Call) -> Answer:
    call.world.delete(_own_message(call, _by_token(call)))
    return Answer(204)


def _by_token(call: Call) -> Interaction:
    """The answered interaction of a living token."""
    wanted = call.params["webhook_token"]
    interaction = call.discord.by_token.get(wanted)
    if interaction is None or call.number("webhook_id") != call.world.payloads.application_id:
        raise ApiError(*UNKNOWN_WEBHOOK)
    if interaction.age_s() > TOKEN_LIFE_S:
        interaction.refusals.append(INVALID_TOKEN[:2])
        raise ApiError(*INVALID_TOKEN)
    if interaction.response is None or interaction.kind is InteractionKind.AUTOCOMPLETE:
        raise ApiError(*UNKNOWN_WEBHOOK)
    return interaction


def _own_message(call: Call, interaction: Interaction) -> Message:
    wanted = call.params.get("message_id", "@original")
    own = [interaction.message, *interaction.followups]
    message = own[0] if wanted == "@original" else None
    for candidate in own:
        if candidate is not None and str(candidate.id) == wanted:
            message = candidate
    if message is None or message.deleted:
        raise ApiError(*UNKNOWN_MESSAGE)
    return message


def _rewrite(call: Call, interaction: Interaction, message: Message) -> Answer:
    was_loading = message.loading
    write(call.world, message, _body(call, interaction, call.json))
    call.world.edited(message, visibly=not was_loading)
    return Answer(200, call.world.payloads.message(message))


WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = WEBHOOK + "/messages/@original"
MESSAGE = WEBHOOK + "/messages/{message_id}"

ROUTES: Routes = {
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"): respond,
    ("POST", WEBHOOK): follow_up,
    ("GET", ORIGINAL): get,
    ("PATCH", ORIGINAL): edit,
    ("DELETE", ORIGINAL): delete,
    ("GET", MESSAGE): get,
    ("PATCH", MESSAGE): edit,
    ("DELETE", MESSAGE): delete,
}
