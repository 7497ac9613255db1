"""What every vendor may do wrong, and what becomes of the job, the money and the person's patience.

One row is one vendor doing one thing. `posts` are the paid calls that left us, `made` the jobs the
vendor then has: never two of them. Every row ends with books that add up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Refused
from bot.jobs import Job, Reason, State
from bot.ledger import settled_micros
from bot.producer import Person
from providers import PROVIDERS
from tests.bot.faulty import SCENES, VENDORS, Studio, studio
from tests.standin.loopback import Canned, Fault

Script = Callable[[Any], None]
NEVER = 1_000_000

MALFORMED = "refused the request as malformed"
LOST = "nobody knows yet"
SLOW = "asks us to slow down"
ASKING = "does not answer at the moment; we keep asking"
ASKING_END = "and the clip comes when it does."
UNREACHED = "cannot be reached"
NOT_YET = "cannot be fetched yet"
NO_CLIP = "The clip "
REFUSES = "refuses this content. Nothing was charged."
REFUSES_FOR_MONEY = "refuses this content. $0.60 were charged."
FAILED = "could not make this clip. Nothing was charged."
EXPIRED = "no clip can be had from it any more"
UNSENT = "Cancelled before it was sent; nothing was charged."
STOPPED = "Cancelled. Nothing was charged."
STILL_COMES = "cannot stop a running job and charges it either way"
EMPTY = "has no credit left; the operator has been told. Nothing was charged."
KEY = "does not accept our account at the moment; the operator has been told."
GONE = "no longer serves this model. Nothing was charged"

_NO = {"type": "text", "text": "I cannot make videos of real people."}
KLING_ID = "824210374450710000"
LTX_ID = "job_0000"


def fail(*faults: Fault, on: str = "submit") -> Script:
    """The next calls of an operation, in turn; "" is one that goes well."""

    def script(vendor: Any) -> None:
        for fault in faults:
            vendor.fail_next(fault, on=on)

    return script


def said(status: int, body: Any, *, on: str = "submit", **headers: str) -> Script:
    """One answer word for word."""
    return fail(Canned(status=status, body=body, headers=headers), on=on)


def given(script: Script, **attributes: Any) -> Script:
    """A script on a vendor that is set up so."""

    def both(vendor: Any) -> None:
        for name, value in attributes.items():
            setattr(vendor, name, value)
        script(vendor)

    return both


def ended(script: Script) -> Script:
    """The vendor's own books have it as a failure, whatever words the script gives it."""

    def both(vendor: Any) -> None:
        vendor.fail_next("failed")
        script(vendor)

    return both


def lost_result(status: int, on: str = "poll") -> Script:
    """The clip's address has ended, and the vendor knows the job no more."""

    def script(vendor: Any) -> None:
        vendor.polls_until_done = 0
        fail(*[404] * 9, on="download")(vendor)
        fail("", *[status] * 9, on=on)(vendor)

    return script


def forgotten(status: int) -> Script:
    """The vendor has it, and then does not know it any more."""
    return given(fail("", "", *[status] * 9, on="poll"), polls_until_done=NEVER)


@dataclass(frozen=True)
class Row:
    """One vendor doing one thing wrong."""

    vendor: str
    case: str
    script: Script
    end: str = field(default="done", kw_only=True)  # "done", "uncertain", or why it was refunded
    posts: int = field(default=1, kw_only=True)
    made: int = field(default=1, kw_only=True)
    charge: int | None = field(default=None, kw_only=True)  # None: the hold for a clip, else 0
    says: str = field(default="", kw_only=True)  # among what the person was told
    paused: str = field(default="", kw_only=True)  # in the reason the vendor is paused with
    off: bool = field(default=False, kw_only=True)  # the route is off
    bound: bool = field(default=False, kw_only=True)  # what it costs cannot be known: at most this
    cancel: str = field(default="", kw_only=True)  # by a person: "unsent", "queued", "running"
    calls: dict[str, int] = field(default_factory=dict, kw_only=True)  # how often each was asked
    waited_s: float = field(default=0, kw_only=True)  # before the submission that was taken
    limits: dict[str, float] = field(default_factory=dict, kw_only=True)  # of `Pace`


def kling_said(status: str, message: str, **more: Any) -> Script:
    """A task's end in Kling's words."""
    task = {"id": KLING_ID, "status": status, "message": message, **more}
    return ended(said(200, {"code": 0, "message": "SUCCEED", "data": [task]}, on="poll"))


def ltx_said(kind: str) -> Script:
    job = {"id": LTX_ID, "status": "failed", "error": {"type": kind, "message": "no"}}
    return ended(said(200, job, on="poll"))


