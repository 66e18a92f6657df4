from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import GROK, V1_LITE, KiePage
from tests.browser.test_pictures import choose, expect_shown
from tests.wire.app_process import AppProcess

_FOREIGN = """() => {
  const model = "bytedance/v1-lite-image-to-video";
  const key = `kie-ui:1:${new URL('.', location.href).pathname.replace(/\\/$/, '')}:draft:${model}`;
  const draft = {
    prompt: "kept", resolution: "9000p", seed: "a string", seed__random: "yes", no_such: 1,
    camera_fixed: null, image_url: ["not", "a", "picture"], image_url__facts: 5, duration: {},
  };
  sessionStorage.setItem(key, JSON.stringify(draft));
}"""


def test_both_forms_survive_a_refresh_with_their_pictures(kie: KiePage, jpeg: Path) -> None:
    """As they were, with price, facts, code and the open tab; and nothing is complained about."""
    grok = kie.form(GROK)
    grok.root.get_by_text("An earlier Grok image task", exact=True).click()
    grok.field("task_id").get_by_role("textbox").fill("sample-grok-b")
    grok.field("index").get_by_role("spinbutton").fill("4")
    form = kie.form(V1_LITE)
    choose(form, "image_url", jpeg)
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    form.prompt.fill("half filled in")
    form.choose("resolution", "1080p")
    form.field("seed").get_by_label("Random seed").uncheck()
    form.field("seed").get_by_role("spinbutton").fill("42")
    expect(form.price).to_contain_text("50 credits")

    kie.reload()
    expect(kie.tab(V1_LITE)).to_have_attribute("aria-selected", "true")
    expect(form.prompt).to_have_value("half filled in")
    expect_shown(form.preview("image_url"), 640, 400)
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    expect(form.field("seed").get_by_role("spinbutton")).to_be_enabled()
    expect(form.price).to_contain_text("50 credits")
    expect(form.root.get_by_role("alert").filter(has_text="missing")).to_have_count(0)
    form.expect_body(
        prompt="half filled in",
        resolution="1080p",
        seed=42,
        image_url="<address of the uploaded photo.jpg>",
    )
    kie.form(GROK)
    expect(grok.field("task_id").get_by_role("textbox")).to_have_value("sample-grok-b")
    grok.expect_body(task_id="sample-grok-b", index=4, image_urls=None)


def test_a_new_window_starts_from_what_was_typed_last(kie: KiePage) -> None:
    """From then on each window goes its own way."""
    form = kie.form(GROK)
    form.prompt.fill("typed in the first window")
    kie.expect_kept("typed in the first window")
    page = kie.page.context.new_page()
    other = KiePage(page, kie.address)
    other.open()
    expect(other.form(GROK).prompt).to_have_value("typed in the first window")
    other.form(GROK).prompt.fill("typed in the second")
    other.expect_kept("typed in the second")
    kie.reload()
    expect(form.prompt).to_have_value("typed in the first window")


def test_foreign_data_is_passed_over_field_by_field(kie: KiePage) -> None:
    """What fits is taken, what does not leaves its field as documented, and nothing breaks."""
    form = kie.form(V1_LITE)
    kie.page.evaluate(_FOREIGN)
    kie.reload()
    expect(form.prompt).to_have_value("kept")
    form.expect_body(prompt="kept", resolution="720p", duration="5", seed=-1, camera_fixed=False)
    expect(form.preview("image_url")).to_be_visible()


def test_starting_over_puts_the_defaults_back_and_can_be_undone(kie: KiePage, jpeg: Path) -> None:
    """Without a question beforehand."""
    form = kie.form(V1_LITE)
    choose(form, "image_url", jpeg)
    form.prompt.fill("soon gone")
    form.root.get_by_role("button", name="Start over").click()
    expect(form.prompt).to_have_value(re.compile("^Multiple shots"))
    form.expect_body(image_url="<address of the uploaded archway.jpg>")
    form.root.get_by_role("button", name="Undo", exact=True).click()
    expect(form.prompt).to_have_value("soon gone")
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    form.expect_body(image_url="<address of the uploaded photo.jpg>", prompt="soon gone")
    expect(form.root.get_by_role("button", name="Undo", exact=True)).to_be_hidden()


def test_a_picture_outlives_the_server_and_one_that_is_gone_is_told(
    context: BrowserContext, mortal: AppProcess, jpeg: Path
) -> None:
    """Uploads lie in the data folder, which a restart leaves alone."""
    page = context.new_page()
    kie = KiePage(page, mortal.url)
    kie.open()
    form = kie.form(V1_LITE)
    choose(form, "image_url", jpeg)
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    kie.expect_kept("photo.jpg")
    page.goto("about:blank")
    mortal.stop()
    mortal.start()
    kie.open()
    expect_shown(form.preview("image_url"), 640, 400)
    (kept,) = (mortal.folder / "data" / "uploads").rglob("photo.jpg")
    kept.unlink()
    kie.reload()
    note = form.field("image_url").get_by_role("alert")
    expect(note).to_contain_text("gone: choose it again")
    expect(form.preview("image_url")).to_have_count(0)
