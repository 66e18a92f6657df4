from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.docs_import.documented import DocumentedParameter
from kie_ui.catalog.docs_import.limits_in_prose import add_limits
from kie_ui.catalog.docs_import.to_parameters import to_parameter
from kie_ui.catalog.parameters import MediaParameter

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
TEXTS = DocumentedParameter(name="item", type="string")
ROW = DocumentedParameter(name="item", type="object", fields=(TEXTS,))

CASES: list[tuple[str, str, dict[str, Any]]] = [
    # Numbers
    ("number", "How close (Min: 0, Max: 1, Step: 0.1) (step: 0.1)", {"range": (0, 1), "step": 0.1}),
    ("number", "Share.\n\n- Minimum: `0.01`\n- Maximum: `1`", {"range": (0.01, 1)}),
    ("integer", "Range: [1, 15]. Minimum: 1. Maximum: 15. Step: 1.", {"range": (1, 15), "step": 1}),
    ("number", "Seconds, optional range 4-12 s", {"range": (4, 12)}),
    ("integer", "Seconds. Range: 1-12.", {"range": (1, 12)}),
    ("integer", "The valid range is an integer from `2` to `10`.", {"range": (2, 10)}),
    ("number", "Must be an integer in the range [3, 15].", {"range": (3, 15)}),
    ("number", "Must be between 40 to 120.", {"range": (40, 120)}),
    ("integer", "Lasts, ranging from 1 to 15.", {"range": (1, 15)}),
    ("integer", "It lasts in 4-15 seconds.", {"range": (4, 15)}),
    ("integer", "Heron supports 1–15 seconds.", {"range": (1, 15)}),
    ("integer", "Range: [0, 2,147,483,647].", {"range": (0, 2_147_483_647)}),
    ("integer", "The range is 1-4 when `a` is off; the range is 1-12 when `a` is on.", {}),
    ("integer", "It lasts in 4-30 seconds. The special value -1 lets the model choose.", {}),
    ("integer", "Either `0` or any in `[2,10]`.", {}),
    ("number", "One of these: 0.0, 0.5, or 1.0", {}),
    ("number", "Such as 1", {}),
    ("string", "Seconds (Minimum: 6, Maximum: 30, Step: 1)", {"range": (6, 30), "step": 1}),
    ("string", "Seconds. Optional duration: 3s - 15s", {"range": (3, 15)}),
    # Texts
    ("string", "What moves (Max length: 5,000 characters)", {"length": (None, 5_000)}),
    ("string", "Needed. (Min length: 3, Max length: 200 characters)", {"length": (3, 200)}),
    ("string", "What it shows (Max length: 3-3000 characters)", {"length": (3, 3_000)}),
    ("string", "Must be between 3 and 500 characters.", {"length": (3, 500)}),
    ("string", "Words, up to 20,000 characters.", {"length": (None, 20_000)}),
    ("string", "At the most: a maximum of 500 characters per shot.", {"length": (None, 500)}),
    (
        "string",
        "With a minimum of 2 characters and a maximum of 50 characters",
        {"length": (2, 50)},
    ),
    ("string", "May be empty or 0 - 2500 characters long.", {"length": (None, 2_500)}),
    ("string", "All rows combined must not exceed 5000 characters.", {}),
    ("string", "At most 5,000 non\u2011Latin characters or 2,500 others.", {}),
    ("string", "Every name takes 37 characters.", {}),
    # Files
    (
        "file",
        "Where it starts (File URL; Accepted types: image/jpeg, image/png; Max size: 10.0MB)",
        {"accepts": (JPEG, PNG), "bytes": 10_000_000},
    ),
    (
        "file",
        "- Accepted types: `image/jpeg`, `image/webp`\n- Max size: 1.5GB",
        {"accepts": (JPEG, WEBP), "bytes": 1_500_000_000},
    ),
    (
        "file",
        "(supported formats: audio/mpeg, audio/wav; its size is limited to 100M)",
        {"accepts": ("audio/mpeg", "audio/wav"), "bytes": 100_000_000},
    ),
    (
        "file",
        "Formats: JPEG, JPG, PNG. File size: up to 20 MB.",
        {"accepts": (JPEG, PNG), "bytes": 20_000_000},
    ),
    (
        "file",
        "Supports `.mp4`/`.mov`, max 5MB",
        {"accepts": ("video/mp4", "video/quicktime"), "bytes": 5_000_000},
    ),
    ("file", "In JPEG, PNG or WebP format (at most 2 MB in total)", {"accepts": (JPEG, PNG, WEBP)}),
    (
        "file",
        "Supports PNG.\n- Does not support HEIC\n- Must not exceed 3 MB",
        {"accepts": (PNG,), "bytes": 3_000_000},
    ),
    ("file", "Supports HTTP and OSS addresses. Each no larger than `20MB`", {"bytes": 20_000_000}),
    ("file", "Supported formats: MOV, MP4, HDR.", {}),
    ("file", "Pictures under 5MB, clips under 50MB", {}),
    ("file", "Accepted types: image/jpeg, image/jpg", {"accepts": (JPEG, "image/jpg")}),
    ("file", "It begins here.\n\n- Max size per image: 10.0MB", {"bytes": 10_000_000}),
    ("file", "- Maximum file size for each image: 10MB", {"bytes": 10_000_000}),
    *(
        ("file", f"{words}\uff1aimage/jpeg\u3001image/png", {"accepts": (JPEG, PNG)})
        for words in (
            "\u652f\u6301\u7684\u7c7b\u578b",
            "\u652f\u6301\u7684\u6587\u4ef6\u7c7b\u578b",
            "\u652f\u6301\u7684\u683c\u5f0f",
            "\u63a5\u53d7\u7684\u7c7b\u578b",
            "\u652f\u6301\u7c7b\u578b",
        )
    ),
    *(
        ("file", f"{words}\uff1a10.0MB", {"bytes": 10_000_000})
        for words in (
            "\u6700\u5927\u6587\u4ef6\u5927\u5c0f",
            "\u6700\u5927\u5927\u5c0f",
        )
    ),
    (
        "file",
        "\u652f\u6301\u7684\u7c7b\u578b\uff1aimage/jpeg\uff1b\u6700\u5927\u6587\u4ef6\u5927\u5c0f\uff1a30.0MB",
        {"accepts": (JPEG,), "bytes": 30_000_000},
    ),
    # Lists
    ("list", "Pictures to follow (1-8 images).", {"items": (1, 8)}),
    ("list", "Supports up to 5 shots, each of 1-12 seconds.", {"items": (None, 5)}),
    ("list", "There may be a maximum of seven URLs", {"items": (None, 7)}),
    ("list", "Only one image is supported.", {"items": (None, 1)}),
    ("list", "Max 3 items.", {"items": (None, 3)}),
    ("list", "Areas; maximum 2 boxes per image", {}),
    ("list", "Up to 3 images when it is short, up to 5 images else", {}),
    ("list", "It has 7 slots; with a clip it can hold up to 3 of them", {}),
    ("list", "Only 1 image if it is large", {}),
]