def google_said(status: str, **more: Any) -> Script:
    return ended(said(200, {"id": "v1_0000", "status": status, **more}, on="poll"))


def google_refused(text: str, reason: str = "INVALID_ARGUMENT", status: int = 400) -> Script:
    body = {"error": {"code": status, "message": text, "status": reason}}
    return said(status, body)


def runway_said(code: str | None, outcome: str = "rejected", *, tells_cost: bool = True) -> Script:
    return given(fail(outcome), failure_code=code, tells_cost=tells_cost)


def fal_ended(kind: str, status: int, *, told: bool, header: bool = False) -> Script:
    """COMPLETED, and then the result answers with an error."""
    state = {"status": "COMPLETED", "request_id": "r"}
    detail = {"detail": [{"loc": ["body"], "msg": "no", **({} if header else {"type": kind})}]}

    def script(vendor: Any) -> None:
        said(200, state | ({"error": "no", "error_type": kind} if told else {}), on="poll")(vendor)
        headers = {"X-Fal-Error-Type": kind} if header else {}
        said(status, detail, on="result", **headers)(vendor)

    return ended(script)


def replicate_said(text: str) -> Script:
    """A failure in a model's own words: HTTP 200 and free text."""
    told = {"id": "p", "status": "failed", "error": text, "output": None}
    return ended(said(200, told, on="poll"))


def openai_refused(status: int, code: str, message: str = "no") -> Script:
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return said(status, body)


