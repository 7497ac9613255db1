"""The same on other models: from an open card, and from a clip."""

from __future__ import annotations

from typing import Final

from bot.client import Interaction, acknowledge
from bot.comparing import Proposal
from cogs import _presenter
from cogs._options import person_of, require_permissions
from cogs._press import ID, Press
from cogs._spot import Spot, begin, of_interaction
from cogs._votes import card_view

__all__ = ["ITEMS", "CompareThese", "OtherModels", "compare_take", "offer_all"]


class OtherModels(Press, template=f"vs:{ID}"):
    """This take's brief on other models."""

    kind, words = "vs", "button.compare"

    async def pressed(self, interaction: Interaction) -> None:
        await begin(interaction)
        await compare_take(interaction, self.key)


class CompareThese(Press, template=f"vsq:{ID}"):
    """The brief of an open card on its two best models."""

    kind, words = "vsq", "button.compare"

    async def pressed(self, interaction: Interaction) -> None:
        await acknowledge(interaction)
        require_permissions(interaction)
        spot = of_interaction(interaction)
        app = spot.bot.app
        brief = await app.workbench.offered(self.key, spot.person)
        await offer_all(spot, await app.comparing.propose(brief, spot.place))


async def compare_take(interaction: Interaction, job_id: str) -> None:
    """A card for the same on other models, in the shot's thread where it has one."""
    app, person = interaction.client.app, person_of(interaction)
    shot = await app.workbench.shot_of(job_id, person)
    require_permissions(interaction)
    spot = of_interaction(interaction, shot)
    await offer_all(spot, await app.comparing.propose_from(job_id, spot.person, spot.place))


async def offer_all(spot: Spot, proposal: Proposal) -> None:
    """Show one price for all, and wait for the yes."""
    offer = await spot.bot.app.comparing.offer(proposal)
    text = _presenter.comparison_card(spot.t, proposal)
    await spot.show(text, card_view(spot.t, offer, proposal.total_micros))


ITEMS: Final = (OtherModels, CompareThese)
