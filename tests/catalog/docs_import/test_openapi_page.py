from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.docs_import.documented import DocumentedParameter, UnreadablePage
from kie_ui.catalog.docs_import.read_page import read_page
from kie_ui.catalog.parameters import JsonParameter, MediaParameter, TableParameter, TextParameter
from tests.catalog.docs_import.reading import documented, facts, only

MODEL = {"type": "string", "enum": ["heron/clip"]}
TEXT = {"type": "string"}
A_TEXT = {"properties": {"a": TEXT}}


def page(inputs: Any, *, model: Any = MODEL, **rest: Any) -> str:
    """Write a specification as JSON, which is YAML too, in a fence."""
    body = {"type": "object", "properties": {"model": model, "input": inputs}}
    return f"# Heron Clip\n\n```yaml\n{json.dumps(document(body, **rest), indent=1)}\n```\n"


def document(body: Any, **rest: Any) -> dict[str, Any]:
    """Return a specification around the schema of a request's body."""
    post = {"requestBody": {"content": {"application/json": {"schema": body}}}}
    return {"openapi": "3.0.1", "paths": {"/api/v1/jobs/createTask": {"post": post}}, **rest}


def one(schema: Any, **rest: Any) -> DocumentedParameter:
    """Return what is read of one parameter."""
    read = documented(page({"type": "object", "properties": {"value": schema}}, **rest))
    return read.parameters[0]


def warnings(inputs: Any, **rest: Any) -> str:
    """Return what a page of these inputs leaves open."""
    return "\n".join(only(page(inputs, **rest)).warnings)


@pytest.mark.parametrize(
    ("name", "reference"), [("Input", "Input"), ("An input/one", "An%20input~1one")]
)
def test_references_are_followed_within_the_page(name: str, reference: str) -> None:
    """A schema may name another, also for all of `input`, with blanks and slashes in codes."""
    schemas = {
        "Size": {"type": "string", "enum": ["s", "l"], "description": "How large"},
        name: {"properties": {"size": {"$ref": "#/components/schemas/Size"}}},
    }
    inputs = {"$ref": f"#/components/schemas/{reference}"}
    read = facts(page(inputs, components={"schemas": schemas}))
    assert read["size"]["options"] == ["s", "l"]
    assert read["size"]["description"] == "How large"


def test_only_a_text_has_a_length() -> None:
    """A missing type gives a warning, unless the limits leave no doubt."""
    assert "no type" not in warnings({"properties": {"prompt": {"maxLength": 2500}}})
    assert "no type" in warnings({"properties": {"prompt": {"description": "Words"}}})


@pytest.mark.parametrize("reference", ["#/nowhere", "https://elsewhere.example/schema.yaml", 5])
def test_a_reference_that_leads_nowhere_gives_a_warning(reference: Any) -> None:
    """Nothing outside the page is looked up."""
    found = warnings({"properties": {"a": {"$ref": reference, "type": "string"}}})
    assert "refers to" in found


def test_a_schema_within_itself_has_an_end() -> None:
    """It is cut at some depth, with a warning; two at a time are refused, for their number."""
    again = {"$ref": "#/components/schemas/Loop"}
    once = {"Loop": {"type": "object", "properties": {"inner": again}}}
    found = warnings({"properties": {"value": again}}, components={"schemas": once})
    assert "value is nested endlessly" in found
    twice = {"Loop": {"type": "object", "properties": {"one": again, "two": again}}}
    with pytest.raises(UnreadablePage, match="endlessly"):
        one(again, components={"schemas": twice})


def test_parts_of_a_whole_are_put_together() -> None:
    """`allOf` adds properties and demands; the keywords beside it win."""
    inputs = {
        "allOf": [
            {"properties": {"a": TEXT, "b": TEXT}, "required": ["a"]},
            TEXT,
        ],
        "type": "object",
        "properties": {"b": {"type": "integer"}},
        "required": ["b"],
    }
    read = facts(page(inputs))
    assert {name: fact["type"] for name, fact in read.items()} == {"a": "string", "b": "integer"}
    assert all(fact["required"] for fact in read.values())


def test_a_demand_for_one_of_several_is_no_other_shape() -> None:
    """`anyOf` of names that are needed leaves the properties as they are, with a warning."""
    demands = [
        {"required": [name], "properties": {name: TEXT}, "type": "object"}
        for name in ("images", "clips")
    ]
    inputs = {
        "properties": {
            "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "clips": {"type": "array", "items": {"type": "string", "format": "uri"}},
        },
        "allOf": [{"anyOf": demands}],
    }
    read = facts(page(inputs))
    assert {fact["type"] for fact in read.values()} == {"array"}
    assert not any(fact["required"] for fact in read.values())
    assert "images; or clips" in warnings(inputs)


