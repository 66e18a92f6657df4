from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.parameters import TextParameter
from kie_ui.catalog.rules import Notice, Problem
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.form import RANDOM, START_FROM, Form, build_form, count_html, help_html
from tests.ui.driving import GROK, HOSTILE, SPECS, V1_LITE


async def form_of(spec: ModelSpec) -> Form:
    """Build a form. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_form(spec)


@pytest.fixture
async def grok() -> Form:
    """Build the form with a choice of source."""
    return await form_of(GROK)


@pytest.fixture
async def v1_lite() -> Form:
    """Build the form with a seed."""
    return await form_of(V1_LITE)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)
async def test_every_documented_parameter_has_a_field_and_a_place_for_what_is_amiss(
    spec: ModelSpec,
) -> None:
    """None is missing, none is invented."""
    form = await form_of(spec)
    assert form.fields.keys() == {parameter.name for parameter in spec.parameters}
    assert len({shown.note for shown in form.fields.values()}) == len(spec.parameters)


def test_only_the_chosen_source_speaks(grok: Form) -> None:
    """What is typed in the other stays in its field, and out of the request."""
    raw = {"image_urls": "a picture", "task_id": "an id", "index": 3, "prompt": "so"}
    with_picture = grok.values({**raw, START_FROM: "image_urls"})
    with_task = grok.values({**raw, START_FROM: "task_id"})
    assert with_picture["image_urls"] == "a picture"
    assert with_picture.keys().isdisjoint({"task_id", "index"})
    assert (with_task["task_id"], with_task["index"]) == ("an id", 3)
    assert "image_urls" not in with_task


def test_random_sends_its_documented_value_and_a_chosen_seed_itself(v1_lite: Form) -> None:
    """The switch decides, wherever the slider stands."""
    assert v1_lite.values({"seed": 7, "seed" + RANDOM: True})["seed"] == -1
    assert v1_lite.values({"seed": 7, "seed" + RANDOM: False})["seed"] == 7


def test_a_form_without_alternatives_has_no_choice_of_source(v1_lite: Form) -> None:
    """V1 Lite starts from its picture, always."""
    assert v1_lite.start_from is None
    assert START_FROM not in v1_lite.inputs


def test_notes_stand_at_their_field_and_the_others_are_emptied(grok: Form) -> None:
    """A mended problem goes; an error says more than a notice at the same field."""
    notes = grok.notes(
        (Problem("prompt", "is too long."),),
        (Notice("mode", "becomes normal."), Notice("prompt", "unseen")),
    )
    shown = {name: notes[shown.note] for name, shown in grok.fields.items()}
    assert "is too long." in shown["prompt"]
    assert 'role="alert"' in shown["prompt"]
    assert "becomes normal." in shown["mode"]
    assert 'role="status"' in shown["mode"]
    assert {name for name, text in shown.items() if text} == {"prompt", "mode"}


def test_a_problem_of_no_field_breaks_nothing(grok: Form) -> None:
    """There is nowhere to say it, so it is left to the press."""
    assert grok.notes_of((Problem("no_such_field", "is wrong."),)) == {}


def test_what_stands_at_a_field_is_text_and_never_markup(grok: Form) -> None:
    """Problems quote what people typed."""
    (note,) = grok.notes_of((Problem("prompt", HOSTILE),)).values()
    assert "<img" not in note
    assert "&lt;img" in note


def test_documentation_is_text_and_never_markup() -> None:
    """A spec may come from a page that somebody else wrote."""
    parameter = TextParameter(name="<b>", label="B", help=HOSTILE)
    assert "<img" not in help_html(parameter)
    assert "<b>" not in help_html(parameter)


def test_a_counter_counts_characters_and_says_how_many_are_too_many() -> None:
    """Just as the check does: an emoji is one."""
    parameter = TextParameter(name="p", label="P", help="", max_length=5_000)
    assert count_html(parameter, "🙂" * 1_234) == '<span class="">1,234 / 5,000 characters</span>'
    assert "5,003 / 5,000 · 3 too many characters" in count_html(parameter, "x" * 5_003)


@pytest.mark.parametrize("prompt", [None, "", "🙂", "x" * 6_000])
def test_every_text_with_a_limit_is_counted(grok: Form, prompt: str | None) -> None:
    """An emptied field counts nothing."""
    (said,) = grok.counts({"prompt": prompt, "task_id": "an id", "mode": "fun"}).values()
    assert f"{len(prompt or ''):,} / 5,000" in said


def buttons_of(page: gr.Blocks) -> list[str]:
    """Read what stands on the buttons of a page."""
    return [str(block.value) for block in page.blocks.values() if isinstance(block, gr.Button)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)
async def test_the_page_offers_the_demos_image_tasks_only_where_an_image_task_is_asked_for(
    spec: ModelSpec,
) -> None:
    """Each is a press away."""
    with gr.Blocks(analytics_enabled=False) as page:
        build_form(spec)
    words = [words for words in buttons_of(page) if "sample-" in words]
    ids = {text.rpartition(": ")[2] for text in words}
    assert ids == ({"sample-grok-a", "sample-grok-b"} if spec is GROK else set())


async def test_a_picture_that_may_stay_away_starts_empty_and_offers_a_sample() -> None:
    """Only where it is asked for does an end picture change the clip."""
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(V1_LITE)
    end: Any = form.fields["end_image_url"].widget
    assert end.value is None
    assert buttons_of(page) == ["Use a sample picture"]
