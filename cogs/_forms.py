"""Forms and what people put into them.

A form is known by its custom id alone, like a button: what is typed arrives also when the process
has been restarted while the person was typing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord import TextStyle
from discord.ui import FileUpload, Label, Modal, TextInput

from bot.brief import MAX_PROMPT_CHARS
from bot.texts import Tongue

__all__ = ["Filled", "Upload", "filled", "line_form", "prompt_form"]

_OPEN_S: Final = 900.0  # the library forgets a form after that; we do not
_TITLE_CHARS: Final = 45
_LINE_CHARS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file somebody attached: where it lies for now, and what it claims to be."""

    url: str
    name: str
    kind: str  # "image/png"; "" where Discord does not say

    @property
    def spoiler(self) -> bool:
        return self.name.startswith("SPOILER_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A form as it was sent."""

    kind: str
    key: str
    prompt: str
    link: str
    files: Sequence[Upload]
    fields: Mapping[str, str]  # every line of text by its name


def prompt_form(
    t: Tongue, custom_id: str, title: str, prompt: str = "", *, files: bool = True
) -> Modal:
    """Words, and what they start from: a file, or a link where a phone uploads badly."""
    form = Modal(title=title[:_TITLE_CHARS], custom_id=custom_id, timeout=_OPEN_S)
    words: TextInput[Modal] = TextInput(
        custom_id="prompt",
        style=TextStyle.paragraph,
        default=prompt or None,
        max_length=MAX_PROMPT_CHARS,
    )
    file: FileUpload[Modal] = FileUpload(
        custom_id="file", required=False, min_values=0, max_values=1
    )
    link: TextInput[Modal] = TextInput(custom_id="link", required=False, max_length=500)
    form.add_item(Label(text=t("modal.prompt")[:_TITLE_CHARS], component=words))
    if not files:
        return form
    form.add_item(Label(text=t("modal.picture")[:_TITLE_CHARS], component=file))
    form.add_item(Label(text=t("modal.link")[:_TITLE_CHARS], component=link))
    return form


def filled(interaction: discord.Interaction[Any]) -> Filled | None:
    """The form an interaction brings, None where it is none of ours."""
    data: Any = interaction.data or {}
    kind, _, key = str(data.get("custom_id", "")).partition(":")
    if interaction.type is not discord.InteractionType.modal_submit or not key:
        return None
    fields = dict(_fields(data.get("components", ())))
    known: Mapping[str, Any] = data.get("resolved", {}).get("attachments", {})
    files = [known[str(number)] for number in fields.get("file") or () if str(number) in known]
    return Filled(
        kind=kind,
        key=key,
        prompt=str(fields.get("prompt") or ""),
        link=str(fields.get("link") or "").strip(),
        files=[
            Upload(url=file["url"], name=file["filename"], kind=file.get("content_type") or "")
            for file in files
        ],
        fields={name: value for name, value in fields.items() if isinstance(value, str)},
    )


def line_form(custom_id: str, title: str, lines: Mapping[str, tuple[str, str]]) -> Modal:
    """One short line a name: (what it asks, what it holds now)."""
    form = Modal(title=title[:_TITLE_CHARS], custom_id=custom_id, timeout=_OPEN_S)
    for name, (label, value) in lines.items():
        field: TextInput[Modal] = TextInput(
            custom_id=name, default=value or None, max_length=_LINE_CHARS
        )
        form.add_item(Label(text=label[:_TITLE_CHARS], component=field))
    return form


def _fields(components: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Every field with its value, however deep rows and labels hold it."""
    for component in components:
        if "custom_id" in component:
            yield component["custom_id"], component.get("value", component.get("values"))
        yield from _fields(component.get("components", ()))
        if inner := component.get("component"):
            yield from _fields([inner])
