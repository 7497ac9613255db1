"""A host's schema becomes a row that loads, and every offer of that row is one the schema takes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import catalogue
from bot.adding import Reading, Said, read_schema
from bot.brief import Brief, Stage
from bot.errors import ConfigError, Refused
from bot.fitting import Fit, fit
from bot.models import Audio, Catalogue, Extra, Rate
from bot.overlay import Row, id_for, in_json, priced, row_text, with_row
from providers._fal_models import Listed, described
from providers._openapi import fields_of
from providers._schema_dialect import schema_input
from providers.base import Described, MediaRole, VideoRequest
from tests.providers.hosts import END, LOOK, PICTURE, a_request
from tests.standin.fal import MODELS as FAL
from tests.standin.hosted import problems
from tests.standin.replicate import MODELS as REPLICATE

BUILTIN = catalogue.builtin_text()
TODAY = date(2026, 11, 23)
FRAMES = {"video_length": "121", "width": "1280", "height": "720"}


def a_model(fields: Mapping[str, Any], required: tuple[str, ...] = ("prompt",)) -> Described:
    known = {"prompt": {"type": "string"}, "duration": {"enum": [5, 10], "type": "integer"}}
    return Described(
        name="A model",
        maker="a lab",
        summary="Makes clips. More of it.",
        fields=known | dict(fields),
        required=frozenset(required),
        source="its own schema",
    )


def told_by_replicate(name: str) -> Described:
    told = REPLICATE[name]
    fields, required = fields_of(told["openapi_schema"], {"$ref": "#/components/schemas/Input"})
    return Described(
        name=name.partition("/")[2],
        maker=name.partition("/")[0],
        summary=told["description"],
        fields=fields,
        required=required,
        source="its own schema",
        options={} if told["is_official"] else {"version": told["version"]},
    )


def a_row(reading: Reading, model: Described, **changes: Any) -> Row:
    usual: dict[str, Any] = {
        "id": "mine",
        "name": model.name,
        "provider": "replicate",
        "wire_id": "a-lab/mine",
        "described": model,
        "reading": reading,
        "rates": priced(reading, ["0.1"], []),
        "today": TODAY,
    }
    return Row(**usual | changes)


def loaded(row: Row) -> Catalogue:
    return catalogue.parse(row_text(row), file="mine.toml")


def laid_over(row: Row) -> Catalogue:
    return catalogue.load(BUILTIN, row_text(row), "mine.toml")


def offers(row: Row) -> Iterator[VideoRequest]:
    """Everything the loaded row would let a person ask for."""
    model = loaded(row).models[row.id]
    (route,) = model.routes
    stills = ((), (PICTURE,), (PICTURE, END), (LOOK,), (PICTURE, LOOK))
    wishes = product(stills, model.resolutions, model.durations_s, model.aspects, (False, True))
    for inputs, resolution, duration_s, aspect, audio in wishes:
        brief = Brief(
            prompt="a lighthouse",
            duration_s=duration_s,
            aspect=aspect,
            resolution=resolution,
            audio=audio,
            inputs=inputs,
        )
        found = fit(model, route, brief, stage=Stage.FINAL)
        if isinstance(found, Fit):
            yield a_request(
                wire_id=route.wire_id,
                dialect=route.dialect,
                duration_s=found.duration_s,
                aspect=found.aspect,
                resolution=found.resolution,
                audio=found.audio,
                inputs=inputs,
                prompt=brief.prompt,
                options=route.options,
                seed=7 if Extra.SEED in route.extras else None,
                negative="rain" if Extra.NEGATIVE in route.extras else None,
            )


def sent(request: VideoRequest) -> dict[str, Any]:
    return schema_input(request, {media: media.url or "" for media in request.inputs})


@pytest.mark.parametrize("name", REPLICATE)
def test_every_offer_of_an_added_replicate_model_is_what_its_schema_takes(name: str) -> None:
    model = told_by_replicate(name)
    community = "width" in model.fields
    said = Said(durations_s=(5,), fixed=FRAMES) if community else Said()
    row = a_row(read_schema(model, said), model)
    schema = {"$ref": "#/components/schemas/Input", **REPLICATE[name]["openapi_schema"]}
    asked = list(offers(row))
    assert asked
    assert [found for request in asked if (found := problems(schema, sent(request)))] == []


def test_every_offer_of_an_added_fal_endpoint_is_what_its_schema_takes() -> None:
    told = FAL["fal-ai/pixverse/v5/image-to-video"]
    model = described(Listed.model_validate(told))
    row = a_row(read_schema(model), model, provider="fal", wire_id=told["endpoint_id"])
    schema = {"$ref": "#/components/schemas/In", **told["openapi"]}
    asked = list(offers(row))
    assert {request.resolution for request in asked} == {"480p", "720p", "1080p"}
    assert all(MediaRole.FIRST_FRAME in [one.role for one in request.inputs] for request in asked)
    assert [found for request in asked if (found := problems(schema, sent(request)))] == []


def test_the_usual_words_of_hosts_are_understood() -> None:
    reading = read_schema(told_by_replicate("bytedance/seedance-1-pro"))
    assert reading.durations_s == tuple(range(2, 13))
    assert reading.resolutions == ("480p", "720p", "1080p")
    assert reading.inputs == (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    assert reading.extras == (Extra.SEED,)
    assert [line.field for line in reading.left] == ["fps", "camera_fixed"]
    assert "24" in reading.left[0].says


def test_a_prompt_is_sent_as_typed_and_not_rewritten() -> None:
    reading = read_schema(told_by_replicate("minimax/hailuo-02"))
    assert reading.options["fixed.prompt_optimizer"] == "false"


def test_a_community_model_keeps_its_version() -> None:
    said = Said(durations_s=(5,), fixed=FRAMES)
    reading = read_schema(told_by_replicate("tencent/hunyuan-video"), said)
    assert len(reading.options["version"]) == 64


@pytest.mark.parametrize(
    ("fields", "durations_s"),
    [
        ({"duration": {"enum": ["5", "8", "auto"], "type": "string"}}, (5, 8)),
        ({"duration": {"enum": ["4s", "6s", "8s"], "type": "string"}}, (4, 6, 8)),
        ({"duration": {"type": "integer", "minimum": 3, "maximum": 6}}, (3, 4, 5, 6)),
        (
            {"duration": {"type": "number", "minimum": 2, "maximum": 8, "multipleOf": 2}},
            (2, 4, 6, 8),
        ),
        ({"duration": {"type": "integer", "default": 5}}, (5,)),
        ({"duration": {"type": "string", "default": "6s"}}, (6,)),
        ({"duration": {"enum": [81, 121]}, "seconds": {"enum": [4, 8]}}, (4, 8)),
    ],
)
def test_lengths_are_read_in_every_usual_form(
    fields: dict[str, Any], durations_s: tuple[int, ...]
) -> None:
    assert read_schema(a_model(fields)).durations_s == durations_s


@pytest.mark.parametrize(
    ("field", "aspects"),
    [
        ({"aspect_ratio": ["16:9", "9:16", "auto"]}, ("16:9", "9:16")),
        ({"aspect_ratio": ["landscape", "portrait"]}, ("16:9", "9:16")),
        ({"image_size": ["square_hd", "landscape_16_9", "portrait_16_9"]}, ("1:1", "16:9", "9:16")),
        ({"size": ["1280x720", "720x1280", "1920x1080", "1080x1920"]}, ("16:9", "9:16")),
        ({"resolution": ["1280:720", "960:960"]}, ("16:9", "1:1")),
        ({"nothing": ["16:9"]}, ("16:9",)),
    ],
)
def test_ratios_are_read_in_every_usual_form(
    field: dict[str, list[str]], aspects: tuple[str, ...]
) -> None:
    fields = {name: {"type": "string", "enum": values} for name, values in field.items()}
    assert read_schema(a_model(fields)).aspects == aspects


@pytest.mark.parametrize(
    ("values", "resolutions", "words"),
    [
        (["720p", "1080p"], ("720p", "1080p"), {}),
        (["512P", "768P"], ("480p", "720p"), {"480p": "512P", "720p": "768P"}),
        (["standard", "pro", "4k"], ("720p", "1080p", "4k"), {"720p": "standard", "1080p": "pro"}),
        (["2k", "2160p"], ("1440p", "4k"), {"1440p": "2k", "4k": "2160p"}),
        (["fast", "quality", "high"], ("720p",), {}),
    ],
)
def test_sizes_get_our_nearest_name_and_keep_their_word(
    values: list[str], resolutions: tuple[str, ...], words: dict[str, str]
) -> None:
    reading = read_schema(a_model({"quality": {"type": "string", "enum": values}}))
    kept = {
        key.removeprefix("resolution."): word
        for key, word in reading.options.items()
        if key.startswith("resolution.")
    }
    assert (reading.resolutions, kept) == (resolutions, words)


def test_sizes_that_are_not_made_in_every_ratio_are_not_offered() -> None:
    sizes = ["1280x720", "720x1280", "1920x1920"]
    reading = read_schema(a_model({"size": {"type": "string", "enum": sizes}}))
    assert (reading.resolutions, reading.aspects) == (("720p",), ("16:9", "9:16"))


@pytest.mark.parametrize(
    ("fields", "inputs", "requires"),
    [
        ({"image_url": {"type": "string"}}, ("first_frame",), ()),
        ({"start_image": {"type": "string"}, "image": {"type": "string"}}, ("first_frame",), ()),
        ({"image_urls": {"type": "array", "items": {}, "maxItems": 4}}, ("reference",), ()),
        ({"subject_reference": {"type": "string"}}, ("reference",), ()),
        ({"image": {"type": "string", "enum": ["a", "b"]}}, (), ()),
        ({"video_url": {"type": "string"}}, (), ()),
    ],
)
def test_stills_are_known_by_name_and_type(
    fields: dict[str, Any], inputs: tuple[str, ...], requires: tuple[str, ...]
) -> None:
    reading = read_schema(a_model(fields))
    assert tuple(reading.inputs) == inputs
    assert tuple(reading.requires) == requires


def test_sound_may_be_a_switch_in_words() -> None:
    reading = read_schema(a_model({"sound": {"type": "string", "enum": ["on", "off"]}}))
    assert reading.audio is Audio.OPTIONAL
    assert (reading.options["audio.on"], reading.options["audio.off"]) == ("on", "off")


@pytest.mark.parametrize(
    ("fields", "required", "said", "words"),
    [
        ({"prompt": {"type": "integer"}}, (), Said(), "no field for a prompt"),
        ({"duration": {"type": "boolean"}}, (), Said(), "--seconds 5"),
        ({}, (), Said(durations_s=(7,)), "5, 10"),
        ({"video_url": {"type": "string"}}, ("video_url",), Said(), "--set video_url="),
        ({"fps": {}}, (), Said(fixed={"fpp": "24"}), "did you mean 'fps'"),
        ({"aspect_ratio": {"enum": ["1:1"]}}, (), Said(aspects=("16:9",)), "1:1"),
        ({"resolution": {"enum": ["720p"]}}, (), Said(resolutions=("4k",)), "720p"),
        ({}, (), Said(audio=Audio.OPTIONAL), "no switch for sound"),
    ],
)
def test_what_cannot_be_known_is_asked_for(
    fields: dict[str, Any], required: tuple[str, ...], said: Said, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        read_schema(a_model(fields, required), said)
    assert words in caught.value.user_message


def test_a_demanded_field_may_be_set_for_good() -> None:
    model = a_model({"style": {"type": "string"}}, ("prompt", "style"))
    reading = read_schema(model, Said(fixed={"style": in_json("film")}))
    (request, *_) = offers(a_row(reading, model))
    assert sent(request)["style"] == "film"


def test_prices_are_per_size_and_sound_and_never_invented() -> None:
    sizes = {"resolution": {"type": "string", "enum": ["480p", "720p"]}}
    reading = read_schema(a_model({**sizes, "generate_audio": {"type": "boolean"}}))
    both = priced(reading, ["0.1", "720p=$0.2"], ["720p=0.3"])
    assert both["480p"] == Rate(silent_micros=100_000, audio_micros=None)
    assert both["720p"] == Rate(silent_micros=200_000, audio_micros=300_000)
    assert priced(reading, [], []) == {}


def test_a_size_without_a_price_is_not_for_sale() -> None:
    model = a_model({"resolution": {"type": "string", "enum": ["480p", "720p", "1080p"]}})
    reading = read_schema(model)
    row = a_row(reading, model, rates=priced(reading, ["720p=0.1"], []))
    assert {request.resolution for request in offers(row)} == {"720p"}


def test_a_row_without_a_price_loads_and_is_not_offered() -> None:
    model = a_model({})
    (route,) = loaded(a_row(read_schema(model), model, rates={})).models["mine"].routes
    assert route.price is None


@pytest.mark.parametrize(
    ("silent", "sound", "words"),
    [
        (["cheap"], [], "no price"),
        (["-1"], [], "no price"),
        (["0.1234567"], [], "no price"),
        (["nan"], [], "no price"),
        (["4k=1"], [], "720p"),
        ([], ["1"], "no sound"),
    ],
)
def test_a_price_nobody_can_mean_is_refused(
    silent: list[str], sound: list[str], words: str
) -> None:
    with pytest.raises(Refused) as caught:
        priced(read_schema(a_model({})), silent, sound)
    assert words in caught.value.user_message


def test_words_of_a_host_cannot_break_the_file() -> None:
    evil = '"\n[models.local]\noff = "gone"\x1b[31m\x7f\ud800 \\'
    model = Described(
        name=evil,
        maker=evil,
        summary=evil,
        fields=a_model({"seed": {"type": "integer"}}).fields,
        required=frozenset(),
        source=evil,
        options={"version": evil},
    )
    book = laid_over(a_row(read_schema(model), model))
    assert not book.models["local"].off
    assert "\x1b" not in book.models["mine"].summary


@pytest.mark.parametrize(
    ("provider", "wire_id", "made"),
    [
        ("replicate", "wan-video/wan-2.5-t2v", "wan-2.5-t2v"),
        ("replicate", "Owner/My_Model", "my-model"),
        ("fal", "fal-ai/pixverse/v5/image-to-video", "pixverse-v5-image-to-video"),
        ("fal", "lightricks/ltx-2.5/text-to-video", "lightricks-ltx-2.5-text-to-video"),
    ],
)
def test_an_id_is_made_from_the_hosts_name(provider: str, wire_id: str, made: str) -> None:
    assert id_for(provider, wire_id) == made


FILE = """# mine
[models.veo-3] # off
off = "not cleared"

