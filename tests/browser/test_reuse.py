from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from kie_ui.media.recipe import Recipe, write_recipe
from tests.browser.pages import GROK, V1_LITE, KiePage, Watch, drop_file
from tests.browser.past import Past
from tests.browser.test_history import HistoryTab
from tests.wire.tiny_media import tiny_clip


def test_the_settings_of_a_run_go_back_into_its_form(kie: KiePage, jpeg: Path) -> None:
    """Every parameter, the picture included, from another tab; and that can be undone."""
    form = kie.form(V1_LITE)
    form.field("image_url").get_by_role("button", name="Remove Image").click()
    form.field("image_url").locator("input[type=file]").set_input_files(jpeg)
    expect(form.preview("image_url")).to_have_js_property("naturalWidth", 640)
    form.choose("resolution", "480p")
    card = form.press("[fail] to be made again")
    expect(card.status).to_have_text("Failed")
    form.root.get_by_role("button", name="Start over").click()
    form.expect_body(resolution="720p")
    kie.form(GROK)
    tab = HistoryTab(kie)
    tab.open("[fail] to be made again").get_by_role("button", name="Use these settings").click()
    expect(form.prompt).to_have_value("[fail] to be made again")
    expect(form.preview("image_url")).to_have_js_property("naturalWidth", 640)
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    form.expect_body(resolution="480p", seed=-1, image_url="<address of the uploaded photo.jpg>")
    expect(tab.notice).to_contain_text("Filled in from your run of")
    tab.notice.get_by_role("button", name="Undo").click()
    form.expect_body(resolution="720p")


def test_again_with_a_new_seed_makes_another_run(kie: KiePage) -> None:
    """From the card beside the form: filled in and pressed, with another number, at a price."""
    form = kie.form(V1_LITE)
    card = form.press("[fail] once more")
    expect(card.status).to_have_text("Failed")
    form.prompt.fill("something else")
    again = card.node.get_by_role("button", name="Again with a new seed")
    expect(again).to_contain_text(re.compile(r"· [\d.]+ credits"))
    again.click()
    expect(form.cards.filter(has_text="[fail] once more")).to_have_count(2)
    expect(form.prompt).to_have_value("[fail] once more")
    expect(form.field("seed").get_by_role("checkbox")).not_to_be_checked()
    notice = kie.page.locator(".kie-notice")
    expect(notice).to_contain_text("Pressed Generate once more, with a new seed.")
    notice.get_by_role("button", name="Restore the form").click()
    expect(form.prompt).to_have_value("something else")


def test_again_waits_for_its_person_where_something_is_missing(
    past: Past, unopened: KiePage
) -> None:
    """It is filled in as far as possible, and what is missing is said until Generate is pressed."""
    past.fail("without its picture")
    for kept in (past.data_dir / "inputs").rglob("*.jpg"):
        kept.unlink()
    unopened.open()
    form = unopened.form(GROK)
    form.card("without its picture").node.get_by_role("button", name="Again").click()
    expect(form.prompt).to_have_value("without its picture")
    notice = unopened.page.locator(".kie-notice")
    expect(notice).to_contain_text("look at the form, then press Generate")
    expect(form.cards).to_have_count(1)
    form.generate.click()
    expect(notice).not_to_contain_text("look at the form")


def test_back_leads_to_the_run_whose_settings_were_used(past: Past, unopened: KiePage) -> None:
    """And from there to the history."""
    past.fail("gone back to")
    unopened.open()
    unopened.form(V1_LITE)
    tab = HistoryTab(unopened)
    tab.open("gone back to").get_by_role("button", name="Use these settings").click()
    expect(unopened.form(GROK).prompt).to_have_value("gone back to")
    unopened.page.go_back()
    expect(tab.dialog.get_by_text("gone back to", exact=True)).to_be_visible()
    expect(unopened.tab("History")).to_have_attribute("aria-selected", "true")
    unopened.page.keyboard.press("Escape")
    expect(tab.tiles.first).to_be_visible()


def test_the_way_that_a_run_started_from_is_chosen_again(kie: KiePage) -> None:
    """An earlier image task instead of a picture."""
    form = kie.form(GROK)
    form.root.get_by_text("An earlier Grok image task", exact=True).click()
    form.root.get_by_role("button", name=re.compile("sim|: ")).first.click()
    card = form.press("[fail] from a task")
    expect(card.status).to_have_text("Failed")
    task = form.field("task_id").get_by_role("textbox").input_value()
    form.root.get_by_role("button", name="Start over").click()
    expect(form.field("image_urls")).to_be_visible()
    card.node.get_by_role("button", name="Use these settings").click()
    expect(form.field("task_id").get_by_role("textbox")).to_have_value(task)
    expect(form.field("image_urls")).to_be_hidden()


@pytest.fixture(scope="module")
def made_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a clip of another installation of this program."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(tiny_clip())
    recipe = Recipe(
        model="bytedance/v1-lite-image-to-video",
        values={
            "prompt": "from far away",
            "resolution": "480p",
            "image_url": "mine.png",
            "seed": 42,
        },
    )
    write_recipe(path, path, recipe)
    return path.read_bytes()


def test_a_clip_dropped_into_a_fresh_installation_restores_its_form(
    kie: KiePage, made_elsewhere: bytes
) -> None:
    """In the tab of its model, with a word about the picture that it does not hold."""
    notice = kie.page.locator(".kie-notice")
    drop_file(kie, made_elsewhere, "clip.mp4")
    form = kie.form(V1_LITE)
    expect(form.prompt).to_have_value("from far away")
    expect(notice).to_contain_text("“mine.png” is not inside the clip")
    expect(form.field("seed").get_by_role("checkbox")).not_to_be_checked()
    expect(form.field("seed").get_by_role("spinbutton")).to_have_value("42")


def test_a_clip_without_a_recipe_is_told_as_such(kie: KiePage, watch: Watch) -> None:
    """The form stays as it is."""
    form = kie.form(GROK)
    form.prompt.fill("as it is")
    watch.expects("400", "/kie-ui/recipe")
    drop_file(kie, tiny_clip(), "someone elses.mp4")
    notice = kie.page.locator(".kie-notice")
    expect(notice).to_contain_text("This file carries no recipe")
    expect(form.prompt).to_have_value("as it is")