FACTS = {
    "range": ("minimum", "maximum"),
    "length": ("min_length", "max_length"),
    "items": ("min_items", "max_items"),
}


def documented(kind: str, description: str) -> DocumentedParameter:
    """Return a parameter of that type, or a file or a list, with the description alone."""
    match kind:
        case "file":
            return DocumentedParameter(name="source_url", type="string", description=description)
        case "list":
            return DocumentedParameter(
                name="shots", type="array", items=ROW, description=description
            )
    return DocumentedParameter(name="value", type=kind, description=description)


def expected(limits: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that a case names in short."""
    facts: dict[str, Any] = {}
    for name, value in limits.items():
        if name in FACTS:
            facts |= dict(zip(FACTS[name], value, strict=True))
        else:
            facts["max_bytes" if name == "bytes" else name] = value
    return {name: value for name, value in facts.items() if value is not None}


def limits_of(parameter: DocumentedParameter) -> dict[str, Any]:
    """Return the facts of a parameter that limit it."""
    others = {"name", "type", "required", "description"}
    facts = {name: fact for name, fact in parameter.facts.items() if name not in others}
    return {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}


@pytest.mark.parametrize(("kind", "description", "limits"), CASES)
def test_limits_are_read_from_words(kind: str, description: str, limits: dict[str, Any]) -> None:
    """What a description plainly limits is known; what means another thing is not."""
    findings: list[str] = []
    known = add_limits(documented(kind, description), findings)
    assert limits_of(replace(known, gathered=frozenset())) == expected(limits)
    assert findings == []


@pytest.mark.parametrize(
    ("kind", "description", "facts"),
    [
        ("number", "How close (Min: 0, Max: 1, Step: 0.1)", {"range": (0, 1), "step": 0.1}),
        ("number", "Range: 1-12.", {}),
        ("number", "It lasts between 4 and 15 seconds.", {}),
        ("string", "Words (Max length: 500 characters)", {}),
        ("string", "Must be between 3 and 500 characters.", {}),
        (
            "file",
            "(File URL; Accepted types: image/jpeg, image/png; Max size: 10.0MB)",
            {"accepts": (JPEG, PNG), "bytes": 10_000_000},
        ),
        (
            "file",
            "\u652f\u6301\u7684\u683c\u5f0f\uff1aimage/jpeg\u3001image/png; Max size: 10.0MB",
            {"accepts": (JPEG, PNG), "bytes": 10_000_000},
        ),
        ("file", "JPEG or PNG, no larger than 5MB", {}),
        ("file", "It begins here.\n\n- Max size per image: 10.0MB", {"bytes": 10_000_000}),
        ("file", "- Maximum file size for each image: 10MB", {"bytes": 10_000_000}),
        ("list", "Max items: 8", {}),
        ("list", "Up to 8 images, at least 2", {}),
    ],
)
def test_only_a_labelled_limit_is_a_fact(
    kind: str, description: str, facts: dict[str, Any]
) -> None:
    """What has no entry of its own is stated by a label; the rest only limits the form."""
    assert limits_of(add_limits(documented(kind, description), [])) == expected(facts)


def test_what_is_gathered_from_a_sentence_limits_the_form_all_the_same() -> None:
    """The ninth picture would be refused by the service."""
    page = DocumentedParameter(
        name="image_urls", type="array", items=TEXTS, description="Up to 8 images."
    )
    made = to_parameter(add_limits(page, []), [])
    assert isinstance(made, MediaParameter)
    assert made.max_items == 8
    assert "max_items" not in facts_of(made)


def test_the_page_s_own_entry_counts_more_than_the_words() -> None:
    """Where entry and words differ, the entry wins, with a warning."""
    findings: list[str] = []
    page = DocumentedParameter(
        name="prompt", type="string", max_length=300, description="Maximum length: 1000 characters."
    )
    assert add_limits(page, findings).max_length == 300
    assert any("1000" in sentence and "300" in sentence for sentence in findings)


@pytest.mark.parametrize(
    "stated",
    [
        {"type": "integer", "default": 0, "description": "Range: 2-10, or 0 for all of it"},
        {"type": "string", "description": "Range: 3 to 15."},
    ],
    ids=["a default outside", "text"],
)
def test_a_range_that_cannot_be_meant_is_none(stated: dict[str, Any]) -> None:
    """Neither one that the documented default breaks, nor one of a plain text."""
    assert add_limits(DocumentedParameter(name="seconds", **stated), []).minimum is None
