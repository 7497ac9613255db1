"""The vendors' published field tables as JSON Schemas, cut down to what we send.

The extracts in tests/providers/data are what the stand-ins hold requests against. They are made
here from the published documents, whose folder CONTRACT_SPECS names; a test compares the two and
says so where the documents are not at hand.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

RUNWAY_MODELS = frozenset(
    {"gen4.5", "veo3.1", "veo3.1_fast", "gemini_omni_flash_1.1", "aleph2"}
    | {"magnific_video_upscaler_creative", "enhance_frame_rate"}
    | {f"kling{family}_{tier}" for family in ("3.0", "O3") for tier in ("standard", "pro", "4k")}
)
RUNWAY_PATHS = (
    *("/v1/text_to_video", "/v1/image_to_video", "/v1/video_to_video"),
    "/v1/video_upscale",
)
FAL_FAMILIES = re.compile(r"fal-ai/(kling-video/(v3|o3)|veo3|ltx-2\.3|sora-2)(?=[./]|$)")


def published(name: str) -> Path:
    """A published document, or the test is skipped with the reason."""
    default = Path(__file__).parents[3] / "shared" / "contracts" / "specs"
    path = Path(os.environ.get("CONTRACT_SPECS", default)) / name
    if not path.is_file():
        pytest.skip(f"{name} is not at hand: set CONTRACT_SPECS to the folder of vendor documents")
    return path


def runway_bodies() -> dict[str, dict[str, Any]]:
    """path -> model -> schema of its create body; unknown fields refused."""
    document = yaml.safe_load(published("runway-video.derived.openapi.yaml").read_text())
    schemas: dict[str, Any] = document["components"]["schemas"]
    found: dict[str, dict[str, Any]] = {}
    for path in RUNWAY_PATHS:
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        union = _resolved(content["schema"], schemas)
        members = union.get("oneOf") or union["anyOf"]
        models = {member["properties"]["model"]["enum"][0]: member for member in members}
        found[path] = {model: models[model] for model in sorted(models) if model in RUNWAY_MODELS}
    return found


def openai_json_bodies() -> dict[str, dict[str, Any]]:
    """path -> schema of its JSON body, for the calls that begin with a video; fields closed."""
    document = yaml.safe_load(published("openai-videos.openapi.yaml").read_text())
    schemas: dict[str, Any] = document["components"]["schemas"]
    found: dict[str, dict[str, Any]] = {}
    for path in ("/videos/extensions", "/videos/edits", "/videos/{video_id}/remix"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        found[path] = _resolved(content["schema"], schemas)
    return found


def replicate_request() -> dict[str, Any]:
    """The schema of a prediction's create body."""
    document = yaml.safe_load(published("replicate.openapi.yaml").read_text())
    return document["components"]["schemas"]["schemas_prediction_request"]


def fal_inputs() -> dict[str, dict[str, Any]]:
    """endpoint -> schema of its input; unknown fields refused."""
    document = json.loads(published("fal-video-endpoints.derived.json").read_text())
    return {
        endpoint: _typed(types["input"], document["types"])
        for endpoint, types in sorted(document["endpoints"].items())
        if FAL_FAMILIES.match(endpoint)
    }


def _resolved(schema: Any, schemas: Mapping[str, Any]) -> Any:
    """The schema without references and prose; its objects closed."""
    if isinstance(schema, list):
        return [_resolved(item, schemas) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    kept = {key: value for key, value in schema.items() if key not in ("description", "title")}
    resolved = {
        key: {name: _resolved(one, schemas) for name, one in value.items()}
        if key == "properties"
        else _resolved(value, schemas)
        for key, value in kept.items()
        if key != "discriminator"
    }
    if resolved.get("type") == "object" and "properties" in resolved:
        resolved["additionalProperties"] = False
    return resolved


def _typed(name: str, types: Mapping[str, Any]) -> dict[str, Any]:
    """A TypeScript field table as a schema; a type the document only names may be anything."""
    fields = types.get(name)
    if fields is None:
        return {}
    return {
        "type": "object",
        "properties": {field: _type(told["type"], types) for field, told in fields.items()},
        "required": sorted(field for field, told in fields.items() if told["required"]),
        "additionalProperties": False,
    }


def _type(text: str, types: Mapping[str, Any]) -> dict[str, Any]:
    if inner := re.fullmatch(r"Array<(.+)>", text):
        return {"type": "array", "items": _type(inner[1], types)}
    options = [option.strip() for option in text.split("|")]
    if all(option.startswith('"') for option in options):
        return {"enum": [option.strip('"') for option in options]}
    if options[0] in ("string", "number", "boolean"):
        return {"type": options[0]}
    return _typed(text, types)
