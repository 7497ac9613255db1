"""The generic dialect says what a route's options tell it to; a host's document becomes fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._openapi import fields_of, flat
from providers._schema_dialect import schema_input
from providers.base import VideoRequest
from providers.errors import InvalidRequest, ProtocolError
from tests.providers.hosts import END, LOOK, MOTION, PICTURE, a_request, addresses

PROMPT = {"field.prompt": "prompt"}


def _said(options: dict[str, str], **changes: Any) -> dict[str, Any]:
    request: VideoRequest = a_request(dialect="schema", options=PROMPT | options, **changes)
    return schema_input(request, addresses(request)) | {}


@pytest.mark.parametrize(
    ("options", "changes", "said"),
    [
        ({"field.duration": "seconds"}, {}, {"seconds": 5}),
        ({"field.duration": "d", "type.duration": "string"}, {}, {"d": "5"}),
        (
            {"field.duration": "d", "type.duration": "string", "suffix.duration": "s"},
            {},
            {"d": "5s"},
        ),
        ({"field.aspect": "ratio"}, {"aspect": "9:16"}, {"ratio": "9:16"}),
        ({"field.aspect": "r", "aspect.9:16": "portrait"}, {"aspect": "9:16"}, {"r": "portrait"}),
        ({"field.aspect": "r", "aspect.image": "auto"}, {}, {"r": "16:9"}),
        ({"field.resolution": "mode", "resolution.720p": "std"}, {}, {"mode": "std"}),
        ({"field.size": "size", "size.720p.16:9": "1280*720"}, {}, {"size": "1280*720"}),
        ({"field.seed": "seed"}, {"seed": 0}, {"seed": 0}),
        ({"field.seed": "seed"}, {}, {}),
        ({"field.audio": "sound"}, {}, {"sound": False}),
        ({"field.audio": "sound", "audio.off": "off"}, {}, {"sound": "off"}),
        ({"field.negative": "not"}, {"negative": "rain"}, {"not": "rain"}),
        ({"field.negative": "not"}, {"negative": ""}, {}),
        ({"fixed.fps": "24", "fixed.style": '"film"'}, {}, {"fps": 24, "style": "film"}),
        ({"field.first_frame": "image"}, {"inputs": (PICTURE,)}, {"image": PICTURE.url}),
        (
            {"field.first_frame": "i", "field.aspect": "r", "aspect.image": "auto"},
            {"inputs": (PICTURE,)},
            {"i": PICTURE.url, "r": "auto"},
        ),
        (
            {"field.reference": "looks", "type.reference": "list"},
            {"inputs": (LOOK,)},
            {"looks": [LOOK.url]},
        ),
    ],
)
def test_options_say_which_field_means_what(
    options: dict[str, str], changes: dict[str, Any], said: dict[str, Any]
) -> None:
    assert _said(options, **changes) == {"prompt": "a lighthouse in a storm"} | said


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {"inputs": (PICTURE,)}),
        ({"field.first_frame": "image"}, {"inputs": (PICTURE, END)}),
        ({"field.reference": "look"}, {"inputs": (LOOK, LOOK)}),
        ({"field.motion": "video"}, {"inputs": (MOTION,)}),
        ({"field.size": "size", "size.720p.16:9": "1280*720"}, {"aspect": "1:1"}),
        ({"fixed.fps": "{"}, {}),
    ],
)
def test_what_no_field_can_say_is_refused(options: dict[str, str], changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        _said(options, **changes)


DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "required": ["prompt"],
                "properties": {
                    "late": {"type": "integer", "x-order": 1},
                    "prompt": {"type": "string", "x-order": 0},
                },
            },
            "size": {"type": "string", "enum": ["720p", None]},
            "round": {"$ref": "#/components/schemas/round"},
        }
    }
}
SIZE = {"$ref": "#/components/schemas/size"}


def test_fields_come_in_the_hosts_order() -> None:
    fields, required = fields_of(DOCUMENT, {"$ref": "#/components/schemas/Input"})
    assert list(fields) == ["prompt", "late"]
    assert required == {"prompt"}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (SIZE, {"type": "string", "enum": ["720p"]}),
        ({"allOf": [SIZE], "default": "720p"}, {"enum": ["720p"], "default": "720p"}),
        ({"anyOf": [SIZE, {"type": "null"}]}, {"type": "string", "enum": ["720p"]}),
        ({"anyOf": [{"type": "integer"}, {"enum": ["5"]}]}, {"enum": ["5"]}),
        ({"oneOf": [{"const": "5"}, {"const": "8"}]}, {"enum": ["5", "8"]}),
        ({"type": ["integer", "null"]}, {"type": "integer"}),
        ("rubbish", {}),
    ],
)
def test_a_field_is_one_plain_schema_however_it_is_written(
    schema: Any, found: dict[str, Any]
) -> None:
    assert flat(DOCUMENT, schema).items() >= found.items()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/round"},
        {"$ref": "#/components/schemas/nobody"},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": 7},
        {"type": "object"},
    ],
)
def test_a_document_that_says_nothing_is_no_schema(schema: Any) -> None:
    with pytest.raises(ProtocolError):
        fields_of(DOCUMENT, schema)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("$ref", "allOf", "anyOf", "enum", "type", "properties", "required"))
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(document=json_values, schema=json_values)
def test_no_document_breaks_the_reader(document: Any, schema: Any) -> None:
    document = document if isinstance(document, dict) else {}
    try:
        fields, required = fields_of(document, schema)
    except ProtocolError:
        return
    assert all(isinstance(field, dict) for field in fields.values())
    assert all(isinstance(name, str) for name in required)
