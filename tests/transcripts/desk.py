"""The desk: jobs, models, library, settings, log channel, help, and the same in German."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.client import serve
from tests.cogs.conftest import FREE, GO, PAID, PATIENCE_S
from tests.standin.discord import Channel, Message, User
from tests.transcripts import Page, Stage

__all__ = ["play"]

ABOUT = (
    "Played by `python -m tests.transcripts` on a loopback Discord with the real client and a\n"
    "pretended vendor; a test holds that this page is what is shown. Ids, links and times are\n"
    "written as words."
)


async def play(stage: Stage) -> str:
    """The whole page."""
    page = Page(stage.server)
    page.title("The desk", ABOUT)
    async with _running(stage):
        ann, meg = stage.server.user("ann"), stage.server.manager("meg")
        await _help(stage, page, ann)
        await _models(stage, page, ann)
        await _jobs(stage, page, ann, meg)
        await _library(stage, page, ann)
        await _settings(stage, page, ann, meg)
        await _german(stage, page)
    return page.text()


@asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(serve(stage.settings(), stop, clock=stage.clock))
    ready = asyncio.create_task(stage.server.ready(PATIENCE_S))
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        ready.cancel()
        with suppress(asyncio.CancelledError):
            await ready
        await running


async def _help(stage: Stage, page: Page, ann: User) -> None:
    page.scene("Help")
    page.did(ann, "types `/help`, or only the bot's name")
    page.shows(await stage.asked(ann, stage.shots, "help"))


async def _models(stage: Stage, page: Page, ann: User) -> None:
    page.scene("Models")
    page.did(ann, "types `/models`")
    listed = await stage.asked(ann, stage.shots, "models")
    page.shows(listed)
    page.did(ann, "chooses Sora 2 in the menu")
    await stage.server.select(ann, listed, listed.menus[0], ["sora-2"])
    await stage.turned(listed, "by OpenAI")
    page.shows(listed)


async def _jobs(stage: Stage, page: Page, ann: User, meg: User) -> None:
    await _made(stage, ann, stage.shots)
    page.scene("Jobs")
    page.did(ann, "types `/jobs`")
    listed = await stage.asked(ann, stage.shots, "jobs")
    page.shows(listed)
    page.did(ann, "chooses the job")
    await _chosen(stage, ann, listed)
    page.shows(listed)
    page.did(ann, "presses Post it here in #edit")
    edit = stage.server.channel("edit")
    card = await stage.asked(ann, edit, "jobs")
    await _chosen(stage, ann, card)
    posted = await stage.pressed(ann, card, "Post it here")
    page.shows(await posted.answered(PATIENCE_S))
    page.shows(await stage.where(edit, "shows a clip of"))
    await _uncertain(stage, page, ann, meg)
    await _restricted(stage, page, ann)


async def _uncertain(stage: Stage, page: Page, ann: User, meg: User) -> None:
    page.scene("A submission whose answer got lost")
    stage.vendor.stale_lists = 1000
    stage.vendor.fail_next("drop_after")
    status = await stage.asked(ann, stage.shots, "generate", **PAID)
    await stage.pressed(ann, status, GO)
    await stage.turned(status, "nobody knows yet")
    page.did(meg, "(a manager) types `/jobs` and chooses it")
    listed = await stage.asked(meg, stage.shots, "jobs")
    await _chosen(stage, meg, listed)
    page.shows(listed)
    page.did(meg, "has looked at the vendor's list and presses It was not submitted")
    await stage.pressed(meg, listed, "It was not submitted")
    await stage.turned(listed, "never sent")
    await stage.turned(status, "by hand")
    again = await stage.asked(meg, stage.shots, "jobs")
    await _chosen(stage, meg, again)
    page.shows(again)


async def _restricted(stage: Stage, page: Page, ann: User) -> None:
    page.scene("From an age-restricted channel into one that is not")
    dark = stage.server.channel("after-hours", nsfw=True)
    await stage.server.slash(ann, dark, "generate", FREE)
    await stage.where(dark, "Done in")
    page.did(ann, "presses Post it here in #shots")
    card = await stage.asked(ann, stage.shots, "jobs")
    await _chosen(stage, ann, card)
    pressed = await stage.pressed(ann, card, "Post it here")
    page.shows(await pressed.answered(PATIENCE_S))


async def _library(stage: Stage, page: Page, ann: User) -> None:
    page.scene("Library")
    page.did(ann, "types `/library words:boat model:Sora 2`")
    found = await stage.asked(ann, stage.shots, "library", words="boat", model="sora-2")
    page.shows(found)
    page.did(ann, "chooses the clip")
    value = found.component(found.menus[0])["options"][0]["value"]
    await stage.server.select(ann, found, found.menus[0], [value])
    await stage.turned(found, "Where it was posted")
    page.shows(found)
    page.did(ann, "types `/library words:zeppelin`, then `/library since:yesterday`")
    page.shows(await stage.asked(ann, stage.shots, "library", words="zeppelin"))
    page.shows(await stage.asked(ann, stage.shots, "library", since="yesterday"))


async def _settings(stage: Stage, page: Page, ann: User, meg: User) -> None:
    page.scene("Settings")
    page.did(meg, "(a manager) types `/settings` and chooses a log channel and two models")
    message = await stage.asked(meg, stage.shots, "settings")
    log = stage.server.channel("bot-log")
    await stage.server.select(meg, message, "setchannels:log", [log])
    await stage.turned(message, log.mention)
    await stage.server.select(meg, message, "setoptions:models", ["local", "sora-2"])
    await stage.turned(message, "Storyboard, Sora 2")
    page.shows(message)
    page.did(ann, "types `/settings`, then `/settings just_go:0.50`, then `just_go:lots`")
    page.shows(await stage.asked(ann, stage.shots, "settings"))
    page.shows(await stage.asked(ann, stage.shots, "settings", just_go="0.50"))
    page.shows(await stage.asked(ann, stage.shots, "settings", just_go="lots"))
    await _log(stage, page, ann, log)


async def _log(stage: Stage, page: Page, ann: User, log: Channel) -> None:
    page.scene("The log channel")
    stage.vendor.fail_next("drop_after")
    await stage.asked(ann, stage.shots, "generate", **(PAID | {"duration": 12}))
    card = await stage.where(stage.shots, "$1.20")
    await stage.pressed(ann, card, "Go")
    await stage.where(log, "Uncertain")
    await stage.where(log, "$1.20: job")
    for line in sorted(stage.server.messages(log), key=lambda message: message.text):
        page.shows(line)


async def _german(stage: Stage, page: Page) -> None:
    page.scene("The same for somebody who uses Discord in German")
    anna = stage.server.user("anna")
    anna.locale = "de"
    page.did(anna, "types `/generate`, presses Los, then types `/jobs` and `/refine`")
    card = await stage.asked(anna, stage.shots, "generate", **PAID)
    page.shows(card)
    await stage.pressed(anna, card, "Los")
    await stage.turned(card, "Fertig in")
    page.shows(card)
    page.shows(await stage.asked(anna, stage.shots, "jobs"))
    asked = await stage.server.slash(anna, stage.shots, "refine", {"words": "langsamer"})
    await stage.server.wait_for(lambda: asked.followups, PATIENCE_S)
    page.shows(asked.followups[-1])


async def _made(stage: Stage, who: User, channel: Channel) -> None:
    card = await stage.asked(who, channel, "generate", **PAID)
    await stage.pressed(who, card, GO)
    await stage.turned(card, "Done in")


async def _chosen(stage: Stage, who: User, listed: Message) -> None:
    """The newest of the listed jobs."""
    (menu,) = listed.menus
    newest = listed.component(menu)["options"][0]["value"]
    await stage.server.select(who, listed, menu, [newest])
    await stage.server.wait_for(lambda: "newest jobs here" not in listed.text, PATIENCE_S)
