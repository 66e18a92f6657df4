from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.docs_import.documented import UnreadablePage, read_json
from kie_ui.catalog.docs_import.read_page import read_page
from kie_ui.catalog.parameters import JsonParameter, TableParameter
from tests.catalog.docs_import.reading import documented, facts, only


def page(blocks: str, *, head: str = "| **Format** | `heron/still` | Its id |") -> str:
    """Write a page around the blocks of some parameters."""
    return (
        f"# Heron Still API Documentation\n\n{head}\n\n### input Object Parameters\n\n{blocks}\n\n"
        "### Request Example\n\nNone.\n\n### Response Parameters\n\n#### data\n- **Type**: string\n"
    )


def stated(bullets: str, name: str = "value") -> dict[str, Any]:
    """Return what is read from the bullets of one parameter, but for its name."""
    read = facts(page(f"#### {name}\n{bullets}"))[name]
    assert read.pop("name") == name
    return read


@pytest.mark.parametrize(
    ("bullet", "default"),
    [
        ('`"720p"`', "720p"),
        ("`720p`", "720p"),
        ("720p", "720p"),
        ('`""`', ""),
        ('`""` (empty string)', ""),
        ('`"a `b` c"`', "a `b` c"),
        ('`"two\\nlines"`', "two\nlines"),
        ('`"two\nlines"`', '"two\nlines"'),
        ("`null`", None),
        ("null", None),
        ("-", None),
        ("`undefined`", None),
        ("", None),
    ],
)
def test_a_default_is_json_where_it_is_json(bullet: str, default: str | None) -> None:
    """Else it is its bare text; nothing and null are no default."""
    read = stated(f"- **Type**: `string`\n- **Default Value**: {bullet}\n- **Required**: No")
    assert read.get("default") == default


@pytest.mark.parametrize(
    ("bullet", "limits"),
    [
        ("0 - 5 (step: 1)", (0, 5, 1)),
        ("-1 - 2147483647 (step: 1)", (-1, 2_147_483_647, 1)),
        ("-2.5 - -0.5 (step: 0.25)", (-2.5, -0.5, 0.25)),
        ("0.7 – 1.2", (0.7, 1.2, None)),
        ("1 to 1,000", (1, 1_000, None)),
    ],
)
def test_a_range_is_read_with_its_step(bullet: str, limits: tuple[float, ...]) -> None:
    """Ends may be negative, decimal, and joined by words."""
    read = stated(f"- **Type**: `number`\n- **Range**: {bullet}")
    assert (read.get("minimum"), read.get("maximum"), read.get("step")) == limits


@pytest.mark.parametrize(
    "bullet",
    [
        "\n  - `std`: Standard\n  - `pro`: Better",
        "\n- `std`: Standard\n- `pro`: Better",
        "\n\n    * `std` - Standard\n    * `pro` – Better",
        " `std` | `pro`",
        " `std`, `pro`",
        " std, pro",
        "\n  - std: Standard\n  - pro",
    ],
)
def test_options_are_read_under_their_bullet_or_on_its_line(bullet: str) -> None:
    """Nested or inline, with labels or without, they are the same values, in the page's type."""
    read = stated(f"- **Type**: `string`\n- **Options**:{bullet}\n- **Required**: No")
    assert read["options"] == ["std", "pro"]
    read = stated("- **Type**: `number`\n- **Options**:\n  - `0`: 0\n  - `0.5`: half")
    assert read["options"] == [0, 0.5]


@pytest.mark.parametrize(
    ("word", "required"),
    [("Yes", True), ("No", False), ("yes (always)", True), ("Not said", False)],
)
def test_required_is_what_the_page_answers(word: str, required: bool) -> None:  # noqa: FBT001
    """Anything but a yes is a no."""
    assert stated(f"- **Type**: `string`\n- **Required**: {word}")["required"] is required


@pytest.mark.parametrize(
    "bullet",
    [
        "Example**: `A heron.`",
        'Examples**:\n  - `"A heron."`\n  - `A boat.`',
        "Example:** A heron.",
    ],
)
def test_the_first_example_is_kept(bullet: str) -> None:
    """The first example counts, on the line of its bullet or under it."""
    text = page(f"#### value\n- **Type**: `string`\n- **{bullet}")
    (parameter,) = documented(text).parameters
    assert parameter.example == "A heron."


def test_bullets_may_be_spelled_in_several_ways() -> None:
    """Stars, colons inside the bold, thousands and remarks do not matter."""
    read = stated(
        "* **Type:** `string`\n* **Required:** Yes\n* **Max Length:** 10,000 characters\n"
        "* **Description:** He said &quot;fly&quot;, see https://pictures.example/?a=1&copy=2"
    )
    assert read["required"]
    assert read["max_length"] == 10_000
    assert read["description"] == 'He said "fly", see https://pictures.example/?a=1&copy=2'


def test_a_description_keeps_its_own_list() -> None:
    """A list of values in bold belongs to the description, and ends with the next fact."""
    read = stated(
        "- **Type**: `string`\n- **Description**: How it flies.\n\n- **low**: near the water\n"
        "- **high**: far above\n- **Required**: Yes"
    )
    assert read["description"].endswith("- **high**: far above")
    assert read["required"]


