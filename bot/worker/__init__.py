"""Bring every job to its end: read its state, do the one thing that state asks for, commit.

State lives only in the database, so `Worker.advance` may be called again after any crash, by any
process that holds the data folder. What a state may lead to stands in `bot.jobs`; how a clip
reaches people is the `Delivery`'s business. One file for each part of a job's way: `_submitting`,
`_looking` (a lost answer), `_watching`, `_fetching`, `_ending`; `_running` takes them in turn.
"""

from bot.worker._desk import Delivery
from bot.worker._patience import Patience
from bot.worker._running import Worker

__all__ = ["Delivery", "Patience", "Worker"]
