from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.parameters import TextParameter
from kie_ui.catalog.rules import EXTRA, Notice, Problem
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.builder import build_form, by_need, help_html
from kie_ui.ui.form.form import RANDOM, START_FROM, Form, count_html, extra_notices
from tests.ui.driving import GROK, HOSTILE, SPECS, V1_LITE
from tests.ui.specs import EVERY_KIND, PROMPT, WORD


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
    assert form.fields.keys() == {EXTRA, *(parameter.name for parameter in spec.parameters)}
    assert len({shown.note for shown in form.fields.values()}) == len(spec.parameters) + 1


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
    """The switch decides, wherever the slider is."""
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
    parameter = TextParameter(name="p", label="P", help="", max_length=5_000, multiline=True)
    assert count_html(parameter, "🙂" * 1_234) == '<span class="">1,234 / 5,000 characters</span>'
    assert "5,003 / 5,000 · 3 too many characters" in count_html(parameter, "x" * 5_003)


def counter_of(form: Form, name: str) -> gr.HTML:
    """Find what counts the characters of a text."""
    counter = form.fields[name].counter
    assert counter is not None
    return counter


@pytest.mark.parametrize("prompt", [None, "", "🙂", "x" * 6_000])
def test_every_text_with_a_limit_is_counted(grok: Form, prompt: str | None) -> None:
    """An emptied field counts nothing."""
    said = grok.counts({"prompt": prompt, "task_id": "an id", "mode": "fun"})
    assert f"{len(prompt or ''):,} / 5,000" in said[counter_of(grok, "prompt")]
    assert said[counter_of(grok, "task_id")] == ""


def test_a_short_text_is_counted_once_it_comes_near_its_limit(grok: Form) -> None:
    """Before that, nobody minds."""
    counter = counter_of(grok, "task_id")
    assert grok.counts({"task_id": "x" * 79})[counter] == ""
    assert "80 / 100" in grok.counts({"task_id": "x" * 80})[counter]


def buttons_of(page: gr.Blocks) -> list[str]:
    """Read the labels of a page's buttons."""
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
    """Only where requested does an end picture change the clip."""
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(V1_LITE)
    end: Any = form.fields["end_image_url"].widget
    assert end.value is None
    assert buttons_of(page) == ["Use a sample picture"]


@pytest.fixture
async def every_kind() -> Form:
    """Build a form with a field of every kind."""
    return await form_of(EVERY_KIND)


def test_what_is_required_comes_first_and_kinds_stand_together(every_kind: Form) -> None:
    """What it starts from, what shall happen, and how; the extra input is the last."""
    names = list(every_kind.fields)
    assert names[:4] == ["prompt", "image_urls", "video_url", "audio_urls"]
    assert names[-3:] == ["boxes", "word", EXTRA]


def test_a_long_form_folds_away_what_comes_last(every_kind: Form) -> None:
    """And the rare, and what no page documents."""
    folded = {str(fold.label): names for fold, names in every_kind.folds.items()}
    assert folded == {
        "More settings": ("boxes",),
        "Advanced": ("word",),
        "Extra input": (EXTRA,),
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


def test_a_fold_opens_for_a_problem_within_it(every_kind: Form) -> None:
    """The others stay as they are."""
    opened = every_kind.opened((Problem("word", "is wrong."), Problem("prompt", "is missing.")))
    assert [str(fold.label) for fold in opened] == ["Advanced"]


def test_json_is_told_of_while_it_is_typed_and_the_rest_at_the_press(every_kind: Form) -> None:
    """No field is reported as missing before they had a chance to fill it in."""
    problems = (Problem("boxes", "is not JSON yet."), Problem("prompt", "is missing."))
    assert every_kind.while_typing(problems, {"boxes": "["}) == problems[:1]
    assert every_kind.while_typing(problems, {"boxes": ""}) == ()


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