FAILURES: list[Row] = [
    # refused before anything was accepted
    Row("kling", "400", fail(1201), end="failed", made=0, says=MALFORMED),
    Row(
        "kling",
        "refused with HTTP 200",
        said(200, {"code": 1200, "message": "bad", "request_id": "r"}),
        end="failed",
        made=0,
        says=MALFORMED,
    ),
    Row("runway", "400", fail(400), end="failed", made=0, says=MALFORMED),
    Row("google", "400", fail(400), end="failed", made=0, says=MALFORMED),
    Row("ltx", "400", fail(400), end="failed", made=0, says=MALFORMED),
    Row("ltx", "413", fail(413), end="failed", made=0, says=MALFORMED),
    Row("replicate", "422", fail(422), end="failed", made=0, says=MALFORMED),
    Row("fal", "422", fail(422), end="failed", made=0, says=MALFORMED),
    Row("gateway", "400", fail(400), end="failed", made=0, says=MALFORMED),
    # accepted, and the answer lost on the way
    Row("kling", "answer lost", fail("drop_after"), calls={"find": 1}),
    Row("runway", "answer lost", fail("drop_after"), end="uncertain", says=LOST),
    Row("google", "answer lost", fail("drop_after"), end="uncertain", says=LOST),
    Row("ltx", "answer lost", fail("drop_after"), end="uncertain", says=LOST),
    Row("replicate", "answer lost", fail("drop_after"), calls={"find": 1}),
    Row("fal", "answer lost", fail("drop_after"), end="uncertain", says=LOST),
    Row("gateway", "answer lost", fail("drop_after"), calls={"find": 1}),
    # accepted, and something in between answers for the vendor
    Row("kling", "accepted behind a 502", fail("lost-502")),
    Row("runway", "accepted behind a 500", fail("lost-500"), end="uncertain", says=LOST),
    Row("google", "accepted behind a 502", fail("lost-502"), end="uncertain", says=LOST),
    Row("ltx", "accepted behind a 503", fail("lost-503"), end="uncertain", says=LOST),
    Row("replicate", "accepted behind a 502", fail("lost-502")),
    Row("fal", "accepted behind a 502", fail("lost-502"), end="uncertain", says=LOST),
    Row("gateway", "accepted behind a 502", fail("lost-502")),
    # the connection cut with nothing accepted, which nobody can know at once
    Row("kling", "cut before", fail("reset_before"), posts=2, calls={"find": 2}),
    Row("runway", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    Row("google", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    Row("ltx", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    Row("replicate", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    Row("fal", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    Row("gateway", "cut before", fail("reset_before"), end="uncertain", made=0, says=LOST),
    # 5xx on the paid call: safe only where the vendor says so, in its own words
    Row("kling", "500", fail(5000), posts=2, calls={"find": 2}),
    Row("kling", "503", fail(5001), posts=2, calls={"find": 2}),
    Row("kling", "504", fail(5002), posts=2, calls={"find": 2}),
    Row("runway", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("runway", "503 is shed load", fail(503), posts=2, says=UNREACHED),
    Row("google", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("google", "503", fail(503), end="uncertain", made=0, says=LOST),
    Row("ltx", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("ltx", "503 in its words", fail(503), posts=2, says=UNREACHED),
    Row("ltx", "529 in its words", fail(529), posts=2, says=UNREACHED),
    Row("ltx", "503 of something else", fail("html-503"), end="uncertain", made=0, says=LOST),
    Row("replicate", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("replicate", "503", fail(503), end="uncertain", made=0, says=LOST),
    Row("fal", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("fal", "504", fail(504), end="uncertain", made=0, says=LOST),
    Row("gateway", "500", fail(500), end="uncertain", made=0, says=LOST),
    Row("gateway", "503", fail(503), end="uncertain", made=0, says=LOST),
    # a paid call answered with what is no answer
    Row("kling", "no JSON", fail("garbage")),
    Row("runway", "no JSON", fail("garbage"), end="uncertain", says=LOST),
    Row("google", "no JSON", fail("garbage"), end="uncertain", says=LOST),
    Row("ltx", "no JSON", fail("garbage"), end="uncertain", says=LOST),
    Row("replicate", "no JSON", fail("garbage")),
    Row("fal", "no JSON", fail("garbage"), end="uncertain", says=LOST),
    Row("gateway", "no JSON", fail("garbage")),
    Row("kling", "no id", fail("empty")),
    Row("runway", "no id", fail("empty"), end="uncertain", says=LOST),
    Row("google", "no id", fail("empty"), end="uncertain", says=LOST),
    Row("ltx", "no id", fail("empty"), end="uncertain", says=LOST),
    Row("replicate", "no id", fail("empty")),
    Row("fal", "no id", fail("empty"), end="uncertain", says=LOST),
    Row("gateway", "no id", fail("empty")),
    # an answer that drips past the deadline of a call
    Row("kling", "drips", fail("drip"), limits={"call_s": 0.5}),
    Row("runway", "drips", fail("drip"), end="uncertain", says=LOST, limits={"call_s": 0.5}),
    Row("google", "drips", fail("drip"), end="uncertain", says=LOST, limits={"call_s": 0.5}),
    Row("ltx", "drips", fail("drip"), end="uncertain", says=LOST, limits={"call_s": 0.5}),
    Row("replicate", "drips", fail("drip"), limits={"call_s": 0.5}),
    Row("fal", "drips", fail("drip"), end="uncertain", says=LOST, limits={"call_s": 0.5}),
    Row("gateway", "drips", fail("drip"), limits={"call_s": 0.5}),
]

THROTTLED: list[Row] = [
    Row("kling", "429 of the package", fail(1303, 1303), posts=3, says=SLOW, waited_s=6),
    Row(
        "google",
        "429 with a delay inside",
        given(fail(429), error_details=[{"retryDelay": "17s"}]),
        posts=2,
        says=SLOW,
        waited_s=17,
    ),
    Row("replicate", "429 with a delay in words", fail(429), posts=2, says=SLOW, waited_s=30),
    *(
        Row(
            name,
            "429 with Retry-After",
            given(fail(429, 429), retry_after="40"),
            posts=3,
            says=SLOW,
            waited_s=60 if name == "replicate" else 80,  # its body's delay goes before the header
        )
        for name in VENDORS
    ),
    *(
        Row(
            name,
            "429 without Retry-After",
            given(fail(429, 429, 429), retry_after=""),
            posts=4,
            says=SLOW,
            waited_s=90 if name == "replicate" else 14,  # 2 + 4 + 8
        )
        for name in VENDORS
    ),
    *(
        Row(name, "429 on a poll, for a lifetime", given(fail(429, on="poll"), retry_after="1e11"))
        for name in ("kling", "gateway", "fal")
    ),
    *(
        Row(name, "429 on a poll", given(fail(429, 429, on="poll"), retry_after="40"))
        for name in VENDORS
    ),
]

READS: list[Row] = [
    *(
        Row(name, "5xx on polls", fail(500, 502, 503, 500, on="poll"), says=ASKING)
        for name in VENDORS
    ),
    *(
        Row(name, "polls cut", fail(*["reset_before"] * 3, on="poll"), says=ASKING)
        for name in VENDORS
    ),
    *(
        Row(
            name, "polls without JSON", fail("garbage", "html-200", "empty", on="poll"), says=ASKING
        )
        for name in VENDORS
    ),
    *(
        Row(name, "a poll drips", fail("drip", on="poll"), limits={"call_s": 0.5})
        for name in VENDORS
    ),
    *(
        Row(name, "the key is refused at a poll", fail(401, on="poll"), paused="not accepted")
        for name in VENDORS
    ),
]

FETCHES: list[Row] = [
    *(
        Row(
            name,
            "HTML instead of a clip",
            fail("html-200", "html-200", on="download"),
            says=NO_CLIP,
            calls={"download": 3},
        )
        for name in VENDORS
    ),
    *(
        Row(name, "clip cut short", fail("cut", on="download"), says=NOT_YET, calls={"download": 2})
        for name in VENDORS
    ),
    *(
        Row(name, "half a clip", fail("half", on="download"), says=NO_CLIP, calls={"download": 2})
        for name in VENDORS
    ),
    *(
        Row(
            name,
            "the clip drips",
            fail("drip", on="download"),
            says=NOT_YET,
            calls={"download": 2},
            limits={"download_s": 1.0},
        )
        for name in VENDORS
    ),
    *(
        Row(
            name,
            "the clip's address ended, a fresh one works",
            fail(404, 410, 503, on="download"),
            says=NOT_YET,
            calls={"download": 4},
        )
        for name in VENDORS
    ),
    *(
        Row(
            name,
            "the clip's address ended for good",
            fail(*[404] * 40, on="download"),
            end="expired",
            says=EXPIRED,
            calls={"download": 13},
        )
        for name in VENDORS
    ),
    Row("kling", "result gone", lost_result(1203), end="expired", says=EXPIRED),
    *(
        Row(name, "result gone", lost_result(404), end="expired", says=EXPIRED)
        for name in VENDORS
        if name != "kling"
    ),
    Row("kling", "forgotten while it renders", forgotten(1203), end="expired", says=EXPIRED),
    *(
        Row(
            name,
            "forgotten while it renders",
            forgotten(404),
            end="expired",
            says=EXPIRED,
            bound=True,
        )
        for name in VENDORS
        if name != "kling"
    ),
    Row("google", "file gone", lost_result(403, "file"), end="expired", says=EXPIRED),
    Row(
        "gateway",
        "result expired",
        fail(*[Canned(status=200, body={"id": "video_0001", "status": "expired"})] * 9, on="poll"),
        end="expired",
        says=EXPIRED,
    ),
]

REFUSALS: list[Row] = [
    # the content is refused, in every documented form
    Row("kling", "policy at submit", fail(1300), end="rejected", made=0, says=REFUSES),
    Row("kling", "safety at submit", fail(1301), end="rejected", made=0, says=REFUSES),
    Row("kling", "refused as a task", fail("rejected"), end="rejected", says=REFUSES),
    Row(
        "runway",
        "SAFETY.INPUT is billed",
        runway_said("SAFETY.INPUT.IMAGE"),
        end="rejected",
        charge=600_000,
        says=REFUSES_FOR_MONEY,
    ),
    Row(
        "runway",
        "SAFETY.INPUT without its cost",
        runway_said("SAFETY.INPUT.TEXT", tells_cost=False),
        end="rejected",
        charge=600_000,
        says=REFUSES_FOR_MONEY,
    ),
    Row(
        "runway",
        "SAFETY.OUTPUT is not billed",
        runway_said("SAFETY.OUTPUT.VIDEO"),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "runway",
        "SAFETY.OUTPUT without its cost",
        runway_said("SAFETY.OUTPUT.VIDEO", tells_cost=False),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "runway",
        "the prompt stopped at preprocessing",
        runway_said("INPUT_PREPROCESSING.SAFETY.TEXT"),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "google",
        "policy at submit",
        google_refused("The prompt violates our safety policy."),
        end="rejected",
        made=0,
        says=REFUSES,
    ),
    Row("google", "completed without a video", fail("rejected"), end="rejected", says=REFUSES),
    Row(
        "google",
        "completed with nothing at all",
        google_said("completed", usage={"output_tokens_by_modality": []}),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "google",
        "incomplete for safety",
        google_said("incomplete", errors=[{"code": "SAFETY", "message": "blocked for safety"}]),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "google",
        "refused in a step",
        google_said(
            "failed",
            steps=[{"type": "model_output", "error": {"code": 3, "message": "prohibited use"}}],
        ),
        end="rejected",
        says=REFUSES,
    ),
    Row("ltx", "filtered at submit", fail(422), end="rejected", made=0, says=REFUSES),
    Row(
        "ltx",
        "filtered as a job",
        ltx_said("content_filtered_error"),
        end="rejected",
        says=REFUSES,
    ),
    Row("replicate", "flagged as sensitive", fail("rejected"), end="rejected", says=REFUSES),
    Row(
        "fal",
        "policy at submit",
        said(422, {"detail": [{"type": "content_policy_violation", "msg": "no"}]}),
        end="rejected",
        made=0,
        says=REFUSES,
    ),
    Row(
        "fal",
        "COMPLETED and an error",
        fal_ended("content_policy_violation", 422, told=True),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "fal",
        "COMPLETED, the result tells",
        fal_ended("content_policy_violation", 422, told=False),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "fal",
        "COMPLETED, a header tells",
        fal_ended("content_policy_violation", 422, told=False, header=True),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "fal",
        "no media generated",
        fal_ended("no_media_generated", 422, told=True),
        end="rejected",
        says=REFUSES,
    ),
    Row(
        "gateway",
        "policy at submit",
        openai_refused(400, "content_policy_violation"),
        end="rejected",
        made=0,
        says=REFUSES,
    ),
    Row(
        "gateway",
        "moderation at submit",
        openai_refused(400, "moderation_blocked"),
        end="rejected",
        made=0,
        says=REFUSES,
    ),
    Row("gateway", "moderation_blocked", fail("rejected"), end="rejected", says=REFUSES),
    Row(
        "google",
        "refused in words",
        google_said("completed", steps=[{"type": "model_output", "content": [_NO]}]),
        end="rejected",
        says=REFUSES,
    ),
    *(
        Row("replicate", f"refused: {text}", replicate_said(text), end="rejected", says=REFUSES)
        for text in ("The input was flagged as sensitive. (E005)", "violates our content policy")
    ),
]

ENDINGS: list[Row] = [
    # the vendor gave up
    *(Row(name, "job failed", fail("failed"), end="failed", says=FAILED) for name in VENDORS),
    Row(
        "kling",
        "failed, and says what it took",
        kling_said(
            "failed",
            "internal",
            billing=[{"charge_type": "cash", "amount": "0.10", "currency": "USD"}],
        ),
        end="failed",
        charge=100_000,
        bound=True,
        says="$0.10 were charged",
    ),
    Row("runway", "INTERNAL", runway_said(None, "failed"), end="failed", says=FAILED),
    *(
        Row("runway", code, runway_said(code, "failed"), end="failed", says=FAILED)
        for code in ("ASSET.INVALID", "INPUT_PREPROCESSING.INTERNAL", "THE.UNHEARD.OF")
    ),
    Row("runway", "THROTTLED is waiting", given(fail(), throttled=True, polls_queued=6)),
    Row(
        "runway",
        "THIRD_PARTY.UNAVAILABLE without its cost",
        runway_said("THIRD_PARTY.UNAVAILABLE", "failed", tells_cost=False),
        end="failed",
        says=FAILED,
    ),
    Row("google", "budget_exceeded", google_said("budget_exceeded"), end="failed", says=FAILED),
    Row("ltx", "api_error", ltx_said("api_error"), end="failed", says=FAILED),
    Row(
        "fal",
        "5xx result",
        fal_ended("downstream_service_error", 500, told=False),
        end="failed",
        says=FAILED,
    ),
    Row("fal", "422 result", fal_ended("value_error", 422, told=True), end="failed", says=FAILED),
    # a person stops it before it is sent, while it waits at the vendor, while it runs
    *(
        Row(
            name,
            "cancelled before it was sent",
            fail(),
            cancel="unsent",
            end="cancelled",
            posts=0,
            made=0,
            says=UNSENT,
        )
        for name in VENDORS
    ),
    Row("kling", "cancelled while queued", fail(), cancel="queued", says=STILL_COMES),
    Row("runway", "cancelled while queued", fail(), cancel="queued", end="cancelled", says=STOPPED),
    Row("google", "cancelled while queued", fail(), cancel="queued", end="cancelled", says=STOPPED),
    Row("ltx", "cancelled while queued", fail(), cancel="queued", says=STILL_COMES),
    Row(
        "replicate",
        "cancelled while queued",
        fail(),
        cancel="queued",
        end="cancelled",
        says=STOPPED,
    ),
    Row("fal", "cancelled while queued", fail(), cancel="queued", end="cancelled", says=STOPPED),
    Row("gateway", "cancelled while queued", fail(), cancel="queued", says=STILL_COMES),
    Row("kling", "cancelled while running", fail(), cancel="running", says=STILL_COMES),
    Row(
        "runway",
        "cancelled while running: no refund",
        fail(),
        cancel="running",
        end="cancelled",
        charge=600_000,
        says="Cancelled. $0.60 were charged.",
    ),
    Row(
        "google",
        "cancelled while running: not documented, so the hold",
        fail(),
        cancel="running",
        end="cancelled",
        charge=506_800,
        bound=True,
        says="Cancelled. $0.5068 were charged.",
    ),
    Row("ltx", "cancelled while running", fail(), cancel="running", says=STILL_COMES),
    Row(
        "replicate",
        "cancelled while running: what ran, so at most the hold",
        fail(),
        cancel="running",
        end="cancelled",
        charge=840_000,
        bound=True,
        says="Cancelled. $0.84 were charged.",
    ),
    Row(
        "fal",
        "cancelled while running: not documented, so the hold",
        fail(),
        cancel="running",
        end="cancelled",
        charge=420_000,
        bound=True,
        says="Cancelled. $0.42 were charged.",
    ),
    Row("gateway", "cancelled while running", fail(), cancel="running", says=STILL_COMES),
    *(
        Row(
            name,
            "the cancel itself fails, twice",
            fail(500, "reset_before", on="cancel"),
            cancel="queued",
            end="cancelled",
            says=STOPPED,
            calls={"cancel": 3},
        )
        for name in ("runway", "google", "replicate", "fal")
    ),
]

ACCOUNTS: list[Row] = [
    # the account is empty
    Row("kling", "in arrears", fail(1101), end="failed", made=0, says=EMPTY, paused="no credit"),
    Row("kling", "package used up", fail(1102), end="failed", made=0, says=EMPTY, paused="credit"),
    Row(
        "runway",
        "not enough credits",
        given(fail(), credits=10),
        end="failed",
        made=0,
        says=EMPTY,
        paused="no credit",
    ),
    Row(
        "google",
        "prepaid credits used up",
        google_refused("Your prepay credits are depleted.", "RESOURCE_EXHAUSTED", 429),
        end="failed",
        made=0,
        says=EMPTY,
        paused="no credit",
    ),
    Row(
        "google",
        "no billing",
        google_refused("Enable billing on project x.", "FAILED_PRECONDITION"),
        end="failed",
        made=0,
        says=EMPTY,
        paused="no credit",
    ),
    Row("ltx", "402", fail(402), end="failed", made=0, says=EMPTY, paused="no credit"),
    Row("replicate", "402", fail(402), end="failed", made=0, says=EMPTY, paused="no credit"),
    Row("fal", "402", fail(402), end="failed", made=0, says=EMPTY, paused="no credit"),
    Row(
        "fal",
        "403 locked",
        said(403, {"detail": "User is locked. Reason: Exhausted balance."}),
        end="failed",
        made=0,
        says=EMPTY,
        paused="no credit",
    ),
    Row(
        "gateway",
        "insufficient_quota",
        openai_refused(429, "insufficient_quota"),
        end="failed",
        made=0,
        says=EMPTY,
        paused="no credit",
    ),
    # the key is refused
    Row("kling", "key refused", fail(1002), end="failed", made=0, says=KEY, paused="key"),
    Row("kling", "IP not allowed", fail(1304), end="failed", made=0, says=KEY, paused="key"),
    Row(
        "google",
        "API_KEY_INVALID",
        given(fail(400), error_details=[{"reason": "API_KEY_INVALID"}]),
        end="failed",
        made=0,
        says=KEY,
        paused="key",
    ),
    *(
        Row(name, "key refused", fail(401), end="failed", made=0, says=KEY, paused="key")
        for name in VENDORS
        if name != "kling"
    ),
    # the model is no longer served
    Row("kling", "model gone", fail(1203), end="failed", made=0, says=GONE, off=True),
    Row("kling", "not opened for us", fail(1103), end="failed", made=0, says=GONE, off=True),
    Row(
        "runway",
        "model gone",
        given(fail(), models=set()),
        end="failed",
        made=0,
        says=GONE,
        off=True,
    ),
    Row("google", "model gone", fail(404), end="failed", made=0, says=GONE, off=True),
    Row(
        "ltx",
        "model gone",
        said(
            400,
            {"error": {"type": "invalid_request_error", "message": "model x is deprecated"}},
        ),
        end="failed",
        made=0,
        says=GONE,
        off=True,
    ),
    Row("ltx", "endpoint gone", fail(404), end="failed", made=0, says=GONE, off=True),
    Row("replicate", "model gone", fail(404), end="failed", made=0, says=GONE, off=True),
    Row("fal", "endpoint gone", fail(404), end="failed", made=0, says=GONE, off=True),
    Row("gateway", "model gone", fail(404), end="failed", made=0, says=GONE, off=True),
    Row(
        "gateway",
        "model_not_found",
        openai_refused(400, "model_not_found"),
        end="failed",
        made=0,
        says=GONE,
        off=True,
    ),
]

# Kling where only the access/secret pair is set: the other generation, its own paths and words.
PAIR: list[Row] = [
    Row("kling-legacy", "400", fail(1201), end="failed", made=0, says=MALFORMED),
    Row("kling-legacy", "answer lost", fail("drop_after")),
    Row("kling-legacy", "accepted behind a 502", fail("lost-502")),
    Row("kling-legacy", "cut before", fail("reset_before"), posts=2),
    Row("kling-legacy", "500", fail(5000), posts=2),
    Row("kling-legacy", "no JSON", fail("garbage")),
    Row("kling-legacy", "drips", fail("drip"), limits={"call_s": 0.5}),
    Row("kling-legacy", "429 without Retry-After", fail(1303, 1302), posts=3, says=SLOW),
    Row("kling-legacy", "token expired, minted anew", fail(1004), posts=2),
    Row("kling-legacy", "5xx on polls", fail(5000, 5001, 5002, on="poll"), says=ASKING),
    Row("kling-legacy", "polls without JSON", fail(*["garbage"] * 3, on="poll"), says=ASKING),
    Row("kling-legacy", "clip cut short", fail("cut", on="download"), says=NOT_YET),
    Row("kling-legacy", "result gone", lost_result(1203), end="expired", says=EXPIRED),
    Row("kling-legacy", "forgotten while it renders", forgotten(1203), end="expired", says=EXPIRED),
    Row("kling-legacy", "safety at submit", fail(1301), end="rejected", made=0, says=REFUSES),
    Row("kling-legacy", "refused as a task", fail("rejected"), end="rejected", says=REFUSES),
    Row("kling-legacy", "job failed", fail("failed"), end="failed", says=FAILED),
    Row("kling-legacy", "cancelled while running", fail(), cancel="running", says=STILL_COMES),
    Row(
        "kling-legacy", "in arrears", fail(1101), end="failed", made=0, says=EMPTY, paused="credit"
    ),
    Row("kling-legacy", "key refused", fail(1002), end="failed", made=0, says=KEY, paused="key"),
    Row("kling-legacy", "model gone", fail(1203), end="failed", made=0, says=GONE, off=True),
]

ROWS = [*PAIR, *FAILURES, *THROTTLED, *READS, *FETCHES, *REFUSALS, *ENDINGS, *ACCOUNTS]


# What a vendor may do wrong, and by which words of its case a row is known to be about it.
KINDS = {
    "refused before accepting": ("400", "422"),
    "accepted, the answer lost": ("answer lost",),
    "429 with Retry-After": ("429 with Retry-After",),
    "429 without Retry-After": ("429 without Retry-After",),
    "5xx on submit": ("500",),
    "5xx on poll": ("5xx on polls",),
    "malformed JSON": ("no JSON",),
    "HTML instead of a clip": ("HTML instead of a clip",),
    "truncated clip": ("clip cut short",),
    "slow drip past the deadline": ("drips", "the clip drips"),
    "content refused": (
        *("policy at submit", "refused as a task", "SAFETY.INPUT is billed"),
        *("filtered at submit", "flagged as sensitive"),
    ),
    "job failed": ("job failed",),
    "result expired": ("result gone",),
    "cancelled while queued": ("cancelled while queued",),
    "cancelled while running": ("cancelled while running",),
    "account empty": (
        *("in arrears", "not enough credits", "no billing", "402"),
        "insufficient_quota",
    ),
    "model gone": ("model gone", "endpoint gone"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", VENDORS)
def test_no_kind_of_fault_is_left_out_for_any_vendor(name: str, kind: str) -> None:
    cases = [row.case.partition(":")[0] for row in ROWS if row.vendor == name]
    assert set(cases) & set(KINDS[kind])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.vendor}: {row.case}")
async def test_a_fault_ends_as_the_table_says(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(row.vendor, tmp_path, monkeypatch, **row.limits) as scene:
        row.script(scene.vendor)
        job = await _run(scene, row)
        asked = {name: scene.vendor.calls[name] for name in row.calls}

        came_to = (_end(job), scene.vendor.calls["submit"], len(scene.vendor.jobs))
        assert came_to == (row.end, row.posts, row.made), job
        assert _waited_s(job) >= row.waited_s
        assert asked == row.calls
        assert row.says in "\n".join(scene.witness.told)
        await _money_is_right(scene, row, job)
        await _vendor_stands_as_said(scene, row)


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("name", ["kling", "runway", "google"])
async def test_the_vendors_own_figure_is_booked_and_never_more_than_was_agreed_to(
    name: str, factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(name, tmp_path, monkeypatch) as scene:
        scene.vendor.price_factor = factor
        (job,) = await scene.make()
        await scene.until(lambda job: job.ended, job)
        hold, bill = VENDORS[name].hold_micros, scene.vendor.bill_micros
        lines = {line[0]: line[3] for line in await scene.app.store.lines(job.id)}
        over = {"adjust": bill - hold} if bill > hold else {}

        assert bill == hold * factor
        assert lines == {
            "hold": hold,
            "settle": min(bill, hold),
            "release": max(0, hold - bill),
            **over,
        }
        assert await scene.app.store.check_ledger() == []


@pytest.mark.parametrize("name", ["runway", "ltx"])
async def test_a_job_that_never_ends_is_looked_after_for_a_day_and_booked_at_the_hold(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(name, tmp_path, monkeypatch) as scene:
        scene.vendor.polls_until_done = NEVER
        (job,) = await scene.make()
        await scene.until(lambda job: job.state is State.RENDERING, job)
        scene.moved_on(hours=1)
        await scene.until(lambda job: "we keep looking" in job.message, job)
        scene.moved_on(hours=24)
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)

        assert (_end(job), settled_micros(job)) == ("expired", VENDORS[name].hold_micros)


async def test_a_route_that_was_called_gone_is_offered_again_a_day_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("fal", tmp_path, monkeypatch) as scene:
        fail(404)(scene.vendor)
        (job,) = await scene.make()
        await scene.until(lambda job: job.ended, job)
        with pytest.raises(Refused):
            await scene.quote()
        scene.moved_on(hours=24)

        assert (await scene.quote()).choice.provider == "fal"


async def test_a_vendor_silent_for_a_day_is_asked_ever_less_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("fal", tmp_path, monkeypatch) as scene:
        fail(*[500] * 999, on="poll")(scene.vendor)
        (job,) = await scene.make()
        await scene.until(lambda job: job.message.endswith(ASKING_END), job)
        waits = [
            (move.due_at - move.updated_at).total_seconds()
            for move in scene.witness.moves
            if move.state is State.RENDERING and move.detail
        ]
        scene.moved_on(hours=25)
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)

        assert waits == [5, 10, 20]
        assert (_end(job), settled_micros(job)) == ("expired", VENDORS["fal"].hold_micros)


async def _run(scene: Studio, row: Row) -> Job:
    """The job as far as it comes: its end, or as often looked up in vain as tells."""
    if row.cancel:
        return await _cancelled(scene, row.cancel)
    (job,) = await scene.make()
    await scene.until(_at_rest, job)
    return await scene.app.store.job(job.id)


async def _cancelled(scene: Studio, when: str) -> Job:
    scene.vendor.polls_until_done = NEVER
    scene.vendor.polls_queued = 1 if when == "running" else NEVER
    provider = scene.name.removesuffix("-legacy")
    lane = scene.app.vendors.lane(provider)
    for seat in range(lane.capacity if when == "unsent" else 0):
        lane.resume(f"somebody else's {seat}")
    (job,) = await scene.make()
    reached = {
        "unsent": lambda _: True,
        "queued": lambda job: job.state is State.RENDERING,
        "running": lambda job: job.progress is not None,
    }
    await scene.until(reached[when], job)
    await scene.app.producer.cancel(job.id, Person())
    await scene.until(lambda job: job.ended or job.cancel_sent, job)
    if not PROVIDERS[provider].facts.cancellable:
        scene.vendor.polls_until_done = 0
    await scene.until(_at_rest, job)
    return await scene.app.store.job(job.id)


def _at_rest(job: Job) -> bool:
    return job.ended or (job.state is State.UNCERTAIN and job.looks >= 3)


def _end(job: Job) -> str:
    if job.state is State.REFUNDED:
        return job.reason.value
    return job.state.value if job.reason in (Reason.NONE, Reason.UNKNOWN) else "?"


def _waited_s(job: Job) -> float:
    return ((job.first_sent_at or job.created_at) - job.created_at).total_seconds()


async def _money_is_right(scene: Studio, row: Row, job: Job) -> None:
    """Quoted is held; booked is what the vendor bills or, where that cannot be known, the hold."""
    hold, bill = SCENES[row.vendor].hold_micros, scene.vendor.bill_micros
    charge = (hold if row.end in ("done", "expired") else 0) if row.charge is None else row.charge
    lines = {line[0]: line[3] for line in await scene.app.store.lines(job.id)}

    assert job.hold_micros == lines["hold"] == hold
    if row.end == "uncertain":
        assert set(lines) == {"hold"}
        assert bill <= hold
    else:
        assert lines == {"hold": hold, "settle": charge, "release": hold - charge}
        assert settled_micros(job) == charge
        assert bill <= charge if row.bound else bill == charge
    assert await scene.app.store.check_ledger() == []


async def _vendor_stands_as_said(scene: Studio, row: Row) -> None:
    """Paused, its route off, or as usable as before."""
    troubles = await scene.app.store.troubles()
    pauses = [trouble.reason for trouble in troubles if not trouble.wire_id]

    assert [bool(pauses), bool([one for one in troubles if one.wire_id])] == [
        bool(row.paused),
        row.off,
    ]
    assert row.paused in "".join(pauses)
    if row.paused or row.off:
        with pytest.raises(Refused):
            await scene.quote()
