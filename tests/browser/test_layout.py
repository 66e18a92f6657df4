from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.pages import GROK, V1_LITE, KiePage, ModelForm

_WHERE_FOCUS_IS_UNSEEN = """() => {
  const node = document.activeElement;
  const shows = (part) => {
    const style = getComputedStyle(part);
    const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return isOutlined || style.boxShadow !== "none";
  };
  const isSeen = [node, node.closest("label")].some((part) => part && shows(part));
  return isSeen ? "" : node.outerHTML.slice(0, 200);
}"""
LINES_APPEAR = """() => document.querySelectorAll(".kie-press .kie-outage").forEach((line) => {
  line.textContent = "Something is to be said here. ".repeat(20);
})"""
_IS_FOCUSED = "(node) => node === document.activeElement"
LONG = f"[stuck] {'a-very-long-word' * 20}"
MAX_TABS = 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_reaches_beyond_the_edge(kie: KiePage, scheme: Literal["light", "dark"]) -> None:
    """Wide or narrow, light or dark, with every fold open and runs on the page."""
    kie.page.emulate_media(color_scheme=scheme)
    kie.open()
    is_dark = kie.page.evaluate("() => document.body.classList.contains('dark')")
    assert is_dark == (scheme == "dark")
    cards = {title: kie.form(title).press(LONG) for title in (GROK, V1_LITE)}
    for title, card in cards.items():
        form = kie.form(title)
        expect(card.status).to_have_text("Generating")
        card.open_wire()
        form.open_code()
        for width in (1280, 768, 390):
            kie.page.set_viewport_size({"width": width, "height": 844})
            assert kie.overflowing() == []
            scrolls = "() => document.documentElement.scrollWidth > innerWidth"
            assert not kie.page.evaluate(scrolls)
        kie.page.set_viewport_size({"width": 1280, "height": 900})


def test_the_press_is_reached_and_seen_by_keyboard(kie: KiePage) -> None:
    """Every stop on the way shows where it is; Enter then generates."""
    form = kie.form(GROK)
    form.prompt.fill("[stuck] by keyboard")
    form.prompt.focus()
    for _ in range(MAX_TABS):
        kie.page.keyboard.press("Tab")
        assert kie.page.evaluate(_WHERE_FOCUS_IS_UNSEEN) == ""
        if form.generate.evaluate(_IS_FOCUSED):
            break
    expect(form.generate).to_be_focused()
    kie.page.keyboard.press("Enter")
    expect(form.card("[stuck] by keyboard").node).to_be_visible()


def test_tabs_are_changed_by_keyboard(kie: KiePage) -> None:
    """With the focus in sight."""
    kie.page.get_by_role("tab", name=GROK, exact=True).focus()
    kie.page.keyboard.press("Tab")
    assert kie.page.evaluate(_WHERE_FOCUS_IS_UNSEEN) == ""
    kie.page.keyboard.press("Enter")
    expect(kie.page.get_by_role("tab", name=V1_LITE, exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    expect(kie.form(V1_LITE).prompt).to_be_visible()


def test_a_press_far_down_in_the_form_shows_what_came_of_it(kie: KiePage) -> None:
    """The new run, or the error; also the same error once more."""
    kie.page.set_viewport_size({"width": 1280, "height": 500})
    form = kie.form(V1_LITE)
    for number in range(2):
        form.prompt.fill(f"run {number}")
        form.open_code() if number == 0 else None
        form.root.get_by_role("tab", name="JSON").scroll_into_view_if_needed()
        form.generate.click()
        expect(form.card(f"run {number}").node.locator(".kie-status")).to_be_in_viewport()
    form.prompt.fill(" ")
    for _ in range(2):
        form.root.get_by_role("tab", name="JSON").scroll_into_view_if_needed()
        kie.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        form.generate.click()
        expect(form.field("prompt").get_by_role("alert")).to_be_in_viewport()
        expect(form.prompt).to_be_in_viewport()
        kie.page.wait_for_timeout(1_000)
        expect(form.field("prompt").get_by_role("alert")).to_be_in_viewport()


def test_a_button_that_moves_away_under_a_press_is_pressed_all_the_same(kie: KiePage) -> None:
    """As when a line appears above it; who moves away by hand has thought better of it."""
    form = kie.form(GROK)
    form.prompt.fill("moved away")
    press_while(kie, form, LINES_APPEAR)
    expect(form.card("moved away").node).to_be_visible()
    expect(form.cards).to_have_count(1)
    press_while(kie, form, "() => {}", then_move_px=200)
    press_while(kie, form, "() => {}")
    expect(form.cards).to_have_count(2)


def press_while(kie: KiePage, form: ModelForm, happens: str, then_move_px: float = 0) -> None:
    """Press Generate; something happens before the button is let go."""
    form.generate.hover()
    box = form.generate.bounding_box()
    assert box is not None
    kie.page.mouse.down()
    kie.page.evaluate(happens)
    kie.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - then_move_px)
    kie.page.mouse.up()


def test_on_a_telephone_the_press_stays_in_sight(kie: KiePage) -> None:
    """However far one has scrolled in the form."""
    kie.page.set_viewport_size({"width": 390, "height": 844})
    form = kie.form(V1_LITE)
    expect(form.generate).to_be_in_viewport()
    form.field("seed").scroll_into_view_if_needed()
    expect(form.generate).to_be_in_viewport()
