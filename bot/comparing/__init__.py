"""Comparisons: one brief on several models, shown blind, voted on, and what the team learns.

A service of use cases for both faces. The API of `Comparing`, in the order it is used:

    proposal = await comparing.propose(brief, place, models=(), blind=True)   # spends nothing
    proposal = await comparing.propose_from(job_id, person, place)            # a take's brief
        .quotes (one a model; `.choice.fit.adapted`), .left_out, .total_micros
    offer = await comparing.offer(proposal)             # an id for the Go button
    jobs = await comparing.go(offer, person, status_message_id=...)  # once; `Changed.proposal`
    await comparing.drop(offer, person)                 # the no
    await comparing.vote(id, person, question, "A" | "tie" | "none")  # `Cast`; until the reveal
    await comparing.voting(id, person) / my_votes(id, person)         # open facts / own answers
    await comparing.close(id, person)                   # `Refused` before quorum or deadline
    await comparing.call_off(id, person)                # managers; the votes teach nothing
    await comparing.result(id, person)                  # after the reveal
    await comparing.progress(offer)                     # how far all of it is, for its card
    await comparing.taste(person)                       # the ranking and cost per kept second
    await comparing.forget_votes(user_id, person)       # managers: a cheat's votes, recounted
    await comparing.hides(job)                          # True: do not show this clip by itself

A face attaches itself (`comparing.attach(face)`, see `Face`) and is then called by `run`: `making`
while jobs run, `show` once with the clips, `tell` once with a `Result` or `NoVote`. `id` is the
offer's id too (an audition has one id for all, and each of its comparisons its own). The clips of a
comparison in a channel never reach `Delivery.deliver`, nor their moves Discord's `update`; a face
that goes through jobs by itself leaves those with `is_compared(job)` alone. Questions are "general"
or a category, see `CATEGORY_NAMES`.

    trial = await comparing.audition.propose("model", place)   # against the incumbent
    offer = await comparing.audition.offer(trial); await comparing.go(offer, person)
    report = await comparing.audition.report(offer, person)    # ranking per category, and its cost
    trial = await comparing.audition.again(offer, person)      # after `Changed`

How it ends, whatever arrives: two or more clips are voted on, those that come later are named with
the result; one or none is a `NoVote`. All are shown when every job has ended, or at the deadline.
"""

from __future__ import annotations

from bot.comparing._audition import PROMPTS, AuditionReport, Auditions, Trial, Used
from bot.comparing._course import is_compared, model_ids
from bot.comparing._face import Face, Making, Presentation, Progress, Shown, Together
from bot.comparing._offers import Changed, LeftOut, Proposal
from bot.comparing._result import Evidence, Line, Missing, Moved, NoVote, Result, Tally
from bot.comparing._service import Comparing, Voting

__all__ = [
    "PROMPTS",
    "AuditionReport",
    "Auditions",
    "Changed",
    "Comparing",
    "Evidence",
    "Face",
    "LeftOut",
    "Line",
    "Making",
    "Missing",
    "Moved",
    "NoVote",
    "Presentation",
    "Progress",
    "Proposal",
    "Result",
    "Shown",
    "Tally",
    "Together",
    "Trial",
    "Used",
    "Voting",
    "is_compared",
    "model_ids",
]