# about alpha
[models.mine]
name = "old"
limits = [
  ["not a header"],
]

[[models.mine.routes]]
provider = "fal"

# about omega
[models."veo-3.1".routes]
"""


def test_a_row_is_added_after_the_others() -> None:
    model = a_model({})
    text = with_row("# mine\n", a_row(read_schema(model), model), replace=False, file="f")
    assert text.startswith("# mine\n\n[models.mine]\n")
    assert catalogue.load(BUILTIN, text, "f").models["mine"].maker == "a lab"


def test_a_row_is_replaced_and_the_others_keep_their_words() -> None:
    model = a_model({})
    text = with_row(FILE, a_row(read_schema(model), model), replace=True, file="f")
    rows = tomllib.loads(text)["models"]
    assert rows["mine"]["name"] == "A model"
    assert rows["veo-3"] == {"off": "not cleared"}
    assert "# about omega\n[models" in text
    assert text.count("[models.mine]") == 1


@pytest.mark.parametrize(
    ("text", "overwrite", "error"),
    [
        (FILE, False, Refused),
        ("[models.mine\n", True, ConfigError),
        ('models = { mine = { name = "x" }, other = { name = "y" } }\n', True, ConfigError),
        ('[models]\nmine.name = "x"\nother.name = "y"\n', True, ConfigError),
        ("models = 3\n", False, ConfigError),
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left_alone(
    text: str, overwrite: bool, error: type[Exception]
) -> None:
    model = a_model({})
    with pytest.raises(error):
        with_row(text, a_row(read_schema(model), model), replace=overwrite, file="f")


def test_over_a_built_in_model_nothing_of_ours_is_left_but_its_strengths() -> None:
    model = a_model({})
    row = a_row(read_schema(model), model, id="sora-2", over=True)
    found = laid_over(row).models["sora-2"]
    assert (found.retires, found.successor, found.family) == (None, None, "")
    assert [route.provider for route in found.routes] == ["replicate"]
    assert found.strengths["fluid_physics"].source.startswith("article")


words = st.sampled_from(
    ("auto", "5", "8s", "10", "16:9", "portrait", "720p", "768P", "pro", "1280x720", "on", "off")
)
schemas = st.fixed_dictionaries(
    {"type": st.sampled_from(("string", "integer", "number", "boolean", "array", "object"))},
    optional={
        "enum": st.lists(words | st.integers(0, 20), max_size=5),
        "default": words | st.integers(0, 20) | st.booleans(),
        "minimum": st.integers(-3, 10),
        "maximum": st.integers(0, 70),
        "multipleOf": st.sampled_from((1, 2, 0.5, 0)),
        "items": st.just({"type": "string"}),
        "maxItems": st.integers(1, 4),
        "maxLength": st.integers(0, 9000),
    },
).filter(lambda schema: "enum" not in schema or schema["type"] in ("string", "integer"))
names = st.sampled_from(
    (
        *("image", "image_url", "end_image", "image_urls", "duration", "seconds", "aspect_ratio"),
        *("ratio", "size", "resolution", "mode", "quality", "seed", "audio", "sound", "fps"),
        *("negative_prompt", "prompt_optimizer", "video"),
    )
)


@settings(max_examples=100)
@given(fields=st.dictionaries(names, schemas, max_size=8), seconds=st.sampled_from(((), (5,))))
def test_whatever_a_schema_says_the_row_loads_and_its_offers_can_be_said(
    fields: dict[str, Any], seconds: tuple[int, ...]
) -> None:
    model = a_model(fields)
    try:
        reading = read_schema(model, Said(durations_s=seconds))
    except Refused:
        return
    row = a_row(reading, model)
    for request in list(offers(row))[:20]:
        said = sent(request)
        assert said["prompt"] == "a lighthouse"
        named = {name: enum for name in said if (enum := model.fields[name].get("enum"))}
        assert all(said[name] in enum for name, enum in named.items())
