"""Which model makes this brief best here, today, for the money - and why, in the sum itself.

Pure: what the words ask for (`Classification`), what the models are believed to do (`Catalogue`)
and what this process knows (`Availability`, `Facts`) go in; a `Decision` comes out that holds all
it was decided on and can be decided again. Whether the person may spend the money is `limits`'
question, how the card looks the presenter's.
"""

from bot.router.choice import choose_stage, decide
from bot.router.decision import (
    CATEGORY_NAMES,
    Candidate,
    Decision,
    Dropped,
    Facts,
    Preference,
    Refusal,
    RefusalCode,
    RoutePlan,
    StageFrom,
    to_json,
)

__all__ = [
    "CATEGORY_NAMES",
    "Candidate",
    "Decision",
    "Dropped",
    "Facts",
    "Preference",
    "Refusal",
    "RefusalCode",
    "RoutePlan",
    "StageFrom",
    "choose_stage",
    "decide",
    "to_json",
]
