from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Frame, Locator, Page, expect

from tests.browser.pages import GROK, V1_LITE, KiePage, ModelForm, Watch
from tests.browser.past import Past
from tests.wire.app_process import AppProcess, with_fast_clock

SPACES = "https://huggingface.co"
SOMEONE = "https://someone.test"

_NOTE_VIOLATIONS = """window.violations = [];
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  violations.push(`${effectiveDirective}: ${blockedURI} ${sample}`));"""
_VIOLATE = """() => new Promise((resolve) => {
  addEventListener("securitypolicyviolation", resolve, { once: true });
  fetch("https://someone.test/").catch(() => {});
})"""
_VIOLATIONS = "() => violations"


def play(video: Locator) -> None:
    """Play a clip until it has really begun."""
    video.evaluate("(video) => video.play()")
    expect(video).not_to_have_js_property("currentTime", 0)


def test_the_page_does_nothing_that_its_own_policy_forbids(
    past: Past, unopened: KiePage, watch: Watch
) -> None:
    """From the first view to a clip that plays, in every part of it."""
    page = unopened.page
    page.add_init_script(_NOTE_VIOLATIONS)
    past.make("a clip of yesterday")
    unopened.open()
    form = unopened.form(V1_LITE)
    play(form.card("a clip of yesterday").video)
    form.open_code()
    form.root.get_by_role("tab", name="curl").click()
    form.press("[stuck] under the policy").open_wire()
    unopened.mode.click()
    expect(unopened.key).to_be_visible()
    page.keyboard.press("Escape")
    unopened.open_tab("History")
    page.get_by_role("link", name="Open: a clip of yesterday").click()
    play(page.get_by_role("dialog").locator("video"))
    assert page.evaluate(_VIOLATIONS) == []
    watch.expects("Connecting to 'https://someone.test/' violates")
    watch.expects("Fetch API cannot load https://someone.test/.")
    page.evaluate(_VIOLATE)
    assert page.evaluate(_VIOLATIONS) == ["connect-src: https://someone.test/ "]


@pytest.fixture(scope="module")
def space(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the program as a Space does."""
    settings = {"SPACE_ID": "someone/kie-ui", "KIE_UI_SIMULATOR_SPEED": "20"}
    with AppProcess(tmp_path_factory.mktemp("space"), with_fast_clock(5), **settings) as program:
        yield program.url


@pytest.fixture
def window(context: BrowserContext) -> Page:
    """Give an empty window, whose pages of other sites may show what is on this computer."""
    context.grant_permissions(["local-network-access"])
    return context.new_page()


def frame(window: Page, site: str, address: str) -> Frame:
    """Open a page of another site that shows an address in a frame."""
    body = f'<iframe src="{address}/" width="1200" height="800"></iframe>'
    window.route(f"{site}/", lambda route: route.fulfill(content_type="text/html", body=body))
    window.goto(f"{site}/")
    _, framed = window.frames
    return framed


def expect_refused(window: Page, site: str, address: str) -> None:
    """Expect that the browser shows nothing of an address within a page of another site."""
    with window.expect_console_message(lambda message: "frame-ancestors" in message.text):
        framed = frame(window, site, address)
    assert framed.locator(".kie-mode").count() == 0


def test_the_page_of_a_space_works_in_the_frame_that_shows_it(window: Page, space: str) -> None:
    """A visitor is known again there, where browsers withhold cookies by default."""
    form = ModelForm(frame(window, SPACES, space), GROK)
    expect(form.press("[fail] in a frame").status).to_have_text("Failed")
    form = ModelForm(frame(window, SPACES, space), GROK)
    expect(form.card("[fail] in a frame").status).to_have_text("Failed")


def test_no_other_site_may_frame_a_space(window: Page, space: str) -> None:
    """So that nobody is led to press what they do not see."""
    expect_refused(window, SOMEONE, space)


def test_nobody_may_frame_the_page_anywhere_else(window: Page, app: str) -> None:
    """Neither the site of Spaces nor another."""
    expect_refused(window, SPACES, app)