def test_several_inputs_are_shown_together() -> None:
    """Required is what each of them requires, and limits are the widest."""
    inputs = {
        "oneOf": [
            {
                "properties": {
                    "text": {"type": "string", "maxLength": 50},
                    "images": {"type": "array", "items": TEXT, "maxItems": 1},
                },
                "required": ["text", "images"],
            },
            {
                "properties": {
                    "text": {"type": "string", "maxLength": 80},
                    "clip": TEXT,
                    "images": {"type": "array", "items": TEXT, "maxItems": 2},
                },
                "required": ["text", "clip"],
            },
        ]
    }
    read = facts(page(inputs))
    assert list(read) == ["text", "images", "clip"]
    assert [name for name, fact in read.items() if fact["required"]] == ["text"]
    assert read["text"]["max_length"] == 80
    assert read["images"]["max_items"] == 2
    assert "images; or clip" in warnings(inputs)


@pytest.mark.parametrize(
    ("titles", "listed"),
    [
        (("One\n picture", "Two pictures"), ": One picture; or Two pictures."),
        (("", ""), "together."),
    ],
)
def test_several_inputs_are_distinguished_by_their_titles(
    titles: Sequence[str], listed: str
) -> None:
    """Where all of them require the same, there is nothing else to call them by."""
    text = {"text": TEXT}
    inputs = [{"title": t, "properties": text, "required": ["text"]} for t in titles]
    assert listed in warnings({"oneOf": inputs})


def test_a_value_of_several_types_is_written_as_json() -> None:
    """No widget fits two types at once; the schema checks either."""
    schema = {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}
    spec = only(page({"properties": {"value": schema}}))
    value = spec.parameter("value")
    assert isinstance(value, JsonParameter)
    assert value.json_schema == {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}


def test_choices_of_one_type_are_one_choice() -> None:
    """Options of several alternatives form one list; with an open one there is none."""
    closed = one({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b"]}]})
    assert [option.value for option in closed.options] == ["a", "b"]
    opened = one({"anyOf": [{"type": "string", "enum": ["a"]}, TEXT]})
    assert opened.options == ()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
        {"anyOf": [TEXT, {"type": "null"}]},
    ],
)
def test_what_may_be_null_is_what_it_is_otherwise(schema: Any) -> None:
    """The three spellings of "or null" mean the same."""
    read = one(schema)
    assert (read.type, read.nullable) == ("string", True)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"enum": ["a"]}, "string"),
        ({"enum": [1]}, "integer"),
        ({"default": 0.5}, "number"),
        (A_TEXT, "object"),
        ({"items": TEXT}, "array"),
        ({}, "string"),
        ({"type": "float"}, "number"),
        ({"type": "file"}, "string"),
    ],
)
def test_a_type_is_what_the_rest_says(schema: Any, kind: str) -> None:
    """A missing type is guessed from values and parts; other words for types are known."""
    assert one(schema).type == kind


@pytest.mark.parametrize(
    "stated",
    [
        {"example": "A heron."},
        {"examples": ["A heron.", "A boat."]},
        {"examples": [None], "example": "A heron."},
    ],
)
def test_the_first_example_is_kept(stated: Any) -> None:
    """Of several ways to give one."""
    assert one({"type": "string", **stated}).example == "A heron."
    assert one({"type": "string", "examples": {}}).example is None


@pytest.mark.parametrize(("kind", "values"), [("integer", ["5", "10"]), ("string", [5, 10])])
def test_values_keep_the_type_of_the_wire(kind: str, values: list[Any]) -> None:
    """Numbers in quotes are text and true numbers are numbers, whatever the type says."""
    read = facts(page({"properties": {"v": {"type": kind, "enum": values}}}))
    assert read["v"]["options"] == values


def test_names_of_values_are_those_of_the_page() -> None:
    """Apidog keeps names beside the values; a description may list them."""
    described = {
        "type": "string",
        "enum": ["N2lVS1w4EtoT3dr4", "b"],
        "description": "Voices:\n\nN2lVS1w4EtoT3dr4 - Ada - Calm, and clear as a bell to hear\n"
        "\n- `b`: Bo",
    }
    beside = {"type": "string", "enum": ["a"], "x-apidog-enum": [{"value": "a", "name": "Ann"}]}
    spec = only(page({"properties": {"voice": described, "other": beside}}))
    labels = [option.label for p in spec.parameters for option in getattr(p, "options", ())]
    assert labels == ["Ada - Calm, and clear as a bell to hear", "Bo", "Ann"]


def test_the_order_is_the_one_shown() -> None:
    """Apidog's list orders, its references mean their properties; what names none is ignored."""
    inputs = {
        "properties": {"a": TEXT, "b": TEXT, "c": TEXT},
        "x-apidog-orders": [{"a": 1}, ["b"], "c", "01REF", "01GONE", 1, "b", "none"],
        "x-apidog-refs": {"01REF": {"$ref": "#/components/schemas/More"}, "01EMPTY": {}},
    }
    more = {"More": {"type": "object", "properties": {"d": {"type": "boolean"}}}}
    assert list(facts(page(inputs, components={"schemas": more}))) == ["c", "d", "b", "a"]


