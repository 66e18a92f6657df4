from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.rules import EXTRA, Notice, Problem
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import check_part
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.builder import Form, build_form, by_need
from kie_ui.ui.form.values import (
    ADDRESS,
    RANDOM,
    START_FROM,
    extra_notices,
    in_sight,
    notes_of,
    read_values,
    while_typing,
)
from tests.ui.driving import GROK, SPECS, V1_LITE
from tests.ui.specs import EVERY_KIND, PROMPT, WORD


async def form_of(spec: ModelSpec) -> Form:
    """Build a form. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_form(spec)


@pytest.fixture
async def v1_lite() -> Form:
    """Build the form with a seed."""
    return await form_of(V1_LITE)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)
async def test_every_documented_parameter_has_a_widget(
    spec: ModelSpec,
) -> None:
    """None is missing, none is invented."""
    form = await form_of(spec)
    named = {EXTRA, *(parameter.name for parameter in spec.parameters)}
    assert form.parameters.keys() == named
    assert form.widgets.keys() - {START_FROM} == named


def test_only_the_chosen_source_speaks() -> None:
    """What is typed in the other stays in its field, and out of the request."""
    raw = {"image_urls" + ADDRESS: "a picture", "task_id": "an id", "index": 3, "prompt": "so"}
    with_picture = read_values(GROK, {**raw, START_FROM: "image_urls"})
    with_task = read_values(GROK, {**raw, START_FROM: "task_id"})
    assert with_picture["image_urls"] == "a picture"
    assert with_picture.keys().isdisjoint({"task_id", "index"})
    assert (with_task["task_id"], with_task["index"]) == ("an id", 3)
    assert "image_urls" not in with_task


def test_random_sends_its_documented_value_and_a_chosen_seed_itself() -> None:
    """The switch decides, wherever the slider is."""
    assert read_values(V1_LITE, {"seed": 7, "seed" + RANDOM: True})["seed"] == -1
    assert read_values(V1_LITE, {"seed": 7, "seed" + RANDOM: False})["seed"] == 7


def test_a_form_without_alternatives_has_no_choice_of_source(v1_lite: Form) -> None:
    """V1 Lite starts from its picture, always."""
    assert START_FROM not in v1_lite.widgets


def test_an_error_says_more_than_a_notice_at_the_same_field() -> None:
    """And what is no problem is a notice."""
    notices = (Notice("mode", "becomes normal."), Notice("prompt", "unseen"))
    notes = list(notes_of((Problem("prompt", "is too long."),), notices))
    assert [(note.field, note.kind, note.text) for note in notes] == [
        ("prompt", "error", "is too long."),
        ("mode", "notice", "becomes normal."),
    ]


@pytest.mark.parametrize("held", [5, "x", [1], {"path": 3}, {"a": {}}, True, None])
@pytest.mark.parametrize("spec", [*SPECS, EVERY_KIND], ids=lambda spec: spec.api_name)
def test_whatever_a_browser_sends_is_read(spec: ModelSpec, held: object) -> None:
    """What no widget can hold is nothing, or left for the check."""
    raw: dict[str, Any] = dict.fromkeys((p.name for p in spec.parameters), held)
    values = read_values(spec, {**raw, EXTRA: held, START_FROM: held})
    problems = check_part(spec, values)[1]
    assert in_sight(spec, problems, {**raw, START_FROM: held})[:0] == ()


@pytest.fixture
async def every_kind() -> Form:
    """Build a form with a field of every kind."""
    return await form_of(EVERY_KIND)


def test_what_is_required_comes_first_and_kinds_stand_together(every_kind: Form) -> None:
    """What it starts from, what shall happen, and how; the extra input is the last."""
    names = list(every_kind.widgets)
    assert names[:4] == ["prompt", "image_urls", "video_url", "audio_urls"]
    assert names[-3:] == ["boxes", "word", EXTRA]


def test_a_long_form_folds_away_what_comes_last(every_kind: Form) -> None:
    """And the rare, and what no page documents."""
    folded = {str(fold.label): names for fold, names in every_kind.folds.items()}
    assert folded == {
        "More settings": ["boxes"],
        "Advanced": ["word"],
        "Extra input": [EXTRA],
    }


def test_no_required_field_is_folded_away() -> None:
    """However many there are, and wherever the page puts them."""
    texts = tuple(
        PROMPT.model_copy(update={"name": f"text_{number}", "advanced": True})
        for number in range(30)
    )
    in_sight, more, advanced = by_need((*texts, WORD))
    assert (in_sight, more, advanced) == (list(texts), [], [WORD])


def test_optional_texts_stand_after_what_is_required_and_after_files() -> None:
    """Such as what shall not be seen."""
    files = next(p for p in EVERY_KIND.parameters if p.kind == "media" and not p.required)
    negative = PROMPT.model_copy(update={"name": "negative_prompt", "required": False})
    in_sight, _, _ = by_need((negative, files, PROMPT))
    assert in_sight == [PROMPT, files, negative]


def test_json_is_told_of_while_it_is_typed_and_the_rest_at_the_press() -> None:
    """No field is reported as missing before they had a chance to fill it in."""
    problems = (Problem("boxes", "is not JSON yet."), Problem("prompt", "is missing."))
    assert while_typing(EVERY_KIND, problems, {"boxes": "["}) == problems[:1]
    assert while_typing(EVERY_KIND, problems, {"boxes": ""}) == ()


@pytest.mark.parametrize(
    ("checked", "said"),
    [
        ({}, []),
        ({EXTRA: JsonValue(value={"new": 1, "other": 2})}, ["Sent as well: new, other."]),
    ],
)
def test_the_extra_input_is_said_though_it_is_folded_away(
    checked: dict[str, Any], said: list[str]
) -> None:
    """By its names."""
    assert [notice.message for notice in extra_notices((), checked)] == said


def test_what_the_extra_input_replaces_is_said_once() -> None:
    """That it is sent says the same."""
    beforehand = (Notice(EXTRA, "Sent instead of what the form says: prompt."),)
    checked = {EXTRA: JsonValue(value={"prompt": "a"})}
    assert extra_notices(beforehand, checked) == beforehand
