from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.parameters import NumberParameter
from kie_ui.catalog.rules import EXTRA, with_defaults
from kie_ui.catalog.validate import check_values
from kie_ui.catalog.values import FileRef, JsonValue, UrlRef
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.form.components import UPLOAD_META
from kie_ui.ui.form.prefill import PictureGone, Prefill, copy_to_uploads, has_seed, prefill_form
from kie_ui.ui.form.values import ADDRESS, RANDOM, START_FROM, read_values
from tests.ui.driving import GROK, V1_LITE, DrivenForm, MakeServices
from tests.ui.specs import EVERY_KIND

ADDRESS_OF_PICTURE = "https://pictures.example/one.png"


def unasked(ref: FileRef) -> Path:
    """Bring nothing: these values hold no file."""
    raise AssertionError(ref)


def filled(values: dict[str, Any], **options: Any) -> Prefill:
    """Fill in a form with values that hold no file."""
    return prefill_form(V1_LITE, values, unasked, **options)


def test_every_kind_of_value_goes_back_into_its_widget() -> None:
    """A choice, a switch, a text, a number with its switch, and an address in its own field."""
    prefill = filled(
        {
            "image_url": (UrlRef(url=ADDRESS_OF_PICTURE),),
            "prompt": "a boat",
            "resolution": "480p",
            "camera_fixed": True,
            "seed": 7,
        }
    )
    expected = {
        "image_url" + ADDRESS: ADDRESS_OF_PICTURE,
        "prompt": "a boat",
        "resolution": "480p",
        "camera_fixed": True,
        "seed": 7,
        "seed" + RANDOM: False,
    }
    assert prefill.fields.items() >= expected.items()
    assert prefill.notes == []


def test_a_random_seed_is_random_again() -> None:
    """Its switch is on, and its slider is left alone."""
    fields = filled({"seed": -1}).fields
    assert fields["seed" + RANDOM] is True
    assert "seed" not in fields


def test_what_was_not_given_is_not_in_the_form() -> None:
    """Neither the picture nor the prompt that a fresh form starts with."""
    fields = filled({}).fields
    assert fields["image_url"] is None
    assert fields["prompt"] == ""


@pytest.mark.parametrize(
    ("values", "chosen"),
    [({"task_id": "t1", "index": 2}, "task_id"), ({"image_urls": ()}, "image_urls"), ({}, None)],
)
def test_the_way_that_was_chosen_is_chosen_again(
    values: dict[str, Any], chosen: str | None
) -> None:
    """And the other way keeps what a fresh form says of it."""
    fields = prefill_form(GROK, values, unasked).fields
    assert fields[START_FROM] == (chosen or "image_urls")
    assert ("image_urls" in fields) == (chosen != "task_id")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", "8k"),
        ("seed", 1e99),
        ("seed", "many"),
        ("camera_fixed", "yes"),
        ("prompt", 3),
        ("not_there_any_more", 1),
    ],
)
def test_what_no_longer_fits_is_left_out_with_a_word(name: str, value: Any) -> None:
    """A model may have changed since: the rest goes into the form all the same."""
    prefill = filled({name: value})
    assert name not in prefill.fields
    (note,) = prefill.notes
    assert "left out" in note


def test_a_new_seed_is_another_one_within_the_range() -> None:
    """Also where the run's was random; the switch is off, so that this very one is sent."""
    seed = next(p for p in V1_LITE.parameters if isinstance(p, NumberParameter))
    assert seed.maximum is not None
    for old in (-1, 7):
        fields = filled({"seed": old}, renews_seed=True).fields
        assert fields["seed" + RANDOM] is False
        assert isinstance(fields["seed"], int)
        assert 0 <= fields["seed"] <= seed.maximum
        assert fields["seed"] != old


def test_a_model_without_a_seed_has_none_to_renew() -> None:
    """Its settings come back as they were."""
    values = {"prompt": "again"}
    assert not has_seed(GROK)
    assert has_seed(V1_LITE)
    again = prefill_form(GROK, values, unasked, renews_seed=True)
    assert again.fields == prefill_form(GROK, values, unasked).fields


def test_a_kept_picture_is_laid_ready_and_described(uploaded: Path) -> None:
    """As a copy in Gradio's own folder, under a name that nobody guesses twice."""
    ref = FileRef(path="inputs/x.png", name="mine.png")
    prefill = prefill_form(
        V1_LITE, {"image_url": (ref,)}, lambda kept: copy_to_uploads(uploaded, kept.name)
    )
    given = prefill.fields["image_url"]
    assert Path(given["path"]).read_bytes() == uploaded.read_bytes()
    assert given["orig_name"] == "mine.png"
    assert prefill.files == [given["path"]]
    assert copy_to_uploads(uploaded, "mine.png") != Path(given["path"])


def test_a_picture_that_is_gone_leaves_its_field_empty_with_a_word(tmp_path: Path) -> None:
    """The rest is filled in."""
    ref = FileRef(path="inputs/x.png", name="mine.png")
    prefill = prefill_form(
        V1_LITE,
        {"image_url": (ref,), "prompt": "p"},
        lambda kept: copy_to_uploads(tmp_path / "gone.png", kept.name),
    )
    assert prefill.fields["image_url"] is None
    assert prefill.fields["prompt"] == "p"
    assert prefill.notes == ["Picture: “mine.png” is no longer there: choose it again."]


