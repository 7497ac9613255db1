"""A person reads their own language: commands, card, status, board, refusal; others theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bot.texts import in_section
from tests.cogs.conftest import (
    FREE,
    PAID,
    PATIENCE_S,
    PROMPT,
    Start,
    answered,
    clip_in,
    press,
    told,
    until,
)
from tests.standin.discord import Channel, Discord, User
from tests.standin.openai import Gateway

GERMAN_GO = "Los · $0.40"
REFUSED = "gateway lehnt diesen Inhalt ab. Es wurde nichts berechnet."
ENGLISH_LEFT = re.compile(r"\b(the|and|with|for|is|no|or|at|as|here)\b", re.IGNORECASE)


def german(server: Discord, name: str = "anna") -> User:
    user = server.user(name)
    user.locale = "de"
    return user


async def test_a_german_person_gets_a_german_card_status_clip_and_board(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    anna = german(server)
    async with bot(**paying):
        card = await answered(server, anna, shots, "generate", **PAID)
        offered, buttons = card.text, list(card.buttons)
        await press(server, anna, card, GERMAN_GO)
        clip = await clip_in(server, shots)
        await until(server, lambda: "Fertig in" in card.text)
        thread = (await until(server, lambda: server.threads(shots)))[0]
        board = (await until(server, lambda: server.messages(thread)))[0]

    assert "Vor „Los“ wird nichts ausgegeben." in offered
    assert "Stufe concept" in offered
    assert "ohne Ton" in offered or "mit Ton" in offered
    assert buttons[:4] == [GERMAN_GO, "Prompt ändern", "Vergleichen", "Jetzt nicht"]
    assert "hier ist der Clip" in card.text
    assert "hier ist dein Clip" in clip.text
    assert "Von KI aus diesen Worten gemacht." in clip.text
    assert "Nochmal · $0.40" in clip.buttons
    assert "1 Take · bisher $0.40" in board.text
    assert "Shot von" in board.text


async def test_a_refusal_is_in_the_language_of_who_is_refused(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    ann, anna = server.user("ann"), german(server)
    async with bot(**paying, daily_usd=Decimal("0.1")):
        english = await told(server, await server.slash(ann, shots, "refine", {"words": "slower"}))
        own = await told(server, await server.slash(anna, shots, "refine", {"words": "slower"}))
        day = await answered(server, anna, shots, "library", since="gestern")
        card = await answered(server, anna, shots, "generate", **PAID)
        cap = await told(server, await press(server, anna, card, GERMAN_GO))

    assert "inside a shot's thread" in english.text
    assert "Sag es im Thread eines Shots" in own.text
    assert "„gestern“ ist kein Tag" in day.text
    assert "Das würde $0.40 kosten" in cap.text
    assert vendor.exchanges == []


async def test_one_message_speaks_to_one_person_and_the_next_to_another(
    server: Discord, shots: Channel, bot: Start
) -> None:
    """A card is in the language of who asked, also when somebody else presses its buttons."""
    ann, anna = server.user("ann"), german(server)
    async with bot():
        await server.slash(anna, shots, "generate", FREE)
        clip = await clip_in(server, shots)
        pressed = await press(server, ann, clip, "Original")
        original = await pressed.answered(PATIENCE_S)
        refused = await (await press(server, ann, clip, "Meinen löschen")).answered(PATIENCE_S)

    assert "hier ist dein Clip" in clip.text
    assert original.text == "The untouched original."
    assert "Only the person who asked for it" in refused.text


async def test_a_language_is_remembered_for_what_is_said_after_a_restart(
    server: Discord, shots: Channel, bot: Start
) -> None:
    anna = german(server)
    async with bot():
        await answered(server, anna, shots, "usage")
    async with bot():
        await server.say(anna, shots, f"{server.bot.mention}")
        said = await server.message_where(
            shots, lambda message: message.author is server.bot, timeout=PATIENCE_S
        )

    assert "Ich mache Clips aus Worten" in said.text


async def test_a_language_nobody_wrote_falls_back_to_english(
    server: Discord, shots: Channel, bot: Start
) -> None:
    joao = server.user("joao")
    joao.locale = "pt-BR"
    async with bot():
        listed = await answered(server, joao, shots, "jobs")

    assert "No jobs yet" in listed.text


async def test_every_word_of_every_command_is_registered_in_german_too(
    server: Discord, shots: Channel, bot: Start
) -> None:
    async with bot():
        pass
    (call,) = server.calls("PUT", r"/commands$")

    described = [part for command in call.body for part in _parts(command)]
    missing = [
        part["description"]
        for part in described
        if part.get("description") and not part["description_localizations"].get("de")
    ]
    menus = {one["name"]: one for one in call.body if one.get("type", 1) == 3}
    assert missing == []
    assert menus["Animate this image"]["name_localizations"]["de"] == "Bild animieren"
    assert all(not one.get("name_localizations") for one in described if one.get("type", 1) != 3)


async def test_every_choice_with_words_in_it_is_registered_in_german_too(
    server: Discord, shots: Channel, bot: Start
) -> None:
    async with bot():
        pass
    (call,) = server.calls("PUT", r"/commands$")
    choices = [
        choice
        for command in call.body
        for part in _parts(command)
        for choice in part.get("choices") or ()
    ]

    named = [choice for choice in choices if " " in choice["name"]]
    assert named
    for choice in named:
        assert in_section(choice["name"], "commands"), choice["name"]
        assert choice["name_localizations"]["de"]


def _parts(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A command and its options."""
    yield command
    yield from command.get("options") or ()


