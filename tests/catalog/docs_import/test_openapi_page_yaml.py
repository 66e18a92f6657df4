from __future__ import annotations

import pytest

from kie_ui.catalog.docs_import.documented import UnreadablePage
from kie_ui.catalog.docs_import.openapi_page import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16:9", "16:9"),
        ("on", "on"),
        ("no", "no"),
        ("2026-11-26", "2026-11-26"),
        ("0x10", "0x10"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("4K", "4K"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("5", 5),
        ("-1", -1),
        ("0.50", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!python/object/apply:os.system ['true']", ["true"]),
    ],
)
def test_plain_words_are_read_as_yaml_1_2_has_them(text: str, value: object) -> None:
    """A ratio is no number of minutes, and no tag makes anything but plain data."""
    read = read_yaml(f"a: {text}")["a"]
    assert read == value
    assert type(read) is type(value)


def test_keys_are_text_as_they_are_spelt() -> None:
    """A parameter may be called `n`, `on` or `200`."""
    assert read_yaml("n: 1\non: 2\n200: 3\nnull: 4\n") == {"n": 1, "on": 2, "200": 3, "null": 4}


def test_anchors_and_merges_are_followed() -> None:
    """What a page repeats by an alias or takes over by `<<` is there again; its own wins."""
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {'<<': 4}\n"
    assert read_yaml(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"<<": 4},
    }


def bomb(first: str, row: str) -> str:
    """Write ten lines, each of which repeats the one before nine times."""
    rows = [
        f"a{level}: &a{level} " + row.format(", ".join([f"*a{level - 1}"] * 9))
        for level in range(1, 12)
    ]
    return "\n".join([f"a0: &a0 {first}", *rows])


@pytest.mark.parametrize(
    "text",
    [
        bomb("[x, x, x]", "[{}]"),
        bomb("{x: 1}", "{{<<: [{}], y: 1}}"),
        "[" * 50_000,
        "- " * 50_000,
        "? " * 50_000,
        "{a: " * 5_000,
        "a: &a [*a]",
        "a: *b",
        "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300))]),
        "a: [" + "1, " * 60_000 + "1]",
        "a: b: c",
        "a: 'x",
        "\ta: 1",
    ],
    ids=lambda text: f"{text[:12]}… {len(text)}",
)
def test_a_hostile_text_is_refused_with_a_sentence(text: str) -> None:
    """Bombs, deep nesting and broken YAML end in a sentence."""
    with pytest.raises(UnreadablePage, match=r"\w \w"):
        read_yaml(text)


def test_an_error_names_its_place() -> None:
    """The sentence names the line and the column at which the page stops being YAML."""
    with pytest.raises(UnreadablePage, match="near line 2, column 5"):
        read_yaml("a: 1\nb: c: d\n")


@pytest.mark.parametrize("text", ["!!int x", "!!float x", "!!bool x", "!!null x", "!!timestamp x"])
def test_a_tag_that_does_not_fit_is_ignored(text: str) -> None:
    """A value whose tag names another type than it is written in stays text."""
    assert read_yaml(f"a: {text}") == {"a": "x"}