def test_an_unknown_bullet_gives_a_warning() -> None:
    """Nothing is dropped in silence."""
    (warning,) = only(page("#### a\n- **Type**: `string`\n- **Mood**: happy")).warnings[:1]
    assert "mood: happy" in warning


@pytest.mark.parametrize(
    "heading", ["`a_b`", "**a_b**", "a\\_b", "input.a_b", "a_b (required)", "3. a_b"]
)
def test_a_heading_names_its_parameter_with_or_without_marks(heading: str) -> None:
    """Marks and remarks are not part of a name, and fields of the answer are no parameters."""
    assert list(facts(page(f"#### {heading}\n- **Type**: `string`"))) == ["a_b"]


@pytest.mark.parametrize(
    "head",
    [
        "| model | string | Yes | Model name, format: `heron/still` |",
        '```json\n{"model": "heron/still", "input": {"a": undefined}}\n```',
        '```\n"param": "{\\"model\\":\\"heron/still\\"}"\n```',
    ],
)
def test_the_id_is_found_without_its_own_table(head: str) -> None:
    """Where the table of the model is missing, another mention or an example names it."""
    assert only(page("#### a\n- **Type**: `string`", head=head)).model == "heron/still"


def test_a_page_without_any_id_is_refused() -> None:
    """A model without an id can't be requested."""
    with pytest.raises(UnreadablePage, match="which model"):
        read_page(page("#### a\n- **Type**: `string`", head=""))


def test_parameters_are_found_without_a_section_of_their_own() -> None:
    """Headings with a type under them will do."""
    text = (
        '# Heron\n\n`model`\n\n```json\n{"model": "heron/x"}\n```\n\n## a\n- **Type**: `boolean`\n'
    )
    assert list(facts(text)) == ["a"]


def test_a_missing_type_is_guessed_with_a_warning() -> None:
    """Without a type, the default decides."""
    read = documented(page("#### a\n- **Required**: Yes\n- **Default Value**: `false`"))
    assert read.parameters[0].type == "boolean"
    assert any("no type for a" in warning for warning in read.warnings)


def test_rows_are_a_table_where_their_fields_are_listed() -> None:
    """An array of objects becomes a table if the page says what the objects hold."""
    read = only(
        page(
            "#### shots\n- **Type**: `array(object)`\n- **Object structure**:\n"
            "  - `text` (string, required): What moves, max 500 characters\n"
            "  - `seconds` (number): How long\n\n#### boxes\n- **Type**: `array`"
        )
    )
    shots = read.parameter("shots")
    assert isinstance(shots, TableParameter)
    assert [(c.name, c.required) for c in shots.columns] == [("text", True), ("seconds", False)]
    assert isinstance(read.parameter("boxes"), JsonParameter)


def test_a_description_may_be_a_mere_mark() -> None:
    """Only after it, the mark is a rule across the page."""
    block = "#### a\n- **Type**: `string`\n- **Description**: {}\n"
    read = [facts(page(block.format(words)))["a"] for words in ("_", "Words\n\n---")]
    assert [parameter["description"] for parameter in read] == ["_", "Words"]


def test_a_table_names_what_has_no_heading_of_its_own() -> None:
    """Of a parameter in both, the heading with its bullets counts; a table of notes has none."""
    mixed = (
        "| Property | Type | Required |\n|---|---|---|\n| tier | string | Yes |\n"
        "| loop | boolean | No |\n\n"
        "#### tier\n- **Type**: `string`\n- **Required**: No\n- **Options**: `low` | `high`\n\n"
        "| Name | Size |\n|---|---|\n| low | 480 |\n"
    )
    read = facts(page(mixed))
    assert list(read) == ["tier", "loop"]
    assert (read["tier"]["options"], read["tier"]["required"]) == (["low", "high"], False)
    assert read["loop"]["type"] == "boolean"


def test_parameters_may_be_listed_in_a_table() -> None:
    """A table with a row for each parameter reads as headings with bullets would."""
    table = (
        "| Parameter | Type | Required | Default | Description |\n|---|---|---|---|---|\n"
        "| `a` | string | Yes | - | Words (Max length: 50 characters) |\n"
        "| `b` | number | No | `2` | This \\| that |"
    )
    assert facts(page(table)) == {
        "a": {
            "name": "a",
            "type": "string",
            "required": True,
            "description": "Words (Max length: 50 characters)",
            "widget": "text",
        },
        "b": {
            "name": "b",
            "type": "number",
            "required": False,
            "default": 2,
            "description": "This | that",
            "widget": "number",
        },
    }


def test_several_pages_in_one_text_are_several_models() -> None:
    """Pages put one after the other are each read."""
    other = page("#### b\n- **Type**: `string`", head="| **Format** | `heron/other` | |")
    read = read_page(page("#### a\n- **Type**: `string`") + "\n" + other)
    assert [model.model for model in read] == ["heron/still", "heron/other"]


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999", "[" * 100_000, "[" * 70 + "]" * 70])
def test_json_that_is_none_is_refused(text: str) -> None:
    """Neither numbers that are none nor a tower of brackets count as JSON."""
    with pytest.raises(ValueError, match=r"\w"):
        read_json(text)
