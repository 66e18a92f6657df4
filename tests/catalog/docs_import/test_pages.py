from __future__ import annotations

import pytest

from kie_ui.catalog.docs_import.documented import UnreadablePage
from kie_ui.catalog.docs_import.read_page import read_page
from kie_ui.catalog.parameters import JsonParameter, SwitchParameter, TableParameter
from tests.catalog.docs_import.reading import facts, only, page


def test_a_markdown_page_is_read_whole() -> None:
    """Each bullet of each parameter is found again among the facts, in its own type."""
    assert facts(page("heron-still.md")) == {
        "prompt": {
            "name": "prompt",
            "type": "string",
            "required": True,
            "default": 'A heron, "grey", at dawn',
            "max_length": 10_000,
            "description": "What the picture shows",
            "widget": "long text",
        },
        "image_urls": {
            "name": "image_urls",
            "type": "array",
            "required": False,
            "default": ["https://pictures.example/heron.png"],
            "max_items": 4,
            "max_bytes": 10_000_000,
            "accepts": ["image/jpeg", "image/png", "image/webp"],
            "description": "Pictures to follow",
            "widget": "pictures",
        },
        "size": {
            "name": "size",
            "type": "string",
            "required": False,
            "options": ["1:1", "16:9"],
            "default": "16:9",
            "description": "How large it is",
            "widget": "choice",
        },
        "strength": {
            "name": "strength",
            "type": "number",
            "required": False,
            "default": 0.5,
            "minimum": -1.5,
            "maximum": 2.5,
            "step": 0.05,
            "description": "How closely it follows",
            "widget": "slider",
        },
        "seed": {"name": "seed", "type": "integer", "required": False, "widget": "number"},
        "tile": {
            "name": "tile",
            "type": "boolean",
            "required": False,
            "description": "Whether it can be laid side by side",
            "widget": "three-way switch",
        },
    }


def test_an_openapi_page_is_read_whole() -> None:
    """Schema and the words that it has no entry for give the facts, in the page's order."""
    read = facts(page("heron-clip.md"))
    assert list(read)[:3] == ["prompt", "duration", "nsfw_checker"]
    assert read["prompt"]["required"]
    assert "max_length" not in read["prompt"]
    assert read["duration"]["options"] == ["5", "10"]
    assert read["takes"]["options"] == [1, 2]
    assert (read["weight"]["minimum"], read["weight"]["maximum"]) == (0, 1)
    assert read["weight"]["step"] == 0.1
    assert read["end_image_url"]["max_bytes"] == 10_000_000
    assert read["end_image_url"]["accepts"] == ["image/jpeg", "image/png"]
    assert read["shots"]["max_items"] == 5


def test_every_shape_gets_the_kind_that_fits_it() -> None:
    """Rows become a table, nested lists JSON, and a boolean with no default a third way."""
    spec = only(page("heron-clip.md"))
    shots = spec.parameter("shots")
    assert isinstance(shots, TableParameter)
    assert [column.name for column in shots.columns] == ["text", "seconds"]
    boxes = spec.parameter("boxes")
    assert isinstance(boxes, JsonParameter)
    assert boxes.json_schema == {
        "type": "array",
        "items": {"type": "array", "items": {"type": "integer"}},
    }
    assert isinstance(spec.parameter("nsfw_checker"), SwitchParameter)
    assert any("boxes" in warning for warning in spec.warnings)


def test_a_stray_blank_in_a_name_is_dropped_with_a_warning() -> None:
    """A name with a blank after it is sent without the blank, with a warning."""
    assert any("stray space" in w for w in only(page("heron-clip.md")).warnings)


@pytest.mark.parametrize("name", ["heron-still.md", "heron-clip.md"])
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(name: str) -> None:
    """The same page from another system gives the same model."""
    text = page(name)
    assert read_page("\ufeff" + text.replace("\n", "\r\n")) == read_page(text)


def test_a_specification_needs_no_markdown_around_it() -> None:
    """A bare OpenAPI file reads as the page that holds it, but for the heading."""
    whole = page("heron-clip.md")
    bare = whole.partition("```yaml\n")[2].rpartition("```")[0]
    assert only(bare).parameters == only(whole).parameters


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("<!DOCTYPE html><html></html>", "HTML"),
        ("Dear diary", "No parameters"),
        ("```yaml\nopenapi: 3.0.1\npaths:\n  /api/v1/veo/generate:\n    post: {}\n```", "another"),
    ],
)
def test_what_is_no_model_page_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    """A page that documents no model says so, and what to do."""
    with pytest.raises(UnreadablePage, match=sentence):
        read_page(text)
