"""What people read on Discord: values in, texts out, in the reader's language.

Short lines for a phone, at most 2,000 characters, everything a person typed made harmless. Nothing
here waits, asks or decides; times are Discord's own marks, which a reader's client keeps current.
The sentences stand in `bot/locales`.
"""

from cogs._presenter._board import board, echo, sheet
from cogs._presenter._card import Card, card, go_label
from cogs._presenter._clip import alt_text, clip_message, too_large_note
from cogs._presenter._compare import (
    audition_report,
    ballot,
    choice_of,
    closed_ballot,
    comparison_card,
    comparison_status,
    my_vote,
    no_vote,
    not_yet,
    question_of,
    ranking_text,
    reveal,
    trial_card,
)
from cogs._presenter._format import (
    MAX_CHARS,
    message_link,
    missing_permissions,
    money,
    price_of,
)
from cogs._presenter._help import help_screen
from cogs._presenter._jobs import job_card, job_list, job_option
from cogs._presenter._library import clip_option, recipe, search_results
from cogs._presenter._models import model_card, model_list
from cogs._presenter._settings import own_settings, settings_lines
from cogs._presenter._status import done_line, status_message, status_of_takes
from cogs._presenter._usage import usage_report

__all__ = [
    "Card",
    "MAX_CHARS",
    "alt_text",
    "audition_report",
    "ballot",
    "board",
    "card",
    "choice_of",
    "clip_message",
    "closed_ballot",
    "comparison_card",
    "comparison_status",
    "clip_option",
    "done_line",
    "echo",
    "go_label",
    "help_screen",
    "job_card",
    "job_list",
    "job_option",
    "message_link",
    "missing_permissions",
    "model_card",
    "model_list",
    "money",
    "my_vote",
    "no_vote",
    "not_yet",
    "own_settings",
    "price_of",
    "question_of",
    "ranking_text",
    "recipe",
    "reveal",
    "search_results",
    "settings_lines",
    "sheet",
    "status_message",
    "status_of_takes",
    "too_large_note",
    "trial_card",
    "usage_report",
]