def test_of_several_pictures_the_first_is_shown() -> None:
    """The form has room for one."""
    refs = (UrlRef(url=ADDRESS_OF_PICTURE), UrlRef(url="https://pictures.example/two.png"))
    prefill = prefill_form(GROK, {"image_urls": refs}, unasked)
    assert prefill.fields["image_urls" + ADDRESS] == ADDRESS_OF_PICTURE
    assert len(prefill.notes) == 1


def test_a_failing_copy_is_told_as_a_picture_that_is_gone(tmp_path: Path) -> None:
    """Whatever the disk says."""
    with pytest.raises(PictureGone, match="choose it again"):
        copy_to_uploads(tmp_path, "folder.png")


@pytest.mark.parametrize("spec", [GROK, V1_LITE], ids=lambda spec: spec.api_name)
async def test_a_filled_form_says_what_the_run_said(
    spec: Any, make_services: MakeServices, uploaded: Path
) -> None:
    """There and back: the values of the form are those that it was filled in with."""
    form = DrivenForm(spec, make_services())
    name = spec.media_parameters[0].name
    given = {"prompt": "there and back", name: FileRef(path=str(uploaded), name="a.png")}
    values = check_values(spec, with_defaults(spec, given))
    prefill = prefill_form(spec, values, lambda kept: Path(kept.path))
    raw = {**form.values, **prefill.fields}
    assert check_values(spec, read_values(spec, raw)) == values


VALUES = {
    "prompt": "there and back",
    "image_urls": (UrlRef(url=ADDRESS_OF_PICTURE), FileRef(path="inputs/x.png", name="mine.png")),
    "video_url": (UrlRef(url="https://media.example/clip.mp4"),),
    "voice": "voice-93",
    "steps": 16,
    "styles": JsonValue(value=["oil", "clay"]),
    "strength": 0.25,
    "scale": 3,
    "nsfw_checker": False,
    "shots": JsonValue(value=[{"prompt": "a boat", "duration": 4}]),
    "colours": JsonValue(value=["#ff0000"]),
    "boxes": JsonValue(value=[[1, 2]]),
    EXTRA: JsonValue(value={"path": "/etc/passwd", "meta": UPLOAD_META}),
}


async def test_a_form_of_every_kind_says_what_the_run_said(uploaded: Path) -> None:
    """Several files, rows, lists and JSON; what was left out is empty."""
    prefill = prefill_form(EVERY_KIND, VALUES, lambda kept: copy_to_uploads(uploaded, kept.name))
    with gr.Blocks(analytics_enabled=False):
        form = build_form(EVERY_KIND)
    raw = {field.name: field.default for field in form.describe().fields} | prefill.fields
    checked = check_values(EVERY_KIND, read_values(EVERY_KIND, raw))
    address, file = checked["image_urls"]
    assert (address, file.name) == (UrlRef(url=ADDRESS_OF_PICTURE), "mine.png")
    assert {**checked, "image_urls": VALUES["image_urls"]} == VALUES
    assert prefill.notes == []


def test_only_what_was_brought_is_handed_over(uploaded: Path) -> None:
    """Data that looks like a file of somebody else's is data."""
    values = {**VALUES, "shots": JsonValue(value=[{"path": "/a", "meta": UPLOAD_META}])}
    prefill = prefill_form(EVERY_KIND, values, lambda kept: copy_to_uploads(uploaded, kept.name))
    assert prefill.files == [prefill.fields["image_urls"][1]["path"]]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("prompt", (UrlRef(url=ADDRESS_OF_PICTURE),), "Prompt: what was chosen"),
        ("image_urls", "a word", "Pictures: a word"),
        ("voice", "gone", "Voice: gone"),
        ("styles", JsonValue(value=["oil", "gone"]), 'Styles: ["oil", "gone"]'),
        ("shots", JsonValue(value=["a", "b"]), 'Shots: ["a", "b"]'),
        ("colours", JsonValue(value=[{"colour": "red"}]), "Colours: "),
        ("scale", JsonValue(value={"of": "x" * 200}), 'Scale: {"of": "xxx'),
    ],
)
def test_a_value_of_an_older_page_is_left_out_with_a_word(
    name: str, value: Any, words: str
) -> None:
    """Cut to a length that can be read."""
    prefill = prefill_form(EVERY_KIND, {name: value}, unasked)
    (note,) = prefill.notes
    assert note.startswith(words)
    assert note.endswith("no longer fits, so it was left out.")
    assert len(note) < 150
    assert prefill.fields.get(name) != value


def test_a_column_that_is_gone_is_left_out_of_every_row() -> None:
    """The rest of the rows is put back."""
    rows = [{"prompt": "a", "angle": 3}, {"prompt": "b"}]
    prefill = prefill_form(EVERY_KIND, {"shots": JsonValue(value=rows)}, unasked)
    assert prefill.fields["shots"] == [{"prompt": "a"}, {"prompt": "b"}]
    assert prefill.notes == ["Shots: “angle” is no longer a column, so it was left out."]


def test_what_a_run_did_not_give_is_empty_in_every_kind() -> None:
    """Nothing that the form said before is sent with it."""
    fields = prefill_form(EVERY_KIND, {}, unasked).fields
    assert [fields[name] for name in ("image_urls", "styles", "shots")] == [[], [], []]
    assert (fields["scale"], fields["boxes"], fields[EXTRA]) == (None, "", "")
