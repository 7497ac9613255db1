"""What a brief becomes on a route: adapted in words, or refused with what is possible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.brief import Brief, Stage
from bot.catalogue import Audio, Confidence, Fit, Unfit, builtin_text, load
from bot.fitting import Wish, estimate, fit
from bot.models import RESOLUTIONS, Extra, Limit, Model, Price, Rate, Route
from providers.base import MediaInput, MediaRole

CATALOGUE = load(builtin_text(), None)
ROUTES = [(model, route) for model in CATALOGUE.models.values() for route in model.routes]


def media(*roles: str) -> tuple[MediaInput, ...]:
    return tuple(
        MediaInput(role=MediaRole(role), mime="image/png", path=Path("x")) for role in roles
    )


def on(model_id: str, provider: str) -> tuple[Model, Route]:
    model = CATALOGUE.models[model_id]
    return model, next(route for route in model.routes if route.provider == provider)


def made(
    model_id: str,
    provider: str,
    stage: Stage = Stage.CONCEPT,
    want: Wish | None = None,
    **said: Any,
) -> Fit:
    """The brief, which must be possible there."""
    found = tried(model_id, provider, stage, want, **said)
    assert isinstance(found, Fit), found
    return found


def refused(model_id: str, provider: str, want: Wish | None = None, **said: Any) -> str:
    """Why the brief is not possible there."""
    found = tried(model_id, provider, Stage.CONCEPT, want, **said)
    assert isinstance(found, Unfit), found
    return found.reason


def tried(
    model_id: str, provider: str, stage: Stage, want: Wish | None, **said: Any
) -> Fit | Unfit:
    video_s = said.pop("video_s", None)
    brief = Brief(**{"prompt": "a paper boat", **said})
    model, route = on(model_id, provider)
    return fit(model, route, brief, stage=stage, want=want or Wish(), video_s=video_s)


def test_defaults_are_short_small_silent_and_wide() -> None:
    clip = made("kling-v3", "kling")
    assert clip == Fit(
        duration_s=5,
        aspect="16:9",
        resolution="720p",
        audio=False,
        price_micros=420_000,
        adapted=(),
    )


@pytest.mark.parametrize(
    ("model_id", "provider", "duration_s", "resolution"),
    [
        ("sora-2-pro", "gateway", 8, "720p"),  # sold in steps of four seconds
        ("veo-3.1", "runway", 6, "720p"),
        ("ltx-2.3-pro", "fal", 6, "1080p"),  # nothing smaller on this host
        ("local", "local", 5, "720p"),
    ],
)
def test_defaults_are_the_shortest_of_five_seconds_and_the_smallest_of_720p(
    model_id: str, provider: str, duration_s: int, resolution: str
) -> None:
    clip = made(model_id, provider)
    assert (clip.duration_s, clip.resolution) == (duration_s, resolution)


@pytest.mark.parametrize(
    ("stage", "draft_micros", "resolution"),
    [
        (Stage.CONCEPT, 10_000, "480p"),
        (Stage.ANIMATIC, 10_000, "480p"),
        (Stage.FINAL, 10_000, "720p"),
        (Stage.CONCEPT, 20_000, "720p"),  # no cheaper: no reason to be smaller
    ],
)
def test_drafts_are_480p_where_that_is_cheaper(
    stage: Stage, draft_micros: int, resolution: str
) -> None:
    model, route = priced({"480p": draft_micros, "720p": 20_000})
    found = fit(model, route, Brief(prompt="x"), stage=stage)
    assert isinstance(found, Fit)
    assert found.resolution == resolution


def priced(micros: dict[str, int | None], **changes: Any) -> tuple[Model, Route]:
    """The local model with these silent prices."""
    model, route = on("local", "local")
    assert route.price is not None
    per_s = {name: Rate(silent_micros=value, audio_micros=None) for name, value in micros.items()}
    return model, replace(route, price=replace(route.price, per_s=per_s), **changes)


@pytest.mark.parametrize(
    ("model_id", "provider", "asked", "found"),
    [
        ("gen-4.5", "replicate", 8, 10),  # 5 or 10: the nearer
        ("gen-4.5", "replicate", 7.5, 10),  # as near: the longer
        ("gen-4.5", "replicate", 6, 5),
        ("sora-2", "gateway", 2, 4),  # twice is still the same clip
        ("kling-v3", "kling", 30, 15),
        ("kling-v3", "kling", 5.4, 5),
    ],
)
def test_length_within_a_factor_of_two_is_adapted_in_words(
    model_id: str, provider: str, asked: float, found: int
) -> None:
    clip = made(model_id, provider, duration_s=asked)
    assert clip.duration_s == found
    assert any(note.startswith(f"{asked:g} s -> {found} s (") for note in clip.adapted)


def test_length_out_of_reach_is_refused_with_what_is_possible() -> None:
    assert refused("kling-v3", "kling", duration_s=31) == "31 s is not possible here: 3-15 s are"
    assert refused("sora-2", "gateway", duration_s=1.9).endswith("4, 8, 12, 16 or 20 s are")


@pytest.mark.parametrize("duration_s", [0, -1, float("nan"), float("inf")])
def test_length_that_is_none_is_refused(duration_s: float) -> None:
    assert "no clip" in refused("kling-v3", "kling", duration_s=duration_s)


def test_length_depends_on_the_size_where_the_vendor_says_so() -> None:
    assert made("ltx-2.3-fast", "ltx", duration_s=20).duration_s == 20
    large = made("ltx-2.3-fast", "ltx", duration_s=20, resolution="4k")
    assert large.duration_s == 10
    assert large.adapted == ("20 s -> 10 s (LTX-2.3-Fast offers 2-6, 8 or 10 s here)",)


@pytest.mark.parametrize(
    ("asked", "found"), [("16:9", "16:9"), ("4:3", "16:9"), ("9:21", "9:16"), ("1:1", "1:1")]
)
def test_ratio_goes_to_the_nearest_of_its_orientation(asked: str, found: str) -> None:
    clip = made("kling-v3", "kling", aspect=asked)
    assert clip.aspect == found
    assert bool(clip.adapted) == (asked != found)


def test_ratio_written_otherwise_is_the_same_ratio() -> None:
    clip = made("kling-v3", "kling", aspect="1920:1080")
    assert (clip.aspect, clip.adapted) == ("16:9", ())


def test_ratio_of_another_orientation_is_refused() -> None:
    assert refused("veo-3.1", "fal", aspect="1:1") == "1:1 is not possible here: 16:9 or 9:16 only"


@pytest.mark.parametrize("aspect", ["wide", "16x9", "0:9", "16:0", "", "-1:2"])
def test_ratio_that_is_none_is_refused(aspect: str) -> None:
    assert "is not a ratio" in refused("kling-v3", "kling", aspect=aspect)


def test_ratio_is_the_pictures_where_the_route_follows_it() -> None:
    clip = made("kling-v3", "kling", aspect="21:9", inputs=media("first_frame"))
    assert clip.aspect == "21:9"
    assert clip.adapted == ("what is attached decides the ratio, not 21:9",)


def test_ratio_depends_on_the_picture_where_the_vendor_says_so() -> None:
    square = made("gen-4.5", "runway", aspect="1:1", inputs=media("first_frame"))
    assert square.aspect == "1:1"
    assert "only" in refused("gen-4.5", "runway", aspect="1:1")


@pytest.mark.parametrize(
    ("model_id", "provider", "asked", "found"),
    [
        ("kling-v3", "kling", "480p", "720p"),  # the next higher
        ("kling-v3", "kling", "1024p", "1080p"),
        ("kling-v3", "kling", "1440p", "4k"),
        ("kling-v3", "fal", "4k", "1080p"),  # nothing higher
        ("gen-4.5", "runway", "1080p", "720p"),
    ],
)
def test_size_goes_to_the_next_higher_else_to_the_highest(
    model_id: str, provider: str, asked: str, found: str
) -> None:
    clip = made(model_id, provider, resolution=asked)
    assert clip.resolution == found
    assert clip.adapted[0].startswith(f"{asked} -> {found} (")


def test_size_that_is_none_is_refused_with_those_there_are() -> None:
    reason = refused("kling-v3", "kling", resolution="8k")
    assert reason == "resolution '8k' is unknown; possible here: 720p, 1080p or 4k"


def test_size_without_a_price_is_not_sold() -> None:
    model, route = priced({"720p": 20_000})
    found = fit(model, route, Brief(prompt="x", resolution="1080p"), stage=Stage.FINAL)
    assert isinstance(found, Fit)
    assert found.resolution == "720p"


def test_sound_asked_of_a_silent_model_is_left_out_in_words() -> None:
    clip = made("gen-4.5", "runway", audio=True)
    assert (clip.audio, clip.adapted) == (False, ("made without sound: only silent clips here",))


@pytest.mark.parametrize("audio", [None, False])
def test_sound_that_cannot_be_switched_off_is_said(audio: bool | None) -> None:
    clip = made("gemini-omni-1.1", "google", audio=audio)
    assert (clip.audio, clip.adapted) == (True, ("sound cannot be switched off",))


def test_sound_asked_for_and_given_costs_its_price() -> None:
    clip = made("kling-v3", "kling", audio=True)
    assert (clip.audio, clip.price_micros, clip.adapted) == (True, 630_000, ())


def test_sound_that_is_not_sold_with_a_video_is_left_out() -> None:
    clip = made("kling-v3-omni", "kling", audio=True, inputs=media("motion"))
    assert not clip.audio
    assert clip.price_micros == 5 * 126_000


@pytest.mark.parametrize(
    ("model_id", "provider", "roles", "words"),
    [
        ("sora-2-pro", "gateway", ("last_frame",), "cannot use a last frame (end_image) here"),
        ("gen-4.5", "runway", ("motion",), "a motion video (motion)"),
        ("veo-3.1", "runway", ("reference",), "a reference still (reference)"),
        ("kling-v3-omni", "fal", ("source",), "a video to continue or edit"),
        ("kling-v3", "kling", ("last_frame",), "needs a first frame (image) attached"),
        ("kling-v3-motion-control", "kling", ("motion",), "needs a first frame (image) attached"),
        (
            "kling-v3-motion-control",
            "kling",
            (),
            "a motion video (motion) and a first frame (image)",
        ),
        ("veo-3.1", "fal", ("reference",) * 4, "4 reference stills are too many here: at most 3"),
        ("kling-v3-omni", "kling", ("reference",) * 8, "at most 7"),
        ("kling-v3-omni", "kling", ("motion", *("reference",) * 5), "at most 4"),
    ],
)
def test_inputs_a_route_cannot_take_or_lacks_are_named(
    model_id: str, provider: str, roles: tuple[str, ...], words: str
) -> None:
    assert words in refused(model_id, provider, inputs=media(*roles))


def test_inputs_that_exclude_each_other_are_told_apart_from_those_never_taken() -> None:
    reason = refused("gemini-omni-1.1", "google", inputs=media("first_frame", "reference"))
    assert "a reference still (reference) here together with what else is attached" in reason
    assert made("gemini-omni-1.1", "google", inputs=media("reference"))


def test_model_that_takes_text_only_says_so() -> None:
    model, route = on("local", "local")
    found = fit(
        model,
        replace(route, inputs=()),
        Brief(prompt="x", inputs=media("first_frame")),
        stage=Stage.FINAL,
    )
    assert isinstance(found, Unfit)
    assert found.reason.endswith("possible: text only")


def test_inputs_narrow_what_else_is_possible() -> None:
    clip = made("veo-3.1", "fal", inputs=media("reference"), duration_s=4, resolution="4k", seed=1)
    assert (clip.duration_s, clip.resolution) == (8, "4k")
    assert "the seed is left out: not taken here" in clip.adapted
    assert made("veo-3.1", "fal", resolution="4k").resolution == "1080p"
    frames = media("first_frame", "last_frame")
    assert made("veo-3.1", "fal", inputs=frames, resolution="4k").price_micros == 6 * 400_000


def test_limits_that_leave_nothing_refuse_instead_of_failing() -> None:
    model, route = on("local", "local")
    brief = Brief(prompt="x", resolution="720p")
    for empty in (
        Limit(missing=(MediaRole.MOTION,), durations_s=()),
        Limit(missing=(MediaRole.MOTION,), aspects=()),
        Limit(missing=(MediaRole.MOTION,), resolutions=()),
        Limit(missing=(MediaRole.MOTION,), audio=Audio.ALWAYS),
        Limit(at=("720p",), durations_s=()),
    ):
        found = fit(model, replace(route, limits=(empty,)), brief, stage=Stage.FINAL)
        assert isinstance(found, Unfit), empty


def test_motion_control_lasts_as_long_as_its_video() -> None:
    inputs = media("first_frame", "motion")
    clip = made("kling-v3-motion-control", "kling", inputs=inputs, video_s=7.2)
    assert (clip.duration_s, clip.price_micros) == (8, 8 * 126_000)
    assert clip.adapted == ("as long as a motion video (motion)",)
    told = made("kling-v3-motion-control", "kling", inputs=inputs, video_s=7.2, duration_s=5)
    assert told.adapted == ("5 s -> 8 s: as long as a motion video (motion)",)


@pytest.mark.parametrize("still", ["first_frame", "reference"])
def test_motion_control_takes_its_character_as_either_still_but_not_both(still: str) -> None:
    inputs = media(still, "motion")
    assert made("kling-v3-motion-control", "kling", inputs=inputs, video_s=5).duration_s == 5
    both = media("first_frame", "reference", "motion")
    assert "together with" in refused("kling-v3-motion-control", "kling", inputs=both)


def test_motion_control_of_an_unmeasured_video_is_priced_at_the_longest() -> None:
    inputs = media("first_frame", "motion")
    clip = made("kling-v3-motion-control", "kling", inputs=inputs)
    assert clip.duration_s == 30
    assert "priced for the longest possible, 30 s" in clip.adapted[0]
    assert made("kling-v3-motion-control", "kling", inputs=inputs, duration_s=4).duration_s == 4


@pytest.mark.parametrize("video_s", [2.9, 30.1])
def test_motion_video_too_short_or_long_is_refused(video_s: float) -> None:
    inputs = media("first_frame", "motion")
    reason = refused("kling-v3-motion-control", "kling", inputs=inputs, video_s=video_s)
    assert reason == "a motion video (motion) must last from 3 to 30 s here"


def test_prompt_longer_than_the_route_takes_is_refused() -> None:
    assert made("kling-v3", "kling", prompt="x" * 2500)
    reason = refused("kling-v3", "kling", prompt="x" * 2501)
    assert reason == "the prompt has 2,501 characters, at most 2,500 are possible here"


def test_prompt_is_counted_as_the_vendor_counts() -> None:
    assert made("gen-4.5", "runway", prompt="🦊" * 500)
    assert "1,002 characters" in refused("gen-4.5", "runway", prompt="🦊" * 501)
    assert made("kling-v3", "kling", prompt="🦊" * 2500)


def test_route_without_a_price_is_never_possible() -> None:
    assert refused("kling-v3", "runway") == "no price known"


def test_seed_and_negative_prompt_are_left_out_in_words_where_not_taken() -> None:
    assert made("ltx-2.3-pro", "ltx", seed=0, negative="blur").adapted == (
        "the seed is left out: not taken here",
        "the negative prompt is left out: not taken here",
    )
    assert made("veo-3.1", "runway", seed=0, negative="blur").adapted == ()
    assert made("kling-v3", "kling", negative="blur").adapted == ()


def test_wishes_stand_in_for_the_defaults() -> None:
    clip = made("kling-v3", "kling", want=Wish(duration_s=12, aspect="9:16"))
    assert (clip.duration_s, clip.aspect, clip.adapted) == (12, "9:16", ())


def test_wishes_yield_to_what_is_said() -> None:
    want = Wish(duration_s=12, aspect="9:16")
    clip = made("kling-v3", "kling", want=want, duration_s=6, aspect="1:1")
    assert (clip.duration_s, clip.aspect) == (6, "1:1")


def test_wishes_never_refuse_and_are_adapted_in_words() -> None:
    clip = made("veo-3.1", "runway", want=Wish(duration_s=90, aspect="1:1"))
    assert (clip.duration_s, clip.aspect) == (8, "16:9")
    assert clip.adapted == (
        "90 s, as your words ask, -> 8 s (Veo 3.1 offers 4, 6 or 8 s here)",
        "1:1, as your words ask, -> 16:9 (Veo 3.1 offers 16:9 or 9:16 here)",
    )


def test_wishes_shape_a_clip_its_picture_would_shape() -> None:
    want = Wish(aspect="9:16")
    clip = made("kling-v3", "kling", want=want, inputs=media("first_frame"))
    assert (clip.aspect, clip.adapted) == ("9:16", ())


def test_fit_carries_how_sure_its_very_price_is() -> None:
    inputs = media("first_frame", "motion")
    small = made("kling-v3-motion-control", "fal", inputs=inputs, video_s=5)
    large = made("kling-v3-motion-control", "fal", inputs=inputs, video_s=5, resolution="1080p")
    assert (small.confidence, large.confidence) == (Confidence.LISTED, Confidence.DISPUTED)


def test_estimate_rounds_up_and_keeps_the_least_charge() -> None:
    rate = Rate(silent_micros=3, audio_micros=None)
    price = Price(
        per_s={"720p": rate},
        confidence=Confidence.LISTED,
        source="x",
        verified=date(2026, 1, 1),
        minimum_micros=10,
        with_video_input={"720p": Rate(silent_micros=7, audio_micros=None)},
    )
    route = replace(on("local", "local")[1], price=price)

    def cost(duration_s: float, *, video: bool = False, audio: bool = False) -> int | None:
        return estimate(
            route, duration_s=duration_s, resolution="720p", audio=audio, has_video_input=video
        )

    assert [cost(5), cost(5.5), cost(1), cost(4, video=True)] == [15, 17, 10, 28]
    assert cost(5, audio=True) is None
    assert cost(5, video=True, audio=True) is None


roles = st.lists(st.sampled_from(list(MediaRole)), max_size=3).map(
    lambda found: media(*(role.value for role in found))
)
ratios = st.sampled_from(["16:9", "9:16", "1:1", "4:3", "21:9", "2:3", "1920:1080", "nonsense"])
seconds = st.floats(min_value=0.5, max_value=70) | st.integers(1, 40)
briefs = st.builds(
    Brief,
    prompt=st.text(max_size=40),
    duration_s=st.none() | seconds,
    aspect=st.none() | ratios,
    resolution=st.none() | st.sampled_from(RESOLUTIONS),
    audio=st.none() | st.booleans(),
    seed=st.none() | st.integers(0, 9),
    negative=st.none() | st.just("blur"),
    inputs=st.just(()) | roles,
)
wishes = st.builds(Wish, duration_s=st.none() | seconds, aspect=st.none() | ratios)


@given(where=st.sampled_from(ROUTES), brief=briefs, want=wishes, stage=st.sampled_from(Stage))
@settings(max_examples=400)
def test_fit_never_names_what_the_route_does_not_sell(
    where: tuple[Model, Route], brief: Brief, want: Wish, stage: Stage
) -> None:
    model, route = where
    found = fit(model, route, brief, stage=stage, want=want)
    if isinstance(found, Unfit):
        assert found.reason
        return
    assert found.duration_s in (route.durations_s or model.durations_s)
    assert found.resolution in (route.resolutions or model.resolutions)
    shaped = any(brief.has(role) for role in model.aspect_from)
    assert shaped or found.aspect in (route.aspects or model.aspects)
    assert (route.audio or model.audio) is not (Audio.NONE if found.audio else Audio.ALWAYS)
    assert found.price_micros == estimate(
        route,
        duration_s=found.duration_s,
        resolution=found.resolution,
        audio=found.audio,
        has_video_input=brief.has(MediaRole.MOTION) or brief.has(MediaRole.SOURCE),
    )
    assert found.price_micros >= 0


@given(where=st.sampled_from(ROUTES), brief=briefs, stage=st.sampled_from(Stage))
@settings(max_examples=400)
def test_fit_says_every_change(where: tuple[Model, Route], brief: Brief, stage: Stage) -> None:
    model, route = where
    found = fit(model, route, brief, stage=stage)
    if isinstance(found, Unfit):
        return
    said = " | ".join(found.adapted)
    if brief.duration_s is not None and brief.duration_s != found.duration_s:
        assert f"{brief.duration_s:g} s -> {found.duration_s} s" in said
    if brief.aspect is not None and not same_ratio(brief.aspect, found.aspect):
        assert brief.aspect in said
    if brief.resolution not in (None, found.resolution):
        assert f"{brief.resolution} -> {found.resolution}" in said
    if bool(brief.audio) != found.audio:
        assert "sound" in said
    if brief.seed is not None and Extra.SEED not in route.extras:
        assert "seed" in said


def same_ratio(one: str, other: str) -> bool:
    if "nonsense" in (one, other):
        return one == other
    return Fraction(one.replace(":", "/")) == Fraction(other.replace(":", "/"))


@given(where=st.sampled_from(ROUTES), want=wishes)
@settings(max_examples=200)
def test_wishes_alone_never_refuse(where: tuple[Model, Route], want: Wish) -> None:
    model, route = where
    needed = ("first_frame", "motion") if MediaRole.MOTION in model.requires else ()
    brief = Brief(prompt="x", inputs=media(*needed))
    plain = fit(model, route, brief, stage=Stage.CONCEPT)
    wished = fit(model, route, brief, stage=Stage.CONCEPT, want=want)
    assert isinstance(plain, Fit) == isinstance(wished, Fit)