def test_several_ids_are_several_models() -> None:
    """One page may document models that differ in their id alone."""
    ids = ["heron/small", "heron/large"]
    read = read_page(page(A_TEXT, model={"enum": ids}))
    assert [model.model for model in read] == ids


@pytest.mark.parametrize(
    "model",
    [
        {"const": "heron/clip"},
        {"type": "string", "default": "heron/clip"},
        {"type": "string", "examples": ["heron/clip"]},
        {"type": "string", "example": "heron/clip"},
        {"type": "string", "examples": 5, "example": "heron/clip"},
        {"type": "string", "description": "It must be `heron/clip` here."},
    ],
)
def test_the_id_is_found_without_an_enum(model: Any) -> None:
    """A default, an example or the description may name the model."""
    assert only(page(A_TEXT, model=model)).model == "heron/clip"


def test_a_page_without_an_id_is_refused() -> None:
    """A model without an id can't be requested."""
    with pytest.raises(UnreadablePage, match="which model"):
        read_page(page(A_TEXT, model=TEXT))


def test_every_fence_with_a_request_is_read() -> None:
    """Several specifications in one page are several models, each with the heading above it."""
    first = page(A_TEXT)
    second = page({"properties": {"b": TEXT}}, model={"enum": ["heron/other"]})
    read = read_page(f"{first}\n{second.replace('Heron Clip', 'Heron Other')}")
    assert [(m.model, m.title) for m in read] == [
        ("heron/clip", "Heron Clip"),
        ("heron/other", "Heron Other"),
    ]


@pytest.mark.parametrize("fence", ["````yaml clip.json post /x", "~~~", "   ```yml"])
def test_fences_come_in_several_spellings(fence: str) -> None:
    """More marks, other marks, an indent and an info string are all fences."""
    mark = fence.strip()[:3] if "````" not in fence else "````"
    text = page(A_TEXT)
    text = text.replace("```yaml", fence).replace("\n```\n", f"\n{mark}\n")
    assert list(facts(text)) == ["a"]


def test_a_json_file_is_a_specification_too() -> None:
    """A bare OpenAPI file in JSON needs neither Markdown nor YAML; tabs do not matter."""
    body = {"properties": {"model": MODEL, "input": A_TEXT}}
    assert list(facts(json.dumps(document(body), indent="\t"))) == ["a"]


def test_without_input_the_properties_beside_the_model_are_taken() -> None:
    """A flat request is read, with a warning."""
    body = {
        "properties": {
            "model": MODEL,
            "callBackUrl": TEXT,
            "prompt": TEXT,
        }
    }
    read = only(json.dumps(document(body)))
    assert [p.name for p in read.parameters] == ["prompt"]
    assert any("no `input`" in warning for warning in read.warnings)


def test_an_address_of_something_else_is_no_file() -> None:
    """Only what names or describes a file becomes one."""
    spec = only(
        page(
            {
                "properties": {
                    "callback_url": {"type": "string", "format": "uri"},
                    "image_size": {"type": "string", "description": "Size of the image"},
                    "image": {"type": "string", "description": "Text for the image"},
                    "style_image": {"type": "string", "description": "URL of a picture"},
                    "driving_audio_url": TEXT,
                }
            }
        )
    )
    kinds = [type(parameter) for parameter in spec.parameters]
    assert kinds == [TextParameter, TextParameter, TextParameter, MediaParameter, MediaParameter]
    assert [p.media for p in spec.media_parameters] == ["image", "audio"]


def test_an_address_called_an_object_is_an_address_still() -> None:
    """An empty object under a name like `…_url` is a file, as `show` says exactly."""
    start, _, end = page({"properties": "HERE"}).partition('"HERE"')
    flow = "{first_frame_url: &it {type: object, properties: {}, description: 'Max size: 20MB'}, "
    flow += "last_frame_url: *it, reference_video_urls: {type: array, items: *it, maxItems: 5}, "
    flow += "reference_link_urls: {type: array, items: *it}}"
    spec = only(start + flow + end)
    assert [p.name for p in spec.media_parameters] == [
        "first_frame_url",
        "last_frame_url",
        "reference_video_urls",
    ]
    assert isinstance(spec.parameter("reference_link_urls"), TableParameter)
    frame = facts_of(spec.parameter("last_frame_url"))
    assert (frame["type"], frame["max_bytes"], frame["widget"]) == ("object", 20_000_000, "picture")
    assert any("an object" in warning for warning in spec.warnings)


def test_a_property_that_calls_itself_required_is() -> None:
    """Older specifications say it at the property instead of in a list."""
    read = facts(page({"properties": {"a": {"type": "string", "required": True}, "b": None}}))
    assert {name: fact["required"] for name, fact in read.items()} == {"a": True, "b": False}
