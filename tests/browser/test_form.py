from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.pages import GROK, V1_LITE, KiePage


def test_price_counter_and_code_follow_the_form(kie: KiePage) -> None:
    """While typing, without a press."""
    form = kie.form(V1_LITE)
    form.open_code()
    expect(form.price).to_contain_text("22.5 credits ($0.11)")
    form.choose("resolution", "1080p")
    form.pick("duration", "12")
    expect(form.price).to_contain_text("120 credits ($0.60)")
    form.prompt.fill("🙂 She waves.")
    expect(form.field("prompt").locator(".kie-counter span")).to_have_text("12 / 10,000 characters")
    form.expect_body(prompt="🙂 She waves.", resolution="1080p", duration="12")
    curl = form.root.get_by_role("tab", name="curl")
    curl.click()
    expect(form.root.get_by_text("/api/v1/jobs/createTask").first).to_be_visible()
    form.choose("resolution", "480p")
    expect(form.root.get_by_label("curl", exact=True)).to_contain_text("480p")
    expect(curl).to_have_attribute("aria-selected", "true")


def test_errors_stand_at_their_fields_until_they_are_mended(kie: KiePage) -> None:
    """All at once; nothing that was typed is lost, and no run is made."""
    form = kie.form(V1_LITE)
    prompt, picture = form.field("prompt"), form.field("image_url")
    form.choose("resolution", "480p")
    form.prompt.fill("")
    picture.get_by_role("button", name="Remove Image").click()
    form.generate.click()
    expect(prompt.get_by_role("alert")).to_contain_text("Prompt is missing")
    expect(picture.get_by_role("alert")).to_contain_text("Picture (image_url) is missing")
    expect(form.prompt).to_have_attribute("aria-invalid", "true")
    expect(form.field("resolution").get_by_label("480p")).to_be_checked()
    expect(form.cards).to_have_count(0)
    refusal = form.root.locator(".kie-outage")
    expect(refusal).to_have_text("Not sent: 2 fields need another look.")

    form.prompt.fill("She waves.")
    expect(prompt.get_by_role("alert")).to_have_count(0)
    expect(form.prompt).not_to_have_attribute("aria-invalid", "true")
    expect(picture.get_by_role("alert")).to_be_visible()
    form.root.get_by_role("button", name="Start over").click()
    expect(picture.get_by_role("alert")).to_have_count(0)
    expect(refusal).to_be_empty()


def test_spicy_with_an_own_picture_is_told_before_the_press(kie: KiePage) -> None:
    """And with an image task, one of which the demo offers, it is what it says."""
    form = kie.form(GROK)
    form.open_code()
    form.choose("mode", "spicy")
    expect(form.field("mode").get_by_role("status")).to_contain_text("normal mode")
    form.root.get_by_text("An earlier Grok image task", exact=True).click()
    expect(form.field("mode").get_by_role("status")).to_have_count(0)
    expect(form.field("image_urls")).to_be_hidden()
    form.field("task_id").get_by_role("button", name=re.compile("sample-grok-b")).click()
    expect(form.field("task_id").get_by_role("textbox")).to_have_value("sample-grok-b")
    form.field("index").get_by_role("spinbutton").fill("4")
    form.expect_body(task_id="sample-grok-b", index=4, mode="spicy", image_urls=None)

    form.root.get_by_text("A picture", exact=True).click()
    expect(form.preview("image_urls")).to_be_visible()
    form.expect_body(task_id=None, index=None, mode="normal")


def test_a_seed_is_random_until_one_is_chosen(kie: KiePage) -> None:
    """The switch says so, and the slider rests meanwhile."""
    form = kie.form(V1_LITE)
    form.open_code()
    seed = form.field("seed")
    number = seed.get_by_role("spinbutton")
    expect(number).to_be_disabled()
    form.expect_body(seed=-1)
    seed.get_by_label("Random seed").uncheck()
    number.fill("42")
    form.expect_body(seed=42)
    seed.get_by_label("Random seed").check()
    form.expect_body(seed=-1)
