from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.pages import GROK, V1_LITE, KiePage, Watch


def test_runs_go_on_beside_each_other(kie: KiePage) -> None:
    """Two of one tab and one of the other: none waits for another, none is cancelled."""
    grok = kie.form(GROK)
    first = grok.press("[stuck] first")
    second = grok.press("[stuck] second")
    v1_lite = kie.form(V1_LITE)
    third = v1_lite.press("[stuck] third")
    expect(third.status).to_have_text("Generating")
    expect(v1_lite.cards).to_have_count(1)
    kie.form(GROK)
    for card in (first, second):
        expect(card.status).to_have_text("Generating")
    expect(grok.cards.first).to_contain_text("second")
    expect(third.node).to_be_hidden()


def test_control_and_enter_generate_what_was_just_typed(kie: KiePage) -> None:
    """From within the text, whose last word counts."""
    form = kie.form(GROK)
    form.prompt.fill("[stuck] by")
    form.prompt.press("End")
    form.prompt.press_sequentially(" key")
    form.prompt.press("Control+Enter")
    expect(form.card("[stuck] by key").node).to_be_visible()
    expect(form.prompt).to_have_value("[stuck] by key")
    expect(form.cards).to_have_count(1)


def test_a_card_tells_all_there_is_to_know_of_a_run(kie: KiePage) -> None:
    """Its clock ticks, its task id can be copied, its request and answer can be read."""
    kie.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    form = kie.form(GROK)
    card = form.press("[stuck] so that it can be read")
    shown_first = card.clock.inner_text()
    expect(card.status).to_have_text("Generating")
    expect(card.node.get_by_text("safe to close this page")).to_have_css("clip-path", "none")
    expect(card.clock).not_to_have_text(shown_first)
    expect(card.clock).to_have_text(re.compile(r"00:\d\d"))

    task_id = card.node.locator("dd code").inner_text()
    card.node.get_by_role("button", name="Copy the task id").click()
    expect(card.node.get_by_text("Copied")).to_be_visible()
    assert kie.page.evaluate("() => navigator.clipboard.readText()") == task_id

    wire = card.open_wire()
    expect(wire).to_contain_text('"model": "grok-imagine/image-to-video"')
    expect(wire).to_contain_text(f'"taskId": "{task_id}"')
    expect(wire).to_contain_text('"state": "generating"')


def test_after_a_refresh_running_and_ended_runs_are_there_again(kie: KiePage) -> None:
    """In their order and with all they say; the form is as it was left."""
    form = kie.form(V1_LITE)
    failing = form.press("[fail] on demand")
    expect(failing.status).to_have_text("Failed")
    expect(failing.node.get_by_role("alert")).to_contain_text("as [fail] in the prompt asked for")
    running = form.press("[stuck] for ever")
    expect(running.status).to_have_text("Generating")
    kie.open()
    kie.form(V1_LITE)
    expect(running.status).to_have_text("Generating")
    expect(failing.status).to_have_text("Failed")
    expect(failing.node.get_by_role("alert")).to_contain_text("as [fail] in the prompt asked for")
    expect(form.cards.first).to_contain_text("for ever")
    expect(form.prompt).to_have_value("[stuck] for ever")


def test_what_people_and_services_write_is_shown_as_text(kie: KiePage) -> None:
    """A prompt can hold markup, and it stays a prompt; also after a refresh."""
    hostile = '<img src=x onerror="document.title=1"> [fail] <b>bold</b>'
    form = kie.form(V1_LITE)
    card = form.press(hostile)
    expect(card.status).to_have_text("Failed")
    card.open_wire()
    assert card.node.locator("b, img[src=x]").count() == 0
    expect(kie.page).to_have_title("Kie UI")


def test_a_press_that_never_reached_the_server_is_told_as_not_sent(
    kie: KiePage, watch: Watch
) -> None:
    """Nothing spins for ever, and the form is as it was."""
    form = kie.form(GROK)
    form.prompt.fill("[stuck] lost on the way")
    watch.settle(kie.page)
    watch.expects("ERR_FAILED", "/kie-ui/forms/press")
    kie.page.route("**/kie-ui/forms/press", lambda route: route.abort(), times=1)
    form.generate.click()
    stand_in = form.runs.locator(".kie-stand-in")
    expect(stand_in).to_contain_text("Not sent: press again", timeout=30_000)
    expect(form.prompt).to_have_value("[stuck] lost on the way")
    form.generate.click()
    expect(form.card("[stuck] lost on the way").node).to_be_visible()
    expect(stand_in).to_have_count(0)


def test_an_example_is_filled_in_and_gives_way_to_its_run(kie: KiePage) -> None:
    """A press takes over its picture and its settings, which can be undone; Generate sends them."""
    form = kie.form(GROK)
    default = form.prompt.input_value()
    example = form.runs.get_by_role("button", name="Balloons at sunset")
    expect(example).to_contain_text("10 s · 480p · fun")
    expect(example).to_contain_text("about 24 credits")
    example.click()
    expect(form.prompt).to_have_value(re.compile("^The striped balloon"))
    expect(form.prompt).to_be_focused()
    expect(form.preview("image_urls")).to_have_js_property("naturalHeight", 960)
    expect(form.price).to_have_text(re.compile("^about 24 credits"))
    notice = kie.page.locator(".kie-notice")
    expect(notice).to_contain_text("Filled in from the example “Balloons at sunset”.")
    notice.get_by_role("button", name="Undo").click()
    expect(form.prompt).to_have_value(default)
    example.click()
    expect(form.prompt).to_have_value(re.compile("^The striped balloon"))
    form.press("[stuck] in the air")
    expect(example).to_be_hidden()
    kie.reload()
    expect(form.card("[stuck] in the air").node).to_be_visible()
    expect(example).to_be_hidden()