async def test_a_german_person_reads_the_desk_in_german(
    server: Discord, shots: Channel, bot: Start, paying: dict[str, Any]
) -> None:
    meg = server.manager("meg")
    meg.locale = "de"
    async with bot(**paying):
        models = await answered(server, meg, shots, "models")
        settings = await answered(server, meg, shots, "settings")
        help_screen = await answered(server, meg, shots, "help")
        typing = await server.autocomplete(meg, shots, "models", "model", "kling")
        await typing.acknowledged()

    assert "Läuft hier gerade" in models.text
    assert "KLING_API_KEY oder KLING_ACCESS_KEY und KLING_SECRET_KEY fehlt" in models.text
    assert "Einstellungen dieses Servers" in settings.text
    assert "`/library` Clips dieses Servers wiederfinden" in help_screen.text
    assert typing.choices[0]["name"].endswith("(hier nicht verfügbar)")


async def test_a_german_persons_card_gives_reason_adaptation_and_tip_in_german(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    anna = german(server)
    async with bot(**paying):
        card = await answered(server, anna, shots, "generate", **PAID)
        picked = await answered(server, anna, shots, "generate", prompt="rain", stage="animatic")

    (why,) = [line for line in card.text.splitlines() if line.startswith("Warum: ")]
    tips = [line for line in card.text.splitlines() if line.startswith("Tipp: ")]
    assert why.startswith("Warum: wie gewünscht; Sora 2 Pro wäre stärker für ")
    assert why.endswith(", für $1.20")
    assert "Angepasst: Ton lässt sich nicht abschalten" in card.text
    assert tips == [
        "Tipp: Nicht genannt: Schauplatz oder Licht. Sag es vor der Handlung, denn darauf baut"
        " diese Modellfamilie ihre Physik."
    ]
    assert not ENGLISH_LEFT.search(card.text.replace(PROMPT, "")), card.text
    assert not ENGLISH_LEFT.search(picked.text), picked.text


async def test_a_german_status_tells_of_a_vendors_trouble(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    anna = german(server)
    vendor.retry_after = "600"
    vendor.fail_next(429)
    async with bot(**paying):
        card = await answered(server, anna, shots, "generate", **PAID)
        await press(server, anna, card, GERMAN_GO)
        await until(server, lambda: "bittet um Geduld" in card.text)

    assert "gateway bittet um Geduld; dein Clip behält seinen Platz" in card.text
    assert "Angepasst: Ton lässt sich nicht abschalten" in card.text


async def test_a_content_refusal_is_german_for_who_asked_also_after_a_restart(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    anna = german(server)
    vendor.fail_next("rejected")
    async with bot(**paying):
        card = await answered(server, anna, shots, "generate", **PAID)
        await press(server, anna, card, GERMAN_GO)
        await until(server, lambda: REFUSED in card.text)
    async with bot(**paying):
        listed = await answered(server, anna, shots, "jobs")
        (menu,) = listed.menus
        newest = listed.component(menu)["options"][0]["value"]
        await (await server.select(anna, listed, menu, [newest])).acknowledged(PATIENCE_S)
        await until(server, lambda: REFUSED in listed.text)

    assert "Angepasst: Ton lässt sich nicht abschalten" in listed.text


async def test_the_routers_refusal_is_german_for_who_asked(
    server: Discord, shots: Channel, bot: Start, vendor: Gateway, paying: dict[str, Any]
) -> None:
    anna = german(server)
    async with bot(**paying):
        asked = {"prompt": "rain", "model": "sora-22"}
        unknown = await told(server, await server.slash(anna, shots, "generate", asked))
        asked = {"prompt": "rain", "model": "sora-2", "duration": 60}
        unfit = await told(server, await server.slash(anna, shots, "generate", asked))

    assert "Ein Modell „sora-22“ gibt es nicht. Meinst du " in unknown.text
    assert "Sora 2 kann das nicht machen: 60 s sind hier nicht möglich, nur " in unfit.text
    assert vendor.exchanges == []
