"""What can follow from a clip: the buttons under every result, one tap each, alive for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import discord
from discord import ButtonStyle, SelectOption
from discord.ui import View

from bot.client import Interaction, acknowledge, answer
from bot.jobs import Job
from bot.texts import Tongue
from bot.workbench import Next, Workbench
from cogs import _presenter
from cogs._offers import Change, offer
from cogs._options import person_of, require_permissions
from cogs._press import ID, Choose, Press, rows
from cogs._rivals import OtherModels
from cogs._spot import Spot, begin, of_interaction

__all__ = ["ITEMS", "clip_view", "sheet_view"]

SEVERAL: Final = (2, 3, 4, 6, 8, 10)


def clip_view(t: Tongue, job: Job, *, can_upscale: bool = False) -> View:
    """Under a clip. `Again` says what it may cost: so much it starts at once for."""
    price = _presenter.money(t, job.hold_micros)
    first: list[Press] = [
        Again.labelled(job.id, t, row=0, price=price),
        Several.labelled(job.id, t, row=0),
        Change.labelled(job.id, t, row=0),
        Longer.labelled(job.id, t, row=0),
        Continue.labelled(job.id, t, row=0),
    ]
    second: list[Press] = [
        Pick.labelled(job.id, t, row=1),
        Final_.labelled(job.id, t, row=1),
        FirstFrame.labelled(job.id, t, row=1),
        Original.labelled(job.id, t, row=1),
        Delete.labelled(job.id, t, row=1),
    ]
    third: list[Press] = [OtherModels.labelled(job.id, t, row=2)]
    third += [Upscale.labelled(job.id, t, row=2)] if can_upscale else []
    return rows(first, second, third)


def sheet_view(t: Tongue, jobs: list[tuple[int, Job]]) -> View:
    """Under the pictures of several takes: one button a take that has a clip."""
    buttons = [
        Pick(job.id, t("button.pick_number", number=number), row=index // 5)
        for index, (number, job) in enumerate(jobs)
    ]
    return rows(buttons)


async def _spot_of(interaction: Interaction, job_id: str) -> Spot:
    """The place of the next take: its shot's thread, where it has one."""
    bench = interaction.client.app.workbench
    shot = await bench.shot_of(job_id, person_of(interaction))
    require_permissions(interaction)
    return of_interaction(interaction, shot)


class _Verb(Press, template=r"(?!)"):
    """A button whose answer is the card of the take that follows, in the shot's own place."""

    async def pressed(self, interaction: Interaction) -> None:
        await begin(interaction)
        spot = await _spot_of(interaction, self.key)
        await offer(spot, await self.step(spot.bot.app.workbench, spot))

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        raise AssertionError("every verb says what follows")


class Again(_Verb, template=f"again:{ID}"):
    """The same with a new seed."""

    kind, words, style = "again", "button.again", ButtonStyle.primary

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.again(self.key, spot.person, spot.place)


class Several(Press, template=f"several:{ID}"):
    """How many of the same? The menu's answer is a card with one price for all."""

    kind, words = "several", "button.several"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        t = interaction.client.tongue(interaction.user.id)
        options = [SelectOption(label=t("takes", count=n), value=str(n)) for n in SEVERAL]
        menu = HowMany(self.key, options, t("modal.how_many"))
        await answer(interaction, t("modal.how_many"), rows([menu]))


class HowMany(Choose, template=f"howmany:{ID}"):
    kind = "howmany"

    async def chosen(self, interaction: Interaction, value: str) -> None:
        await begin(interaction)
        spot = await _spot_of(interaction, self.key)
        bench, takes = spot.bot.app.workbench, int(value or 1)
        step = await bench.several(self.key, takes, spot.person, spot.place)
        await offer(spot, step)


class Longer(_Verb, template=f"longer:{ID}"):
    """The next length on offer."""

    kind, words = "longer", "button.longer"

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.longer(self.key, spot.person, spot.place)


class Continue(_Verb, template=f"continue:{ID}"):
    """On from the last frame."""

    kind, words = "continue", "button.continue"

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.continue_on(self.key, spot.person, spot.place)


class Final_(_Verb, template=f"final:{ID}"):
    """For keeps, on the model the final stage would choose."""

    kind, words = "final", "button.final"

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.to_final(self.key, spot.person, spot.place)


class FirstFrame(_Verb, template=f"frame:{ID}"):
    """The last frame as the first of another model's clip."""

    kind, words = "frame", "button.first_frame"

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.as_first_frame(self.key, None, spot.person, spot.place)


class Upscale(_Verb, template=f"upscale:{ID}"):
    """More pixels for a picked take."""

    kind, words = "upscale", "button.upscale"

    async def step(self, bench: Workbench, spot: Spot) -> Next:
        return await bench.upscale(self.key, spot.person, spot.place)


class Pick(Press, template=f"pick:{ID}"):
    """The shot's chosen take; pressed on the chosen one, it is so no more."""

    kind, words, style = "pick", "button.pick", ButtonStyle.success

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        t = bot.tongue(interaction.user.id)
        board = await bot.app.workbench.toggle_pick(self.key, person)
        picked = board.picked
        words = t("done.picked", number=picked.take.number) if picked else t("done.unpicked")
        await answer(interaction, words)
        await bot.switchboard.judged(board, person.user_id)


class Original(Press, template=f"original:{ID}"):
    """The file as the vendor made it: here if it fits, else where it is."""

    kind, words = "original", "button.original"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        t = bot.tongue(interaction.user.id)
        path = await bot.app.workbench.original_path(self.key, person)
        hidden = (await bot.app.workbench.brief_of(self.key, person)).spoiler
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        if size_bytes <= interaction.filesize_limit:
            file = discord.File(path, path.name, spoiler=hidden)
            if await _sent(interaction, t, file):
                return
        base = bot.app.settings.originals_url
        url = await bot.app.workbench.original_url(self.key, base, person) if base else None
        kept = t("done.original_kept", clip=path.name)
        await answer(interaction, t("done.original_link", link=url) if url else kept)


async def _sent(interaction: Interaction, t: Tongue, file: discord.File) -> bool:
    """Whether Discord took the file; its limit may be lower than it says."""
    try:
        await interaction.edit_original_response(
            content=t("done.original_file"), attachments=[file]
        )
    except discord.HTTPException as error:
        if error.status != 413 and error.code not in (40005, 50045):
            raise
        return False
    return True


class Delete(Press, template=f"delete:{ID}"):
    """Take one's own clip out of the channel; the file is set aside, not destroyed."""

    kind, words, style = "delete", "button.delete", ButtonStyle.danger

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        bot, person = interaction.client, person_of(interaction)
        job = await bot.app.workbench.delete_mine(self.key, person)
        await answer(interaction, bot.tongue(interaction.user.id)("done.deleted"))
        await bot.switchboard.removed(job)


ITEMS: Final = (
    Again,
    Several,
    HowMany,
    Change,
    Longer,
    Continue,
    Final_,
    FirstFrame,
    Upscale,
    Pick,
    Original,
    Delete,
)
